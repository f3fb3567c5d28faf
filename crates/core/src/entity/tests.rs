//! The steps of an entity's row: judgements, feedback, returns and recoveries.

use std::time::Duration;

use super::*;
use crate::alert::Facts;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn start() -> Timestamp {
    Timestamp::parse("2025-01-01T12:00:00Z").unwrap()
}

fn key() -> EntityKey {
    EntityKey::new("student", "stu_1")
}

/// A judgement with this score of an alert at this time; its type is quiet after three days.
fn judgement(score: u8, at: Timestamp) -> CurrentJudgement {
    CurrentJudgement {
        probability: None,
        value: None,
        alert_id: format!("alert_{}_{score}", at.as_millis()),
        risk_score: score.into(),
        baseline: score.into(),
        severity: "warning".into(),
        advice: Some("Call.".into()),
        facts: Facts::default(),
        healthy: false,
        alert_timestamp: at,
        timestamp: at,
        quiet_at: at.plus(DAY * 3),
        quiet_after_secs: (DAY * 2).as_secs(),
        expires_at: at.plus(DAY * 90),
        previous: None,
        scores: Vec::new(),
    }
}

/// What happens to an entity, a day after the step before.
#[derive(Debug, Clone)]
enum Step {
    /// An alert of type `a` with this score.
    Alert(u8),
    /// An alert of type `b` with this score.
    Other(u8),
    /// An alert of type `a` whose facts are healthy.
    Healthy,
    /// A person's feedback.
    Does(FeedbackAction),
    /// So many days without an alert, and a sweep.
    Silence(u32),
}

use FeedbackAction::{Assign, Done, Reopen, Seen, Snooze, Useful, Wrong};
use Step::{Alert, Does, Healthy, Other, Silence};

fn play(steps: &[Step]) -> EntityRow {
    let (mut row, mut now): (Option<EntityRow>, _) = (None, start());
    for (number, step) in steps.iter().enumerate() {
        let judged = |row: &Option<EntityRow>, alert_type: &str, judgement: &CurrentJudgement| {
            EntityRow::judged(row.as_ref(), &key(), alert_type, judgement, now).or_else(|| row.clone())
        };
        row = match step {
            Alert(score) => judged(&row, "a", &judgement(*score, now)),
            Other(score) => judged(&row, "b", &judgement(*score, now)),
            Healthy => judged(&row, "a", &CurrentJudgement { healthy: true, ..judgement(5, now) }),
            Does(action) => {
                let request = request(action.clone(), &number.to_string(), None, now);
                EntityRow::change(row.as_ref(), &request).1.or(row)
            }
            Silence(days) => {
                now = now.plus(DAY * *days);
                row.as_ref().and_then(|row| row.recovered(now)).or(row)
            }
        };
        now = now.plus(DAY);
    }
    row.unwrap()
}

/// The scores of the alert type `a`, oldest first.
fn scores(row: &EntityRow) -> Vec<f64> {
    row.judgements["a"].scores.iter().map(|each| each.score().get()).collect()
}

fn request(action: FeedbackAction, id: &str, expected: Option<u64>, now: Timestamp) -> FeedbackRequest {
    let entry = FeedbackEntry {
        alert_id: "alert".into(),
        at: now,
        id: id.into(),
        by: "ana".into(),
        action,
        note: None,
    };
    FeedbackRequest { entity: key(), entry, expected_version: expected, expires_at: now.plus(DAY), now }
}

#[test]
fn a_person_a_worse_alert_and_a_silence_change_the_state() {
    use EntityState::{Assigned, New, Recovered, Seen as WasSeen, Snoozed};
    use ReturnReason::{Relapse, Worse};
    let snooze = |days: u32| Does(Snooze { until: start().plus(DAY * days) });
    let assign = || Does(Assign { assignee: "bo".into() });
    let done = EntityState::Done;
    for (steps, state, returned) in [
        (vec![Alert(63)], New, None),
        (vec![Alert(63), Alert(90)], New, None),
        (vec![Alert(63), Does(Useful)], WasSeen, None),
        (vec![Alert(63), Does(Wrong), Alert(64)], WasSeen, None),
        (vec![Alert(63), Does(Seen), Alert(68)], New, Some(Worse)),
        (vec![Alert(58), Does(Seen), Alert(60)], New, Some(Worse)),
        (vec![Alert(78), Does(Seen), Alert(80)], New, Some(Worse)),
        (vec![Alert(63), Does(Seen), Alert(50)], WasSeen, None),
        (vec![Alert(63), assign(), Alert(90)], Assigned, None),
        (vec![Alert(63), assign(), Does(Useful)], Assigned, None),
        (vec![Alert(63), snooze(30), Alert(64)], Snoozed, None),
        (vec![Alert(63), snooze(30), Alert(68)], New, Some(Worse)),
        (vec![Alert(63), snooze(30), Other(90)], New, Some(Worse)),
        (vec![Alert(63), snooze(30), Other(40)], Snoozed, None),
        (vec![Alert(63), snooze(2), Alert(63)], New, Some(ReturnReason::Snoozed)),
        (vec![Alert(63), Does(Done), Alert(63)], done, None),
        (vec![Alert(63), Does(Done), Alert(68)], New, Some(Worse)),
        // A day after the alert and four of silence is a relapse; two are not.
        (vec![Alert(63), Does(Done), Silence(4), Alert(50)], New, Some(Relapse)),
        (vec![Alert(63), Does(Done), Silence(0), Alert(50)], New, Some(Relapse)),
        (vec![Alert(63), Silence(1)], New, None),
        (vec![Alert(63), Silence(3)], Recovered, None),
        (vec![Alert(63), Other(70), Silence(1)], New, None),
        (vec![Alert(63), Silence(3), Alert(30)], New, Some(Relapse)),
        (vec![Alert(63), Healthy], Recovered, None),
        (vec![Alert(63), Other(70), Healthy], New, None),
        (vec![Healthy], Recovered, None),
        (vec![Healthy, Alert(20)], New, Some(Relapse)),
        (vec![Alert(63), Does(Done), Does(Reopen)], New, None),
    ] {
        let row = play(&steps);
        assert_eq!((row.state, row.returned), (state, returned), "{steps:?}");
        assert_eq!(row.open_shard().is_some(), row.state.is_open(), "{steps:?}");
    }
}

#[test]
fn the_worst_judgement_is_the_highest_that_is_current() {
    let row = play(&[Other(90), Alert(63)]);
    let worst = |at: Timestamp| row.worst_judgement(at).map(|(id, _)| id.to_owned());
    assert_eq!(row.worst, Number::from(90));
    assert_eq!(worst(start().plus(DAY * 2)).as_deref(), Some("b"));
    assert_eq!(worst(start().plus(DAY * 3)).as_deref(), Some("a"), "the other is quiet");
    assert_eq!(worst(start().plus(DAY * 4)), None);
    assert!(row.is_listed(start().plus(DAY * 3)) && !row.is_listed(start().plus(DAY * 4)));
}

#[test]
fn the_same_insight_again_changes_nothing_and_an_upgrade_is_no_further_judgement() {
    let (older, newer) = (judgement(90, start()), judgement(63, start().plus(HOUR)));
    let row = EntityRow::judged(None, &key(), "a", &newer, start()).unwrap();
    let row = EntityRow::judged(Some(&row), &key(), "a", &older, start()).unwrap();
    for again in [&older, &newer] {
        assert_eq!(EntityRow::judged(Some(&row), &key(), "a", again, start()), None);
    }
    let upgraded = CurrentJudgement { risk_score: 70.into(), ..newer };
    let row = EntityRow::judged(Some(&row), &key(), "a", &upgraded, start()).unwrap();
    let current = &row.judgements["a"];
    assert_eq!((row.worst, row.version, current.scores.len()), (70.into(), 3, 2));
    // The judgement before can be upgraded too.
    let upgraded = CurrentJudgement { risk_score: 80.into(), ..older };
    let row = EntityRow::judged(Some(&row), &key(), "a", &upgraded, start()).unwrap();
    let current = &row.judgements["a"];
    assert_eq!(current.previous.as_ref().unwrap().risk_score, 80.into());
    assert_eq!(scores(&row), [80.0, 70.0]);
}

/// Every order of these.
fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let first = |at: usize| {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        orders(&rest).into_iter().map(move |rest| [vec![first.clone()], rest].concat())
    };
    (0..items.len()).flat_map(first).collect()
}

/// Alerts that arrive together are committed in any order.
#[test]
fn the_order_of_commits_does_not_change_the_row_of_one_trouble() {
    let alerts: Vec<(&str, CurrentJudgement)> = [("a", 63), ("b", 40), ("a", 81), ("a", 30), ("b", 75)]
        .into_iter()
        .zip(0..)
        .map(|((alert_type, score), hours)| (alert_type, judgement(score, start().plus(HOUR * hours))))
        .collect();
    let fold = |order: &[(&str, CurrentJudgement)]| {
        order.iter().fold(None, |row: Option<EntityRow>, (alert_type, judgement)| {
            EntityRow::judged(row.as_ref(), &key(), alert_type, judgement, start()).or(row)
        })
    };
    let expected = fold(&alerts).unwrap();
    assert_eq!((expected.opened_at, expected.worst, scores(&expected).len()), (start(), 75.into(), 3));
    assert_eq!(expected.judgements["a"].previous.as_ref().unwrap().risk_score, 81.into());
    for order in orders(&alerts) {
        assert_eq!(fold(&order).as_ref(), Some(&expected), "{order:?}");
    }
    let many: Vec<_> =
        (0..15).map(|day| ("a", judgement(day + 40, start().plus(HOUR * day.into())))).collect();
    let (first, last) =
        (fold(&many).unwrap(), fold(&many.iter().rev().cloned().collect::<Vec<_>>()).unwrap());
    assert_eq!(scores(&first), scores(&last));
    assert_eq!((first.opened_at, first.case()), (last.opened_at, last.case()));
}

/// A late alert belongs to the trouble that it began, and does not undo a recovery that came after it.
#[test]
fn a_late_alert_changes_only_what_it_says() {
    let at = |days: u32| start().plus(DAY * days);
    let healthy = |days| CurrentJudgement { healthy: true, ..judgement(5, at(days)) };
    let fold = |steps: &[(&str, CurrentJudgement)], silent_until: Option<u32>| {
        let mut row: Option<EntityRow> = None;
        for (number, (alert_type, judgement)) in steps.iter().enumerate() {
            if number + 1 == steps.len()
                && let Some(days) = silent_until
            {
                row = row.as_ref().and_then(|row| row.recovered(at(days))).or(row);
            }
            row = EntityRow::judged(row.as_ref(), &key(), alert_type, judgement, at(9)).or(row);
        }
        row.unwrap()
    };
    let bad = |days| judgement(63, at(days));
    for (steps, silent_until, state, opened_days) in [
        // It began the trouble.
        (vec![("a", bad(2)), ("a", bad(0))], None, EntityState::New, 0),
        // It was over before this trouble began.
        (vec![("a", bad(8)), ("a", bad(0))], None, EntityState::New, 8),
        (vec![("a", bad(2)), ("a", healthy(1)), ("a", bad(0))], None, EntityState::New, 2),
        // Its own recovery is known.
        (vec![("a", healthy(2)), ("a", bad(0))], None, EntityState::Recovered, 0),
        // Another type's recovery is not its own.
        (vec![("b", healthy(2)), ("a", bad(0))], None, EntityState::New, 0),
        (vec![("a", bad(0)), ("a", healthy(2)), ("b", bad(1))], None, EntityState::New, 0),
        // It was quiet by the time of the recovery, or it was not.
        (vec![("a", bad(4)), ("b", bad(2))], Some(8), EntityState::Recovered, 2),
        (vec![("a", bad(2)), ("b", bad(3))], Some(8), EntityState::New, 2),
    ] {
        let row = fold(&steps, silent_until);
        assert_eq!((row.state, row.opened_at), (state, at(opened_days)), "{steps:?}");
    }
}

#[test]
fn of_two_people_the_second_gets_a_conflict_that_names_the_first() {
    let row = play(&[Alert(63)]);
    let (now, seen) = (start().plus(DAY), Some(row.version));
    let first = request(Done, "1", seen, now);
    let (outcome, after) = EntityRow::change(Some(&row), &first);
    let after = after.unwrap();
    assert_eq!(outcome, FeedbackOutcome::Recorded(Box::new(after.clone())));
    let second = request(Assign { assignee: "bo".into() }, "2", seen, now.plus(HOUR));
    let (outcome, written) = EntityRow::change(Some(&after), &second);
    let FeedbackOutcome::Conflict(change) = outcome else { panic!("{outcome:?}") };
    assert_eq!((change.by.as_str(), change.at, written), ("ana", now, None));
    // The first again, because its response was lost.
    assert_eq!(EntityRow::change(Some(&after), &first).0, FeedbackOutcome::Recorded(Box::new(after.clone())));
    // A new alert in between is not another person.
    let alert = judgement(64, now.plus(HOUR));
    let row = EntityRow::judged(Some(&row), &key(), "a", &alert, now).unwrap();
    assert!(matches!(EntityRow::change(Some(&row), &first).0, FeedbackOutcome::Recorded(_)));
    assert_eq!(EntityRow::change(None, &first).0, FeedbackOutcome::NoEntity);
    // Nobody can have seen a version that was never given.
    for (ahead, is_refused) in [(0, false), (1, true), (100, true)] {
        let request = request(Done, "3", Some(row.version + ahead), now);
        let (outcome, written) = EntityRow::change(Some(&row), &request);
        assert_eq!(outcome == FeedbackOutcome::UnknownVersion(row.version), is_refused, "{ahead}");
        assert_eq!(written.is_none(), is_refused, "{ahead}");
    }
}

#[test]
fn a_recovery_is_reported_once_and_a_list_shows_it_before_the_sweep_does() {
    let row = play(&[Alert(63)]);
    let quiet = start().plus(DAY * 3);
    assert_eq!(row.recovered(quiet.minus(HOUR)), None);
    assert_eq!(row.state_at(quiet), EntityState::Recovered);
    let recovered = row.recovered(quiet.plus(HOUR)).unwrap();
    assert_eq!((recovered.recovered_at, recovered.version), (Some(quiet), row.version + 1));
    assert_eq!(recovered.recovered(quiet.plus(DAY)), None);
}

#[test]
fn what_changed_is_said_against_the_judgement_before() {
    let facts =
        |value: f64| -> Facts { serde_json::from_value(serde_json::json!({ "calls": value })).unwrap() };
    let with = |score, at, value| CurrentJudgement { facts: facts(value), ..judgement(score, at) };
    let row = EntityRow::judged(None, &key(), "a", &with(50, start(), 3.0), start()).unwrap();
    assert_eq!(row.item(start()).unwrap().changes, []);
    let later = start().plus(HOUR);
    let row = EntityRow::judged(Some(&row), &key(), "a", &with(60, later, 5.0), start()).unwrap();
    let row = EntityRow::judged(Some(&row), &key(), "b", &judgement(20, later), start()).unwrap();
    let item = serde_json::to_value(row.item(later).unwrap()).unwrap();
    let expected = serde_json::json!([
        { "what": "new_alert_type", "alert_type": "b" },
        { "what": "score", "from": 50, "to": 60 },
        { "what": "fact", "fact": "calls", "from": 3, "to": 5 },
    ]);
    assert_eq!(item["changes"], expected);
    assert_eq!(item["alert_types"], serde_json::json!(["a", "b"]));
}

#[test]
fn the_row_reads_back_as_it_was_written() {
    let row = play(&[Alert(63), Other(20), Does(Assign { assignee: "bo".into() }), Alert(64)]);
    let text = serde_json::to_string(&row).unwrap();
    assert_eq!(serde_json::from_str::<EntityRow>(&text).unwrap(), row);
    let entry = request(Snooze { until: start() }, "1", None, start()).entry;
    let text = serde_json::to_string(&entry).unwrap();
    assert!(text.contains(r#""action":"snooze","until":"2025-01-01T12:00:00.000Z""#), "{text}");
    assert_eq!(serde_json::from_str::<FeedbackEntry>(&text).unwrap(), entry);
}

/// The row has the scores of the small chart, so that a list of entities reads no insight.
#[test]
fn a_row_has_the_latest_scores_of_each_type() {
    let row = play(&[Alert(50), Alert(60), Other(90), Alert(70)]);
    assert_eq!(scores(&row), [50.0, 60.0, 70.0]);
    assert_eq!(row.judgements["a"].scores.last().unwrap().at(), row.judgements["a"].alert_timestamp);
    let upgraded = CurrentJudgement { risk_score: 65.into(), ..row.judgements["a"].clone() };
    let upgraded = EntityRow::judged(Some(&row), &key(), "a", &upgraded, start()).unwrap();
    assert_eq!(scores(&upgraded), [50.0, 60.0, 65.0]);
    let many: Vec<Step> = (1..=15).map(Alert).collect();
    assert_eq!(scores(&play(&many)), (4..=15).map(f64::from).collect::<Vec<_>>());
    // A row of an earlier version knows only the score before.
    let mut old = play(&[Alert(50), Alert(60)]);
    old.judgements.values_mut().for_each(|each| each.scores.clear());
    let later = judgement(70, start().plus(DAY * 9));
    assert_eq!(
        scores(&EntityRow::judged(Some(&old), &key(), "a", &later, start()).unwrap()),
        [50.0, 60.0, 70.0]
    );
}
