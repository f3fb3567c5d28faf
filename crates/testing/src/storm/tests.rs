//! The storm under a fixed number of seeds, and what it finds when a bug is planted.

use std::collections::BTreeMap;

use super::epoch::Epoch;
use super::history::{HistoryEntry, What};
use super::queue::MessageEnd;
use super::scenario::Scenario;
use super::*;

fn storm(alerts: u64, seed: u64) -> Storm {
    Storm { alerts, seed, bug: None }
}

/// The full number is `make storm`'s.
#[test]
fn no_storm_loses_doubles_or_pays_without_a_reason() {
    for seed in 1..=4 {
        let report = storm(1500, seed).run(2, |_| ());
        assert_eq!(report.violations, [], "seed {seed}");
        assert!(report.crashes > 200, "{report}");
    }
}

#[test]
fn a_seed_gives_the_same_storm_on_any_number_of_threads() {
    let play = |seed, threads| {
        let mut lines = Vec::new();
        let storm = Storm { bug: Some(Bug::EarlyAcknowledgement), ..storm(1100, seed) };
        let report = storm.run(threads, |report| lines.push(report.to_string()));
        let trace = storm.trace(&report, &report.violations[0]);
        (lines, report.calls, report.violations, trace)
    };
    assert_eq!(play(5, 1), play(5, 3));
    assert_ne!(play(5, 1), play(6, 1));
}

/// Nothing is found where nothing happens.
#[test]
fn everything_that_a_storm_is_for_happens() {
    let types = AlertTypes::built_in();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 0..12 {
        let seed = Random::of(3, number).draw();
        let mut random = Random::new(seed);
        let scenario = Scenario::new(&mut random, &types, 250);
        let setup = EpochSetup { seed, messages: 250, bug: None, traced: None };
        let mut epoch = Epoch::new(&scenario, setup, &types, random);
        epoch.play();
        let world = epoch.world();
        let dead = world.queue.messages.iter().filter(|message| message.end == Some(MessageEnd::DeadLetter));
        let entries = world.history.alerts.iter().flatten();
        for name in entries.filter_map(kind).chain(dead.map(|_| "dead letter")) {
            *counts.entry(name).or_default() += 1;
        }
    }
    let expected = [
        ("call", 2000),
        ("claim anew", 20),
        ("claim of an upgrade", 20),
        ("commit", 2000),
        ("commit of a degraded insight", 20),
        ("commit of an earlier answer", 5),
        ("dead letter", 1),
        ("deletion", 20),
        ("parking", 100),
        ("publication", 1500),
        ("release", 100),
        ("repeat", 200),
        ("reservation", 200),
        ("takeover", 100),
        ("upgrade", 20),
    ];
    for (name, at_least) in expected {
        assert!(counts.get(name).is_some_and(|count| *count >= at_least), "{name} in {counts:#?}");
    }
}

fn kind(entry: &HistoryEntry) -> Option<&'static str> {
    let (before, after) = match &entry.what {
        What::Written { before, after } => (before, after),
        What::ClaimExpired => return Some("deletion"),
        What::Called { .. } => return Some("call"),
        What::Published { .. } => return Some("publication"),
        What::Parked { .. } => return Some("parking"),
        What::BeganLate { .. } => return None,
    };
    let (old, new) = (before.claim?, after.claim?);
    let is_degraded = after.insight.is_some_and(|insight| insight.is_degraded);
    Some(if old.expires_at.is_past(entry.requester.now) {
        "claim anew"
    } else if old.fence != new.fence {
        if new.is_done { "claim of an upgrade" } else { "takeover" }
    } else if old.is_done != new.is_done {
        if after.insight.is_some_and(|insight| insight.is_reused) {
            "commit of an earlier answer"
        } else if is_degraded {
            "commit of a degraded insight"
        } else {
            "commit"
        }
    } else if new.owner == 0 {
        "release"
    } else if old.calls < new.calls {
        "reservation"
    } else if old.occurrences < new.occurrences {
        "repeat"
    } else {
        "upgrade"
    })
}

/// One test for each bug.
macro_rules! finds {
    ($($name:ident: $bug:ident)*) => {
        $(
            #[test]
            fn $name() {
                finds(Bug::$bug);
            }
        )*

        #[test]
        fn every_bug_has_a_test() {
            assert_eq!(Bug::ALL, [$(Bug::$bug),*]);
        }
    };
}

finds! {
    a_commit_without_the_fence_is_found: NoFence
    a_put_without_a_condition_is_found: UnconditionalPut
    a_lease_in_the_wrong_unit_is_found: LeaseUnit
    a_takeover_with_the_same_fence_is_found: SameFence
    a_claim_for_everybody_is_found: ClaimForAll
    a_claim_that_its_release_forgets_is_found: ForgottenClaim
    a_call_that_is_not_counted_is_found: UncountedCall
    a_first_call_that_is_not_counted_is_found: UncountedFirstCall
    half_a_transaction_is_found: HalfTransaction
    a_refused_commit_that_is_taken_for_stored_is_found: RefusedIsStored
    an_event_that_is_acknowledged_too_early_is_found: EarlyAcknowledgement
    a_refused_event_that_is_not_parked_is_found: NoParking
    what_has_expired_and_is_read_as_present_is_found: ExpiredIsPresent
    a_repeat_that_counts_twice_is_found: RepeatCountedTwice
    an_upgrade_of_any_insight_is_found: UpgradeOfAll
    an_insight_that_is_not_published_is_found: Unpublished
}

fn finds(bug: Bug) {
    let report = Storm { bug: Some(bug), ..storm(10_000, 2) }.run(1, |_| ());
    assert!(!report.violations.is_empty(), "{bug:?} is not found: {report}");
}
