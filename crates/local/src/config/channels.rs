//! The channels of `[notify.NAME]`: webhooks, Slack and mail by SNS.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use portend_core::number::Number;
use portend_remote::secret::Secret;
use portend_remote::{ChannelSettings, ChannelTarget};
use serde::{Deserialize, Deserializer};

/// The channel in `[notify.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [notify.NAME] with kind and url")]
pub(super) struct WrittenChannel {
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChannelKind {
    Webhook,
    Slack,
    Sns,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| Secret::new(&text)))
}

/// The settings of the channels. `folder` is the settings file's.
pub(super) fn channels(
    written: BTreeMap<String, WrittenChannel>,
    folder: &Path,
) -> Result<Vec<ChannelSettings>> {
    written.into_iter().map(|(name, channel)| channel.settings(name, folder)).collect()
}

impl WrittenChannel {
    fn settings(self, name: String, folder: &Path) -> Result<ChannelSettings> {
        let missing =
            |key: &str, example: &str| anyhow!("notify.{name}.{key} is missing; set it, as in {example}");
        let target = match self.kind {
            ChannelKind::Webhook => ChannelTarget::Webhook {
                url: self
                    .url
                    .ok_or_else(|| missing("url", "url = \"https://example.com/hook\""))?
                    .reveal()
                    .to_owned(),
                keys: self.secret.into_iter().chain(self.next_secret).collect(),
            },
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
        let min_risk = match self.min_risk {
            None => None,
            Some(min) => {
                Some(Number::new(min).filter(|min| (0.0..=100.0).contains(&min.get())).ok_or_else(|| {
                    anyhow!("notify.{name}.min_risk is not a risk score; set it to 0 to 100")
                })?)
            }
        };
        let template = match (self.template, self.template_file) {
            (Some(_), Some(_)) => {
                return Err(anyhow!("notify.{name} has template and template_file; remove one of them"));
            }
            (Some(built_in), None)
                if !["webhook", "slack", "mail", "high_risk_alert"].contains(&&*built_in) =>
            {
                return Err(anyhow!(
                    "notify.{name}.template is unknown; write webhook, slack, mail or high_risk_alert, or name a file \
                     with template_file"
                ));
            }
            (Some(built_in), None) => Some(built_in),
            (None, Some(file)) => {
                let path = folder.join(file);
                let text = fs::read_to_string(&path).with_context(|| {
                    format!("cannot read {}; name a file that you may read in notify.{name}", path.display())
                })?;
                Some(text)
            }
            (None, None) => None,
        };
        Ok(ChannelSettings {
            name,
            target,
            min_risk,
            severities: self.severities,
            entity_types: self.entity_types,
            template,
            link: self.link,
        })
    }
}
