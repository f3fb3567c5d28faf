//! The row of the entity, which is read while the model works.

use std::time::Duration;

use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::EntityKey;
use portend_core::model::{Call, Completion, Model, ModelError, ModelSpec};
use portend_core::pipeline::Pipeline;
use portend_core::store::Entities;
use portend_remote::DynamoDb;
use portend_testing::clock::StoppedClock;
use portend_testing::model::{ANSWER, ScriptedModel};
use portend_testing::play::{self, event, first_event, start, store_one};
use portend_testing::table::Proxy;

use crate::store::{NetworkClock, proxied, run, store_at};

/// A model that replies once the row of the entity was read, and after another worker changed it with an earlier alert, if there is one.
struct SlowModel<'a> {
    model: &'a ScriptedModel,
    proxy: &'a Proxy,
    other: Option<&'a DynamoDb>,
}

impl Model for SlowModel<'_> {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        // One read looks for an earlier answer. The other one is of the row.
        let reads = || self.proxy.operations().iter().filter(|name| *name == "GetItem").count();
        for _ in 0..10_000 {
            if reads() == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The response to the read arrives.
        tokio::time::sleep(Duration::from_millis(200)).await;
        if let Some(other) = self.other {
            store_one(other, &event("stu_1", 8, 65, "2025-01-01T11:00:00Z"), false, None, start()).await;
        }
        self.model.ask(call).await
    }
}

/// The requests of an alert after the list of the forgotten, while a model works; and the version of the row afterwards.
fn requests(is_changed: bool) -> (Vec<String>, u64) {
    run(async {
        let (store, table, proxy) = proxied();
        let other = store_at(&portend_testing::table::endpoint(), &table.name);
        let scripted = ScriptedModel::answering("model", ANSWER);
        let model = SlowModel { model: &scripted, proxy: &proxy, other: is_changed.then_some(&other) };
        let clock = NetworkClock(StoppedClock::at(start()));
        let pipeline = Pipeline::new(AlertTypes::built_in(), store, &clock).with_models(vec![model], true);
        let event = first_event();
        let received = pipeline.receive(&event);
        let deadline = clock.now().plus(Duration::from_mins(1));
        let result = pipeline.run(deadline).process(&received).await;
        assert_eq!(play::status(&result), "stored");
        assert_eq!(scripted.calls(), 1);
        let row = other.entity(&EntityKey::new("student", "stu_1"), start()).await;
        let row = row.expect("the table responds").expect("the entity has a row");
        let mut requests = proxy.operations();
        assert_eq!(requests.remove(0), "Query");
        (requests, row.version)
    })
}

/// Beside the model call, so the row takes no exchange of its own: claim, model, commit.
#[test]
fn the_row_of_the_entity_is_read_while_the_model_works() {
    let (mut requests, version) = requests(false);
    // What is sent at the same time has no order.
    requests[..2].sort();
    requests[3..].sort();
    assert_eq!(requests, ["GetItem", "UpdateItem", "GetItem", "TransactWriteItems", "UpdateItem"]);
    assert_eq!(version, 1);
}

#[test]
fn a_row_that_has_changed_since_is_read_again_and_no_judgement_is_lost() {
    let (requests, version) = requests(true);
    let count = |operation: &str| requests.iter().filter(|name| *name == operation).count();
    assert_eq!((count("GetItem"), count("TransactWriteItems")), (3, 2), "{requests:?}");
    assert_eq!(version, 2, "both are in the row");
}
