//! `portend simulate`: a seeded marketplace whose alerts can be tried, measured and held against what happened.
//!
//! Takes: how many students, how many days, and a seed.
//! Gives: the producer's alerts as JSON Lines in time order, and on request what became of everyone.
//! Never: reads a clock or the machine's randomness. The same arguments give the same bytes on any machine.
//!
//! Everyone has a random stream of their own, drawn from in whole numbers: uniform, triangular and Bernoulli. A
//! student's hidden dissatisfaction is a walk that returns to rest and jumps with grievances; it raises the chance
//! of a call, a missed session, a low rating, and with its cube the chance of leaving. Demand and supply of a
//! subject are two such walks with surges and departures. All numbers and the reasons for them stand beside their
//! constants, in `student.rs` and `subject.rs`, and as one page in `docs/SIMULATOR.md`.
//!
//! One day at a time is lived, sorted and written; no day is kept.

mod draw;
mod entity;
mod moment;
mod window;
mod producer;
mod record;
mod student;
mod subject;
mod outcome;
mod market;
mod lines;
mod bus;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::value_parser;

use self::bus::OnBus;
use self::lines::Lines;
use self::market::Market;
use self::moment::Moment;
use self::outcome::OutcomeFile;
use crate::output::note;
use crate::text::thousands;

/// Everyone is held in memory, at about half a kilobyte each.
const ENTITIES_MAX: i64 = 100_000;
/// A year from the first day. Later alerts could lie ahead of their reader's clock, who then must refuse them.
const DAYS_MAX: i64 = 365;
/// How long everyone is followed after the last alert, so that each alert's next thirty days are known.
const FOLLOWED_DAYS: i64 = 30;

/// Simulate a tutoring marketplace, and write its alerts as JSON Lines.
///
/// They come in time order, as the event bus would carry them, and most of them repeat earlier ones, as the
/// producer's do. Some students leave, some subjects run out of tutors; the alerts tell of it, but not surely.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// How many students the marketplace has.
    ///
    /// One subject comes with every 25 students, and never fewer than three. The first students live the same lives
    /// however many there are.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = value_parser!(u32).range(1..=ENTITIES_MAX))]
    pub(crate) entities: u32,

    /// How many days to simulate, from 2025-01-01 on.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = value_parser!(u32).range(1..=DAYS_MAX))]
    pub(crate) days: u32,

    /// The seed of every random draw. The same seed gives the same bytes on any machine.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Stop after this many alerts.
    ///
    /// The outcomes are those of all the days nevertheless.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// Put the alerts on this event bus, as their producer does, in place of standard output.
    ///
    /// Each becomes an event with source `iops-dashboard.processor` and its alert type as detail-type.
    #[arg(long, value_name = "NAME")]
    pub(crate) bus: Option<String>,

    /// Also write what became of everyone to this file, as JSON Lines.
    ///
    /// Each student has `left_at`, each subject `short_from`: a moment, or null if it did not happen until
    /// `followed_until`, 30 days after the last day of alerts. A file that is there is overwritten.
    #[arg(long, value_name = "FILE")]
    pub(crate) outcomes: Option<PathBuf>,
}

/// Puts the alerts on the bus, if one is named, else on standard output.
pub(crate) fn run_to(args: &Args) -> anyhow::Result<()> {
    let Some(name) = &args.bus else { return run(args, &mut io::stdout().lock()) };
    let mut bus = OnBus::open(name)?;
    run(args, &mut bus)?;
    let put = bus.end()?;
    note(&format!("{} alerts were put on the event bus {name}", thousands(put)));
    Ok(())
}

/// Writes the alerts to `out`. A reader who closes it early has had enough, which is no error; the outcomes are
/// written all the same.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let outcome_file = args.outcomes.as_deref().map(OutcomeFile::create).transpose()?;
    let days = i64::from(args.days);
    let mut market = Market::new(args.seed, args.entities);
    let mut lines = Lines::new(out, args.limit);
    let mut alerts = Vec::new();
    for day in 0..days {
        if lines.ended() && outcome_file.is_none() {
            break;
        }
        market.live(day, &mut alerts);
        lines.write(&alerts)?;
    }
    lines.flush()?;
    if let Some(file) = outcome_file {
        let followed = days + FOLLOWED_DAYS;
        for day in days..followed {
            market.live(day, &mut alerts);
        }
        file.write(market.outcomes(Moment::day(followed)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::ErrorKind;

    use jiff::civil::DateTime;
    use serde_json::Value;

    use super::*;

    const DAY_SECONDS: f64 = 86_400.0;

    fn args() -> Args {
        Args { entities: 200, days: 60, seed: 1, limit: None, bus: None, outcomes: None }
    }

    fn text(args: &Args) -> String {
        let mut out = Vec::new();
        run(args, &mut out).expect("the run succeeds");
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    fn values(text: &str) -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// The alerts and the outcomes of one run.
    fn alerts_and_outcomes(mut args: Args) -> (Vec<Value>, Vec<Value>) {
        let folder = tempfile::tempdir().expect("a folder for the outcomes");
        let path = folder.path().join("outcomes.jsonl");
        args.outcomes = Some(path.clone());
        let alerts = values(&text(&args));
        (alerts, values(&std::fs::read_to_string(path).expect("the outcomes are written")))
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
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        assert_eq!(text(&args()), text(&args()));
        assert_ne!(text(&args()), text(&Args { seed: 2, ..args() }));
    }

    #[test]
    fn the_bytes_are_the_same_on_every_machine() {
        let text = text(&args());
        let first = text.lines().next().expect("there is an alert");
        assert!(
            first.starts_with(r#"{"version":"0","id":"602e75ec-e0e7-4f76-b0ec-0e8764fc0afb","#),
            "{first}"
        );
        assert!(first.ends_with(r#""timestamp":"2025-01-01T02:00:39.302268"}}"#), "{first}");
        // One draw more or less anywhere changes how many alerts follow, and how long their numbers are.
        assert_eq!((text.lines().count(), text.len()), (6_960, 3_474_889));
    }

    #[test]
    fn every_alert_fires_where_its_rule_holds_and_says_why() {
        let mut types = BTreeSet::new();
        let alerts = values(&text(&args()));
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
        let alerts = values(&text(&args()));
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
    fn timestamps_rise_and_are_mostly_naive() {
        let alerts = values(&text(&args()));
        assert!(alerts.is_sorted_by(|a, b| fired_at(a) <= fired_at(b)));
        assert!(alerts.is_sorted_by_key(|a| str_at(a, "/time")));
        let zoned = alerts.iter().filter(|a| str_at(a, "/detail/timestamp").ends_with('Z')).count();
        assert!(zoned > alerts.len() / 20 && zoned < alerts.len() / 4, "{zoned} of {}", alerts.len());
    }

    #[test]
    fn most_alerts_repeat_one_of_the_last_day() {
        let alerts = values(&text(&args()));
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
    fn scores_are_written_whole_and_with_a_decimal_and_labels_contradict_them_at_times() {
        let alerts = values(&text(&args()));
        let of = |alert_type| alerts.iter().filter(move |a| a["detail-type"] == alert_type);
        let whole =
            of("low_health_score").filter(|a| a["detail"]["details"]["health_score"].is_u64()).count();
        assert!(whole > 0 && whole < of("low_health_score").count());
        let contradicts = |a: &&Value| fact(a, "demand_score") < fact(a, "supply_score");
        let contradicting = of("supply_demand_imbalance").filter(contradicts).count();
        assert!(contradicting > 0 && contradicting * 4 < of("supply_demand_imbalance").count());
    }

    #[test]
    fn leaving_ends_a_student_and_follows_from_what_the_alerts_tell() {
        let (alerts, outcomes) = alerts_and_outcomes(Args { entities: 600, ..args() });
        let students = outcomes.iter().filter(|o| o["entity_type"] == "student");
        let left: BTreeMap<&str, f64> = students
            .clone()
            .filter_map(|o| Some((str_at(o, "/entity_id"), seconds(o["left_at"].as_str()?))))
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
    fn outcomes_tell_of_everyone_what_happened_and_nothing_hidden() {
        let (_, outcomes) = alerts_and_outcomes(args());
        assert_eq!(outcomes.len(), 208);
        for outcome in outcomes {
            let keys: Vec<&str> =
                outcome.as_object().expect("an object").keys().map(String::as_str).collect();
            let happened = if outcome["entity_type"] == "student" { "left_at" } else { "short_from" };
            let expected = BTreeSet::from(["entity_id", "entity_type", happened, "followed_until"]);
            assert_eq!(keys.iter().copied().collect::<BTreeSet<_>>(), expected);
            assert_eq!(outcome["followed_until"], "2025-04-01T00:00:00Z");
        }
    }

    #[test]
    fn the_first_entities_live_the_same_lives_in_a_larger_marketplace() {
        let few = text(&Args { entities: 100, ..args() });
        let many = text(&Args { entities: 200, ..args() });
        let ids: BTreeSet<String> = (0..100).map(|n| entity::Entity::Student(n).to_string()).collect();
        let names: BTreeSet<String> = (0..4).map(|n| entity::Entity::Subject(n).to_string()).collect();
        let known = |line: &&str| {
            let alert: Value = serde_json::from_str(line).expect("each line is JSON");
            ids.contains(entity(&alert)) || names.contains(entity(&alert))
        };
        assert_eq!(few.lines().collect::<Vec<_>>(), many.lines().filter(known).collect::<Vec<_>>());
    }

    #[test]
    fn a_limit_cuts_the_alerts_and_leaves_the_outcomes_as_they_are() {
        let (all, outcomes) = alerts_and_outcomes(args());
        let (some, same_outcomes) = alerts_and_outcomes(Args { limit: Some(100), ..args() });
        assert_eq!(some, all[..100]);
        assert_eq!(same_outcomes, outcomes);
    }

    #[test]
    fn more_days_only_add_to_the_end() {
        let longer = text(&Args { days: 30, ..args() });
        assert!(longer.starts_with(&text(&Args { days: 20, ..args() })));
    }

    /// An output that fails as `kind` says, after it has taken some.
    struct Failing {
        kind: ErrorKind,
        takes: usize,
    }

    impl Write for Failing {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            let taken = piece.len().min(self.takes);
            self.takes -= taken;
            if taken == 0 { Err(self.kind.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_closes_the_pipe_ends_the_run_quietly() {
        let mut closed = Failing { kind: ErrorKind::BrokenPipe, takes: 10_000 };
        run(&args(), &mut closed).expect("a closed pipe is no error");
    }

    #[test]
    fn errors_name_the_file_and_the_mend() {
        let mut full = Failing { kind: ErrorKind::StorageFull, takes: 10_000 };
        let error = run(&args(), &mut full).expect_err("a full disk is an error");
        assert!(error.to_string().contains("disk"), "{error:#}");
        let outcomes = Some(PathBuf::from("/no-such-folder/outcomes.jsonl"));
        let error = run(&Args { outcomes, ..args() }, &mut Vec::new()).expect_err("there is no such folder");
        assert!(error.to_string().contains("/no-such-folder/outcomes.jsonl"), "{error:#}");
    }
}
