//! The settings of a model, and the error sentence for each setting that cannot work.
//!
//! Never: reads the environment. The programs do, and the AWS SDK reads its own variables.

use std::time::Duration;

use jiff::civil::Date;
use portend_core::model::Price;

use crate::limits::{CONCURRENCY_MAX, MODEL_ID_CHARS_MAX, TIMEOUT_MAX, TIMEOUT_MIN};
use crate::secret::KeySource;

/// What the settings say about a model, in place of what is known or assumed of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelTuning {
    /// The longest time of one call.
    pub timeout: Option<Duration>,
    /// Calls at the same time.
    pub concurrency: Option<usize>,
    /// The price.
    pub price: Option<Price>,
    /// The day on which the model is shut down.
    pub end_of_life: Option<Date>,
    /// Whether requests set the temperature to 0.
    pub temperature: Option<bool>,
    /// The name of the limit of output tokens. Only Chat Completions has two.
    pub token_limit: Option<TokenLimitName>,
    /// The effort of reasoning that requests ask for.
    pub reasoning_effort: Option<String>,
}

/// The name of the limit of output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLimitName {
    /// `max_tokens`, which most servers know.
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's newer models need.
    MaxCompletionTokens,
}

/// The settings of a model on Bedrock.
#[derive(Debug, Clone)]
pub struct BedrockSettings {
    /// The model's name in the chain.
    pub name: String,
    /// The id or ARN of a model or inference profile. `None` selects the region's default.
    pub model_id: Option<String>,
    /// What else the settings say about the model.
    pub tuning: ModelTuning,
}

/// The settings of a model at OpenAI or at a compatible endpoint.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// The model's name in the chain.
    pub name: String,
    /// The model's id. `None` selects the default, which only OpenAI itself has.
    pub model_id: Option<String>,
    /// The address without `/responses` or `/chat/completions` at its end. `None` selects OpenAI's own.
    pub base_url: Option<String>,
    /// The source of the key.
    pub key: KeySource,
    /// Whether the endpoint is OpenAI itself, which is called by the Responses API and whose prices are known. Any
    /// other endpoint is called by Chat Completions. See [`OpenAiSettings::is_vendor`].
    pub vendor: bool,
    /// What else the settings say about the model.
    pub tuning: ModelTuning,
}

/// A setting that cannot work. The operator is at fault. Each message names the setting and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The region is not set. Without it, neither the default model nor an endpoint is known.
    #[error("AWS_REGION is not set; set it to the region of the model")]
    NoRegion,
    /// The region has no default model.
    #[error(
        "{setting} is not set, and the region `{region}` has no default model; set it to the id of an inference profile"
    )]
    NoProfile {
        /// The setting of the model.
        setting: String,
        /// The region.
        region: String,
    },
    /// A model id is empty, is too long, or contains a space or a character that is not ASCII.
    #[error("{setting} is not a model id; write the id exactly as the vendor does")]
    BadModelId {
        /// The setting.
        setting: String,
    },
    /// A compatible endpoint has no default model.
    #[error(
        "{setting} is not set, and this endpoint has no default model; set it to the id of a model that the endpoint serves"
    )]
    NoModelId {
        /// The setting.
        setting: String,
    },
    /// A compatible endpoint has no address.
    #[error("{setting} is not set; set it to the endpoint's address, such as http://localhost:11434/v1")]
    NoBaseUrl {
        /// The setting.
        setting: String,
    },
    /// A base URL is not a URL, or it has a user, a query or a fragment.
    #[error("{setting} is not a base URL; use only scheme, host and path, such as https://example.com/v1")]
    BadBaseUrl {
        /// The setting.
        setting: String,
    },
    /// A base URL ends with the path of a resource.
    #[error("{setting} ends in /{resource}; remove that ending, because the program adds it")]
    BaseUrlWithResource {
        /// The setting.
        setting: String,
        /// The ending.
        resource: &'static str,
    },
    /// A base URL would send facts, and possibly a key, without encryption.
    #[error("{setting} must begin with https://; use http:// only for a server on this machine (localhost)")]
    PlainBaseUrl {
        /// The setting.
        setting: String,
    },
    /// OpenAI itself has no key.
    #[error("{setting} is not set; set it to the key, or remove the model from MODELS")]
    NoKey {
        /// The setting.
        setting: String,
    },
    /// A header cannot contain the key.
    #[error("{setting} is not a key; write it without spaces, quotes and line breaks")]
    BadKey {
        /// The setting.
        setting: String,
    },
    /// The list of models contains an empty name.
    #[error("MODELS contains an empty name; separate the names with single commas")]
    EmptyName,
    /// The list of models contains a name twice.
    #[error("MODELS lists `{name}` twice; list each name once")]
    NamedTwice {
        /// The name.
        name: String,
    },
    /// The list of models continues after the scorecard.
    #[error("MODELS lists `{name}` after scorecard, which never fails; put scorecard last")]
    AfterScorecard {
        /// The name.
        name: String,
    },
    /// The list of models contains an unknown name.
    #[error("MODELS: `{name}` is not a known model; use bedrock, openai or scorecard")]
    NoSuchName {
        /// The name.
        name: String,
    },
    /// A time limit is not a number of seconds in its range.
    #[error("{setting} is not a time limit; write seconds or minutes between 1s and 7m, such as 20s or 2m")]
    BadTimeout {
        /// The setting.
        setting: String,
    },
    /// A number of calls at the same time is not a whole number in its range.
    #[error("{setting} is not a number of calls; write a whole number from 1 to 1024")]
    BadConcurrency {
        /// The setting.
        setting: String,
    },
    /// `USE_BEDROCK` is neither `true` nor `false`.
    #[error("USE_BEDROCK must be `true` or `false`")]
    NeitherTrueNorFalse,
    /// The built-in `models.toml` is not valid. The build is at fault.
    #[error("models.toml is not valid ({what}); fix it and build the program again")]
    Catalogue {
        /// What is wrong with it.
        what: String,
    },
}

impl OpenAiSettings {
    /// OpenAI's own address.
    pub const VENDOR_URL: &'static str = VENDOR_URL;

    /// The secret that the key must be read from, if any. A key in the settings takes precedence, and with a base URL
    /// the secret is not used, because it contains OpenAI's own key.
    pub fn secret_in_use(&self, secret: Option<String>) -> Option<String> {
        secret.filter(|_| matches!(self.key, KeySource::None) && self.base_url.is_none())
    }

    /// Whether this base URL, or a missing one, means OpenAI itself.
    pub fn is_vendor(base_url: Option<&str>) -> bool {
        base_url.is_none_or(|url| url.trim_end_matches('/') == VENDOR_URL)
    }
}

/// OpenAI's own address.
pub(crate) const VENDOR_URL: &str = "https://api.openai.com/v1";

impl SettingsError {
    pub(crate) fn catalogue(what: &str) -> Self {
        Self::Catalogue { what: what.to_owned() }
    }
}

/// The name that the operator uses for a setting: the environment variable for `bedrock` and `openai`, otherwise the
/// key in the settings file.
pub fn setting(name: &str, key: &str) -> String {
    match (name, key) {
        ("bedrock", "model") => "BEDROCK_MODEL_ID".to_owned(),
        ("openai", "model") => "OPENAI_MODEL".to_owned(),
        ("openai", "base_url") => "OPENAI_BASE_URL".to_owned(),
        ("openai", "key") => "OPENAI_API_KEY".to_owned(),
        ("bedrock" | "openai", key) => format!("{}_{}", name.to_ascii_uppercase(), key.to_ascii_uppercase()),
        (_, "key") => format!("models.{name}.api_key"),
        _ => format!("models.{name}.{key}"),
    }
}

/// Reads the time limit of a model's call, such as `20s`, `2m` or a number of seconds. `setting` is its name.
pub fn timeout(setting: &str, text: &str) -> Result<Duration, SettingsError> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit.trim() {
        "" | "s" => Some(1),
        "m" | "min" => Some(60),
        _ => None,
    };
    let time = seconds
        .zip(number.parse::<u32>().ok())
        .map(|(unit, number)| Duration::from_secs(unit).checked_mul(number).unwrap_or(Duration::MAX));
    time.filter(|time| (TIMEOUT_MIN..=TIMEOUT_MAX).contains(time))
        .ok_or_else(|| SettingsError::BadTimeout { setting: setting.to_owned() })
}

/// Reads the number of calls to a model at the same time. `setting` is its name.
pub fn concurrency(setting: &str, text: &str) -> Result<usize, SettingsError> {
    let number = text.trim().parse().ok().filter(|number| (1..=CONCURRENCY_MAX).contains(number));
    number.ok_or_else(|| SettingsError::BadConcurrency { setting: setting.to_owned() })
}

/// Checks that a URL or a body can contain the model id.
pub(crate) fn checked_model_id(name: &str, id: String) -> Result<String, SettingsError> {
    if (1..=MODEL_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(id)
    } else {
        Err(SettingsError::BadModelId { setting: setting(name, "model") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_is_read_with_its_unit() {
        for (text, seconds) in
            [("20", Some(20)), ("20s", Some(20)), (" 2m ", Some(120)), ("1 min", Some(60)), ("7m", Some(420))]
        {
            assert_eq!(timeout("T", text).ok(), seconds.map(Duration::from_secs), "{text}");
        }
        for text in ["", "0", "-1", "1.5", "8m", "20 hours", "9999999999", "s"] {
            let sentence =
                "T is not a time limit; write seconds or minutes between 1s and 7m, such as 20s or 2m";
            assert_eq!(timeout("T", text).unwrap_err().to_string(), sentence, "{text}");
        }
        for (text, number) in
            [("1", Some(1)), ("1024", Some(1024)), ("0", None), ("1025", None), ("two", None)]
        {
            assert_eq!(concurrency("C", text).ok(), number, "{text}");
        }
    }
}
