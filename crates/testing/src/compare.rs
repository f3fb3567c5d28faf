//! The same random operations on two stores: every response must be the same.
//!
//! A sequence has few alerts, two of which have keys that begin with the same digits, and a clock that also goes back, and
//! jumps past leases and the retention. Requests, leases and insights of earlier operations are used again, whether or not
//! they still hold.

use std::time::Duration;

use portend_core::alert::{Alert, InsightKey, Reason, Refusal};
use portend_core::alert_type::AlertTypes;
use portend_core::entity::{FeedbackAction, FeedbackEntry, FeedbackRequest, WorklistPlace};
use portend_core::insight::Insight;
use portend_core::limits::{EVENT_DEADLINE, EVENT_DEADLINE_MAX, RETENTION};
use portend_core::number::Number;
use portend_core::store::{
    Claim, ClaimRequest, Commit, CommitRequest, Cursor, InsightQuery, Lease, Parked, Release, RepeatRequest,
    Store, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

use crate::play;
use crate::random::Random;
use crate::store_contract::answers;
use crate::store_contract::insights::COLLISION;

/// Plays so many operations of this seed on both stores, which must be empty, and compares their responses.
pub async fn compare(reference: &impl Store, store: &impl Store, seed: u64, operations: u32) {
    let types = AlertTypes::built_in();
    let events = events();
    let mut comparison = Comparison {
        reference,
        store,
        seed,
        number: 0,
        random: Random::new(seed),
        now: play::start(),
        alerts: events.iter().map(|event| play::alert(&types, event)).collect(),
        claims: Vec::new(),
        leases: Vec::new(),
        commits: Vec::new(),
        upgrades: Vec::new(),
        done: Vec::new(),
    };
    for number in 0..operations {
        comparison.number = number;
        comparison.step().await;
    }
}

/// What a sequence knows.
struct Comparison<'c, R, S> {
    reference: &'c R,
    store: &'c S,
    seed: u64,
    number: u32,
    random: Random,
    now: Timestamp,
    alerts: Vec<Alert<'c>>,
    /// Requests that were sent, with their alerts.
    claims: Vec<(usize, ClaimRequest)>,
    /// Leases that were granted, with their alerts.
    leases: Vec<(usize, Lease)>,
    commits: Vec<EarlierCommit>,
    /// Leases of upgrades, with their alerts.
    upgrades: Vec<(usize, Lease)>,
    /// Where finished claims said that their insights are, with their alerts.
    done: Vec<(usize, InsightKey)>,
}

/// A commit that was sent.
#[derive(Clone)]
struct EarlierCommit {
    lease: Lease,
    insight: Insight,
    todo: Option<Todo>,
    now: Timestamp,
}

/// Two alerts that collide, and two that are sent twice.
fn events() -> Vec<Vec<u8>> {
    let collision = COLLISION.map(|(calls, health)| ("stu_1", calls, health, 12));
    let others = [("stu_1", 5, 65, 12), ("stu_1", 5, 65, 13), ("stu_2", 3, 90, 9), ("stu_2", 3, 90, 11)];
    let events = collision.into_iter().chain(others);
    events
        .map(|(student, calls, health, hour)| {
            play::event(student, calls, health, &format!("2025-01-01T{hour:02}:00:00Z"))
        })
        .collect()
}

/// Sends one operation to both stores, and compares the responses: they must be equal, or be two of which both are right.
macro_rules! both {
    ($self:ident, $operation:ident($($argument:expr),*)) => { both!($self, $operation($($argument),*), |_, _| false) };
    ($self:ident, $operation:ident($($argument:expr),*), $both_right:expr) => {{
        let expected = $self.reference.$operation($($argument),*).await;
        let got = $self.store.$operation($($argument),*).await;
        let Comparison { seed, number, now, .. } = $self;
        let operation = format!("operation {number} of seed {seed} at {now}: {}", stringify!($operation));
        let expected = expected.unwrap_or_else(|error| panic!("{operation}: the reference fails: {error}"));
        let got = got.unwrap_or_else(|error| panic!("{operation}: expected {expected:?}, got {error}"));
        let is_right = got == expected || $both_right(&expected, &got);
        assert!(is_right, "{operation}: {}", difference(&format!("{expected:?}"), &format!("{got:?}")));
        expected
    }};
}

/// Where two long texts begin to differ.
fn difference(expected: &str, got: &str) -> String {
    let same = expected.chars().zip(got.chars()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(80)).take(240).collect::<String>();
    format!("expected `..{}`, got `..{}`", part(expected), part(got))
}

impl<R: Store, S: Store> Comparison<'_, R, S> {
    async fn step(&mut self) {
        self.move_on();
        match self.random.below(100) {
            0..24 => self.claim().await,
            24..32 => self.reserve_call().await,
            32..48 => self.commit().await,
            48..54 => self.release().await,
            54..62 => self.repeat().await,
            62..69 => self.claim_upgrade().await,
            69..74 => self.commit_upgrade().await,
            74..80 => self.clear_todo().await,
            80..87 => self.read().await,
            87..91 => self.answer().await,
            91..95 => self.feedback().await,
            _ => self.park().await,
        }
    }

    /// Time moves on a little. Now and then it goes back, or past a lease, a day or the retention.
    fn move_on(&mut self) {
        let little = self.random.millis(0..20_000);
        self.now = match self.random.below(200) {
            0..150 => self.now.plus(little),
            150..170 => self.now.minus(little),
            170..192 => self.now.plus(EVENT_DEADLINE * 2),
            192..198 => self.now.plus(Duration::from_hours(24)),
            _ => self.now.plus(RETENTION + Duration::from_secs(1)),
        };
    }

    /// One of the latest of a list.
    fn latest<T: Clone>(random: &mut Random, list: &[T]) -> Option<T> {
        let latest = list.get(list.len().saturating_sub(5)..).filter(|latest| !latest.is_empty())?;
        latest.get(random.index(latest.len())).cloned()
    }

    fn name(&mut self) -> String {
        format!("{:016x}", self.random.draw())
    }

    fn lease_until(&mut self) -> Timestamp {
        let time = self.random.pick(&[Duration::ZERO, EVENT_DEADLINE, Duration::from_hours(9)]);
        self.now.plus(time)
    }

    /// A new claim, or an earlier one whose response was lost.
    async fn claim(&mut self) {
        let earlier =
            if self.random.chance(250) { Self::latest(&mut self.random, &self.claims) } else { None };
        let (alert, request) = earlier.unwrap_or_else(|| {
            let (alert, owner) = (self.random.index(self.alerts.len()), self.name());
            let request = ClaimRequest {
                lease_until: self.lease_until(),
                reserve_call: self.random.chance(500),
                ..play::request(&self.alerts[alert], &owner, self.now)
            };
            (alert, request)
        });
        let request = ClaimRequest { now: self.now, ..request };
        self.claims.push((alert, request.clone()));
        match both!(self, claim(&request)) {
            Claim::Mine(lease) => self.leases.push((alert, lease)),
            Claim::Done(key) => self.done.push((alert, key)),
            Claim::Busy(_) => {}
        }
    }

    async fn reserve_call(&mut self) {
        let lists = [&self.leases, &self.upgrades];
        let list = lists[self.random.index(2)];
        if let Some((_, lease)) = Self::latest(&mut self.random, list) {
            both!(self, reserve_call(&lease));
        }
    }

    /// Commits a new insight, under a longer key if that is needed, or sends an earlier commit again.
    async fn commit(&mut self) {
        let earlier =
            if self.random.chance(250) { Self::latest(&mut self.random, &self.commits) } else { None };
        // Nobody asks again after that long.
        let earlier = earlier.filter(|earlier| self.now.since(earlier.now) < EVENT_DEADLINE_MAX);
        let is_repeated = earlier.is_some();
        let Some(mut sent) = earlier.or_else(|| self.new_commit()) else { return };
        // A store that knows a repeated request responds as it did the first time, whatever was stored since.
        let both_right = |expected: &Commit, got: &Commit| {
            is_repeated && matches!((expected, got), (Commit::Existing(_), Commit::Stored))
        };
        loop {
            self.commits.push(sent.clone());
            let EarlierCommit { lease, insight, todo, now } = &sent;
            let request = CommitRequest { lease, insight, todo: *todo, now: *now };
            if both!(self, commit(&request), both_right) != Commit::KeyTaken
                || insight.key().digits().len() > 8
            {
                return;
            }
            sent.insight = sent.insight.with_longer_key();
        }
    }

    fn new_commit(&mut self) -> Option<EarlierCommit> {
        let (alert, lease) = Self::latest(&mut self.random, &self.leases)?;
        let (run, is_degraded) = (self.name(), self.random.chance(600));
        let insight = play::insight(&self.alerts[alert], &lease.insight_key, &run, is_degraded, self.now);
        let todo = self.random.pick(&[None, Some(Todo::Notify), Some(Todo::Upgrade)]);
        Some(EarlierCommit { lease, insight, todo, now: self.now })
    }

    async fn release(&mut self) {
        let is_upgrade = self.random.chance(400);
        let list = if is_upgrade { &self.upgrades } else { &self.leases };
        let Some((_, lease)) = Self::latest(&mut self.random, list) else { return };
        let unused_call = lease.first_call.is_some() && self.random.chance(500);
        let failed_upgrade = is_upgrade && self.random.chance(700);
        let release = Release { until: self.lease_until(), unused_call, failed_upgrade };
        both!(self, release(&lease, release));
    }

    async fn repeat(&mut self) {
        let Some((alert, insight_key)) = Self::latest(&mut self.random, &self.done) else { return };
        let request = RepeatRequest {
            alert_key: self.alerts[alert].key(),
            insight_key,
            owner: self.name(),
            received_at: self.now,
            seen: self.alerts[alert].timestamp().plus(self.random.secs(0..60)),
            now: self.now,
        };
        both!(self, repeat(&request));
    }

    /// A claim of an upgrade of what was stored, which is sent twice now and then.
    async fn claim_upgrade(&mut self) {
        let Some((alert, insight_key)) = Self::latest(&mut self.random, &self.done) else { return };
        let request = UpgradeRequest {
            ignores_pause: self.random.chance(200),
            alert_key: self.alerts[alert].key(),
            insight_key,
            owner: self.name(),
            lease_until: self.lease_until(),
            now: self.now,
        };
        for _ in 0..self.random.within(1..3) {
            if let UpgradeClaim::Mine(lease) = both!(self, claim_upgrade(&request)) {
                self.upgrades.push((alert, lease));
            }
        }
    }

    /// The commit of an upgrade, which is sent twice now and then.
    async fn commit_upgrade(&mut self) {
        let Some((alert, lease)) = Self::latest(&mut self.random, &self.upgrades) else { return };
        let run = self.name();
        let insight = play::insight(&self.alerts[alert], &lease.insight_key, &run, false, self.now);
        let todo = self.random.pick(&[None, Some(Todo::Notify)]);
        let request = CommitRequest { lease: &lease, insight: &insight, todo, now: self.now };
        for _ in 0..self.random.within(1..3) {
            both!(self, commit_upgrade(&request));
        }
    }

    /// Of an insight that was committed, whether or not it is there, and whether or not that is left to do with it.
    async fn clear_todo(&mut self) {
        let Some(EarlierCommit { insight, .. }) = Self::latest(&mut self.random, &self.commits) else {
            return;
        };
        let stored = both!(self, insight(insight.key(), self.now));
        let run = stored.map_or_else(|| insight.fields().run.clone(), |stored| stored.run().to_owned());
        let todo = self.random.pick(&[Todo::Notify, Todo::Upgrade]);
        both!(self, clear_todo(insight.key(), &run, todo));
    }

    /// Everything that can be read: an insight by its key and its id, what is due, and pages with some filters.
    async fn read(&mut self) {
        if let Some(EarlierCommit { insight, .. }) = Self::latest(&mut self.random, &self.commits) {
            both!(self, insight(insight.key(), self.now));
            both!(self, find(&insight.fields().alert_id, self.now));
        }
        let limit = 1 + self.random.index(3);
        let first = both!(self, due(self.now, None, limit));
        if let Some(last) = first.last() {
            both!(self, due(self.now, Some(&last.place()), 10));
        }
        let alert = self.random.index(self.alerts.len());
        let alert = &self.alerts[alert];
        let mut query = InsightQuery {
            entity_id: self.random.chance(400).then(|| alert.entity_id().to_owned()),
            alert_type: self.random.chance(400).then(|| alert.alert_type().id().to_owned()),
            disagree: self.random.chance(100),
            risk_min: self.random.chance(300).then(|| Number::from(60)),
            since: self.random.chance(300).then(|| self.now.minus(Duration::from_mins(5))),
            after: None,
            limit,
        };
        loop {
            query.after = both!(self, insights(&query, self.now)).next;
            if query.after.is_none() {
                return;
            }
        }
    }

    /// Stores an answer to one of three questions, now and then twice, and reads one.
    async fn answer(&mut self) {
        let question = |random: &mut Random| answers::question(["1", "2", "3"][random.index(3)]);
        let key = question(&mut self.random);
        if self.random.chance(500) {
            let (run, at) = (self.name(), self.now.minus(self.random.secs(0..60)));
            let stored = answers::answer(&run, at);
            for _ in 0..self.random.within(1..3) {
                both!(self, store_answer(&key, &stored));
            }
        }
        let key = question(&mut self.random);
        both!(self, answer(&key, self.now));
    }

    /// Feedback about what was committed, sent twice now and then, with the version of now, an old one or none; then the
    /// entities, and the worklist in pages.
    async fn feedback(&mut self) {
        let commit = Self::latest(&mut self.random, &self.commits);
        if let Some(EarlierCommit { insight, .. }) = commit {
            let entity = insight.entity_key();
            let row = both!(self, entity(&entity, self.now));
            let action = match self.random.below(7) {
                0 => FeedbackAction::Useful,
                1 => FeedbackAction::Seen,
                5 => FeedbackAction::Note,
                2 => FeedbackAction::Done,
                3 => FeedbackAction::Assign { assignee: "ana".into() },
                4 => FeedbackAction::Snooze { until: self.now.plus(self.random.secs(0..90_000)) },
                _ => FeedbackAction::Reopen,
            };
            let id = self.name();
            let entry = FeedbackEntry {
                alert_id: insight.fields().alert_id.clone(),
                at: self.now,
                id,
                by: "bo".into(),
                action,
                note: self.random.chance(500).then(|| "a note".into()),
            };
            let version = row.as_ref().map(|row| (row.version + 1).saturating_sub(self.random.below(4)));
            let request = FeedbackRequest {
                entity,
                entry,
                expected_version: version.filter(|_| self.random.chance(500)),
                expires_at: insight.fields().expires_at,
                now: self.now,
            };
            for _ in 0..self.random.within(1..3) {
                both!(self, give_feedback(&request));
            }
            both!(self, feedback(std::slice::from_ref(&request.entry.alert_id), self.now));
            if let Some(row) = row.and_then(|row| row.recovered(self.now)) {
                both!(self, write_entity(&row, self.now));
            }
        }
        let mut after: Option<WorklistPlace> = None;
        loop {
            let page = both!(self, open_entities(after.as_ref(), 2, self.now));
            let Some(last) = page.last() else { return };
            after = Some(last.place());
        }
    }

    /// Parks an event, or notes that one was run again, and reads all pages.
    async fn park(&mut self) {
        let event = [b'{', b'0' + u8::try_from(self.random.below(6)).unwrap()];
        let reason = self.random.pick(&[0, 1]);
        let reason = if reason == 0 { Reason::NotJson } else { Reason::NotAnEvent };
        let parked = Parked::new(&event, &Refusal::new(reason, "it is not"), self.now);
        if self.random.chance(700) {
            let owner = self.name();
            both!(self, park(&parked, &owner));
        } else if self.random.chance(300) {
            both!(self, delete_parked(&parked.sha256));
        } else {
            both!(self, replayed(&parked.sha256, self.now, "stored"));
        }
        let mut after: Option<Cursor> = None;
        loop {
            after = both!(self, parked(after.as_ref(), 2, self.now)).next;
            if after.is_none() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::compare;
    use crate::memory::MemoryStore;

    #[test]
    fn the_reference_is_as_itself() {
        for seed in 0..40 {
            block_on(compare(&MemoryStore::new(), &MemoryStore::new(), seed, 500));
        }
    }
}
