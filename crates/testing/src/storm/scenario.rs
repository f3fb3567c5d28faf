//! What one epoch plays: its workers, and its events with the times at which they arrive.
//!
//! Of a hundred events about 70 are new alerts, 20 say again what an earlier one said, 5 are malformed, and 5 are sent
//! twice. Every alert has another number of calls, by which it is recognised in a prompt.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portend_core::alert::AlertKey;
use portend_core::alert_type::AlertTypes;
use portend_core::limits::{EVENT_DEADLINE, RETENTION};
use portend_core::time::Timestamp;

use crate::play;
use crate::random::Random;
use crate::store_contract::insights::COLLISION;

/// What one epoch plays.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) start: Timestamp,
    pub(super) workers: Vec<WorkerSetup>,
    pub(super) has_bus: bool,
    /// Whether some workers have the scorecard behind their models and others do not.
    pub(super) is_mixed: bool,
    pub(super) alerts: Vec<SentAlert>,
    pub(super) events: Vec<SentEvent>,
    /// The messages in their order.
    pub(super) arrivals: Vec<Arrival>,
    pub(super) second_life: Option<SecondLife>,
}

/// One worker's program and machine.
#[derive(Debug, Clone)]
pub(super) struct WorkerSetup {
    /// How far its clock is ahead, in milliseconds.
    pub(super) skew_ms: i64,
    /// Models in its chain.
    pub(super) models: usize,
    /// Whether the scorecard is behind them.
    pub(super) has_scorecard: bool,
    pub(super) busy_wait_max: Duration,
    pub(super) time_per_event: Duration,
    /// Whether it runs sweeps, and no events.
    pub(super) is_sweeper: bool,
}

/// A group of events that say the same, or one malformed event.
#[derive(Debug, Clone, Default)]
pub(super) struct SentAlert {
    pub(super) calls: u32,
    pub(super) health: u32,
    entity_id: String,
    /// None if its one event is malformed.
    pub(super) key: Option<AlertKey>,
    /// How many events with different times say it.
    pub(super) events: u64,
}

#[derive(Debug)]
pub(super) struct SentEvent {
    pub(super) alert: usize,
    pub(super) bytes: Arc<[u8]>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// After the arrival before it.
    pub(super) pause: Duration,
    pub(super) event: usize,
}

/// What is delivered again when the first insights expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecondLife {
    /// When all of them have expired.
    AfterRetention,
    /// While they expire one after another.
    AtRetention,
}

/// How wrong a clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WorstClock {
    /// By seconds, as clocks are.
    Fair,
    /// By more.
    Wild,
    /// By more than the retention: what it calls expired is not.
    Lost,
}

/// Workers whose clocks differ by more than this are wild.
const SKEW_MAX: Duration = Duration::from_secs(2);
const WILD_SKEWS_MS: [i64; 3] = [20_000, 9 * 3_600_000, 95 * 24 * 3_600_000];
/// How long an event takes a worker on average, crashes and waits included.
const WORK_MS: u64 = 12_000;

impl WorkerSetup {
    pub(super) fn clock(&self) -> WorstClock {
        let skew = Duration::from_millis(self.skew_ms.unsigned_abs());
        if skew > RETENTION {
            WorstClock::Lost
        } else if skew > SKEW_MAX {
            WorstClock::Wild
        } else {
            WorstClock::Fair
        }
    }
}

impl Scenario {
    /// The scenario of this seed, with so many messages.
    pub(super) fn new(random: &mut Random, types: &AlertTypes, messages: usize) -> Self {
        let count = 8 + random.index(13);
        let (always, never) = (random.chance(600), random.chance(500));
        let has_scorecard = |random: &mut Random| always || (!never && random.chance(500));
        let wild_per_mille = if random.chance(250) { 150 } else { 0 };
        let mut workers: Vec<WorkerSetup> =
            (0..count).map(|_| worker(random, has_scorecard, wild_per_mille)).collect();
        for _ in 0..2 {
            let setup = worker(random, has_scorecard, 0);
            let models = setup.models.max(1);
            workers.push(WorkerSetup {
                models,
                is_sweeper: true,
                time_per_event: EVENT_DEADLINE * 3,
                ..setup
            });
        }
        let second_life = match random.below(6) {
            0 => Some(SecondLife::AfterRetention),
            1 => Some(SecondLife::AtRetention),
            _ => None,
        };
        let mut scenario = Self {
            start: play::start(),
            workers,
            has_bus: random.chance(850),
            is_mixed: !always && !never,
            alerts: Vec::new(),
            events: Vec::new(),
            arrivals: Vec::new(),
            second_life,
        };
        let mut now = scenario.start;
        for _ in 0..messages {
            let pause = random.millis(0..2 * WORK_MS / count as u64);
            now = now.plus(pause);
            let event = scenario.next_event(random, types, now);
            scenario.arrivals.push(Arrival { pause, event });
        }
        scenario
    }

    fn next_event(&mut self, random: &mut Random, types: &AlertTypes, now: Timestamp) -> usize {
        let roll = random.below(100);
        if roll < 70 || self.events.is_empty() {
            let alert = self.new_alert();
            // A producer's clock and its way take some time.
            let at = if alert < COLLISION.len() { self.start } else { now.minus(random.secs(0..20)) };
            return self.add(alert, at, types);
        }
        // Half of what comes again does so while the first is still worked on.
        let recent = if random.chance(500) { self.events.len().saturating_sub(12) } else { 0 };
        let earlier = recent + random.index(self.events.len() - recent);
        let alert = self.events[earlier].alert;
        if roll >= 95 {
            earlier
        } else if roll < 90 && self.alerts[alert].key.is_some() {
            self.add(alert, now, types)
        } else {
            self.add_malformed(random, now)
        }
    }

    /// A new alert. The keys of the first two begin with the same digits.
    fn new_alert(&mut self) -> usize {
        let index = self.alerts.len();
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let (calls, health) = COLLISION.get(index).copied().unwrap_or((number, 20 + number % 60));
        let entity_id = if index < COLLISION.len() { "stu_1".into() } else { format!("stu_x{index}") };
        self.alerts.push(SentAlert { calls, health, entity_id, ..SentAlert::default() });
        index
    }

    /// Adds an event that says this alert at this time.
    fn add(&mut self, alert: usize, at: Timestamp, types: &AlertTypes) -> usize {
        let sent = &mut self.alerts[alert];
        // The collision needs this exact second.
        let at = if at == self.start { "2025-01-01T12:00:00Z".into() } else { at.to_string() };
        let bytes = play::event(&sent.entity_id, sent.calls, sent.health, &at);
        sent.key.get_or_insert_with(|| play::alert(types, &bytes).key());
        self.push(alert, bytes)
    }

    /// Adds an event that cannot become an alert, though it has the facts of one.
    fn add_malformed(&mut self, random: &mut Random, now: Timestamp) -> usize {
        let alert = self.new_alert();
        let SentAlert { calls, health, entity_id, .. } = &self.alerts[alert];
        let whole = play::event(entity_id, *calls, *health, &now.to_string());
        let text = String::from_utf8(whole).unwrap();
        let bytes = match random.below(4) {
            0 => text.replace(r#""severity":"warning","#, ""),
            1 => text.replace("\"student\"", "\"teacher\""),
            2 => text.replace("2025-", "1925-"),
            _ => text.trim_end_matches('}').to_owned(),
        };
        self.push(alert, bytes.into_bytes())
    }

    fn push(&mut self, alert: usize, bytes: Vec<u8>) -> usize {
        self.alerts[alert].events += 1;
        self.events.push(SentEvent { alert, bytes: bytes.into() });
        self.events.len() - 1
    }

    /// The alerts by their key.
    pub(super) fn by_key(&self) -> HashMap<AlertKey, usize> {
        let keyed = self.alerts.iter().enumerate();
        keyed.filter_map(|(index, alert)| Some((alert.key?, index))).collect()
    }

    /// The alerts by their number of calls.
    pub(super) fn by_calls(&self) -> HashMap<u32, usize> {
        self.alerts.iter().enumerate().map(|(index, alert)| (alert.calls, index)).collect()
    }
}

fn worker(
    random: &mut Random,
    has_scorecard: impl Fn(&mut Random) -> bool,
    wild_per_mille: u64,
) -> WorkerSetup {
    let skew_ms = if random.chance(wild_per_mille) {
        random.pick(&WILD_SKEWS_MS) * random.pick(&[1, -1])
    } else {
        i64::try_from(random.millis(0..2001).as_millis()).unwrap_or(0) * random.pick(&[1, -1])
    };
    let has_scorecard = has_scorecard(random);
    let models = if has_scorecard && random.chance(30) { 0 } else { 1 + random.index(2) };
    let busy_wait_max = if random.chance(500) { Duration::from_secs(5) } else { Duration::MAX };
    let time_per_event = random.pick(&[EVENT_DEADLINE / 2, EVENT_DEADLINE, EVENT_DEADLINE * 2]);
    WorkerSetup { skew_ms, models, has_scorecard, busy_wait_max, time_per_event, is_sweeper: false }
}

#[cfg(test)]
mod tests {
    use portend_core::alert::Alert;

    use super::*;

    #[test]
    fn a_scenario_has_the_mixture_that_it_promises() {
        let types = AlertTypes::built_in();
        let scenario = Scenario::new(&mut Random::new(1), &types, 1000);
        let malformed = scenario.alerts.iter().filter(|alert| alert.key.is_none()).count();
        let sent_twice = scenario.arrivals.len() - scenario.events.len();
        let repeats: u64 = scenario.alerts.iter().map(|alert| alert.events - 1).sum();
        assert_eq!(scenario.arrivals.len(), 1000);
        assert!((650..750).contains(&(scenario.alerts.len() - malformed)), "{}", scenario.alerts.len());
        assert!((150..250).contains(&repeats), "{repeats}");
        assert!((30..90).contains(&malformed), "{malformed}");
        assert!((30..70).contains(&sent_twice), "{sent_twice}");
        for event in &scenario.events {
            let read = Alert::read(&event.bytes, &types, scenario.start.plus(Duration::from_hours(2)));
            assert_eq!(read.ok().map(|alert| alert.key()), scenario.alerts[event.alert].key);
        }
        let keys = scenario.alerts[..2].iter().map(|sent| {
            let event = scenario.events.iter().find(|event| scenario.alerts[event.alert].calls == sent.calls);
            play::alert(&types, &event.unwrap().bytes).insight_key()
        });
        let keys: Vec<_> = keys.collect();
        assert_eq!(keys[0], keys[1], "two alerts whose keys begin with the same digits");
    }
}
