//! What is known of each model: `models.toml`, read once and strictly.
//!
//! Takes: the file that is built in.
//! Gives: the facts of a model, known or not, and the inference profile that a region uses by default.
//! Never: names a model itself; model facts change, and this file should not.

use std::sync::LazyLock;

use jiff::civil::Date;
use portend_core::model::{ModelSpec, Price};
use portend_core::number::Number;
use serde::{Deserialize, Deserializer};

use crate::limits::{LABEL_CHARS_MAX, THINKING_TOKENS, UNKNOWN_OUTPUT_TOKENS_MAX};

/// The models that are known, and what to ask where the settings name none.
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

/// What is known of one model. The keys are explained in `models.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFacts {
    /// The vendor's id, without geography, region or ARN.
    pub id: String,
    /// Whose it is.
    pub provider: Provider,
    /// What `model_used` says of it.
    pub label: String,
    /// Whether it accepts a temperature.
    pub temperature: bool,
    /// Whether it thinks before it answers, and what it is told about that.
    pub thinking: Thinking,
    /// The vendor's ceiling of output tokens.
    pub output_tokens_max: u32,
    /// The native forms of structured output that are worth a try.
    pub structured: Vec<Structured>,
    /// What it costs, if that is known.
    pub price: Option<DatedPrice>,
    /// The day on which it was or will be shut down, if one is announced.
    #[serde(default, deserialize_with = "some_day")]
    pub end_of_life: Option<Date>,
}

impl ModelFacts {
    /// The ceiling to ask for so that an answer has `output_tokens`: what may be thought first counts too.
    pub(crate) fn ceiling(&self, output_tokens: u32) -> u32 {
        let thought = match self.thinking {
            Thinking::Never | Thinking::EffortNone => 0,
            Thinking::ByDefault | Thinking::EffortLow => THINKING_TOKENS,
        };
        output_tokens.saturating_add(thought).min(self.output_tokens_max)
    }

    /// What the core is told of the model.
    pub(crate) fn spec(&self, name: String, model_id: String, endpoint: String) -> ModelSpec {
        ModelSpec {
            name,
            model_id,
            label: self.label.clone(),
            endpoint,
            takes_schema: self.structured.contains(&Structured::JsonSchema),
            output_tokens_max: self.output_tokens_max,
            price: self.price.map(Price::from),
        }
    }
}

/// Who serves a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Amazon Bedrock.
    Bedrock,
    /// OpenAI itself.
    Openai,
    /// Anyone who speaks as OpenAI does. What a model of theirs costs is not known, whatever its name.
    #[serde(skip_deserializing)]
    Compatible,
}

/// Whether a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// Not unless asked.
    Never,
    /// Unasked.
    ByDefault,
    /// As much as it is told to: none.
    EffortNone,
    /// As much as it is told to: a little.
    EffortLow,
}

/// A native form of structured output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// The reply's JSON schema goes with the request.
    JsonSchema,
}

/// A price in US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedPrice {
    /// Of the input.
    pub input: Number,
    /// Of the output.
    pub output: Number,
    /// The day on which it was read.
    #[serde(deserialize_with = "day")]
    pub read_on: Date,
}

impl From<DatedPrice> for Price {
    fn from(DatedPrice { input, output, read_on: _ }: DatedPrice) -> Self {
        Self { input, output }
    }
}

static BUILT_IN: LazyLock<Result<Catalogue, String>> =
    LazyLock::new(|| Catalogue::parse(include_str!("../../models.toml")));

impl Catalogue {
    /// The one that is built in. A test holds that it can be read; the error is what is wrong with it.
    pub fn built_in() -> Result<&'static Self, &'static str> {
        BUILT_IN.as_ref().map_err(String::as_str)
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// The model that OpenAI is asked for where the settings name none.
    pub fn default_openai(&self) -> &str {
        &self.default.openai
    }

    /// The inference profile that Bedrock is asked for where the settings name none; `None` for a region that no
    /// geography holds.
    pub fn default_bedrock(&self, region: &str) -> Option<String> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => region.starts_with(beginning),
            None => region == pattern,
        };
        let geography = self.regions.iter().find(|row| fits(&row.name))?.geography.as_deref()?;
        Some(format!("{geography}.{}", self.default.bedrock))
    }

    /// What is known of a model, by an id, an inference profile's id or an ARN; of an unknown one, what is safe to
    /// assume. `name` is the model's in the chain, from which the label of a compatible endpoint is made.
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
                // An insight says which vendor saw the facts, and this endpoint is not OpenAI.
                let prefix = if name == "openai" { "openai-compatible" } else { name };
                let label = label(prefix, after_last_slash(model_id));
                match self.known(Provider::Openai, model_id) {
                    Some(facts) => ModelFacts { provider, label, price: None, end_of_life: None, ..facts },
                    None => unknown(provider, model_id, label),
                }
            }
        }
    }

    fn known(&self, provider: Provider, id: &str) -> Option<ModelFacts> {
        self.models.iter().find(|facts| facts.provider == provider && facts.id == id).cloned()
    }

    /// A Bedrock id without what stands before it in an ARN, and without a geography.
    fn bare<'a>(&self, model_id: &'a str) -> &'a str {
        let id = after_last_slash(model_id);
        match id.split_once('.') {
            Some((geography, bare)) if self.geographies.iter().any(|known| known == geography) => bare,
            Some(_) | None => id,
        }
    }
}

/// What is safe to assume of an unknown model. A vendor's newest models refuse a temperature, and leaving it out is
/// never refused; a server of one's own takes one, and samples freely without. Any model may think.
fn unknown(provider: Provider, id: &str, label: String) -> ModelFacts {
    ModelFacts {
        id: id.to_owned(),
        provider,
        label,
        temperature: provider == Provider::Compatible,
        thinking: Thinking::ByDefault,
        output_tokens_max: UNKNOWN_OUTPUT_TOKENS_MAX,
        // Most Bedrock models take no schema; most others do, and say so if not.
        structured: if provider == Provider::Bedrock { Vec::new() } else { vec![Structured::JsonSchema] },
        price: None,
        end_of_life: None,
    }
}

fn after_last_slash(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A label made from an id: lower case, with `-` for what a metric's dimension or a file name would not like.
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
    fn the_built_in_catalogue_is_whole() {
        let catalogue = catalogue();
        for facts in &catalogue.models {
            let same = |other: &&ModelFacts| other.id == facts.id || other.label == facts.label;
            assert_eq!(catalogue.models.iter().filter(same).count(), 1, "{}", facts.id);
            assert!(facts.price.is_some() || facts.end_of_life.is_some(), "{}", facts.id);
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
    fn room_to_think_is_added_up_to_the_models_ceiling() {
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
    fn a_known_model_behind_another_endpoint_keeps_its_manners() {
        let facts = catalogue().facts(Provider::Compatible, "proxy", "gpt-6-luna");
        assert_eq!((facts.temperature, facts.thinking), (false, Thinking::EffortNone));
    }
}
