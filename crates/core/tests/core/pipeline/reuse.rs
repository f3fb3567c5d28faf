//! An accepted answer is used again for the same question: who is asked, what the insight says, and when the model is asked
//! all the same.

use std::time::Duration;

use futures_executor::block_on;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::insight::InsightFields;
use portend_core::limits::EVENT_DEADLINE;
use portend_core::model::{Call, Completion, FinishReason, Model, ModelError, ModelSpec};
use portend_core::number::Number;
use portend_core::pipeline::{Account, Pipeline, UpgradeOutcome};
use portend_testing::clock::{StoppedClock, TimerClock};
use portend_testing::faults::{Fault, FaultyStore, Operation};
use portend_testing::memory::MemoryStore;
use portend_testing::model::{ANSWER, ScriptedModel};
use portend_testing::play::{EventResult, event, first_event, start};

use super::{INVENTED, denied, denied_once, due, insight, outcomes};

/// Runs an event, and returns its result with the account of its run.
fn run_with(
    store: &MemoryStore,
    clock: &StoppedClock,
    models: &[&ScriptedModel],
    event: &[u8],
    plan: &[(Operation, Fault)],
) -> (EventResult, Account) {
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(store, plan), clock)
        .with_models(models.to_vec(), true);
    let received = pipeline.receive(event);
    let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
    let result = block_on(run.process(&received));
    (result, run.into_account())
}

fn run(store: &MemoryStore, clock: &StoppedClock, models: &[&ScriptedModel], event: &[u8]) -> EventResult {
    run_with(store, clock, models, event, &[]).0
}

/// An alert of another student with the facts of [`first_event`].
fn same_question() -> Vec<u8> {
    event("stu_2", 5, 65, "2025-01-01T12:00:00Z")
}

/// What an insight says besides its own alert.
fn judged(insight: &InsightFields) -> (Number, &str, &[String], &str, Option<&str>) {
    let InsightFields { risk_score, explanation, recommendations, model_used, .. } = insight;
    (*risk_score, explanation, recommendations, model_used, insight.reply.as_deref())
}

#[test]
fn the_same_question_costs_one_call_and_says_so() {
    let model = ScriptedModel::answering("first", ANSWER);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let (first, account) = run_with(&store, &clock, &[&model], &first_event(), &[]);
    assert_eq!((account.attempts.len(), account.reused.len()), (1, 0));
    clock.advance(Duration::from_hours(1));
    let (second, account) = run_with(&store, &clock, &[&model], &same_question(), &[]);
    assert_eq!((account.attempts.len(), account.reused.len()), (0, 1));
    assert_eq!(model.calls(), 1);

    let (first, second) = (insight(&first), insight(&second));
    assert_eq!(second.entity_id, "stu_2");
    assert_eq!(judged(second), judged(first));
    assert_eq!(
        (&second.grounding, &second.prompt, second.degraded),
        (&first.grounding, &first.prompt, false)
    );
    let [attempt] = second.attempts.as_slice() else { panic!("{:?}", second.attempts) };
    assert_eq!((attempt.model.as_str(), attempt.outcome.as_str()), ("first", "reused"));
    assert_eq!((attempt.cost_usd, attempt.ms, attempt.input_tokens), (Some(Number::from(0)), 0, None));
    let reused = attempt.reused.as_ref().unwrap();
    assert_eq!((&reused.run, reused.timestamp), (&first.run, first.timestamp));
    assert_eq!(reused.cost_usd, Number::new(0.0006));
    assert_ne!(second.run, first.run);
}

#[test]
fn another_question_is_asked() {
    let model = ScriptedModel::answering("first", ANSWER);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let _ = run(&store, &clock, &[&model], &first_event());
    let _ = run(&store, &clock, &[&model], &event("stu_2", 6, 65, "2025-01-01T12:00:00Z"));
    // The reply about 5 calls does not answer a question about 6, so that question is asked twice.
    assert_eq!(model.calls(), 3);
    let other = ScriptedModel::answering("other", ANSWER);
    let _ = run(&store, &clock, &[&other], &same_question());
    assert_eq!(other.calls(), 1, "another model's answer is not this one's");
}

#[test]
fn an_answer_is_used_for_24_hours_by_default() {
    for (hours, calls) in [(0, 1), (23, 1), (25, 2)] {
        let model = ScriptedModel::answering("first", ANSWER);
        let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
        let _ = run(&store, &clock, &[&model], &first_event());
        clock.advance(Duration::from_hours(hours));
        let at = format!("2025-01-0{}T13:00:00Z", 1 + hours / 24);
        let _ = run(&store, &clock, &[&model], &event("stu_2", 5, 65, &at));
        assert_eq!(model.calls(), calls, "after {hours} hours");
    }
}

#[test]
fn only_an_accepted_and_supported_answer_is_used_again() {
    let fails = || ScriptedModel::failing("first", denied());
    let answers = |name| ScriptedModel::answering(name, ANSWER);
    for (what, first, second, calls) in [
        ("an unsupported number", ScriptedModel::answering("first", INVENTED), answers("second"), [4, 0]),
        ("an unusable reply", ScriptedModel::answering("first", "no"), answers("second"), [4, 1]),
        ("a fallback's answer", fails(), answers("second"), [2, 1]),
        ("a scorecard's judgement", fails(), ScriptedModel::failing("second", denied()), [2, 2]),
        (
            "an answer after a re-ask",
            ScriptedModel::new("first", vec![Ok(("no", FinishReason::End)), Ok((ANSWER, FinishReason::End))]),
            answers("second"),
            [2, 0],
        ),
    ] {
        let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
        let _ = run(&store, &clock, &[&first, &second], &first_event());
        let _ = run(&store, &clock, &[&first, &second], &same_question());
        assert_eq!([first.calls(), second.calls()], calls, "{what}");
    }
}

/// A fallback's answer is used where the chain would ask the fallback, so it never hides a better model that works.
#[test]
fn each_models_answer_is_used_where_the_chain_would_call_it() {
    let (first, second) = (denied_once(), ScriptedModel::answering("second", ANSWER));
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let models = [&first, &second];
    assert_eq!(
        outcomes(insight(&run(&store, &clock, &models, &first_event()))),
        ["access_denied", "accepted"]
    );
    let (again, account) = run_with(&store, &clock, &models, &same_question(), &[]);
    assert_eq!(outcomes(insight(&again)), ["accepted"], "the first model works again");
    assert_eq!((account.attempts.len(), account.reused.len()), (1, 0));

    let failing = ScriptedModel::failing("first", denied());
    let store = MemoryStore::new();
    for (event, expected) in [
        (first_event(), vec!["access_denied", "accepted"]),
        (same_question(), vec!["access_denied", "reused"]),
    ] {
        let result = run(&store, &clock, &[&failing, &second], &event);
        let insight = insight(&result);
        assert_eq!(outcomes(insight), expected);
        assert_eq!((insight.model_used.as_str(), insight.degraded), ("second-label-fallback", false));
    }
    let both = [&ScriptedModel::answering("first", ANSWER), &second];
    let third = event("stu_3", 5, 65, "2025-01-01T12:00:00Z");
    assert_eq!(outcomes(insight(&run(&store, &clock, &both, &third))), ["accepted"]);
    let fourth = event("stu_4", 5, 65, "2025-01-01T12:00:00Z");
    let result = run(&store, &clock, &both, &fourth);
    assert_eq!(
        (outcomes(insight(&result)), insight(&result).model_used.as_str()),
        (vec!["reused"], "first-label")
    );
}

/// A model that takes its time.
struct SlowModel<'a> {
    model: &'a ScriptedModel,
    clock: &'a TimerClock,
    takes: Duration,
}

impl Model for SlowModel<'_> {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        self.clock.sleep(self.takes).await;
        self.model.ask(call).await
    }
}

/// Runs these events at the same time in one process, and returns the outcomes of each one's attempts.
fn together(models: &[(&ScriptedModel, u64)], reuses: bool, events: &[Vec<u8>]) -> Vec<Vec<String>> {
    let (store, clock) = (MemoryStore::new(), TimerClock::at(start()));
    let slow =
        |&(model, secs): &(_, u64)| SlowModel { model, clock: &clock, takes: Duration::from_secs(secs) };
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .with_models(models.iter().map(slow).collect::<Vec<_>>(), true)
        .reusing_answers(reuses);
    let received: Vec<_> = events.iter().map(|event| pipeline.receive(event)).collect();
    let runs = received.iter().map(|received| {
        let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
        async move { run.process(received).await }
    });
    let results = clock.run_all(runs.collect());
    results.iter().map(|result| outcomes(insight(result)).into_iter().map(str::to_owned).collect()).collect()
}

/// The same question of this many students.
fn crowd(students: u32) -> Vec<Vec<u8>> {
    (1..=students).map(|each| event(&format!("stu_{each}"), 5, 65, "2025-01-01T12:00:00Z")).collect()
}

#[test]
fn alerts_that_ask_the_same_at_the_same_time_pay_once() {
    let model = ScriptedModel::answering("first", ANSWER);
    let mut attempts = together(&[(&model, 4)], true, &crowd(5));
    attempts.sort();
    assert_eq!(
        (attempts.concat().join(" "), model.calls()),
        ("accepted reused reused reused reused".into(), 1)
    );

    let model = ScriptedModel::answering("first", ANSWER);
    let other = event("stu_9", 6, 65, "2025-01-01T12:00:00Z");
    let _ = together(&[(&model, 4)], true, &[first_event(), other]);
    assert_eq!(
        model.calls(),
        3,
        "another question is asked, and asked again, because the reply is about 5 calls"
    );

    let model = ScriptedModel::answering("first", ANSWER);
    let _ = together(&[(&model, 4)], false, &crowd(3));
    assert_eq!(model.calls(), 3, "without reuse, each asks");
}

#[test]
fn a_fallbacks_answer_is_shared_too() {
    let (first, second) =
        (ScriptedModel::failing("first", denied()), ScriptedModel::answering("second", ANSWER));
    let attempts = together(&[(&first, 1), (&second, 2)], true, &crowd(3));
    assert_eq!(attempts, [vec!["access_denied", "accepted"], vec!["reused"], vec!["reused"]]);
}

/// Whoever waits for an answer that cannot be used asks at once, not one after another.
#[test]
fn without_a_shared_answer_each_asks_for_itself() {
    for (what, reply) in [("unusable", "no"), ("unsupported", INVENTED)] {
        let model = ScriptedModel::answering("first", reply);
        let attempts = together(&[(&model, 2)], true, &crowd(4));
        assert_eq!(model.calls(), 8, "{what}: {attempts:?}");
    }
    // The model answers after its timeout, so nobody has an answer; everybody has asked in time.
    let model = ScriptedModel::answering("first", ANSWER);
    let attempts = together(&[(&model, 25)], true, &crowd(4));
    assert_eq!(attempts, vec![vec!["timed_out"]; 4]);
}

/// What is stored is checked as a reply is, so that a changed program, or a damaged item, cannot get around the checks.
#[test]
fn a_stored_answer_is_checked_again() {
    use portend_core::store::{AnswerKey, Answers, StoredAnswer};
    let model = ScriptedModel::answering("first", ANSWER);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let first = run(&store, &clock, &[&model], &first_event());
    let sha256 = &insight(&first).prompt.as_ref().unwrap().sha256;
    let key = AnswerKey::new(sha256, Model::spec(&&model));
    let stored = block_on(store.answer(&key, clock.now())).unwrap().unwrap();
    let damaged = StoredAnswer { reply: INVENTED.into(), ..stored };
    block_on(store.store_answer(&key, &damaged)).unwrap();
    let second = run(&store, &clock, &[&model], &same_question());
    assert_eq!((outcomes(insight(&second)), model.calls()), (vec!["accepted"], 2));
}

#[test]
fn no_reuse_asks_and_stores_what_is_accepted() {
    let model = ScriptedModel::answering("first", ANSWER);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let _ = run(&store, &clock, &[&model], &first_event());
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .with_models(vec![&model], true)
        .reusing_answers(false);
    let (event, deadline) = (same_question(), clock.now().plus(EVENT_DEADLINE));
    let result = block_on(pipeline.run(deadline).process(&pipeline.receive(&event)));
    assert_eq!((outcomes(insight(&result)), model.calls()), (vec!["accepted"], 2));
}

#[test]
fn an_answer_that_cannot_be_read_or_stored_costs_a_call_and_nothing_else() {
    for operation in [Operation::Answer, Operation::StoreAnswer] {
        for fault in [Fault::ErrorBefore, Fault::ErrorAfter] {
            let model = ScriptedModel::answering("first", ANSWER);
            let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
            let plan = [(operation, fault)];
            let (first, _) = run_with(&store, &clock, &[&model], &first_event(), &plan);
            assert_eq!(outcomes(insight(&first)), ["accepted"], "{operation:?} {fault:?}");
            let (second, _) = run_with(&store, &clock, &[&model], &same_question(), &plan);
            assert_eq!(insight(&second).model_used, "first-label", "{operation:?} {fault:?}");
            assert!(model.calls() <= 2);
        }
    }
}

/// The call of a worker whose commit failed is not made again.
#[test]
fn an_answer_outlives_a_commit_that_failed() {
    let model = ScriptedModel::answering("first", ANSWER);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let plan = [(Operation::Commit, Fault::ErrorBefore); 50];
    let (failed, _) = run_with(&store, &clock, &[&model], &first_event(), &plan);
    assert!(failed.is_err(), "{failed:?}");
    clock.advance(Duration::from_mins(2));
    let again = run(&store, &clock, &[&model], &first_event());
    assert_eq!((outcomes(insight(&again)), model.calls()), (vec!["reused"], 1));
}

#[test]
fn an_upgrade_uses_an_answer_too() {
    let (model, other) = (denied_once(), ScriptedModel::answering("first", ANSWER));
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    assert!(insight(&run(&store, &clock, &[&model], &first_event())).degraded);
    let _ = run(&store, &clock, &[&other], &same_question());
    let due = due(&store, &clock);
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock)
        .with_models(vec![&other], true);
    let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
    let outcome = block_on(run.upgrade(&due[0])).unwrap();
    assert!(matches!(outcome, UpgradeOutcome::Done(_)), "{outcome:?}");
    assert_eq!((other.calls(), run.into_account().reused.len()), (1, 1));
}
