//! What each step consumes of the table's capacity, as DynamoDB itself counts it: the figures of the deployment guide.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::insight::StoredInsight;
use portend_core::notify::{Notifier, NotifyError};
use portend_core::pipeline::Pipeline;
use portend_testing::clock::StoppedClock;
use portend_testing::model::{ANSWER, ScriptedModel};
use portend_testing::play::{self, event, first_event, start};
use portend_testing::table::Consumed;

use crate::store::{NetworkClock, proxied, run};

/// A bus that accepts everything, or nothing.
#[derive(Debug, Default)]
struct Bus {
    is_down: AtomicBool,
}

impl Notifier for &Bus {
    async fn notify(&self, _: &StoredInsight) -> Result<(), NotifyError> {
        let down = || NotifyError::Unreachable { what: "down".to_owned() };
        if self.is_down.load(Ordering::SeqCst) { Err(down()) } else { Ok(()) }
    }
}

/// Requests of each operation, and the units of all of them, as one line.
fn line(consumed: &[Consumed]) -> String {
    let mut sums: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for Consumed { operation, units } in consumed {
        let sum = sums.entry(operation).or_default();
        *sum = (sum.0 + 1, sum.1 + units);
    }
    let parts = sums.iter().map(|(operation, (count, units))| format!("{operation} {count}: {units}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// DynamoDB Local counts neither a write whose condition did not hold, which costs 1 on AWS, nor a query that finds
/// nothing, which costs 0.5.
#[test]
fn each_path_consumes_what_the_guide_says() {
    run(async {
        let (store, _table, proxy) = proxied();
        let clock = NetworkClock(StoppedClock::at(start()));
        let model = ScriptedModel::answering("model", ANSWER);
        let bus = Bus::default();
        let pipeline = Pipeline::new(AlertTypes::built_in(), store, &clock)
            .with_models(vec![&model], true)
            .with_notifier(Some(&bus));
        let deadline = || clock.now().plus(Duration::from_mins(1));
        let process = async |event: &[u8]| {
            let received = pipeline.receive(event);
            let result = pipeline.run(deadline()).process(&received).await;
            (play::status(&result), line(&proxy.take_consumed()))
        };
        let later = event("stu_1", 5, 65, "2025-01-01T13:00:00Z");
        let later_published = event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
        assert_eq!(
            process(&first_event()).await,
            ("stored", "GetItem 2: 1.5, Query 1: 0, TransactWriteItems 1: 22, UpdateItem 3: 9".into())
        );
        let same_question = event("stu_3", 5, 65, "2025-01-01T12:00:00Z");
        assert_eq!(
            process(&same_question).await,
            ("stored", "GetItem 2: 1.5, TransactWriteItems 1: 22, UpdateItem 2: 8".into())
        );
        assert_eq!(model.calls(), 1, "an answer that was stored beside the commit is used again");
        assert_eq!(process(&later).await, ("repeated", "GetItem 2: 1.5, UpdateItem 2: 1".into()));
        assert_eq!(process(b"{").await, ("parked", "Query 1: 0, UpdateItem 1: 2".into()));
        assert_eq!(process(b"{").await, ("parked", "Query 1: 0.5, UpdateItem 1: 1".into()));
        // The first sweep of a table makes the rows of entities that an earlier version did not write.
        pipeline.run(deadline()).sweep(|_| {}).await.unwrap();
        bus.is_down.store(true, Ordering::SeqCst);
        assert_eq!(process(&later_published).await.0, "stored");
        bus.is_down.store(false, Ordering::SeqCst);
        let report = pipeline.run(deadline()).sweep(|_| {}).await.unwrap();
        assert_eq!(report.published, 1);
        assert_eq!(
            line(&proxy.take_consumed()),
            "BatchGetItem 2: 2, GetItem 3: 3, Query 108: 2, UpdateItem 1: 7"
        );
    });
}
