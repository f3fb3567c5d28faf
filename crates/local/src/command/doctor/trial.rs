//! Asks a model about a built-in sample, whose facts are made up, and says whether an alert can use its replies.
//!
//! Never: sends facts of a real alert, or stores anything.

use std::time::Duration;

use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::help::explained;
use portend_core::limits::{CALLS_MAX, OUTPUT_TOKENS};
use portend_core::model::{
    Call, FinishReason, Message, Model, ModelError, ModelSpec, Role, SchemaForm, TokenUse,
};
use portend_core::prompt::PromptTemplate;
use portend_core::reply::{Reply, ReplyError, ReplyVocabulary};
use portend_remote::{AnyModel, SystemClock};

use super::PartState;

/// The sample that each model is asked about.
const SAMPLE: &str =
    include_str!("../../../../../alert-types/high_ib_call_frequency/samples/01-typical/alert.json");
/// What is wrong with a response that has no text, or that was stopped.
const NO_REPLY: &str = "the response contains no reply";
/// The context that a model should have: a prompt, a rejected reply, the correction and a longer reply.
pub(super) const CONTEXT_TOKENS: u32 = 4096;
/// How much longer than with the schema a reply without it can take. A small model may not end one by itself.
const WITHOUT_SCHEMA_TIMES: u32 = 3;
/// The shortest such time.
const WITHOUT_SCHEMA_TIME_MIN: Duration = Duration::from_secs(10);
/// What is wrong, with a fix that knows what an alert needs.
pub(super) fn failure(error: &ModelError) -> String {
    if let ModelError::Rejected { what } = error
        && what.contains("context")
    {
        return format!(
            "{error}: the prompt of an alert is too long for it; give the model a context of at least {CONTEXT_TOKENS} tokens"
        );
    }
    explained(error)
}

/// The reply to the prompt of a sample, and how it came about.
#[derive(Debug)]
pub(super) struct Trial {
    reply: TrialReply,
    /// Whether the schema was refused, or accepted without effect, so that only the prompt describes the reply.
    schema: SchemaTrial,
}

#[derive(Debug)]
struct TrialReply {
    prompt_bytes: usize,
    time: Duration,
    tokens: TokenUse,
    /// Why the reply cannot be used.
    wrong: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SchemaTrial {
    /// It was accepted, or none is sent to this model.
    Fits,
    /// It was refused.
    Refused,
    /// It was accepted, and the reply could not be used.
    Useless,
}

impl Trial {
    /// The tokens of the sample's prompt, if the response says them, and its bytes.
    pub(super) fn prompt_size(&self) -> (Option<u64>, usize) {
        (self.reply.tokens.input, self.reply.prompt_bytes)
    }

    pub(super) fn finding(&self, spec: &ModelSpec) -> (PartState, String) {
        let TrialReply { time, tokens, wrong, .. } = &self.reply;
        let took =
            format!("it replied in {} ms (the limit is {} s)", time.as_millis(), spec.timeout.as_secs());
        let used = match (tokens.input, tokens.output) {
            (Some(input), Some(output)) => {
                format!(
                    ", with {input} + {output} tokens (its context should have at least {CONTEXT_TOKENS})"
                )
            }
            _ => String::new(),
        };
        let said = took + &used;
        match (wrong, self.schema) {
            (Some(wrong), _) => (
                PartState::Warning,
                format!(
                    "{said}, but its reply to a sample cannot be used ({wrong}); try another model if it persists"
                ),
            ),
            (None, SchemaTrial::Refused) => (
                PartState::Warning,
                format!(
                    "{said}, but refuses the reply's schema; it receives only the prompt, which works too"
                ),
            ),
            (None, SchemaTrial::Useless) => (
                PartState::Warning,
                format!(
                    "{said}, but its reply is usable only without the reply's schema, although it accepts that; it receives only the prompt, which works"
                ),
            ),
            (None, SchemaTrial::Fits) if *time > spec.timeout / 2 => (
                PartState::Warning,
                format!(
                    "{said}; the time is close to the limit: raise the timeout, or choose a faster model"
                ),
            ),
            (None, SchemaTrial::Fits) => (PartState::Ok, said),
        }
    }
}

/// Asks the model with the real prompt and schema of a built-in sample, whose facts are made up. It is asked again only
/// without a schema or a parameter that it refuses, or if the schema has no effect.
pub(super) async fn trial(model: &AnyModel) -> Result<Trial, ModelError> {
    let mut form = model.spec().schema;
    let mut schema = SchemaTrial::Fits;
    for _ in 0..CALLS_MAX {
        match ask(model, form, model.spec().timeout).await {
            Err(ModelError::SchemaRefused | ModelError::SchemaUnsupported) if form.is_native() => {
                (form, schema) = (form.lower(), SchemaTrial::Refused);
            }
            Err(ModelError::ParameterRefused { .. }) => {}
            Ok(reply) if reply.wrong.is_some() && form.is_native() => {
                // Only a better reply shows that the schema is at fault.
                let time = (reply.time * WITHOUT_SCHEMA_TIMES).max(WITHOUT_SCHEMA_TIME_MIN);
                let time = time.min(model.spec().timeout);
                return Ok(match ask(model, SchemaForm::PromptOnly, time).await {
                    Ok(other) if other.wrong.is_none() => {
                        Trial { reply: other, schema: SchemaTrial::Useless }
                    }
                    Ok(_) | Err(_) if reply.wrong == Some(NO_REPLY) => {
                        return Err(ModelError::Unreadable { what: NO_REPLY.to_owned() });
                    }
                    Ok(_) | Err(_) => Trial { reply, schema },
                });
            }
            Ok(reply) if reply.wrong == Some(NO_REPLY) => {
                return Err(ModelError::Unreadable { what: NO_REPLY.to_owned() });
            }
            // A schema that was refused only with its bounds is still a schema.
            Ok(reply) if form.is_native() => return Ok(Trial { reply, schema: SchemaTrial::Fits }),
            Ok(reply) => return Ok(Trial { reply, schema }),
            Err(error) => return Err(error),
        }
    }
    Err(ModelError::SchemaRefused)
}

/// Asks the prompt of the sample once, with the schema in this form.
async fn ask(model: &AnyModel, form: SchemaForm, time: Duration) -> Result<TrialReply, ModelError> {
    let types = AlertTypes::built_in();
    let unreadable = || ModelError::Unreadable { what: "the built-in sample".to_owned() };
    let alert = Alert::read(SAMPLE.as_bytes(), &types, SystemClock.now()).map_err(|_| unreadable())?;
    let template = PromptTemplate::new(alert.alert_type());
    let prompt = template.prompt(alert.facts());
    let messages = [Message { role: Role::User, text: prompt.user().to_owned() }];
    let call = Call {
        system: prompt.system(),
        messages: &messages,
        schema: match form {
            SchemaForm::PromptOnly => None,
            SchemaForm::Reduced => Some(template.schema().reduced()),
            SchemaForm::Bounded => Some(template.schema().bounded()),
        },
        output_tokens: OUTPUT_TOKENS.min(model.spec().output_tokens_max),
    };
    let begun = tokio::time::Instant::now();
    let response = tokio::time::timeout(time, model.ask(&call)).await;
    let completion = response.unwrap_or(Err(ModelError::TimedOut))?;
    let wrong = match completion.finish {
        FinishReason::Length => Some("length"),
        // A different service on the port may respond, but its response contains no reply.
        FinishReason::Refusal | FinishReason::Guardrail | FinishReason::Unknown(_) => Some(NO_REPLY),
        FinishReason::End if completion.text.trim().is_empty() => Some(NO_REPLY),
        FinishReason::End => {
            let vocabulary = ReplyVocabulary::of(alert.alert_type());
            Reply::read(&completion.text, &vocabulary).err().map(ReplyError::code)
        }
    };
    let prompt_bytes = prompt.system().len() + prompt.user().len();
    Ok(TrialReply { prompt_bytes, time: begun.elapsed(), tokens: completion.tokens, wrong })
}
