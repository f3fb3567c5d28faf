//! One type for all models that are called over the network.

use portend_core::model::{Call, Completion, Model, ModelError, ModelSpec};

use super::bedrock::{Bedrock, ModelLifecycle};
use super::catalogue::ModelFacts;
use super::openai::OpenAi;
use crate::aws::Aws;
use crate::settings::{BedrockSettings, OpenAiSettings, SettingsError};

/// A model of any vendor.
#[derive(Debug)]
pub enum AnyModel {
    /// A model on Amazon Bedrock.
    Bedrock(Box<Bedrock>),
    /// A model at OpenAI or a compatible endpoint.
    OpenAi(Box<OpenAi>),
}

impl AnyModel {
    /// Creates a model on Bedrock.
    pub fn bedrock(settings: BedrockSettings, aws: Aws) -> Result<Self, SettingsError> {
        Ok(Self::Bedrock(Box::new(Bedrock::new(settings, aws)?)))
    }

    /// Creates a model at OpenAI or a compatible endpoint.
    pub fn openai(settings: OpenAiSettings) -> Result<Self, SettingsError> {
        Ok(Self::OpenAi(Box::new(OpenAi::new(settings)?)))
    }

    /// The size of the model's context, if it is on this machine and its server says it.
    pub async fn context_tokens(&self) -> Option<u64> {
        match self {
            Self::Bedrock(_) => None,
            Self::OpenAi(model) => model.context_tokens().await,
        }
    }

    /// What the vendor says now of the model's life. `None` if it says nothing; only Bedrock does.
    pub async fn lifecycle(&self) -> Option<ModelLifecycle> {
        match self {
            Self::Bedrock(model) => model.lifecycle().await,
            Self::OpenAi(_) => None,
        }
    }

    /// What is known about the model.
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
        // The futures of a call are large. Boxing them keeps the callers' futures small.
        match self {
            Self::Bedrock(model) => Box::pin(model.ask(call)).await,
            Self::OpenAi(model) => Box::pin(model.ask(call)).await,
        }
    }
}
