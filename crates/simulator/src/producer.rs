//! Simulates the upstream producer: its rules, its timing and its JSON.
//!
//! At each upstream event, it fires the alerts whose rules hold for the entity. Like the real producer, it does not
//! check whether it has already fired the same alert.
//!
//! Never: uses the hidden state of an entity.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::draw::Draw;
use crate::entity::Entity;
use crate::moment::{Moment, MomentFormat, MomentText};

/// The fewest inbound support calls in 14 days that are frequent.
const FREQUENT_CALLS_MIN: i64 = 3;
/// A health score below this is low.
const LOW_HEALTH_TENTHS: i64 = 700;
/// A low health score below this is critical.
const CRITICAL_HEALTH_TENTHS: i64 = 500;

/// The time from an upstream event to its first alert.
const FIRING_MILLIS: (i64, i64) = (1, 9);
/// The time from the first alert about a student to the second.
const SECOND_ALERT_MILLIS: (i64, i64) = (1, 40);
/// The longest time from an upstream event to its last alert. An event closer than this to the moment at which the
/// student leaves fires nothing.
pub(crate) const FIRING_MILLIS_MAX: i64 = FIRING_MILLIS.1 + SECOND_ALERT_MILLIS.1 + 1;
/// The share of timestamps with a zone: one in eight.
const ZONED_PPM: i64 = 125_000;

/// A score from 0 to 100, in tenths, so that it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Score {
    tenths: i64,
    format: ScoreFormat,
}

/// The format of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScoreFormat {
    /// With one decimal: `64.5`, `64.0`.
    Decimal,
    /// Whole: `64`. The tenths are a multiple of ten.
    Whole,
}

impl Score {
    const TENTHS_MAX: i64 = 1_000;

    /// A score with one decimal, clamped to the range.
    pub(crate) fn decimal(tenths: i64) -> Self {
        Self { tenths: tenths.clamp(0, Self::TENTHS_MAX), format: ScoreFormat::Decimal }
    }

    /// A score rounded to a whole number, clamped to the range. The rules see the rounded value.
    pub(crate) fn whole(tenths: i64) -> Self {
        let rounded = (tenths.clamp(0, Self::TENTHS_MAX) + 5) / 10 * 10;
        Self { tenths: rounded, format: ScoreFormat::Whole }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.format {
            ScoreFormat::Decimal => write!(f, "{}.{}", self.tenths / 10, self.tenths % 10),
            ScoreFormat::Whole => write!(f, "{}", self.tenths / 10),
        }
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.format {
            // At most 1000 tenths fit an i32, and the quotient is the double nearest to the decimal.
            ScoreFormat::Decimal => {
                serializer.serialize_f64(f64::from(i32::try_from(self.tenths).unwrap_or_default()) / 10.0)
            }
            ScoreFormat::Whole => serializer.serialize_i64(self.tenths / 10),
        }
    }
}

/// The facts about a student that the marketplace knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StudentFacts {
    pub(crate) ib_calls_14d: i64,
    pub(crate) sessions_7d: i64,
    pub(crate) health: Score,
}

/// The facts about a subject in a snapshot of the marketplace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SubjectFacts {
    pub(crate) balance: Balance,
    pub(crate) demand: Score,
    pub(crate) supply: Score,
}

/// The label of a subject's balance in a snapshot. It can contradict the scores beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Balance {
    Balanced,
    HighDemand,
    Oversupplied,
}

/// One alert of the simulated producer.
#[derive(Debug)]
pub struct SimulatedAlert {
    at: Moment,
    entity: Entity,
    rule: FiredRule,
    format: MomentFormat,
    event_id: u128,
}

/// The rule that fired, with its facts in the order in which the producer writes them.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
enum FiredRule {
    FrequentCalls { ib_calls_14d: i64, health_score: Score },
    LowHealth { health_score: Score, sessions_7d: i64, ib_calls_14d: i64 },
    Imbalance { balance_status: Balance, demand_score: Score, supply_score: Score },
}

impl FiredRule {
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

/// Fires the alerts whose rules hold for a student at an upstream event: a session held or cancelled, a support call,
/// or a health score recalculated. Appends them to `alerts`.
pub(crate) fn on_student_event(
    at: Moment,
    entity: Entity,
    facts: StudentFacts,
    draw: &mut Draw,
    alerts: &mut Vec<SimulatedAlert>,
) {
    let StudentFacts { ib_calls_14d, sessions_7d, health: health_score } = facts;
    let mut fired_at = after(at, FIRING_MILLIS, draw);
    if ib_calls_14d >= FREQUENT_CALLS_MIN {
        let rule = FiredRule::FrequentCalls { ib_calls_14d, health_score };
        alerts.push(SimulatedAlert::fire(fired_at, entity, rule, draw));
        fired_at = after(fired_at, SECOND_ALERT_MILLIS, draw);
    }
    if health_score.tenths < LOW_HEALTH_TENTHS {
        let rule = FiredRule::LowHealth { health_score, sessions_7d, ib_calls_14d };
        alerts.push(SimulatedAlert::fire(fired_at, entity, rule, draw));
    }
}

/// Fires an alert if a snapshot of the marketplace labels the subject as in high demand. The producer trusts the label
/// and does not check the scores.
pub(crate) fn on_snapshot(
    at: Moment,
    entity: Entity,
    facts: SubjectFacts,
    draw: &mut Draw,
    alerts: &mut Vec<SimulatedAlert>,
) {
    let SubjectFacts { balance: balance_status, demand: demand_score, supply: supply_score } = facts;
    if balance_status == Balance::HighDemand {
        let fired_at = after(at, FIRING_MILLIS, draw);
        let rule = FiredRule::Imbalance { balance_status, demand_score, supply_score };
        alerts.push(SimulatedAlert::fire(fired_at, entity, rule, draw));
    }
}

/// A random moment after `at`, within a range of milliseconds, plus up to half a millisecond.
fn after(at: Moment, (millis_min, millis_max): (i64, i64), draw: &mut Draw) -> Moment {
    at.plus_millis(draw.uniform(millis_min, millis_max)).plus_micros(draw.uniform(0, 499))
}

impl SimulatedAlert {
    fn fire(at: Moment, entity: Entity, rule: FiredRule, draw: &mut Draw) -> Self {
        let format = if draw.happens(ZONED_PPM) { MomentFormat::Zoned } else { MomentFormat::Naive };
        Self { at, entity, rule, format, event_id: draw.bits() }
    }

    /// The sort key of alerts: the moment, then the entity.
    pub(crate) fn sort_key(&self) -> (Moment, Entity) {
        (self.at, self.entity)
    }

    /// The alert type, which is the event's `detail-type`.
    pub fn alert_type(&self) -> &'static str {
        self.rule.alert_type()
    }

    /// The whole EventBridge event, as one line of JSON without a line break.
    pub fn to_json(&self) -> String {
        json(&EventWire {
            version: "0",
            id: EventId(self.event_id),
            detail_type: self.alert_type(),
            source: "iops-dashboard.processor",
            account: "123456789012",
            time: self.at.text(MomentFormat::Seconds),
            region: "us-east-1",
            resources: [],
            detail: self.detail(),
        })
    }

    /// Only the event's `detail`, as JSON.
    pub fn to_detail_json(&self) -> String {
        json(&self.detail())
    }

    fn detail(&self) -> DetailWire {
        DetailWire {
            alert_type: self.alert_type(),
            severity: self.rule.severity(),
            entity_id: self.entity,
            entity_type: self.entity.kind(),
            details: self.rule,
            message: AlertMessage { entity: self.entity, rule: self.rule },
            timestamp: self.at.text(self.format),
        }
    }
}

/// Serializes a wire struct. With text and finite numbers under fixed keys, this cannot fail.
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
    time: MomentText,
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
    details: FiredRule,
    #[serde(serialize_with = "as_text")]
    message: AlertMessage,
    #[serde(serialize_with = "as_text")]
    timestamp: MomentText,
}

/// Serializes a value by its `Display`, without an intermediate string.
pub(crate) fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The id of an event: 128 random bits, written as a UUID of version 4.
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
struct AlertMessage {
    entity: Entity,
    rule: FiredRule,
}

impl fmt::Display for AlertMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entity = self.entity;
        match self.rule {
            FiredRule::FrequentCalls { ib_calls_14d, .. } => {
                write!(f, "Student {entity} has {ib_calls_14d} IB calls in 14 days")
            }
            FiredRule::LowHealth { health_score, .. } => {
                write!(f, "Student {entity} has low health score: {health_score}")
            }
            FiredRule::Imbalance { demand_score, supply_score, .. } => {
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
        alerts.iter().map(SimulatedAlert::to_json).collect()
    }

    #[test]
    fn each_rule_fires_at_its_threshold() {
        assert_eq!(fired(2, Score::decimal(700)).len(), 0);
        assert_eq!(fired(3, Score::decimal(700)).len(), 1);
        assert_eq!(fired(2, Score::decimal(699)).len(), 1);
        assert_eq!(fired(3, Score::decimal(699)).len(), 2);
    }

    #[test]
    fn a_rule_uses_the_written_score() {
        assert_eq!(fired(0, Score::whole(696)).len(), 0);
        assert!(fired(0, Score::whole(494))[0].contains(r#""severity":"critical""#));
        assert!(fired(0, Score::whole(496))[0].contains(r#""severity":"warning""#));
    }

    #[test]
    fn an_event_has_the_format_of_the_bus() {
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
    fn a_snapshot_fires_by_its_label_and_not_by_its_scores() {
        let fired = |balance| {
            let mut alerts = Vec::new();
            let facts = SubjectFacts { balance, demand: Score::decimal(300), supply: Score::decimal(805) };
            on_snapshot(Moment::day(0), Entity::Subject(1), facts, &mut Draw::new(1, 0), &mut alerts);
            alerts.iter().map(SimulatedAlert::to_json).collect::<String>()
        };
        assert_eq!(fired(Balance::Balanced), "");
        assert_eq!(fired(Balance::Oversupplied), "");
        let details = r#"{"balance_status":"high_demand","demand_score":30.0,"supply_score":80.5}"#;
        assert!(fired(Balance::HighDemand).contains(details));
    }
}
