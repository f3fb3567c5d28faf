//! What the programs say of a model that they want asked.
//!
//! Takes: values that a program read from its flags, environment or file.
//! Gives: plain structs, and the one sentence for a value that cannot work.
//! Never: reads the environment; only the AWS SDK reads its own.

use crate::limits::MODEL_ID_CHARS_MAX;
use crate::secret::KeySource;

/// A model on Bedrock.
#[derive(Debug, Clone)]
pub struct BedrockSettings {
    /// Its name in the chain.
    pub name: String,
    /// A model's or inference profile's id or ARN; `None`: the default of the region.
    pub model_id: Option<String>,
}

/// A model at OpenAI or at a compatible endpoint.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// Its name in the chain.
    pub name: String,
    /// The model's id; `None`: the default, which only the vendor has.
    pub model_id: Option<String>,
    /// The address up to and without `/responses` or `/chat/completions`; `None`: the vendor's own.
    pub base_url: Option<String>,
    /// The key, and where it comes from.
    pub key: KeySource,
    /// Whether the endpoint is OpenAI itself, which is asked by the Responses API and knows its price. Any other is
    /// asked by Chat Completions. A program says no wherever a base URL is set.
    pub vendor: bool,
}

/// A setting that cannot work. Each message names the setting and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Neither a region nor a model id is given.
    #[error("AWS_REGION is not set; set it, or set {setting} to the model to ask")]
    NoRegion {
        /// The setting of the model.
        setting: String,
    },
    /// No default is known for the region.
    #[error(
        "{setting} must be set in {region}, for which no default model is known; give an inference profile's id"
    )]
    NoProfile {
        /// The setting of the model.
        setting: String,
        /// The region.
        region: String,
    },
    /// A model id is empty, too long, or holds a space or a character that is not ASCII.
    #[error("{setting} is not a model id; give the id as the vendor writes it")]
    BadModelId {
        /// The setting.
        setting: String,
    },
    /// A compatible endpoint has no default model.
    #[error(
        "{setting} must be set together with a base URL; give the id of a model that the endpoint serves"
    )]
    NoModelId {
        /// The setting.
        setting: String,
    },
    /// A compatible endpoint has no address.
    #[error("{setting} must be set; give the endpoint's address, as http://localhost:11434/v1")]
    NoBaseUrl {
        /// The setting.
        setting: String,
    },
    /// A base URL that cannot be read, or that has a user, a query or a fragment.
    #[error("{setting} is not a plain address; give scheme, host and path alone, as https://example.com/v1")]
    BadBaseUrl {
        /// The setting.
        setting: String,
    },
    /// A base URL that would send facts, and perhaps a key, in the clear.
    #[error("{setting} must begin with https://; only a server on this machine (localhost) may have http://")]
    PlainBaseUrl {
        /// The setting.
        setting: String,
    },
    /// OpenAI itself, without a key.
    #[error("{setting} must be set; give the key, or take the model out of MODELS")]
    NoKey {
        /// The setting.
        setting: String,
    },
    /// A key that no header can carry.
    #[error("{setting} is not a key; give it without spaces, quotes or line breaks")]
    BadKey {
        /// The setting.
        setting: String,
    },
    /// The chain's list has a gap.
    #[error("MODELS has an empty name; write names with one comma between them")]
    EmptyName,
    /// The chain's list has a name twice.
    #[error("MODELS names {name} twice; name each once")]
    NamedTwice {
        /// The name.
        name: String,
    },
    /// The chain goes on after the scorecard.
    #[error("MODELS names {name} after scorecard, which always answers; put scorecard last")]
    AfterScorecard {
        /// The name.
        name: String,
    },
    /// The chain names what nothing defines.
    #[error("MODELS names {name}, which is none; name bedrock, openai or scorecard")]
    NoSuchName {
        /// The name.
        name: String,
    },
    /// `USE_BEDROCK` is something else.
    #[error("USE_BEDROCK is neither true nor false; write one of them")]
    NeitherTrueNorFalse,
    /// The built-in list of models cannot be read. The build is at fault.
    #[error("models.toml cannot be read ({what}); mend it and build again")]
    Catalogue {
        /// What is wrong with it.
        what: String,
    },
}

impl OpenAiSettings {
    /// The secret that the key comes from, if it does: a key that is given goes before it, and with a base URL it goes
    /// nowhere, since it is OpenAI's own.
    pub fn secret_in_use(&self, secret: Option<String>) -> Option<String> {
        secret.filter(|_| matches!(self.key, KeySource::None) && self.base_url.is_none())
    }

    /// Whether a base URL, or none, means OpenAI itself.
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

/// The name by which the operator knows a setting: an environment variable for the two models that have them, else the
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

/// A model id that a URL or a body can carry.
pub(crate) fn checked_model_id(name: &str, id: String) -> Result<String, SettingsError> {
    if (1..=MODEL_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(id)
    } else {
        Err(SettingsError::BadModelId { setting: setting(name, "model") })
    }
}
