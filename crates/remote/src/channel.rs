//! Channels by which people learn of insights: a signed webhook, a webhook of Slack's form, and mail by an SNS topic. Each
//! has a lowest risk score, filters and a template.
//!
//! ```text
//! insight ─▶ filters ─▶ template ─▶ webhook: signed with one key, or two during a rotation
//!                          │    ├──▶ Slack
//!                          │    └──▶ SNS: subject and text
//!                          └─ of the program, or one's own
//! ```
//!
//! Never: retries (what is not sent stays marked in the store), follows a redirect, or puts an address, which may contain a
//! key, into an error.

mod template;
mod written;
mod recovery;
mod check;

use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{Request, Uri};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::{CurrentJudgement, EntityRow};
use portend_core::insight::StoredInsight;
use portend_core::model::ModelError;
use portend_core::notify::NotifyError;
use portend_core::number::Number;
use portend_core::time::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

pub use self::check::ChannelReport;
use self::recovery::RecoveryText;
use self::template::Template;
pub use self::template::TemplateError;
pub(crate) use self::written::written_channels;
pub use self::written::{WrittenChannel, WrongChannel};
use crate::aws::{Aws, Topic};
use crate::clock::SystemClock;
use crate::digest::Digest;
use crate::limits::{BODY_BYTES_MAX, CHANNEL_TIMEOUT};
use crate::network::{self, Bounds, Connections};
use crate::secret::Secret;

/// The header with the time of the request, in seconds since 1970.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-portend-timestamp");
/// The header with the signatures: `v1=` and 64 hexadecimal digits, for each key.
const SIGNATURE: HeaderName = HeaderName::from_static("x-portend-signature");
/// The header with the alert id. A request with the same id says the same.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest text of a message of Slack, in characters: half of its limit, because escaping makes it longer.
const SLACK_TEXT_CHARS_MAX: usize = 20_000;

/// The settings of a channel.
#[derive(Debug, Clone)]
pub struct ChannelSettings {
    /// Its name in the settings.
    pub name: String,
    /// Where it sends.
    pub target: ChannelTarget,
    /// The lowest risk score of an insight that is sent.
    pub min_risk: Option<Number>,
    /// The severities that are sent; empty for all.
    pub severities: Vec<String>,
    /// The entity types that are sent; empty for all.
    pub entity_types: Vec<String>,
    /// The name of a template of the program, or the text of one; `None` for the target's own.
    pub template: Option<String>,
    /// The address of an insight, with `{alert_id}` in it.
    pub link: Option<String>,
    /// Whether it learns that an entity has recovered.
    pub recoveries: bool,
    /// Whether it gets the digest.
    pub digest: bool,
}

/// Where a channel sends.
#[derive(Debug, Clone)]
pub enum ChannelTarget {
    /// A webhook. Each request is signed with every key.
    Webhook {
        /// Its address: https, or http on this machine.
        url: String,
        /// The keys: none, one, or two during a rotation.
        keys: Vec<Secret>,
    },
    /// A webhook of Slack's form.
    Slack {
        /// Its address, which is a key itself.
        url: Secret,
    },
    /// An SNS topic, whose subscribers get mail.
    Sns {
        /// Its ARN.
        topic: String,
    },
}

/// Why a channel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The address is not one. The operator is at fault.
    #[error("the address of the channel `{name}` is not an https URL")]
    BadUrl {
        /// The channel.
        name: String,
    },
    /// The topic is not an ARN. The operator is at fault.
    #[error("the topic of the channel `{name}` is not the ARN of an SNS topic")]
    BadTopic {
        /// The channel.
        name: String,
    },
    /// The template cannot be parsed. Its author is at fault.
    #[error("the template of the channel `{name}` cannot be used")]
    BadTemplate {
        /// The channel.
        name: String,
        /// What is wrong.
        source: TemplateError,
    },
}

/// A channel. It sends nothing until it is used.
pub(crate) struct Channel {
    settings: ChannelSettings,
    template: Template,
    topic: Option<Topic>,
    connections: Connections,
}

impl Channel {
    pub(crate) fn new(settings: ChannelSettings, aws: &Aws) -> Result<Self, ChannelError> {
        let name = || settings.name.clone();
        let (own, topic) = match &settings.target {
            ChannelTarget::Webhook { url, .. } => {
                is_secure(url).then_some(()).ok_or_else(|| ChannelError::BadUrl { name: name() })?;
                ("webhook", None)
            }
            ChannelTarget::Slack { url } => {
                is_secure(url.reveal()).then_some(()).ok_or_else(|| ChannelError::BadUrl { name: name() })?;
                ("slack", None)
            }
            ChannelTarget::Sns { topic } => {
                let topic = Topic::new(topic, aws.clone());
                ("mail", Some(topic.ok_or_else(|| ChannelError::BadTopic { name: name() })?))
            }
        };
        let text = settings.template.as_deref().unwrap_or(own);
        let template = Template::new(text, settings.link.clone())
            .map_err(|source| ChannelError::BadTemplate { name: name(), source })?;
        Ok(Self { settings, template, topic, connections: Connections::default() })
    }

    /// Its name in the settings.
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether the insight is to be sent.
    pub(crate) fn accepts(&self, insight: &StoredInsight) -> bool {
        let ChannelSettings { min_risk, severities, entity_types, .. } = &self.settings;
        let is_in = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|each| each == value))
        };
        let fields = insight.current();
        min_risk.is_none_or(|min| insight.risk_score() >= min)
            && is_in(severities, fields.map(|fields| fields.severity.as_str()))
            && is_in(entity_types, fields.map(|fields| fields.entity_type.as_str()))
    }

    /// Whether the recovery of this entity is to be sent: one of its judgements passes the filters.
    pub(crate) fn accepts_recovery(&self, row: &EntityRow) -> bool {
        let ChannelSettings { min_risk, severities, entity_types, recoveries, .. } = &self.settings;
        let is_in = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        *recoveries
            && is_in(entity_types, &row.key.entity_type)
            && row.judgements.values().flat_map(CurrentJudgement::recent).any(|(score, severity)| {
                min_risk.is_none_or(|min| score >= min)
                    && severity.is_none_or(|severity| is_in(severities, severity))
            })
    }

    pub(crate) async fn send(&self, insight: &StoredInsight, types: &AlertTypes) -> Result<(), NotifyError> {
        let rendered = self.template.render(insight, types);
        let body = rendered.map_err(|error| NotifyError::ChannelRefused {
            name: self.settings.name.clone(),
            what: error.to_string(),
        })?;
        let title =
            types.get(insight.prediction_type()).map_or(insight.prediction_type(), |each| each.title());
        let subject = format!("{} {title}: {}", insight.risk_score(), insight.entity_id());
        self.deliver(insight.alert_id(), &subject, body).await
    }

    pub(crate) async fn send_recovery(&self, row: &EntityRow, types: &AlertTypes) -> Result<(), NotifyError> {
        let text = RecoveryText::new(row, types);
        let body = match &self.settings.target {
            ChannelTarget::Webhook { .. } => text.webhook().to_string(),
            ChannelTarget::Slack { .. } => text.slack().to_string(),
            ChannelTarget::Sns { .. } => text.mail(),
        };
        self.deliver(&text.id(), &text.subject(), body).await
    }

    /// Whether it gets the digest.
    pub(crate) fn gets_digest(&self) -> bool {
        self.settings.digest
    }

    pub(crate) async fn send_digest(&self, digest: &Digest) -> Result<(), NotifyError> {
        let body = match &self.settings.target {
            ChannelTarget::Webhook { .. } => {
                let mut body = json!({ "type": "digest" });
                if let (Value::Object(body), Ok(Value::Object(fields))) =
                    (&mut body, serde_json::to_value(digest))
                {
                    body.extend(fields);
                }
                body.to_string()
            }
            ChannelTarget::Slack { .. } => {
                let text = digest.plain_text(|text| template::slack(&template::line(text)));
                json!({ "text": template::clip(&text, SLACK_TEXT_CHARS_MAX) }).to_string()
            }
            ChannelTarget::Sns { .. } => digest.plain_text(template::line),
        };
        let count: usize = digest.sections.iter().map(|section| section.lines.len()).sum();
        let subject = format!("Portend: {count} changed since {}", digest.since.to_seconds_string());
        self.deliver(&format!("digest_{}", digest.until.as_millis()), &subject, body).await
    }

    /// Sends one message. A message with the same id says the same.
    async fn deliver(&self, id: &str, subject: &str, body: String) -> Result<(), NotifyError> {
        let name = || self.settings.name.clone();
        let refused = |what: String| NotifyError::ChannelRefused { name: name(), what };
        let request = match (&self.settings.target, &self.topic) {
            (ChannelTarget::Webhook { url, keys }, _) => {
                let now = SystemClock.now();
                let request = Request::post(url)
                    .header(TIMESTAMP, now.as_secs().to_string())
                    .header(IDEMPOTENCY_KEY, network::percent_encoded(id));
                if keys.is_empty() {
                    request
                } else {
                    request.header(SIGNATURE, signatures(keys, now, &body))
                }
            }
            (ChannelTarget::Slack { url }, _) => Request::post(url.reveal()),
            (ChannelTarget::Sns { .. }, Some(topic)) => {
                return topic.publish(subject, &body).await.map_err(|what| match what {
                    Ok(what) => NotifyError::ChannelUnreachable { name: name(), what },
                    Err(what) => refused(what),
                });
            }
            (ChannelTarget::Sns { .. }, None) => return Ok(()),
        };
        let request =
            request.header(CONTENT_TYPE, "application/json").header(USER_AGENT, network::USER_AGENT);
        let request = request.body(body).map_err(|_| refused("the request could not be built".into()))?;
        let bounds = Bounds { time: Some(CHANNEL_TIMEOUT), bytes: BODY_BYTES_MAX };
        let sent = Box::pin(self.connections.exchange(request, bounds)).await;
        let unreachable = |what: String| NotifyError::ChannelUnreachable { name: name(), what };
        let response = sent.map_err(|error: ModelError| unreachable(error.code().to_owned()))?;
        match response.status {
            200..300 => Ok(()),
            // Too many requests, or a server that has a fault of its own.
            status @ (408 | 425 | 429 | 500..600) => Err(unreachable(status.to_string())),
            status => Err(refused(status.to_string())),
        }
    }
}

/// The signatures of a body at a time: HMAC-SHA256 over `{seconds}.{body}`, with each key.
fn signatures(keys: &[Secret], at: Timestamp, body: &str) -> String {
    let signed = keys.iter().filter_map(|key| {
        // Every key has a length that HMAC accepts.
        let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes()).ok()?;
        mac.update(at.as_secs().to_string().as_bytes());
        mac.update(b".");
        mac.update(body.as_bytes());
        Some(format!("v1={}", hex::encode(mac.finalize().into_bytes())))
    });
    signed.collect::<Vec<_>>().join(",")
}

/// Whether it is an https URL, or an http URL of this machine.
fn is_secure(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_local =
        host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_local,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_with_each_key() {
        let at = Timestamp::from_secs(1_735_732_800);
        let one = signatures(&[Secret::new("first")], at, "{}");
        let both = signatures(&[Secret::new("first"), Secret::new("second")], at, "{}");
        assert_eq!(one.len(), "v1=".len() + 64);
        assert_eq!(both.split(',').next(), Some(one.as_str()));
        assert_eq!(both.split(',').count(), 2);
        // echo -n "1735732800.{}" | openssl dgst -sha256 -hmac first
        assert_eq!(one, "v1=4796f75c85daa244c18d34fcc415bf6257a25428529cfeaccc84b5dbe1cddebb");
    }

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for (url, expected) in [
            ("https://hooks.example/x", true),
            ("http://localhost:8080/x", true),
            ("http://127.0.0.1/x", true),
            ("http://[::1]:1/x", true),
            ("http://hooks.example/x", false),
            ("ftp://hooks.example", false),
            ("hooks.example", false),
            ("", false),
        ] {
            assert_eq!(is_secure(url), expected, "{url}");
        }
    }
}
