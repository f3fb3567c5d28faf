//! Cases of the work after an insight is stored: to publish it, and to upgrade a degraded one.

use std::time::Duration;

use crate::play::{
    alert, event, first_event, insight, lease, repeat_of, request, request_with_call, start, store_one,
};
use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::insight::{AttemptRecord, DegradedBy, Insight, Judgement, Provenance, ReusedAnswer};
use portend_core::limits::{EVENT_DEADLINE, UPGRADE_CALLS_MAX, UPGRADE_PAUSE, UPGRADES_MAX};
use portend_core::scorecard::Scored;
use portend_core::store::{
    Claim, Commit, CommitRequest, DueInsight, Lease, Release, Reserved, Store, Todo, UpgradeClaim,
    UpgradeRequest,
};
use portend_core::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);

fn upgrade_request(alert: &Alert<'_>, owner: &str, now: Timestamp) -> UpgradeRequest {
    UpgradeRequest {
        ignores_pause: false,
        alert_key: alert.key(),
        insight_key: alert.insight_key(),
        owner: owner.into(),
        lease_until: now.plus(EVENT_DEADLINE),
        now,
    }
}

async fn upgrade_lease(store: &impl Store, request: &UpgradeRequest) -> Lease {
    match store.claim_upgrade(request).await.unwrap() {
        UpgradeClaim::Mine(lease) => lease,
        other @ (UpgradeClaim::Busy(_) | UpgradeClaim::Never) => panic!("expected a lease, got {other:?}"),
    }
}

async fn todos(store: &impl Store, now: Timestamp) -> Vec<(String, Todo)> {
    let due = store.due(now, None, 10).await.unwrap();
    due.into_iter().map(|due| (due.key.entity_id().to_owned(), due.todo)).collect()
}

/// The oldest insights come first, up to the limit.
pub async fn an_unpublished_insight_is_due_until_it_is_published(store: &impl Store) {
    let second = event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
    let later = store_one(store, &second, false, Some(Todo::Notify), start().plus(MINUTE)).await;
    let first = store_one(store, &first_event(), false, Some(Todo::Notify), start()).await;
    store_one(store, &event("stu_3", 5, 65, "2025-01-01T12:00:00Z"), false, None, start()).await;
    let due = store.due(start(), None, 1).await.unwrap();
    let keys: Vec<_> = due.iter().map(|due| (&due.key, due.alert_key, due.todo)).collect();
    assert_eq!(keys, [(&first.insight_key, first.alert_key, Todo::Notify)]);
    let place = due.first().map(DueInsight::place);
    let rest = store.due(start(), place.as_ref(), 10).await.unwrap();
    assert_eq!(
        rest.iter().map(|due| &due.key).collect::<Vec<_>>(),
        [&later.insight_key],
        "the page starts after the first insight"
    );
    store.clear_todo(&first.insight_key, "run", Todo::Notify).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_2".to_owned(), Todo::Notify)]);
    store.clear_todo(&later.insight_key, "run", Todo::Notify).await.unwrap();
    assert_eq!(todos(store, start()).await, []);
}

/// Publishing comes first; a published insight is published again after its upgrade.
pub async fn a_degraded_insight_is_due_for_an_upgrade_after_it_is_published(store: &impl Store) {
    let held = store_one(store, &first_event(), true, Some(Todo::Notify), start()).await;
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Notify)]);
    store.clear_todo(&held.insight_key, "run", Todo::Notify).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Upgrade)]);
    store.clear_todo(&held.insight_key, "run", Todo::Notify).await.unwrap();
    assert_eq!(
        todos(store, start()).await,
        [("stu_1".to_owned(), Todo::Upgrade)],
        "the insight is published, but not upgraded"
    );
}

/// The upgrade does not change the occurrences and the expiry.
pub async fn an_upgrade_replaces_a_degraded_insight_once(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let held = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await;
    let key = held.insight_key.clone();
    let seen = key.alert_timestamp().plus(MINUTE);
    let before = store.repeat(&repeat_of(&held, seen)).await.unwrap().unwrap().insight;
    let now = start().plus(MINUTE * 15);
    let lease = upgrade_lease(store, &upgrade_request(&alert, "a", now)).await;
    let better = insight(&alert, &key, "upgrade", false, now);
    let commit = CommitRequest { lease: &lease, insight: &better, todo: Some(Todo::Notify), now };
    let stored = store.commit_upgrade(&commit).await.unwrap().unwrap();
    let fields = stored.current().unwrap();
    assert_eq!((fields.run.as_str(), fields.degraded), ("upgrade", false));
    assert_eq!((fields.occurrences, fields.last_seen), (2, seen));
    assert_eq!((stored.expires_at(), fields.timestamp), (before.expires_at(), now));
    assert_eq!(store.insight(&key, now).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.find(stored.alert_id(), now).await.unwrap(), Some(stored.clone()));
    assert_eq!(todos(store, now).await, [("stu_1".to_owned(), Todo::Notify)]);
    let again = insight(&alert, &key, "another", false, now);
    let another = CommitRequest { insight: &again, todo: None, ..commit };
    let unchanged = store.commit_upgrade(&another).await.unwrap();
    assert_eq!(unchanged, Some(stored), "the insight is no longer degraded");
    // The run that published the degraded insight has not published this one.
    store.clear_todo(&key, "run", Todo::Notify).await.unwrap();
    assert_eq!(todos(store, now).await, [("stu_1".to_owned(), Todo::Notify)]);
    store.clear_todo(&key, "upgrade", Todo::Notify).await.unwrap();
    assert_eq!(todos(store, now).await, []);
    let absent = self::alert(&types, &event("stu_2", 5, 65, "2025-01-01T12:00:00Z"));
    let absent = insight(&absent, &absent.insight_key(), "run", false, now);
    let absent = CommitRequest { insight: &absent, todo: None, ..commit };
    assert_eq!(store.commit_upgrade(&absent).await.unwrap(), None);
}

/// A commit gives the call back that was counted with its claim, unless the insight took one.
pub async fn a_commit_gives_back_a_call_that_was_not_made(store: &impl Store) {
    let types = AlertTypes::built_in();
    for (student, made, calls) in
        [("stu_1", None, 0), ("stu_2", Some("accepted"), 1), ("stu_3", Some("reused"), 0)]
    {
        let event = event(student, 5, 65, "2025-01-01T12:00:00Z");
        let alert = alert(&types, &event);
        let held = lease(store, &request_with_call(&alert, "a", start())).await;
        assert_eq!(held.first_call, Some(Reserved::Call(1)));
        let attempts = made.map(attempt).into_iter().collect();
        let degraded = Some(DegradedBy::Transient);
        let provenance = Provenance { run: "run".into(), attempts, degraded, now: start() };
        let judgement = Judgement::Scorecard(Scored::new(&alert));
        let made = Insight::new(&alert, &held.insight_key, judgement, provenance);
        let commit = CommitRequest { lease: &held, insight: &made, todo: Some(Todo::Upgrade), now: start() };
        for _ in 0..2 {
            assert_eq!(store.commit(&commit).await.unwrap(), Commit::Stored);
        }
        let upgrade = upgrade_lease(store, &upgrade_request(&alert, "b", start().plus(MINUTE))).await;
        assert_eq!(upgrade.calls_max, calls + UPGRADE_CALLS_MAX, "{student}");
    }
}

/// An attempt with this outcome.
fn attempt(outcome: &str) -> AttemptRecord {
    let reused = ReusedAnswer { run: "earlier".into(), timestamp: start(), cost_usd: None };
    AttemptRecord {
        model: "first".into(),
        model_id: "first-id".into(),
        asked: None,
        outcome: outcome.into(),
        is_usable: None,
        ms: 0,
        input_tokens: None,
        cached_tokens: None,
        output_tokens: None,
        cost_usd: None,
        violations: None,
        reply: None,
        reused: (outcome == "reused").then_some(reused),
    }
}

/// The five calls of the claim do not count towards the upgrade.
pub async fn an_upgrade_has_its_own_two_calls_and_its_claim_stays_done(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let held = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await;
    let now = start().plus(MINUTE);
    let upgrade = upgrade_lease(store, &upgrade_request(&alert, "a", now)).await;
    assert_eq!(
        upgrade_lease(store, &upgrade_request(&alert, "a", now)).await,
        upgrade,
        "a retry finds its own lease"
    );
    assert_eq!(store.claim(&request(&alert, "b", now)).await.unwrap(), Claim::Done(held.insight_key.clone()));
    let other = store.claim_upgrade(&upgrade_request(&alert, "b", now)).await.unwrap();
    assert_eq!(other, UpgradeClaim::Busy(now.plus(EVENT_DEADLINE)));
    assert!(matches!(store.reserve_call(&upgrade).await.unwrap(), Reserved::Call(_)));
    assert!(matches!(store.reserve_call(&upgrade).await.unwrap(), Reserved::Call(_)));
    assert_eq!(store.reserve_call(&upgrade).await.unwrap(), Reserved::Spent);
}

/// A worker without a bus upgrades the insight, and another worker publishes it.
pub async fn an_upgrade_of_what_is_unpublished_is_still_to_be_published(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let key = store_one(store, &first_event(), true, Some(Todo::Notify), start()).await.insight_key;
    let lease = upgrade_lease(store, &upgrade_request(&alert, "a", start())).await;
    let better = insight(&alert, &key, "upgrade", false, start());
    let commit = CommitRequest { lease: &lease, insight: &better, todo: None, now: start() };
    store.commit_upgrade(&commit).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Notify)]);
}

/// The sweep does not return to an insight that cannot be upgraded.
pub async fn an_abandoned_upgrade_is_no_longer_due(store: &impl Store) {
    let key = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await.insight_key;
    store.clear_todo(&key, "another run", Todo::Upgrade).await.unwrap();
    store.clear_todo(&key, "run", Todo::Notify).await.unwrap();
    assert_eq!(todos(store, start()).await, [("stu_1".to_owned(), Todo::Upgrade)]);
    store.clear_todo(&key, "run", Todo::Upgrade).await.unwrap();
    assert_eq!(todos(store, start()).await, []);
    assert!(
        store.insight(&key, start()).await.unwrap().unwrap().is_degraded(),
        "the insight is still degraded"
    );
}

/// An insight has at most two tries, with a pause between them.
pub async fn a_failed_upgrade_is_tried_again_only_once_and_after_its_time(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let held = store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await;
    let mut now = start();
    for number in 1..=UPGRADES_MAX {
        let upgrade = upgrade_lease(store, &upgrade_request(&alert, &format!("owner {number}"), now)).await;
        let until = now.plus(MINUTE * 30);
        store.release(&upgrade, Release { failed_upgrade: true, ..Release::at(until) }).await.unwrap();
        let early = store.claim_upgrade(&upgrade_request(&alert, "early", until)).await.unwrap();
        assert_eq!(early, UpgradeClaim::Busy(until));
        if number == UPGRADES_MAX {
            let now = UpgradeRequest { ignores_pause: true, ..upgrade_request(&alert, "now", until) };
            assert_eq!(store.claim_upgrade(&now).await.unwrap(), UpgradeClaim::Never);
        }
        assert_eq!(
            store.claim(&request(&alert, "b", now)).await.unwrap(),
            Claim::Done(held.insight_key.clone())
        );
        now = until.plus(Duration::from_millis(1));
    }
    assert_eq!(
        store.claim_upgrade(&upgrade_request(&alert, "late", now)).await.unwrap(),
        UpgradeClaim::Never
    );
}

/// Whoever does not want to wait for the pause need not; but another worker's lease is a lease.
pub async fn an_upgrade_can_ignore_the_pause_but_no_lease(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await;
    let at_once = |owner| UpgradeRequest { ignores_pause: true, ..upgrade_request(&alert, owner, start()) };
    let upgrade = upgrade_lease(store, &upgrade_request(&alert, "a", start())).await;
    let busy = UpgradeClaim::Busy(start().plus(EVENT_DEADLINE));
    assert_eq!(store.claim_upgrade(&at_once("b")).await.unwrap(), busy);
    let release = Release { failed_upgrade: true, ..Release::at(start().plus(UPGRADE_PAUSE)) };
    store.release(&upgrade, release).await.unwrap();
    let early = store.claim_upgrade(&upgrade_request(&alert, "c", start())).await.unwrap();
    assert_eq!(early, UpgradeClaim::Busy(start().plus(UPGRADE_PAUSE)));
    upgrade_lease(store, &at_once("d")).await;
}

/// A process that dies during an upgrade has not shown that no model answers.
pub async fn an_upgrade_that_was_cut_off_does_not_count(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    store_one(store, &first_event(), true, Some(Todo::Upgrade), start()).await;
    let mut now = start();
    for number in 0..2 * UPGRADES_MAX {
        let upgrade = upgrade_lease(store, &upgrade_request(&alert, &format!("owner {number}"), now)).await;
        assert!(matches!(store.reserve_call(&upgrade).await.unwrap(), Reserved::Call(_)), "{number}");
        now = now.plus(EVENT_DEADLINE + Duration::from_millis(1));
    }
}

/// An alert in progress cannot be upgraded. An earlier version could crash after the insight was stored and before the
/// claim was done, so the upgrade marks the claim as done.
pub async fn an_unfinished_claim_is_upgraded_when_its_lease_is_over(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    assert_eq!(
        store.claim_upgrade(&upgrade_request(&alert, "a", start())).await.unwrap(),
        UpgradeClaim::Never
    );
    let held = request(&alert, "a", start());
    let lease = lease(store, &held).await;
    let other = store.claim_upgrade(&upgrade_request(&alert, "b", start())).await.unwrap();
    assert_eq!(other, UpgradeClaim::Busy(held.lease_until));
    let later = held.lease_until.plus(Duration::from_millis(1));
    let upgrade = upgrade_lease(store, &upgrade_request(&alert, "c", later)).await;
    assert_eq!((upgrade.fence, &upgrade.insight_key), (lease.fence + 1, &lease.insight_key));
    let claim = store.claim(&request(&alert, "d", later)).await.unwrap();
    assert_eq!(claim, Claim::Done(lease.insight_key));
}
