//! Tests the breakers over many alerts, one after another and at once.
//!
//! Never: waits in real time.

use std::time::Duration;

use super::script::{Made, START, World};
use portend_core::chain::Circuit;
use portend_core::clock::Clock;
use portend_core::limits::CALLS_MAX;
use portend_core::model::ConfigurationFault;
use portend_core::store::Reserved;
use portend_core::time::Timestamp;

/// The line of each alert, with a pause in seconds before each.
fn lines(script: &str, pauses_secs: &[u64]) -> Vec<String> {
    let world = World::new();
    let models = world.models(script);
    pauses_secs
        .iter()
        .map(|secs| {
            world.clock.advance(Duration::from_secs(*secs));
            let asked = world.clock.run(world.ask(&models));
            world.line(&asked)
        })
        .collect()
}

#[test]
fn five_transient_failures_in_a_row_open_the_breaker_and_a_probe_closes_it() {
    let script = "unavailable unavailable unavailable unavailable unavailable unavailable ok ok | ok";
    let expected = [
        "a:unavailable a:unavailable b:accepted => ok",
        "a:unavailable a:unavailable b:accepted => ok",
        "a:unavailable b:accepted => ok",
        "b:accepted => ok",
        "b:accepted => ok",
        "a:unavailable b:accepted => ok",
        "b:accepted => ok",
        "a:accepted => ok",
        "a:accepted => ok",
    ];
    assert_eq!(lines(script, &[0, 1, 1, 0, 29, 1, 29, 1, 0]), expected);
}

#[test]
fn time_outs_count_as_transient_and_a_success_resets_the_count() {
    let out = "a:timed_out b:accepted => ok";
    let open = "b:accepted => ok";
    assert_eq!(lines("timed_out | ok", &[0; 6]), [out, out, out, out, out, open]);
    let four = "timed_out timed_out timed_out timed_out ";
    let ok = "a:accepted => ok";
    let script = format!("{four} ok {four} bad ok timed_out | ok");
    let repaired = "a:no_object a!:accepted => ok";
    assert_eq!(lines(&script, &[0; 11]), [out, out, out, out, ok, out, out, out, out, repaired, out]);
}

#[test]
fn neither_a_bad_reply_nor_a_rejected_request_opens_the_breaker() {
    for (script, expected) in [
        ("bad | ok", "a:no_object a!:no_object b:accepted => ok"),
        ("empty | ok", "a:empty a:empty b:accepted => ok"),
        ("refusal | ok", "a:refusal b:accepted => ok"),
        ("guardrail | ok", "a:guardrail => guardrail"),
        ("rejected | ok", "a:rejected b:accepted => ok (a rejected)"),
    ] {
        assert!(lines(script, &[0; 12]).iter().all(|line| line == expected), "{script}");
    }
}

#[test]
fn a_configuration_error_opens_the_breaker_at_once_and_is_always_reported() {
    let (asked, skipped) =
        ("a:wrong_key b:accepted => ok (a wrong_key)", "b:accepted => ok (skipped a wrong_key)");
    let repaired = "a:accepted => ok";
    assert_eq!(
        lines("key key ok | ok", &[0, 0, 299, 1, 299, 1, 0]),
        [asked, skipped, skipped, asked, skipped, repaired, repaired]
    );
    assert_eq!(
        lines("key", &[0, 0]),
        [
            "a:wrong_key => all_failed degraded:configuration (a wrong_key)",
            "=> all_failed degraded:configuration (skipped a wrong_key)"
        ]
    );
}

#[test]
fn a_probes_transient_failure_does_not_hide_a_configuration_error() {
    assert_eq!(
        lines("key unavailable ok | ok", &[0, 300, 29, 1]),
        [
            "a:wrong_key b:accepted => ok (a wrong_key)",
            "a:unavailable b:accepted => ok (skipped a wrong_key)",
            "b:accepted => ok (skipped a wrong_key)",
            "a:accepted => ok",
        ]
    );
}

#[test]
fn a_spent_quota_opens_the_breaker_at_once_without_an_alarm() {
    let (asked, skipped) = ("a:over_quota b:accepted => ok", "b:accepted => ok");
    assert_eq!(lines("over_quota ok | ok", &[0, 299, 1]), [asked, skipped, "a:accepted => ok"]);
}

#[test]
fn a_skipped_model_makes_a_result_without_an_answer_degraded() {
    let out = "a:timed_out b:refusal => all_failed degraded";
    let open = "b:refusal => all_failed degraded";
    assert_eq!(lines("timed_out | refusal", &[0; 6]), [out, out, out, out, out, open]);
}

#[test]
fn a_probe_that_steps_down_continues_without_the_schema() {
    let failed = "a+:unavailable a+:unavailable => all_failed degraded";
    assert_eq!(
        lines("+ unavailable unavailable unavailable unavailable unavailable schema ok", &[0, 0, 0, 30]),
        [failed, failed, "a+:unavailable => all_failed degraded", "a+:schema_refused a:accepted => ok"]
    );
}

#[test]
fn while_every_model_is_down_each_is_probed_every_thirty_seconds() {
    for script in ["unavailable | unreachable", "hang | unavailable", "+ hang | + hang"] {
        let world = World::new();
        let models = world.models(script);
        let end = Timestamp::from_secs(START).plus(Duration::from_mins(10));
        let mut alerts = 0;
        while world.clock.now() < end {
            let asked = world.clock.run(world.ask(&models));
            assert!(asked.answer.is_none() && asked.degraded.is_some());
            world.clock.advance(Duration::from_secs(1));
            alerts += 1;
        }
        let made = world.made.lock().unwrap();
        for name in ["a", "b"] {
            let calls: Vec<&Made> = made.iter().filter(|made| made.model == name).collect();
            assert!((12..=30).contains(&calls.len()), "{script}: {name} {} of {alerts} alerts", calls.len());
            // An open breaker allows one probe at a time. A probe that steps down calls again at once.
            let open = calls.iter().skip(7);
            for (one, next) in open.clone().zip(open.skip(1)).filter(|(one, _)| !one.form.is_native()) {
                assert!(next.at.since(one.at) >= Duration::from_secs(30), "{script}: {name}");
            }
        }
    }
}

#[test]
fn only_one_of_many_concurrent_alerts_probes() {
    let world = World::new();
    let down = world.models("key | ok");
    world.clock.run(world.ask(&down));
    world.clock.advance(Duration::from_mins(5));
    world.made.lock().unwrap().clear();
    let models = world.models("ok@3 | ok@1");
    let all = world.clock.run_all((0..8).map(|_| world.ask(&models)).collect());
    let probes = world.made.lock().unwrap().iter().filter(|made| made.model == "a").count();
    assert_eq!(probes, 1);
    let alarms = all.iter().flat_map(|asked| &asked.alarms).filter(|alarm| alarm.skipped).count();
    assert_eq!(alarms, 7, "all other alerts report why they skip the model");
    assert!(all.iter().all(|asked| asked.answer.is_some()));
}

#[test]
fn after_a_cancelled_probe_another_can_begin() {
    let world = World::new();
    let down = world.models("key");
    world.clock.run(world.ask(&down));
    world.clock.advance(Duration::from_mins(5));
    let models = world.models("hang");
    let cancelled = world.ask(&models);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut cancelled = Box::pin(cancelled);
    assert!(cancelled.as_mut().poll(&mut context).is_pending());
    let circuit = || world.health.of(&models[0].spec, world.clock.now()).circuit;
    assert_eq!(circuit(), Circuit::Open { fault: Some(ConfigurationFault::WrongKey) });
    drop(cancelled);
    assert_eq!(circuit(), Circuit::HalfOpen);
}

#[test]
fn a_skipped_model_alarms_once_per_alert() {
    let world = World::new();
    let models = world.models("key | ok");
    world.clock.run(world.ask(&models));
    world.made.lock().unwrap().clear();
    // The store is so slow that the call to the next model is reserved but not made. Then the chain decides again.
    let slow = async || {
        world.clock.sleep(Duration::from_secs(9)).await;
        Ok(Reserved::Call(1))
    };
    let asked = world.clock.run(world.ask_within(&models, Duration::from_secs(16), CALLS_MAX, slow));
    assert_eq!(world.line(&asked), "=> deadline degraded:configuration (skipped a wrong_key)");
}
