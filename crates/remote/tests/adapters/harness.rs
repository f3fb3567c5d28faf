//! One question, asked of any adapter, with an eye on the keys.
//!
//! Takes: the kind of adapter and the scripts of its server.
//! Gives: what came of it, and the requests that were made.
//! Never: lets a canary pass: a key that shows anywhere but in the header `authorization` fails the test.

use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use portend_core::model::{
    Call, Completion, ConfigurationFault, FinishReason, Message, Model, ModelError, Role,
};
use portend_remote::secret::{KeySource, Secret};
use portend_remote::settings::{BedrockSettings, OpenAiSettings};
use portend_remote::{AnyModel, Aws};
use serde_json::{Value, json};

use portend_testing::http::{Request, Script, Server};

/// The key that must not show.
pub(crate) const CANARY: &str = "sk-canary-4f9d";

/// An adapter, as a test wants it.
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
    /// The model at an address.
    pub(crate) fn model(self, url: &str) -> AnyModel {
        let given = KeySource::Given(Secret::new(CANARY));
        let model = match self {
            Self::Bedrock => {
                let settings = BedrockSettings { name: "bedrock".to_owned(), model_id: None };
                return AnyModel::bedrock(settings, aws(url)).expect("right settings");
            }
            Self::Vendor => openai(url, given, true, None),
            Self::Compatible => openai(url, given, false, Some("llama3.2")),
        };
        AnyModel::openai(model).expect("right settings")
    }

    /// A response that says `text` and ends as it should.
    pub(crate) fn says(self, text: &str) -> Value {
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

    /// What the adapter makes of [`Self::says`].
    pub(crate) fn said(self, text: &str) -> Completion {
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
            input_tokens: Some(612),
            output_tokens: Some(188),
        }
    }

    /// Asks once, of a server with one script, and looks that one request was made.
    pub(crate) async fn ask(self, script: Script) -> (Result<Completion, ModelError>, Request) {
        let server = Server::start([script]);
        let asked = ask(&self.model(&server.url())).await;
        let mut requests = server.requests();
        assert_eq!(requests.len(), 1, "{self:?} makes one request for one question");
        check(&requests);
        (asked, requests.remove(0))
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
    Aws::given(config)
}

/// The reply's schema, natively.
pub(crate) fn schema() -> Value {
    json!({ "type": "object", "properties": { "risk_score": { "type": "number" } }, "additionalProperties": false })
}

/// Asks once, with a schema.
pub(crate) async fn ask(model: &AnyModel) -> Result<Completion, ModelError> {
    ask_with(model, Some(&schema())).await
}

/// Asks once.
pub(crate) async fn ask_with(model: &AnyModel, schema: Option<&Value>) -> Result<Completion, ModelError> {
    let messages = [Message { role: Role::User, text: r#"{"ib_calls_14d": 5}"#.to_owned() }];
    let call = Call { system: "the rules", messages: &messages, schema, output_tokens: 1000 };
    let asked = model.ask(&call).await;
    let shown = match &asked {
        Ok(completion) => format!("{completion:?} {model:?}"),
        Err(error) => format!("{error:?} {error} {model:?} {}", error.code()),
    };
    assert!(!shown.contains("canary"), "{shown}");
    asked
}

/// Looks that no request shows a key, and that the key is where it belongs.
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

/// Waits for a condition.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within(met).await.unwrap_or_else(|| panic!("never: {what}"));
}

/// The outcome, if it comes at all.
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
