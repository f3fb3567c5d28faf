//! The settings of a model, and the error sentence for each setting that cannot work.
//!
//! Never: reads the environment. The programs do, and the AWS SDK reads its own variables.

use crate::limits::MODEL_ID_CHARS_MAX;
use crate::secret::KeySource;

/// The settings of a model on Bedrock.
#[derive(Debug, Clone)]
pub struct BedrockSettings {
    /// The model's name in the chain.
    pub name: String,
    /// The id or ARN of a model or inference profile. `None` selects the region's default.
    pub model_id: Option<String>,
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
pub(crate) fn setting(name: &str, key: &str) -> String {
    match (name, key) {
        ("bedrock", "model") => "BEDROCK_MODEL_ID".to_owned(),
        ("openai", "model") => "OPENAI_MODEL".to_owned(),
        ("openai", "base_url") => "OPENAI_BASE_URL".to_owned(),
        ("openai", "key") => "OPENAI_API_KEY".to_owned(),
        (_, "key") => format!("models.{name}.api_key"),
        _ => format!("models.{name}.{key}"),
    }
}

/// Checks that a URL or a body can contain the model id.
pub(crate) fn checked_model_id(name: &str, id: String) -> Result<String, SettingsError> {
    if (1..=MODEL_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(id)
    } else {
        Err(SettingsError::BadModelId { setting: setting(name, "model") })
    }
}
