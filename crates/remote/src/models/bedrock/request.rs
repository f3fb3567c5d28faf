//! Writes a [`Call`] as a Converse request.
//!
//! Takes: a call, and what is known of the model.
//! Gives: the SDK's builder, filled.
//! Never: sends what the model refuses, such as a temperature.

use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, JsonSchemaDefinition, Message, OutputConfig,
    OutputFormat, OutputFormatStructure, OutputFormatType, SystemContentBlock,
};
use portend_core::model::{self, Call, Fault, ModelError, Role};
use serde_json::Value;

use crate::models::catalogue::ModelFacts;

/// Fills the builder.
pub(super) fn converse(
    builder: ConverseFluentBuilder,
    model_id: &str,
    facts: &ModelFacts,
    call: &Call<'_>,
) -> Result<ConverseFluentBuilder, ModelError> {
    fill(builder, model_id, facts, call).map_err(|_| {
        // Every part is set below, so only a change of the SDK's could come here.
        ModelError::Configuration { fault: Fault::Refused("the SDK does not take the request".to_owned()) }
    })
}

fn fill(
    builder: ConverseFluentBuilder,
    model_id: &str,
    facts: &ModelFacts,
    call: &Call<'_>,
) -> Result<ConverseFluentBuilder, BuildError> {
    let max_tokens = i32::try_from(facts.ceiling(call.output_tokens)).unwrap_or(i32::MAX);
    let inference = InferenceConfiguration::builder()
        .max_tokens(max_tokens)
        .set_temperature(facts.temperature.then_some(0.0))
        .build();
    let messages = call.messages.iter().map(message).collect::<Result<_, _>>()?;
    Ok(builder
        .model_id(model_id)
        .system(SystemContentBlock::Text(call.system.to_owned()))
        .set_messages(Some(messages))
        .inference_config(inference)
        .set_output_config(call.schema.map(output).transpose()?))
}

fn message(message: &model::Message) -> Result<Message, BuildError> {
    let role = match message.role {
        Role::User => ConversationRole::User,
        Role::Assistant => ConversationRole::Assistant,
    };
    Message::builder().role(role).content(ContentBlock::Text(message.text.clone())).build()
}

fn output(schema: &Value) -> Result<OutputConfig, BuildError> {
    let definition = JsonSchemaDefinition::builder().name("reply").schema(schema.to_string()).build()?;
    let format = OutputFormat::builder()
        .r#type(OutputFormatType::JsonSchema)
        .structure(OutputFormatStructure::JsonSchema(definition))
        .build()?;
    Ok(OutputConfig::builder().text_format(format).build())
}
