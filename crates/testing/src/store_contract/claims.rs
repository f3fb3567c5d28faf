//! Cases of claims: which worker may work on an alert, and for how long.

use std::time::Duration;

use crate::play::{alert, event, first_event, insight, lease, request, request_with_call, start, store_one};
use portend_core::alert_type::AlertTypes;
use portend_core::limits::{
    CALLS_MAX, EVENT_DEADLINE, LEASE_MARGIN, LEASE_MAX, RETENTION, UPGRADE_CALLS_MAX,
};
use portend_core::store::{
    Claim, ClaimRequest, Commit, CommitRequest, Release, Reserved, Store, Todo, UpgradeClaim, UpgradeRequest,
};

/// No other worker gets the claim until the lease ends.
pub async fn the_first_claim_is_mine_and_a_second_is_busy(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let mine = lease(store, &request(&alert, "a", start())).await;
    assert_eq!((mine.fence, &mine.insight_key), (1, &alert.insight_key()));
    let until = start().plus(EVENT_DEADLINE + LEASE_MARGIN);
    assert_eq!(store.claim(&request(&alert, "b", start())).await.unwrap(), Claim::Busy(until));
    assert_eq!(
        store.claim(&request(&alert, "b", until)).await.unwrap(),
        Claim::Busy(until),
        "the lease is valid until its end"
    );
}

/// A retry of a request is not a second request.
pub async fn a_claim_whose_response_was_lost_finds_its_own_lease(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let first = lease(store, &request(&alert, "a", start())).await;
    let again = lease(store, &request(&alert, "a", start().plus(Duration::from_millis(50)))).await;
    assert_eq!(again, first);
}

/// The worker that takes over makes the insight of the first alert, also if it has a later alert.
pub async fn a_takeover_keeps_the_first_claims_insight_key(store: &impl Store) {
    let types = AlertTypes::built_in();
    let first = alert(&types, &first_event());
    let later = alert(&types, &event("stu_1", 5, 66, "2025-01-01T13:00:00Z"));
    assert_eq!(first.key(), later.key(), "both have the same alert key");
    lease(store, &request(&first, "a", start())).await;
    let after = start().plus(EVENT_DEADLINE + LEASE_MARGIN + Duration::from_millis(1));
    let taken = lease(store, &request(&later, "b", after)).await;
    assert_eq!((taken.fence, taken.insight_key.alert_id()), (2, first.insight_key().alert_id()));
}

/// The claim is done until the second at which the insight expires.
pub async fn a_finished_claim_answers_done_for_as_long_as_its_insight_lives(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let held = store_one(store, &first_event(), false, None, start()).await;
    let last = start().plus(RETENTION);
    for now in [start(), start().plus(Duration::from_hours(24 * 89)), last] {
        assert_eq!(
            store.claim(&request(&alert, "b", now)).await.unwrap(),
            Claim::Done(held.insight_key.clone())
        );
        assert!(store.insight(&held.insight_key, now).await.unwrap().is_some());
    }
    let past = last.plus(Duration::from_secs(1));
    assert_eq!(store.insight(&held.insight_key, past).await.unwrap(), None);
    assert!(matches!(store.claim(&request(&alert, "b", past)).await.unwrap(), Claim::Mine(_)));
}

/// The calls of a claim are counted over all its owners.
pub async fn a_released_claim_can_be_claimed_at_once_and_keeps_its_calls(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let first = lease(store, &request(&alert, "a", start())).await;
    assert_eq!(store.reserve_call(&first).await.unwrap(), Reserved::Call(1));
    store.release(&first, Release::at(start())).await.unwrap();
    let soon = start().plus(Duration::from_millis(1));
    let second = lease(store, &request(&alert, "b", soon)).await;
    assert_eq!(second.fence, 2);
    assert_eq!(store.reserve_call(&second).await.unwrap(), Reserved::Call(2));
}

/// A worker makes a call only if the store has reserved it.
pub async fn a_claim_counts_five_calls_and_no_more(store: &impl Store) {
    let types = AlertTypes::built_in();
    let lease = lease(store, &request(&alert(&types, &first_event()), "a", start())).await;
    for number in 1..=CALLS_MAX {
        assert_eq!(store.reserve_call(&lease).await.unwrap(), Reserved::Call(number));
    }
    assert_eq!(store.reserve_call(&lease).await.unwrap(), Reserved::Spent);
    assert_eq!(store.reserve_call(&lease).await.unwrap(), Reserved::Spent);
}

/// The fence rejects the writes of a worker that has lost its lease.
pub async fn a_late_worker_changes_nothing(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let late = lease(store, &request(&alert, "a", start())).await;
    let after = start().plus(EVENT_DEADLINE + LEASE_MARGIN + Duration::from_millis(1));
    let holder = lease(store, &request(&alert, "b", after)).await;
    assert_eq!(store.reserve_call(&late).await.unwrap(), Reserved::Lost);
    store.release(&late, Release::at(after)).await.unwrap();
    let made = insight(&alert, &late.insight_key, "late", false, after);
    let commit = CommitRequest { lease: &late, insight: &made, todo: None, now: after };
    assert_eq!(store.commit(&commit).await.unwrap(), Commit::Lost);
    assert_eq!(store.insight(&late.insight_key, after).await.unwrap(), None);
    let busy = store.claim(&request(&alert, "c", after.plus(Duration::from_millis(1)))).await.unwrap();
    assert!(matches!(busy, Claim::Busy(_)), "{busy:?}");
    assert_eq!(store.reserve_call(&holder).await.unwrap(), Reserved::Call(1));
}

/// After 90 days, an unfinished claim has no effect on its alert.
pub async fn an_expired_claim_starts_again_under_a_lease_that_ends_later(store: &impl Store) {
    let types = AlertTypes::built_in();
    let first = alert(&types, &first_event());
    let past = start().plus(RETENTION + Duration::from_secs(1));
    let held = request(&first, "a", start());
    lease(store, &ClaimRequest { lease_until: past.plus(Duration::from_mins(10)), ..held }).await;
    let again = lease(store, &request(&first, "b", past)).await;
    assert_eq!(again.fence, 2);
}

/// The new claim has its own calls and its own insight key.
pub async fn an_expired_claim_starts_again(store: &impl Store) {
    let types = AlertTypes::built_in();
    let first = alert(&types, &first_event());
    let later = alert(&types, &event("stu_1", 5, 65, "2025-01-01T20:00:00Z"));
    let held = lease(store, &request(&first, "a", start())).await;
    for _ in 0..CALLS_MAX {
        store.reserve_call(&held).await.unwrap();
    }
    let past = start().plus(RETENTION + Duration::from_secs(1));
    let again = lease(store, &request(&later, "b", past)).await;
    assert_eq!(again.insight_key, later.insight_key());
    assert_eq!(store.reserve_call(&again).await.unwrap(), Reserved::Call(1));
    assert_eq!(
        store.reserve_call(&held).await.unwrap(),
        Reserved::Lost,
        "the old lease belongs to the expired claim"
    );
    let made = insight(&later, &again.insight_key, "run", false, past);
    let commit = CommitRequest { lease: &again, insight: &made, todo: None, now: past };
    assert_eq!(store.commit(&commit).await.unwrap(), Commit::Stored);
}

/// The first call needs no second write, and a retry of the claim counts it once.
pub async fn the_first_call_is_counted_with_the_claim(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let mine = lease(store, &request_with_call(&alert, "a", start())).await;
    assert_eq!(mine.first_call, Some(Reserved::Call(1)));
    assert_eq!(lease(store, &request_with_call(&alert, "a", start())).await, mine);
    for number in 2..=CALLS_MAX {
        assert_eq!(store.reserve_call(&mine).await.unwrap(), Reserved::Call(number));
    }
    store.release(&mine, Release::at(start())).await.unwrap();
    let later = start().plus(Duration::from_millis(1));
    let next = lease(store, &request_with_call(&alert, "b", later)).await;
    assert_eq!(next.first_call, Some(Reserved::Spent), "all five are counted");
    assert_eq!(store.reserve_call(&next).await.unwrap(), Reserved::Spent);
}

/// After a run that called no model, the next run has all calls.
pub async fn an_unused_first_call_is_returned_with_the_lease(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    for turn in 0..2 * CALLS_MAX {
        let now = start().plus(Duration::from_millis(turn.into()) * 2);
        let mine = lease(store, &request_with_call(&alert, &format!("owner {turn}"), now)).await;
        assert_eq!(mine.first_call, Some(Reserved::Call(1)), "turn {turn}");
        store.release(&mine, Release { unused_call: true, ..Release::at(now) }).await.unwrap();
    }
}

/// The commit gives an unused call back. If its response was lost, its worker releases the lease afterwards.
pub async fn an_unused_first_call_is_not_returned_again_after_the_commit(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let first = lease(store, &request_with_call(&alert, "a", start())).await;
    // Its call is made.
    store.release(&first, Release::at(start())).await.unwrap();
    let now = start().plus(Duration::from_millis(1));
    let second = lease(store, &request_with_call(&alert, "b", now)).await;
    assert_eq!(second.first_call, Some(Reserved::Call(2)));
    let made = insight(&alert, &second.insight_key, "run", true, now);
    assert_eq!(made.fields().calls_made(), 0);
    let commit = CommitRequest { lease: &second, insight: &made, todo: Some(Todo::Upgrade), now };
    assert_eq!(store.commit(&commit).await.unwrap(), Commit::Stored);
    store.release(&second, Release { unused_call: true, ..Release::at(now) }).await.unwrap();
    let upgrade = UpgradeRequest {
        alert_key: alert.key(),
        insight_key: second.insight_key.clone(),
        owner: "c".into(),
        now: now.plus(Duration::from_millis(1)),
        lease_until: now.plus(EVENT_DEADLINE),
        ignores_pause: false,
    };
    let UpgradeClaim::Mine(third) = store.claim_upgrade(&upgrade).await.unwrap() else {
        panic!("the insight can be upgraded");
    };
    assert_eq!(third.calls_max, 1 + UPGRADE_CALLS_MAX, "the first worker's call still counts");
}

/// A worker whose clock was hours ahead does not block others for hours. A small difference does block them.
pub async fn a_lease_that_is_too_long_is_not_honoured(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let ahead = |lease_until| ClaimRequest { lease_until, ..request(&alert, "ahead", start()) };
    let longest = start().plus(LEASE_MAX);
    lease(store, &ahead(longest)).await;
    assert_eq!(store.claim(&request(&alert, "b", start())).await.unwrap(), Claim::Busy(longest));
    let past = longest.plus(Duration::from_millis(1));
    let far = ahead(past.plus(Duration::from_hours(9)));
    lease(store, &ClaimRequest { owner: "far ahead".into(), now: past, ..far }).await;
    let taken = lease(store, &request(&alert, "c", past)).await;
    assert_eq!(taken.fence, 3);
}
