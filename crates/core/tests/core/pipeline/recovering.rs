//! The sweep and the entities: a recovery is reported once, a relapse opens the entity again, and rows that are missing are
//! made.

use std::time::Duration;

use futures_executor::block_on;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::{EntityKey, EntityRow, EntityState, ReturnReason};
use portend_core::limits::{EVENT_DEADLINE, QUIET_AFTER};
use portend_core::pipeline::{Pipeline, SweepEvent};
use portend_core::store::{Entities, entity_of_insights};
use portend_testing::clock::StoppedClock;
use portend_testing::memory::MemoryStore;
use portend_testing::play::{self, event, first_event, start, status};

const DAY: Duration = Duration::from_hours(24);

fn key() -> EntityKey {
    EntityKey::new("student", "stu_1")
}

fn row(store: &MemoryStore, clock: &StoppedClock) -> EntityRow {
    block_on(store.entity(&key(), clock.now())).unwrap().unwrap()
}

/// Sweeps, and returns the entities that have recovered.
fn sweep(store: &MemoryStore, clock: &StoppedClock) -> Vec<String> {
    let faultless = portend_testing::faults::FaultyStore::new(store, &[]);
    let pipeline = Pipeline::new(AlertTypes::built_in(), faultless, clock);
    let mut recovered = Vec::new();
    let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
    let observe = |event: &SweepEvent| {
        if let SweepEvent::Recovered(row) = event {
            recovered.push(row.key.entity_id.clone());
        }
    };
    let report = block_on(run.sweep(observe)).unwrap();
    assert!(report.complete);
    assert_eq!(report.recovered, recovered.len() as u64);
    recovered
}

#[test]
fn a_silent_producer_recovers_an_entity_once_and_a_relapse_opens_it_again() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    assert_eq!(status(&block_on(play::run(&store, &clock, &first_event()))), "stored");
    assert_eq!(sweep(&store, &clock), [""; 0]);
    clock.advance(QUIET_AFTER);
    assert_eq!(sweep(&store, &clock), [""; 0], "the repeat window has not ended that long ago");
    clock.advance(DAY);
    assert_eq!(sweep(&store, &clock), ["stu_1"]);
    assert_eq!(row(&store, &clock).state, EntityState::Recovered);
    assert_eq!(sweep(&store, &clock), [""; 0], "once");
    let relapse = event("stu_1", 3, 90, "2025-01-09T12:00:00Z");
    assert_eq!(status(&block_on(play::run(&store, &clock, &relapse))), "stored");
    let row = row(&store, &clock);
    assert_eq!((row.state, row.returned), (EntityState::New, Some(ReturnReason::Relapse)));
    assert_eq!(row.opened_at, row.latest_alert());
}

#[test]
fn a_row_that_is_made_again_from_its_insights_is_the_one_that_they_made() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    for (calls, at) in [(5, "2025-01-01T12:00:00Z"), (8, "2025-01-02T12:00:00Z"), (3, "2025-01-01T09:00:00Z")]
    {
        block_on(play::run(&store, &clock, &event("stu_1", calls, 65, at))).unwrap();
    }
    let types = AlertTypes::built_in();
    let of_alerts_until = |at: &str| {
        let at = portend_core::time::Timestamp::parse(at).unwrap();
        block_on(entity_of_insights(&store, &types, &key(), at, clock.now())).unwrap()
    };
    let all = of_alerts_until("2025-01-03T00:00:00Z").unwrap();
    let stored = row(&store, &clock);
    assert_eq!((all.worst, all.state, &all.key), (stored.worst, stored.state, &stored.key));
    assert_eq!(
        all.judgements["high_ib_call_frequency"].alert_id,
        stored.judgements["high_ib_call_frequency"].alert_id
    );
    assert_eq!(of_alerts_until("2025-01-02T00:00:00Z").unwrap().worst, 63.into());
    assert_eq!(of_alerts_until("2024-12-31T00:00:00Z"), None);
}
