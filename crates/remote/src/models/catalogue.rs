//! What is known about each model: reads the built-in `models.toml` strictly, and provides defaults for unknown models.
//!
//! Never: contains the name of a model, because models change more often than code.

use std::sync::LazyLock;

use jiff::civil::Date;
use portend_core::limits::{ATTEMPT_TIMEOUT, MODEL_CONCURRENCY};
use portend_core::model::{ModelSpec, Price, SchemaForm};
use portend_core::number::Number;
use serde::{Deserialize, Deserializer};

use crate::limits::{
    BYTES_PER_TOKEN, LABEL_CHARS_MAX, LOOPBACK_CONCURRENCY, LOOPBACK_TIMEOUT, THINKING_TOKENS,
    UNKNOWN_OUTPUT_TOKENS_MAX,
};
use crate::settings::{ModelTuning, TokenLimitName};

/// The known models, and the default models.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    geographies: Vec<String>,
    default: Defaults,
    #[serde(rename = "region")]
    regions: Vec<Region>,
    #[serde(rename = "model")]
    models: Vec<ModelFacts>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    bedrock: String,
    openai: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Region {
    name: String,
    geography: Option<String>,
}

/// What is known about one model. `models.toml` explains the keys.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFacts {
    /// The vendor's id, without geography, region or ARN.
    pub id: String,
    /// The provider.
    pub provider: Provider,
    /// The value of `model_used` in insights of this model.
    pub label: String,
    /// Whether the model accepts a temperature.
    pub temperature: bool,
    /// Whether the model thinks before it replies, and the effort that requests ask for.
    pub thinking: Thinking,
    /// The vendor's limit of output tokens.
    pub output_tokens_max: u32,
    /// The native forms of structured output to use.
    pub structured: Vec<Structured>,
    /// The tokens from which the vendor caches the stable part of a prompt, if requests must mark it.
    pub cache_tokens_min: Option<usize>,
    /// The price, if it is known.
    pub price: Option<DatedPrice>,
    /// The day on which the vendor shut the model down or will do so, if one is announced.
    #[serde(default, deserialize_with = "some_day")]
    pub end_of_life: Option<Date>,
    /// The id of the model that takes its place, as the vendor or this catalogue names it.
    pub successor: Option<String>,
    /// What the settings say.
    #[serde(skip)]
    pub tuning: ModelTuning,
}

impl ModelFacts {
    /// The facts with what the settings say in their place.
    pub(crate) fn tuned(self, tuning: ModelTuning) -> Self {
        Self {
            temperature: tuning.temperature.unwrap_or(self.temperature),
            end_of_life: tuning.end_of_life.or(self.end_of_life),
            tuning,
            ..self
        }
    }

    /// The effort of reasoning that requests ask for.
    pub(crate) fn effort(&self) -> Option<&str> {
        self.tuning.reasoning_effort.as_deref().or(match self.thinking {
            Thinking::Never | Thinking::ByDefault => None,
            Thinking::EffortNone => Some("none"),
            Thinking::EffortLow => Some("low"),
        })
    }

    /// The name of the limit of output tokens in Chat Completions. Models with an effort use the new name, and older
    /// servers know only the old one.
    pub(crate) fn token_limit(&self) -> TokenLimitName {
        let by_effort = if self.effort().is_some() {
            TokenLimitName::MaxCompletionTokens
        } else {
            TokenLimitName::MaxTokens
        };
        self.tuning.token_limit.unwrap_or(by_effort)
    }

    /// Whether a request must mark this text so that the vendor caches it.
    pub(crate) fn caches(&self, text: &str) -> bool {
        self.cache_tokens_min.is_some_and(|tokens| text.len() / BYTES_PER_TOKEN >= tokens)
    }

    /// The limit to request so that a reply can have `output_tokens`. It includes the tokens of a thought.
    pub(crate) fn ceiling(&self, output_tokens: u32) -> u32 {
        let thought = match self.thinking {
            Thinking::Never | Thinking::EffortNone => 0,
            Thinking::ByDefault | Thinking::EffortLow => THINKING_TOKENS,
        };
        output_tokens.saturating_add(thought).min(self.output_tokens_max)
    }

    /// The model's description for the core. A model on this machine costs nothing.
    pub(crate) fn spec(
        &self,
        name: String,
        model_id: String,
        endpoint: String,
        is_loopback: bool,
    ) -> ModelSpec {
        let (timeout, concurrency) = if is_loopback {
            (LOOPBACK_TIMEOUT, LOOPBACK_CONCURRENCY)
        } else {
            (ATTEMPT_TIMEOUT, MODEL_CONCURRENCY)
        };
        let free = Price { input: Number::from(0), output: Number::from(0), cached: None, cache_write: None };
        let known = self.price.map(Price::from).or(is_loopback.then_some(free));
        ModelSpec {
            name,
            model_id,
            label: self.label.clone(),
            endpoint,
            schema: match (self.structured.contains(&Structured::JsonSchema), self.provider) {
                (false, _) => SchemaForm::PromptOnly,
                // A compatible server generates by a grammar, and needs the bounds. The vendors do not accept all of them.
                (true, Provider::Compatible) => SchemaForm::Bounded,
                (true, Provider::Bedrock | Provider::Openai) => SchemaForm::Reduced,
            },
            output_tokens_max: self.output_tokens_max,
            parameters: format!("temperature {}, effort {:?}", self.temperature, self.effort()),
            price: self.tuning.price.or(known),
            timeout: self.tuning.timeout.unwrap_or(timeout),
            concurrency: self.tuning.concurrency.unwrap_or(concurrency),
        }
    }
}

/// The provider of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Amazon Bedrock.
    Bedrock,
    /// OpenAI itself.
    Openai,
    /// An endpoint with an API like OpenAI's. The price of its models is not known, whatever their names.
    #[serde(skip_deserializing)]
    Compatible,
}

/// Whether a model thinks before it replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// Only on request, and requests do not ask for it.
    Never,
    /// Without a request.
    ByDefault,
    /// By the effort in the request, which is `none`.
    EffortNone,
    /// By the effort in the request, which is `low`.
    EffortLow,
}

/// A native form of structured output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// The request contains the JSON schema of the reply.
    JsonSchema,
}

/// A price in US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedPrice {
    /// The price of input tokens.
    pub input: Number,
    /// The price of output tokens.
    pub output: Number,
    /// The price of input tokens that are read from the vendor's prompt cache.
    pub cached: Option<Number>,
    /// The price of input tokens that are written to it.
    pub cache_write: Option<Number>,
    /// The day on which the price was looked up.
    #[serde(deserialize_with = "day")]
    pub read_on: Date,
}

impl From<DatedPrice> for Price {
    fn from(DatedPrice { input, output, cached, cache_write, read_on: _ }: DatedPrice) -> Self {
        Self { input, output, cached, cache_write }
    }
}

static BUILT_IN: LazyLock<Result<Catalogue, String>> =
    LazyLock::new(|| Catalogue::parse(include_str!("../../models.toml")));

impl Catalogue {
    /// The built-in catalogue. The error is what is wrong with `models.toml`; a test ensures that nothing is.
    pub fn built_in() -> Result<&'static Self, &'static str> {
        BUILT_IN.as_ref().map_err(String::as_str)
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// The default model of OpenAI.
    pub fn default_openai(&self) -> &str {
        &self.default.openai
    }

    /// The default inference profile of a Bedrock region; `None` if the region has no geography.
    pub fn default_bedrock(&self, region: &str) -> Option<String> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => region.starts_with(beginning),
            None => region == pattern,
        };
        let geography = self.regions.iter().find(|row| fits(&row.name))?.geography.as_deref()?;
        Some(format!("{geography}.{}", self.default.bedrock))
    }

    /// What is known about a model, by its id, its inference profile's id or an ARN. For an unknown model, returns what
    /// is safe to assume. `name` is the model's name in the chain, which is part of the label of a compatible endpoint.
    pub fn facts(&self, provider: Provider, name: &str, model_id: &str) -> ModelFacts {
        match provider {
            Provider::Bedrock => {
                let id = self.bare(model_id);
                self.known(provider, id).unwrap_or_else(|| unknown(provider, id, label("bedrock", id)))
            }
            Provider::Openai => self
                .known(provider, model_id)
                .unwrap_or_else(|| unknown(provider, model_id, label("openai", model_id))),
            Provider::Compatible => {
                // An insight names the vendor that received the facts, and this endpoint is not OpenAI.
                let prefix = if name == "openai" { "openai-compatible" } else { name };
                let label = label(prefix, after_last_slash(model_id));
                match self.known(Provider::Openai, model_id) {
                    Some(facts) => ModelFacts {
                        provider,
                        label,
                        price: None,
                        end_of_life: None,
                        successor: None,
                        ..facts
                    },
                    None => unknown(provider, model_id, label),
                }
            }
        }
    }

    /// The vendor of a known model, by its id, its inference profile's id or an ARN.
    pub fn vendor_of(&self, model_id: &str) -> Option<Provider> {
        let vendors = [(Provider::Bedrock, self.bare(model_id)), (Provider::Openai, model_id)];
        vendors
            .into_iter()
            .find(|(provider, id)| self.known(*provider, id).is_some())
            .map(|(vendor, _)| vendor)
    }

    fn known(&self, provider: Provider, id: &str) -> Option<ModelFacts> {
        self.models.iter().find(|facts| facts.provider == provider && facts.id == id).cloned()
    }

    /// A Bedrock model id without an ARN's prefix and without a geography.
    fn bare<'a>(&self, model_id: &'a str) -> &'a str {
        let id = after_last_slash(model_id);
        match id.split_once('.') {
            Some((geography, bare)) if self.geographies.iter().any(|known| known == geography) => bare,
            Some(_) | None => id,
        }
    }
}

/// What is safe to assume about an unknown model. A vendor's newest models refuse a temperature, and no model requires
/// one. A local server accepts one, and replies vary without it. Any model may think.
fn unknown(provider: Provider, id: &str, label: String) -> ModelFacts {
    ModelFacts {
        id: id.to_owned(),
        provider,
        label,
        temperature: provider == Provider::Compatible,
        thinking: Thinking::ByDefault,
        output_tokens_max: UNKNOWN_OUTPUT_TOKENS_MAX,
        // Most Bedrock models do not accept a schema. Most others do, and the rest refuse it with an error.
        structured: if provider == Provider::Bedrock { Vec::new() } else { vec![Structured::JsonSchema] },
        cache_tokens_min: None,
        price: None,
        end_of_life: None,
        successor: None,
        tuning: ModelTuning::default(),
    }
}

fn after_last_slash(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A label from an id: lower case, with `-` for characters that metric dimensions and file names do not allow.
fn label(prefix: &str, id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let text: String =
        prefix.chars().chain(['-']).chain(id.chars()).map(plain).take(LABEL_CHARS_MAX).collect();
    text.trim_matches('-').to_owned()
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn some_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    day(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> &'static Catalogue {
        Catalogue::built_in().unwrap()
    }

    #[test]
    fn the_built_in_catalogue_is_complete() {
        let catalogue = catalogue();
        for facts in &catalogue.models {
            let same = |other: &&ModelFacts| other.id == facts.id || other.label == facts.label;
            assert_eq!(catalogue.models.iter().filter(same).count(), 1, "{}", facts.id);
            assert!(facts.price.is_some() || facts.end_of_life.is_some(), "{}", facts.id);
            let knows = |id: &String| {
                catalogue.models.iter().any(|other| other.id == *id && other.end_of_life.is_none())
            };
            assert!(facts.successor.as_ref().is_none_or(knows), "{}", facts.id);
            assert_eq!(facts.end_of_life.is_some(), facts.successor.is_some(), "{}", facts.id);
        }
        assert!(catalogue.known(Provider::Bedrock, &catalogue.default.bedrock).is_some());
        assert!(catalogue.known(Provider::Openai, &catalogue.default.openai).is_some());
        for region in &catalogue.regions {
            assert!(region.geography.as_ref().is_none_or(|name| catalogue.geographies.contains(name)));
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = include_str!("../../models.toml");
        for (before, after) in [
            ("thinking = \"never\"", "thinking = \"never\"\ncolour = \"red\""),
            ("[default]", "[default]\nmistral = \"large\""),
            ("thinking = \"never\"", "thinking = \"seldom\""),
            ("provider = \"openai\"", "provider = \"compatible\""),
            ("2026-06-19", "2026-06-31"),
            ("output = 5.00", "output = nan"),
        ] {
            assert!(text.contains(before));
            assert!(Catalogue::parse(&text.replacen(before, after, 1)).is_err(), "{after}");
        }
    }

    #[test]
    fn the_region_decides_the_default_profile() {
        for (region, geography) in [
            ("us-east-1", Some("us")),
            ("us-west-2", Some("us")),
            ("eu-central-1", Some("eu")),
            ("eu-west-3", Some("eu")),
            ("ap-northeast-1", Some("jp")),
            ("ap-southeast-2", Some("au")),
            ("ap-northeast-2", None),
            ("sa-east-1", None),
            ("us-gov-west-1", None),
            ("", None),
        ] {
            let profile = geography.map(|name| format!("{name}.anthropic.claude-haiku-4-5-20251001-v1:0"));
            assert_eq!(catalogue().default_bedrock(region), profile, "{region}");
        }
    }

    #[test]
    fn a_bedrock_model_is_known_by_id_profile_and_arn() {
        for id in [
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        ] {
            let facts = catalogue().facts(Provider::Bedrock, "bedrock", id);
            assert_eq!(facts.label, "bedrock-claude-haiku-4.5", "{id}");
            assert!(facts.price.is_some(), "{id}");
        }
    }

    #[test]
    fn an_unknown_model_works_without_a_price_and_is_labelled_by_its_id() {
        for (provider, name, id, label) in [
            (Provider::Bedrock, "bedrock", "us.amazon.nova-lite-v1:0", "bedrock-amazon.nova-lite-v1-0"),
            (
                Provider::Bedrock,
                "bedrock",
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
                "bedrock-a1b2c3",
            ),
            (Provider::Openai, "openai", "gpt-9", "openai-gpt-9"),
            (Provider::Compatible, "ollama", "Llama3.2:3b", "ollama-llama3.2-3b"),
            (Provider::Compatible, "gpu_box", "Qwen/Qwen3-8B", "gpu-box-qwen3-8b"),
            (Provider::Compatible, "openai", "gpt-6-luna", "openai-compatible-gpt-6-luna"),
        ] {
            let facts = catalogue().facts(provider, name, id);
            assert_eq!((facts.label.as_str(), facts.price), (label, None), "{id}");
        }
    }

    #[test]
    fn tokens_for_thinking_are_added_up_to_the_models_limit() {
        for (thinking, expected) in [
            (Thinking::Never, 1000),
            (Thinking::EffortNone, 1000),
            (Thinking::ByDefault, 1000 + THINKING_TOKENS),
            (Thinking::EffortLow, 1000 + THINKING_TOKENS),
        ] {
            let facts =
                ModelFacts { thinking, ..catalogue().facts(Provider::Openai, "openai", "gpt-6-luna") };
            assert_eq!(facts.ceiling(1000), expected, "{thinking:?}");
            assert_eq!(facts.ceiling(u32::MAX), facts.output_tokens_max, "{thinking:?}");
        }
    }

    #[test]
    fn a_known_model_behind_another_endpoint_keeps_its_parameters() {
        let facts = catalogue().facts(Provider::Compatible, "proxy", "gpt-6-luna");
        assert_eq!((facts.temperature, facts.thinking), (false, Thinking::EffortNone));
    }
}
