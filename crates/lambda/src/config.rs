//! The function's environment: every name that it knows, and what each means. An error names the variable and the fix.
//!
//! Never: asks a service. The AWS SDK reads its own variables, `AWS_REGION` and `AWS_ENDPOINT_URL*` among them.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_remote::order::{BEDROCK, OPENAI, Order, use_bedrock};
use portend_remote::secret::{KeySource, Secret};
use portend_remote::settings::{BedrockSettings, OpenAiSettings, SettingsError};
use portend_remote::{AnyModel, Aws, DynamoDb, EventBus, KeySecret, find_region};

const TABLE: &str = "DYNAMODB_TABLE_NAME";
const ALERT_TYPES: &str = "ALERT_TYPES_DIR";
const BEDROCK_MODEL_ID: &str = "BEDROCK_MODEL_ID";
const EVENT_BUS: &str = "EVENT_BUS_NAME";
const MODELS: &str = "MODELS";
const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
const OPENAI_API_KEY_SECRET: &str = "OPENAI_API_KEY_SECRET";
const OPENAI_BASE_URL: &str = "OPENAI_BASE_URL";
const OPENAI_MODEL: &str = "OPENAI_MODEL";
const USE_BEDROCK: &str = "USE_BEDROCK";

/// A variable of the environment. An empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// What Lambda itself sets, and its runtime library cannot do without.
const LAMBDAS_OWN: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Whether the program runs in Lambda; otherwise what it is, and what to run instead.
pub(crate) fn is_in_lambda() -> Result<()> {
    match LAMBDAS_OWN.iter().find(|name| variable(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(anyhow!(
            "{name} is not set; this program is a Lambda function's, and Lambda sets it; on a machine run portend"
        )),
    }
}

/// The settings, as they are meant.
#[derive(Debug)]
pub(crate) struct Config {
    table: String,
    /// The alert types.
    pub(crate) types: AlertTypes,
    bus: Option<String>,
    order: Order,
    bedrock_model_id: Option<String>,
    openai_model_id: Option<String>,
    openai_base_url: Option<String>,
    openai_key: Option<Secret>,
    openai_key_secret: Option<String>,
}

/// What the settings name, ready to be used. Nothing has been asked yet.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Where insights are stored.
    pub(crate) store: DynamoDb,
    /// Where they are published.
    pub(crate) bus: Option<EventBus>,
    /// The models, in the order in which they are asked.
    pub(crate) models: Vec<AnyModel>,
}

impl Config {
    /// Reads every variable that the function knows.
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
        Ok(Self {
            table,
            types,
            bus: variable(EVENT_BUS),
            order,
            bedrock_model_id: variable(BEDROCK_MODEL_ID),
            openai_model_id: variable(OPENAI_MODEL),
            openai_base_url: variable(OPENAI_BASE_URL),
            openai_key,
            openai_key_secret,
        })
    }

    /// Whether the scorecard judges what no model answers.
    pub(crate) fn scorecard(&self) -> bool {
        self.order.scorecard
    }

    /// Makes what the settings name.
    pub(crate) async fn parts(&self) -> Result<Parts> {
        let aws = Aws::ambient(find_region().await);
        let models = self.order.models.iter().map(|name| match name.as_str() {
            BEDROCK => {
                let settings =
                    BedrockSettings { name: name.clone(), model_id: self.bedrock_model_id.clone() };
                AnyModel::bedrock(settings, aws.clone())
            }
            OPENAI => AnyModel::openai(self.openai(name, &aws)),
            _ => Err(SettingsError::NoSuchName { name: name.clone() }),
        });
        Ok(Parts {
            models: models.collect::<Result<_, _>>()?,
            bus: self.bus.clone().map(|name| EventBus::new(name, aws.clone())),
            store: DynamoDb::new(self.table.clone(), &self.types, aws),
        })
    }

    fn openai(&self, name: &str, aws: &Aws) -> OpenAiSettings {
        let given = OpenAiSettings {
            name: name.to_owned(),
            model_id: self.openai_model_id.clone(),
            vendor: OpenAiSettings::is_vendor(self.openai_base_url.as_deref()),
            base_url: self.openai_base_url.clone(),
            key: self.openai_key.clone().map_or(KeySource::None, KeySource::Given),
        };
        match given.secret_in_use(self.openai_key_secret.clone()) {
            Some(secret) => OpenAiSettings { key: KeySecret::new(&secret, aws.clone()).source(), ..given },
            None => given,
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
            (&[(USE_BEDROCK, "no")], "USE_BEDROCK is neither true nor false; write one of them"),
            (&[(MODELS, "gpt")], "MODELS names gpt, which is none; name bedrock, openai or scorecard"),
            (
                &[(MODELS, "openai")],
                "OPENAI_API_KEY must be set; give the key, or take the model out of MODELS",
            ),
            (&[(TABLE, "")], "DYNAMODB_TABLE_NAME is not set; set it to the name of the insights table"),
        ] {
            assert_eq!(chain(variables).await, expected, "{variables:?}");
        }
    }

    /// The stack reads this list, so that it sets what the code requires and nothing that the code does not know.
    #[test]
    fn the_lists_for_the_stack_are_the_codes_own() {
        let asked = Mutex::new(BTreeSet::new());
        let note = |name: &str| {
            asked.lock().unwrap().insert(name.to_owned());
            (name == TABLE).then(|| "insights".to_owned())
        };
        Config::read(note).unwrap();
        let mut optional = asked.into_inner().unwrap();
        optional.remove(TABLE);
        let needs: Value = serde_json::from_str(include_str!("../needs.json")).unwrap();
        assert_eq!(needs["environment"], json!({ "required": [TABLE], "optional": optional }));
        let actions = json!({
            "bedrock": portend_remote::Bedrock::ACTIONS,
            "dynamodb": DynamoDb::ACTIONS,
            "eventbridge": EventBus::ACTIONS,
            "secretsmanager": KeySecret::ACTIONS,
        });
        assert_eq!(needs["actions"], actions);
        assert_eq!(needs["metrics"], json!({ "namespace": metrics::NAMESPACE, "names": metrics::NAMES }));
    }

    #[test]
    fn nothing_of_a_key_is_in_debug_output() {
        let config = read(&[(OPENAI_API_KEY, "sk-canary")]).unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }
}
