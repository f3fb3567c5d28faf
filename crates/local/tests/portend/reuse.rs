//! How many model calls earlier answers save in a simulated month.

use futures_util::FutureExt;
use portend_core::alert::Alert;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::limits::EVENT_DEADLINE;
use portend_core::pipeline::{Outcome, Pipeline};
use portend_core::time::Timestamp;
use portend_simulator::{Settings, Simulation};
use portend_testing::clock::StoppedClock;
use portend_testing::memory::MemoryStore;
use portend_testing::model::ScriptedModel;

/// A usable answer to every alert, because it states no number.
const ANSWER: &str = r#"{"drivers":[],"explanation":"The facts call for a conversation soon.",
    "recommendations":["Call the family.","Review the last sessions."],"risk_score":60}"#;

/// When the alerts of a month are processed.
#[derive(Debug, Clone, Copy)]
enum Processed {
    /// Each when it is sent, so that an answer is used again for a day.
    Live,
    /// All of them after the month, as `portend explain` does with a file.
    Afterwards,
}

/// New insights about students, and the model calls for them, of one simulated month.
fn month(entities: u32, processed: Processed) -> (usize, usize) {
    let model = ScriptedModel::answering("model", ANSWER);
    let (types, end) = (AlertTypes::built_in(), Timestamp::parse("2025-02-01T00:00:00Z").unwrap());
    let sent_at = |event: &str| Alert::read(event.as_bytes(), &types, end).unwrap().timestamp();
    let events = Simulation::new(Settings { entities, days: 30, seed: 1 }).map(|alert| alert.to_json());
    let clock = StoppedClock::at(match processed {
        Processed::Live => Timestamp::parse("2025-01-01T00:00:00Z").unwrap(),
        Processed::Afterwards => end,
    });
    let pipeline = Pipeline::new(AlertTypes::built_in(), MemoryStore::new(), &clock);
    let pipeline = pipeline.with_models(vec![&model], true);
    let (mut insights, mut calls) = (0, 0);
    for event in events.filter(|event| event.contains(r#""entity_type":"student""#)) {
        clock.advance(sent_at(&event).since(clock.now()));
        let received = pipeline.receive(event.as_bytes());
        let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
        let result = run.process(&received).now_or_never().expect("nothing waits");
        if matches!(result, Ok(Outcome::Stored(_))) {
            (insights, calls) = (insights + 1, calls + run.account().attempts.len());
        }
    }
    assert_eq!(calls, model.calls(), "no call is hidden");
    (insights, calls)
}

/// How much is saved depends on how many alerts ask within `answer_reuse`, which is a day for the built-in types.
#[test]
fn the_calls_of_a_month_that_are_saved() {
    for (entities, processed, percent_min) in [(800, Processed::Afterwards, 60), (200, Processed::Live, 13)] {
        let (insights, calls) = month(entities, processed);
        let percent = 100 * (insights - calls) / insights;
        assert!(percent >= percent_min, "{entities} {processed:?}: {calls} calls for {insights} insights");
    }
}
