//! The policy as a table: attempts, health and seconds in, a step out.
//!
//! Takes: attempts such as `a:bad a:wait3`, and a character per model: `.` closed, `?` half-open, `x` open,
//! `p` closed and known to refuse the schema, `n` closed, with a native schema that has worked, `b` closed, without a slot
//! in time. Every model takes the reduced schema, and `d` the bounded one; `c` cannot give a longer reply.
//! Returns: the step as text: `a+!0^ 20s` calls `a` with the schema (`++`: the bounded one), quotes attempt 0, with a
//! larger ceiling, for 20 s.

use std::time::Duration;

use super::super::policy::{Candidate, Step, next, skipped};
use super::super::{Attempt, AttemptOutcome, Budget, Circuit, ModelHealth};
use super::{error, spec};
use crate::limits::CALLS_MAX;
use crate::limits::OUTPUT_TOKENS;
use crate::model::{ConfigurationFault, ModelError, ModelSpec, SchemaForm};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::EPOCH;

fn outcome(word: &str) -> AttemptOutcome {
    let violations = String::from("violations");
    if let Some(secs) = word.strip_prefix("wait") {
        let again_at = Some(NOW.plus(Duration::from_secs(secs.parse().unwrap())));
        return AttemptOutcome::Failed { error: ModelError::Unavailable { what: "503".into() }, again_at };
    }
    match word {
        "ok" => AttemptOutcome::Accepted,
        "unsupported" => AttemptOutcome::Unsupported { count: 1, violations },
        "bad" => AttemptOutcome::Unusable { code: "no_object", violations },
        "placeholder" => AttemptOutcome::Unusable { code: "placeholder:explanation", violations },
        "length" => AttemptOutcome::Length,
        "empty" => AttemptOutcome::Empty,
        "unknown" => AttemptOutcome::UnknownFinish { reason: "pause".into() },
        "refusal" => AttemptOutcome::Refusal,
        "guardrail" => AttemptOutcome::Guardrail,
        "stepped" => AttemptOutcome::SchemaRejected { error: ModelError::SchemaRefused },
        "grammar" => AttemptOutcome::SchemaRejected { error: ModelError::SchemaUnsupported },
        "parameter" => AttemptOutcome::ParameterRejected {
            error: ModelError::ParameterRefused { parameter: "temperature" },
        },
        _ => AttemptOutcome::Failed { error: error(word), again_at: None },
    }
}

fn attempt<'m>(specs: &'m [ModelSpec], word: &str) -> Attempt<'m> {
    let (name, ended) = word.split_once(':').unwrap();
    let spec = specs.iter().find(|spec| spec.name == name).unwrap();
    Attempt { outcome: outcome(ended), ..Attempt::new(spec, spec.schema, Duration::ZERO) }
}

fn health(letter: char) -> ModelHealth {
    let circuit = match letter {
        'x' => Circuit::Open { fault: Some(ConfigurationFault::WrongKey) },
        '?' => Circuit::HalfOpen,
        _ => Circuit::Closed,
    };
    let schema_max = if letter == 'p' { SchemaForm::PromptOnly } else { SchemaForm::Bounded };
    ModelHealth { circuit, schema_max, native_has_worked: letter == 'n' }
}

fn shown(step: &Step<'_, '_, ()>) -> String {
    match step {
        Step::Wait(until) => format!("wait {}s", until.since(NOW).as_secs()),
        Step::Stop(reason) => format!("stop {reason:?}"),
        Step::Call(call) => {
            let name = &call.candidate.spec.name;
            let native = match call.form {
                SchemaForm::PromptOnly => "",
                SchemaForm::Reduced => "+",
                SchemaForm::Bounded => "++",
            };
            let quoted = call.quoted.map(|index| format!("!{index}")).unwrap_or_default();
            let longer = if call.output_tokens > OUTPUT_TOKENS { "^" } else { "" };
            format!("{name}{native}{quoted}{longer} {}s", call.until.since(NOW).as_secs())
        }
    }
}

/// Attempts, health, the seconds until the models' end, and the step; where breakers are passed over, also
/// which.
fn check(rows: &[(&str, &str, u64, &str)]) {
    let mut wrong = Vec::new();
    let mut specs: Vec<ModelSpec> = ["a", "b", "c", "d"].map(|name| spec(name, SchemaForm::Reduced)).into();
    if let Some(spec) = specs.last_mut() {
        spec.schema = SchemaForm::Bounded;
    }
    if let Some(spec) = specs.get_mut(2) {
        spec.output_tokens_max = OUTPUT_TOKENS;
    }
    for (attempts, letters, secs, expected) in rows {
        let tried: Vec<Attempt<'_>> = attempts.split_whitespace().map(|word| attempt(&specs, word)).collect();
        let candidate =
            |(spec, letter)| Candidate { model: &(), spec, health: health(letter), is_busy: letter == 'b' };
        let candidates: Vec<_> = specs.iter().zip(letters.chars()).map(candidate).collect();
        let budget = Budget::new(CALLS_MAX, NOW.plus(Duration::from_secs(secs + 3)));
        let step = next(&candidates, &tried, budget, NOW);
        let passed = skipped(&step, &candidates, &tried);
        let passed: Vec<String> =
            passed.iter().map(|skipped| format!(" past {}", skipped.spec.name)).collect();
        let actual = shown(&step) + &passed.concat();
        if actual != *expected {
            wrong.push(format!("[{attempts}] {letters} {secs}s: {actual}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_last_attempt_decides_who_is_asked_next() {
    check(&[
        ("", "..", 57, "a+ 20s"),
        ("a:ok", "..", 57, "stop Answered"),
        ("a:unsupported", "..", 57, "a+!0 20s"),
        ("a:unsupported a:unsupported", "..", 57, "stop Answered"),
        ("a:unsupported a:bad", "..", 57, "stop Answered"),
        ("a:bad", "..", 57, "a!0 20s"),
        ("a:bad", "n.", 57, "a+!0 20s"),
        ("a:placeholder", "..", 57, "a+!0 20s"),
        ("a:bad a:bad", "..", 57, "b+ 20s"),
        ("a:bad a:unsupported", "..", 57, "stop Answered"),
        ("a:length", "..", 57, "a^ 20s"),
        ("a:length", "n.", 57, "a^ 20s"),
        ("a:length a:length", "..", 57, "b+ 20s"),
        ("a:refusal b:refusal c:length", "....", 57, "d++ 20s"),
        ("d:stepped", "xxx.", 57, "d+ 20s"),
        ("d:length", "xxx.", 57, "d+^ 20s"),
        ("d:grammar", "xxx.", 57, "d 20s"),
        ("d:empty", "xxx.", 57, "d 20s"),
        ("d:empty", "xxxn", 57, "d++ 20s"),
        ("a:parameter", "..", 57, "a+ 20s"),
        ("a:parameter a:bad", "..", 57, "a!1 20s"),
        ("a:parameter a:parameter", "..", 57, "b+ 20s"),
        ("a:empty", "..", 57, "a 20s"),
        ("a:empty", "n.", 57, "a+ 20s"),
        ("a:empty a:bad", "..", 57, "b+ 20s"),
        ("a:unknown", "..", 57, "a+ 20s"),
        ("a:refusal", "..", 57, "b+ 20s"),
        ("a:guardrail", "..", 57, "stop Guardrail"),
        ("a:bad a:guardrail", "..", 57, "stop Guardrail"),
        ("a:stepped", "..", 57, "a 20s"),
        ("a:stepped a:bad", "..", 57, "a!1 20s"),
        ("a:bad a:stepped", "..", 57, "a!0 20s"),
        ("a:unsupported a:stepped", "..", 57, "a!0 20s"),
        ("a:stepped a:bad a:bad", "..", 57, "b+ 20s"),
        ("a:wait3", "..", 57, "wait 3s"),
        ("a:wait0", "..", 57, "a+ 20s"),
        ("a:wait0 a:wait3", "..", 57, "b+ 20s"),
        ("a:stepped a:wait3", "..", 57, "wait 3s"),
        ("a:wait0 a:wait0 b:stepped b:wait3", "..", 57, "wait 3s"),
        ("a:wait0 a:wait0 b:stepped b:wait3", "...", 57, "c+ 20s"),
        ("a:wait0 a:wait0 b:stepped b:wait3", "..x", 57, "wait 3s"),
        ("a:timed_out", "..", 57, "b+ 20s"),
        ("a:over_quota", "..", 57, "b+ 20s"),
        ("a:rejected", "..", 57, "b+ 20s"),
        ("a:key", "..", 57, "b+ 20s"),
        ("a:key b:key", "..", 57, "stop AllFailed"),
        ("", "", 57, "stop AllFailed"),
    ]);
}

#[test]
fn five_calls_are_the_most_step_downs_included() {
    check(&[
        ("a:bad a:bad b:bad b:bad", "...", 57, "c+ 20s"),
        ("a:bad a:bad b:bad b:bad c:bad", "...", 57, "stop CallsSpent"),
        ("a:bad a:bad b:bad b:bad c:key", "...", 57, "stop AllFailed"),
        ("a:stepped a:bad a:bad b:stepped", "..", 57, "b 20s"),
        ("a:stepped a:bad a:bad b:stepped b:bad", "..", 57, "stop CallsSpent"),
        ("a:stepped a:bad a:bad b:stepped b:unsupported", "..", 57, "stop Answered"),
    ]);
}

#[test]
fn an_open_breaker_is_passed_over_and_said_so() {
    check(&[
        ("", "x.", 57, "b+ 20s past a"),
        ("", "xx", 57, "stop AllFailed past a past b"),
        ("", "?.", 57, "a+ 20s"),
        ("", "p.", 57, "a 20s"),
        ("a:wait3", "x.", 57, "b+ 20s past a"),
        ("a:bad", "x.", 57, "b+ 20s past a"),
        ("a:stepped", "x.", 57, "b+ 20s past a"),
        ("a:refusal", "xx.", 57, "c+ 20s past b"),
        ("a:unsupported", "x.", 57, "stop Answered past a"),
        ("a:ok", ".x", 57, "stop Answered"),
        ("a:guardrail", ".x", 57, "stop Guardrail"),
    ]);
}

#[test]
fn an_attempt_leaves_the_next_model_its_time() {
    check(&[
        ("", "..", 26, "a+ 20s"),
        ("", "..", 25, "a+ 19s"),
        ("", "..", 11, "a+ 5s"),
        ("", "..", 10, "b+ 10s"),
        ("", "..", 5, "b+ 5s"),
        ("", "..", 4, "stop Deadline"),
        ("", "..", 0, "stop Deadline"),
        // A model without a slot is passed over, but it has not failed.
        ("", "b.", 57, "b+ 20s"),
        ("", "bb", 57, "stop Deadline"),
        ("a:refusal", ".b", 57, "stop Deadline"),
        // There is no next model, or none that may be asked.
        ("", ".", 9, "a+ 9s"),
        ("", ".x", 9, "a+ 9s"),
        ("a:bad a:bad b:bad b:bad", "....", 9, "c+ 9s"),
        // A usable answer is not given up, so the next model needs no time.
        ("a:unsupported", "..", 9, "a+!0 9s"),
        ("a:unsupported", "..", 4, "stop Answered"),
        ("a:bad", "..", 9, "b+ 9s"),
        ("a:stepped", "..", 9, "b+ 9s"),
        // A pause must leave the same.
        ("a:wait3", "..", 14, "wait 3s"),
        ("a:wait3", "..", 13, "b+ 13s"),
        ("a:wait3", ".", 8, "wait 3s"),
        ("a:wait3", ".", 7, "stop Deadline"),
    ]);
}
