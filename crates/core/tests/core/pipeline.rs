//! The pipeline with models that do as they are told, under a stopped clock: who judges, what is counted, and what is
//! paid again after a kill.

mod telling;

use std::sync::Mutex;

use futures_executor::block_on;

use super::{Account, Outcome, Pipeline, Upgraded};
use crate::alert::Alert;
use crate::alert_type::AlertTypes;
use crate::clock::{Clock, StoppedClock};
use crate::insight::{Grade, StoredInsight};
use crate::limits::{EVENT_DEADLINE, UPGRADE_PAUSE};
use crate::model::{Call, Completion, Fault as Wrong, Model, ModelError, ModelSpec, Price, Stop};
use crate::number::Number;
use crate::store::{MemoryStore, Store, Todo};
use crate::store_contract::play::{Fault, Faulty, Operation, event, first_event, outlive_the_lease, start};

const ANSWER: &str = r#"{"drivers":[{"fact":"ib_calls_14d","effect":"raises","because":"5 calls."}],
    "explanation":"5 calls and a health score of 65.","recommendations":["Call.","Review."],"risk_score":72}"#;
const INVENTED: &str =
    r#"{"explanation":"93% of them leave.","recommendations":["Call.","Review."],"risk_score":72}"#;

type Script = Vec<Result<(&'static str, Stop), ModelError>>;

/// A model that follows its script, then repeats the last line, and keeps what it was asked.
struct Scripted {
    spec: ModelSpec,
    script: Mutex<Script>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(name: &str, script: Script) -> Self {
        let price = Some(Price { input: Number::from(1), output: Number::from(5) });
        let (model_id, label) = (format!("{name}-id"), format!("{name}-label"));
        let spec = ModelSpec {
            name: name.into(),
            model_id,
            label,
            endpoint: name.into(),
            takes_schema: false,
            output_tokens_max: 4000,
            price,
        };
        Self { spec, script: Mutex::new(script), asked: Mutex::default() }
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Model for &Scripted {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        let texts: Vec<_> = call.messages.iter().map(|message| message.text.as_str()).collect();
        self.asked.lock().unwrap().push(format!("{}\n{}", call.system, texts.join("\n")));
        let mut script = self.script.lock().unwrap();
        let line = if script.len() > 1 { script.remove(0) } else { script[0].clone() };
        let (text, stop) = line?;
        let tokens = Some(100);
        Ok(Completion {
            text: text.into(),
            stop,
            model_id: None,
            input_tokens: tokens,
            output_tokens: tokens,
        })
    }
}

fn answers(text: &'static str) -> Script {
    vec![Ok((text, Stop::End))]
}

fn fails(error: ModelError) -> Script {
    vec![Err(error)]
}

fn denied() -> ModelError {
    ModelError::Configuration { fault: Wrong::AccessDenied }
}

/// Runs an event through these models; `None` if a planned fault killed it.
fn run(
    store: &MemoryStore,
    clock: &StoppedClock,
    models: &[&Scripted],
    scorecard: bool,
    event: &[u8],
) -> Outcome {
    let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(store, &[]), clock);
    let pipeline = pipeline.with_models(models.to_vec(), scorecard);
    let received = pipeline.receive(event);
    block_on(pipeline.process(&received, clock.now().plus(EVENT_DEADLINE), &mut Account::default()))
}

fn run_first(models: &[&Scripted], scorecard: bool) -> (MemoryStore, Outcome) {
    let store = MemoryStore::new();
    let outcome = run(&store, &StoppedClock::at(start()), models, scorecard, &first_event());
    (store, outcome)
}

fn insight(outcome: &Outcome) -> &StoredInsight {
    outcome.insight().unwrap_or_else(|| panic!("no insight: {outcome:#?}"))
}

fn outcomes(insight: &StoredInsight) -> Vec<&str> {
    insight.attempts.iter().flatten().map(|attempt| attempt.outcome.as_str()).collect()
}

#[test]
fn a_model_writes_the_insight_and_the_scorecard_stands_beside_it() {
    let model = Scripted::new("first", answers(ANSWER));
    let (_, outcome) = run_first(&[&model], true);
    let insight = insight(&outcome);
    assert_eq!((insight.grade, insight.degraded), (Some(Grade::Model), Some(false)));
    assert_eq!((insight.model_used.as_str(), insight.model_id.as_deref()), ("first-label", Some("first-id")));
    assert_eq!(insight.risk_score, Number::from(72));
    assert_eq!(insight.baseline.as_ref().map(|baseline| baseline.risk_score), Some(Number::from(63)));
    assert_eq!(insight.reply.as_deref(), Some(ANSWER));
    assert_eq!(insight.grounding.as_ref().map(|grounding| grounding.unsupported.len()), Some(0));
    let attempts = insight.attempts.as_ref().unwrap();
    assert_eq!(attempts[0].cost_usd, Number::new(0.0006));
    assert_eq!((outcomes(insight), model.calls()), (vec!["accepted"], 1));
}

#[test]
fn the_next_model_answers_for_one_that_fails_and_is_labelled_so() {
    let first = Scripted::new("first", fails(denied()));
    let second = Scripted::new("second", answers(ANSWER));
    let (_, outcome) = run_first(&[&first, &second], true);
    assert_eq!(insight(&outcome).model_used, "second-label-fallback");
    assert_eq!(
        (outcomes(insight(&outcome)), insight(&outcome).degraded),
        (vec!["access_denied", "accepted"], Some(false))
    );
}

#[test]
fn a_configuration_error_raises_an_alarm_with_every_alert() {
    let model = Scripted::new("first", fails(denied()));
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&store, &[]), &clock)
        .with_models(vec![&model], true);
    for student in ["stu_1", "stu_2", "stu_3"] {
        let event = event(student, 5, 65, "2025-01-01T12:00:00Z");
        let (mut account, deadline) = (Account::default(), clock.now().plus(EVENT_DEADLINE));
        let outcome = block_on(pipeline.process(&pipeline.receive(&event), deadline, &mut account));
        assert_eq!(insight(&outcome).degraded, Some(true));
        let alarms: Vec<_> = account.alarms.into_iter().map(|alarm| alarm.error.code()).collect();
        assert_eq!(alarms, ["access_denied"], "{student}");
    }
    assert_eq!(model.calls(), 1, "the breaker is open, and masks nothing");
}

#[test]
fn without_a_scorecard_an_unanswered_alert_fails_and_can_come_again() {
    let model = Scripted::new("first", vec![Err(denied()), Ok((ANSWER, Stop::End))]);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let failed = run(&store, &clock, &[&model], false, &first_event());
    assert_eq!((failed.status(), failed.reason().as_deref()), ("failed", Some("no_model")));
    clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(run(&store, &clock, &[&model], false, &first_event()).status(), "stored");
}

#[test]
fn a_guardrail_is_not_gone_round() {
    let first = Scripted::new("first", vec![Ok(("", Stop::Guardrail))]);
    let second = Scripted::new("second", answers(ANSWER));
    let (_, with) = run_first(&[&first, &second], true);
    assert_eq!((insight(&with).grade, insight(&with).degraded), (Some(Grade::Scorecard), Some(false)));
    let (store, without) = run_first(&[&first, &second], false);
    assert_eq!(without.reason().as_deref(), Some("guardrail"));
    assert_eq!(block_on(store.parked(None, 9, start())).unwrap().events.len(), 1);
    assert_eq!(second.calls(), 0);
}

#[test]
fn an_alert_costs_five_calls_at_most_over_all_its_runs() {
    let first = Scripted::new("first", answers("no object"));
    let second = Scripted::new("second", answers("none here"));
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let mut reasons = Vec::new();
    for _ in 0..3 {
        reasons.extend(run(&store, &clock, &[&first, &second], false, &first_event()).reason());
        clock.advance(std::time::Duration::from_millis(1));
    }
    assert_eq!(reasons, ["no_model", "calls_spent", "calls_spent"]);
    assert_eq!(first.calls() + second.calls(), 5);
}

#[test]
fn a_re_ask_quotes_the_violations_and_the_fewest_unsupported_numbers_are_kept() {
    let model = Scripted::new("first", answers(INVENTED));
    let (_, outcome) = run_first(&[&model], true);
    let insight = insight(&outcome);
    assert_eq!(outcomes(insight), ["unsupported", "unsupported"]);
    assert_eq!(insight.grounding.as_ref().unwrap().unsupported, ["93%"]);
    let asked = model.asked.lock().unwrap();
    assert!(asked[1].contains(INVENTED) && asked[1].contains("\"93%\""), "{}", asked[1]);
}

#[test]
fn nothing_of_who_it_is_about_reaches_a_model() {
    let model = Scripted::new("first", answers("no object"));
    let text = String::from_utf8(event("canary_id", 5, 65, "2025-01-01T12:34:56Z")).unwrap();
    let text = text
        .replace("\"severity\"", "\"message\":\"canary message\",\"canary\":\"canary field\",\"severity\"");
    run(&MemoryStore::new(), &StoppedClock::at(start()), &[&model], true, text.as_bytes());
    let asked = model.asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(!asked.concat().contains("canary") && !asked.concat().contains("12:34"), "{asked:?}");
}

/// Row 11: a kill after the reply and before the commit; the next run pays again, and there is one insight.
#[test]
fn row_11_a_kill_between_reply_and_commit_is_paid_twice_and_stored_once() {
    let model = Scripted::new("first", answers(ANSWER));
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let event = first_event();
    {
        let plan = [(Operation::Put, Fault::KillBefore)];
        let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&store, &plan), &clock);
        let pipeline = pipeline.with_models(vec![&model], true);
        let (received, mut account) = (pipeline.receive(&event), Account::default());
        let deadline = clock.now().plus(EVENT_DEADLINE);
        let mut process = std::pin::pin!(pipeline.process(&received, deadline, &mut account));
        let waker = std::task::Waker::noop();
        let poll = process.as_mut().poll(&mut std::task::Context::from_waker(waker));
        assert!(poll.is_pending(), "the process dies");
    }
    outlive_the_lease(&clock);
    assert_eq!(run(&store, &clock, &[&model], true, &event).status(), "stored");
    assert_eq!(run(&store, &clock, &[&model], true, &event).status(), "repeated");
    assert_eq!(model.calls(), 2);
}

#[test]
fn a_degraded_insight_is_upgraded_once_and_keeps_its_attempts() {
    let model = Scripted::new("first", vec![Err(denied()), Ok((ANSWER, Stop::End))]);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&store, &[]), &clock)
        .with_models(vec![&model], true);
    let event = first_event();
    let outcome = block_on(pipeline.process(
        &pipeline.receive(&event),
        clock.now().plus(EVENT_DEADLINE),
        &mut Account::default(),
    ));
    assert_eq!(insight(&outcome).degraded, Some(true));
    let due = block_on(store.due(clock.now(), None, 9)).unwrap();
    assert_eq!(due.iter().map(|due| due.todo).collect::<Vec<_>>(), [Todo::Upgrade]);
    let upgrade = || {
        block_on(pipeline.upgrade(&due[0], clock.now().plus(EVENT_DEADLINE), &mut Account::default()))
            .unwrap()
    };
    // The breaker is open: no upgrade is spent, and nothing asked.
    assert!(matches!(upgrade(), Upgraded::Later(_)));
    assert_eq!(model.calls(), 1);
    clock.advance(UPGRADE_PAUSE);
    let Upgraded::Done(upgraded) = upgrade() else { panic!("not upgraded") };
    assert_eq!(
        (upgraded.grade, outcomes(&upgraded)),
        (Some(Grade::Model), vec!["access_denied", "accepted"])
    );
    assert_eq!(block_on(store.due(clock.now(), None, 9)).unwrap(), []);
    let types = AlertTypes::built_in();
    let key = Alert::read(&event, &types, start()).unwrap().insight_key();
    assert_eq!(block_on(store.insight(&key, clock.now())).unwrap(), Some(upgraded));
}

/// Both looked before either had the lease.
#[test]
fn an_upgrade_that_another_worker_has_made_is_not_paid_again() {
    let model = Scripted::new("first", vec![Err(denied()), Ok((ANSWER, Stop::End))]);
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    run(&store, &clock, &[&model], true, &first_event());
    clock.advance(UPGRADE_PAUSE);
    let due = block_on(store.due(clock.now(), None, 9)).unwrap();
    let worker = || {
        let pipeline = Pipeline::new(AlertTypes::built_in(), Faulty::new(&store, &[]), &clock)
            .with_models(vec![&model], true);
        block_on(pipeline.upgrade(&due[0], clock.now().plus(EVENT_DEADLINE), &mut Account::default()))
            .unwrap()
    };
    assert!(matches!(worker(), Upgraded::Done(_)));
    clock.advance(std::time::Duration::from_millis(1));
    assert!(matches!(worker(), Upgraded::Never));
    assert_eq!(model.calls(), 2);
}
