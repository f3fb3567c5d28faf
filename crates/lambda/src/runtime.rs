//! Receives invocations from Lambda's Runtime API with AWS's own library.
//!
//! Never: lets the library parse the payload. A payload that is not JSON must be parked with its bytes, not rejected.

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use lambda_runtime::{Diagnostic, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;
use portend_core::time::Timestamp;
use serde_json::json;
use tower::util::MapRequestLayer;

use crate::handler::{HandedBack, Handler};

/// A payload as received. The library accepts only JSON, so the payload is passed through it as a list of its bytes.
type Payload = Vec<u8>;

/// Runs until the Runtime API ends.
pub(crate) async fn run(handler: Handler) -> Result<()> {
    let handler = Arc::new(handler);
    let invoke = service_fn(move |event: LambdaEvent<Payload>| {
        let handler = Arc::clone(&handler);
        async move {
            let LambdaEvent { payload, context } = event;
            let deadline = Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX));
            handler.invoke(&payload, &context.request_id, deadline).await.map_err(Unfinished)
        }
    });
    let runtime = Runtime::new(invoke).layer(MapRequestLayer::new(as_list_of_bytes));
    runtime.run().await.map_err(|error| anyhow!("Lambda's Runtime API cannot be reached: {error}"))
}

/// Reports to Lambda why the function cannot start. Lambda shows the report in place of an exit code.
pub(crate) async fn cannot_start(error: &anyhow::Error) {
    let body = json!({ "errorType": "settings", "errorMessage": format!("{error:#}") }).to_string();
    let request = http::Request::post("/2018-06-01/runtime/init/error")
        .header("Lambda-Runtime-Function-Error-Type", "settings")
        .body(Body::from(body));
    if let Ok(request) = request {
        // If this fails, the error is still in the log.
        let _ = PooledClient::builder().build().call(request).await;
    }
}

fn as_list_of_bytes(mut invocation: LambdaInvocation) -> LambdaInvocation {
    // A list of small numbers is always JSON.
    invocation.body = serde_json::to_vec(&*invocation.body).unwrap_or_default().into();
    invocation
}

/// The error of an invocation that must be repeated, in the form that Lambda reports.
struct Unfinished(HandedBack);

impl From<Unfinished> for Diagnostic {
    fn from(Unfinished(HandedBack { code, message }): Unfinished) -> Self {
        Self { error_type: code.to_owned(), error_message: message }
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code)
    }
}
