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
use portend_remote::secret::Secret;
use serde::{Deserialize, Deserializer};

use super::folders;

/// The settings in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFile {
    pub(super) store: Option<PathBuf>,
    #[serde(alias = "alert_types_dir")]
    pub(super) alert_types: Option<PathBuf>,
    /// The order of the models. If `models` is not a table, it is the order itself.
    pub(super) chain: Option<String>,
    #[serde(default)]
    pub(super) models: Models,
    pub(super) use_bedrock: Option<bool>,
    pub(super) bedrock_model_id: Option<String>,
    pub(super) openai_model: Option<String>,
    pub(super) openai_base_url: Option<String>,
    pub(super) openai_api_key_secret: Option<String>,
    pub(super) event_bus: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) openai_api_key: Option<Secret>,
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
                f.write_str("a text such as \"bedrock,scorecard\", or tables [models.NAME]")
            }

            fn visit_str<E>(self, order: &str) -> Result<Models, E> {
                Ok(Models::Order(order.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Models, A::Error> {
                let endpoints = serde::de::value::MapAccessDeserializer::new(map);
                BTreeMap::deserialize(endpoints).map(Models::Endpoints)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl SettingsFile {
    /// Finds and reads the file. A file that `--config` names must exist; one at a default path may be missing.
    pub(super) fn find(named: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = named {
            return Self::read(&path, &read_text(&path)?);
        }
        let in_settings = folders().ok().map(|folders| folders.in_config_dir("portend.toml"));
        for path in [Some(PathBuf::from("portend.toml")), in_settings].into_iter().flatten() {
            match fs::read_to_string(&path) {
                Ok(text) => return Self::read(&path, &text),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(_) => return Self::read(&path, &read_text(&path)?),
            }
        }
        Ok(Self::default())
    }

    fn read(path: &Path, text: &str) -> Result<Self> {
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
        let folder = path.parent().unwrap_or(Path::new(""));
        let in_folder = |setting: Option<PathBuf>| setting.map(|setting| folder.join(setting));
        let is_table = |store: &Path| store.to_str().is_some_and(|store| store.starts_with(super::DYNAMODB));
        let store = file.store.map(|store| if is_table(&store) { store } else { folder.join(store) });
        Ok(Self { store, alert_types: in_folder(file.alert_types), ..file })
    }
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
