//! Which models are asked, by their names, in their order.
//!
//! Takes: the setting `MODELS`, or what else is configured.
//! Gives: an [`Order`], with the scorecard at its end or without it.
//! Never: knows what a name stands for, or puts a vendor in that nobody has configured.

use crate::settings::SettingsError;

/// The name of the scorecard, which always answers.
pub const SCORECARD: &str = "scorecard";
/// The name of the model on Bedrock.
pub const BEDROCK: &str = "bedrock";
/// The name of the model at OpenAI, or at the compatible endpoint in its place.
pub const OPENAI: &str = "openai";

/// The chain's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The models' names, each once.
    pub models: Vec<String>,
    /// Whether the scorecard stands behind them.
    pub scorecard: bool,
}

impl Order {
    /// Reads a list as `bedrock,openai,scorecard`.
    pub fn parse(list: &str) -> Result<Self, SettingsError> {
        let mut order = Self { models: Vec::new(), scorecard: false };
        for name in list.split(',').map(str::trim) {
            let named = || name.to_owned();
            if name.is_empty() {
                return Err(SettingsError::EmptyName);
            }
            if order.models.iter().any(|earlier| earlier == name) || order.scorecard && name == SCORECARD {
                return Err(SettingsError::NamedTwice { name: named() });
            }
            if order.scorecard {
                return Err(SettingsError::AfterScorecard { name: named() });
            }
            if name == SCORECARD {
                order.scorecard = true;
            } else {
                order.models.push(named());
            }
        }
        Ok(order)
    }

    /// The order where none is set: Bedrock unless it is switched off, OpenAI if it is configured, the scorecard.
    pub fn unless_set(use_bedrock: bool, has_openai: bool) -> Self {
        let names = [(BEDROCK, use_bedrock), (OPENAI, has_openai)];
        let models = names.into_iter().filter(|(_, is_in)| *is_in).map(|(name, _)| name.to_owned()).collect();
        Self { models, scorecard: true }
    }
}

/// Reads `USE_BEDROCK`.
pub fn use_bedrock(text: &str) -> Result<bool, SettingsError> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(SettingsError::NeitherTrueNorFalse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_in_its_order() {
        for (list, models, scorecard) in [
            ("bedrock,openai,scorecard", &["bedrock", "openai"][..], true),
            (" openai , bedrock ", &["openai", "bedrock"], false),
            ("scorecard", &[], true),
            ("mine", &["mine"], false),
        ] {
            let models = models.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(Order::parse(list), Ok(Order { models, scorecard }), "{list}");
        }
    }

    #[test]
    fn a_list_that_cannot_work_says_why() {
        for (list, sentence) in [
            ("", "MODELS has an empty name; write names with one comma between them"),
            ("bedrock,", "MODELS has an empty name; write names with one comma between them"),
            ("openai,bedrock,openai", "MODELS names openai twice; name each once"),
            ("scorecard,scorecard", "MODELS names scorecard twice; name each once"),
            (
                "scorecard,openai",
                "MODELS names openai after scorecard, which always answers; put scorecard last",
            ),
        ] {
            assert_eq!(Order::parse(list).unwrap_err().to_string(), sentence, "{list}");
        }
    }

    #[test]
    fn nobody_is_asked_whom_nobody_configured() {
        for (use_bedrock, has_openai, list) in [
            (true, false, "bedrock,scorecard"),
            (true, true, "bedrock,openai,scorecard"),
            (false, true, "openai,scorecard"),
            (false, false, "scorecard"),
        ] {
            assert_eq!(Ok(Order::unless_set(use_bedrock, has_openai)), Order::parse(list));
        }
    }
}
