//! The settings, from flags, environment variables and `portend.toml`, in this order of precedence. [`Flags`] and
//! [`SettingsFile`] are what the user wrote; [`Config`] is what it means. Only the AWS SDK reads variables of its own.

mod file;
mod chain;

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};
use clap::builder::{OsStringValueParser, TypedValueParser};
use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use portend_core::alert_type::AlertTypes;
use portend_remote::{Aws, EventBus, find_region};

pub(crate) use chain::ChainPlan;
use file::SettingsFile;

/// Settings that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Flags {
    /// The store: a file, or dynamodb:TABLE [default: portend.db in the user's data folder].
    ///
    /// If it is a table, the ledger of events is in the default file.
    #[arg(long, global = true, value_name = "STORE", value_parser = path(), env = "PORTEND_STORE", hide_env_values = true)]
    store: Option<PathBuf>,

    /// The same as --store dynamodb:TABLE, if --store is not used.
    #[arg(long, global = true, value_name = "TABLE", env = "DYNAMODB_TABLE_NAME", hide_env_values = true)]
    dynamodb_table_name: Option<String>,

    /// The event bus on which new and upgraded insights are published [default: none].
    #[arg(long, global = true, value_name = "NAME", env = "EVENT_BUS_NAME", hide_env_values = true)]
    event_bus: Option<String>,

    /// A folder of alert types that replace the built-in ones.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        value_parser = path(),
        alias = "alert-types-dir",
        env = "ALERT_TYPES_DIR",
        hide_env_values = true
    )]
    alert_types: Option<PathBuf>,

    /// The models in their order: bedrock, openai, names of [models.NAME], scorecard [default: scorecard].
    ///
    /// Without scorecard at the end, an alert that no model answers fails and can be run again.
    #[arg(long, global = true, value_name = "LIST", env = "MODELS", hide_env_values = true)]
    models: Option<String>,

    /// Whether the default chain has Bedrock. Ignored if MODELS is set.
    #[arg(long, global = true, value_name = "BOOL", env = "USE_BEDROCK", hide_env_values = true)]
    use_bedrock: Option<String>,

    /// The id or ARN of a Bedrock model or inference profile [default: Claude Haiku 4.5's profile for the region].
    #[arg(long, global = true, value_name = "ID", env = "BEDROCK_MODEL_ID", hide_env_values = true)]
    bedrock_model_id: Option<String>,

    /// The model id of `openai` [default: gpt-6-luna; none with a base URL].
    #[arg(long, global = true, value_name = "ID", env = "OPENAI_MODEL", hide_env_values = true)]
    openai_model: Option<String>,

    /// A compatible endpoint for `openai`, such as `http://localhost:11434/v1`. The key is sent to no other host.
    #[arg(long, global = true, value_name = "URL", env = "OPENAI_BASE_URL", hide_env_values = true)]
    openai_base_url: Option<String>,

    /// The name or ARN of the secret in AWS Secrets Manager with OpenAI's key. It is not used with a base URL.
    #[arg(long, global = true, value_name = "NAME", env = "OPENAI_API_KEY_SECRET", hide_env_values = true)]
    openai_api_key_secret: Option<String>,

    /// The settings file [default: portend.toml in this folder, otherwise in the user's settings folder].
    #[arg(long, global = true, value_name = "FILE", value_parser = path(), env = "PORTEND_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

/// A parser that accepts an empty path, because an empty variable counts as not set.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// The store of insights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreName {
    /// A file on this machine.
    File(PathBuf),
    /// A DynamoDB table.
    DynamoDb(String),
}

/// The prefix of a table's name in `--store`.
const DYNAMODB: &str = "dynamodb:";

impl StoreName {
    fn read(setting: PathBuf) -> Result<Self> {
        let text = setting.to_str().unwrap_or_default();
        let Some(table) = text.strip_prefix(DYNAMODB) else {
            let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
            let is_meant = |scheme: &str| ["dynamodb", "dynamo", "ddb"].contains(&scheme);
            ensure!(
                !scheme.is_some_and(|scheme| is_meant(&scheme)),
                "`{text}` is not a valid store; for a table, use {DYNAMODB}TABLE"
            );
            return Ok(Self::File(setting));
        };
        ensure!(!table.is_empty(), "`{DYNAMODB}` is not a valid store; use {DYNAMODB}TABLE");
        Ok(Self::DynamoDb(table.to_owned()))
    }
}

/// What the settings mean.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The store.
    pub(crate) store: StoreName,
    /// The file of the ledger: the store's file, unless the store is a table.
    pub(crate) ledger: PathBuf,
    /// The event bus for insights.
    event_bus: Option<String>,
    /// The folder of alert types. `None` selects the built-in ones.
    alert_types: Option<PathBuf>,
    /// The models.
    pub(crate) chain: ChainPlan,
}

impl Config {
    /// Reads the settings file, if there is one. Flags and environment take precedence over it.
    pub(crate) fn read(flags: Flags) -> Result<Self> {
        let path = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty());
        let text = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let flags = Flags {
            store: path(flags.store),
            alert_types: path(flags.alert_types),
            config: path(flags.config),
            models: text(flags.models),
            bedrock_model_id: text(flags.bedrock_model_id),
            openai_model: text(flags.openai_model),
            openai_base_url: text(flags.openai_base_url),
            use_bedrock: text(flags.use_bedrock),
            dynamodb_table_name: text(flags.dynamodb_table_name),
            event_bus: text(flags.event_bus),
            openai_api_key_secret: text(flags.openai_api_key_secret),
        };
        let file = SettingsFile::find(flags.config.clone())?;
        let default_file = || -> Result<PathBuf> {
            let folders = folders()
                .context("this user has no home folder for the store; use --store to name a file")?;
            Ok(folders.data_dir().join("portend.db"))
        };
        let table = flags.dynamodb_table_name.clone().map(StoreName::DynamoDb);
        let store = match (flags.store.clone(), table, file.store.clone()) {
            (Some(named), _, _) | (None, None, Some(named)) => StoreName::read(named)?,
            (None, Some(table), _) => table,
            (None, None, None) => StoreName::File(default_file()?),
        };
        let ledger = match &store {
            StoreName::File(file) => file.clone(),
            StoreName::DynamoDb(_) => default_file()?,
        };
        let alert_types = flags.alert_types.clone().or_else(|| file.alert_types.clone());
        let event_bus = flags.event_bus.clone().or_else(|| file.event_bus.clone());
        Ok(Self { store, ledger, event_bus, alert_types, chain: ChainPlan::new(flags, file)? })
    }

    /// AWS with the credentials and settings of the environment. The region is determined only if a part is on AWS. A
    /// model without a region reports its own error.
    pub(crate) async fn aws(&self) -> Result<Aws> {
        let needs_region = match (&self.store, &self.event_bus) {
            (StoreName::DynamoDb(table), _) => Some(format!("{DYNAMODB}{table}")),
            (StoreName::File(_), Some(bus)) => Some(format!("the event bus {bus}")),
            (StoreName::File(_), None) => None,
        };
        let is_used = needs_region.is_some() || self.chain.uses_aws();
        let region = if is_used { find_region().await } else { None };
        match needs_region.filter(|_| region.is_none()) {
            Some(what) => Err(anyhow!("AWS_REGION is not set; set it to the region of {what}")),
            None => Ok(Aws::ambient(region).never_frozen()),
        }
    }

    /// The event bus, if one is named.
    pub(crate) fn event_bus(&self, aws: &Aws) -> Option<EventBus> {
        self.event_bus.clone().map(|name| EventBus::new(name, aws.clone()))
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

fn folders() -> Result<impl AppStrategy> {
    let app = AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "portend".into(),
    };
    Ok(choose_app_strategy(app)?)
}
