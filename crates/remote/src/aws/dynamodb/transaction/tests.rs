//! Transactions in a real DynamoDB: done once, done whole, and what refuses them.

use std::future::Future;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use portend_core::alert_type::AlertTypes;

use self::table::{Plug, Proxy, Table};
use super::super::attribute::{number, text};
use super::*;
use crate::Aws;

#[path = "../../../../tests/server/scripted.rs"]
#[expect(dead_code, reason = "a server for other tests too")]
mod scripted;
#[path = "../../../../tests/server/table.rs"]
#[expect(dead_code, reason = "a table for other tests too")]
mod table;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn proxied() -> (DynamoDb, Table, Proxy) {
    let (table, proxy) = (Table::create(), Proxy::start());
    let credentials = Credentials::new("AKIATEST", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(proxy.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    (DynamoDb::new(table.name.clone(), &AlertTypes::built_in(), Aws::given(config)), table, proxy)
}

fn item(pk: &str, count: u8) -> Item {
    Item::from([("pk".into(), text(pk)), ("sk".into(), text("s")), ("count".into(), number(count))])
}

/// Puts one item unless it is there, and counts in another if that is at `found`.
fn both(pk: &str, found: u8) -> [Action; 2] {
    let update = Request::of("counter", "s")
        .update("SET #count = #count + :one")
        .only_if("#count = :found")
        .name("#count", "count")
        .value(":one", number(1))
        .value(":found", number(found));
    [Action::Put(Request::put(item(pk, 0)).only_if("attribute_not_exists(pk)")), Action::Update(update)]
}

fn count(table: &Table) -> String {
    let counter = table.items_of("counter").remove(0);
    table::number_of(&counter, "count").to_owned()
}

#[test]
fn all_is_done_or_nothing_and_each_failed_condition_shows_its_item() {
    run(async {
        let (store, table, _proxy) = proxied();
        table.put(&serde_json::from_value(serde_json::to_value(item("counter", 1)).unwrap()).unwrap());
        assert_eq!(store.transact(both("a", 1), "first").await.unwrap(), Transacted::Done);
        assert_eq!((table.items().len(), count(&table)), (2, "2".to_owned()));
        let at_two = || Condition::Fails(Some(item("counter", 2)));
        for (pk, found, expected) in [
            ("b", 9, vec![Condition::Holds, at_two()]),
            ("a", 2, vec![Condition::Fails(Some(item("a", 0))), Condition::Holds]),
            ("a", 9, vec![Condition::Fails(Some(item("a", 0))), at_two()]),
        ] {
            let done = store.transact(both(pk, found), &format!("{pk}{found}")).await.unwrap();
            assert_eq!(done, Transacted::Refused(expected), "{pk} {found}");
        }
        assert_eq!((table.items().len(), count(&table)), (2, "2".to_owned()));
    });
}

#[test]
fn a_transaction_whose_response_was_lost_is_sent_again_and_done_once() {
    run(async {
        let (store, table, proxy) = proxied();
        table.put(&serde_json::from_value(serde_json::to_value(item("counter", 1)).unwrap()).unwrap());
        proxy.pull("TransactWriteItems", Plug::LoseAnswer);
        let lost = store.transact(both("a", 1), "once").await.unwrap_err();
        assert!(lost.is_transient(), "{lost}");
        assert_eq!(store.transact(both("a", 1), "once").await.unwrap(), Transacted::Done);
        assert_eq!(count(&table), "2");
        let other = store.transact(both("b", 2), "once").await.unwrap_err();
        assert!(other.to_string().contains("IdempotentParameterMismatch"), "{other}");
    });
}

#[test]
fn a_conflict_is_transient_and_any_other_reason_is_not() {
    let (store, ..) = proxied();
    let reason = |code: &str| Reason { code: Some(code.to_owned()), item: None };
    let failed = "ConditionalCheckFailed";
    for (codes, is_transient) in [
        (&["None", "TransactionConflict"][..], true),
        (&[failed, "TransactionConflict"], true),
        (&["ThrottlingError", "None"], true),
        (&["ValidationError", failed], false),
        (&["None", "None"], false),
        (&[], false),
    ] {
        let error = store.cancelled(codes.iter().map(|code| reason(code)).collect()).unwrap_err();
        assert_eq!(error.is_transient(), is_transient, "{codes:?} {error}");
    }
}
