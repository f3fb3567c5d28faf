//! The chain: its models in their order, with the settings of each.
//!
//! Never: sends anything to a vendor that the settings do not name.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail, ensure};
use portend_core::model::Price;
use portend_remote::catalogue::{Catalogue, Provider};
use portend_remote::order::{BEDROCK, OPENAI, Order, SCORECARD, use_bedrock};
use portend_remote::secret::KeySource;
use portend_remote::settings::{
    BedrockSettings, ModelTuning, OpenAiSettings, TokenLimitName, concurrency, setting, timeout,
};
use portend_remote::{AnyModel, Aws, KeySecret};

use super::Flags;
use super::file::{Models, SettingsFile, WrittenEndpoint, WrittenNumber, WrittenProvider, WrittenTokenLimit};
use super::keys::{KeyRule, OPENAI_API_KEY, key_in_environment};

/// The chain in the settings.
#[derive(Debug, Clone)]
pub(crate) struct ChainPlan {
    endpoints: Vec<Endpoint>,
    /// Whether the scorecard is last.
    pub(crate) scorecard: bool,
    /// Why the key in the environment is not sent to the server of `openai`, if that is so.
    pub(crate) withheld_key: Option<String>,
}

/// One model of the chain.
#[derive(Debug, Clone)]
enum Endpoint {
    Bedrock(BedrockSettings),
    OpenAi(OpenAiSettings),
    /// OpenAI, with the key in this secret.
    OpenAiBySecret(OpenAiSettings, String),
    /// An endpoint whose key is in an environment variable that is not set.
    NoKey {
        name: String,
        variable: String,
    },
    /// A model whose settings are refused, with the reason.
    Refused {
        name: String,
        why: String,
    },
}

impl ChainPlan {
    pub(super) fn new(flags: Flags, file: SettingsFile) -> Result<Self> {
        let rule = KeyRule::new(flags.openai_base_url.as_deref(), &file)?;
        let (order_in_file, endpoints) = match file.models {
            Models::Order(_) if file.chain.is_some() => {
                bail!("portend.toml sets both models and chain; remove one of them")
            }
            Models::Order(order) => (Some(order), BTreeMap::new()),
            Models::Endpoints(endpoints) => (file.chain, endpoints),
        };
        let flags = if flags.models.as_ref().is_some_and(|name| endpoints.contains_key(name)) {
            flags
        } else {
            with_model_id(flags)
        };
        for name in endpoints.keys() {
            ensure!(
                ![SCORECARD, BEDROCK, OPENAI].contains(&name.as_str()),
                "[models.{name}] has the name of a built-in model; choose another name"
            );
        }
        // The key has no flag, because other users of the machine can read flags.
        let base_url = flags.openai_base_url.or(file.openai_base_url);
        let tuning = |name: &str, time: Option<String>, calls: Option<String>| {
            let written = |text: Option<String>| text.map(WrittenNumber::Text);
            limits(name, written(time).as_ref(), written(calls).as_ref())
        };
        let either = |flag: Option<String>, file: Option<WrittenNumber>| flag.or(file.map(|it| it.to_text()));
        let openai_tuning = tuning(
            OPENAI,
            either(flags.openai_timeout, file.openai_timeout),
            either(flags.openai_concurrency, file.openai_concurrency),
        )?;
        let bedrock_tuning = tuning(
            BEDROCK,
            either(flags.bedrock_timeout, file.bedrock_timeout),
            either(flags.bedrock_concurrency, file.bedrock_concurrency),
        )?;
        let in_environment = key_in_environment(OPENAI_API_KEY);
        let refusal = rule.refusal(OPENAI_API_KEY, base_url.as_deref());
        let withheld_key = refusal.filter(|_| in_environment.is_some());
        let key = in_environment.filter(|_| withheld_key.is_none()).or(file.openai_api_key);
        let openai = OpenAiSettings {
            name: OPENAI.into(),
            model_id: flags.openai_model.or(file.openai_model),
            vendor: OpenAiSettings::is_vendor(base_url.as_deref()),
            key: key.map_or(KeySource::None, KeySource::Given),
            base_url,
            tuning: openai_tuning,
        };
        let is_in_file = flags.openai_api_key_secret.is_none();
        let secret = openai.secret_in_use(flags.openai_api_key_secret.or(file.openai_api_key_secret));
        let secret_refusal = rule.secret_refusal().filter(|_| is_in_file && secret.is_some());
        let has_key = !matches!(openai.key, KeySource::None);
        let has_openai = openai.base_url.is_some() || has_key || secret.is_some();
        let use_bedrock = flags.use_bedrock.as_deref().map(use_bedrock).transpose()?.or(file.use_bedrock);
        let order = match (flags.models.or(order_in_file), use_bedrock) {
            (Some(list), _) => Order::parse(&list)?,
            (None, None) => Order { models: Vec::new(), scorecard: true },
            (None, Some(use_bedrock)) => Order::default_for(use_bedrock, has_openai),
        };
        let bedrock_model_id = flags.bedrock_model_id.or(file.bedrock_model_id);
        let withheld_key = withheld_key.filter(|_| order.models.iter().any(|name| name == OPENAI));
        let mut plan = Self { endpoints: Vec::new(), scorecard: order.scorecard, withheld_key };
        for name in &order.models {
            plan.endpoints.push(match (name.as_str(), endpoints.get(name)) {
                (BEDROCK, _) => Endpoint::Bedrock(BedrockSettings {
                    name: name.clone(),
                    model_id: bedrock_model_id.clone(),
                    tuning: bedrock_tuning.clone(),
                }),
                (OPENAI, _) => match (&secret, &secret_refusal) {
                    (Some(_), Some(why)) => Endpoint::Refused { name: name.clone(), why: why.clone() },
                    (Some(secret), None) => Endpoint::OpenAiBySecret(openai.clone(), secret.clone()),
                    (None, _) => Endpoint::OpenAi(openai.clone()),
                },
                (_, Some(written)) => endpoint(name, written, &rule)?,
                (_, None) if name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_') => bail!(
                    "MODELS: `{name}` is not a name of a model, and not the id of a known model on its own; use bedrock, openai or \
                     scorecard, or write in portend.toml: [models.NAME], provider = \"bedrock\" or \"openai\", and \
                     model = \"{name}\", and use NAME"
                ),
                (_, None) => bail!(
                    "MODELS: `{name}` is not a known model; use bedrock, openai or scorecard, or define [models.{name}] in portend.toml"
                ),
            });
        }
        Ok(plan)
    }

    /// Each model with its name, or the error in its settings. Calls nothing yet.
    pub(crate) fn each_model(&self, aws: &Aws) -> Vec<(String, Result<AnyModel>)> {
        let model = |endpoint: &Endpoint| match endpoint {
            Endpoint::Bedrock(settings) => {
                (settings.name.clone(), AnyModel::bedrock(settings.clone(), aws.clone()).map_err(Into::into))
            }
            Endpoint::OpenAi(settings) => {
                (settings.name.clone(), AnyModel::openai(settings.clone()).map_err(Into::into))
            }
            Endpoint::OpenAiBySecret(settings, secret) => {
                let key = KeySecret::new(secret, aws.clone()).source();
                let settings = OpenAiSettings { key, ..settings.clone() };
                (settings.name.clone(), AnyModel::openai(settings).map_err(Into::into))
            }
            Endpoint::NoKey { name, variable } => {
                let error = anyhow!(
                    "[models.{name}] reads its key from {variable}, which is not set; set it, or use api_key"
                );
                (name.clone(), Err(error))
            }
            Endpoint::Refused { name, why } => (name.clone(), Err(anyhow!("{why}"))),
        };
        self.endpoints.iter().map(model).collect()
    }

    /// The models, or the first error in their settings.
    pub(crate) fn models(&self, aws: &Aws) -> Result<Vec<AnyModel>> {
        let models = self.each_model(aws).into_iter().map(|(_, model)| model);
        models.collect()
    }

    /// Whether a model or a key is on AWS.
    pub(super) fn uses_aws(&self) -> bool {
        let is_on_aws =
            |endpoint: &Endpoint| matches!(endpoint, Endpoint::Bedrock(_) | Endpoint::OpenAiBySecret(..));
        self.endpoints.iter().any(is_on_aws)
    }

    /// The secret that contains a key, if there is one.
    pub(crate) fn key_secret(&self, aws: &Aws) -> Option<KeySecret> {
        self.endpoints.iter().find_map(|endpoint| match endpoint {
            Endpoint::OpenAiBySecret(_, secret) => Some(KeySecret::new(secret, aws.clone())),
            Endpoint::Bedrock(_)
            | Endpoint::OpenAi(_)
            | Endpoint::NoKey { .. }
            | Endpoint::Refused { .. } => None,
        })
    }
}

/// If the only model is named by the id of a known one, it is `bedrock` or `openai` with this id.
fn with_model_id(flags: Flags) -> Flags {
    let vendor = Catalogue::built_in().ok().zip(flags.models.as_deref());
    match vendor.and_then(|(catalogue, id)| catalogue.vendor_of(id)) {
        Some(Provider::Bedrock) => {
            Flags { bedrock_model_id: flags.models, models: Some(BEDROCK.to_owned()), ..flags }
        }
        Some(Provider::Openai) => {
            Flags { openai_model: flags.models, models: Some(OPENAI.to_owned()), ..flags }
        }
        Some(Provider::Compatible) | None => flags,
    }
}

fn endpoint(name: &str, written: &WrittenEndpoint, rule: &KeyRule) -> Result<Endpoint> {
    let tuning = tuning(name, written)?;
    let WrittenEndpoint { provider, model, base_url, api_key, api_key_env, .. } = written.clone();
    if provider == WrittenProvider::Bedrock {
        ensure!(
            base_url.is_none() && api_key.is_none() && api_key_env.is_none(),
            "[models.{name}] is on Bedrock, which does not use base_url and api_key; remove them"
        );
        return Ok(Endpoint::Bedrock(BedrockSettings { name: name.into(), model_id: model, tuning }));
    }
    let key = match (api_key, api_key_env) {
        (Some(_), Some(_)) => bail!("[models.{name}] sets both api_key and api_key_env; remove one of them"),
        (key, None) => key,
        (None, Some(variable)) => {
            if let Some(why) = rule.refusal(&variable, base_url.as_deref()) {
                return Ok(Endpoint::Refused { name: name.into(), why: format!("[models.{name}]: {why}") });
            }
            match key_in_environment(&variable) {
                Some(key) => Some(key),
                None => return Ok(Endpoint::NoKey { name: name.into(), variable }),
            }
        }
    };
    let key = key.map_or(KeySource::None, KeySource::Given);
    Ok(Endpoint::OpenAi(OpenAiSettings {
        name: name.into(),
        model_id: model,
        vendor: OpenAiSettings::is_vendor(base_url.as_deref()),
        base_url,
        key,
        tuning,
    }))
}

/// The limits of a model's calls.
fn limits(name: &str, time: Option<&WrittenNumber>, calls: Option<&WrittenNumber>) -> Result<ModelTuning> {
    let time = time.map(|time| timeout(&setting(name, "timeout"), &time.to_text())).transpose()?;
    let calls =
        calls.map(|calls| concurrency(&setting(name, "concurrency"), &calls.to_text())).transpose()?;
    Ok(ModelTuning { timeout: time, concurrency: calls, ..ModelTuning::default() })
}

/// What `[models.NAME]` says about the model.
fn tuning(name: &str, written: &WrittenEndpoint) -> Result<ModelTuning> {
    let end_of_life = written
        .end_of_life
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| anyhow!("models.{name}.end_of_life is not a date; write it as in 2027-01-31"))?;
    let effort = written.reasoning_effort.clone();
    let is_word =
        |effort: &str| !effort.is_empty() && effort.bytes().all(|byte| byte.is_ascii_alphanumeric());
    ensure!(
        effort.as_deref().is_none_or(is_word),
        "models.{name}.reasoning_effort is not an effort; write a word such as none, low or medium"
    );
    Ok(ModelTuning {
        price: written.price.map(|price| Price {
            input: price.input,
            output: price.output,
            cached: price.cached,
            cache_write: price.cache_write,
        }),
        end_of_life,
        temperature: written.temperature,
        token_limit: written.token_limit.map(|name| match name {
            WrittenTokenLimit::MaxTokens => TokenLimitName::MaxTokens,
            WrittenTokenLimit::MaxCompletionTokens => TokenLimitName::MaxCompletionTokens,
        }),
        reasoning_effort: effort,
        ..limits(name, written.timeout.as_ref(), written.concurrency.as_ref())?
    })
}
