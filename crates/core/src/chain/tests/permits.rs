//! Permits: what was under way when a breaker opened, and probes side by side.

use std::time::Duration;

use super::super::health::Permit;
use super::super::{Attempt, AttemptOutcome, Circuit, Health};
use super::{error, spec};
use crate::model::{ConfigurationFault, SchemaForm};
use crate::time::Timestamp;

fn settle(permit: Permit<'_>, word: &str, now: Timestamp) {
    let outcome = match word {
        "ok" => AttemptOutcome::Accepted,
        name => AttemptOutcome::of_error(error(name), SchemaForm::PromptOnly, false, now),
    };
    let spec = spec("a", SchemaForm::PromptOnly);
    let attempt = Attempt { outcome, ..Attempt::new(&spec, SchemaForm::PromptOnly, Duration::ZERO) };
    permit.settle(&attempt, now);
}

#[test]
fn what_was_under_way_when_it_opened_says_nothing_unless_it_succeeds() {
    let (health, spec) = (Health::new(), spec("a", SchemaForm::PromptOnly));
    let at = Timestamp::from_secs;
    let circuit = |secs| health.of(&spec, at(secs)).circuit;
    let permits: Vec<_> = (0..8).map(|_| health.enter(&spec, at(0)).unwrap()).collect();
    let mut permits = permits.into_iter();
    for _ in 0..5 {
        settle(permits.next().unwrap(), "unavailable", at(1));
    }
    assert!(health.enter(&spec, at(30)).is_none());
    settle(permits.next().unwrap(), "unavailable", at(20));
    let probe = health.enter(&spec, at(31)).expect("a late failure does not put off the probe");
    assert_eq!(circuit(31), Circuit::Open { fault: None });
    settle(permits.next().unwrap(), "key", at(32));
    assert_eq!(circuit(32), Circuit::Open { fault: Some(ConfigurationFault::WrongKey) });
    settle(probe, "unavailable", at(33));
    assert_eq!(circuit(331), Circuit::Open { fault: Some(ConfigurationFault::WrongKey) });
    settle(permits.next().unwrap(), "ok", at(40));
    assert_eq!(circuit(40), Circuit::Closed);
}

#[test]
fn a_probe_that_ends_late_does_not_make_room_beside_another() {
    let (health, spec) = (Health::new(), spec("a", SchemaForm::PromptOnly));
    let at = Timestamp::from_secs;
    let enter = |secs| health.enter(&spec, at(secs));
    let slow = enter(0).unwrap();
    settle(enter(0).unwrap(), "key", at(0));
    let late = enter(300).expect("a probe");
    settle(slow, "key", at(301));
    let probe = enter(601).expect("another, since the first is long past its time");
    drop(late);
    assert!(enter(602).is_none());
    drop(probe);
    assert!(enter(602).is_some());
}

#[test]
fn of_many_threads_one_probes() {
    let (health, spec) = (Health::new(), spec("a", SchemaForm::PromptOnly));
    settle(health.enter(&spec, Timestamp::EPOCH).unwrap(), "key", Timestamp::EPOCH);
    let later = Timestamp::from_secs(300);
    let permits: Vec<Option<Permit<'_>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| health.enter(&spec, later))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(permits.iter().flatten().count(), 1);
}
