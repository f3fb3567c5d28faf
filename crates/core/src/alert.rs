//! Reads an event as an [`Alert`], or returns a [`Refusal`] that says why it is not one.
//!
//! The rules are checked in a fixed order: size, depth, encoding, JSON, shape, type, entity, severity, timestamp,
//! facts. The first rule that fails is the reason.
//!
//! Never: guesses, trims, folds case, or reads a field that the alert type does not name.

mod refusal;
mod json;
mod delivery;
mod entity;
mod facts;
mod identity;

pub use delivery::{Delivery, Record};
pub use facts::Facts;
pub use identity::{AlertKey, InsightKey};
pub use refusal::{Reason, Refusal};

use crate::alert_type::{AlertType, AlertTypes};
use crate::limits::{
    EVENT_BYTES_MAX, EVENT_DEPTH_MAX, SEVERITY_CHARS_MAX, TIMESTAMP_AHEAD_MAX, TIMESTAMP_YEAR_MIN,
};
use crate::time::Timestamp;
use json::{EventObject, StrictJson};

/// A checked alert. [`Alert::read`] is the only way to make one from an event.
#[derive(Debug, Clone)]
pub struct Alert<'t> {
    alert_type: &'t AlertType,
    entity_id: String,
    severity: String,
    message: Option<String>,
    timestamp: Timestamp,
    facts: Facts,
    key: AlertKey,
}

impl<'t> Alert<'t> {
    /// Reads one event: an EventBridge event, or the bare `detail` of one.
    pub fn read(event: &[u8], types: &'t AlertTypes, received_at: Timestamp) -> Result<Self, Refusal> {
        let json = read_json(event)?;
        let (detail, detail_type) = detail_of(&json)?;
        let alert_type = alert_type_of(&detail, detail_type, types)?;
        let entity_id = entity_id_of(&detail, alert_type)?;
        let severity = severity_of(&detail)?;
        let timestamp = timestamp_of(&detail, received_at)?;
        let facts = Facts::read(&detail.object("details")?, alert_type)?;
        let message = detail.get("message").and_then(StrictJson::as_str).map(str::to_owned);
        let key = AlertKey::new(alert_type, &entity_id, &facts, timestamp);
        Ok(Self { alert_type, entity_id, severity, message, timestamp, facts, key })
    }

    /// The alert behind a stored insight. `None` if its facts no longer fit the alert type.
    pub(crate) fn restored(
        alert_type: &'t AlertType,
        entity_id: &str,
        severity: &str,
        message: Option<String>,
        timestamp: Timestamp,
        facts: &Facts,
    ) -> Option<Self> {
        let facts = facts.of(alert_type)?;
        let key = AlertKey::new(alert_type, entity_id, &facts, timestamp);
        Some(Self {
            alert_type,
            entity_id: entity_id.into(),
            severity: severity.into(),
            message,
            timestamp,
            facts,
            key,
        })
    }

    /// The alert's type.
    pub fn alert_type(&self) -> &'t AlertType {
        self.alert_type
    }

    /// The student or subject that the alert is about.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The producer's severity, such as `warning`.
    pub fn severity(&self) -> &str {
        &self.severity
    }

    /// The producer's sentence, if it sent one. It never enters a prompt.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The producer's timestamp of the alert.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The value of each fact.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The alert's identity. Two alerts have the same key if they are of the same type, about the same entity, in the
    /// same repeat window, and every fact is in the same step.
    pub fn key(&self) -> AlertKey {
        self.key
    }

    /// The key of the alert's insight, unless an earlier alert with the same alert key has already set one.
    pub fn insight_key(&self) -> InsightKey {
        InsightKey::new(self.alert_type.id(), &self.entity_id, self.timestamp, self.key)
    }
}

/// Checks size, depth, encoding and JSON, in this order.
fn read_json(event: &[u8]) -> Result<StrictJson, Refusal> {
    if event.len() > EVENT_BYTES_MAX {
        let message =
            format!("the event is too large: expected at most {EVENT_BYTES_MAX} bytes, got {}", event.len());
        return Err(Refusal::new(Reason::TooLarge, message));
    }
    if json::depth(event) > EVENT_DEPTH_MAX {
        let message = format!(
            "the event is nested too deeply: expected at most {EVENT_DEPTH_MAX} levels of `{{` and `[`"
        );
        return Err(Refusal::new(Reason::TooDeep, message));
    }
    let event = event.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(event);
    let text = std::str::from_utf8(event).map_err(|error| {
        let offset = error.valid_up_to();
        Refusal::new(
            Reason::NotUtf8,
            format!("the event is not UTF-8: the byte at offset {offset} is invalid"),
        )
    })?;
    StrictJson::read(text)
}

/// Returns the alert's own object, and the `detail-type` beside it in an EventBridge event.
fn detail_of(json: &StrictJson) -> Result<(EventObject<'_>, Option<&StrictJson>), Refusal> {
    let not_an_event = |got: String| {
        let expected = "an EventBridge event with `detail`, or a bare `detail` with `alert_type`";
        Refusal::new(Reason::NotAnEvent, format!("expected {expected}; got {got}"))
    };
    let Some(root) = EventObject::root(json) else {
        return Err(not_an_event(json.quoted()));
    };
    let detail_type = root.get("detail-type");
    if root.get("detail").is_some() {
        return Ok((root.object("detail")?, detail_type));
    }
    if root.get("alert_type").is_some() {
        return Ok((root, detail_type));
    }
    if detail_type.is_some() {
        return Err(root.missing("detail", "the object that holds the alert"));
    }
    Err(not_an_event("an object with neither".into()))
}

fn alert_type_of<'t>(
    detail: &EventObject<'_>,
    detail_type: Option<&StrictJson>,
    types: &'t AlertTypes,
) -> Result<&'t AlertType, Refusal> {
    let id = detail.str("alert_type", "the id of a known alert type")?;
    let Some(alert_type) = types.get(id) else {
        let known: Vec<_> = types.iter().map(AlertType::id).collect();
        let path = detail.path_of("alert_type");
        let (expected, got) = (known.join(", "), StrictJson::quote(id));
        let message = format!("{path}: expected one of {expected} (exact spelling), got {got}");
        return Err(Refusal::new(Reason::UnknownAlertType, message));
    };
    let mismatch = |path: String, expected: &str, got: String| {
        Err(Refusal::new(Reason::TypeMismatch, format!("{path}: expected \"{expected}\", got {got}")))
    };
    if let Some(detail_type) = detail_type.filter(|each| each.as_str() != Some(id)) {
        return mismatch("$.detail-type".into(), id, detail_type.quoted());
    }
    let entity_type = detail.str("entity_type", &format!("\"{}\"", alert_type.entity()))?;
    if entity_type != alert_type.entity() {
        return mismatch(detail.path_of("entity_type"), alert_type.entity(), StrictJson::quote(entity_type));
    }
    Ok(alert_type)
}

fn entity_id_of(detail: &EventObject<'_>, alert_type: &AlertType) -> Result<String, Refusal> {
    let form = alert_type.entity_id();
    let expected = entity::expected(form);
    let id = detail.str("entity_id", expected)?;
    if entity::fits(form, id) { Ok(id.into()) } else { Err(detail.invalid("entity_id", expected)) }
}

fn severity_of(detail: &EventObject<'_>) -> Result<String, Refusal> {
    let expected = "a token of at most 32 letters, digits or `._:-`, such as info, warning or critical";
    let severity = detail.str("severity", expected)?;
    if entity::is_token(severity, SEVERITY_CHARS_MAX) {
        Ok(severity.into())
    } else {
        Err(detail.invalid("severity", expected))
    }
}

fn timestamp_of(detail: &EventObject<'_>, received_at: Timestamp) -> Result<Timestamp, Refusal> {
    let expected = "an RFC 3339 date and time, or an ISO date and time without a zone (read as UTC)";
    let text = detail.str("timestamp", expected)?;
    let timestamp = Timestamp::parse(text).map_err(|_| detail.invalid("timestamp", expected))?;
    if timestamp.year() < TIMESTAMP_YEAR_MIN {
        return Err(detail.invalid("timestamp", "a time in the year 2000 or later"));
    }
    if timestamp > received_at.plus(TIMESTAMP_AHEAD_MAX) {
        return Err(detail.invalid("timestamp", "a time at most 24 hours after receipt"));
    }
    Ok(timestamp)
}

#[cfg(test)]
mod tests;
