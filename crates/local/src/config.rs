//! The settings, from flags, environment variables and `portend.toml`, in this order of precedence. [`Flags`] and
//! [`SettingsFile`] are what the user wrote; [`Config`] is what it means. Only the AWS SDK reads variables of its own.

mod file;
mod keys;
mod channels;
mod origins;
mod profile;
mod chain;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Context, Result, anyhow, ensure};
use clap::builder::{OsStringValueParser, TypedValueParser};
use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use portend_core::alert_type::AlertTypes;
use portend_core::entity::Holdout;
use portend_remote::{Aws, ChannelSettings, ChannelTarget, EventBus, MirrorTable, Notifiers, find_region};

pub(crate) use chain::ChainPlan;
use file::{FileSource, Models, SettingsFile};
use keys::shown_path;
use origins::SettingPlaces;
pub(crate) use origins::{SettingOrigin, nearest};
pub(crate) use profile::AwsProfile;

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

    /// The table of the original dashboard's reader, which gets a copy of each insight [default: none].
    #[arg(long, global = true, value_name = "TABLE", env = "MIRROR_TABLE_NAME", hide_env_values = true)]
    mirror_table: Option<String>,

    /// A folder of alert types that replace the built-in ones. To keep one of those, copy its folder there.
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

    /// The time limit of one call to Bedrock, such as 30s or 2m [default: 20s].
    #[arg(long, global = true, value_name = "TIME", env = "BEDROCK_TIMEOUT", hide_env_values = true)]
    bedrock_timeout: Option<String>,

    /// Calls to Bedrock at the same time [default: 64].
    #[arg(long, global = true, value_name = "N", env = "BEDROCK_CONCURRENCY", hide_env_values = true)]
    bedrock_concurrency: Option<String>,

    /// The time limit of one call to `openai` [default: 20s; 2m for an endpoint on this machine].
    #[arg(long, global = true, value_name = "TIME", env = "OPENAI_TIMEOUT", hide_env_values = true)]
    openai_timeout: Option<String>,

    /// Calls to `openai` at the same time [default: 64; 2 for an endpoint on this machine].
    #[arg(long, global = true, value_name = "N", env = "OPENAI_CONCURRENCY", hide_env_values = true)]
    openai_concurrency: Option<String>,

    /// The share of students and subjects, 0 to 1, whose insights are stored and published nowhere [default: 0].
    ///
    /// They are chosen by chance, so that comparing what happened to them and to the others shows what notifying people
    /// changes.
    #[arg(long, global = true, value_name = "SHARE", env = "HOLDOUT", hide_env_values = true)]
    holdout: Option<String>,

    /// The settings file [default: portend.toml in this folder, otherwise in the user's settings folder].
    #[arg(long, global = true, value_name = "FILE", value_parser = path(), env = "PORTEND_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

impl Flags {
    /// The same settings with only this model.
    pub(crate) fn with_model(self, name: &str) -> Self {
        Self { models: Some(name.to_owned()), ..self }
    }
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
    /// The table of the original dashboard's reader.
    mirror_table: Option<String>,
    /// The folder of alert types. `None` selects the built-in ones.
    alert_types: Option<PathBuf>,
    /// The channels for people.
    channels: Vec<ChannelSettings>,
    /// The models.
    pub(crate) chain: ChainPlan,
    /// The entities of which nobody is notified.
    pub(crate) holdout: Holdout,
    /// The settings file in use, if there is one.
    file: Option<FileSource>,
    /// Where each value comes from.
    pub(crate) origins: Vec<SettingOrigin>,
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
            mirror_table: text(flags.mirror_table),
            bedrock_timeout: text(flags.bedrock_timeout),
            bedrock_concurrency: text(flags.bedrock_concurrency),
            openai_timeout: text(flags.openai_timeout),
            openai_concurrency: text(flags.openai_concurrency),
            openai_api_key_secret: text(flags.openai_api_key_secret),
            holdout: text(flags.holdout),
        };
        let mut file = SettingsFile::find(flags.config.clone())?;
        let channels = channels::channels(std::mem::take(&mut file.notify), &file.folder)?;
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
        let mirror_table = flags.mirror_table.clone().or_else(|| file.mirror_table.clone());
        let in_file = file.holdout.map(|share| share.to_string());
        let holdout = holdout(flags.holdout.as_deref().or(in_file.as_deref()))?;
        let (source, origins) = (file.source.clone(), origins(&flags, &file));
        let chain = ChainPlan::new(flags, file)?;
        Ok(Self {
            store,
            ledger,
            event_bus,
            mirror_table,
            alert_types,
            channels,
            chain,
            holdout,
            file: source,
            origins,
        })
    }

    /// What the user must know before these settings are used: a settings file that nobody has named, and a key that is
    /// not sent because of it. The sentences are returned once.
    pub(crate) fn notices(&self) -> Vec<String> {
        static ONCE: Once = Once::new();
        let mut notices = Vec::new();
        ONCE.call_once(|| {
            if let Some(FileSource::Found(path)) = &self.file {
                notices.push(format!("using the settings of {}, in the current folder", shown_path(path)));
            }
            notices.extend(self.chain.withheld_key.clone());
        });
        notices
    }

    /// Variables of the environment that look like a setting, each with the setting that may be meant.
    pub(crate) fn misspelt_variables() -> Vec<(String, &'static str)> {
        origins::misspelt()
    }

    /// The settings file in use, with the reason for its use.
    pub(crate) fn file_in_words(&self) -> String {
        match &self.file {
            None => "none".to_owned(),
            Some(FileSource::Own(path)) => path.display().to_string(),
            Some(FileSource::Found(path)) => format!(
                "{}, which is in the current folder; a key from an environment variable is not sent to a server that only this file names",
                shown_path(path)
            ),
        }
    }

    /// Whether the store, the bus, a model or a key is on AWS.
    pub(crate) fn uses_aws(&self) -> bool {
        matches!(self.store, StoreName::DynamoDb(_))
            || self.event_bus.is_some()
            || self.mirror_table.is_some()
            || self.channels.iter().any(|each| matches!(each.target, ChannelTarget::Sns { .. }))
            || self.chain.uses_aws()
    }

    /// AWS with the credentials and settings of the environment. The region is determined only if a part is on AWS. A
    /// model without a region reports its own error.
    pub(crate) async fn aws(&self) -> Result<Aws> {
        let needs_region = match (&self.store, &self.event_bus) {
            (StoreName::DynamoDb(table), _) => Some(format!("{DYNAMODB}{table}")),
            (StoreName::File(_), Some(bus)) => Some(format!("the event bus {bus}")),
            (StoreName::File(_), None) => {
                let mirror = self.mirror_table.as_ref().map(|table| format!("the table {table}"));
                let mail = self.channels.iter().find(|each| matches!(each.target, ChannelTarget::Sns { .. }));
                mirror.or(mail.map(|channel| format!("the topic of notify.{}", channel.name)))
            }
        };
        let region = if self.uses_aws() { find_region().await } else { None };
        match needs_region.filter(|_| region.is_none()) {
            Some(what) => Err(anyhow!("AWS_REGION is not set; set it to the region of {what}")),
            None => Ok(Aws::ambient(region).never_frozen()),
        }
    }

    /// The event bus, if one is named.
    pub(crate) fn event_bus(&self, aws: &Aws) -> Option<EventBus> {
        self.event_bus.clone().map(|name| EventBus::new(name, aws.clone()))
    }

    /// The table of the original dashboard's reader, if one is named.
    pub(crate) fn mirror_table(&self, aws: &Aws) -> Option<MirrorTable> {
        self.mirror_table.clone().map(|name| MirrorTable::new(name, aws.clone()))
    }

    /// The folder of alert types, if the built-in ones are replaced.
    pub(crate) fn alert_types_folder(&self) -> Option<&Path> {
        self.alert_types.as_deref()
    }

    /// The event bus, the mirror table and the channels, if there are any.
    pub(crate) fn notifiers(&self, types: &AlertTypes, aws: &Aws) -> Result<Option<Notifiers>> {
        if let Some(FileSource::Found(found)) = &self.file
            && let Some(refusal) = channels::refusal(found, &self.channels)
        {
            return Err(refusal);
        }
        let notifiers =
            Notifiers::new(types.clone()).with_bus(self.event_bus(aws)).with_mirror(self.mirror_table(aws));
        let notifiers = notifiers
            .with_channels(self.channels.clone(), aws)
            .context("a channel of [notify] in portend.toml cannot be used; see docs/portend.toml")?;
        Ok(notifiers.if_any())
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

fn holdout(written: Option<&str>) -> Result<Holdout> {
    let Some(text) = written else { return Ok(Holdout::default()) };
    Holdout::parse(text)
        .ok_or_else(|| anyhow!("holdout is `{text}`; write a share from 0 to 1, such as 0.05"))
}

/// Where the value of each setting comes from.
fn origins(flags: &Flags, file: &SettingsFile) -> Vec<SettingOrigin> {
    let of_path = |path: &'_ Option<PathBuf>| path.as_ref().map(|path| path.as_os_str().to_owned());
    let of_text = |text: &'_ Option<String>| text.as_ref().map(OsString::from);
    let order = match &file.models {
        Models::Order(order) => Some(OsString::from(order)),
        Models::Endpoints(_) => of_text(&file.chain),
    };
    let use_bedrock = file.use_bedrock.map(|is_used| OsString::from(is_used.to_string()));
    let rows = [
        ("store", "PORTEND_STORE", of_path(&flags.store), of_path(&file.store), "portend.db of the user"),
        ("dynamodb_table_name", "DYNAMODB_TABLE_NAME", of_text(&flags.dynamodb_table_name), None, "none"),
        (
            "holdout",
            "HOLDOUT",
            of_text(&flags.holdout),
            of_text(&file.holdout.map(|share| share.to_string())),
            "0",
        ),
        ("event_bus", "EVENT_BUS_NAME", of_text(&flags.event_bus), of_text(&file.event_bus), "none"),
        (
            "mirror_table",
            "MIRROR_TABLE_NAME",
            of_text(&flags.mirror_table),
            of_text(&file.mirror_table),
            "none",
        ),
        (
            "alert_types",
            "ALERT_TYPES_DIR",
            of_path(&flags.alert_types),
            of_path(&file.alert_types),
            "built in",
        ),
        ("models", "MODELS", of_text(&flags.models), order, "scorecard, unless use_bedrock is set"),
        ("use_bedrock", "USE_BEDROCK", of_text(&flags.use_bedrock), use_bedrock, "not set"),
        (
            "bedrock_model_id",
            "BEDROCK_MODEL_ID",
            of_text(&flags.bedrock_model_id),
            of_text(&file.bedrock_model_id),
            "that of the region",
        ),
        (
            "openai_model",
            "OPENAI_MODEL",
            of_text(&flags.openai_model),
            of_text(&file.openai_model),
            "OpenAI's",
        ),
        (
            "openai_base_url",
            "OPENAI_BASE_URL",
            of_text(&flags.openai_base_url),
            of_text(&file.openai_base_url),
            "OpenAI's",
        ),
        (
            "openai_api_key_secret",
            "OPENAI_API_KEY_SECRET",
            of_text(&flags.openai_api_key_secret),
            of_text(&file.openai_api_key_secret),
            "none",
        ),
    ];
    let origin =
        |(name, variable, given, in_file, default): (_, _, Option<OsString>, Option<OsString>, _)| {
            let (given, in_file) = (given.as_deref(), in_file.as_deref());
            SettingPlaces { name, variable, given, in_file, default }.origin()
        };
    let mut origins: Vec<_> = rows.into_iter().map(origin).collect();
    let says = match (keys::key_in_environment(keys::OPENAI_API_KEY), &file.openai_api_key) {
        (Some(_), _) => "set, from OPENAI_API_KEY",
        (None, Some(_)) => "set, from the settings file",
        (None, None) => "none, the default",
    };
    origins.push(SettingOrigin { name: "openai_api_key", says: says.to_owned() });
    origins
}

fn folders() -> Result<impl AppStrategy> {
    let app = AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "portend".into(),
    };
    Ok(choose_app_strategy(app)?)
}
