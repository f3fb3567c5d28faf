//! The upstream producer: its rules, its habits and its JSON.
//!
//! Takes: what the marketplace knows about an entity at the moment of an upstream event.
//! Gives: the alerts that the producer fires for it, and each as a line of JSON.
//! Never: looks at what is hidden, or asks whether it has fired the same before. It repeats itself; that is its
//! most important habit.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::draw::Draw;
use crate::entity::Entity;
use crate::moment::{Form, Moment, Written};

/// Inbound support calls in 14 days from which on a student's calls are frequent.
const FREQUENT_CALLS_MIN: i64 = 3;
/// A health score below this is low.
const LOW_HEALTH_TENTHS: i64 = 700;
/// A low health score below this is critical.
const CRITICAL_HEALTH_TENTHS: i64 = 500;

/// The producer takes this long to fire, from the event to the first alert.
const FIRING_MILLIS: (i64, i64) = (1, 9);
/// The second alert about a student follows the first after so long.
const SECOND_ALERT_MILLIS: (i64, i64) = (1, 40);
/// From the event to its last alert, at most. What happens later than this before a student leaves is not fired.
pub(crate) const FIRING_MILLIS_MAX: i64 = FIRING_MILLIS.1 + SECOND_ALERT_MILLIS.1 + 1;
/// The share of timestamps that say their zone: one in eight.
const ZONED_PPM: i64 = 125_000;

/// A score from 0 to 100, kept in tenths, so that it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Score {
    tenths: i64,
    form: ScoreForm,
}

/// How a score is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScoreForm {
    /// `64.5`, and `64.0` too.
    Decimal,
    /// `64`; the tenths are a multiple of ten.
    Whole,
}

impl Score {
    const TENTHS_MAX: i64 = 1_000;

    /// A score with one decimal; what is out of range becomes the end of the range.
    pub(crate) fn decimal(tenths: i64) -> Self {
        Self { tenths: tenths.clamp(0, Self::TENTHS_MAX), form: ScoreForm::Decimal }
    }

    /// The same, rounded to a whole number. It is the rounded value that the rules see.
    pub(crate) fn whole(tenths: i64) -> Self {
        let rounded = (tenths.clamp(0, Self::TENTHS_MAX) + 5) / 10 * 10;
        Self { tenths: rounded, form: ScoreForm::Whole }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            ScoreForm::Decimal => write!(f, "{}.{}", self.tenths / 10, self.tenths % 10),
            ScoreForm::Whole => write!(f, "{}", self.tenths / 10),
        }
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.form {
            // At most 1000 tenths: exact as an i32, and a tenth of it is the double nearest to the decimal.
            ScoreForm::Decimal => {
                serializer.serialize_f64(f64::from(i32::try_from(self.tenths).unwrap_or_default()) / 10.0)
            }
            ScoreForm::Whole => serializer.serialize_i64(self.tenths / 10),
        }
    }
}

/// What the marketplace knows about a student.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StudentFacts {
    pub(crate) ib_calls_14d: i64,
    pub(crate) sessions_7d: i64,
    pub(crate) health: Score,
}

/// What a snapshot of the marketplace says about a subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SubjectFacts {
    pub(crate) balance: Balance,
    pub(crate) demand: Score,
    pub(crate) supply: Score,
}

/// A subject's balance, as the snapshot labels it. The label can contradict the scores beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Balance {
    Balanced,
    HighDemand,
    Oversupplied,
}

/// One alert, not yet written.
#[derive(Debug)]
pub struct Alert {
    at: Moment,
    entity: Entity,
    condition: Condition,
    form: Form,
    event_id: u128,
}

/// The rule that held, with the facts that it names, in the order in which the producer writes them.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
enum Condition {
    FrequentCalls { ib_calls_14d: i64, health_score: Score },
    LowHealth { health_score: Score, sessions_7d: i64, ib_calls_14d: i64 },
    Imbalance { balance_status: Balance, demand_score: Score, supply_score: Score },
}

impl Condition {
    fn alert_type(self) -> &'static str {
        match self {
            Self::FrequentCalls { .. } => "high_ib_call_frequency",
            Self::LowHealth { .. } => "low_health_score",
            Self::Imbalance { .. } => "supply_demand_imbalance",
        }
    }

    fn severity(self) -> &'static str {
        match self {
            Self::LowHealth { health_score, .. } if health_score.tenths < CRITICAL_HEALTH_TENTHS => {
                "critical"
            }
            Self::FrequentCalls { .. } | Self::LowHealth { .. } => "warning",
            Self::Imbalance { .. } => "info",
        }
    }
}

/// Fires whatever holds for a student at an upstream event: a session held or cancelled, a support call, a health
/// score recalculated. The alerts go to the end of `alerts`.
pub(crate) fn on_student_event(
    at: Moment,
    entity: Entity,
    facts: StudentFacts,
    draw: &mut Draw,
    alerts: &mut Vec<Alert>,
) {
    let StudentFacts { ib_calls_14d, sessions_7d, health: health_score } = facts;
    let mut fired_at = after(at, FIRING_MILLIS, draw);
    if ib_calls_14d >= FREQUENT_CALLS_MIN {
        let condition = Condition::FrequentCalls { ib_calls_14d, health_score };
        alerts.push(Alert::fire(fired_at, entity, condition, draw));
        fired_at = after(fired_at, SECOND_ALERT_MILLIS, draw);
    }
    if health_score.tenths < LOW_HEALTH_TENTHS {
        let condition = Condition::LowHealth { health_score, sessions_7d, ib_calls_14d };
        alerts.push(Alert::fire(fired_at, entity, condition, draw));
    }
}

/// Fires, at a snapshot of the marketplace, if the snapshot labels the subject as in high demand; the producer
/// believes the label and does not look at the scores.
pub(crate) fn on_snapshot(
    at: Moment,
    entity: Entity,
    facts: SubjectFacts,
    draw: &mut Draw,
    alerts: &mut Vec<Alert>,
) {
    let SubjectFacts { balance: balance_status, demand: demand_score, supply: supply_score } = facts;
    if balance_status == Balance::HighDemand {
        let fired_at = after(at, FIRING_MILLIS, draw);
        let condition = Condition::Imbalance { balance_status, demand_score, supply_score };
        alerts.push(Alert::fire(fired_at, entity, condition, draw));
    }
}

/// A moment some milliseconds on, and some microseconds.
fn after(at: Moment, (millis_min, millis_max): (i64, i64), draw: &mut Draw) -> Moment {
    at.plus_millis(draw.uniform(millis_min, millis_max)).plus_micros(draw.uniform(0, 499))
}

impl Alert {
    fn fire(at: Moment, entity: Entity, condition: Condition, draw: &mut Draw) -> Self {
        let form = if draw.happens(ZONED_PPM) { Form::Zoned } else { Form::Naive };
        Self { at, entity, condition, form, event_id: draw.bits() }
    }

    /// What alerts are ordered by: the moment, and where two moments are the same, the entity.
    pub(crate) fn order(&self) -> (Moment, Entity) {
        (self.at, self.entity)
    }

    /// Its alert type, which is the event's `detail-type`.
    pub fn alert_type(&self) -> &'static str {
        self.condition.alert_type()
    }

    /// The whole event of the bus, as one line of JSON without its end.
    pub fn to_json(&self) -> String {
        json(&EventWire {
            version: "0",
            id: EventId(self.event_id),
            detail_type: self.alert_type(),
            source: "iops-dashboard.processor",
            account: "123456789012",
            time: self.at.written(Form::Seconds),
            region: "us-east-1",
            resources: [],
            detail: self.detail(),
        })
    }

    /// The event's `detail` alone, as JSON.
    pub fn to_detail_json(&self) -> String {
        json(&self.detail())
    }

    fn detail(&self) -> DetailWire {
        DetailWire {
            alert_type: self.alert_type(),
            severity: self.condition.severity(),
            entity_id: self.entity,
            entity_type: self.entity.kind(),
            details: self.condition,
            message: Message { entity: self.entity, condition: self.condition },
            timestamp: self.at.written(self.form),
        }
    }
}

/// Text and finite numbers under fixed keys have no way to fail.
fn json(wire: &impl Serialize) -> String {
    serde_json::to_string(wire).unwrap_or_default()
}

#[derive(Serialize)]
struct EventWire {
    version: &'static str,
    #[serde(serialize_with = "as_text")]
    id: EventId,
    #[serde(rename = "detail-type")]
    detail_type: &'static str,
    source: &'static str,
    account: &'static str,
    #[serde(serialize_with = "as_text")]
    time: Written,
    region: &'static str,
    resources: [&'static str; 0],
    detail: DetailWire,
}

#[derive(Serialize)]
struct DetailWire {
    alert_type: &'static str,
    severity: &'static str,
    #[serde(serialize_with = "as_text")]
    entity_id: Entity,
    entity_type: &'static str,
    details: Condition,
    #[serde(serialize_with = "as_text")]
    message: Message,
    #[serde(serialize_with = "as_text")]
    timestamp: Written,
}

/// What can be shown becomes a JSON string without a copy in between.
pub(crate) fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// 128 random bits, written as a UUID of version 4.
struct EventId(u128);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |shift: u32, digits: u32| (self.0 >> shift) & ((1 << (4 * digits)) - 1);
        let (time_low, time_mid, time_high, node) = (hex(96, 8), hex(80, 4), hex(64, 3), hex(0, 12));
        let variant = 0x8000 | hex(48, 4) & 0x3fff;
        write!(f, "{time_low:08x}-{time_mid:04x}-4{time_high:03x}-{variant:04x}-{node:012x}")
    }
}

/// The sentence that the producer writes for people.
struct Message {
    entity: Entity,
    condition: Condition,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entity = self.entity;
        match self.condition {
            Condition::FrequentCalls { ib_calls_14d, .. } => {
                write!(f, "Student {entity} has {ib_calls_14d} IB calls in 14 days")
            }
            Condition::LowHealth { health_score, .. } => {
                write!(f, "Student {entity} has low health score: {health_score}")
            }
            Condition::Imbalance { demand_score, supply_score, .. } => {
                write!(f, "Subject {entity} is in high demand: demand {demand_score}, supply {supply_score}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(ib_calls_14d: i64, health: Score) -> Vec<String> {
        let mut alerts = Vec::new();
        let facts = StudentFacts { ib_calls_14d, sessions_7d: 1, health };
        on_student_event(Moment::day(0), Entity::Student(3_532), facts, &mut Draw::new(1, 0), &mut alerts);
        alerts.iter().map(Alert::to_json).collect()
    }

    #[test]
    fn each_rule_fires_at_its_threshold_and_not_before() {
        assert_eq!(fired(2, Score::decimal(700)).len(), 0);
        assert_eq!(fired(3, Score::decimal(700)).len(), 1);
        assert_eq!(fired(2, Score::decimal(699)).len(), 1);
        assert_eq!(fired(3, Score::decimal(699)).len(), 2);
    }

    #[test]
    fn a_rule_sees_the_score_that_is_written() {
        assert_eq!(fired(0, Score::whole(696)).len(), 0);
        assert!(fired(0, Score::whole(494))[0].contains(r#""severity":"critical""#));
        assert!(fired(0, Score::whole(496))[0].contains(r#""severity":"warning""#));
    }

    #[test]
    fn an_event_is_written_as_the_bus_carries_it() {
        let line = fired(5, Score::whole(700)).concat();
        let (head, rest) = line.split_once(r#""id":""#).expect("the event has an id");
        assert_eq!(head, r#"{"version":"0","#);
        let (id, rest) = rest.split_once('"').expect("the id ends");
        assert!(id.len() == 36 && id.get(14..15) == Some("4"), "{id}");
        let expected = concat!(
            r#","detail-type":"high_ib_call_frequency","source":"iops-dashboard.processor","#,
            r#""account":"123456789012","time":"2025-01-01T00:00:00Z","region":"us-east-1","resources":[],"#,
            r#""detail":{"alert_type":"high_ib_call_frequency","severity":"warning","entity_id":"stu_4532","#,
            r#""entity_type":"student","details":{"ib_calls_14d":5,"health_score":70},"#,
            r#""message":"Student stu_4532 has 5 IB calls in 14 days","timestamp":"2025-01-01T00:00:00.0"#,
        );
        assert!(rest.starts_with(expected), "{rest}");
        assert!(line.ends_with("\"}}"));
    }

    #[test]
    fn a_snapshot_fires_for_its_label_whatever_the_scores() {
        let fired = |balance| {
            let mut alerts = Vec::new();
            let facts = SubjectFacts { balance, demand: Score::decimal(300), supply: Score::decimal(805) };
            on_snapshot(Moment::day(0), Entity::Subject(1), facts, &mut Draw::new(1, 0), &mut alerts);
            alerts.iter().map(Alert::to_json).collect::<String>()
        };
        assert_eq!(fired(Balance::Balanced), "");
        assert_eq!(fired(Balance::Oversupplied), "");
        let details = r#"{"balance_status":"high_demand","demand_score":30.0,"supply_score":80.5}"#;
        assert!(fired(Balance::HighDemand).contains(details));
    }
}
