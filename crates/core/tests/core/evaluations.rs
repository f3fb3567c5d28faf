//! The sweep writes the evaluation rows of insights whose horizon is over, once each, and never earlier.

use std::time::Duration;

use futures_executor::block_on;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::limits::EVENT_DEADLINE;
use portend_core::outcome::OutcomeRow;
use portend_core::pipeline::Pipeline;
use portend_core::store::{Outcomes, keep_evaluations};
use portend_core::time::Timestamp;
use portend_testing::clock::StoppedClock;
use portend_testing::faults::FaultyStore;
use portend_testing::memory::MemoryStore;
use portend_testing::play::event;

const DAY: Duration = Duration::from_hours(24);

/// The time of this day. The clock and the alerts agree, as they do in use.
fn day(number: u32) -> Timestamp {
    Timestamp::parse("2025-01-01T12:00:00Z").unwrap().plus(DAY * number)
}

#[test]
fn a_row_is_written_when_the_horizon_is_over_with_what_happened() {
    let (store, clock, types) = (MemoryStore::new(), StoppedClock::at(day(0)), AlertTypes::built_in());
    for (student, at) in [("stu_1", 0), ("stu_2", 0), ("stu_3", 20)] {
        clock.advance(day(at).since(clock.now()));
        let pipeline = Pipeline::new(types.clone(), FaultyStore::new(&store, &[]), &clock);
        let event = event(student, 5, 65, &day(at).to_string());
        let received = pipeline.receive(&event);
        block_on(pipeline.run(clock.now().plus(EVENT_DEADLINE)).process(&received)).unwrap();
    }
    let left =
        r#"{"entity_type":"student","entity_id":"stu_1","outcome":"churn","at":"2025-01-09T00:00:00Z"}"#;
    let left = OutcomeRow::read(left.as_bytes(), &types, day(20)).unwrap();
    let census = OutcomeRow::census("student", "churn", day(40));
    block_on(store.put_outcomes(&[left, census], day(20))).unwrap();

    let keep = |at: u32| block_on(keep_evaluations(&store, &types, day(at), || false)).unwrap();
    let rows = |at: u32| block_on(store.evaluations("high_ib_call_frequency", day(0), day(at))).unwrap();
    assert_eq!((keep(29), rows(29).len()), (0, 0));
    // What was made at day 0 is due at day 30, to the second.
    assert_eq!((keep(31), keep(31)), (2, 0));
    let known: Vec<_> = rows(31).into_iter().map(|row| (row.entity_id, row.y)).collect();
    assert_eq!(known, [("stu_1".to_owned(), Some(true)), ("stu_2".to_owned(), Some(false))]);
    // The census does not reach the end of the third one's horizon, so that it is not known.
    assert_eq!(keep(51), 1);
    assert_eq!(rows(51).into_iter().find(|row| row.entity_id == "stu_3").map(|row| row.y), Some(None));
    // Without time, nothing is done; the next sweep continues.
    assert_eq!(block_on(keep_evaluations(&MemoryStore::new(), &types, day(90), || true)).unwrap(), 0);
}
