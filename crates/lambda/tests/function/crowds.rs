//! Many workers process the same alerts at the same time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Scene, alert, batch, distinct_alert, handed_back};
use portend_testing::table::text_of;

/// Row 2: eight processes receive the same alert at the same time.
#[test]
fn row_02_of_eight_functions_one_calls_a_model() {
    let scene = Scene::answering();
    let functions: Vec<_> = (0..8).map(|_| scene.start()).collect();
    let responses: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> =
            functions.iter().map(|function| scope.spawn(|| function.invoke(&alert(1)).unwrap())).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let count = |status: &str| responses.iter().filter(|response| response["status"] == status).count();
    assert_eq!((count("stored"), count("repeated")), (1, 7));
    let ids: Vec<_> = responses.iter().map(|response| &response["alert_id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!((scene.insights().len(), scene.calls(), scene.published().len()), (1, [1, 0], 1));
}

/// The alerts, the deliveries of each alert, and the processes.
const CROWD: (usize, usize, usize) = (1000, 3, 8);
/// The records of one batch.
const BATCH: usize = 10;

/// A queue delivers each alert three times, to eight functions. Each alert gets one insight and costs one call.
#[test]
fn a_thousand_alerts_delivered_three_times_to_eight_functions_cost_a_thousand_calls() {
    let (alerts, deliveries, processes) = CROWD;
    let scene = Scene::answering();
    let queue: Vec<Vec<String>> = (0..alerts * deliveries)
        // The copies of one alert are close to one another.
        .map(|index| distinct_alert(index / (deliveries * BATCH) * BATCH + index % BATCH).to_string())
        .collect::<Vec<_>>()
        .chunks(BATCH)
        .map(<[String]>::to_vec)
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..processes {
            scope.spawn(|| {
                let function = scene.start();
                while let Some(bodies) = queue.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let mut left: Vec<&str> = bodies.iter().map(String::as_str).collect();
                    while !left.is_empty() {
                        let response = function.invoke(&batch(left.iter().copied()));
                        let failed = handed_back(&response);
                        let is_left = |at: usize| failed.contains(&format!("message-{at}"));
                        left = left
                            .into_iter()
                            .enumerate()
                            .filter(|(at, _)| is_left(*at))
                            .map(|(_, body)| body)
                            .collect();
                    }
                }
            });
        }
    });
    let insights = scene.insights();
    assert_eq!((insights.len(), scene.calls()), (alerts, [alerts, 0]));
    assert!(insights.iter().all(|item| text_of(item, "grade") == "model"));
    // A publication that took too long, as on a busy machine, is left to the sweep.
    scene.start().invoke(&json!({ "portend": "upgrade" })).unwrap();
    let published: BTreeSet<String> =
        scene.published().iter().map(|detail: &Value| detail["alert_id"].to_string()).collect();
    assert_eq!(published.len(), alerts, "each insight is published");
}
