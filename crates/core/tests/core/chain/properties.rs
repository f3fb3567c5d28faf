//! Tests the invariants of the chain with random scripts, limits, times and stores.
//!
//! Never: depends on how the policy decides.

use std::time::Duration;

use proptest::prelude::*;

use super::script::World;
use portend_core::chain::{AttemptOutcome, StopReason};
use portend_core::clock::Clock;
use portend_core::limits::CALLS_MAX;
use portend_core::limits::{ATTEMPT_TIME_MIN, ATTEMPT_TIMEOUT, MODEL_CALLS_MAX, STORE_RESERVE};
use portend_core::store::{Reserved, StoreError};

const WORDS: [&str; 22] = [
    "ok",
    "bad",
    "bad",
    "unsupported:1",
    "unsupported:2",
    "length",
    "empty",
    "unknown",
    "refusal",
    "guardrail",
    "throttled",
    "throttled:4",
    "unavailable",
    "unavailable",
    "timed_out",
    "over_quota",
    "schema",
    "grammar",
    "parameter",
    "rejected",
    "key",
    "hang",
];

/// The kind of the store's response to a reservation, and the seconds that it takes.
type Counted = (u8, u64);

#[derive(Debug, Clone)]
struct Case {
    script: String,
    ceilings: Vec<u32>,
    secs: u64,
    calls: u32,
    reservations: Vec<Counted>,
    /// The number of alerts before this one, which bring breakers and schemas into any state.
    before: usize,
}

fn model() -> impl Strategy<Value = String> {
    let word = (prop::sample::select(&WORDS[..]), prop_oneof![3 => 0..3_u64, 1 => 0..30_u64])
        .prop_map(|(word, secs)| format!("{word}@{secs}"));
    (prop::sample::select(vec!["", "+", "++"]), prop::collection::vec(word, 1..6))
        .prop_map(|(native, words)| format!("{native} {}", words.join(" ")))
}

fn case() -> impl Strategy<Value = Case> {
    let reservation =
        (prop_oneof![20 => Just(0_u8), 1 => 1..4_u8], prop_oneof![40 => Just(0), 1 => 0..9_u64]);
    (
        prop::collection::vec(model(), 1..5),
        prop::collection::vec(prop::sample::select(vec![500, 1500, 8000]), 4),
        prop_oneof![2 => Just(60), 1 => 0..90_u64],
        1..=CALLS_MAX,
        prop::collection::vec(reservation, 24),
        0..4_usize,
    )
        .prop_map(|(models, ceilings, secs, calls, reservations, before)| Case {
            script: models.join("|"),
            ceilings,
            secs,
            calls,
            reservations,
            before,
        })
}

fn answer(kind: u8) -> Result<Reserved, StoreError> {
    match kind {
        0 => Ok(Reserved::Call(1)),
        1 => Ok(Reserved::Spent),
        2 => Ok(Reserved::Lost),
        _ => Err(StoreError::Busy { source: "locked".into() }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_outcomes_breaks_a_bound(case in case()) {
        let world = World::new();
        let mut models = world.models(&case.script);
        for (model, ceiling) in models.iter_mut().zip(&case.ceilings) {
            model.spec.output_tokens_max = *ceiling;
        }
        for _ in 0..case.before {
            world.clock.run(world.ask(&models));
        }
        world.made.lock().unwrap().clear();
        let start = world.clock.now();
        let end = start.plus(Duration::from_secs(case.secs)).minus(STORE_RESERVE);
        let mut reservations = case.reservations.iter();
        let mut reserved = 0;
        let clock = &world.clock;
        let reserve = async || {
            let (kind, secs) = *reservations.next().expect("fewer reservations than models and calls");
            reserved += usize::from(kind == 0);
            clock.sleep(Duration::from_secs(secs)).await;
            answer(kind)
        };
        let time = Duration::from_secs(case.secs);
        let asked = clock.run(world.ask_within(&models, time, case.calls, reserve));
        let made = world.made.lock().unwrap();

        prop_assert_eq!(made.len(), asked.attempts.len());
        prop_assert!(made.len() <= reserved, "a call has no reservation");
        prop_assert!(made.len() <= usize::try_from(case.calls).unwrap());
        let position = |name: &str| models.iter().position(|model| model.spec.name == name).unwrap();
        for model in &models {
            let of_model: Vec<_> = asked.attempts.iter().filter(|each| *each.spec == model.spec).collect();
            let stepped_down = of_model.iter().filter(|each| {
                matches!(each.outcome, AttemptOutcome::SchemaRejected { .. } | AttemptOutcome::ParameterRejected { .. })
            });
            let downs = stepped_down.count();
            prop_assert!(of_model.len() - downs <= MODEL_CALLS_MAX);
            let is_schema = |outcome: &AttemptOutcome| matches!(outcome, AttemptOutcome::SchemaRejected { .. });
            prop_assert!(of_model.iter().filter(|each| is_schema(&each.outcome)).count() <= 2);
        }
        for (call, attempt) in made.iter().zip(&asked.attempts) {
            let took = Duration::from_millis(attempt.ms);
            prop_assert!(end.since(call.at) >= ATTEMPT_TIME_MIN, "a call begins too late");
            prop_assert!(took <= ATTEMPT_TIMEOUT && call.at.plus(took) <= end, "a call takes too long");
            prop_assert!(call.output_tokens <= attempt.spec.output_tokens_max);
        }
        for (one, next) in asked.attempts.iter().zip(asked.attempts.iter().skip(1)) {
            prop_assert!(position(&one.spec.name) <= position(&next.spec.name), "the chain goes back to an earlier model");
            prop_assert!(!matches!(one.outcome, AttemptOutcome::Accepted | AttemptOutcome::Guardrail), "a call follows the end of the chain");
            let may_fail_over = !matches!(one.outcome, AttemptOutcome::Unsupported { .. });
            prop_assert!(may_fail_over || one.spec == next.spec, "the chain fails over from a usable answer");
        }
        let usable = asked.attempts.iter().any(|attempt| attempt.outcome.is_usable());
        let withheld = matches!(asked.stop, StopReason::Guardrail | StopReason::Lost);
        prop_assert_eq!(asked.answer.is_some(), usable && !withheld);
        prop_assert!(asked.degraded.is_none() || asked.answer.is_none());
        if case.reservations.iter().all(|(_, secs)| *secs == 0) {
            prop_assert!(clock.now() <= end.max(start), "the chain uses the time of the store");
        }
    }
}
