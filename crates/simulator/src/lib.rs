//! Simulates a tutoring marketplace. Its alerts serve to try and measure Portend, and to compare scores with outcomes.
//!
//! The same settings produce the same bytes on any machine, because nothing reads a clock or the randomness of the
//! machine.
//!
//! Each entity has its own random stream, with uniform, triangular and Bernoulli draws in whole numbers. A student's
//! hidden dissatisfaction is a random walk around a resting level, with jumps for grievances. It raises the chance of a
//! call, of a missed session and of a low rating, and its cube raises the chance of leaving. The demand and the supply
//! of a subject are two such walks, with surges and departures. `student.rs` and `subject.rs` explain the numbers, and
//! `docs/SIMULATOR.md` lists them.
//!
//! ```
//! use portend_simulator::{Settings, Simulation};
//!
//! let mut simulation = Simulation::new(Settings { entities: 50, days: 10, seed: 1 });
//! let first = simulation.next().expect("fifty students cause alerts within ten days");
//! assert!(first.to_json().starts_with(r#"{"version":"0","id":"#));
//! assert!(simulation.outcomes().count() >= 50);
//! ```

mod draw;
mod entity;
mod moment;
mod planted;
mod window;
mod producer;
mod record;
mod student;
mod subject;
mod outcome;
mod market;

use market::Market;
use moment::Moment;
pub use outcome::EntityOutcome;
pub use planted::Planted;
pub use producer::SimulatedAlert;

/// The most students of a simulation. All are in memory, with about half a kilobyte each.
pub const ENTITIES_MAX: u32 = 100_000;
/// The most days of a simulation. The timestamps of later days could be ahead of a reader's clock, and would be
/// refused.
pub const DAYS_MAX: u32 = 365;
/// Days of simulation after the last day with alerts, so that the outcome in the 30 days after each alert is known.
const FOLLOW_UP_DAYS: i64 = 30;

/// The settings of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The number of students: 1 to [`ENTITIES_MAX`]. There is one subject for every 25 students, and at least three.
    /// More students do not change what happens to the first ones.
    pub entities: u32,
    /// The number of days with alerts, from 2025-01-01 on: 1 to [`DAYS_MAX`].
    pub days: u32,
    /// The seed of every random draw.
    pub seed: u64,
}

/// A running simulation. As an iterator, it returns the producer's alerts in time order. It simulates one day at a
/// time, and holds the alerts of that day only.
#[derive(Debug)]
pub struct Simulation {
    market: Market,
    /// The alerts of the day before `day` that have not been returned yet, the latest first.
    alerts: Vec<SimulatedAlert>,
    day: i64,
    days: i64,
}

impl Simulation {
    /// Starts a simulation before its first day.
    pub fn new(settings: Settings) -> Self {
        let Settings { entities, days, seed } = settings;
        Self { market: Market::new(seed, entities), alerts: Vec::new(), day: 0, days: i64::from(days) }
    }

    /// Plants something in the simulation. It must not have started.
    #[must_use]
    pub fn planting(mut self, planted: Planted) -> Self {
        self.market.plant(planted);
        self
    }

    /// Returns what happened to each entity until 30 days after the last day with alerts: the students, then the
    /// subjects. It simulates the remaining days first.
    pub fn outcomes(mut self) -> impl Iterator<Item = EntityOutcome> {
        let end = self.days + FOLLOW_UP_DAYS;
        for day in self.day..end {
            self.market.simulate_day(day, &mut self.alerts);
        }
        self.market.into_outcomes(Moment::day(end))
    }
}

impl Iterator for Simulation {
    type Item = SimulatedAlert;

    fn next(&mut self) -> Option<SimulatedAlert> {
        while self.alerts.is_empty() && self.day < self.days {
            self.market.simulate_day(self.day, &mut self.alerts);
            self.alerts.reverse();
            self.day += 1;
        }
        self.alerts.pop()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::civil::DateTime;
    use serde_json::Value;

    use super::*;

    const DAY_SECONDS: f64 = 86_400.0;

    const SETTINGS: Settings = Settings { entities: 200, days: 60, seed: 1 };

    fn text(settings: Settings) -> String {
        Simulation::new(settings).map(|alert| alert.to_json() + "\n").collect()
    }

    fn values(text: &str) -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// The alerts and the outcomes of one run.
    fn alerts_and_outcomes(settings: Settings) -> (Vec<Value>, Vec<Value>) {
        let outcomes = Simulation::new(settings).outcomes();
        let outcomes = outcomes.map(|outcome| serde_json::to_value(outcome).expect("an outcome is JSON"));
        (values(&text(settings)), outcomes.collect())
    }

    fn str_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("text at {pointer} of {value}"))
    }

    fn fact(alert: &Value, name: &str) -> f64 {
        let fact = &alert["detail"]["details"][name];
        fact.as_f64().unwrap_or_else(|| panic!("a number at {name} of {alert}"))
    }

    fn entity(alert: &Value) -> &str {
        str_at(alert, "/detail/entity_id")
    }

    /// Seconds since the first day.
    fn seconds(written: &str) -> f64 {
        let moment: DateTime = written.trim_end_matches('Z').parse().expect("a date and a time");
        let first = jiff::civil::date(2025, 1, 1).at(0, 0, 0, 0);
        moment.duration_since(first).as_secs_f64()
    }

    fn fired_at(alert: &Value) -> f64 {
        seconds(str_at(alert, "/detail/timestamp"))
    }

    #[test]
    fn the_same_seed_produces_the_same_bytes_and_another_seed_does_not() {
        assert_eq!(text(SETTINGS), text(SETTINGS));
        assert_ne!(text(SETTINGS), text(Settings { seed: 2, ..SETTINGS }));
    }

    #[test]
    fn the_bytes_are_the_same_on_every_machine() {
        let text = text(SETTINGS);
        let first = text.lines().next().expect("there is an alert");
        assert!(
            first.starts_with(r#"{"version":"0","id":"602e75ec-e0e7-4f76-b0ec-0e8764fc0afb","#),
            "{first}"
        );
        assert!(first.ends_with(r#""timestamp":"2025-01-01T02:00:39.302268"}}"#), "{first}");
        // One draw more or less anywhere changes the number of the later alerts, and the length of their numbers.
        assert_eq!((text.lines().count(), text.len()), (6_960, 3_474_889));
    }

    #[test]
    fn every_alert_fires_only_if_its_rule_holds() {
        let mut types = BTreeSet::new();
        let alerts = values(&text(SETTINGS));
        for alert in &alerts {
            let alert_type = str_at(alert, "/detail/alert_type");
            types.insert(alert_type);
            assert_eq!(str_at(alert, "/detail-type"), alert_type);
            let severity = str_at(alert, "/detail/severity");
            let (kind, holds) = match alert_type {
                "high_ib_call_frequency" => {
                    assert!((0.0..=100.0).contains(&fact(alert, "health_score")), "{alert}");
                    ("student", fact(alert, "ib_calls_14d") >= 3.0 && severity == "warning")
                }
                "low_health_score" => {
                    let health = fact(alert, "health_score");
                    assert!(
                        fact(alert, "ib_calls_14d") >= 0.0 && fact(alert, "sessions_7d") <= 7.0,
                        "{alert}"
                    );
                    let due = if health < 50.0 { "critical" } else { "warning" };
                    ("student", (0.0..70.0).contains(&health) && severity == due)
                }
                "supply_demand_imbalance" => {
                    let (demand, supply) = (fact(alert, "demand_score"), fact(alert, "supply_score"));
                    assert!((0.0..=100.0).contains(&demand) && (0.0..=100.0).contains(&supply), "{alert}");
                    let high = str_at(alert, "/detail/details/balance_status") == "high_demand";
                    ("subject", high && severity == "info")
                }
                other => panic!("an alert of type {other}"),
            };
            assert!(holds, "{alert}");
            assert_eq!(str_at(alert, "/detail/entity_type"), kind);
            assert!(str_at(alert, "/detail/message").contains(entity(alert)));
        }
        assert_eq!(types.len(), 3);
    }

    #[test]
    fn both_student_types_fire_for_one_student_at_almost_the_same_instant() {
        let alerts = values(&text(SETTINGS));
        let students = alerts.iter().filter(|a| a["detail"]["entity_type"] == "student");
        let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
        let mut pairs = 0;
        for alert in students {
            if let Some(before) = last.insert(entity(alert), alert) {
                let other_type = before["detail-type"] != alert["detail-type"];
                pairs += u32::from(other_type && fired_at(alert) - fired_at(before) < 0.05);
            }
        }
        assert!(pairs > 100, "{pairs} pairs");
    }

    #[test]
    fn timestamps_ascend_and_mostly_have_no_zone() {
        let alerts = values(&text(SETTINGS));
        assert!(alerts.is_sorted_by(|a, b| fired_at(a) <= fired_at(b)));
        assert!(alerts.is_sorted_by_key(|a| str_at(a, "/time")));
        let zoned = alerts.iter().filter(|a| str_at(a, "/detail/timestamp").ends_with('Z')).count();
        assert!(zoned > alerts.len() / 20 && zoned < alerts.len() / 4, "{zoned} of {}", alerts.len());
    }

    #[test]
    fn most_alerts_repeat_one_of_the_last_24_hours() {
        let alerts = values(&text(SETTINGS));
        let mut last = BTreeMap::new();
        let repeats = alerts
            .iter()
            .filter(|alert| {
                let what = (str_at(alert, "/detail-type"), entity(alert));
                last.insert(what, fired_at(alert)).is_some_and(|at| fired_at(alert) - at < DAY_SECONDS)
            })
            .count();
        assert!(repeats * 10 > alerts.len() * 8, "{repeats} of {}", alerts.len());
    }

    #[test]
    fn some_scores_are_whole_some_have_a_decimal_and_some_labels_contradict_them() {
        let alerts = values(&text(SETTINGS));
        let of = |alert_type| alerts.iter().filter(move |a| a["detail-type"] == alert_type);
        let whole =
            of("low_health_score").filter(|a| a["detail"]["details"]["health_score"].is_u64()).count();
        assert!(whole > 0 && whole < of("low_health_score").count());
        let contradicts = |a: &&Value| fact(a, "demand_score") < fact(a, "supply_score");
        let contradicting = of("supply_demand_imbalance").filter(contradicts).count();
        assert!(contradicting > 0 && contradicting * 4 < of("supply_demand_imbalance").count());
    }

    #[test]
    fn a_student_who_left_has_no_alerts_and_leavers_had_more_of_them() {
        let (alerts, outcomes) = alerts_and_outcomes(Settings { entities: 600, ..SETTINGS });
        let students = outcomes.iter().filter(|o| o["entity_type"] == "student");
        let left: BTreeMap<&str, f64> = students
            .clone()
            .filter_map(|o| Some((str_at(o, "/entity_id"), seconds(o["at"].as_str()?))))
            .collect();
        let mut alerted = BTreeSet::new();
        for alert in alerts.iter().filter(|a| a["detail"]["entity_type"] == "student") {
            alerted.insert(entity(alert));
            assert!(left.get(entity(alert)).is_none_or(|left_at| fired_at(alert) <= *left_at), "{alert}");
        }
        let (leavers, stayers): (Vec<&str>, Vec<&str>) =
            students.map(|o| str_at(o, "/entity_id")).partition(|id| left.contains_key(id));
        let early = left.values().filter(|left_at| **left_at < 60.0 * DAY_SECONDS).count();
        assert!((30..=90).contains(&early), "{early} of 600 left within 60 days");
        let share = |ids: &[&str]| 100 * ids.iter().filter(|id| alerted.contains(*id)).count() / ids.len();
        let (of_leavers, of_stayers) = (share(&leavers), share(&stayers));
        assert!(
            of_leavers > of_stayers + 15,
            "alerted: {of_leavers} % of leavers, {of_stayers} % of stayers"
        );
    }

    #[test]
    fn outcomes_say_what_happened_to_each_entity_and_nothing_hidden() {
        let (_, outcomes) = alerts_and_outcomes(SETTINGS);
        assert_eq!(outcomes.len(), 208);
        for outcome in outcomes {
            let keys: Vec<&str> =
                outcome.as_object().expect("an object").keys().map(String::as_str).collect();
            let happened = if outcome["entity_type"] == "student" { "churn" } else { "unmet_demand" };
            assert_eq!(outcome["outcome"], happened);
            let expected = BTreeSet::from(["entity_id", "entity_type", "outcome", "at", "followed_until"]);
            assert_eq!(keys.iter().copied().collect::<BTreeSet<_>>(), expected);
            assert_eq!(outcome["followed_until"], "2025-04-01T00:00:00Z");
        }
    }

    #[test]
    fn nothing_is_planted_by_default_and_each_effect_shows() {
        let outcomes = |planted| {
            let simulation = Simulation::new(SETTINGS).planting(planted);
            simulation.outcomes().map(|each| serde_json::to_value(each).expect("JSON")).collect::<Vec<_>>()
        };
        let plain = outcomes(Planted::default());
        let count = |outcomes: &[Value], kind: &str| {
            outcomes.iter().filter(|each| each["outcome"] == kind && each["at"].is_string()).count()
        };
        assert_eq!(plain.len(), 208);
        let acts = outcomes(Planted { act_percent: 80, act_effect: 500, ..Planted::default() });
        let called = acts.iter().filter(|each| each["acted"] == "called").count();
        assert!(called > 50, "{called} calls");
        assert!(count(&acts, "churn") < count(&plain, "churn"), "calls keep students");
        let drift = outcomes(Planted { drift_day: Some(10), ..Planted::default() });
        assert!(count(&drift, "churn") > count(&plain, "churn"), "grievances make students leave");
        let late = outcomes(Planted { report_lag_days: 30, ..Planted::default() });
        assert!(count(&late, "churn") < count(&plain, "churn"), "some are not reported yet");
        let repeated = outcomes(Planted { repeated_shortages: true, ..Planted::default() });
        assert!(count(&repeated, "unmet_demand") > count(&plain, "unmet_demand"));
    }

    #[test]
    fn the_first_entities_have_the_same_alerts_in_a_larger_marketplace() {
        let few = text(Settings { entities: 100, ..SETTINGS });
        let many = text(Settings { entities: 200, ..SETTINGS });
        let ids: BTreeSet<String> = (0..100).map(|n| entity::Entity::Student(n).to_string()).collect();
        let names: BTreeSet<String> = (0..4).map(|n| entity::Entity::Subject(n).to_string()).collect();
        let known = |line: &&str| {
            let alert: Value = serde_json::from_str(line).expect("each line is JSON");
            ids.contains(entity(&alert)) || names.contains(entity(&alert))
        };
        assert_eq!(few.lines().collect::<Vec<_>>(), many.lines().filter(known).collect::<Vec<_>>());
    }

    #[test]
    fn the_outcomes_do_not_depend_on_how_many_alerts_are_read() {
        let (_, outcomes) = alerts_and_outcomes(SETTINGS);
        let mut some = Simulation::new(SETTINGS);
        assert_eq!(some.by_ref().take(100).count(), 100);
        let again = some.outcomes().map(|outcome| serde_json::to_value(outcome).expect("an outcome is JSON"));
        assert_eq!(again.collect::<Vec<_>>(), outcomes);
    }

    #[test]
    fn more_days_only_add_alerts_at_the_end() {
        let longer = text(Settings { days: 30, ..SETTINGS });
        assert!(longer.starts_with(&text(Settings { days: 20, ..SETTINGS })));
    }
}
