//! A Runtime API for tests: passes payloads to the function, and returns its responses.
//!
//! Never: starts an invocation before the function has responded to the previous one, as in Lambda.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::http::{Request, Script, Server};

/// Longer than any response takes.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The result of an invocation: the response, or the error's type and message.
pub type InvocationResult = Result<Value, (String, String)>;

#[derive(Debug, Default)]
struct ApiState {
    waiting: VecDeque<(String, Vec<u8>, u64)>,
    results: HashMap<String, InvocationResult>,
    invocations: usize,
    init_error: Option<String>,
    stopped: bool,
}

/// The API for one function's process.
pub struct RuntimeApi {
    server: Server,
    state: Arc<(Mutex<ApiState>, Condvar)>,
}

impl RuntimeApi {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let state: Arc<(Mutex<ApiState>, Condvar)> = Arc::default();
        let shared = Arc::clone(&state);
        let server = Server::answering(move |request| respond(&shared, request));
        Self { server, state }
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.server.url().replace("http://", "")
    }

    /// Invokes the function, and waits for its response.
    pub fn invoke(&self, payload: &[u8], time: Duration) -> InvocationResult {
        let (state, changed) = &*self.state;
        let mut locked = lock(state);
        locked.invocations += 1;
        let id = format!("request-{}", locked.invocations);
        locked.waiting.push_back((id.clone(), payload.to_vec(), now_millis() + millis(time)));
        changed.notify_all();
        let (mut locked, timeout) = changed
            .wait_timeout_while(locked, WAIT_MAX, |state| !state.results.contains_key(&id) && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "the function does not respond");
        locked.results.remove(&id).expect("the function runs until it has responded")
    }

    /// The error that the function reported because it could not start.
    pub fn init_error(&self) -> Option<String> {
        lock(&self.state.0).init_error.clone()
    }

    /// Wakes all waiting callers, because the function's process has ended.
    pub fn stop(&self) {
        let (state, changed) = &*self.state;
        lock(state).stopped = true;
        changed.notify_all();
    }
}

#[expect(clippy::disallowed_methods, reason = "Lambda's deadline is by the machine's clock")]
fn now_millis() -> u64 {
    millis(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("a few minutes")
}

fn respond(shared: &(Mutex<ApiState>, Condvar), request: &Request) -> Script {
    let (state, changed) = shared;
    if request.path == "/2018-06-01/runtime/init/error" {
        let body: Value = serde_json::from_str(&request.body).expect("the error is JSON");
        lock(state).init_error = body["errorMessage"].as_str().map(str::to_owned);
        return Script::answer(202, "{}");
    }
    let parts: Vec<&str> =
        request.path.trim_start_matches("/2018-06-01/runtime/invocation/").split('/').collect();
    match parts.as_slice() {
        ["next"] => {
            let locked = changed
                .wait_while(lock(state), |state| state.waiting.is_empty() && !state.stopped)
                .unwrap_or_else(PoisonError::into_inner);
            let mut locked = locked;
            let Some((id, payload, deadline)) = locked.waiting.pop_front() else { return Script::close() };
            Script::answer(200, payload)
                .header("lambda-runtime-aws-request-id", id)
                .header("lambda-runtime-deadline-ms", deadline.to_string())
                .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:1:function:portend")
        }
        [id, kind @ ("response" | "error")] => {
            let body: Value = serde_json::from_str(&request.body).expect("the response is JSON");
            let text = |name: &str| body[name].as_str().expect("a text").to_owned();
            let result =
                if *kind == "response" { Ok(body) } else { Err((text("errorType"), text("errorMessage"))) };
            lock(state).results.insert((*id).to_owned(), result);
            changed.notify_all();
            Script::answer(202, "{}")
        }
        _ => Script::answer(404, "{}"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
