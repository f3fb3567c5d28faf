//! Tests when each call starts and how long it may take. `a 0+20` is a call to model `a` that starts at 0 s and takes
//! 20 s. The last 3 s of an event are for the store.
//!
//! Never: waits in real time.

use std::time::Duration;

use super::script::{START, Scripted, World, end};
use portend_core::chain::ChainOutcome;
use portend_core::clock::Clock;
use portend_core::limits::CALLS_MAX;
use portend_core::limits::{RETRY_PAUSE_MAX, RETRY_PAUSE_MIN};
use portend_core::store::Reserved;

/// Runs one alert that has `secs` seconds. Each reservation takes `reserve_secs`.
fn timed<'m>(
    world: &'m World,
    models: &'m [Scripted<'_>],
    secs: u64,
    reserve_secs: u64,
) -> ChainOutcome<'m, String> {
    let reserve = async || {
        world.clock.sleep(Duration::from_secs(reserve_secs)).await;
        Ok(Reserved::Call(1))
    };
    world.clock.run(world.ask_within(models, Duration::from_secs(secs), CALLS_MAX, reserve))
}

fn line(script: &str, secs: u64, reserve_secs: u64) -> String {
    let world = World::new();
    let models = world.models(script);
    let asked = timed(&world, &models, secs, reserve_secs);
    let made = world.made.lock().unwrap();
    let calls = made.iter().zip(&asked.attempts).map(|(made, attempt)| {
        let start = made.at.as_millis() - START * 1000;
        assert_eq!((start % 1000, attempt.ms % 1000), (0, 0), "the times are not whole seconds");
        format!("{} {}+{} ", made.model, start / 1000, attempt.ms / 1000)
    });
    format!("{}=> {}", calls.collect::<String>(), end(&asked))
}

#[test]
fn attempts_share_the_time_in_their_order() {
    for (script, secs, expected) in [
        ("hang | hang | hang", 60, "a 0+20 b 20+20 c 40+17 => all_failed degraded"),
        ("hang | hang | hang", 45, "a 0+20 b 20+16 c 36+6 => all_failed degraded"),
        ("hang | hang", 30, "a 0+20 b 20+7 => all_failed degraded"),
        ("hang | ok@6", 30, "a 0+20 b 20+6 => ok"),
        ("hang | ok", 20, "a 0+11 b 11+0 => ok"),
        ("ok | ok@9", 12, "b 0+9 => ok"),
        ("ok@19", 60, "a 0+19 => ok"),
        ("ok@21", 60, "a 0+20 => all_failed degraded"),
        ("ok@5", 8, "a 0+5 => ok"),
        ("ok", 7, "=> deadline degraded:budget"),
        ("ok", 0, "=> deadline degraded:budget"),
        ("+ hang ok@9 | ok", 60, "a 0+20 a 20+9 => ok"),
        ("+ hang ok | ok@7", 30, "a 0+20 b 20+7 => ok"),
        ("+ hang", 25, "a 0+20 => deadline degraded"),
        ("bad@19 ok | ok@8", 30, "a 0+19 b 19+8 => ok"),
        ("bad@16 ok", 21, "a 0+16 => deadline degraded:unusable"),
        ("unsupported:1@19 ok@8 | ok", 30, "a 0+19 a 19+8 => ok"),
        ("unsupported:1@16 ok", 21, "a 0+16 => unsupported:1"),
    ] {
        assert_eq!(line(script, secs, 0), expected, "{script} in {secs} s");
    }
}

#[test]
fn a_retry_after_is_obeyed_if_it_leaves_time_for_the_call_and_for_the_next_model() {
    for (script, expected) in [
        ("throttled:0 ok", "a 0+0 a 0+0 => ok"),
        ("throttled:7@2 ok", "a 0+2 a 9+0 => ok"),
        ("throttled:52 ok", "a 0+0 a 52+0 => ok"),
        ("throttled:53 ok", "a 0+0 => deadline degraded"),
        ("throttled:46 ok | ok", "a 0+0 a 46+0 => ok"),
        ("throttled:47 ok | ok", "a 0+0 b 0+0 => ok"),
        ("throttled:99999999999999999 ok | ok", "a 0+0 b 0+0 => ok"),
    ] {
        assert_eq!(line(script, 60, 0), expected, "{script}");
    }
}

#[test]
fn the_chains_own_pauses_are_random_within_their_bounds() {
    let world = World::new();
    let pauses: Vec<Duration> = (0..50)
        .map(|_| {
            timed(&world, &world.models("unavailable ok"), 60, 0);
            let made = std::mem::take(&mut *world.made.lock().unwrap());
            made[1].at.since(made[0].at)
        })
        .collect();
    assert!(pauses.iter().all(|pause| (RETRY_PAUSE_MIN..=RETRY_PAUSE_MAX).contains(pause)), "{pauses:?}");
    let distinct: std::collections::BTreeSet<_> = pauses.iter().collect();
    assert!(distinct.len() > 30, "{pauses:?}");
}

#[test]
fn a_slow_store_shortens_the_attempt() {
    for (script, secs, reserve_secs, expected) in [
        ("hang | ok", 60, 4, "a 4+16 b 24+0 => ok"),
        ("ok", 20, 12, "a 12+0 => ok"),
        // The reserved call is not made, because it would have less than its minimum time.
        ("ok", 20, 13, "=> deadline degraded:budget"),
        // It is the next model's call, which need not be counted again.
        ("ok | ok", 17, 4, "b 4+0 => ok"),
        // A slow store and a model that hangs leave enough time for the next model.
        ("hang | ok@4", 30, 1, "a 1+19 b 21+4 => ok"),
    ] {
        assert_eq!(line(script, secs, reserve_secs), expected, "{script} in {secs} s");
    }
}
