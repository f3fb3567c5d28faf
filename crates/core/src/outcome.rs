//! What happened to an entity: an event such as `churn`, that none happened until a time, or that somebody acted.
//!
//! Absence is never a negative by itself: without an event and without `followed_until`, nothing is known.
//!
//! Never: guesses that nothing happened, or changes an insight.

mod history;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use serde_with::skip_serializing_none;

pub use history::{Cutoff, InsightClaim, OutcomeIndex, OutcomeState};

use crate::alert::json::{EventObject, StrictJson};
use crate::alert::{Refusal, entity, read_json};
use crate::alert_type::{AlertType, AlertTypes, EntityIdForm};
use crate::limits::{ACTED_CHARS_MAX, ALERT_ID_CHARS_MAX, TIMESTAMP_AHEAD_MAX, TIMESTAMP_YEAR_MIN};
use crate::time::Timestamp;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const OUTCOME_WORD: &[u8] = b"\"outcome\"";

/// One row of what happened, checked. [`OutcomeRow::read`] makes it from the wire.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRow {
    /// `student`, `subject`.
    pub entity_type: String,
    /// Whom it happened to. `None`: the row is a census, and is about every entity of the type.
    pub entity_id: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub fact: OutcomeFact,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OutcomeFact {
    /// The event happened, or it did not until a time.
    Event(OutcomeEvent),
    /// Somebody acted.
    Act(OutcomeAct),
}

/// The event that an alert type predicts, or its absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeEvent {
    /// What the event is: some alert type's `predicts`.
    pub outcome: String,
    /// When it happened. `None`: it did not happen before `followed_until`.
    pub at: Option<Timestamp>,
    /// Until when somebody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followed_until: Option<Timestamp>,
}

/// Something that somebody did about an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeAct {
    /// What was done, such as `called`.
    pub acted: String,
    /// When.
    pub at: Timestamp,
    /// The insight that led to it, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
}

impl OutcomeRow {
    /// Whether an event says what happened, and is not an alert: an EventBridge event with the detail-type `outcome`, whose
    /// detail is the row.
    pub fn is_event(event: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(rename = "detail-type", borrow)]
            detail_type: Cow<'a, str>,
        }
        // Most events are alerts, which are not parsed here.
        let has_word = event.windows(OUTCOME_WORD.len()).any(|window| window == OUTCOME_WORD);
        let json = event.strip_prefix(BYTE_ORDER_MARK).unwrap_or(event);
        // serde reads an array as an object too.
        has_word
            && json.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<Envelope<'_>>(json).is_ok_and(|each| each.detail_type == "outcome")
    }

    /// What is expected of the time of a row, if this one is not that: it is after 2000 and at most 24 hours ahead.
    pub fn expected_time(time: Timestamp, received_at: Timestamp) -> Option<&'static str> {
        if time.year() < TIMESTAMP_YEAR_MIN {
            return Some("a time in the year 2000 or later");
        }
        (time > received_at.plus(TIMESTAMP_AHEAD_MAX)).then_some("a time at most 24 hours after receipt")
    }

    /// Reads a row: one JSON object.
    pub fn read(text: &[u8], types: &AlertTypes, received_at: Timestamp) -> Result<Self, Refusal> {
        let json = read_json(text)?;
        let root = EventObject::root(&json).ok_or_else(|| {
            let message = format!("expected a JSON object with `outcome` or `acted`, got {}", json.quoted());
            Refusal::new(crate::alert::Reason::NotAnEvent, message)
        })?;
        // An EventBridge event carries the row as its detail.
        let row = if root.get("detail").is_some() { root.object("detail")? } else { root };
        let (entity_type, of_entity) = entity_type_of(&row, types)?;
        let entity_id = entity_id_of(&row, &of_entity)?;
        let fact = if given(&row, "acted").is_some() {
            OutcomeFact::Act(act_of(&row, received_at)?)
        } else {
            OutcomeFact::Event(event_of(&row, &of_entity, received_at)?)
        };
        Ok(Self { entity_type, entity_id: Some(entity_id), fact })
    }

    /// A census: everybody of this type was followed until then, and every event before it has its own row.
    pub fn census(entity_type: &str, outcome: &str, until: Timestamp) -> Self {
        let fact = OutcomeEvent { outcome: outcome.to_owned(), at: None, followed_until: Some(until) };
        Self { entity_type: entity_type.to_owned(), entity_id: None, fact: OutcomeFact::Event(fact) }
    }

    /// The row's place among those of its entity. A row in the same place replaces the earlier one.
    pub fn place(&self) -> String {
        match &self.fact {
            OutcomeFact::Event(event) => {
                let at = event.at.map(|at| at.to_string()).unwrap_or_default();
                format!("{}#{at}", event.outcome)
            }
            // No outcome has a colon in its id.
            OutcomeFact::Act(act) => format!("acted:{}#{}", act.acted, act.at),
        }
    }
}

/// A value that is neither absent nor null.
fn given<'r>(row: &'r EventObject<'_>, key: &str) -> Option<&'r StrictJson> {
    row.get(key).filter(|value| !matches!(value, StrictJson::Null))
}

/// The entity type, and the alert types about such entities.
fn entity_type_of<'t>(
    row: &EventObject<'_>,
    types: &'t AlertTypes,
) -> Result<(String, Vec<&'t AlertType>), Refusal> {
    let mut known: Vec<_> = types.iter().map(AlertType::entity).collect();
    known.sort_unstable();
    known.dedup();
    let expected = format!("one of {}", known.join(", "));
    let entity_type = row.str("entity_type", &expected)?;
    let of_entity: Vec<_> = types.iter().filter(|each| each.entity() == entity_type).collect();
    if of_entity.is_empty() {
        return Err(row.invalid("entity_type", &expected));
    }
    Ok((entity_type.to_owned(), of_entity))
}

/// The id, in the form of one of the alert types about such entities.
fn entity_id_of(row: &EventObject<'_>, of_entity: &[&AlertType]) -> Result<String, Refusal> {
    let form = of_entity.first().map_or(EntityIdForm::Token, |each| each.entity_id());
    let id = row.str("entity_id", entity::expected(form))?;
    if of_entity.iter().any(|each| entity::fits(each.entity_id(), id)) {
        Ok(id.to_owned())
    } else {
        Err(row.invalid("entity_id", entity::expected(form)))
    }
}

fn event_of(
    row: &EventObject<'_>,
    of_entity: &[&AlertType],
    received_at: Timestamp,
) -> Result<OutcomeEvent, Refusal> {
    let mut known: Vec<_> = of_entity.iter().map(|each| each.predicts()).collect();
    known.sort_unstable();
    known.dedup();
    let expected = format!("one of {}, or `acted`", known.join(", "));
    if given(row, "outcome").is_none() {
        return Err(row.missing("outcome", &expected));
    }
    let outcome = row.str("outcome", &expected)?;
    if !known.contains(&outcome) {
        return Err(row.invalid("outcome", &expected));
    }
    let at = match row.get("at") {
        None => return Err(row.missing("at", "a time, or null with `followed_until`")),
        Some(StrictJson::Null) => None,
        Some(_) => Some(time_of(row, "at", received_at)?),
    };
    let followed_until =
        given(row, "followed_until").map(|_| time_of(row, "followed_until", received_at)).transpose()?;
    if at.is_none() && followed_until.is_none() {
        return Err(
            row.missing("followed_until", "the time until which somebody has looked, because `at` is null")
        );
    }
    if let (Some(at), Some(until)) = (at, followed_until)
        && until < at
    {
        return Err(row.invalid("followed_until", "a time at or after `at`"));
    }
    Ok(OutcomeEvent { outcome: outcome.to_owned(), at, followed_until })
}

fn act_of(row: &EventObject<'_>, received_at: Timestamp) -> Result<OutcomeAct, Refusal> {
    if given(row, "outcome").is_some() {
        return Err(row.invalid("outcome", "no `outcome` beside `acted`, because they are two rows"));
    }
    let expected = "a token of at most 64 letters, digits or `._:-`, such as called";
    let acted = row.str("acted", expected)?;
    if !entity::is_token(acted, ACTED_CHARS_MAX) {
        return Err(row.invalid("acted", expected));
    }
    let alert_id = given(row, "alert_id").map(|_| alert_id_of(row)).transpose()?;
    Ok(OutcomeAct { acted: acted.to_owned(), at: time_of(row, "at", received_at)?, alert_id })
}

fn alert_id_of(row: &EventObject<'_>) -> Result<String, Refusal> {
    let expected = "the id of an insight, of at most 512 characters";
    let id = row.str("alert_id", expected)?;
    if id.is_empty() || id.chars().count() > ALERT_ID_CHARS_MAX {
        return Err(row.invalid("alert_id", expected));
    }
    Ok(id.to_owned())
}

fn time_of(row: &EventObject<'_>, key: &str, received_at: Timestamp) -> Result<Timestamp, Refusal> {
    let expected = "an RFC 3339 date and time, or an ISO date and time without a zone (read as UTC)";
    let text = row.str(key, expected)?;
    let time = Timestamp::parse(text).map_err(|_| row.invalid(key, expected))?;
    OutcomeRow::expected_time(time, received_at).map_or(Ok(time), |expected| Err(row.invalid(key, expected)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OutcomeRow, String> {
        let now = Timestamp::parse("2025-06-01T00:00:00Z").unwrap();
        let types = AlertTypes::built_in();
        OutcomeRow::read(text.as_bytes(), &types, now).map_err(|refusal| refusal.reason().to_string())
    }

    #[test]
    fn the_three_kinds_of_row_are_read_and_written_alike() {
        for (text, place) in [
            (
                r#"{"entity_type":"student","entity_id":"stu_1","outcome":"churn","at":"2025-01-03T09:50:26Z"}"#,
                "churn#2025-01-03T09:50:26.000Z",
            ),
            (
                r#"{"entity_type":"student","entity_id":"stu_1","outcome":"churn","at":null,"followed_until":"2025-04-01T00:00:00Z"}"#,
                "churn#",
            ),
            (
                r#"{"entity_type":"student","entity_id":"stu_1","acted":"called","at":"2025-01-05T10:00:00Z","alert_id":"a"}"#,
                "acted:called#2025-01-05T10:00:00.000Z",
            ),
        ] {
            let row = read(text).unwrap();
            assert_eq!(row.place(), place);
            let written = serde_json::to_string(&row).unwrap();
            assert_eq!(read(&written).unwrap(), row, "{written}");
            assert_eq!(serde_json::from_str::<OutcomeRow>(&written).unwrap(), row, "{written}");
            assert_eq!(read(&format!(r#"{{"detail-type":"outcome","detail":{text}}}"#)).unwrap(), row);
        }
    }

    #[test]
    fn null_is_as_if_it_were_absent() {
        let student = r#""entity_type":"student","entity_id":"stu_1","at":"2025-01-05T10:00:00Z""#;
        for (rest, expected) in [
            (r#""outcome":"churn","acted":null"#, Ok("churn#2025-01-05T10:00:00.000Z")),
            (r#""outcome":"churn","followed_until":null"#, Ok("churn#2025-01-05T10:00:00.000Z")),
            (
                r#""outcome":null,"acted":"called","alert_id":null"#,
                Ok("acted:called#2025-01-05T10:00:00.000Z"),
            ),
            (r#""outcome":null,"acted":null"#, Err("missing:$.outcome")),
            (r#""outcome":null"#, Err("missing:$.outcome")),
            (r#""acted":null"#, Err("missing:$.outcome")),
        ] {
            let place = read(&format!("{{{student},{rest}}}")).map(|row| row.place());
            assert_eq!(place, expected.map(str::to_owned).map_err(str::to_owned), "{rest}");
        }
    }

    #[test]
    fn only_the_detail_type_makes_an_event_one_of_what_happened() {
        for (event, expected) in [
            (r#"{"detail-type":"outcome","detail":{}}"#, true),
            ("\u{feff}{\"detail-type\":\"outcome\"}", true),
            (r#"{"detail-type":"low_health_score","detail":{"outcome":"outcome"}}"#, false),
            (r#"{"detail":{"detail-type":"outcome"}}"#, false),
            (r#"{"detail-type":"low_health_score","detail":{"detail-type":"outcome"}}"#, false),
            (r#"{"outcome":"churn"}"#, false),
            ("outcome", false),
            (r#"["outcome"]"#, false),
            (r#"{"detail-type":"outcome""#, false),
            ("", false),
        ] {
            assert_eq!(OutcomeRow::is_event(event.as_bytes()), expected, "{event}");
        }
    }

    #[test]
    fn every_other_row_has_a_reason() {
        let student = r#""entity_type":"student","entity_id":"stu_1""#;
        for (row, reason) in [
            ("[]".to_owned(), "not_an_event"),
            ("{".to_owned(), "not_json"),
            ("{}".to_owned(), "missing:$.entity_type"),
            (r#"{"entity_type":"dog"}"#.to_owned(), "invalid:$.entity_type"),
            (r#"{"entity_type":"student","entity_id":"a b"}"#.to_owned(), "invalid:$.entity_id"),
            (format!("{{{student}}}"), "missing:$.outcome"),
            (format!(r#"{{{student},"outcome":"shortage","at":null}}"#), "invalid:$.outcome"),
            (format!(r#"{{{student},"outcome":"churn"}}"#), "missing:$.at"),
            (format!(r#"{{{student},"outcome":"churn","at":null}}"#), "missing:$.followed_until"),
            (format!(r#"{{{student},"outcome":"churn","at":"1999-12-31T00:00:00Z"}}"#), "invalid:$.at"),
            (format!(r#"{{{student},"outcome":"churn","at":"2025-06-02T00:00:01Z"}}"#), "invalid:$.at"),
            (format!(r#"{{{student},"outcome":"churn","at":"soon"}}"#), "invalid:$.at"),
            (
                format!(
                    r#"{{{student},"outcome":"churn","at":"2025-02-01T00:00:00Z","followed_until":"2025-01-01T00:00:00Z"}}"#
                ),
                "invalid:$.followed_until",
            ),
            (format!(r#"{{{student},"acted":"called"}}"#), "missing:$.at"),
            (format!(r#"{{{student},"acted":"a b","at":"2025-01-01T00:00:00Z"}}"#), "invalid:$.acted"),
            (
                format!(r#"{{{student},"acted":"a","outcome":"churn","at":"2025-01-01T00:00:00Z"}}"#),
                "invalid:$.outcome",
            ),
        ] {
            assert_eq!(read(&row).unwrap_err(), reason, "{row}");
        }
    }
}
