//! Insights and parked events: put once, counted, found, forgotten in time.

use std::time::Duration;

use super::play::{alert, all, event, first_event, insight, lease, request, start, store_one};
use crate::alert::{Reason, Refusal};
use crate::alert_type::AlertTypes;
use crate::limits::{EVENT_BYTES_MAX, RETENTION};
use crate::number::Number;
use crate::store::{Parked, Put, Query, Store, Todo};
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);

/// Whoever comes second gets what is there.
pub async fn an_insight_is_put_once(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let key = lease(store, &request(&alert, "a", start())).await.insight_key;
    let first = insight(&alert, &key, "run 1", false, start());
    let second = insight(&alert, &key, "run 2", false, start().plus(MINUTE));
    assert_eq!(store.put(&first, None, start()).await.unwrap(), Put::Stored);
    let existing = store.put(&second, None, start().plus(MINUTE)).await.unwrap();
    assert_eq!(existing, Put::Existing(first.to_stored()));
    assert_eq!(all(store, start()).await, [first.to_stored()]);
}

/// Deliveries come in any order; an older one is a repeat that is not counted.
pub async fn a_repeat_counts_only_what_is_later_than_last_seen(store: &impl Store) {
    let key = store_one(store, &first_event(), false, None, start()).await.insight_key;
    let first = key.alert_timestamp();
    let cases = [(0, 1, 0), (5, 2, 5), (3, 2, 5), (5, 2, 5), (6, 3, 6)];
    for (minutes, occurrences, last_seen) in cases {
        let seen = first.plus(MINUTE * minutes);
        let stored = store.repeat(&key, seen, start()).await.unwrap().unwrap().insight;
        assert_eq!(stored.occurrences, Some(occurrences), "seen after {minutes} min");
        assert_eq!(stored.last_seen, Some(first.plus(MINUTE * last_seen)), "seen after {minutes} min");
        assert_eq!(store.insight(&key, start()).await.unwrap(), Some(stored));
    }
}

/// So that whoever meets it again can tell what nobody told.
pub async fn a_repeat_says_what_is_left_to_do(store: &impl Store) {
    for (student, todo) in [("stu_1", Some(Todo::Tell)), ("stu_2", Some(Todo::Upgrade)), ("stu_3", None)] {
        let event = event(student, 5, 65, "2025-01-01T12:00:00Z");
        let key = store_one(store, &event, true, todo, start()).await.insight_key;
        for minutes in [0, 1] {
            let seen = key.alert_timestamp().plus(MINUTE * minutes);
            assert_eq!(store.repeat(&key, seen, start()).await.unwrap().unwrap().todo, todo, "{student}");
        }
    }
}

/// An update of what is absent would leave a stub.
pub async fn a_repeat_of_nothing_makes_nothing(store: &impl Store) {
    let types = AlertTypes::built_in();
    let key = alert(&types, &first_event()).insight_key();
    assert_eq!(store.repeat(&key, start(), start()).await.unwrap(), None);
    store.clear_todo(&key, "run", Todo::Tell).await.unwrap();
    store.replayed("00", start(), "stored").await.unwrap();
    assert_eq!(all(store, start()).await, []);
    assert_eq!(store.parked(None, 10, start()).await.unwrap().events, []);
}

/// A store may delete late; nobody may notice.
pub async fn what_has_expired_is_absent_everywhere(store: &impl Store) {
    let key = store_one(store, &first_event(), true, None, start()).await.insight_key;
    let refusal = Refusal::new(Reason::NotJson, "it is not");
    let parked = Parked::new(b"{", &refusal, start());
    store.park(&parked).await.unwrap();
    let past = start().plus(RETENTION + Duration::from_secs(1));
    let alert_id = key.alert_id();
    assert!(store.find(&alert_id, start()).await.unwrap().is_some());
    assert_eq!(store.find(&alert_id, past).await.unwrap(), None);
    assert_eq!(store.insight(&key, past).await.unwrap(), None);
    assert_eq!(store.repeat(&key, past, past).await.unwrap(), None);
    assert_eq!(all(store, past).await, []);
    assert_eq!(store.due(past, None, 10).await.unwrap(), []);
    assert_eq!(store.parked(None, 10, past).await.unwrap().events, []);
    store.park(&Parked { received_at: past, ..parked.clone() }).await.unwrap();
    let events = store.parked(None, 10, past).await.unwrap().events;
    assert_eq!(events.iter().map(|each| each.received_at).collect::<Vec<_>>(), [past], "parked anew");
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
        // Older than the first, and made later: one entity's insights are in the order of its alerts.
        event("stu_1", 9, 20, "2025-01-01T11:00:00Z"),
    ];
    for (minute, event) in (0..).zip(events) {
        store_one(store, &event, false, None, start().plus(MINUTE * minute)).await;
    }
}

fn scores(page: &crate::store::Page) -> Vec<f64> {
    page.insights.iter().map(|insight| insight.risk_score.get()).collect()
}

/// By entity, type, least risk, time, and by several of them.
pub async fn filters_hold_together_and_the_newest_comes_first(store: &impl Store) {
    four_insights(store).await;
    let query = Query { limit: 10, ..Query::default() };
    let entity_id = |id: &str| Some(id.to_owned());
    let cases = [
        (query.clone(), vec![95.0, 96.0, 32.0, 63.0]),
        (Query { entity_id: entity_id("stu_1"), ..query.clone() }, vec![63.0, 95.0]),
        (Query { entity_id: entity_id("nobody"), ..query.clone() }, vec![]),
        (Query { alert_type: entity_id("high_ib_call_frequency"), ..query.clone() }, vec![95.0, 32.0, 63.0]),
        (Query { risk_min: Some(Number::from(63)), ..query.clone() }, vec![95.0, 96.0, 63.0]),
        (Query { since: Some(start().plus(MINUTE * 2)), ..query.clone() }, vec![95.0, 96.0]),
        (
            Query {
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

/// A page begins after a key: what arrives in front moves nothing, and nothing is left out or shown twice.
pub async fn pages_follow_one_another_while_insights_arrive(store: &impl Store) {
    four_insights(store).await;
    let mut query = Query { limit: 3, ..Query::default() };
    let first = store.insights(&query, start()).await.unwrap();
    assert_eq!(scores(&first), [95.0, 96.0, 32.0]);
    store_one(store, &event("stu_9", 8, 10, "2025-01-01T12:05:00Z"), false, None, start().plus(MINUTE * 9))
        .await;
    query.after = first.next;
    let second = store.insights(&query, start()).await.unwrap();
    assert_eq!((scores(&second), second.next), (vec![63.0], None));
    let by_entity = Query { entity_id: Some("stu_1".into()), limit: 1, ..Query::default() };
    let newest = store.insights(&by_entity, start()).await.unwrap();
    let rest = Query { after: newest.next.clone(), ..by_entity };
    let oldest = store.insights(&rest, start()).await.unwrap();
    assert_eq!((scores(&newest), scores(&oldest), oldest.next), (vec![63.0], vec![95.0], None));
}

/// Every field, and names in any script.
pub async fn an_insight_reads_back_as_it_was_put(store: &impl Store) {
    let types = AlertTypes::built_in();
    let name = "日本語 \\\"C#\\\" é '; DROP TABLE insight; --";
    let text = String::from_utf8(subject_event("2025-01-01T12:02:00.123456")).unwrap().replace("C#", name);
    let alert = alert(&types, text.as_bytes());
    let key = lease(store, &request(&alert, "a", start())).await.insight_key;
    let put = insight(&alert, &key, "run", true, start());
    store.put(&put, None, start()).await.unwrap();
    assert_eq!(store.find(&put.alert_id, start()).await.unwrap(), Some(put.to_stored()));
    assert_eq!(store.insight(&key, start()).await.unwrap(), Some(put.to_stored()));
}

/// The sha256 of the event is its name.
pub async fn a_parked_event_is_one_item_however_often_it_is_refused(store: &impl Store) {
    let event = vec![b'['; EVENT_BYTES_MAX + 10];
    let first = Parked::new(&event, &Refusal::new(Reason::TooLarge, "too large"), start());
    let later = Parked::new(&event, &Refusal::new(Reason::TooDeep, "too deep"), start().plus(MINUTE));
    store.park(&first).await.unwrap();
    store.park(&later).await.unwrap();
    let events = store.parked(None, 10, start()).await.unwrap().events;
    assert_eq!(events, [first.again(&later)]);
    let [item] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((item.reason.as_str(), item.received_at, item.is_whole()), ("too_deep", start(), false));
    assert_eq!((item.event.len(), item.event_bytes), (EVENT_BYTES_MAX, EVENT_BYTES_MAX + 10));
}

/// As insights are.
pub async fn parked_events_are_paged_newest_first(store: &impl Store) {
    let refusal = Refusal::new(Reason::NotJson, "it is not");
    for minute in 0..3_u32 {
        let event = [0xFF, u8::try_from(minute).unwrap()];
        store.park(&Parked::new(&event, &refusal, start().plus(MINUTE * minute))).await.unwrap();
    }
    let received = |events: &[Parked]| events.iter().map(|each| each.received_at).collect::<Vec<Timestamp>>();
    let first = store.parked(None, 2, start()).await.unwrap();
    assert_eq!(received(&first.events), [start().plus(MINUTE * 2), start().plus(MINUTE)]);
    let second = store.parked(first.next.as_ref(), 2, start()).await.unwrap();
    assert_eq!((received(&second.events), second.next), (vec![start()], None));
}

/// So that nobody runs it again by mistake.
pub async fn a_replay_is_noted_on_its_parked_event(store: &impl Store) {
    let parked = Parked::new(b"{", &Refusal::new(Reason::NotJson, "it is not"), start());
    store.park(&parked).await.unwrap();
    store.replayed(&parked.sha256, start().plus(MINUTE), "stored").await.unwrap();
    let events = store.parked(None, 10, start()).await.unwrap().events;
    let expected =
        Parked { replayed_at: Some(start().plus(MINUTE)), outcome: Some("stored".into()), ..parked };
    assert_eq!(events, [expected]);
}
