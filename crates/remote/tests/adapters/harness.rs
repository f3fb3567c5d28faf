//! Calls any adapter once against a scripted server, and returns the result and the requests.
//!
//! Never: accepts a leaked key. A key anywhere but in the header `authorization` fails the test.

use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use portend_core::model::{
    Call, Completion, ConfigurationFault, FinishReason, Message, Model, ModelError, Role, TokenUse,
};
use portend_remote::secret::{KeySource, Secret};
use portend_remote::settings::{BedrockSettings, ModelTuning, OpenAiSettings};
use portend_remote::{AnyModel, Aws};
use serde_json::{Value, json};

use portend_testing::http::{Request, Script, Server};

/// The key that must not appear anywhere.
pub(crate) const CANARY: &str = "sk-canary-4f9d";

/// The kind of adapter to test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bedrock,
    /// OpenAI itself, by the Responses API.
    Vendor,
    /// A compatible endpoint, by Chat Completions.
    Compatible,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Bedrock, Kind::Vendor, Kind::Compatible];

impl Kind {
    /// A model at this URL.
    pub(crate) fn model(self, url: &str) -> AnyModel {
        let key = KeySource::Given(Secret::new(CANARY));
        let model = match self {
            Self::Bedrock => {
                let settings = BedrockSettings {
                    name: "bedrock".to_owned(),
                    model_id: None,
                    tuning: ModelTuning::default(),
                };
                return AnyModel::bedrock(settings, aws(url)).expect("valid settings");
            }
            Self::Vendor => openai(url, key, true, None),
            Self::Compatible => openai(url, key, false, Some("llama3.2")),
        };
        AnyModel::openai(model).expect("valid settings")
    }

    /// The body of a finished response with this text.
    pub(crate) fn response(self, text: &str) -> Value {
        match self {
            Self::Bedrock => json!({
                "output": { "message": { "role": "assistant", "content": [{ "text": text }] } },
                "stopReason": "end_turn",
                "usage": { "inputTokens": 612, "outputTokens": 188, "totalTokens": 800 },
                "metrics": { "latencyMs": 812 },
            }),
            Self::Vendor => json!({
                "id": "resp_1", "object": "response", "status": "completed", "error": null, "model": "gpt-6-luna-2026-09-22",
                "output": [{
                    "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": text }],
                }],
                "usage": { "input_tokens": 612, "output_tokens": 188 },
            }),
            Self::Compatible => json!({
                "id": "chatcmpl-1", "object": "chat.completion", "model": "llama3.2",
                "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
                "usage": { "prompt_tokens": 612, "completion_tokens": 188 },
            }),
        }
    }

    /// The completion that the adapter reads from [`Self::response`].
    pub(crate) fn completion(self, text: &str) -> Completion {
        let model_id = match self {
            Self::Bedrock => None,
            Self::Vendor => Some("gpt-6-luna-2026-09-22".to_owned()),
            Self::Compatible => Some("llama3.2".to_owned()),
        };
        let text = text.to_owned();
        Completion {
            text,
            finish: FinishReason::End,
            model_id,
            tokens: TokenUse { input: Some(612), output: Some(188), ..TokenUse::default() },
        }
    }

    /// Calls a model on a server with one script, and checks that the model sends one request.
    pub(crate) async fn ask(self, script: Script) -> (Result<Completion, ModelError>, Request) {
        let server = Server::start([script]);
        let result = ask(&self.model(&server.url())).await;
        let mut requests = server.requests();
        assert_eq!(requests.len(), 1, "{self:?} sends one request for one call");
        check(&requests);
        (result, requests.remove(0))
    }
}

/// The settings of a model at OpenAI or a compatible endpoint.
pub(crate) fn openai(url: &str, key: KeySource, vendor: bool, model_id: Option<&str>) -> OpenAiSettings {
    OpenAiSettings {
        name: "openai".to_owned(),
        model_id: model_id.map(str::to_owned),
        base_url: Some(format!("{url}/v1")),
        key,
        vendor,
        tuning: ModelTuning::default(),
    }
}

pub(crate) fn aws(url: &str) -> Aws {
    let credentials = Credentials::new("AKIACANARY", CANARY, None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Aws::with_config(config)
}

/// A native schema of the reply.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "properties": { "risk_score": { "type": "number" } }, "additionalProperties": false })
}

/// Calls a model once, with a schema.
pub(crate) async fn ask(model: &AnyModel) -> Result<Completion, ModelError> {
    ask_with(model, Some(&schema())).await
}

/// Calls a model once.
pub(crate) async fn ask_with(model: &AnyModel, schema: Option<&Value>) -> Result<Completion, ModelError> {
    let messages = [Message { role: Role::User, text: r#"{"ib_calls_14d": 5}"#.to_owned() }];
    let call = Call { system: "the rules", messages: &messages, schema, output_tokens: 1000 };
    let result = model.ask(&call).await;
    let shown = match &result {
        Ok(completion) => format!("{completion:?} {model:?}"),
        Err(error) => format!("{error:?} {error} {model:?} {}", error.code()),
    };
    assert!(!shown.contains("canary"), "{shown}");
    result
}

/// Checks that no request contains a key, except in the header `authorization`.
pub(crate) fn check(requests: &[Request]) {
    for request in requests {
        assert!(!request.shows("canary"), "{request:?}");
        let authorization = request.header("authorization").unwrap_or_default();
        assert!(
            !authorization.contains(CANARY) || authorization == format!("Bearer {CANARY}"),
            "{authorization}"
        );
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within(holds).await.unwrap_or_else(|| panic!("{what} did not happen in time"));
}

/// The future's output, or `None` after 20 seconds.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_secs(20), future).await.ok()
}

pub(crate) fn configuration(fault: ConfigurationFault) -> ModelError {
    ModelError::Configuration { fault }
}

pub(crate) fn refused(what: &str) -> ModelError {
    configuration(ConfigurationFault::Refused(what.to_owned()))
}

pub(crate) fn unavailable(what: &str) -> ModelError {
    ModelError::Unavailable { what: what.to_owned() }
}

pub(crate) fn rejected(what: &str) -> ModelError {
    ModelError::Rejected { what: what.to_owned() }
}

pub(crate) fn unreadable(what: &str) -> ModelError {
    ModelError::Unreadable { what: what.to_owned() }
}

pub(crate) fn unreachable(what: &str) -> ModelError {
    ModelError::Unreachable { what: what.to_owned() }
}

pub(crate) fn throttled(millis: Option<u64>) -> ModelError {
    ModelError::Throttled { retry_after: millis.map(Duration::from_millis) }
}
