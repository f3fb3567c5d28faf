//! Calls a model on Amazon Bedrock by the Converse API.
//!
//! Never: retries, or sends anything before the first call.

mod request;
mod lifecycle;
mod response;

use std::fmt;

pub use lifecycle::ModelLifecycle;
use portend_core::model::{Call, Completion, Model, ModelError, ModelSpec};

use super::catalogue::{Catalogue, ModelFacts, Provider};
use super::parameter::{Parameter, RefusedParameters, Sent};
use crate::aws::{Aws, Caller, Service};
use crate::limits::BODY_BYTES_MAX;
use crate::network::Bounds;
use crate::settings::{BedrockSettings, SettingsError, checked_model_id, setting};

/// A model on Amazon Bedrock.
pub struct Bedrock {
    spec: ModelSpec,
    facts: ModelFacts,
    path: String,
    refused: RefusedParameters,
    caller: Caller,
    control: Caller,
}

impl Bedrock {
    /// The IAM actions that a call needs, and the question when the model ends. `bedrock:InvokeModel` allows Converse too.
    pub const ACTIONS: [&str; 2] = ["bedrock:GetFoundationModel", "bedrock:InvokeModel"];

    /// Checks the settings. Reads and sends nothing yet.
    pub fn new(settings: BedrockSettings, aws: Aws) -> Result<Self, SettingsError> {
        let BedrockSettings { name, model_id, tuning } = settings;
        let catalogue = Catalogue::built_in().map_err(SettingsError::catalogue)?;
        let model_id = match (model_id, aws.region()) {
            (Some(id), _) => checked_model_id(&name, id)?,
            (None, None) => return Err(SettingsError::NoRegion),
            (None, Some(region)) => {
                let none = || SettingsError::NoProfile {
                    setting: setting(&name, "model"),
                    region: region.to_owned(),
                };
                catalogue.default_bedrock(region).ok_or_else(none)?
            }
        };
        let facts = catalogue.facts(Provider::Bedrock, &name, &model_id).tuned(tuning);
        let endpoint = aws.region().unwrap_or("the default region").to_owned();
        let control = Caller::new(Service::BEDROCK_CONTROL, aws.clone());
        let (path, caller) = (request::path(&model_id), Caller::new(Service::BEDROCK, aws));
        Ok(Self {
            spec: facts.spec(name, model_id, endpoint, false),
            facts,
            path,
            refused: RefusedParameters::default(),
            caller,
            control,
        })
    }

    /// What Bedrock says now of the model's life. `None` if it says nothing, or does not know the model.
    pub async fn lifecycle(&self) -> Option<ModelLifecycle> {
        lifecycle::of_model(&self.control, &self.facts.id).await
    }

    /// What is known about the model.
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }
}

impl Model for Bedrock {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        // The chain limits the time.
        let bounds = Bounds { time: None, bytes: BODY_BYTES_MAX };
        let with_temperature =
            self.facts.temperature && !self.refused.now().contains(&Parameter::Temperature);
        let body = request::body(&self.facts, with_temperature, call).to_string();
        let response = self.caller.send(&self.path, None, body, bounds).await?;
        let parameters: &[Parameter] = if with_temperature { &[Parameter::Temperature] } else { &[] };
        let sent = Sent { schema: call.schema.is_some(), parameters, base_url: &self.spec.endpoint };
        let result = response::read(&response, &sent);
        self.refused.learn(&result);
        result
    }
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bedrock").field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use portend_core::model::SchemaForm;

    use super::*;
    use crate::settings::ModelTuning;

    fn bedrock(region: Option<&str>, model_id: Option<&str>) -> Result<Bedrock, SettingsError> {
        let settings = BedrockSettings {
            name: "bedrock".to_owned(),
            model_id: model_id.map(str::to_owned),
            tuning: ModelTuning::default(),
        };
        Bedrock::new(settings, Aws::ambient(region.map(str::to_owned)))
    }

    #[test]
    fn the_default_model_depends_on_the_region() {
        let spec = bedrock(Some("eu-west-1"), None).unwrap().spec().clone();
        assert_eq!(spec.model_id, "eu.anthropic.claude-haiku-4-5-20251001-v1:0");
        assert_eq!(spec.label, "bedrock-claude-haiku-4.5");
        assert_eq!(spec.endpoint, "eu-west-1");
        assert_eq!(spec.schema, SchemaForm::Reduced);
    }

    #[test]
    fn an_invalid_setting_is_named_with_how_to_fix_it() {
        for (region, model_id, message) in [
            (None, None, "AWS_REGION is not set; set it to the region of the model"),
            (
                Some("sa-east-1"),
                None,
                "BEDROCK_MODEL_ID is not set, and the region `sa-east-1` has no default model; set it to the id of an inference profile",
            ),
            (
                Some("us-east-1"),
                Some("a model"),
                "BEDROCK_MODEL_ID is not a model id; write the id exactly as the vendor does",
            ),
            (
                Some("us-east-1"),
                Some(""),
                "BEDROCK_MODEL_ID is not a model id; write the id exactly as the vendor does",
            ),
        ] {
            assert_eq!(bedrock(region, model_id).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_configured_model_can_be_created_without_a_region() {
        assert_eq!(bedrock(None, Some("us.amazon.nova-lite-v1:0")).unwrap().spec().price, None);
    }
}
