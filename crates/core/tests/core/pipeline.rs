//! Tests the pipeline with scripted models and a stopped clock: which answer is stored, which calls count, and which
//! calls are paid again after a kill.

mod notifying;
mod further;
mod reuse;
mod recovering;

use futures_executor::block_on;
use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::insight::{DegradedBy, Grade, InsightFields, StoredInsight};
use portend_core::limits::{EVENT_DEADLINE, UPGRADE_PAUSE, UPGRADES_MAX};
use portend_core::model::{ConfigurationFault, FinishReason, Model, ModelError};
use portend_core::number::Number;
use portend_core::pipeline::{Pipeline, UpgradeOutcome};
use portend_core::store::{DueInsight, Insights, Parking, Todo};
use portend_testing::clock::StoppedClock;
use portend_testing::faults::{Fault, FaultyStore, Operation};
use portend_testing::memory::MemoryStore;
use portend_testing::model::{ANSWER, ScriptedModel};
use portend_testing::play::{EventResult, event, first_event, insight_of, outlive_the_lease, start, status};

const INVENTED: &str =
    r#"{"explanation":"93% of them leave.","recommendations":["Call.","Review."],"risk_score":72}"#;

fn denied() -> ModelError {
    ModelError::Configuration { fault: ConfigurationFault::AccessDenied }
}

/// A model that is denied access once, and answers from then on.
fn denied_once() -> ScriptedModel {
    ScriptedModel::new("first", vec![Err(denied()), Ok((ANSWER, FinishReason::End))])
}

fn run(
    store: &MemoryStore,
    clock: &StoppedClock,
    models: &[&ScriptedModel],
    scorecard: bool,
    event: &[u8],
) -> EventResult {
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(store, &[]), clock)
        .with_models(models.to_vec(), scorecard);
    let received = pipeline.receive(event);
    block_on(pipeline.run(clock.now().plus(EVENT_DEADLINE)).process(&received))
}

/// Runs the first event until the store's faults kill the run, and drops it.
fn run_until_killed<M: Model>(pipeline: &Pipeline<FaultyStore<'_, MemoryStore>, &StoppedClock, M>) {
    let event = first_event();
    let received = pipeline.receive(&event);
    let mut run = pipeline.run(pipeline.clock().now().plus(EVENT_DEADLINE));
    let mut process = std::pin::pin!(run.process(&received));
    let waker = std::task::Waker::noop();
    let poll = process.as_mut().poll(&mut std::task::Context::from_waker(waker));
    assert!(poll.is_pending(), "the fault kills the run");
}

fn run_first(models: &[&ScriptedModel], scorecard: bool) -> (MemoryStore, EventResult) {
    let store = MemoryStore::new();
    let result = run(&store, &StoppedClock::at(start()), models, scorecard, &first_event());
    (store, result)
}

fn insight(result: &EventResult) -> &InsightFields {
    let stored = insight_of(result).unwrap_or_else(|| panic!("expected an insight, got {result:#?}"));
    stored.current().unwrap()
}

fn outcomes(insight: &InsightFields) -> Vec<&str> {
    insight.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect()
}

fn due(store: &MemoryStore, clock: &StoppedClock) -> Vec<DueInsight> {
    block_on(store.due(clock.now(), None, 9)).unwrap()
}

#[test]
fn a_models_insight_contains_the_scorecards_baseline() {
    let model = ScriptedModel::answering("first", ANSWER);
    let (_, outcome) = run_first(&[&model], true);
    let insight = insight(&outcome);
    assert_eq!((insight.grade, insight.degraded), (Grade::Model, false));
    assert_eq!((insight.model_used.as_str(), insight.model_id.as_deref()), ("first-label", Some("first-id")));
    assert_eq!(insight.risk_score, Number::from(72));
    assert_eq!(insight.baseline.risk_score, Number::from(63));
    assert_eq!(insight.reply.as_deref(), Some(ANSWER));
    assert_eq!(insight.grounding.as_ref().map(|grounding| grounding.unsupported.len()), Some(0));
    assert_eq!(insight.attempts[0].cost_usd, Number::new(0.0006));
    assert_eq!((outcomes(insight), model.calls()), (vec!["accepted"], 1));
}

#[test]
fn the_next_model_answers_after_a_failure_and_is_labelled_as_a_fallback() {
    let first = ScriptedModel::failing("first", denied());
    let second = ScriptedModel::answering("second", ANSWER);
    let (_, outcome) = run_first(&[&first, &second], true);
    assert_eq!(insight(&outcome).model_used, "second-label-fallback");
    assert_eq!(
        (outcomes(insight(&outcome)), insight(&outcome).degraded),
        (vec!["access_denied", "accepted"], false)
    );
}

#[test]
fn a_configuration_error_raises_an_alarm_with_every_alert() {
    let model = ScriptedModel::failing("first", denied());
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .with_models(vec![&model], true);
    for student in ["stu_1", "stu_2", "stu_3"] {
        let event = event(student, 5, 65, "2025-01-01T12:00:00Z");
        let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
        let result = block_on(run.process(&pipeline.receive(&event)));
        assert!(insight(&result).degraded);
        let alarms: Vec<_> = run.into_account().alarms.into_iter().map(|alarm| alarm.error.code()).collect();
        assert_eq!(alarms, ["access_denied"], "{student}");
    }
    assert_eq!(model.calls(), 1, "the open breaker prevents calls, but not alarms");
}

#[test]
fn without_a_scorecard_an_unanswered_alert_fails_and_can_run_again() {
    let model = denied_once();
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let failed = run(&store, &clock, &[&model], false, &first_event());
    assert_eq!(status(&failed), "no_model");
    clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(status(&run(&store, &clock, &[&model], false, &first_event())), "stored");
}

#[test]
fn no_model_is_called_after_a_guardrail() {
    let first = ScriptedModel::new("first", vec![Ok(("", FinishReason::Guardrail))]);
    let second = ScriptedModel::answering("second", ANSWER);
    let (_, with) = run_first(&[&first, &second], true);
    assert_eq!((insight(&with).grade, insight(&with).degraded), (Grade::Scorecard, false));
    let (store, without) = run_first(&[&first, &second], false);
    assert_eq!(status(&without), "parked");
    let parked = block_on(store.parked(None, 9, start())).unwrap().events;
    assert_eq!(parked.iter().map(|event| event.reason.as_str()).collect::<Vec<_>>(), ["guardrail"]);
    assert_eq!(second.calls(), 0);
}

#[test]
fn an_alert_has_at_most_five_calls_in_all_its_runs() {
    let first = ScriptedModel::answering("first", "no object");
    let second = ScriptedModel::answering("second", "none here");
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(status(&run(&store, &clock, &[&first, &second], false, &first_event())));
        clock.advance(std::time::Duration::from_millis(1));
    }
    assert_eq!(statuses, ["no_model", "parked", "parked"]);
    let parked = block_on(store.parked(None, 9, start())).unwrap().events;
    assert_eq!(parked.iter().map(|event| event.reason.as_str()).collect::<Vec<_>>(), ["calls_spent"]);
    assert_eq!(first.calls() + second.calls(), 5);
}

#[test]
fn a_re_ask_quotes_the_violations_and_the_answer_with_the_fewest_unsupported_numbers_is_stored() {
    let model = ScriptedModel::answering("first", INVENTED);
    let (_, outcome) = run_first(&[&model], true);
    let insight = insight(&outcome);
    assert_eq!(outcomes(insight), ["unsupported", "unsupported"]);
    assert_eq!(insight.grounding.as_ref().unwrap().quotes(), ["93%"]);
    let asked = model.asked();
    assert!(asked[1].contains(INVENTED) && asked[1].contains("`93%` (percentage): no fact"), "{}", asked[1]);
}

#[test]
fn nothing_that_identifies_the_entity_reaches_a_model() {
    let model = ScriptedModel::answering("first", "no object");
    let text = String::from_utf8(event("canary_id", 5, 65, "2025-01-01T12:34:56Z")).unwrap();
    let text = text
        .replace("\"severity\"", "\"message\":\"canary message\",\"canary\":\"canary field\",\"severity\"");
    let _ = run(&MemoryStore::new(), &StoppedClock::at(start()), &[&model], true, text.as_bytes());
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    assert!(!asked.concat().contains("canary") && !asked.concat().contains("12:34"), "{asked:?}");
}

/// Row 11: a worker is killed after the reply and before the commit. The next run pays again unless the answer was
/// stored, and stores one insight.
#[test]
fn row_11_a_kill_between_reply_and_commit_is_paid_twice_at_most_and_stored_once() {
    let kill = |operation| (operation, Fault::KillBefore);
    for (plan, calls) in
        [(vec![kill(Operation::Commit), kill(Operation::StoreAnswer)], 2), (vec![kill(Operation::Commit)], 1)]
    {
        let model = ScriptedModel::answering("first", ANSWER);
        let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
        let event = first_event();
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &plan), &clock);
        run_until_killed(&pipeline.with_models(vec![&model], true));
        outlive_the_lease(&clock);
        assert_eq!(status(&run(&store, &clock, &[&model], true, &event)), "stored");
        assert_eq!(status(&run(&store, &clock, &[&model], true, &event)), "repeated");
        assert_eq!(model.calls(), calls, "{plan:?}");
    }
}

#[test]
fn a_degraded_insight_is_upgraded_once_and_keeps_its_attempts() {
    let model = denied_once();
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .with_models(vec![&model], true);
    let event = first_event();
    let result = block_on(pipeline.run(clock.now().plus(EVENT_DEADLINE)).process(&pipeline.receive(&event)));
    assert!(insight(&result).degraded);
    let due = due(&store, &clock);
    assert_eq!(due.iter().map(|due| due.todo).collect::<Vec<_>>(), [Todo::Upgrade]);
    let upgrade = || block_on(pipeline.run(clock.now().plus(EVENT_DEADLINE)).upgrade(&due[0])).unwrap();
    // The breaker is open, so no model is called, and the try does not count.
    assert!(matches!(upgrade(), UpgradeOutcome::Later(_)));
    assert_eq!(model.calls(), 1);
    clock.advance(UPGRADE_PAUSE);
    let UpgradeOutcome::Done(upgraded) = upgrade() else { panic!("not upgraded") };
    let fields = upgraded.current().unwrap();
    assert_eq!((fields.grade, outcomes(fields)), (Grade::Model, vec!["access_denied", "accepted"]));
    assert_eq!(self::due(&store, &clock), []);
    let types = AlertTypes::built_in();
    let key = Alert::read(&event, &types, start()).unwrap().insight_key();
    assert_eq!(block_on(store.insight(&key, clock.now())).unwrap(), Some(upgraded));
}

#[test]
fn unusable_replies_are_asked_again_only_once_a_model_is_sound() {
    let nonsense = || ScriptedModel::answering("first", "no");
    let store_one = |store: &MemoryStore, clock: &StoppedClock| {
        let result = run(store, clock, &[&nonsense()], true, &first_event());
        assert_eq!(insight(&result).degraded_by, Some(DegradedBy::Unusable));
        clock.advance(UPGRADE_PAUSE);
        due(store, clock)
    };
    let upgrade =
        |store: &MemoryStore, clock: &StoppedClock, model: &ScriptedModel, now: bool, other: bool| {
            let due = due(store, clock);
            let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(store, &[]), clock)
                .with_models(vec![model], true)
                .reusing_answers(false);
            if other {
                // A later alert gets a usable reply.
                let event = event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
                let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
                assert!(!insight(&block_on(run.process(&pipeline.receive(&event)))).degraded);
            }
            let run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
            let mut run = if now { run.upgrading_now() } else { run };
            block_on(run.upgrade(&due[0])).unwrap()
        };
    for (model, now, other, is_upgraded) in [
        (ScriptedModel::answering("first", ANSWER), false, false, false),
        (ScriptedModel::answering("second", ANSWER), false, false, true),
        (ScriptedModel::answering("first", ANSWER), true, false, true),
        (ScriptedModel::answering("first", ANSWER), false, true, true),
    ] {
        let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
        store_one(&store, &clock);
        let outcome = upgrade(&store, &clock, &model, now, other);
        assert_eq!(matches!(outcome, UpgradeOutcome::Done(_)), is_upgraded, "{outcome:?}");
        assert_eq!(model.calls(), usize::from(is_upgraded) + usize::from(other));
    }
}

#[test]
fn a_fault_that_no_model_has_seen_spends_no_upgrade() {
    let unreachable = || ModelError::Unreachable { what: "refused".into() };
    // What a pause may fix is tried twice.
    spends_no_upgrade(&denied, 1);
    spends_no_upgrade(&unreachable, 2);
}

fn spends_no_upgrade(fault: &dyn Fn() -> ModelError, calls: usize) {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    run(&store, &clock, &[&ScriptedModel::failing("first", fault())], true, &first_event()).unwrap();
    for _ in 0..2 * UPGRADES_MAX {
        clock.advance(UPGRADE_PAUSE + std::time::Duration::from_millis(1));
        let model = ScriptedModel::failing("first", fault());
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
            .with_models(vec![&model], true);
        let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
        let due = due(&store, &clock);
        let outcome = block_on(run.upgrade(due.first().unwrap())).unwrap();
        assert!(matches!(outcome, UpgradeOutcome::Later(_)), "{outcome:?}");
        assert_eq!(model.calls(), calls);
    }
}

/// Both looked before either had the lease.
#[test]
fn an_upgrade_that_another_worker_has_made_is_not_paid_again() {
    let model = denied_once();
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    run(&store, &clock, &[&model], true, &first_event()).unwrap();
    clock.advance(UPGRADE_PAUSE);
    let due = due(&store, &clock);
    let worker = || {
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
            .with_models(vec![&model], true);
        block_on(pipeline.run(clock.now().plus(EVENT_DEADLINE)).upgrade(&due[0])).unwrap()
    };
    assert!(matches!(worker(), UpgradeOutcome::Done(_)));
    clock.advance(std::time::Duration::from_millis(1));
    assert!(matches!(worker(), UpgradeOutcome::Never));
    assert_eq!(model.calls(), 2);
}

/// An open breaker must not use up the alert's calls while the queue delivers again.
#[test]
fn a_run_that_calls_no_model_uses_no_call() {
    let model = ScriptedModel::failing("first", denied());
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .with_models(vec![&model], false);
    let event = first_event();
    for _ in 0..8 {
        let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
        assert_eq!(status(&block_on(run.process(&pipeline.receive(&event)))), "no_model");
        clock.advance(std::time::Duration::from_millis(1));
    }
    assert_eq!(model.calls(), 1, "the breaker is open from then on");
}

/// Other processes do not wait for the lease of a run that was stopped.
#[test]
fn the_leases_of_dropped_runs_can_be_released() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let plan = [(Operation::Commit, Fault::KillBefore)];
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &plan), &clock);
    run_until_killed(&pipeline);
    block_on(pipeline.release_held(clock.now().plus(EVENT_DEADLINE)));
    clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(status(&run(&store, &clock, &[], true, &first_event())), "stored");
}

/// A store whose releases hang does not keep the program from ending.
#[test]
fn the_release_of_dropped_runs_ends_at_its_deadline() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let plan = [(Operation::Commit, Fault::KillBefore), (Operation::Release, Fault::KillBefore)];
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &plan), &clock);
    run_until_killed(&pipeline);
    // The killed store never responds to the release.
    let deadline = clock.now().plus(std::time::Duration::from_secs(2));
    block_on(pipeline.release_held(deadline));
    assert_eq!(clock.now(), deadline);
}

#[test]
fn the_upgrade_of_an_alert_type_that_has_changed_is_given_up() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    run(&store, &clock, &[&denied_once()], true, &first_event()).unwrap();
    clock.advance(UPGRADE_PAUSE);
    let due = due(&store, &clock);
    assert_eq!(due.len(), 1);
    let model = ScriptedModel::answering("first", ANSWER);
    let mut changed = due[0].clone();
    let mut fields = serde_json::to_value(changed.insight.current().unwrap()).unwrap();
    fields["facts"] = serde_json::json!({});
    changed.insight = StoredInsight::Current(serde_json::from_value(fields).unwrap());
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .with_models(vec![&model], true);
    let outcome = block_on(pipeline.run(clock.now().plus(EVENT_DEADLINE)).upgrade(&changed)).unwrap();
    assert!(matches!(outcome, UpgradeOutcome::Never), "{outcome:?}");
    assert_eq!((model.calls(), self::due(&store, &clock)), (0, vec![]));
}

/// The model has answered, and only the store could not take the answer.
#[test]
fn an_upgrade_that_the_store_could_not_take_does_not_count() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    run(&store, &clock, &[&denied_once()], true, &first_event()).unwrap();
    let model = ScriptedModel::answering("first", ANSWER);
    let down = [(Operation::Commit, Fault::ErrorBefore); 20];
    for (plan, is_done) in [(&down[..], false), (&down, false), (&down, false), (&[], true)] {
        clock.advance(UPGRADE_PAUSE * 2);
        let due = due(&store, &clock);
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, plan), &clock)
            .with_models(vec![&model], true);
        let outcome = block_on(pipeline.run(clock.now().plus(EVENT_DEADLINE)).upgrade(&due[0]));
        assert_eq!(matches!(outcome, Ok(UpgradeOutcome::Done(_))), is_done, "{outcome:?}");
        assert_eq!(outcome.is_err(), !is_done, "{outcome:?}");
    }
}
