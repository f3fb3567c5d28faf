//! A channel as it is written in the table `[notify.NAME]` of a settings file, or of the function's secret.
//!
//! Never: shows a key, or a line of the file, which may contain one.

use std::collections::BTreeMap;

use portend_core::number::Number;
use serde::{Deserialize, Deserializer};

use super::{ChannelSettings, ChannelTarget};
use crate::secret::Secret;

/// The channel in `[notify.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [notify.NAME] with kind and url")]
pub struct WrittenChannel {
    kind: ChannelKind,
    #[serde(default, deserialize_with = "secret")]
    url: Option<Secret>,
    topic: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    secret: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    next_secret: Option<Secret>,
    min_risk: Option<f64>,
    #[serde(default)]
    severities: Vec<String>,
    #[serde(default)]
    entity_types: Vec<String>,
    /// The name of a built-in template.
    template: Option<String>,
    /// A file with a template of one's own.
    template_file: Option<String>,
    link: Option<String>,
    recoveries: Option<bool>,
    #[serde(default)]
    digest: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChannelKind {
    Webhook,
    Slack,
    Sns,
}

/// Why the settings of a channel cannot be used: what is wrong, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongChannel(String);

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| Secret::new(&text)))
}

/// The channels in a text that has only tables `[notify.NAME]`. It is not a file, so a template cannot be one.
pub(crate) fn written_channels(text: &str) -> Result<Vec<ChannelSettings>, WrongChannel> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tables {
        notify: BTreeMap<String, WrittenChannel>,
    }
    let tables: Tables = toml::from_str(text).map_err(|error| {
        // The error itself quotes the line.
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        WrongChannel(format!("{message}; write tables [notify.NAME] with kind and url"))
    })?;
    let no_file =
        |_: &str| Err("template_file cannot be used here; name a template of the program".to_owned());
    tables.notify.into_iter().map(|(name, channel)| channel.settings(name, no_file)).collect()
}

/// The templates that a channel can name.
const TEMPLATES: [&str; 4] = ["webhook", "slack", "mail", "high_risk_alert"];

impl WrittenChannel {
    /// The settings of the channel with this name. `read` returns the text of a template's file, or why it cannot be read.
    pub fn settings(
        self,
        name: String,
        read: impl Fn(&str) -> Result<String, String>,
    ) -> Result<ChannelSettings, WrongChannel> {
        let wrong = |rest: &str| WrongChannel(format!("notify.{name}{rest}"));
        let missing =
            |key: &str, example: &str| wrong(&format!(".{key} is missing; set it, as in {example}"));
        let target = match self.kind {
            ChannelKind::Webhook => {
                let url = self.url.ok_or_else(|| missing("url", "url = \"https://example.com/hook\""))?;
                let keys = self.secret.into_iter().chain(self.next_secret).collect();
                ChannelTarget::Webhook { url: url.reveal().to_owned(), keys }
            }
            ChannelKind::Slack => ChannelTarget::Slack {
                url: self
                    .url
                    .ok_or_else(|| missing("url", "url = \"https://hooks.slack.com/services/...\""))?,
            },
            ChannelKind::Sns => ChannelTarget::Sns {
                topic: self.topic.ok_or_else(|| {
                    missing("topic", "topic = \"arn:aws:sns:us-east-1:123456789012:alerts\"")
                })?,
            },
        };
        let is_score = |min: &Number| (0.0..=100.0).contains(&min.get());
        let min_risk = self
            .min_risk
            .map(|min| {
                Number::new(min)
                    .filter(is_score)
                    .ok_or_else(|| wrong(".min_risk is not a risk score; set it to 0 to 100"))
            })
            .transpose()?;
        // Who expects a form of its own does not know the form of a recovery.
        let recoveries = self.recoveries.unwrap_or_else(|| {
            self.template_file.is_none() && self.template.as_deref() != Some("high_risk_alert")
        });
        let template = match (self.template, self.template_file) {
            (Some(_), Some(_)) => return Err(wrong(" has template and template_file; remove one of them")),
            (Some(built_in), None) if !TEMPLATES.contains(&&*built_in) => {
                return Err(wrong(
                    ".template is unknown; write webhook, slack, mail or high_risk_alert, or name a file with template_file",
                ));
            }
            (built_in, None) => built_in,
            (None, Some(file)) => {
                Some(read(&file).map_err(|why| WrongChannel(format!("notify.{name}: {why}")))?)
            }
        };
        Ok(ChannelSettings {
            name,
            target,
            min_risk,
            severities: self.severities,
            entity_types: self.entity_types,
            template,
            link: self.link,
            recoveries,
            digest: self.digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channels_of_a_secret_are_read_and_its_keys_are_never_shown() {
        let good = "[notify.a]\nkind = \"slack\"\nurl = \"https://h.example/k\"\n[notify.b]\nkind = \"webhook\"\nurl = \"https://h.example\"\ntemplate = \"high_risk_alert\"\n";
        let channels = written_channels(good).unwrap();
        let names: Vec<_> = channels.iter().map(|each| (each.name.as_str(), each.recoveries)).collect();
        assert_eq!(names, [("a", true), ("b", false)]);
        for (text, says) in [
            ("canary", "write tables"),
            ("[notify.a]\nkind = \"fax\"\nurl = \"canary\"", "write tables"),
            ("store = \"canary\"", "write tables"),
            ("[notify.a]\nkind = \"slack\"", "notify.a.url is missing"),
            (
                "[notify.a]\nkind = \"slack\"\nurl = \"https://canary\"\ntemplate_file = \"x\"",
                "template_file cannot",
            ),
        ] {
            let error = written_channels(text).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("canary"), "{error}");
        }
    }
}
