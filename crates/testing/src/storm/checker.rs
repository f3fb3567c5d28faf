//! Holds what the store, the provider, the bus and the queue have seen against the invariants.
//!
//! Never: looks at what the program returned. Of the calls for an alert that a worker with a wild clock has touched, only
//! the number is checked. A worker whose clock is ahead by more than the retention takes what is there for expired, and
//! begins a new life of the claim; of such an alert there is one insight in each life.

mod replay;

use std::time::Duration;

use portend_core::time::Timestamp;

use super::history::What;
use super::queue::MessageEnd;
use super::scenario::{Scenario, WorstClock};
use super::world::World;
use replay::Replay;

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which kind.
    pub kind: ViolationKind,
    /// The alert, by its number in its epoch.
    pub alert: usize,
    /// What is wrong, in a sentence.
    pub what: String,
}

/// Kinds of violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViolationKind {
    /// An event that is neither an insight, nor parked, nor dead; or an insight that was not published.
    Lost,
    /// A second insight, one that was replaced, or one that was put under a lease that was another's.
    Twice,
    /// A call without a reason: no live lease, not counted, too many, or after its time.
    Unexplained,
}

/// How long before its end an insight may be taken for expired, and after it for present: clocks differ, and an
/// operation takes time.
const EXPIRY_TOLERANCE: Duration = Duration::from_mins(5);
/// The same, with a clock that is hours behind.
const WILD_EXPIRY_TOLERANCE: Duration = Duration::from_hours(10);
/// An event and its insight are of one life if they are not further apart.
const LIFE: Duration = Duration::from_hours(60 * 24);

/// Everything that is wrong with an epoch at rest.
pub(super) fn check(world: &World, scenario: &Scenario) -> Vec<Violation> {
    let mut violations = Vec::new();
    let replays: Vec<Replay<'_>> = (0..scenario.alerts.len())
        .map(|alert| {
            let mut replay = Replay::new(world, scenario, alert);
            replay.run();
            violations.append(&mut replay.violations);
            replay
        })
        .collect();
    for message in &world.queue.messages {
        let alert = scenario.events[message.event].alert;
        violations.extend(lost(world, scenario, message.event, message.end, &replays[alert]));
    }
    if let Some(alert) = world.first_due() {
        let what = "something is still to be done with its insight".to_owned();
        violations.push(Violation { kind: ViolationKind::Lost, alert, what });
    }
    if world.history.unknown_calls > 0 {
        let what = format!("{} calls have the facts of no alert", world.history.unknown_calls);
        violations.push(Violation { kind: ViolationKind::Unexplained, alert: 0, what });
    }
    violations
}

/// I2: what is wrong with a message's end.
fn lost(
    world: &World,
    scenario: &Scenario,
    event: usize,
    end: Option<MessageEnd>,
    replay: &Replay<'_>,
) -> Option<Violation> {
    let alert = scenario.events[event].alert;
    let violation = |kind, what: String| Some(Violation { kind, alert, what });
    let deleted_at = match end {
        None => return violation(ViolationKind::Lost, format!("event {event} is still in the queue")),
        Some(MessageEnd::DeadLetter) => return None,
        Some(MessageEnd::Deleted(at)) => at,
    };
    let is_fair = world.clocks[alert] == WorstClock::Fair;
    let is_of_this_life = |at: Timestamp| at <= deleted_at && deleted_at.since(at) < LIFE;
    let is_parked = world.history.alerts[alert].iter().any(|entry| {
        matches!(entry.what, What::Parked { event: parked } if parked == event) && is_of_this_life(entry.at)
    });
    let tolerance = if is_fair { EXPIRY_TOLERANCE } else { WILD_EXPIRY_TOLERANCE };
    let has_insight_until = |time: Timestamp| {
        let mut insights = replay.insights.iter();
        insights.any(|insight| insight.at <= deleted_at && insight.view.is_retained(time))
    };
    let (may_have_insight, has_insight) =
        (has_insight_until(deleted_at.minus(tolerance)), has_insight_until(deleted_at.plus(tolerance)));
    // What a worker stores whose clock is further behind than the retention has expired at once. Nobody can see that.
    let is_lost_in_time = world.clocks[alert] == WorstClock::Lost;
    let was_put = is_lost_in_time && replay.insights.iter().any(|insight| insight.at <= deleted_at);
    if !may_have_insight && !was_put && !is_parked {
        let what = format!("event {event} was deleted from the queue at {deleted_at}, without an insight");
        return violation(ViolationKind::Lost, what);
    }
    // Between parking and the end of its message, a crash can deliver the event once more, and by then another worker's
    // answer may be stored, which costs nothing. A replay of what is parked is then a repeat.
    let is_reused = replay.insights.iter().any(|insight| insight.view.is_reused);
    if has_insight && is_parked && is_fair && !is_reused && !scenario.is_mixed {
        return violation(ViolationKind::Twice, format!("event {event} is parked, and has an insight"));
    }
    None
}
