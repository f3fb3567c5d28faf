//! The simulated table: the memory store's state, with the bug that is planted, and an index that lags behind.

use std::time::Duration;

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::StoredInsight;
use portend_core::store::{
    Claim, ClaimRequest, ClaimState, Commit, CommitRequest, Cursor, DueInsight, Lease, Parked, Release,
    Repeat, RepeatRequest, Reserved, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

use super::bug::Bug;
use crate::memory::{MemoryState, PutOutcome};
use crate::random::Random;

/// How far the index over what is due lags behind at most.
const INDEX_LAG: Duration = Duration::from_secs(5);
/// One half of a transaction is lost in so many of a thousand, where that bug is planted.
const HALVES_PER_MILLE: u64 = 20;

/// The table.
#[derive(Debug)]
pub(super) struct SimulatedTable {
    pub(super) state: MemoryState,
    bug: Option<Bug>,
    random: Random,
    /// What was due when the index was last brought up to date, and that time.
    index: Vec<(Cursor, InsightKey)>,
    indexed_at: Timestamp,
}

impl SimulatedTable {
    pub(super) fn new(bug: Option<Bug>, random: Random) -> Self {
        let state = MemoryState::default();
        Self { state, bug, random, index: Vec::new(), indexed_at: Timestamp::EPOCH }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The time by which the table reads.
    fn now(&self, now: Timestamp) -> Timestamp {
        if self.has(Bug::ExpiredIsPresent) { Timestamp::EPOCH } else { now }
    }

    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Claim {
        let mut request = request.clone();
        if self.has(Bug::LeaseUnit) {
            request.lease_until = Timestamp::from_millis(request.lease_until.as_secs());
        }
        let bug = self.bug;
        let row = self.state.claim_row_mut(request.alert_key);
        let (mut fence, mut calls) = (0, 0);
        if let Some(row) = row {
            (fence, calls) = (row.fence, row.calls);
            let is_anothers = row.state == ClaimState::Claimed && row.owner != request.owner;
            if bug == Some(Bug::ClaimForAll) && is_anothers {
                row.lease_until = Timestamp::EPOCH;
            }
            if bug == Some(Bug::ExpiredIsPresent) && row.state == ClaimState::Done {
                return Claim::Done(row.insight_key.clone());
            }
        }
        let mut claim = self.state.claim(&request);
        if let (Claim::Mine(lease), Some(row)) = (&mut claim, self.state.claim_row_mut(request.alert_key)) {
            if bug == Some(Bug::SameFence) && fence > 0 {
                (row.fence, lease.fence) = (fence, fence);
            }
            if bug == Some(Bug::UncountedFirstCall) {
                row.calls = calls;
            }
        }
        claim
    }

    pub(super) fn reserve_call(&mut self, lease: &Lease) -> Reserved {
        let reserved = self.state.reserve_call(lease);
        if let (true, Reserved::Call(_)) = (self.has(Bug::UncountedCall), reserved) {
            self.edit(lease.alert_key, |calls| *calls -= 1);
        }
        reserved
    }

    fn edit(&mut self, key: AlertKey, edit: impl FnOnce(&mut u32)) {
        if let Some(row) = self.state.claim_row_mut(key) {
            edit(&mut row.calls);
        }
    }

    /// The transaction of a commit.
    pub(super) fn put(&mut self, request: &CommitRequest<'_>) -> PutOutcome {
        let mut lease = request.lease.clone();
        let fence = self.state.claim_row(lease.alert_key).map(|row| row.fence);
        if self.has(Bug::NoFence) || self.has(Bug::UnconditionalPut) {
            lease.fence = fence.unwrap_or(lease.fence);
        }
        let mut request = CommitRequest { lease: &lease, ..*request };
        if self.has(Bug::UnconditionalPut) {
            // Everything has expired by then.
            request.now = request.now.plus(Duration::from_hours(24 * 365));
        }
        let put = self.state.put(&request);
        let is_halved = self.has(Bug::HalfTransaction) && self.random.chance(HALVES_PER_MILLE);
        if is_halved && put == PutOutcome::Stored {
            self.state.remove_insight(request.insight.key());
        }
        put
    }

    /// What a refused transaction means to its requester.
    pub(super) fn existing(&mut self, request: &CommitRequest<'_>, refused: PutOutcome) -> Commit {
        self.state.existing(request, refused)
    }

    pub(super) fn release(&mut self, lease: &Lease, release: Release) {
        let is_mine = self.state.claim_row(lease.alert_key).is_some_and(|row| {
            row.fence == lease.fence && row.owner == lease.owner && row.state == ClaimState::Claimed
        });
        if is_mine && self.has(Bug::ForgottenClaim) {
            self.state.remove_claim(lease.alert_key);
        } else {
            self.state.release(lease, release);
        }
    }

    pub(super) fn count_repeat(&mut self, request: &RepeatRequest) {
        if self.has(Bug::RepeatCountedTwice)
            && let Some(row) = self.state.claim_row_mut(request.alert_key)
        {
            row.last_seen = None;
        }
        self.state.count_repeat(request);
    }

    pub(super) fn read_repeat(&self, request: &RepeatRequest) -> Option<Repeat> {
        self.state.read_repeat(&RepeatRequest { now: self.now(request.now), ..request.clone() })
    }

    pub(super) fn claim_upgrade(&mut self, request: &UpgradeRequest) -> UpgradeClaim {
        self.state.claim_upgrade(request)
    }

    /// The part of an upgrade that replaces the insight. Returns whether there is one.
    pub(super) fn replace(&mut self, request: &CommitRequest<'_>) -> bool {
        if self.has(Bug::UpgradeOfAll)
            && let Some(row) = self.state.insight_row_mut(request.insight.key())
            && let StoredInsight::Current(fields) = &mut row.insight
        {
            fields.degraded = true;
        }
        self.state.replace(request)
    }

    pub(super) fn insight(&self, key: &InsightKey, now: Timestamp) -> Option<StoredInsight> {
        self.state.insight(key, self.now(now))
    }

    /// What is due by the index, which may be some seconds old, with the items as they are.
    pub(super) fn due(
        &mut self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
        world_now: Timestamp,
    ) -> Vec<DueInsight> {
        if world_now > self.indexed_at.plus(INDEX_LAG) {
            self.index = self.state.due_keys(now);
            self.indexed_at = world_now;
        }
        let later = self.index.iter().filter(|(place, _)| after.is_none_or(|after| place > after));
        let due = later.filter_map(|(place, key)| {
            // An entry whose insight has been replaced is not the insight's any more.
            self.state.due_insight(key, now).filter(|due| due.place() == *place)
        });
        due.take(limit).collect()
    }

    pub(super) fn park(&mut self, parked: &Parked) {
        if !self.has(Bug::NoParking) {
            self.state.park(parked);
        }
    }
}
