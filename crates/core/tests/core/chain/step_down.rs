//! Tests the native schema: which calls have it, when the chain steps down, and how long the chain remembers a refusal.
//! The file `deadline` tests the times within one alert.

use std::time::Duration;

use super::script::{World, check};
use portend_core::clock::Clock;
use portend_core::model::SchemaForm;

#[test]
fn a_refused_schema_steps_down_to_the_prompt_and_costs_none_of_the_models_two_calls() {
    check(&[
        ("sent to a model that takes it", "+ ok | ok", "a+:accepted => ok"),
        ("refused", "+ schema ok | ok", "a+:schema_refused a:accepted => ok"),
        ("refused, then a re-ask", "+ schema bad ok", "a+:schema_refused a:no_object a!:accepted => ok"),
        ("refused, then a pause", "+ schema throttled ok", "a+:schema_refused a:throttled a:accepted => ok"),
        ("refused after a pause", "+ throttled schema ok", "a+:throttled a+:schema_refused a:accepted => ok"),
        ("refused at a re-ask", "+ unknown schema ok", "a+:unknown_stop a+:schema_refused a:accepted => ok"),
        ("the bounded one, then the reduced one", "++ schema ok", "a++:schema_refused a+:accepted => ok"),
        ("both", "++ schema schema ok | ok", "a++:schema_refused a+:schema_refused a:accepted => ok"),
        ("a grammar, then the prompt alone", "++ grammar ok | ok", "a++:schema_refused a:accepted => ok"),
        (
            "it counts towards the five",
            "+ schema bad | + schema bad | ok",
            "a+:schema_refused a:no_object a!:no_object b+:schema_refused b:no_object => calls_spent degraded:unusable",
        ),
        (
            "refused although none was sent",
            "+ schema | ok",
            "a+:schema_refused a:refused b:accepted => ok (a refused)",
        ),
        ("the same without a native schema", "schema | ok", "a:refused b:accepted => ok (a refused)"),
    ]);
}

#[test]
fn a_time_out_steps_down_until_the_native_schema_has_worked() {
    check(&[
        ("our time-out", "+ hang ok | ok", "a+:timed_out a:accepted => ok"),
        ("the vendor's", "+ timed_out ok | ok", "a+:timed_out a:accepted => ok"),
        ("then another", "+ timed_out | ok", "a+:timed_out a:timed_out b:accepted => ok"),
        ("then a re-ask", "+ timed_out bad ok | ok", "a+:timed_out a:no_object a!:accepted => ok"),
        (
            "once it has worked, no more",
            "+ unsupported:1 timed_out ok | ok",
            "a+:unsupported a+!:timed_out => unsupported:1",
        ),
        (
            "an unknown end shows nothing of the form",
            "+ unknown timed_out ok | ok",
            "a+:unknown_stop a+:timed_out a:accepted => ok",
        ),
    ]);
}

#[test]
fn a_schema_that_is_accepted_and_useless_steps_down_once_and_that_is_remembered() {
    check(&[
        ("nothing", "+ empty ok | ok", "a+:empty a:accepted => ok"),
        ("nonsense", "++ bad ok | ok", "a++:no_object a!:accepted => ok"),
        ("by the prompt too", "+ empty bad | ok", "a+:empty a:no_object b:accepted => ok"),
    ]);
    let (now, almost, day) = (Duration::ZERO, Duration::from_mins(24 * 60 - 1), Duration::from_hours(24));
    assert_eq!(
        alerts("++ empty ok ok empty ok", &[now, almost, day]),
        ["a++:empty a:accepted => ok", "a:accepted => ok", "a++:empty a:accepted => ok"]
    );
    // Once a native form has worked, a useless reply is the reply's fault.
    assert_eq!(alerts("+ ok bad ok", &[now, now]), ["a+:accepted => ok", "a+:no_object a+!:accepted => ok"]);
}

#[test]
fn a_reply_at_its_length_is_asked_again_with_less_and_shows_nothing_of_the_schema() {
    check(&[
        ("bounded", "++ length ok", "a++:length a+^:accepted => ok"),
        ("reduced", "+ length ok", "a+:length a^:accepted => ok"),
        ("it has not worked", "++ length hang ok | ok", "a++:length a+^:timed_out a^:accepted => ok"),
    ]);
    let now = Duration::ZERO;
    assert_eq!(
        alerts("++ length ok ok", &[now, now]),
        ["a++:length a+^:accepted => ok", "a++:accepted => ok"]
    );
}

#[test]
fn a_refused_parameter_costs_none_of_the_models_two_calls() {
    check(&[
        ("once", "parameter ok", "a:parameter_refused a:accepted => ok"),
        ("the same twice", "parameter | ok", "a:parameter_refused a:parameter_refused b:accepted => ok"),
        ("then a re-ask", "+ parameter bad ok", "a+:parameter_refused a+:no_object a!:accepted => ok"),
    ]);
}

/// The calls of one alert after another, each after a pause.
fn alerts(script: &str, pauses: &[Duration]) -> Vec<String> {
    let world = World::new();
    let models = world.models(script);
    let mut lines = Vec::new();
    for pause in pauses {
        world.clock.advance(*pause);
        let asked = world.clock.run(world.ask(&models));
        lines.push(world.line(&asked));
    }
    lines
}

#[test]
fn a_refusal_of_the_schema_is_remembered_for_a_day() {
    let (now, almost, day) = (Duration::ZERO, Duration::from_mins(24 * 60 - 1), Duration::from_hours(24));
    assert_eq!(
        alerts("+ schema ok ok schema ok", &[now, almost]),
        ["a+:schema_refused a:accepted => ok", "a:accepted => ok"]
    );
    assert_eq!(
        alerts("+ schema ok schema ok", &[now, day]),
        ["a+:schema_refused a:accepted => ok", "a+:schema_refused a:accepted => ok"]
    );
}

#[test]
fn a_slow_schema_is_remembered_for_minutes_because_the_vendor_may_compile_it() {
    let (now, soon, later) = (Duration::ZERO, Duration::from_mins(4), Duration::from_mins(6));
    assert_eq!(
        alerts("+ hang ok ok ok timed_out | ok", &[now, soon, later, later]),
        [
            "a+:timed_out a:accepted => ok",
            "a:accepted => ok",
            "a+:accepted => ok",
            "a+:timed_out b:accepted => ok"
        ]
    );
}

#[test]
fn a_refusal_of_the_schema_is_remembered_for_its_endpoint_and_model() {
    let world = World::new();
    let mut models = world.models("+ schema bad | + schema ok");
    models[1].spec.model_id = "a-1".into();
    let asked = world.clock.run(world.ask(&models));
    assert_eq!(
        world.line(&asked),
        "a+:schema_refused a:no_object a!:no_object b:refused => all_failed degraded:configuration (b refused)"
    );

    let world = World::new();
    let mut models = world.models("+ schema bad | + ok");
    models[1].spec.model_id = "a-1".into();
    models[1].spec.endpoint = "there".into();
    let asked = world.clock.run(world.ask(&models));
    assert_eq!(world.line(&asked), "a+:schema_refused a:no_object a!:no_object b+:accepted => ok");
}

#[test]
fn a_slow_schema_does_not_shorten_the_memory_of_a_refusal() {
    let world = World::new();
    // The second alert begins while the first still waits for its reply.
    let models = world.models("+ timed_out@9 schema@1 ok");
    let both = world.clock.run_all((0..2).map(|_| world.ask(&models)).collect());
    assert!(both.iter().all(|asked| asked.attempts.first().is_some_and(|first| first.form.is_native())));
    world.clock.advance(Duration::from_hours(1));
    let standing = world.health.of(&models[0].spec, world.clock.now());
    assert_eq!(standing.schema_max, SchemaForm::PromptOnly);
}
