//! The models that can be called over the network, as one type.
//!
//! Never: knows what the chain does with it.

use portend_core::model::{Call, Completion, Model, ModelError, ModelSpec};

use super::bedrock::Bedrock;
use super::catalogue::ModelFacts;
use super::openai::OpenAi;
use crate::aws::Aws;
use crate::settings::{BedrockSettings, OpenAiSettings, SettingsError};

/// A model at one of the vendors.
#[derive(Debug)]
pub enum AnyModel {
    /// On Amazon Bedrock.
    Bedrock(Box<Bedrock>),
    /// At OpenAI or a compatible endpoint.
    OpenAi(Box<OpenAi>),
}

impl AnyModel {
    /// A model on Bedrock.
    pub fn bedrock(settings: BedrockSettings, aws: Aws) -> Result<Self, SettingsError> {
        Ok(Self::Bedrock(Box::new(Bedrock::new(settings, aws)?)))
    }

    /// A model at OpenAI or a compatible endpoint.
    pub fn openai(settings: OpenAiSettings) -> Result<Self, SettingsError> {
        Ok(Self::OpenAi(Box::new(OpenAi::new(settings)?)))
    }

    /// What is known of it.
    pub fn facts(&self) -> &ModelFacts {
        match self {
            Self::Bedrock(model) => model.facts(),
            Self::OpenAi(model) => model.facts(),
        }
    }
}

impl Model for AnyModel {
    fn spec(&self) -> &ModelSpec {
        match self {
            Self::Bedrock(model) => model.spec(),
            Self::OpenAi(model) => model.spec(),
        }
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        // The futures of a call are large; boxed, they do not make every caller's so.
        match self {
            Self::Bedrock(model) => Box::pin(model.ask(call)).await,
            Self::OpenAi(model) => Box::pin(model.ask(call)).await,
        }
    }
}
