//! The items of the table, which other programs read, and the items that the original handler wrote.

use std::time::Duration;

use portend_core::alert::{Reason, Refusal};
use portend_core::alert_type::AlertTypes;
use portend_core::entity::EntityKey;
use portend_core::limits::RETENTION;
use portend_core::number::Number;
use portend_core::store::{
    Claim, Claims, Entities, ForgetCounts, ForgetRequest, Forgetting, InsightQuery, Insights, Parked,
    Parking, Queries, Todo,
};
use portend_core::time::Timestamp;
use portend_testing::play::{alert, event, first_event, repeat_of, request_with_call, start, store_one};
use serde_json::json;

use crate::store::{fresh, run};
use portend_testing::table::{Item, number, text, text_of};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a timestamp")
}

#[test]
fn an_insight_is_an_item_with_the_original_handlers_attributes_and_types() {
    run(async {
        let (store, table) = fresh().await;
        store_one(&store, &first_event(), false, Some(Todo::Notify), start()).await;
        let item = table.items_of("insight#").remove(0);
        let id = "high_ib_call_frequency_stu_1_1735732800000";
        for (name, value) in [
            ("pk", text("insight#stu_1")),
            ("entity_id", text("stu_1")),
            ("prediction_type", text("high_ib_call_frequency")),
            ("risk_score", number("63")),
            ("timestamp", text("2025-01-01T12:00:02.114Z")),
            ("model_used", text("scorecard")),
            ("ttl", number("1743508802")),
            ("expires_at", text("2025-04-01T12:00:02Z")),
            ("todo", text("tell")),
            ("todo_day", text("2025-01-01")),
            ("occurrences", number("1")),
            ("degraded", json!({ "BOOL": false })),
        ] {
            assert_eq!(item.get(name), Some(&value), "{name}");
        }
        assert!(text_of(&item, "alert_id").starts_with(id));
        let sk = text_of(&item, "sk");
        assert!(sk.starts_with("2025-01-01T12:00:00.000Z#high_ib_call_frequency#"), "{sk}");
        let lines = item["recommendations"]["L"].as_array().unwrap();
        assert!(lines.len() >= 2 && lines.iter().all(|line| line["S"].is_string()));
        assert_eq!(item["facts"]["M"]["health_score"], number("65"));
    });
}

#[test]
fn a_claim_expires_together_with_its_insight() {
    run(async {
        let (store, table) = fresh().await;
        let lease = store_one(&store, &first_event(), false, None, start()).await;
        let claim = table.items_of("claim#").remove(0);
        let insight = table.items_of("insight#").remove(0);
        assert_eq!(claim["pk"], text(&format!("claim#{}", lease.alert_key)));
        assert_eq!(claim["sk"], text("claim"));
        assert_eq!(claim["state"], text("DONE"));
        assert_eq!(claim["lease_until"], number("0"));
        assert_eq!((&claim["ttl"], &claim["insight_sk"]), (&insight["ttl"], &insight["sk"]));
    });
}

/// An item exactly as the original handler wrote it.
fn original(entity: &str, timestamp: &str, score: &str) -> Item {
    Item::from_iter([
        ("pk".to_owned(), text(&format!("insight#{entity}"))),
        ("sk".to_owned(), text(timestamp)),
        ("alert_id".to_owned(), text(&format!("high_ib_call_frequency_{entity}_1735732802114"))),
        ("entity_id".to_owned(), text(entity)),
        ("prediction_type".to_owned(), text("high_ib_call_frequency")),
        ("risk_score".to_owned(), number(score)),
        ("explanation".to_owned(), text("Five calls.")),
        ("recommendations".to_owned(), json!({ "L": [text("Call."), text("Review.")] })),
        ("timestamp".to_owned(), text(timestamp)),
        ("model_used".to_owned(), text("bedrock-claude-3.5-haiku")),
        ("ttl".to_owned(), number("1743508802")),
    ])
}

#[test]
fn an_item_of_the_original_handler_is_found_and_listed() {
    run(async {
        let (store, table) = fresh().await;
        table.put(&original("stu_1", "2025-01-01T11:59:59.123456", "71.5"));
        store_one(&store, &first_event(), false, None, start()).await;
        let labels = async |query: InsightQuery| -> Vec<String> {
            let page = store.insights(&query, start()).await.unwrap();
            page.insights.iter().map(|insight| insight.model_used().to_owned()).collect()
        };
        let both = ["scorecard", "bedrock-claude-3.5-haiku"];
        let query = InsightQuery { limit: 10, ..InsightQuery::default() };
        assert_eq!(labels(query.clone()).await, both);
        assert_eq!(labels(InsightQuery { entity_id: Some("stu_1".into()), ..query.clone() }).await, both);
        assert_eq!(
            labels(InsightQuery { risk_min: Some(Number::from(70)), ..query.clone() }).await,
            both[1..]
        );
        let since = Some(at("2025-01-01T11:59:59.123Z"));
        assert_eq!(labels(InsightQuery { since, ..query.clone() }).await, both);
        let since = Some(at("2025-01-01T11:59:59.124Z"));
        assert_eq!(labels(InsightQuery { since, ..query }).await, both[..1]);
        let id = "high_ib_call_frequency_stu_1_1735732802114";
        let found = store.find(id, start()).await.unwrap().unwrap();
        assert_eq!((found.risk_score().get(), found.current()), (71.5, None));
        let past = start().plus(Duration::from_hours(24 * 365));
        assert_eq!(store.find(id, past).await.unwrap(), None, "it expires too");
    });
}

/// A claim counts repeats. In an earlier version, the insight counted them.
#[test]
fn if_a_claim_and_its_insight_both_count_repeats_the_greater_value_is_used() {
    run(async {
        let (store, table) = fresh().await;
        let lease = store_one(&store, &first_event(), false, None, start()).await;
        let mut item = table.items_of("insight#").remove(0);
        item.insert("occurrences".to_owned(), number("7"));
        table.put(&item);
        let later = start().plus(Duration::from_hours(1));
        store.repeat(&repeat_of(&lease, later)).await.unwrap();
        assert_eq!(table.items_of("claim#")[0]["occurrences"], number("2"));
        assert_eq!(table.items_of("insight#"), [item], "a repeat does not change the insight's item");
        let stored = store.insight(&lease.insight_key, start()).await.unwrap().unwrap();
        let fields = stored.current().unwrap();
        assert_eq!((fields.occurrences, fields.last_seen), (7, later));
    });
}

/// An earlier version stored the insight and marked its claim as done in two writes.
#[test]
fn a_claim_that_an_earlier_version_left_open_is_done_if_its_insight_exists() {
    run(async {
        let (store, table) = fresh().await;
        let lease = store_one(&store, &first_event(), false, None, start()).await;
        let mut claim = table.items_of("claim#").remove(0);
        claim.insert("state".to_owned(), text("CLAIMED"));
        table.put(&claim);
        let types = AlertTypes::built_in();
        let request = request_with_call(&alert(&types, &first_event()), "later", start());
        assert_eq!(store.claim(&request).await.unwrap(), Claim::Done(lease.insight_key));
        assert_eq!(table.items_of("claim#")[0]["state"], text("DONE"));
    });
}

/// The table returns items of one millisecond in any order.
#[test]
fn pages_are_complete_if_many_items_have_one_timestamp() {
    run(async {
        let (store, table) = fresh().await;
        for number in 0..70 {
            table.put(&original(&format!("stu_{number:03}"), "2025-01-01T11:00:00.500000", "50"));
            table.put(&original(&format!("old_{number:03}"), "2025-01-01T10:00:00", "40"));
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let query = InsightQuery { after, limit: 7, ..InsightQuery::default() };
            let page = store.insights(&query, start()).await.unwrap();
            seen.extend(
                page.insights.iter().map(|insight| (insight.timestamp(), insight.alert_id().to_owned())),
            );
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 140);
        assert!(seen.is_sorted_by(|one, next| one > next), "newest first, each once");
    });
}

#[test]
fn pending_insights_are_returned_oldest_first_over_days_and_pages() {
    run(async {
        let (store, _table) = fresh().await;
        let mut expected = Vec::new();
        for number in 0..60_u64 {
            let made = start().plus(Duration::from_hours(number / 10 * 7));
            let event = event(&format!("stu_{number:03}"), 5, 65, "2025-01-01T12:00:00Z");
            store_one(&store, &event, true, Some(Todo::Upgrade), made).await;
            expected.push(format!("stu_{number:03}"));
        }
        let now = start().plus(Duration::from_hours(24 * 3));
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let due = store.due(now, after.as_ref(), 7).await.unwrap();
            let Some(last) = due.last() else { break };
            after = Some(last.place());
            seen.extend(due.iter().map(|due| due.key.entity_id().to_owned()));
        }
        assert_eq!(seen, expected);
    });
}

#[test]
fn a_parked_event_is_readable_text_and_stays_one_item_for_90_days() {
    run(async {
        let (store, table) = fresh().await;
        let refusal = Refusal::new(Reason::NotJson, "it is not JSON");
        let parked = Parked::new(br#"{"a":"#, &refusal, start());
        store.park(&parked, "owner").await.unwrap();
        let item = table.items_of("parked#").remove(0);
        assert_eq!(item["pk"], text("parked#2025-01-01"));
        assert_eq!(item["sk"], text(&parked.sha256));
        assert_eq!(item["alert_id"], text(&format!("parked#{}", parked.sha256)));
        assert_eq!(item["event"], text(r#"{"a":"#));
        assert_eq!((&item["reason"], &item["event_bytes"]), (&text("not_json"), &number("5")));
        assert_eq!(item["received_at"], text("2025-01-01T12:00:02.114Z"));
        for days in [1, 40, 89] {
            let again =
                Parked { received_at: start().plus(Duration::from_hours(24 * days)), ..parked.clone() };
            store.park(&again, "owner").await.unwrap();
            assert_eq!(table.items_of("parked#").len(), 1, "after {days} days");
        }
        let later = start().plus(RETENTION);
        store.replayed(&parked.sha256, later, "stored").await.unwrap();
        let event = store.parked(None, 9, later).await.unwrap().events.remove(0);
        assert_eq!((event.outcome.as_deref(), event.received_at), (Some("stored"), start()));
    });
}

#[test]
fn an_event_that_is_not_text_is_stored_unchanged() {
    run(async {
        let (store, _table) = fresh().await;
        let refusal = Refusal::new(Reason::NotUtf8, "it is not UTF-8");
        let parked = Parked::new(b"\xff\x00{", &refusal, start());
        store.park(&parked, "owner").await.unwrap();
        assert_eq!(store.parked(None, 9, start()).await.unwrap().events, [parked]);
    });
}

#[test]
fn an_unreadable_item_does_not_hide_others() {
    run(async {
        let (store, table) = fresh().await;
        store_one(&store, &first_event(), false, Some(Todo::Notify), start()).await;
        let mut stray = original("stu_1", "2025-01-01T12:00:01.000000", "50");
        stray.extend([
            ("risk_score".to_owned(), number("50")),
            ("recommendations".to_owned(), text("not a list")),
            ("todo".to_owned(), text("tell")),
            ("todo_day".to_owned(), text("2025-01-01")),
        ]);
        table.put(&stray);
        let query = InsightQuery { limit: 10, ..InsightQuery::default() };
        let of_entity = InsightQuery { entity_id: Some("stu_1".into()), ..query.clone() };
        for (number, query) in [(1, query), (2, of_entity)] {
            assert_eq!(store.insights(&query, start()).await.unwrap().insights.len(), 1);
            assert_eq!(store.unreadable(), number);
        }
        assert_eq!(store.due(start(), None, 9).await.unwrap().len(), 1);
        let parked =
            Item::from_iter([("pk".to_owned(), text("parked#2025-01-01")), ("sk".to_owned(), text("00"))]);
        table.put(&parked);
        assert_eq!(store.parked(None, 9, start()).await.unwrap().events, []);
        assert_eq!(store.unreadable(), 4);
    });
}

#[test]
fn an_entity_is_in_the_worklists_index_while_it_is_open() {
    run(async {
        let (store, table) = fresh().await;
        store_one(&store, &first_event(), false, None, start()).await;
        let item = table.items_of("entity#").remove(0);
        for (name, value) in [
            ("pk", text("entity#student#stu_1")),
            ("sk", text("entity")),
            ("worst", number("63")),
            ("state", text("new")),
            ("version", number("1")),
            ("ttl", number("1743508802")),
        ] {
            assert_eq!(item.get(name), Some(&value), "{name}");
        }
        // Other programs find insights by these.
        assert!(!item.contains_key("alert_id") && !item.contains_key("prediction_type"));
        let key = EntityKey::new("student", "stu_1");
        assert_eq!(item["open_shard"], number(&key.shard().to_string()));
        let row = store.entity(&key, start()).await.unwrap().unwrap();
        let quiet = row.judgements.values().next().unwrap().quiet_at;
        assert!(store.write_entity(&row.recovered(quiet).unwrap(), start()).await.unwrap());
        assert!(!table.items_of("entity#").remove(0).contains_key("open_shard"));
    });
}

/// Whatever other parts of the program stored about it, and nothing of another entity.
#[test]
fn a_forgotten_entity_is_in_no_item() {
    run(async {
        let (store, table) = fresh().await;
        for student in ["canary", "canary-2"] {
            let event = event(student, 5, 65, "2025-01-01T12:00:00Z");
            store_one(&store, &event, false, None, start()).await;
            let item = [("pk", format!("outcome#student#{student}")), ("sk", "left#2025".to_owned())];
            table.put(&item.into_iter().map(|(name, value)| (name.to_owned(), text(&value))).collect());
        }
        let alert_types = vec!["high_ib_call_frequency".to_owned()];
        let request =
            ForgetRequest { entity: EntityKey::new("student", "canary"), alert_types, now: start() };
        let counts = ForgetCounts { insights: 1, claims: 1, others: 2, ..ForgetCounts::default() };
        assert_eq!(store.forget(&request).await.unwrap(), counts);
        let left: Vec<String> = table.items().iter().map(|item| json!(item).to_string()).collect();
        assert_eq!(
            left.iter().filter(|item| item.replace("canary-2", "").contains("canary")).count(),
            0,
            "{left:?}"
        );
        assert_eq!(left.iter().filter(|item| item.contains("canary-2")).count(), 4);
    });
}
