//! The settings: by flag, by environment and by `portend.toml`, in this order.
//!
//! Takes: what was typed ([`Flags`]) and what the file says ([`File`]).
//! Gives: what it means ([`Config`]), or a sentence that names the setting and the mend.
//! Never: reads a setting in another place. The environment's names stand here alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use portend_core::alert_type::AlertTypes;
use serde::Deserialize;

/// Settings that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Flags {
    /// The store's file [default: portend.db in the user's data folder].
    #[arg(long, global = true, value_name = "FILE", env = "PORTEND_STORE", hide_env_values = true)]
    store: Option<PathBuf>,

    /// A folder of alert types, in place of the built-in ones.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        alias = "alert-types-dir",
        env = "ALERT_TYPES_DIR",
        hide_env_values = true
    )]
    alert_types: Option<PathBuf>,

    /// The settings file [default: portend.toml here, else in the user's settings folder].
    #[arg(long, global = true, value_name = "FILE", env = "PORTEND_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

/// `portend.toml`, as it is written. `docs/portend.toml` is a complete example.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: Option<PathBuf>,
    #[serde(alias = "alert_types_dir")]
    alert_types: Option<PathBuf>,
}

/// The settings, as they are meant.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The store's file.
    pub(crate) store: PathBuf,
    /// The alert types' folder; none: the built-in ones.
    alert_types: Option<PathBuf>,
}

impl Config {
    /// Reads the settings file, if there is one, and lets flags and environment go before it.
    pub(crate) fn read(flags: Flags) -> Result<Self> {
        let file = settings_file(flags.config)?;
        let store = match flags.store.or(file.store) {
            Some(store) => store,
            None => folders()?.data_dir().join("portend.db"),
        };
        Ok(Self { store, alert_types: flags.alert_types.or(file.alert_types) })
    }

    /// The alert types that the settings name.
    pub(crate) fn alert_types(&self) -> Result<AlertTypes> {
        match &self.alert_types {
            None => Ok(AlertTypes::built_in()),
            Some(folder) => {
                AlertTypes::from_folder(folder).context("the setting --alert-types cannot be used")
            }
        }
    }
}

/// A file that is named must be there; one in its usual place may be absent. Its paths are relative to its folder.
fn settings_file(named: Option<PathBuf>) -> Result<File> {
    if let Some(path) = named {
        return read_file(&path, &read_text(&path)?);
    }
    let usual = [
        Some(PathBuf::from("portend.toml")),
        folders().ok().map(|folders| folders.in_config_dir("portend.toml")),
    ];
    for path in usual.into_iter().flatten() {
        match fs::read_to_string(&path) {
            Ok(text) => return read_file(&path, &text),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(_) => return read_file(&path, &read_text(&path)?),
        }
    }
    Ok(File::default())
}

fn read_text(path: &Path) -> Result<String> {
    let mend = "give a settings file that can be read with --config, or none";
    fs::read_to_string(path)
        .with_context(|| format!("cannot read the settings file {}; {mend}", path.display()))
}

fn read_file(path: &Path, text: &str) -> Result<File> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        let mend = "its keys are store and alert_types";
        anyhow!("{}:{line}: {}; {mend}", path.display(), error.message())
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let in_folder = |setting: Option<PathBuf>| setting.map(|setting| folder.join(setting));
    Ok(File { store: in_folder(file.store), alert_types: in_folder(file.alert_types) })
}

fn folders() -> Result<impl AppStrategy> {
    let app = AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "portend".into(),
    };
    choose_app_strategy(app)
        .map_err(|_| anyhow!("there is no home folder for the store; give its file with --store"))
}
