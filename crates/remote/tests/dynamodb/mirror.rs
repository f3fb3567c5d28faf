//! The copy of each insight in the table that the original dashboard's reader queries.

use portend_core::alert_type::AlertTypes;
use portend_core::insight::StoredInsight;
use portend_core::notify::{Notifier, NotifyError};
use portend_core::store::{InsightQuery, Queries};
use portend_remote::{MirrorTable, Notifiers};
use portend_testing::play::{first_event, start, store_one};
use portend_testing::table::{Item, Table, endpoint, number, text};

use crate::store::{aws, fresh, run};

/// What the reader does: it asks the index for insights, the newest first.
fn read(table: &Table) -> Vec<Item> {
    table.newest(Some("EntityTypeIndex"), "entity_type", "insight")
}

async fn stored() -> StoredInsight {
    let (store, _table) = fresh().await;
    store_one(&store, &first_event(), false, None, start()).await;
    let query = InsightQuery { limit: 1, ..InsightQuery::default() };
    store.insights(&query, start()).await.expect("a page").insights.remove(0)
}

fn mirror(name: &str) -> Notifiers {
    let table = MirrorTable::new(name.to_owned(), aws(&endpoint()));
    Notifiers::new(AlertTypes::built_in()).with_mirror(Some(table)).if_any().expect("it has a notifier")
}

#[test]
fn the_original_reader_finds_a_copy_of_each_insight_once() {
    run(async {
        let (insight, table) = (stored().await, Table::create_of_reader());
        assert_eq!(MirrorTable::new(table.name.clone(), aws(&endpoint())).check().await, Ok(()));
        for _ in 0..2 {
            mirror(&table.name).notify(&insight).await.unwrap();
        }
        let items = read(&table);
        assert_eq!(items.len(), 1);
        let mut item = items[0].clone();
        let expected = [
            ("entity_id", text(insight.alert_id())),
            ("entity_type", text("insight")),
            ("related_entity", text("stu_1")),
            ("timestamp", text(&insight.timestamp().to_string())),
            ("prediction_type", text("high_ib_call_frequency")),
            ("risk_score", number("63")),
            ("model_used", text("scorecard")),
            ("confidence", number("0")),
            ("ttl", number(&insight.expires_at().unwrap().as_secs().to_string())),
        ];
        for (name, value) in expected {
            assert_eq!(item.remove(name), Some(value), "{name}");
        }
        assert_eq!(item.remove("explanation"), Some(text(insight.explanation())));
        let lines = item.remove("recommendations").unwrap()["L"].as_array().unwrap().len();
        assert_eq!((lines, item.len()), (insight.recommendations().len(), 0), "{item:?}");
    });
}

/// The upgrade's insight takes the place of the degraded one.
#[test]
fn an_upgrade_replaces_the_copy() {
    run(async {
        let (insight, table) = (stored().await, Table::create_of_reader());
        let StoredInsight::Current(mut fields) = insight.clone() else { panic!("it is this program's") };
        mirror(&table.name).notify(&insight).await.unwrap();
        fields.risk_score = 72.into();
        fields.model_used = "bedrock-claude-haiku-4.5".into();
        mirror(&table.name).notify(&StoredInsight::Current(fields)).await.unwrap();
        let items = read(&table);
        assert_eq!((items.len(), &items[0]["risk_score"]), (1, &number("72")));
    });
}

#[test]
fn a_missing_table_is_a_fault_that_names_the_setting() {
    run(async {
        let error = mirror("missing").notify(&stored().await).await.unwrap_err();
        assert_eq!(error, NotifyError::MirrorRefused { what: "ResourceNotFoundException".into() });
        let (_store, table) = fresh().await;
        let wrong = MirrorTable::new(table.name.clone(), aws(&endpoint())).check().await.unwrap_err();
        assert!(wrong.contains("EntityTypeIndex"), "{wrong}");
    });
}
