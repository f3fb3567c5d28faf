//! Tests every rule for the outcome of a call: which call follows, and how the chain ends. The file `deadline` tests
//! the times.

use super::script::{World, check};
use portend_core::model::{Message, Role};

#[test]
fn a_transient_failure_is_retried_once_and_then_fails_over() {
    check(&[
        ("throttled", "throttled ok | ok", "a:throttled a:accepted => ok"),
        ("throttled twice", "throttled | ok", "a:throttled a:throttled b:accepted => ok"),
        ("throttled, with a time that fits", "throttled:30 ok | ok", "a:throttled a:accepted => ok"),
        ("throttled, with a time that does not", "throttled:55 ok | ok", "a:throttled b:accepted => ok"),
        ("500, 502, 503, 504, 424", "unavailable ok | ok", "a:unavailable a:accepted => ok"),
        ("the same twice", "unavailable | ok", "a:unavailable a:unavailable b:accepted => ok"),
        ("refused, reset, TLS, DNS", "unreachable | ok", "a:unreachable a:unreachable b:accepted => ok"),
        ("cut, too large, not JSON", "unreadable | ok", "a:unreadable a:unreadable b:accepted => ok"),
        ("a mixture", "unreadable throttled | ok", "a:unreadable a:throttled b:accepted => ok"),
    ]);
}

#[test]
fn a_failure_that_a_pause_cannot_fix_fails_over_at_once() {
    check(&[
        ("408", "timed_out ok | ok", "a:timed_out b:accepted => ok"),
        ("our time-out", "hang ok | ok", "a:timed_out b:accepted => ok"),
        ("the account's quota", "over_quota ok | ok", "a:over_quota b:accepted => ok"),
        ("configuration raises an alarm", "key ok | ok", "a:wrong_key b:accepted => ok (a wrong_key)"),
        (
            "a rejected request raises an alarm",
            "rejected ok | ok",
            "a:rejected b:accepted => ok (a rejected)",
        ),
        (
            "configuration after a pause",
            "unavailable key | ok",
            "a:unavailable a:wrong_key b:accepted => ok (a wrong_key)",
        ),
        (
            "each model has its alarm",
            "key | rejected | ok",
            "a:wrong_key b:rejected c:accepted => ok (a wrong_key) (b rejected)",
        ),
    ]);
}

#[test]
fn an_unusable_reply_is_re_asked_once_and_then_fails_over() {
    check(&[
        ("repaired", "bad ok | ok", "a:no_object a!:accepted => ok"),
        ("unusable twice", "bad | ok", "a:no_object a!:no_object b:accepted => ok"),
        (
            "the next model has its own re-ask",
            "bad | bad ok",
            "a:no_object a!:no_object b:no_object b!:accepted => ok",
        ),
        (
            "a failed re-ask is not repeated",
            "bad unavailable | ok",
            "a:no_object a!:unavailable b:accepted => ok",
        ),
        ("no re-ask after a retry", "unavailable bad | ok", "a:unavailable a:no_object b:accepted => ok"),
        ("empty", "empty ok | ok", "a:empty a:accepted => ok"),
        ("empty twice", "empty blank | ok", "a:empty a:empty b:accepted => ok"),
        ("an unknown stop reason", "unknown ok | ok", "a:unknown_stop a:accepted => ok"),
        ("twice", "unknown | ok", "a:unknown_stop a:unknown_stop b:accepted => ok"),
        ("at its length", "length ok | ok", "a:length a^:accepted => ok"),
        ("twice", "length | ok", "a:length a^:length b:accepted => ok"),
        (
            "each model has its own token limit",
            "length | length ok",
            "a:length a^:length b:length b^:accepted => ok",
        ),
    ]);
}

#[test]
fn unsupported_numbers_never_fail_over() {
    check(&[
        ("repaired", "unsupported:2 ok | ok", "a:unsupported a!:accepted => ok"),
        ("fewer", "unsupported:2 unsupported:1 | ok", "a:unsupported a!:unsupported => unsupported:1"),
        ("more", "unsupported:1 unsupported:2 | ok", "a:unsupported a!:unsupported => unsupported:1"),
        ("as many", "unsupported:2 unsupported:02 | ok", "a:unsupported a!:unsupported => unsupported:2"),
        ("then unusable", "unsupported:2 bad | ok", "a:unsupported a!:no_object => unsupported:2"),
        ("after unusable", "bad unsupported:2 | ok", "a:no_object a!:unsupported => unsupported:2"),
        ("after a pause", "throttled unsupported:2 | ok", "a:throttled a:unsupported => unsupported:2"),
        ("then a failure", "unsupported:2 unavailable | ok", "a:unsupported a!:unavailable => unsupported:2"),
        ("then a time-out", "unsupported:2 hang | ok", "a:unsupported a!:timed_out => unsupported:2"),
        ("then a refusal", "unsupported:2 refusal | ok", "a:unsupported a!:refusal => unsupported:2"),
        (
            "then a configuration fault, which is reported",
            "unsupported:2 key | ok",
            "a:unsupported a!:wrong_key => unsupported:2 (a wrong_key)",
        ),
        (
            "of a fallback",
            "refusal | unsupported:2",
            "a:refusal b:unsupported b!:unsupported => unsupported:2",
        ),
    ]);
}

#[test]
fn a_refusal_fails_over_and_a_guardrail_stops() {
    check(&[
        ("refusal", "refusal ok | ok", "a:refusal b:accepted => ok"),
        ("refusal of all", "refusal | refusal", "a:refusal b:refusal => all_failed"),
        ("guardrail", "guardrail | ok", "a:guardrail => guardrail"),
        (
            "of a fallback",
            "unavailable | guardrail | ok",
            "a:unavailable a:unavailable b:guardrail => guardrail",
        ),
        ("guardrail at a re-ask", "bad guardrail | ok", "a:no_object a!:guardrail => guardrail"),
        (
            "also after a usable answer",
            "unsupported:1 guardrail | ok",
            "a:unsupported a!:guardrail => guardrail",
        ),
    ]);
}

#[test]
fn an_alert_has_five_calls() {
    check(&[
        (
            "three models",
            "bad | bad | bad",
            "a:no_object a!:no_object b:no_object b!:no_object c:no_object => calls_spent degraded:unusable",
        ),
        (
            "four models",
            "bad | unavailable | bad ok | ok",
            "a:no_object a!:no_object b:unavailable b:unavailable c:no_object => calls_spent degraded",
        ),
        (
            "four that fail at once",
            "refusal | refusal | refusal | ok",
            "a:refusal b:refusal c:refusal d:accepted => ok",
        ),
    ]);
}

#[test]
fn a_result_is_degraded_if_time_or_a_person_can_fix_the_cause() {
    check(&[
        ("transient", "unavailable", "a:unavailable a:unavailable => all_failed degraded"),
        ("time-out", "timed_out", "a:timed_out => all_failed degraded"),
        ("quota", "over_quota", "a:over_quota => all_failed degraded"),
        ("configuration", "key", "a:wrong_key => all_failed degraded:configuration (a wrong_key)"),
        ("unusable", "bad", "a:no_object a!:no_object => all_failed degraded:unusable"),
        ("empty", "empty", "a:empty a:empty => all_failed degraded:unusable"),
        ("cut off", "length", "a:length a^:length => all_failed degraded:unusable"),
        ("unusable, and refused", "bad | refusal", "a:no_object a!:no_object b:refusal => all_failed"),
        (
            "unusable, and a fault",
            "bad | key",
            "a:no_object a!:no_object b:wrong_key => all_failed degraded:configuration (b wrong_key)",
        ),
        ("refusal", "refusal", "a:refusal => all_failed"),
        ("rejected", "rejected", "a:rejected => all_failed (a rejected)"),
        ("guardrail after a failure", "timed_out | guardrail", "a:timed_out b:guardrail => guardrail"),
        ("one of two", "timed_out | refusal", "a:timed_out b:refusal => all_failed degraded"),
        ("the other of two", "refusal | timed_out", "a:refusal b:timed_out => all_failed degraded"),
        (
            "the last outcome of a model counts",
            "bad unavailable",
            "a:no_object a!:unavailable => all_failed degraded",
        ),
        ("and not its first", "unavailable bad", "a:unavailable a:no_object => all_failed degraded:unusable"),
        (
            "an answer is never degraded",
            "timed_out | unsupported:1 bad",
            "a:timed_out b:unsupported b!:no_object => unsupported:1",
        ),
    ]);
}

#[test]
fn a_re_ask_quotes_the_reply_and_its_exact_violations() {
    let world = World::new();
    let models = world.models("bad ok | ok");
    world.clock.run(world.ask(&models));
    let message = |role, text: &str| Message { role, text: text.into() };
    let made = world.made.lock().unwrap();
    assert_eq!(made[0].messages, [message(Role::User, "facts")]);
    assert_eq!(
        made[1].messages,
        [message(Role::User, "facts"), message(Role::Assistant, "bad"), message(Role::User, "fix <bad>")]
    );
}

#[test]
fn a_reply_at_the_models_own_token_limit_is_not_retried() {
    let world = World::new();
    let mut models = world.models("length | length ok");
    models[0].spec.output_tokens_max = 500;
    models[1].spec.output_tokens_max = 1500;
    let asked = world.clock.run(world.ask(&models));
    let limits: Vec<u32> = world.made.lock().unwrap().iter().map(|made| made.output_tokens).collect();
    assert_eq!(limits, [500, 1000, 1500]);
    assert_eq!(world.line(&asked), "a:length b:length b^:accepted => ok");
}
