//! Cases of faults, with a stopped clock: whatever fails, each alert has one insight, and each event has an outcome.

use std::time::Duration;

use crate::clock::StoppedClock;
use crate::faults::{Fault, FaultyStore, Operation};
use crate::play::{
    all, all_of, assert_statuses, event, first_event, insight, insight_of, lease, outlive_the_lease, request,
    run, run_with, start, status,
};
use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::limits::{EVENT_DEADLINE, STORE_TRIES_MAX};
use portend_core::pipeline::{Failure, Outcome, Pipeline};
use portend_core::store::{Claim, Commit, CommitRequest, Store};

/// The same event, 0 to 400 seconds later, returns the stored insight and does not add to the count.
pub async fn row_01_the_same_event_twice_is_one_insight(store: &impl Store) {
    let clock = StoppedClock::at(start());
    let mut outcomes = vec![run(store, &clock, &first_event()).await];
    for seconds in [0, 1, 59, 340] {
        clock.advance(Duration::from_secs(seconds));
        outcomes.push(run(store, &clock, &first_event()).await);
    }
    assert_statuses(&outcomes, &["stored", "repeated", "repeated", "repeated", "repeated"]);
    let first = outcomes.first().and_then(insight_of).unwrap();
    assert!(outcomes.iter().all(|outcome| insight_of(outcome) == Some(first)), "{outcomes:#?}");
    assert_eq!(first.current().unwrap().occurrences, 1);
}

/// All workers start at once. One makes the insight; the others wait for it or return busy.
pub async fn row_02_of_eight_workers_one_stores(store: &impl Store) {
    let clock = StoppedClock::at(start());
    let event = first_event();
    let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(store, &[]), &clock);
    let received: Vec<_> = (0..8).map(|_| pipeline.receive(&event)).collect();
    let deadline = start().plus(EVENT_DEADLINE);
    let work = async |each| pipeline.run(deadline).process(each).await;
    let workers = received.iter().map(|each| Box::pin(work(each))).collect();
    let outcomes = all_of(workers).await;
    let count = |expected: &str| outcomes.iter().filter(|outcome| status(outcome) == expected).count();
    assert_eq!((count("stored"), count("parked")), (1, 0), "{outcomes:#?}");
    for outcome in &outcomes {
        assert!(matches!(outcome, Ok(_) | Err(Failure::Busy { .. })), "{outcome:#?}");
    }
    assert_eq!(all(store, start()).await.len(), 1);
}

/// Identity does not depend on the envelope.
pub async fn row_03_another_event_id_is_the_same_alert(store: &impl Store) {
    let clock = StoppedClock::at(start());
    let detail = String::from_utf8(first_event()).unwrap();
    let envelope = |id: &str| {
        format!(r#"{{"id":"{id}","detail-type":"high_ib_call_frequency","detail":{detail}}}"#).into_bytes()
    };
    let outcomes = [
        run(store, &clock, &envelope("one")).await,
        run(store, &clock, &envelope("two")).await,
        run(store, &clock, &first_event()).await,
    ];
    assert_statuses(&outcomes, &["stored", "repeated", "repeated"]);
}

/// The event is stored once, however often it arrives.
pub async fn row_04_a_malformed_event_is_parked_once(store: &impl Store) {
    let clock = StoppedClock::at(start());
    let outcomes =
        [run(store, &clock, b"{\"alert_type\":").await, run(store, &clock, b"{\"alert_type\":").await];
    assert_statuses(&outcomes, &["parked", "parked"]);
    assert_eq!(store.parked(None, 10, start()).await.unwrap().events.len(), 1);
    assert_eq!(all(store, start()).await, []);
}

/// If the claim failed, the retry gets it. If only its response was lost, the retry finds its own claim.
pub async fn row_06_a_failed_claim_is_retried_and_knows_its_own_success(store: &impl Store) {
    for (number, fault) in [Fault::ErrorBefore, Fault::ErrorAfter].into_iter().enumerate() {
        let clock = StoppedClock::at(start());
        let event = event(&format!("stu_{number}"), 5, 65, "2025-01-01T12:00:00Z");
        let outcome = run_with(store, &clock, &event, &[(Operation::Claim, fault)]).await;
        assert_eq!(outcome.as_ref().map(status), Some("stored"), "{fault:?} {outcome:#?}");
        assert!(clock.now().since(start()) < EVENT_DEADLINE, "a worker waited for a lease");
    }
}

/// If the kill is before the claim, the next run starts at once. If it is after the claim, the lease must end first.
pub async fn row_07_a_kill_around_the_claim_is_taken_over(store: &impl Store) {
    let clock = StoppedClock::at(start());
    assert!(
        run_with(store, &clock, &first_event(), &[(Operation::Claim, Fault::KillBefore)]).await.is_none()
    );
    let second = event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
    assert_statuses(&[run(store, &clock, &first_event()).await], &["stored"]);
    assert!(run_with(store, &clock, &second, &[(Operation::Claim, Fault::KillAfter)]).await.is_none());
    let busy = run(store, &clock, &second).await;
    assert!(matches!(busy, Err(Failure::Busy { .. })), "{busy:#?}");
    outlive_the_lease(&clock);
    assert_statuses(
        &[run(store, &clock, &second).await, run(store, &clock, &second).await],
        &["stored", "repeated"],
    );
    assert_eq!(all(store, start()).await.len(), 2);
}

/// A worker whose clock is 20 seconds ahead takes over a valid lease. There is still only one insight.
pub async fn row_09_a_clock_that_is_off_makes_no_second_insight(store: &impl Store) {
    let types = AlertTypes::built_in();
    let event = first_event();
    let alert = Alert::read(&event, &types, start()).unwrap();
    let slow = lease(store, &request(&alert, "slow", start())).await;
    let ahead = StoppedClock::at(start().plus(Duration::from_secs(20)));
    assert!(matches!(run(store, &ahead, &event).await, Err(Failure::Busy { .. }) | Ok(Outcome::Stored(_))));
    let ahead = StoppedClock::at(start().plus(EVENT_DEADLINE + Duration::from_secs(20)));
    let first = run(store, &ahead, &event).await;
    let mine = insight(&alert, &slow.insight_key, "slow", false, start());
    let commit = CommitRequest { lease: &slow, insight: &mine, todo: None, now: start() };
    let existing = store.commit(&commit).await.unwrap();
    assert!(matches!(existing, Commit::Existing(stored) if Some(&stored) == insight_of(&first)));
    assert_eq!(all(store, start()).await.len(), 1);
}

/// If the commit fails twice, the third try stores the insight. If only a response was lost, the retry finds its own.
pub async fn row_16_a_failed_commit_is_retried_and_knows_its_own_success(store: &impl Store) {
    let before = (Operation::Commit, Fault::ErrorBefore);
    let after = (Operation::Commit, Fault::ErrorAfter);
    let plans: [&[_]; 4] = [&[before, before], &[after], &[before, after], &[after, after]];
    for (number, plan) in plans.into_iter().enumerate() {
        let clock = StoppedClock::at(start());
        let event = event(&format!("stu_{number}"), 5, 65, "2025-01-01T12:00:00Z");
        let outcome = run_with(store, &clock, &event, plan).await.unwrap();
        assert_eq!(status(&outcome), "stored", "{plan:?} {outcome:#?}");
        assert_eq!(status(&run(store, &clock, &event).await), "repeated", "{plan:?}");
    }
    assert_eq!(all(store, start()).await.len(), plans.len());
}

/// If the kill is before the commit, the next run makes the insight. If it is after the commit, the run returns it.
pub async fn row_17_a_kill_around_the_commit_leaves_one_insight(store: &impl Store) {
    let cases = [
        ((Operation::Commit, Fault::KillBefore), "stored"),
        ((Operation::Commit, Fault::KillAfter), "repeated"),
    ];
    for (number, (fault, next)) in cases.into_iter().enumerate() {
        let clock = StoppedClock::at(start());
        let event = event(&format!("stu_{number}"), 5, 65, "2025-01-01T12:00:00Z");
        assert!(run_with(store, &clock, &event, &[fault]).await.is_none(), "{fault:?} kills");
        outlive_the_lease(&clock);
        assert_eq!(status(&run(store, &clock, &event).await), next, "{fault:?}");
        assert_eq!(status(&run(store, &clock, &event).await), "repeated", "{fault:?}");
    }
    assert_eq!(all(store, start()).await.len(), cases.len());
}

/// The worker paused for longer than its lease. The insight of the other worker stays, and the claim stays done.
pub async fn row_18_a_worker_that_wakes_late_returns_what_is_stored(store: &impl Store) {
    let types = AlertTypes::built_in();
    let event = first_event();
    let alert = Alert::read(&event, &types, start()).unwrap();
    let late = lease(store, &request(&alert, "late", start())).await;
    let clock = StoppedClock::at(start());
    outlive_the_lease(&clock);
    let first = run(store, &clock, &event).await;
    assert_statuses(std::slice::from_ref(&first), &["stored"]);
    let mine = insight(&alert, &late.insight_key, "late", false, clock.now());
    let commit = CommitRequest { lease: &late, insight: &mine, todo: None, now: clock.now() };
    let existing = store.commit(&commit).await.unwrap();
    assert!(matches!(existing, Commit::Existing(stored) if Some(&stored) == insight_of(&first)));
    assert_statuses(&[run(store, &clock, &event).await], &["repeated"]);
}

/// An event that cannot be stored fails, and its claim is free for the next delivery.
pub async fn a_store_that_stays_down_fails_the_event_and_frees_the_claim(store: &impl Store) {
    let clock = StoppedClock::at(start());
    // The worker retries the commit within a limited time, so it cannot retry more often than this.
    let down = [(Operation::Commit, Fault::ErrorBefore); 100];
    let outcome = run_with(store, &clock, &first_event(), &down).await.unwrap();
    assert_eq!(status(&outcome), "store_unreachable");
    clock.advance(Duration::from_millis(1));
    assert_statuses(&[run(store, &clock, &first_event()).await], &["stored"]);
    let parking = [(Operation::Park, Fault::ErrorBefore); STORE_TRIES_MAX as usize];
    assert_eq!(status(&run_with(store, &clock, b"{", &parking).await.unwrap()), "store_unreachable");
    assert_statuses(&[run(store, &clock, b"{").await], &["parked"]);
}

/// Each operation fails in each way, and a later delivery finds one insight.
pub async fn every_operation_failed_or_killed_leaves_one_insight(store: &impl Store) {
    let mut number = 0;
    for operation in Operation::OF_AN_ALERT {
        for fault in Fault::ALL {
            number += 1;
            let clock = StoppedClock::at(start());
            let event = event(&format!("stu_{number}"), 5, 65, "2025-01-01T12:00:00Z");
            for _ in 0..3 {
                run_with(store, &clock, &event, &[(operation, fault)]).await;
                outlive_the_lease(&clock);
            }
            let last = run(store, &clock, &event).await;
            assert!(insight_of(&last).is_some(), "{operation:?} {fault:?} {last:#?}");
            assert_eq!(all(store, start()).await.len(), number, "{operation:?} {fault:?}");
            let types = AlertTypes::built_in();
            let alert = Alert::read(&event, &types, start()).unwrap();
            let claim = store.claim(&request(&alert, "checker", clock.now())).await.unwrap();
            assert!(matches!(claim, Claim::Done(_)), "{operation:?} {fault:?} {claim:?}");
        }
    }
}
