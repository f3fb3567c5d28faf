//! Reads the setting `MODELS` as an [`Order`], or derives the default order from the other settings.
//!
//! Never: checks what a name refers to, or adds a vendor that is not configured.

use crate::settings::SettingsError;

/// The name of the scorecard, which never fails.
pub const SCORECARD: &str = "scorecard";
/// The name of the model on Bedrock.
pub const BEDROCK: &str = "bedrock";
/// The name of the model at OpenAI, or at the compatible endpoint that replaces it.
pub const OPENAI: &str = "openai";

/// The order of the chain's models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The models' names, each once.
    pub models: Vec<String>,
    /// Whether the scorecard is last.
    pub scorecard: bool,
}

impl Order {
    /// Reads a list such as `bedrock,openai,scorecard`.
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

    /// The default order: Bedrock unless it is switched off, OpenAI if it is configured, the scorecard.
    pub fn default_for(use_bedrock: bool, has_openai: bool) -> Self {
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
    fn a_list_is_read_in_order() {
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
    fn an_invalid_list_is_refused_with_the_reason() {
        for (list, sentence) in [
            ("", "MODELS contains an empty name; separate the names with single commas"),
            ("bedrock,", "MODELS contains an empty name; separate the names with single commas"),
            ("openai,bedrock,openai", "MODELS lists `openai` twice; list each name once"),
            ("scorecard,scorecard", "MODELS lists `scorecard` twice; list each name once"),
            (
                "scorecard,openai",
                "MODELS lists `openai` after scorecard, which never fails; put scorecard last",
            ),
        ] {
            assert_eq!(Order::parse(list).unwrap_err().to_string(), sentence, "{list}");
        }
    }

    #[test]
    fn the_default_order_contains_only_configured_models() {
        for (use_bedrock, has_openai, list) in [
            (true, false, "bedrock,scorecard"),
            (true, true, "bedrock,openai,scorecard"),
            (false, true, "openai,scorecard"),
            (false, false, "scorecard"),
        ] {
            assert_eq!(Ok(Order::default_for(use_bedrock, has_openai)), Order::parse(list));
        }
    }
}
