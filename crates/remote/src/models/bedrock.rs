//! Asks a model on Amazon Bedrock, by Converse.
//!
//! Takes: a [`Call`].
//! Gives: a [`Completion`], or a [`ModelError`] in the sense of the table in `response.rs`.
//! Never: tries again, trusts the SDK's reading of a response, or does anything before the first call.

mod request;
mod response;

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_bedrockruntime::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::BoxError;
use portend_core::model::{Call, Completion, Fault, Model, ModelError, ModelSpec};
use tokio::sync::OnceCell;

use crate::aws::Aws;
use crate::models::catalogue::{Catalogue, ModelFacts, Provider};
use crate::network;
use crate::response::Response;
use crate::settings::{BedrockSettings, SettingsError, checked_model_id, setting};

/// A model on Amazon Bedrock.
pub struct Bedrock {
    spec: ModelSpec,
    facts: ModelFacts,
    aws: Aws,
    client: OnceCell<Client>,
}

impl Bedrock {
    /// What asking does: Converse is allowed by the action of its older twin.
    pub const ACTIONS: [&str; 1] = ["bedrock:InvokeModel"];

    /// Checks the settings. Nothing is read or asked yet.
    pub fn new(settings: BedrockSettings, aws: Aws) -> Result<Self, SettingsError> {
        let BedrockSettings { name, model_id } = settings;
        let catalogue = Catalogue::built_in().map_err(SettingsError::catalogue)?;
        let model_id = match (model_id, aws.region()) {
            (Some(id), _) => checked_model_id(&name, id)?,
            (None, None) => return Err(SettingsError::NoRegion { setting: setting(&name, "model") }),
            (None, Some(region)) => {
                let none = || SettingsError::NoProfile {
                    setting: setting(&name, "model"),
                    region: region.to_owned(),
                };
                catalogue.default_bedrock(region).ok_or_else(none)?
            }
        };
        let facts = catalogue.facts(Provider::Bedrock, &name, &model_id);
        let endpoint = aws.region().unwrap_or("the default region").to_owned();
        Ok(Self { spec: facts.spec(name, model_id, endpoint), facts, aws, client: OnceCell::new() })
    }

    /// What is known of it.
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    async fn client(&self) -> Result<&Client, ModelError> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Client, ModelError> {
        let sdk = self.aws.service(None).await;
        if sdk.region().is_none() {
            let fault = Fault::Refused("no region is known; set AWS_REGION".to_owned());
            return Err(ModelError::Configuration { fault });
        }
        let client = network::bounded(sdk.http_client().unwrap_or_else(network::https));
        Ok(Client::from_conf(Builder::from(&sdk).http_client(client).build()))
    }

    async fn converse(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        let client = self.client().await?;
        let seen = Seen::default();
        let sent = request::converse(client.converse(), &self.spec.model_id, &self.facts, call)?
            .customize()
            .interceptor(seen.clone())
            .send()
            .await;
        match (seen.0.get(), sent) {
            (Some(answer), _) => response::read(answer, call.schema.is_some()),
            (None, Err(error)) => Err(crate::aws::unsent::error(&error)),
            (None, Ok(_)) => Err(ModelError::Unreadable { what: "no response".to_owned() }),
        }
    }
}

impl Model for Bedrock {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        // The SDK's futures are large; boxed, they do not make every caller's so.
        Box::pin(self.converse(call)).await
    }
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bedrock").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// Keeps the response before the SDK reads it. The SDK fills in what a response leaves out and takes an error object in
/// a 200 for a success; and its errors hide what it did not expect.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<OnceLock<Response>>);

impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "Seen"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.get_or_init(|| Response::of(context.response()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bedrock(region: Option<&str>, model_id: Option<&str>) -> Result<Bedrock, SettingsError> {
        let settings = BedrockSettings { name: "bedrock".to_owned(), model_id: model_id.map(str::to_owned) };
        Bedrock::new(settings, Aws::ambient(region.map(str::to_owned)))
    }

    #[test]
    fn the_default_model_follows_the_region() {
        let spec = bedrock(Some("eu-west-1"), None).unwrap().spec().clone();
        assert_eq!(spec.model_id, "eu.anthropic.claude-haiku-4-5-20251001-v1:0");
        assert_eq!(spec.label, "bedrock-claude-haiku-4.5");
        assert_eq!(spec.endpoint, "eu-west-1");
        assert!(spec.takes_schema);
    }

    #[test]
    fn a_setting_that_cannot_work_is_named_with_its_mend() {
        for (region, model_id, message) in [
            (None, None, "AWS_REGION is not set; set it, or set BEDROCK_MODEL_ID to the model to ask"),
            (
                Some("sa-east-1"),
                None,
                "BEDROCK_MODEL_ID must be set in sa-east-1, for which no default model is known; give an inference profile's id",
            ),
            (
                Some("us-east-1"),
                Some("a model"),
                "BEDROCK_MODEL_ID is not a model id; give the id as the vendor writes it",
            ),
            (
                Some("us-east-1"),
                Some(""),
                "BEDROCK_MODEL_ID is not a model id; give the id as the vendor writes it",
            ),
        ] {
            assert_eq!(bedrock(region, model_id).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_model_that_is_named_needs_no_region_yet() {
        assert_eq!(bedrock(None, Some("us.amazon.nova-lite-v1:0")).unwrap().spec().price, None);
    }
}
