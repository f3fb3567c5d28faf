//! `portend-lambda`: Portend as an AWS Lambda function. It receives events from EventBridge, directly or through SQS,
//! stores an insight for each alert in the table, and publishes it on the bus.

mod config;
mod log;
mod metrics;
mod handler;
mod runtime;

use std::process::ExitCode;

use anyhow::{Context, Result};

use config::Config;
use handler::Handler;

fn main() -> ExitCode {
    log::hide_panics();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::stopped(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the function's runtime")?.block_on(async {
        config::is_in_lambda()?;
        match start().await {
            // The future contains the handler, which is large.
            Ok(handler) => Box::pin(runtime::run(handler)).await,
            Err(error) => {
                runtime::cannot_start(&error).await;
                Err(error)
            }
        }
    })
}

async fn start() -> Result<Handler> {
    let handler = Handler::new(Config::read(config::variable)?).await?;
    log::start();
    Ok(handler)
}
