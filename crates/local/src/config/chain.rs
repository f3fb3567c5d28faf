//! Who judges: the chain's order, and what is known of each model in it.
//!
//! Takes: the flags and the file.
//! Gives: a [`Planned`] chain, whose every name means something.
//! Never: sends anything to a vendor that the settings do not name.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail, ensure};
use portend_remote::secret::{KeySource, Secret};
use portend_remote::settings::{BedrockSettings, OpenAiSettings};
use portend_remote::{AnyModel, Aws, find_region};

use super::Flags;
use super::file::{File, Models, Provider, WrittenEndpoint};

/// The chain, as the settings mean it.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    endpoints: Vec<Endpoint>,
    /// Whether the scorecard stands at its end.
    pub(crate) scorecard: bool,
}

/// One model of the chain.
#[derive(Debug, Clone)]
enum Endpoint {
    Bedrock(BedrockSettings),
    OpenAi(OpenAiSettings),
    /// It is named, and what its key needs is not there.
    NoKey {
        name: String,
        variable: String,
    },
}

const SCORECARD: &str = "scorecard";
const BEDROCK: &str = "bedrock";
const OPENAI: &str = "openai";

impl Planned {
    pub(super) fn new(flags: Flags, file: File) -> Result<Self> {
        let (order_in_file, endpoints) = match file.models {
            Models::Order(_) if file.chain.is_some() => {
                bail!("portend.toml has models and chain; keep one of them")
            }
            Models::Order(order) => (Some(order), BTreeMap::new()),
            Models::Endpoints(endpoints) => (file.chain, endpoints),
        };
        for name in endpoints.keys() {
            ensure!(
                ![SCORECARD, BEDROCK, OPENAI].contains(&name.as_str()),
                "[models.{name}] redefines a built-in name; choose another one"
            );
        }
        // It has no flag: other users of the machine can read flags.
        let key = key_in_environment("OPENAI_API_KEY").or(file.openai_api_key);
        let base_url = flags.openai_base_url.or(file.openai_base_url);
        let openai = OpenAiSettings {
            name: OPENAI.into(),
            model_id: flags.openai_model.or(file.openai_model),
            vendor: is_vendor(base_url.as_deref()),
            key: key.map_or(KeySource::None, KeySource::Given),
            base_url,
        };
        let has_openai = openai.base_url.is_some() || !matches!(openai.key, KeySource::None);
        let order = match (
            flags.models.or(order_in_file),
            use_bedrock(flags.use_bedrock.as_deref())?.or(file.use_bedrock),
        ) {
            (Some(order), _) => order,
            (None, None) => SCORECARD.into(),
            (None, Some(use_bedrock)) => default_order(use_bedrock, has_openai),
        };
        let bedrock_model_id = flags.bedrock_model_id.or(file.bedrock_model_id);
        let mut planned = Self { endpoints: Vec::new(), scorecard: false };
        let mut seen = Vec::new();
        for name in order.split(',').map(str::trim) {
            ensure!(!name.is_empty(), "MODELS has an empty name; write names with one comma between them");
            ensure!(!seen.contains(&name), "MODELS names {name} twice; name each once");
            ensure!(
                !planned.scorecard,
                "MODELS names {name} after scorecard, which always answers; put scorecard last"
            );
            seen.push(name);
            match (name, endpoints.get(name)) {
                (SCORECARD, _) => planned.scorecard = true,
                (BEDROCK, _) => {
                    let settings = BedrockSettings { name: name.into(), model_id: bedrock_model_id.clone() };
                    planned.endpoints.push(Endpoint::Bedrock(settings));
                }
                (OPENAI, _) => planned.endpoints.push(Endpoint::OpenAi(openai.clone())),
                (_, Some(written)) => planned.endpoints.push(endpoint(name, written)?),
                (_, None) => bail!(
                    "MODELS names {name}, which is none; name bedrock, openai, scorecard, or a [models.{name}] of portend.toml"
                ),
            }
        }
        Ok(planned)
    }

    /// The models themselves, each with its name or with what is wrong with its settings. Nothing is asked yet.
    pub(crate) async fn each_model(&self) -> Vec<(String, Result<AnyModel>)> {
        let has_bedrock = self.endpoints.iter().any(|endpoint| matches!(endpoint, Endpoint::Bedrock(_)));
        let aws = Aws::ambient(if has_bedrock { find_region().await } else { None });
        let model = |endpoint: &Endpoint| match endpoint {
            Endpoint::Bedrock(settings) => {
                (settings.name.clone(), AnyModel::bedrock(settings.clone(), aws.clone()).map_err(Into::into))
            }
            Endpoint::OpenAi(settings) => {
                (settings.name.clone(), AnyModel::openai(settings.clone()).map_err(Into::into))
            }
            Endpoint::NoKey { name, variable } => {
                let mend = "set it, or give api_key";
                (
                    name.clone(),
                    Err(anyhow!("[models.{name}] takes its key from {variable}, which is not set; {mend}")),
                )
            }
        };
        self.endpoints.iter().map(model).collect()
    }

    /// The models themselves, if the settings of each can work.
    pub(crate) async fn models(&self) -> Result<Vec<AnyModel>> {
        let models = self.each_model().await.into_iter().map(|(_, model)| model);
        models.collect()
    }
}

/// Whether the endpoint is OpenAI itself, named or not.
fn is_vendor(base_url: Option<&str>) -> bool {
    base_url.is_none_or(|url| url.trim_end_matches('/') == "https://api.openai.com/v1")
}

fn use_bedrock(text: Option<&str>) -> Result<Option<bool>> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => bail!("USE_BEDROCK is neither true nor false; write one of them"),
    }
}

fn default_order(use_bedrock: bool, has_openai: bool) -> String {
    let names = [(BEDROCK, use_bedrock), (OPENAI, has_openai), (SCORECARD, true)];
    names.into_iter().filter(|(_, is_in)| *is_in).map(|(name, _)| name).collect::<Vec<_>>().join(",")
}

fn endpoint(name: &str, written: &WrittenEndpoint) -> Result<Endpoint> {
    let WrittenEndpoint { provider, model, base_url, api_key, api_key_env } = written.clone();
    if provider == Provider::Bedrock {
        ensure!(
            base_url.is_none() && api_key.is_none() && api_key_env.is_none(),
            "[models.{name}] is on Bedrock, which takes no base_url and no api_key; remove them"
        );
        return Ok(Endpoint::Bedrock(BedrockSettings { name: name.into(), model_id: model }));
    }
    let key = match (api_key, api_key_env) {
        (Some(_), Some(_)) => bail!("[models.{name}] has api_key and api_key_env; keep one"),
        (key, None) => key,
        (None, Some(variable)) => match key_in_environment(&variable) {
            Some(key) => Some(key),
            None => return Ok(Endpoint::NoKey { name: name.into(), variable }),
        },
    };
    let key = key.map_or(KeySource::None, KeySource::Given);
    Ok(Endpoint::OpenAi(OpenAiSettings {
        name: name.into(),
        model_id: model,
        vendor: is_vendor(base_url.as_deref()),
        base_url,
        key,
    }))
}

/// A key that the environment holds. An empty one is none.
#[expect(clippy::disallowed_methods, reason = "these are the settings")]
fn key_in_environment(variable: &str) -> Option<Secret> {
    std::env::var(variable).ok().filter(|key| !key.trim().is_empty()).map(|key| Secret::new(&key))
}
