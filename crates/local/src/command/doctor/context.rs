//! Compares the context of a server on this machine with the longest prompt of the alert types.
//!
//! Never: asks a server that did not reply, unless it said that its context is too small.

use portend_core::alert_type::AlertTypes;
use portend_core::limits::SCHEMA_REPLY_TOKENS;
use portend_core::model::ModelError;
use portend_core::prompt::PromptTemplate;
use portend_remote::AnyModel;
use portend_remote::limits::BYTES_PER_TOKEN;

use super::PartState;
use super::trial::{CONTEXT_TOKENS, Trial};

/// The bytes of the facts' values in a prompt, about.
const FACTS_BYTES: u64 = 300;

/// What the size of the model's context means for the alert types. `None` if the server does not say the size.
pub(super) async fn of_model(
    model: &AnyModel,
    tried: &Result<Trial, ModelError>,
    types: &AlertTypes,
) -> Option<(PartState, String)> {
    let (tokens, bytes) = match tried {
        Ok(trial) => trial.prompt_size(),
        Err(ModelError::Rejected { .. }) => (None, 0),
        Err(_) => return None,
    };
    let context = model.context_tokens().await?;
    let longest = types.iter().max_by_key(|each| PromptTemplate::new(each).system().len())?;
    let longest_bytes = size(PromptTemplate::new(longest).system().len()) + FACTS_BYTES;
    // The model's own tokens are better than a guess.
    let prompt = match tokens {
        Some(tokens) if bytes > 0 => (longest_bytes * tokens).div_ceil(size(bytes)),
        _ => longest_bytes.div_ceil(size(BYTES_PER_TOKEN)),
    };
    Some(finding(context, longest.id(), prompt))
}

/// The finding of a context for this alert type, whose prompts have so many tokens.
fn finding(context: u64, longest: &str, prompt: u64) -> (PartState, String) {
    let needs = format!(
        "its context has {context} tokens; the prompt of {longest}, the longest, has about {prompt}, and a reply up to \
         {SCHEMA_REPLY_TOKENS}"
    );
    let fix = format!("start the server with a context of at least {CONTEXT_TOKENS} tokens");
    let again = prompt + 2 * SCHEMA_REPLY_TOKENS + RE_ASK_TOKENS;
    if context < prompt + SCHEMA_REPLY_TOKENS {
        (PartState::Failed, format!("{needs}; {fix}"))
    } else if context < again {
        let problem = "a rejected reply cannot be corrected, because that takes about";
        (PartState::Warning, format!("{needs}; {problem} {again}; {fix}"))
    } else {
        (PartState::Ok, needs)
    }
}

/// The tokens of the message that says what is wrong with a reply, about.
const RE_ASK_TOKENS: u64 = 100;

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_must_have_room_for_the_longest_prompt_and_for_a_correction() {
        for (context, expected) in [
            (256, PartState::Failed),
            (1249, PartState::Failed),
            (1250, PartState::Warning),
            (1799, PartState::Warning),
            (1800, PartState::Ok),
        ] {
            let (state, says) = finding(context, "low_health_score", 800);
            assert_eq!(state, expected, "{says}");
            assert!(says.contains(&format!("has {context} tokens")) && says.contains("about 800"), "{says}");
            assert_eq!(says.contains("; start the server"), state != PartState::Ok, "{says}");
        }
    }
}
