//! Tests how the chain stops, and what it returns: the stop reason, the attempts and the answer. The file `rows` tests
//! the outcomes of single calls.

use std::collections::VecDeque;
use std::time::Duration;

use super::script::{World, end, play, spec};
use portend_core::chain::{Attempt, AttemptOutcome, Budget, Chain, Health, Question, Verdict};
use portend_core::clock::Clock;
use portend_core::limits::CALLS_MAX;
use portend_core::model::{Call, Class, Completion, Model, ModelError, ModelSpec, SchemaForm, TokenUse};
use portend_core::prompt::ReplySchema;
use portend_core::store::{Reserved, StoreError};
use portend_core::time::Timestamp;
use portend_testing::clock::StoppedClock;

/// The line of one alert, with these responses of the store to its reservations.
fn reserving(script: &str, answers: Vec<Result<Reserved, StoreError>>) -> String {
    let world = World::new();
    let models = world.models(script);
    let mut answers = VecDeque::from(answers);
    let reserve = async || answers.pop_front().expect("one reservation per call");
    let asked = world.clock.run(world.ask_within(&models, Duration::from_mins(1), CALLS_MAX, reserve));
    world.line(&asked)
}

#[test]
fn without_a_reservation_no_call_is_made() {
    let busy = || Err(StoreError::Busy { source: "locked".into() });
    let call = || Ok(Reserved::Call(1));
    assert_eq!(reserving("ok", vec![call()]), "a:accepted => ok");
    assert_eq!(reserving("ok", vec![Ok(Reserved::Spent)]), "=> calls_spent degraded:budget");
    assert_eq!(reserving("ok", vec![Ok(Reserved::Lost)]), "=> lost");
    assert_eq!(reserving("ok", vec![busy()]), "=> store_failed");
    assert_eq!(
        reserving("bad", vec![call(), Ok(Reserved::Spent)]),
        "a:no_object => calls_spent degraded:unusable"
    );
    assert_eq!(
        reserving("timed_out | ok", vec![call(), Ok(Reserved::Spent)]),
        "a:timed_out => calls_spent degraded"
    );
}

#[test]
fn a_usable_answer_is_returned_although_the_store_fails_but_not_after_a_lost_lease() {
    let busy = Err(StoreError::Busy { source: "locked".into() });
    let then = |answer| vec![Ok(Reserved::Call(1)), answer];
    let script = "unsupported:2 ok | ok";
    assert_eq!(reserving(script, then(Ok(Reserved::Spent))), "a:unsupported => unsupported:2");
    assert_eq!(reserving(script, then(busy)), "a:unsupported => unsupported:2");
    assert_eq!(reserving(script, then(Ok(Reserved::Lost))), "a:unsupported => lost");
}

/// The second call goes to the next model, if there is one.
#[test]
fn an_upgrade_has_two_calls() {
    for (script, line) in [
        ("unavailable | ok", "a:unavailable b:accepted => ok"),
        ("unavailable", "a:unavailable a:unavailable => all_failed degraded"),
    ] {
        let world = World::new();
        let models = world.models(script);
        let two = world.ask_within(&models, Duration::from_mins(1), 2, async || Ok(Reserved::Call(6)));
        let asked = world.clock.run(two);
        assert_eq!(world.line(&asked), line);
    }
}

#[test]
fn a_chain_without_models_is_not_degraded() {
    let world = World::new();
    let asked = world.clock.run(world.ask(&[]));
    assert_eq!(world.line(&asked), "=> all_failed");
}

#[test]
fn each_attempt_records_its_call_and_its_outcome() {
    let world = World::new();
    let models = world.models("+ bad@2 unavailable@1 | unsupported:3 unsupported:1");
    let asked = world.clock.run(world.ask(&models));
    let [bad, unavailable, first, second] = asked.attempts.as_slice() else { panic!("{:?}", asked.attempts) };
    let expected = Attempt {
        spec: models[0].spec(),
        answered_by: Some("answered".into()),
        form: SchemaForm::Reduced,
        outcome: AttemptOutcome::Unusable { code: "no_object", violations: "<bad>".into() },
        ms: 2000,
        tokens: TokenUse { input: Some(9), output: Some(9), ..TokenUse::default() },
        text: Some("bad".into()),
    };
    assert_eq!(bad, &expected);
    assert_eq!(bad.class(), None);
    assert_eq!((unavailable.ms, unavailable.class()), (1000, Some(Class::Wait)));
    assert_eq!((&unavailable.text, unavailable.tokens.input), (&None, None));
    let answer = asked.answer.as_ref().unwrap();
    assert_eq!(
        (answer.spec, answer.model_id.as_str(), answer.is_fallback),
        (models[1].spec(), "answered", true)
    );
    assert_eq!(first.text.as_deref(), Some("unsupported:3"));
    assert_eq!(second.text, None, "the text of the answer is not recorded as rejected");
}

/// A model without references, so that it can move between threads.
struct Plain;

impl Model for Plain {
    fn spec(&self) -> &ModelSpec {
        static SPEC: std::sync::LazyLock<ModelSpec> =
            std::sync::LazyLock::new(|| spec("a", SchemaForm::PromptOnly));
        &SPEC
    }

    async fn ask(&self, _: &Call<'_>) -> Result<Completion, ModelError> {
        play("ok")
    }
}

#[test]
fn the_loop_runs_on_a_stopped_clock_and_can_move_between_threads() {
    let clock = StoppedClock::at(Timestamp::from_secs(0));
    let (health, models) = (Health::new(), [Plain]);
    let schema = ReplySchema::uniform(serde_json::Value::Null);
    let question = Question { system: "", user: "", schema: &schema, correction: str::to_owned, shorter: "" };
    let budget = Budget::new(CALLS_MAX, clock.now().plus(Duration::from_mins(1)));
    let chain = Chain::new(&models, &health, &clock);
    let count = async || Ok(());
    let judge = |completion: &Completion| Verdict::Accepted(completion.text.clone());
    let asked = std::thread::scope(|scope| {
        let future = chain.ask(&question, budget, count, judge);
        scope.spawn(|| futures_executor::block_on(future)).join().unwrap()
    });
    assert_eq!(end(&asked), "ok");
}
