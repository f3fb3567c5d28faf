//! Calls a model at OpenAI by the Responses API, or at a compatible endpoint by Chat Completions. `failure.rs` defines
//! the meaning of each failure.
//!
//! Never: sends the key except in one header to the configured host; retries, except once with a new key, or while a
//! server on this machine loads its model; or sends anything before the first call.

mod base_url;
mod failure;
mod request;
mod stream;
mod response;
mod context;

use std::fmt;
use std::sync::atomic::AtomicBool;

use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use portend_core::model::{Call, Completion, ConfigurationFault, Model, ModelError, ModelSpec};

use self::base_url::BaseUrl;
pub use self::base_url::server_of;
use self::request::ChatRequest;
use crate::limits::{BODY_BYTES_MAX, LOADING_PAUSE};
use crate::models::catalogue::{Catalogue, ModelFacts, Provider};
use crate::models::parameter::{Parameter, RefusedParameters, Sent};
use crate::network::{self, Bounds, Connections, no_request};
use crate::secret::{KeySource, Secret};
use crate::settings::{OpenAiSettings, SettingsError, VENDOR_URL, checked_model_id, setting};

/// A model at OpenAI or at a compatible endpoint.
pub struct OpenAi {
    spec: ModelSpec,
    facts: ModelFacts,
    api: Api,
    url: String,
    key: KeySource,
    /// Whether the endpoint is on this machine.
    is_loopback: bool,
    /// Whether a response has shown that the server is one that says the size of its context.
    says_context: AtomicBool,
    refused: RefusedParameters,
    connections: Connections,
}

/// A request's body, and what an error may be about.
struct Prepared {
    body: String,
    schema: bool,
    parameters: Vec<Parameter>,
}

/// The API of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// OpenAI's current API.
    Responses,
    /// OpenAI's older API, which compatible endpoints provide.
    ChatCompletions,
}

impl OpenAi {
    /// What is known about the model.
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// Checks the settings. Reads and sends nothing yet.
    pub fn new(settings: OpenAiSettings) -> Result<Self, SettingsError> {
        let OpenAiSettings { name, model_id, base_url, key, vendor, tuning } = settings;
        let catalogue = Catalogue::built_in().map_err(SettingsError::catalogue)?;
        let (api, provider) = if vendor {
            (Api::Responses, Provider::Openai)
        } else {
            (Api::ChatCompletions, Provider::Compatible)
        };
        let named = |key: &str| setting(&name, key);
        let base = match base_url {
            Some(text) => BaseUrl::parse(&text, || named("base_url"))?,
            None if vendor => BaseUrl::parse(VENDOR_URL, || named("base_url"))?,
            None => return Err(SettingsError::NoBaseUrl { setting: named("base_url") }),
        };
        let model_id = match model_id {
            Some(id) => checked_model_id(&name, id)?,
            None if vendor => catalogue.default_openai().to_owned(),
            None => return Err(SettingsError::NoModelId { setting: named("model") }),
        };
        match &key {
            KeySource::None if vendor => return Err(SettingsError::NoKey { setting: named("key") }),
            KeySource::Given(key) if !key.fits_a_header() => {
                return Err(SettingsError::BadKey { setting: named("key") });
            }
            KeySource::None | KeySource::Given(_) | KeySource::Read(_) => {}
        }
        let facts = catalogue.facts(provider, &name, &model_id).tuned(tuning);
        let is_loopback = base.is_loopback();
        let url = base.join(match api {
            Api::Responses => "responses",
            Api::ChatCompletions => "chat/completions",
        });
        let spec = facts.spec(name, model_id, base.into_string(), is_loopback && !vendor);
        let refused = RefusedParameters::default();
        let (says_context, connections) = (AtomicBool::new(false), Connections::default());
        Ok(Self { spec, facts, api, url, key, is_loopback, says_context, refused, connections })
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        let refused = self.refused.now();
        let (api, facts) = (self.api, &self.facts);
        let request = ChatRequest { api, model_id: &self.spec.model_id, facts, refused: &refused, call };
        let prepared = Prepared {
            body: request.body().to_string(),
            schema: call.schema.is_some(),
            parameters: request.parameters(),
        };
        let Some(key) = self.key.current().await? else {
            let wrong_key = ModelError::Configuration { fault: ConfigurationFault::WrongKey };
            let result = self.once(&prepared, None).await;
            // Without a key, a refused key means that the endpoint needs one.
            let needs_key = || Err(ModelError::Configuration { fault: ConfigurationFault::NoCredentials });
            return if result.as_ref() == Err(&wrong_key) { needs_key() } else { result };
        };
        match self.once(&prepared, Some(&key)).await {
            Err(ModelError::Configuration { fault: ConfigurationFault::WrongKey }) => {
                match self.key.replacement_for(&key).await? {
                    Some(new) => self.once(&prepared, Some(&new)).await,
                    None => Err(ModelError::Configuration { fault: ConfigurationFault::WrongKey }),
                }
            }
            result => result,
        }
    }

    async fn once(&self, prepared: &Prepared, key: Option<&Secret>) -> Result<Completion, ModelError> {
        // The chain limits the time.
        let bounds = Bounds { time: None, bytes: BODY_BYTES_MAX };
        let response = loop {
            let request = self.request(prepared.body.clone(), key)?;
            let mut response = self.connections.exchange(request, bounds).await?;
            self.note_server(&response);
            if let Some(key) = key {
                response.body = key.masked(response.body);
            }
            if !(self.is_loopback && response::is_loading(&response)) {
                break response;
            }
            // No model has been asked yet.
            tokio::time::sleep(LOADING_PAUSE).await;
        };
        let Prepared { schema, parameters, .. } = prepared;
        let sent = Sent { schema: *schema, parameters, base_url: &self.spec.endpoint };
        response::read(self.api, &response, &sent)
    }

    fn request(&self, body: String, key: Option<&Secret>) -> Result<Request<String>, ModelError> {
        let mut request = Request::post(self.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, network::USER_AGENT);
        if let Some(key) = key {
            let wrong = ModelError::Configuration { fault: ConfigurationFault::WrongKey };
            request = request.header(AUTHORIZATION, key.bearer().ok_or(wrong)?);
        }
        request.body(body).map_err(|_| no_request())
    }
}

impl Model for OpenAi {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        let result = self.exchange(call).await;
        self.refused.learn(&result);
        result
    }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi").field("spec", &self.spec).field("api", &self.api).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{LOOPBACK_CONCURRENCY, LOOPBACK_TIMEOUT};
    use crate::settings::ModelTuning;

    fn settings() -> OpenAiSettings {
        OpenAiSettings {
            name: "openai".to_owned(),
            model_id: None,
            base_url: None,
            key: KeySource::Given(Secret::new("sk-canary")),
            vendor: true,
            tuning: ModelTuning::default(),
        }
    }

    fn compatible() -> OpenAiSettings {
        OpenAiSettings {
            name: "ollama".to_owned(),
            model_id: Some("llama3.2".to_owned()),
            base_url: Some("http://localhost:11434/v1/".to_owned()),
            key: KeySource::None,
            vendor: false,
            tuning: ModelTuning::default(),
        }
    }

    #[test]
    fn the_vendor_is_called_by_the_responses_api_at_its_own_url() {
        let openai = OpenAi::new(settings()).unwrap();
        assert_eq!(openai.url, "https://api.openai.com/v1/responses");
        assert_eq!(openai.spec().label, "openai-gpt-6-luna");
        assert_eq!(openai.spec().endpoint, "https://api.openai.com/v1");
        assert!(openai.spec().price.is_some());
        assert!(!format!("{openai:?}").contains("canary"));
    }

    #[test]
    fn a_compatible_endpoint_is_called_by_chat_completions() {
        let openai = OpenAi::new(compatible()).unwrap();
        assert_eq!(openai.url, "http://localhost:11434/v1/chat/completions");
        assert_eq!(openai.spec().label, "ollama-llama3.2");
        assert_eq!(openai.spec().price.map(|price| price.input.get()), Some(0.0));
        assert_eq!(
            (openai.spec().timeout, openai.spec().concurrency),
            (LOOPBACK_TIMEOUT, LOOPBACK_CONCURRENCY)
        );
        let elsewhere =
            OpenAiSettings { base_url: Some("https://example.com/v1".to_owned()), ..compatible() };
        let spec = OpenAi::new(elsewhere).unwrap().spec().clone();
        assert_eq!((spec.price, spec.timeout.as_secs(), spec.concurrency), (None, 20, 64));
    }

    #[test]
    fn an_invalid_setting_is_named_with_how_to_fix_it() {
        let given = |key| KeySource::Given(Secret::new(key));
        for (settings, message) in [
            (
                OpenAiSettings { key: KeySource::None, ..settings() },
                "OPENAI_API_KEY is not set; set it to the key, or remove the model from MODELS",
            ),
            (
                OpenAiSettings { key: given("sk canary"), ..settings() },
                "OPENAI_API_KEY is not a key; write it without spaces, quotes and line breaks",
            ),
            (
                OpenAiSettings { model_id: Some("gpt 4".to_owned()), ..settings() },
                "OPENAI_MODEL is not a model id; write the id exactly as the vendor does",
            ),
            (
                OpenAiSettings { model_id: None, ..compatible() },
                "models.ollama.model is not set, and this endpoint has no default model; set it to the id of a model that the endpoint serves",
            ),
            (
                OpenAiSettings { base_url: None, ..compatible() },
                "models.ollama.base_url is not set; set it to the endpoint's address, such as http://localhost:11434/v1",
            ),
            (
                OpenAiSettings { base_url: Some("http://example.com/v1".to_owned()), ..settings() },
                "OPENAI_BASE_URL must begin with https://; use http:// only for a server on this machine (localhost)",
            ),
        ] {
            assert_eq!(OpenAi::new(settings).unwrap_err().to_string(), message);
        }
    }
}
