//! Cases of insights and parked events: stored once, counted, found, and absent after they have expired.

use std::time::Duration;

use crate::play::{alert, all, event, first_event, insight, lease, repeat_of, request, start, store_one};
use portend_core::alert::{Reason, Refusal};
use portend_core::alert_type::AlertTypes;
use portend_core::limits::{EVENT_BYTES_MAX, EVENT_DEADLINE, LEASE_MARGIN, RETENTION};
use portend_core::number::Number;
use portend_core::store::{
    Claim, Commit, CommitRequest, InsightPage, InsightQuery, Parked, RepeatRequest, Store, Todo,
};
use portend_core::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);

/// A second commit gets the existing insight, and the claim is done.
pub async fn an_insight_is_committed_once(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let lease = lease(store, &request(&alert, "a", start())).await;
    let first = insight(&alert, &lease.insight_key, "run 1", false, start());
    let second = insight(&alert, &lease.insight_key, "run 2", false, start().plus(MINUTE));
    let commit = CommitRequest { lease: &lease, insight: &first, todo: None, now: start() };
    assert_eq!(store.commit(&commit).await.unwrap(), Commit::Stored);
    let late = CommitRequest { insight: &second, now: start().plus(MINUTE), ..commit };
    assert_eq!(store.commit(&late).await.unwrap(), Commit::Existing(first.to_stored()));
    assert_eq!(all(store, start()).await, [first.to_stored()]);
    let claim = store.claim(&request(&alert, "b", start())).await.unwrap();
    assert_eq!(claim, Claim::Done(lease.insight_key));
}

/// A retry of a commit finds its own insight.
pub async fn a_commit_whose_response_was_lost_finds_its_own_insight(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let lease = lease(store, &request(&alert, "a", start())).await;
    let made = insight(&alert, &lease.insight_key, "run", false, start());
    let commit = CommitRequest { lease: &lease, insight: &made, todo: Some(Todo::Notify), now: start() };
    for _ in 0..3 {
        assert_eq!(store.commit(&commit).await.unwrap(), Commit::Stored);
    }
    assert_eq!(all(store, start()).await, [made.to_stored()]);
}

/// These two alerts of one student at one time have keys that begin with the same 32 bits.
pub const COLLISION: [(u32, u32); 2] = [(2955, 74), (7707, 50)];

/// Two alerts can have the same first thirty-two bits.
pub async fn an_insight_whose_key_is_another_alerts_gets_a_longer_one(store: &impl Store) {
    let types = AlertTypes::built_in();
    let at = "2025-01-01T12:00:00Z";
    let [first, second] = COLLISION.map(|(calls, health)| alert(&types, &event("stu_1", calls, health, at)));
    assert_ne!(first.key(), second.key());
    assert_eq!(first.insight_key(), second.insight_key());
    let mut ids = Vec::new();
    for (alert, owner) in [(&first, "a"), (&second, "b")] {
        let lease = lease(store, &request(alert, owner, start())).await;
        let mut made = insight(alert, &lease.insight_key, owner, false, start());
        let commit = CommitRequest { lease: &lease, insight: &made, todo: None, now: start() };
        if owner == "b" {
            assert_eq!(store.commit(&commit).await.unwrap(), Commit::KeyTaken);
            made = made.with_longer_key();
        }
        let commit = CommitRequest { lease: &lease, insight: &made, todo: None, now: start() };
        assert_eq!(store.commit(&commit).await.unwrap(), Commit::Stored);
        let claim = store.claim(&request(alert, "c", start())).await.unwrap();
        assert_eq!(claim, Claim::Done(made.key().clone()));
        assert_eq!(store.insight(made.key(), start()).await.unwrap(), Some(made.to_stored()));
        assert_eq!(store.find(&made.key().alert_id(), start()).await.unwrap(), Some(made.to_stored()));
        ids.push(made.key().alert_id());
    }
    assert_eq!(ids.iter().map(|id| id.rsplit('_').next().unwrap().len()).collect::<Vec<_>>(), [8, 16]);
    assert_eq!(all(store, start()).await.len(), 2);
}

/// A worker that commits late looks for the insight of the worker that took over. Another alert's insight can have the
/// key of the claim, so that the claim's own insight has a longer key. An upgrade must not replace that other insight.
pub async fn another_alerts_insight_is_never_returned_or_replaced(store: &impl Store) {
    let types = AlertTypes::built_in();
    let at = "2025-01-01T12:00:00Z";
    let [first, second] = COLLISION.map(|(calls, health)| event("stu_1", calls, health, at));
    store_one(store, &first, true, None, start()).await;
    let second = alert(&types, &second);
    let late = lease(store, &request(&second, "late", start())).await;
    let after = start().plus(EVENT_DEADLINE + LEASE_MARGIN + Duration::from_millis(1));
    lease(store, &request(&second, "next", after)).await;
    let made = insight(&second, &late.insight_key, "late", false, after);
    let commit = CommitRequest { lease: &late, insight: &made, todo: None, now: after };
    assert_eq!(store.commit(&commit).await.unwrap(), Commit::KeyTaken);
    assert_eq!(store.commit_upgrade(&commit).await.unwrap(), None);
    let longer = made.clone().with_longer_key();
    let commit = CommitRequest { insight: &longer, ..commit };
    assert_eq!(store.commit(&commit).await.unwrap(), Commit::Lost);
    assert!(store.insight(&late.insight_key, after).await.unwrap().unwrap().is_degraded());
}

/// Deliveries arrive in any order. An older one is a repeat that does not add to the count.
pub async fn a_repeat_counts_only_what_is_later_than_last_seen(store: &impl Store) {
    let lease = store_one(store, &first_event(), false, None, start()).await;
    let first = lease.insight_key.alert_timestamp();
    let cases = [(0, 1, 0), (5, 2, 5), (3, 2, 5), (5, 2, 5), (6, 3, 6)];
    for (minutes, occurrences, last_seen) in cases {
        let seen = first.plus(MINUTE * minutes);
        let stored = store.repeat(&repeat_of(&lease, seen)).await.unwrap().unwrap().insight;
        let fields = stored.current().unwrap();
        assert_eq!(fields.occurrences, occurrences, "seen after {minutes} min");
        assert_eq!(fields.last_seen, first.plus(MINUTE * last_seen), "seen after {minutes} min");
        assert_eq!(store.insight(&lease.insight_key, start()).await.unwrap().as_ref(), Some(&stored));
        assert_eq!(store.find(stored.alert_id(), start()).await.unwrap().as_ref(), Some(&stored));
        assert_eq!(all(store, start()).await, [stored]);
    }
}

/// A run that finds the insight again must know whether it still has to be published.
pub async fn a_repeat_says_what_is_left_to_do(store: &impl Store) {
    for (student, todo) in [("stu_1", Some(Todo::Notify)), ("stu_2", Some(Todo::Upgrade)), ("stu_3", None)] {
        let event = event(student, 5, 65, "2025-01-01T12:00:00Z");
        let lease = store_one(store, &event, true, todo, start()).await;
        for minutes in [0, 1] {
            let seen = lease.insight_key.alert_timestamp().plus(MINUTE * minutes);
            let repeat = store.repeat(&repeat_of(&lease, seen)).await.unwrap().unwrap();
            assert_eq!(repeat.todo, todo, "{student}");
        }
    }
}

/// An update of a missing item must not create a partial item.
pub async fn a_repeat_of_nothing_makes_nothing(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let key = alert.insight_key();
    let repeat = RepeatRequest {
        alert_key: alert.key(),
        insight_key: key.clone(),
        owner: "a".into(),
        received_at: start(),
        seen: start(),
        now: start(),
    };
    assert_eq!(store.repeat(&repeat).await.unwrap(), None);
    store.clear_todo(&key, "run", Todo::Notify).await.unwrap();
    store.replayed("00", start(), "stored").await.unwrap();
    let claim = store.claim(&request(&alert, "b", start())).await.unwrap();
    assert!(matches!(claim, Claim::Mine(_)), "{claim:?}");
    assert_eq!(all(store, start()).await, []);
    assert_eq!(store.parked(None, 10, start()).await.unwrap().events, []);
}

/// A store may delete expired items late, but must not return them.
pub async fn what_has_expired_is_absent_everywhere(store: &impl Store) {
    let lease = store_one(store, &first_event(), true, None, start()).await;
    let key = lease.insight_key.clone();
    let refusal = Refusal::new(Reason::NotJson, "it is not");
    let parked = Parked::new(b"{", &refusal, start());
    store.park(&parked, "owner").await.unwrap();
    let past = start().plus(RETENTION + Duration::from_secs(1));
    let alert_id = key.alert_id();
    assert!(store.find(&alert_id, start()).await.unwrap().is_some());
    assert_eq!(store.find(&alert_id, past).await.unwrap(), None);
    assert_eq!(store.insight(&key, past).await.unwrap(), None);
    let repeat = RepeatRequest { now: past, ..repeat_of(&lease, past) };
    assert_eq!(store.repeat(&repeat).await.unwrap(), None);
    assert_eq!(all(store, past).await, []);
    assert_eq!(store.due(past, None, 10).await.unwrap(), []);
    assert_eq!(store.parked(None, 10, past).await.unwrap().events, []);
    store.park(&Parked { received_at: past, ..parked.clone() }, "owner").await.unwrap();
    let events = store.parked(None, 10, past).await.unwrap().events;
    assert_eq!(
        events.iter().map(|each| each.received_at).collect::<Vec<_>>(),
        [past],
        "the event is parked again"
    );
}

fn subject_event(at: &str) -> Vec<u8> {
    let details = r#"{"balance_status":"high_demand","demand_score":95,"supply_score":10}"#;
    let rest = format!(r#""severity":"info","entity_id":"C#","entity_type":"subject","timestamp":"{at}""#);
    format!(r#"{{"alert_type":"supply_demand_imbalance",{rest},"details":{details}}}"#).into_bytes()
}

async fn four_insights(store: &impl Store) {
    let events = [
        event("stu_1", 5, 65, "2025-01-01T12:00:00Z"),
        event("stu_2", 3, 90, "2025-01-01T12:01:00Z"),
        subject_event("2025-01-01T12:02:00Z"),
        // This alert is older than the first, but its insight is newer. An entity's insights are in the order of alerts.
        event("stu_1", 9, 20, "2025-01-01T11:00:00Z"),
    ];
    for (minute, event) in (0..).zip(events) {
        store_one(store, &event, false, None, start().plus(MINUTE * minute)).await;
    }
}

fn scores(page: &InsightPage) -> Vec<f64> {
    page.insights.iter().map(|insight| insight.risk_score().get()).collect()
}

/// Filters by entity, type, minimum risk, time, and several of them.
pub async fn filters_hold_together_and_the_newest_comes_first(store: &impl Store) {
    four_insights(store).await;
    let query = InsightQuery { limit: 10, ..InsightQuery::default() };
    let entity_id = |id: &str| Some(id.to_owned());
    let cases = [
        (query.clone(), vec![95.0, 96.0, 32.0, 63.0]),
        (InsightQuery { entity_id: entity_id("stu_1"), ..query.clone() }, vec![63.0, 95.0]),
        (InsightQuery { entity_id: entity_id("nobody"), ..query.clone() }, vec![]),
        (
            InsightQuery { alert_type: entity_id("high_ib_call_frequency"), ..query.clone() },
            vec![95.0, 32.0, 63.0],
        ),
        (InsightQuery { risk_min: Some(Number::from(63)), ..query.clone() }, vec![95.0, 96.0, 63.0]),
        (InsightQuery { since: Some(start().plus(MINUTE * 2)), ..query.clone() }, vec![95.0, 96.0]),
        (
            InsightQuery {
                entity_id: entity_id("stu_1"),
                alert_type: entity_id("high_ib_call_frequency"),
                risk_min: Some(Number::from(64)),
                since: Some(start()),
                ..query
            },
            vec![95.0],
        ),
    ];
    for (query, expected) in cases {
        let page = store.insights(&query, start()).await.unwrap();
        assert_eq!((scores(&page), page.next), (expected, None), "{query:?}");
    }
}

/// A page starts after a key, so a new insight before it does not cause a skipped or repeated insight.
pub async fn pages_follow_one_another_while_insights_arrive(store: &impl Store) {
    four_insights(store).await;
    let mut query = InsightQuery { limit: 3, ..InsightQuery::default() };
    let first = store.insights(&query, start()).await.unwrap();
    assert_eq!(scores(&first), [95.0, 96.0, 32.0]);
    store_one(store, &event("stu_9", 8, 10, "2025-01-01T12:05:00Z"), false, None, start().plus(MINUTE * 9))
        .await;
    query.after = first.next;
    let second = store.insights(&query, start()).await.unwrap();
    assert_eq!((scores(&second), second.next), (vec![63.0], None));
    let by_entity = InsightQuery { entity_id: Some("stu_1".into()), limit: 1, ..InsightQuery::default() };
    let newest = store.insights(&by_entity, start()).await.unwrap();
    let rest = InsightQuery { after: newest.next.clone(), ..by_entity };
    let oldest = store.insights(&rest, start()).await.unwrap();
    assert_eq!((scores(&newest), scores(&oldest), oldest.next), (vec![63.0], vec![95.0], None));
}

/// The test has every field, and a name with characters of several scripts.
pub async fn an_insight_reads_back_as_it_was_put(store: &impl Store) {
    let types = AlertTypes::built_in();
    let name = "日本語 \\\"C#\\\" é '; DROP TABLE insight; --";
    let text = String::from_utf8(subject_event("2025-01-01T12:02:00.123456")).unwrap().replace("C#", name);
    let alert = alert(&types, text.as_bytes());
    let lease = lease(store, &request(&alert, "a", start())).await;
    let put = insight(&alert, &lease.insight_key, "run", true, start());
    let commit = CommitRequest { lease: &lease, insight: &put, todo: None, now: start() };
    assert_eq!(store.commit(&commit).await.unwrap(), Commit::Stored);
    assert_eq!(store.find(&put.fields().alert_id, start()).await.unwrap(), Some(put.to_stored()));
    assert_eq!(store.insight(&lease.insight_key, start()).await.unwrap(), Some(put.to_stored()));
}

/// The sha256 of the event is its key.
pub async fn a_parked_event_is_one_item_however_often_it_is_refused(store: &impl Store) {
    let event = vec![b'['; EVENT_BYTES_MAX + 10];
    let first = Parked::new(&event, &Refusal::new(Reason::TooLarge, "too large"), start());
    let later = Parked::new(&event, &Refusal::new(Reason::TooDeep, "too deep"), start().plus(MINUTE));
    store.park(&first, "owner").await.unwrap();
    store.park(&later, "owner").await.unwrap();
    let events = store.parked(None, 10, start()).await.unwrap().events;
    assert_eq!(events, [first.again(&later)]);
    let [item] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((item.reason.as_str(), item.received_at, item.is_whole()), ("too_deep", start(), false));
    assert_eq!((item.event.len(), item.event_bytes), (EVENT_BYTES_MAX, EVENT_BYTES_MAX + 10));
}

/// Parked events have pages, as insights do.
pub async fn parked_events_are_paged_newest_first(store: &impl Store) {
    let refusal = Refusal::new(Reason::NotJson, "it is not");
    for minute in 0..3_u32 {
        let event = [0xFF, u8::try_from(minute).unwrap()];
        store.park(&Parked::new(&event, &refusal, start().plus(MINUTE * minute)), "owner").await.unwrap();
    }
    let received = |events: &[Parked]| events.iter().map(|each| each.received_at).collect::<Vec<Timestamp>>();
    let first = store.parked(None, 2, start()).await.unwrap();
    assert_eq!(received(&first.events), [start().plus(MINUTE * 2), start().plus(MINUTE)]);
    let second = store.parked(first.next.as_ref(), 2, start()).await.unwrap();
    assert_eq!((received(&second.events), second.next), (vec![start()], None));
}

/// The outcome prevents a second replay by mistake.
pub async fn a_replay_is_noted_on_its_parked_event(store: &impl Store) {
    let parked = Parked::new(b"{", &Refusal::new(Reason::NotJson, "it is not"), start());
    store.park(&parked, "owner").await.unwrap();
    store.replayed(&parked.sha256, start().plus(MINUTE), "stored").await.unwrap();
    let events = store.parked(None, 10, start()).await.unwrap().events;
    let expected =
        Parked { replayed_at: Some(start().plus(MINUTE)), outcome: Some("stored".into()), ..parked };
    assert_eq!(events, [expected]);
}

/// It is gone for good, and may be parked again; another stays.
pub async fn a_dropped_event_is_gone(store: &impl Store) {
    let parked = |event: &[u8]| Parked::new(event, &Refusal::new(Reason::NotJson, "it is not"), start());
    let (dropped, other) = (parked(b"{"), parked(b"["));
    for event in [&dropped, &other] {
        store.park(event, "owner").await.unwrap();
    }
    for _ in 0..2 {
        store.delete_parked(&dropped.sha256).await.unwrap();
        assert_eq!(
            store.parked(None, 10, start()).await.unwrap().events.as_slice(),
            std::slice::from_ref(&other)
        );
    }
    store.park(&dropped, "owner").await.unwrap();
    assert_eq!(store.parked(None, 10, start()).await.unwrap().events.len(), 2);
}
