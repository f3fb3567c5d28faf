//! Reads the function's settings from environment variables. Each error names the variable and how to fix it. The AWS
//! SDK reads its own variables, such as `AWS_REGION` and `AWS_ENDPOINT_URL*`.
//!
//! Never: calls a service.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::entity::Holdout;
use portend_remote::order::{BEDROCK, OPENAI, Order, use_bedrock};
use portend_remote::secret::{KeySource, Secret};
use portend_remote::settings::{BedrockSettings, ModelTuning, OpenAiSettings, SettingsError, timeout};
use portend_remote::{AnyModel, Aws, DynamoDb, EventBus, KeySecret, MirrorTable, Notifiers, find_region};

const TABLE: &str = "DYNAMODB_TABLE_NAME";
const ALERT_TYPES: &str = "ALERT_TYPES_DIR";
const BEDROCK_MODEL_ID: &str = "BEDROCK_MODEL_ID";
const BEDROCK_TIMEOUT: &str = "BEDROCK_TIMEOUT";
const CHANNELS_SECRET: &str = "CHANNELS_SECRET";
const EVENT_BUS: &str = "EVENT_BUS_NAME";
const HOLDOUT: &str = "HOLDOUT";
const MIRROR_TABLE: &str = "MIRROR_TABLE_NAME";
const MODELS: &str = "MODELS";
const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
const OPENAI_API_KEY_SECRET: &str = "OPENAI_API_KEY_SECRET";
const OPENAI_BASE_URL: &str = "OPENAI_BASE_URL";
const OPENAI_MODEL: &str = "OPENAI_MODEL";
const OPENAI_TIMEOUT: &str = "OPENAI_TIMEOUT";
const USE_BEDROCK: &str = "USE_BEDROCK";

/// Reads an environment variable. An empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "this file reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The variables that Lambda sets and its runtime library needs.
const LAMBDA_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Checks that the program runs in Lambda. Otherwise the error names the program to run instead.
pub(crate) fn is_in_lambda() -> Result<()> {
    match LAMBDA_VARIABLES.iter().find(|name| variable(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(anyhow!(
            "{name} is not set, so this is not AWS Lambda; deploy this program as a Lambda function, or run portend"
        )),
    }
}

/// The settings.
#[derive(Debug)]
pub(crate) struct Config {
    table: String,
    /// The alert types.
    pub(crate) types: AlertTypes,
    bus: Option<String>,
    mirror: Option<String>,
    channels_secret: Option<String>,
    /// The entities of which nobody is notified.
    pub(crate) holdout: Holdout,
    order: Order,
    bedrock_model_id: Option<String>,
    openai_model_id: Option<String>,
    openai_base_url: Option<String>,
    openai_key: Option<Secret>,
    openai_key_secret: Option<String>,
    bedrock_tuning: ModelTuning,
    openai_tuning: ModelTuning,
}

/// The store, bus and models that the settings name. Nothing has been called yet.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The store of insights.
    pub(crate) store: DynamoDb,
    /// Who is notified of insights.
    pub(crate) notifiers: Option<Notifiers>,
    /// The models, in the order of the chain.
    pub(crate) models: Vec<AnyModel>,
}

impl Config {
    /// Reads every setting.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let table = variable(TABLE)
            .ok_or_else(|| anyhow!("{TABLE} is not set; set it to the name of the insights table"))?;
        let types = match variable(ALERT_TYPES) {
            None => AlertTypes::built_in(),
            Some(folder) => AlertTypes::from_folder(&PathBuf::from(folder))
                .with_context(|| format!("{ALERT_TYPES} cannot be used"))?,
        };
        let openai_key = variable(OPENAI_API_KEY).map(|key| Secret::new(&key));
        let openai_key_secret = variable(OPENAI_API_KEY_SECRET);
        let has_openai = openai_key.is_some() || openai_key_secret.is_some();
        let use_bedrock = variable(USE_BEDROCK).map_or(Ok(true), |text| use_bedrock(text.trim()))?;
        let order = match variable(MODELS) {
            Some(list) => Order::parse(&list)?,
            None => Order::default_for(use_bedrock, has_openai),
        };
        let holdout = match variable(HOLDOUT) {
            None => Holdout::default(),
            Some(text) => Holdout::parse(&text)
                .ok_or_else(|| anyhow!("{HOLDOUT} is `{text}`; write a share from 0 to 1, such as 0.05"))?,
        };
        let tuning = |name: &str| -> Result<ModelTuning> {
            let timeout = variable(name).map(|text| timeout(name, &text)).transpose()?;
            Ok(ModelTuning { timeout, ..ModelTuning::default() })
        };
        Ok(Self {
            bedrock_tuning: tuning(BEDROCK_TIMEOUT)?,
            openai_tuning: tuning(OPENAI_TIMEOUT)?,
            table,
            types,
            bus: variable(EVENT_BUS),
            mirror: variable(MIRROR_TABLE),
            channels_secret: variable(CHANNELS_SECRET),
            holdout,
            order,
            bedrock_model_id: variable(BEDROCK_MODEL_ID),
            openai_model_id: variable(OPENAI_MODEL),
            openai_base_url: variable(OPENAI_BASE_URL),
            openai_key,
            openai_key_secret,
        })
    }

    /// Whether the scorecard scores an alert that no model answers.
    pub(crate) fn scorecard(&self) -> bool {
        self.order.scorecard
    }

    /// Creates the store, the bus and the models that the settings name.
    pub(crate) async fn parts(&self) -> Result<Parts> {
        let aws = Aws::ambient(find_region().await);
        let models = self.order.models.iter().map(|name| match name.as_str() {
            BEDROCK => {
                let settings = BedrockSettings {
                    name: name.clone(),
                    model_id: self.bedrock_model_id.clone(),
                    tuning: self.bedrock_tuning.clone(),
                };
                AnyModel::bedrock(settings, aws.clone())
            }
            OPENAI => AnyModel::openai(self.openai(name, &aws)),
            _ => Err(SettingsError::NoSuchName { name: name.clone() }),
        });
        Ok(Parts {
            models: models.collect::<Result<_, _>>()?,
            notifiers: self.notifiers(&aws),
            store: DynamoDb::new(self.table.clone(), &self.types, aws),
        })
    }

    /// The channels are read when somebody is first notified, so that a fault of theirs stops no alert.
    fn notifiers(&self, aws: &Aws) -> Option<Notifiers> {
        let notifiers = Notifiers::new(self.types.clone())
            .with_bus(self.bus.clone().map(|name| EventBus::new(name, aws.clone())))
            .with_mirror(self.mirror.clone().map(|name| MirrorTable::new(name, aws.clone())));
        let notifiers = match &self.channels_secret {
            Some(secret) => notifiers.with_channels_in(KeySecret::new(secret, aws.clone()), aws.clone()),
            None => notifiers,
        };
        notifiers.if_any()
    }

    fn openai(&self, name: &str, aws: &Aws) -> OpenAiSettings {
        let settings = OpenAiSettings {
            name: name.to_owned(),
            model_id: self.openai_model_id.clone(),
            vendor: OpenAiSettings::is_vendor(self.openai_base_url.as_deref()),
            base_url: self.openai_base_url.clone(),
            key: self.openai_key.clone().map_or(KeySource::None, KeySource::Given),
            tuning: self.openai_tuning.clone(),
        };
        match settings.secret_in_use(self.openai_key_secret.clone()) {
            Some(secret) => OpenAiSettings { key: KeySecret::new(&secret, aws.clone()).source(), ..settings },
            None => settings,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use portend_core::model::Model;
    use serde_json::{Value, json};

    use super::*;
    use crate::metrics;

    fn read(variables: &[(&str, &str)]) -> Result<Config> {
        let table = [(TABLE, "insights")];
        let value = |name: &str| {
            let found = variables.iter().chain(&table).find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned()).filter(|value| !value.is_empty())
        };
        Config::read(value)
    }

    async fn chain(variables: &[(&str, &str)]) -> String {
        let config = match read(variables) {
            Ok(config) => config,
            Err(error) => return error.to_string(),
        };
        match config.parts().await {
            Ok(parts) => {
                let models = parts.models.iter().map(|model| model.spec().name.as_str());
                models.chain(config.scorecard().then_some("scorecard")).collect::<Vec<_>>().join(",")
            }
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn the_chain_is_as_configured() {
        let profile = (BEDROCK_MODEL_ID, "us.anthropic.claude-haiku-4-5-20251001-v1:0");
        for (variables, expected) in [
            (&[profile][..], "bedrock,scorecard"),
            (&[profile, (OPENAI_API_KEY, "sk")], "bedrock,openai,scorecard"),
            (&[profile, (OPENAI_API_KEY_SECRET, "key")], "bedrock,openai,scorecard"),
            (&[(USE_BEDROCK, "false"), (OPENAI_API_KEY, "sk")], "openai,scorecard"),
            (&[(USE_BEDROCK, "False")], "scorecard"),
            (&[profile, (OPENAI_API_KEY, "sk"), (MODELS, "openai,bedrock")], "openai,bedrock"),
            (
                &[(BEDROCK_TIMEOUT, "soon")],
                "BEDROCK_TIMEOUT is not a time limit; write seconds or minutes between 1s and 7m, such as 20s or 2m",
            ),
            (&[(USE_BEDROCK, "no")], "USE_BEDROCK must be `true` or `false`"),
            (&[(MODELS, "gpt")], "MODELS: `gpt` is not a known model; use bedrock, openai or scorecard"),
            (
                &[(MODELS, "openai")],
                "OPENAI_API_KEY is not set; set it to the key, or remove the model from MODELS",
            ),
            (&[(TABLE, "")], "DYNAMODB_TABLE_NAME is not set; set it to the name of the insights table"),
        ] {
            assert_eq!(chain(variables).await, expected, "{variables:?}");
        }
    }

    /// The stack's tests read this file, so that the stack sets every required variable and no unknown one.
    #[test]
    fn the_file_for_the_stack_lists_what_the_code_uses() {
        let names = Mutex::new(BTreeSet::new());
        let record = |name: &str| {
            names.lock().unwrap().insert(name.to_owned());
            (name == TABLE).then(|| "insights".to_owned())
        };
        Config::read(record).unwrap();
        let mut optional = names.into_inner().unwrap();
        optional.remove(TABLE);
        let needs: Value = serde_json::from_str(include_str!("../needs.json")).unwrap();
        assert_eq!(needs["environment"], json!({ "required": [TABLE], "optional": optional }));
        let actions = json!({
            "bedrock": portend_remote::Bedrock::ACTIONS,
            "dynamodb": DynamoDb::ACTIONS,
            "eventbridge": EventBus::ACTIONS,
            "secretsmanager": KeySecret::ACTIONS,
            "sns": Notifiers::TOPIC_ACTIONS,
        });
        assert_eq!(needs["actions"], actions);
        assert_eq!(needs["metrics"], json!({ "namespace": metrics::NAMESPACE, "names": metrics::NAMES }));
    }

    #[test]
    fn debug_output_never_contains_a_key() {
        let config = read(&[(OPENAI_API_KEY, "sk-canary")]).unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }
}
