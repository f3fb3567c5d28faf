//! Asks a model at OpenAI, by the Responses API, or at a compatible endpoint, by Chat Completions.
//!
//! Takes: a [`Call`].
//! Gives: a [`Completion`], or a [`ModelError`] in the sense of the table in `failure.rs`.
//! Never: sends the key anywhere but in one header to the configured host, tries again but for a key read afresh, or does
//! anything before the first call.

mod base_url;
mod failure;
mod request;
mod response;

use std::fmt;

use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use portend_core::model::{Call, Completion, ConfigurationFault, Model, ModelError, ModelSpec};

use self::base_url::BaseUrl;
use crate::limits::BODY_BYTES_MAX;
use crate::models::catalogue::{Catalogue, ModelFacts, Provider};
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
    connections: Connections,
}

/// How an endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// OpenAI's own.
    Responses,
    /// What everyone else has copied.
    ChatCompletions,
}

impl OpenAi {
    /// What is known of it.
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// Checks the settings. Nothing is read or asked yet.
    pub fn new(settings: OpenAiSettings) -> Result<Self, SettingsError> {
        let OpenAiSettings { name, model_id, base_url, key, vendor } = settings;
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
        let facts = catalogue.facts(provider, &name, &model_id);
        let url = base.join(match api {
            Api::Responses => "responses",
            Api::ChatCompletions => "chat/completions",
        });
        let spec = facts.spec(name, model_id, base.into_string());
        Ok(Self { spec, facts, api, url, key, connections: Connections::default() })
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        let body = request::body(self.api, &self.spec.model_id, &self.facts, call).to_string();
        let with_schema = call.schema.is_some();
        let Some(key) = self.key.current().await? else {
            let wrong_key = ModelError::Configuration { fault: ConfigurationFault::WrongKey };
            let asked = self.once(body, None, with_schema).await;
            // There is no key that could be wrong.
            let needs_one = || Err(ModelError::Configuration { fault: ConfigurationFault::NoCredentials });
            return if asked.as_ref() == Err(&wrong_key) { needs_one() } else { asked };
        };
        match self.once(body.clone(), Some(&key), with_schema).await {
            Err(ModelError::Configuration { fault: ConfigurationFault::WrongKey }) => {
                match self.key.instead_of(&key).await? {
                    Some(fresh) => self.once(body, Some(&fresh), with_schema).await,
                    None => Err(ModelError::Configuration { fault: ConfigurationFault::WrongKey }),
                }
            }
            asked => asked,
        }
    }

    async fn once(
        &self,
        body: String,
        key: Option<&Secret>,
        with_schema: bool,
    ) -> Result<Completion, ModelError> {
        let request = self.request(body, key)?;
        // The core bounds the time.
        let bounds = Bounds { time: None, bytes: BODY_BYTES_MAX };
        let mut response = self.connections.exchange(request, bounds).await?;
        if let Some(key) = key {
            response.body = key.masked(response.body);
        }
        response::read(self.api, &response, with_schema)
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
        self.exchange(call).await
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

    fn settings() -> OpenAiSettings {
        OpenAiSettings {
            name: "openai".to_owned(),
            model_id: None,
            base_url: None,
            key: KeySource::Given(Secret::new("sk-canary")),
            vendor: true,
        }
    }

    fn compatible() -> OpenAiSettings {
        OpenAiSettings {
            name: "ollama".to_owned(),
            model_id: Some("llama3.2".to_owned()),
            base_url: Some("http://localhost:11434/v1/".to_owned()),
            key: KeySource::None,
            vendor: false,
        }
    }

    #[test]
    fn the_vendor_is_asked_by_the_responses_api_at_its_own_url() {
        let openai = OpenAi::new(settings()).unwrap();
        assert_eq!(openai.url, "https://api.openai.com/v1/responses");
        assert_eq!(openai.spec().label, "openai-gpt-6-luna");
        assert_eq!(openai.spec().endpoint, "https://api.openai.com/v1");
        assert!(openai.spec().price.is_some());
        assert!(!format!("{openai:?}").contains("canary"));
    }

    #[test]
    fn a_compatible_endpoint_is_asked_by_chat_completions() {
        let openai = OpenAi::new(compatible()).unwrap();
        assert_eq!(openai.url, "http://localhost:11434/v1/chat/completions");
        assert_eq!(openai.spec().label, "ollama-llama3.2");
        assert_eq!(openai.spec().price, None);
    }

    #[test]
    fn a_setting_that_cannot_work_is_named_with_its_mend() {
        let given = |key| KeySource::Given(Secret::new(key));
        for (settings, message) in [
            (
                OpenAiSettings { key: KeySource::None, ..settings() },
                "OPENAI_API_KEY must be set; give the key, or take the model out of MODELS",
            ),
            (
                OpenAiSettings { key: given("sk canary"), ..settings() },
                "OPENAI_API_KEY is not a key; give it without spaces, quotes or line breaks",
            ),
            (
                OpenAiSettings { model_id: Some("gpt 4".to_owned()), ..settings() },
                "OPENAI_MODEL is not a model id; give the id as the vendor writes it",
            ),
            (
                OpenAiSettings { model_id: None, ..compatible() },
                "models.ollama.model must be set together with a base URL; give the id of a model that the endpoint serves",
            ),
            (
                OpenAiSettings { base_url: None, ..compatible() },
                "models.ollama.base_url must be set; give the endpoint's address, as http://localhost:11434/v1",
            ),
            (
                OpenAiSettings { base_url: Some("http://example.com/v1".to_owned()), ..settings() },
                "OPENAI_BASE_URL must begin with https://; only a server on this machine (localhost) may have http://",
            ),
        ] {
            assert_eq!(OpenAi::new(settings).unwrap_err().to_string(), message);
        }
    }
}
