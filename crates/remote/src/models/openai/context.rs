//! The size of a local server's context, where the server says it.
//!
//! There is no common way to ask: llama.cpp has it in `/props`, next to `/v1`, and others in the list of their models. So
//! only servers are asked that are known to answer, by a header of their responses.
//!
//! Never: asks a server that is not on this machine, or fails because a server does not say it.

use std::sync::atomic::Ordering;

use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use serde_json::Value;

use super::OpenAi;
use crate::limits::{BODY_BYTES_MAX, CONTEXT_TIME_MAX};
use crate::network::{self, Bounds};
use crate::response::Response;

/// The `server` headers of llama.cpp, and of the Python servers such as vLLM and llama-cpp-python.
const SERVERS: [&str; 2] = ["llama.cpp", "uvicorn"];
/// The keys of a model's entry in a list of models: vLLM, LM Studio, and others.
const OF_A_MODEL: [&str; 5] =
    ["/meta/n_ctx", "/max_model_len", "/loaded_context_length", "/context_length", "/context_window"];
/// The keys in llama.cpp's properties, of one request at a time.
const OF_A_SERVER: [&str; 2] = ["/default_generation_settings/n_ctx", "/n_ctx"];

impl OpenAi {
    /// Notes which server a response is from.
    pub(super) fn note_server(&self, response: &Response) {
        let server = response.headers.get("server").unwrap_or_default();
        if self.is_loopback && SERVERS.iter().any(|each| server.starts_with(each)) {
            self.says_context.store(true, Ordering::Relaxed);
        }
    }

    /// The tokens of prompt and reply together that the server has room for. `None` if it is not on this machine, has not
    /// responded yet, or does not say it.
    pub async fn context_tokens(&self) -> Option<u64> {
        if !self.says_context.load(Ordering::Relaxed) {
            return None;
        }
        let base = self.spec.endpoint.as_str();
        let root = base.strip_suffix("/v1").unwrap_or(base);
        let properties = self.get(&format!("{root}/props")).await;
        if let Some(tokens) = properties.and_then(|properties| number(&properties, &OF_A_SERVER)) {
            return Some(tokens);
        }
        let list = self.get(&format!("{base}/models")).await?;
        let models = list.get("data")?.as_array()?;
        let is_own = |model: &&Value| model["id"] == self.spec.model_id;
        let only = models.first().filter(|_| models.len() == 1);
        number(models.iter().find(is_own).or(only)?, &OF_A_MODEL)
    }

    async fn get(&self, url: &str) -> Option<Value> {
        let mut request =
            Request::get(url).header(ACCEPT, "application/json").header(USER_AGENT, network::USER_AGENT);
        if let Some(key) = self.key.current().await.ok().flatten() {
            request = request.header(AUTHORIZATION, key.bearer()?);
        }
        let bounds = Bounds { time: None, bytes: BODY_BYTES_MAX };
        let exchange = self.connections.exchange(request.body(String::new()).ok()?, bounds);
        let response = tokio::time::timeout(CONTEXT_TIME_MAX, exchange).await.ok()?.ok()?;
        response.json().ok().filter(|_| response.is_success())
    }
}

/// The first of these that is a number above 0.
fn number(value: &Value, pointers: &[&str]) -> Option<u64> {
    pointers.iter().find_map(|pointer| value.pointer(pointer)?.as_u64().filter(|tokens| *tokens > 0))
}
