//! Reads an event as an [`Alert`], or says with a [`Refusal`] why it cannot become one.
//!
//! Takes: one event's bytes as received, the alert types, the time of receipt.
//! Gives: an alert whose every part is checked against its type, with its identity.
//! Never: guesses, trims, folds case, or looks at a field that the alert type does not name.
//!
//! Rules are checked in one order (size, depth, encoding, JSON, shape, type, entity, severity, timestamp, facts)
//! and the first that fails gives the reason.

mod delivery;
mod entity;
mod facts;
mod identity;
mod json;
mod refusal;

pub use delivery::{Delivery, Record};
pub use facts::Facts;
pub use identity::{AlertKey, InsightKey};
pub use refusal::{Reason, Refusal};

use crate::alert_type::{AlertType, AlertTypes};
use crate::limits::{
    EVENT_BYTES_MAX, EVENT_DEPTH_MAX, SEVERITY_CHARS_MAX, TIMESTAMP_AHEAD_MAX, TIMESTAMP_YEAR_MIN,
};
use crate::time::Timestamp;
use json::{Json, Object};

/// A checked alert. It is made by [`Alert::read`] alone.
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
    /// Reads one event: an EventBridge event or the bare `detail` of one.
    pub fn read(event: &[u8], types: &'t AlertTypes, received_at: Timestamp) -> Result<Self, Refusal> {
        let json = read_json(event)?;
        let (detail, detail_type) = detail_of(&json)?;
        let alert_type = alert_type_of(&detail, detail_type, types)?;
        let entity_id = entity_id_of(&detail, alert_type)?;
        let severity = severity_of(&detail)?;
        let timestamp = timestamp_of(&detail, received_at)?;
        let facts = Facts::read(&detail.object("details")?, alert_type)?;
        let message = detail.get("message").and_then(Json::as_str).map(str::to_owned);
        let key = AlertKey::new(alert_type, &entity_id, &facts, timestamp);
        Ok(Self { alert_type, entity_id, severity, message, timestamp, facts, key })
    }

    /// The alert that an insight was made of, if its facts are still those of its type.
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

    /// Its type.
    pub fn alert_type(&self) -> &'t AlertType {
        self.alert_type
    }

    /// The student or subject that it is about.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The producer's severity, as `warning`.
    pub fn severity(&self) -> &str {
        &self.severity
    }

    /// The producer's sentence, if it sent one. It never enters a prompt.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// When the producer saw it.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// What it says, fact by fact.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Two alerts with one key say the same about the same entity in the same window.
    pub fn key(&self) -> AlertKey {
        self.key
    }

    /// Where its insight goes, if no earlier alert of the same key has fixed that.
    pub fn insight_key(&self) -> InsightKey {
        InsightKey::new(self.alert_type.id(), &self.entity_id, self.timestamp, self.key)
    }
}

/// Size, depth, encoding and JSON, in this order.
fn read_json(event: &[u8]) -> Result<Json, Refusal> {
    if event.len() > EVENT_BYTES_MAX {
        let came = format!("an event must have at most {EVENT_BYTES_MAX} bytes, but {} came", event.len());
        return Err(Refusal::new(Reason::TooLarge, came));
    }
    if json::depth(event) > EVENT_DEPTH_MAX {
        let came = format!("an event must be at most {EVENT_DEPTH_MAX} levels deep, but this one is deeper");
        return Err(Refusal::new(Reason::TooDeep, came));
    }
    let event = event.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(event);
    let text = std::str::from_utf8(event).map_err(|error| {
        let place = error.valid_up_to();
        Refusal::new(Reason::NotUtf8, format!("an event must be UTF-8, but byte {place} of this one is not"))
    })?;
    Json::read(text)
}

/// The alert's own object, and the `detail-type` beside it in an EventBridge event.
fn detail_of(json: &Json) -> Result<(Object<'_>, Option<&Json>), Refusal> {
    let not_an_event = |came: String| {
        let expected =
            "an event is an EventBridge event with `detail`, or the `detail` itself with `alert_type`";
        Refusal::new(Reason::NotAnEvent, format!("{expected}, and {came} came"))
    };
    let Some(root) = Object::root(json) else {
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
        return Err(root.missing("detail", "an object that holds the alert"));
    }
    Err(not_an_event("an object with neither".into()))
}

fn alert_type_of<'t>(
    detail: &Object<'_>,
    detail_type: Option<&Json>,
    types: &'t AlertTypes,
) -> Result<&'t AlertType, Refusal> {
    let id = detail.str("alert_type", "the id of a known alert type")?;
    let Some(alert_type) = types.get(id) else {
        let known: Vec<_> = types.iter().map(AlertType::id).collect();
        let path = detail.path_of("alert_type");
        let came = Json::quote(id);
        let message =
            format!("{path} must be one of {}, exactly so written, but {came} came", known.join(", "));
        return Err(Refusal::new(Reason::UnknownAlertType, message));
    };
    let mismatch = |path: String, expected: &str, came: String| {
        Err(Refusal::new(Reason::TypeMismatch, format!("{path} must be \"{expected}\", but {came} came")))
    };
    if let Some(detail_type) = detail_type.filter(|each| each.as_str() != Some(id)) {
        return mismatch("$.detail-type".into(), id, detail_type.quoted());
    }
    let entity_type = detail.str("entity_type", "the entity that the alert type is about")?;
    if entity_type != alert_type.entity() {
        return mismatch(detail.path_of("entity_type"), alert_type.entity(), Json::quote(entity_type));
    }
    Ok(alert_type)
}

fn entity_id_of(detail: &Object<'_>, alert_type: &AlertType) -> Result<String, Refusal> {
    let form = alert_type.entity_id();
    let expected = entity::expected(form);
    let id = detail.str("entity_id", expected)?;
    if entity::fits(form, id) { Ok(id.into()) } else { Err(detail.invalid("entity_id", expected)) }
}

fn severity_of(detail: &Object<'_>) -> Result<String, Refusal> {
    let expected = "a token of at most 32 letters, digits and `._:-`, as info, warning or critical";
    let severity = detail.str("severity", expected)?;
    if entity::is_token(severity, SEVERITY_CHARS_MAX) {
        Ok(severity.into())
    } else {
        Err(detail.invalid("severity", expected))
    }
}

fn timestamp_of(detail: &Object<'_>, received_at: Timestamp) -> Result<Timestamp, Refusal> {
    let expected = "an RFC 3339 date and time, or an ISO date and time without a zone (read as UTC)";
    let text = detail.str("timestamp", expected)?;
    let timestamp = Timestamp::parse(text).map_err(|_| detail.invalid("timestamp", expected))?;
    if timestamp.year() < TIMESTAMP_YEAR_MIN {
        return Err(detail.invalid("timestamp", "a time since the year 2000"));
    }
    if timestamp > received_at.plus(TIMESTAMP_AHEAD_MAX) {
        return Err(detail.invalid("timestamp", "a time at most 24 hours after its receipt"));
    }
    Ok(timestamp)
}

#[cfg(test)]
mod tests;
