//! What is left to do with a stored insight: telling it, and upgrading a degraded one.

use std::time::Duration;

use super::play::{alert, event, first_event, insight, lease, request, start, store_one};
use crate::alert::Alert;
use crate::alert_type::AlertTypes;
use crate::limits::{EVENT_DEADLINE, UPGRADES_MAX};
use crate::store::{Claim, Lease, Reserved, Store, Todo, UpgradeClaim, UpgradeRequest};
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);

fn wish(alert: &Alert<'_>, owner: &str, now: Timestamp) -> UpgradeRequest {
    UpgradeRequest { alert_key: alert.key(), owner: owner.into(), lease_until: now.plus(EVENT_DEADLINE), now }
}

async fn upgrade_lease(store: &impl Store, wish: &UpgradeRequest) -> Lease {
    match store.claim_upgrade(wish).await.unwrap() {
        UpgradeClaim::Mine(lease) => lease,
        other @ (UpgradeClaim::Busy(_) | UpgradeClaim::Never) => panic!("expected a lease, got {other:?}"),
    }
}

async fn todos(store: &impl Store, now: Timestamp) -> Vec<(String, Todo)> {
    let due = store.due(now, None, 10).await.unwrap();
    due.into_iter().map(|due| (due.key.entity_id().to_owned(), due.todo)).collect()
}

/// Oldest first, and no more than asked for.
pub async fn what_is_to_be_told_is_due_until_it_is_told(store: &impl Store) {
    let second = event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
    let later = store_one(store, &second, false, Some(Todo::Tell), start().plus(MINUTE)).await;
    let first = store_one(store, &first_event(), false, Some(Todo::Tell), start()).await;
    store_one(store, &event("stu_3", 5, 65, "2025-01-01T12:00:00Z"), false, None, start()).await;
    let due = store.due(start(), None, 1).await.unwrap();
    let keys: Vec<_> = due.iter().map(|due| (&due.key, due.alert_key, due.todo)).collect();
    assert_eq!(keys, [(&first.insight_key, first.alert_key, Todo::Tell)]);
    let place = due.first().map(crate::store::Due::place);
    let rest = store.due(start(), place.as_ref(), 10).await.unwrap();
    assert_eq!(rest.iter().map(|due| &due.key).collect::<Vec<_>>(), [&later.insight_key], "after the first");
    store.clear_todo(&first.insight_key, "run", Todo::Tell).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_2".to_owned(), Todo::Tell)]);
    store.clear_todo(&later.insight_key, "run", Todo::Tell).await.unwrap();
    assert_eq!(todos(store, start()).await, []);
}

/// Telling comes first; a told insight is told again after its upgrade.
pub async fn a_degraded_insight_is_due_for_an_upgrade_after_it_is_told(store: &impl Store) {
    let held = store_one(store, &first_event(), true, Some(Todo::Tell), start()).await;
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Tell)]);
    store.clear_todo(&held.insight_key, "run", Todo::Tell).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Upgrade)]);
    store.clear_todo(&held.insight_key, "run", Todo::Tell).await.unwrap();
    assert_eq!(
        todos(store, start()).await,
        [("stu_1".to_owned(), Todo::Upgrade)],
        "telling is done, not upgrading"
    );
}

/// What counts its repeats, and when it ends, stay.
pub async fn an_upgrade_replaces_a_degraded_insight_once(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let key = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await.insight_key;
    let seen = key.alert_timestamp().plus(MINUTE);
    let before = store.repeat(&key, seen, start()).await.unwrap().unwrap().insight;
    let now = start().plus(MINUTE * 15);
    let better = insight(&alert, &key, "upgrade", false, now);
    let stored = store.upgrade(&better, Some(Todo::Tell), now).await.unwrap().unwrap();
    assert_eq!((stored.run.as_deref(), stored.degraded), (Some("upgrade"), Some(false)));
    assert_eq!((stored.occurrences, stored.last_seen), (Some(2), Some(seen)));
    assert_eq!((stored.expires_at, stored.timestamp), (before.expires_at, now));
    assert_eq!(store.insight(&key, now).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.find(&stored.alert_id, now).await.unwrap(), Some(stored.clone()));
    assert_eq!(todos(store, now).await, [("stu_1".to_owned(), Todo::Tell)]);
    let again = insight(&alert, &key, "another", false, now);
    assert_eq!(store.upgrade(&again, None, now).await.unwrap(), Some(stored), "it is degraded no more");
    // Whoever told of the degraded one tells nothing of this.
    store.clear_todo(&key, "run", Todo::Tell).await.unwrap();
    assert_eq!(todos(store, now).await, [("stu_1".to_owned(), Todo::Tell)]);
    store.clear_todo(&key, "upgrade", Todo::Tell).await.unwrap();
    assert_eq!(todos(store, now).await, []);
    let absent = self::alert(&types, &event("stu_2", 5, 65, "2025-01-01T12:00:00Z"));
    let absent = insight(&absent, &absent.insight_key(), "run", false, now);
    assert_eq!(store.upgrade(&absent, None, now).await.unwrap(), None);
}

/// The claim's own five do not count against it, whether they were made or not.
pub async fn an_upgrade_has_its_own_two_calls_and_its_claim_stays_done(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let held = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await;
    let now = start().plus(MINUTE);
    let upgrade = upgrade_lease(store, &wish(&alert, "a", now)).await;
    assert_eq!(
        upgrade_lease(store, &wish(&alert, "a", now)).await,
        upgrade,
        "its own, whose answer was lost"
    );
    assert_eq!(store.claim(&request(&alert, "b", now)).await.unwrap(), Claim::Done(held.insight_key.clone()));
    let other = store.claim_upgrade(&wish(&alert, "b", now)).await.unwrap();
    assert_eq!(other, UpgradeClaim::Busy(now.plus(EVENT_DEADLINE)));
    assert!(matches!(store.reserve_call(&upgrade).await.unwrap(), Reserved::Call(_)));
    assert!(matches!(store.reserve_call(&upgrade).await.unwrap(), Reserved::Call(_)));
    assert_eq!(store.reserve_call(&upgrade).await.unwrap(), Reserved::Spent);
}

/// Whoever upgrades without a bus leaves the telling to those who have one.
pub async fn an_upgrade_of_what_is_untold_is_still_to_be_told(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let key = store_one(store, &first_event(), true, Some(Todo::Tell), start()).await.insight_key;
    let better = insight(&alert, &key, "upgrade", false, start());
    store.upgrade(&better, None, start()).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Tell)]);
}

/// Nothing is looked at again for which nothing can be done.
pub async fn an_upgrade_that_is_given_up_is_due_no_more(store: &impl Store) {
    let key = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await.insight_key;
    store.clear_todo(&key, "another run", Todo::Upgrade).await.unwrap();
    store.clear_todo(&key, "run", Todo::Tell).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Upgrade)]);
    store.clear_todo(&key, "run", Todo::Upgrade).await.unwrap();
    assert_eq!(todos(store, start()).await, []);
    assert!(store.insight(&key, start()).await.unwrap().unwrap().is_degraded(), "it stays as it is");
}

/// Two upgrades at most; a failure says when the next may be tried.
pub async fn a_failed_upgrade_is_tried_again_only_once_and_after_its_time(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let held = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await;
    let mut now = start();
    for number in 1..=UPGRADES_MAX {
        let upgrade = upgrade_lease(store, &wish(&alert, &format!("owner {number}"), now)).await;
        let until = now.plus(MINUTE * 30);
        store.release(&upgrade, until).await.unwrap();
        let early = store.claim_upgrade(&wish(&alert, "early", until)).await.unwrap();
        assert_eq!(early, UpgradeClaim::Busy(until));
        assert_eq!(
            store.claim(&request(&alert, "b", now)).await.unwrap(),
            Claim::Done(held.insight_key.clone())
        );
        now = until.plus(Duration::from_millis(1));
    }
    assert_eq!(store.claim_upgrade(&wish(&alert, "late", now)).await.unwrap(), UpgradeClaim::Never);
}

/// An alert that is being worked on is nobody's to upgrade. A crash between put and finish leaves the claim unfinished
/// and the insight there: the upgrade finishes it.
pub async fn an_unfinished_claim_is_upgraded_when_its_lease_is_over(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    assert_eq!(store.claim_upgrade(&wish(&alert, "a", start())).await.unwrap(), UpgradeClaim::Never);
    let held = request(&alert, "a", start());
    let lease = lease(store, &held).await;
    let other = store.claim_upgrade(&wish(&alert, "b", start())).await.unwrap();
    assert_eq!(other, UpgradeClaim::Busy(held.lease_until));
    let later = held.lease_until.plus(Duration::from_millis(1));
    let upgrade = upgrade_lease(store, &wish(&alert, "c", later)).await;
    assert_eq!((upgrade.fence, &upgrade.insight_key), (lease.fence + 1, &lease.insight_key));
    let claim = store.claim(&request(&alert, "d", later)).await.unwrap();
    assert_eq!(claim, Claim::Done(lease.insight_key));
}
