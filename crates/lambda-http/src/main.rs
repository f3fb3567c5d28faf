//! `portend-http`: the API, the original dashboard's API and the console as an AWS Lambda function, on the same table as
//! the function that judges alerts.
//!
//! Never: judges an event. It reads, and if it may, it stores feedback, and sends parked events to the other function.

mod reader;
mod config;
mod payload;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use portend_http::{HttpApp, router};

use config::Config;
use payload::{HttpPayload, PayloadResponse};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            config::stopped(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the function's runtime")?.block_on(async {
        let (engine, access) = Config::read(config::variable)?.parts().await?;
        let routes = router(Arc::new(HttpApp::new(engine, access)));
        let invoke = service_fn(move |event: LambdaEvent<HttpPayload>| {
            let routes = routes.clone();
            async move { Ok::<PayloadResponse, Error>(payload::answer(routes, event.payload).await) }
        });
        lambda_runtime::run(invoke)
            .await
            .map_err(|error| anyhow!("Lambda's Runtime API cannot be reached: {error}"))
    })
}
