//! The claim: who may work on an alert, and for how long.

use std::time::Duration;

use super::play::{alert, event, first_event, insight, lease, request, start, store_one};
use crate::alert_type::AlertTypes;
use crate::limits::{CALLS_MAX, EVENT_DEADLINE, RETENTION, LEASE_MARGIN};
use crate::store::{Claim, ClaimRequest, Reserved, Store};

/// Until the lease ends, nobody else gets it.
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
        "until and with its end"
    );
}

/// A second try of one request is no second request.
pub async fn a_claim_whose_answer_was_lost_knows_its_own_owner(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let first = lease(store, &request(&alert, "a", start())).await;
    let again = lease(store, &request(&alert, "a", start().plus(Duration::from_millis(50)))).await;
    assert_eq!(again, first);
}

/// Whoever finishes the work, and whatever later alert brought them to it, it is the first alert's insight.
pub async fn a_takeover_keeps_the_first_claims_insight_key(store: &impl Store) {
    let types = AlertTypes::built_in();
    let first = alert(&types, &first_event());
    let later = alert(&types, &event("stu_1", 5, 66, "2025-01-01T13:00:00Z"));
    assert_eq!(first.key(), later.key(), "both say the same");
    lease(store, &request(&first, "a", start())).await;
    let after = start().plus(EVENT_DEADLINE + LEASE_MARGIN + Duration::from_millis(1));
    let taken = lease(store, &request(&later, "b", after)).await;
    assert!(taken.is_takeover());
    assert_eq!((taken.fence, taken.insight_key.alert_id()), (2, first.insight_key().alert_id()));
}

/// Done is done, to the second at which the insight expires.
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

/// Calls are counted per claim, whoever holds it.
pub async fn a_released_claim_can_be_claimed_at_once_and_keeps_its_calls(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let first = lease(store, &request(&alert, "a", start())).await;
    assert_eq!(store.reserve_call(&first).await.unwrap(), Reserved::Call(1));
    store.release(&first, start()).await.unwrap();
    let soon = start().plus(Duration::from_millis(1));
    let second = lease(store, &request(&alert, "b", soon)).await;
    assert_eq!(second.fence, 2);
    assert_eq!(store.reserve_call(&second).await.unwrap(), Reserved::Call(2));
}

/// No reserved call, no call.
pub async fn a_claim_counts_five_calls_and_no_more(store: &impl Store) {
    let types = AlertTypes::built_in();
    let lease = lease(store, &request(&alert(&types, &first_event()), "a", start())).await;
    for number in 1..=CALLS_MAX {
        assert_eq!(store.reserve_call(&lease).await.unwrap(), Reserved::Call(number));
    }
    assert_eq!(store.reserve_call(&lease).await.unwrap(), Reserved::Spent);
    assert_eq!(store.reserve_call(&lease).await.unwrap(), Reserved::Spent);
}

/// The fence keeps a worker out that has lost its lease.
pub async fn a_late_worker_changes_nothing(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let late = lease(store, &request(&alert, "a", start())).await;
    let after = start().plus(EVENT_DEADLINE + LEASE_MARGIN + Duration::from_millis(1));
    let holder = lease(store, &request(&alert, "b", after)).await;
    assert_eq!(store.reserve_call(&late).await.unwrap(), Reserved::Lost);
    store.release(&late, after).await.unwrap();
    store.finish(&late, after.plus(RETENTION)).await.unwrap();
    let busy = store.claim(&request(&alert, "c", after.plus(Duration::from_millis(1)))).await.unwrap();
    assert!(matches!(busy, Claim::Busy(_)), "{busy:?}");
    assert_eq!(store.reserve_call(&holder).await.unwrap(), Reserved::Call(1));
}

/// After 90 days nothing binds the alert to what was; not even a claim that was never finished.
pub async fn an_expired_claim_starts_anew_under_a_lease_that_lies_ahead(store: &impl Store) {
    let types = AlertTypes::built_in();
    let first = alert(&types, &first_event());
    let past = start().plus(RETENTION + Duration::from_secs(1));
    let held = request(&first, "a", start());
    lease(store, &ClaimRequest { lease_until: past.plus(Duration::from_mins(10)), ..held }).await;
    let anew = lease(store, &request(&first, "b", past)).await;
    assert_eq!(anew.fence, 2);
}

/// With its own calls, and its own place for the insight.
pub async fn an_expired_claim_starts_anew(store: &impl Store) {
    let types = AlertTypes::built_in();
    let first = alert(&types, &first_event());
    let later = alert(&types, &event("stu_1", 5, 65, "2025-01-01T20:00:00Z"));
    let held = lease(store, &request(&first, "a", start())).await;
    for _ in 0..CALLS_MAX {
        store.reserve_call(&held).await.unwrap();
    }
    let past = start().plus(RETENTION + Duration::from_secs(1));
    let anew = lease(store, &request(&later, "b", past)).await;
    assert_eq!(anew.insight_key, later.insight_key());
    assert_eq!(store.reserve_call(&anew).await.unwrap(), Reserved::Call(1));
    assert_eq!(store.reserve_call(&held).await.unwrap(), Reserved::Lost, "the old lease is of another life");
    let made = insight(&later, &anew.insight_key, "run", false, past);
    store.put(&made, None, past).await.unwrap();
}
