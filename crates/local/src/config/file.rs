//! Reads `portend.toml`. Its paths are relative to its own folder. `docs/portend.toml` is a complete example.
//!
//! Never: accepts an unknown key.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use etcetera::AppStrategy;
use portend_core::number::Number;
use portend_remote::WrittenChannel;
use portend_remote::secret::Secret;
use serde::{Deserialize, Deserializer};

use super::folders;

/// The name of a settings file that nobody names.
const FILE_NAME: &str = "portend.toml";

/// The settings in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFile {
    pub(super) store: Option<PathBuf>,
    #[serde(alias = "alert_types_dir")]
    pub(super) alert_types: Option<PathBuf>,
    /// The order of the models. If `models` is not a table, it is the order itself.
    #[serde(default, deserialize_with = "order")]
    pub(super) chain: Option<String>,
    #[serde(default)]
    pub(super) models: Models,
    pub(super) use_bedrock: Option<bool>,
    pub(super) bedrock_model_id: Option<String>,
    pub(super) openai_model: Option<String>,
    pub(super) openai_base_url: Option<String>,
    pub(super) openai_api_key_secret: Option<String>,
    pub(super) bedrock_timeout: Option<WrittenNumber>,
    pub(super) bedrock_concurrency: Option<WrittenNumber>,
    pub(super) openai_timeout: Option<WrittenNumber>,
    pub(super) openai_concurrency: Option<WrittenNumber>,
    pub(super) event_bus: Option<String>,
    pub(super) mirror_table: Option<String>,
    pub(super) holdout: Option<f64>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) openai_api_key: Option<Secret>,
    /// The channels of people.
    #[serde(default)]
    pub(super) notify: BTreeMap<String, WrittenChannel>,
    /// The folder of this file.
    #[serde(skip)]
    pub(super) folder: PathBuf,
    /// Where the file is; `None` if there is no file.
    #[serde(skip)]
    pub(super) source: Option<FileSource>,
}

/// Where a settings file is, and who has chosen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileSource {
    /// The user has named it, or it is in the user's settings folder.
    Own(PathBuf),
    /// It is in the current folder, and nobody has named it.
    Found(PathBuf),
}

impl FileSource {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Own(path) | Self::Found(path) => path,
        }
    }
}

/// `models`: the order as a text, or tables with further endpoints.
#[derive(Debug)]
pub(super) enum Models {
    Order(String),
    Endpoints(BTreeMap<String, WrittenEndpoint>),
}

impl Default for Models {
    fn default() -> Self {
        Self::Endpoints(BTreeMap::new())
    }
}

/// The endpoint in `[models.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [models.NAME] with model and base_url")]
pub(super) struct WrittenEndpoint {
    #[serde(default)]
    pub(super) provider: WrittenProvider,
    #[serde(alias = "model_id")]
    pub(super) model: Option<String>,
    pub(super) base_url: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) api_key: Option<Secret>,
    /// The name of the environment variable with the key.
    pub(super) api_key_env: Option<String>,
    pub(super) timeout: Option<WrittenNumber>,
    pub(super) concurrency: Option<WrittenNumber>,
    pub(super) price: Option<WrittenPrice>,
    /// A date, such as 2027-01-31.
    pub(super) end_of_life: Option<String>,
    /// Whether requests set the temperature to 0.
    pub(super) temperature: Option<bool>,
    pub(super) token_limit: Option<WrittenTokenLimit>,
    pub(super) reasoning_effort: Option<String>,
}

/// A number with or without quotes: `20`, `"20s"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a number, or a text such as \"20s\"")]
pub(super) enum WrittenNumber {
    Number(u32),
    Text(String),
}

impl WrittenNumber {
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a price such as { input = 0.15, output = 0.60 }")]
pub(super) struct WrittenPrice {
    pub(super) input: Number,
    pub(super) output: Number,
    pub(super) cached: Option<Number>,
    pub(super) cache_write: Option<Number>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenTokenLimit {
    MaxTokens,
    MaxCompletionTokens,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrittenProvider {
    /// An OpenAI-compatible endpoint, or OpenAI itself.
    #[default]
    Openai,
    Bedrock,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| Secret::new(&text)))
}

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Models;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text such as \"bedrock,scorecard\", a list of names, or tables [models.NAME]")
            }

            fn visit_str<E>(self, order: &str) -> Result<Models, E> {
                Ok(Models::Order(order.to_owned()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, names: A) -> Result<Models, A::Error> {
                let names = serde::de::value::SeqAccessDeserializer::new(names);
                Ok(Models::Order(Vec::<String>::deserialize(names)?.join(",")))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Models, A::Error> {
                let endpoints = serde::de::value::MapAccessDeserializer::new(map);
                BTreeMap::deserialize(endpoints).map(Models::Endpoints)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The order of the models, as a text or as a list of names.
fn order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Models::deserialize(deserializer)? {
        Models::Order(order) => Ok(Some(order)),
        Models::Endpoints(_) => {
            Err(serde::de::Error::custom("expected a text such as \"bedrock,scorecard\", or a list of names"))
        }
    }
}

impl SettingsFile {
    /// Finds and reads the file. A file that `--config` names must exist; one at a default path may be missing.
    pub(super) fn find(named: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = named {
            let text = read_text(&path)?;
            return Self::read(FileSource::Own(path), &text);
        }
        let here = PathBuf::from(FILE_NAME);
        let is_users = user_path().is_some_and(|users| is_same_file(&users, &here));
        let source = if is_users { FileSource::Own(here) } else { FileSource::Found(here) };
        match Self::read_if_there(source)? {
            Some(file) => Ok(file),
            None => Self::of_user(),
        }
    }

    /// The file in the user's settings folder, or no settings if there is none.
    pub(super) fn of_user() -> Result<Self> {
        let file = user_path().map(|path| Self::read_if_there(FileSource::Own(path))).transpose()?;
        Ok(file.flatten().unwrap_or_default())
    }

    /// The path of the file, if it was only found in the current folder.
    pub(super) fn found_path(&self) -> Option<&Path> {
        match self.source.as_ref()? {
            FileSource::Found(path) => Some(path),
            FileSource::Own(_) => None,
        }
    }

    /// Every base URL in the file.
    pub(super) fn base_urls(&self) -> impl Iterator<Item = &str> {
        let endpoints = match &self.models {
            Models::Order(_) => None,
            Models::Endpoints(endpoints) => Some(endpoints.values()),
        };
        let of_endpoints = endpoints.into_iter().flatten().filter_map(|each| each.base_url.as_deref());
        self.openai_base_url.as_deref().into_iter().chain(of_endpoints)
    }

    fn read_if_there(source: FileSource) -> Result<Option<Self>> {
        match fs::read_to_string(source.path()) {
            Ok(text) => Self::read(source, &text).map(Some),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(_) => {
                let text = read_text(source.path())?;
                Self::read(source, &text).map(Some)
            }
        }
    }

    fn read(source: FileSource, text: &str) -> Result<Self> {
        let path = source.path();
        let file: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let message = without_values(error.message());
            anyhow!("{}:{line}: {message}; see docs/portend.toml for every key", path.display())
        })?;
        for (key, value) in [("store", &file.store), ("alert_types", &file.alert_types)] {
            if value.as_ref().is_some_and(|value| value.as_os_str().is_empty()) {
                return Err(anyhow!("{}: {key} is empty; set it to a path, or remove it", path.display()));
            }
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let in_folder = |setting: Option<PathBuf>| setting.map(|setting| folder.join(setting));
        let is_table = |store: &Path| store.to_str().is_some_and(|store| store.starts_with(super::DYNAMODB));
        let store = file.store.map(|store| if is_table(&store) { store } else { folder.join(store) });
        let alert_types = in_folder(file.alert_types);
        Ok(Self { store, alert_types, source: Some(source), folder, ..file })
    }
}

/// The path of the file in the user's settings folder.
fn user_path() -> Option<PathBuf> {
    folders().ok().map(|folders| folders.in_config_dir(FILE_NAME))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Removes the value from an error message, because it may be a key.
fn without_values(message: &str) -> String {
    let kinds = ["invalid type: ", "invalid value: "];
    let Some(rest) = kinds.iter().find_map(|kind| message.strip_prefix(kind)) else {
        return message.to_owned();
    };
    let kind = rest.split_whitespace().next().unwrap_or_default();
    let expected = rest.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
    format!("expected {expected}, got a value of type {kind}")
}

fn read_text(path: &Path) -> Result<String> {
    let fix = "use --config to name a file that you may read, or remove it";
    fs::read_to_string(path)
        .map_err(|error| anyhow!("cannot read the settings file {}: {error}; {fix}", path.display()))
}
