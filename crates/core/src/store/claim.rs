//! A claim's life, as pure steps over one row.
//!
//! Each step takes the row and a request, and returns the response with the row to write, if it changes. A store that can
//! read and write a row in one transaction uses these steps as they are.

use super::{Claim, ClaimRequest, Lease, Release, RepeatRequest, Reserved, UpgradeClaim, UpgradeRequest};
use crate::alert::InsightKey;
use crate::insight::Insight;
use crate::limits::{CALLS_MAX, LEASE_MAX, RETENTION, UPGRADE_CALLS_MAX, UPGRADES_MAX};
use crate::time::Timestamp;

/// A claim as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    /// Whether its insight exists.
    pub state: ClaimState,
    /// Who has, or had, the lease.
    pub owner: String,
    /// Grows with each lease.
    pub fence: u64,
    /// When the lease ends; the epoch if nobody has it.
    pub lease_until: Timestamp,
    /// Model calls so far, all leases together. More than [`CALLS_MAX`] if a further one was refused.
    pub calls: u32,
    /// Upgrades that failed so far.
    pub upgrades: u32,
    /// How many alerts said this: 1 with the insight, and one more with each repeat.
    pub occurrences: u64,
    /// The time of the latest of them.
    pub last_seen: Option<Timestamp>,
    /// Where the insight goes.
    pub insight_key: InsightKey,
    /// When the row expires.
    pub expires_at: Timestamp,
}

/// Whether a claim's insight exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimState {
    /// A worker works, or worked, on it.
    Claimed,
    /// It exists.
    Done,
}

impl ClaimState {
    /// As it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Claimed => "CLAIMED",
            Self::Done => "DONE",
        }
    }

    /// From its stored form.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Claimed, Self::Done].into_iter().find(|state| state.code() == code)
    }
}

const NOBODY: Timestamp = Timestamp::EPOCH;

impl ClaimRow {
    /// The response to a claim, and the row to write if it is [`Claim::Mine`].
    pub fn claim(row: Option<&Self>, request: &ClaimRequest) -> (Claim, Option<Self>) {
        let fence = row.map_or(0, |row| row.fence) + 1;
        let first_call = u32::from(request.reserve_call);
        let written = match row.filter(|row| !row.expires_at.is_past(request.now)) {
            None => Self {
                state: ClaimState::Claimed,
                owner: request.owner.clone(),
                fence,
                lease_until: request.lease_until,
                calls: first_call,
                upgrades: 0,
                occurrences: 1,
                last_seen: None,
                insight_key: request.insight_key.clone(),
                expires_at: request.now.plus(RETENTION),
            },
            Some(row) if row.state == ClaimState::Done => {
                return (Claim::Done(row.insight_key.clone()), None);
            }
            // The response to the same request was lost: the lease is the caller's already.
            Some(row) if row.owner == request.owner => return (Claim::Mine(row.lease(request)), None),
            Some(row) if row.is_leased(request.now) => return (Claim::Busy(row.lease_until), None),
            Some(row) => Self {
                owner: request.owner.clone(),
                fence,
                lease_until: request.lease_until,
                calls: row.calls + first_call,
                // A claim does not expire under a live lease: its insight will live as long from now.
                expires_at: request.now.plus(RETENTION),
                ..row.clone()
            },
        };
        (Claim::Mine(written.lease(request)), Some(written))
    }

    /// Whether somebody has the lease. A lease that ends later than any lease can was taken under a clock that is
    /// ahead, and is not honoured.
    pub fn is_leased(&self, now: Timestamp) -> bool {
        (now..=now.plus(LEASE_MAX)).contains(&self.lease_until)
    }

    /// The lease of whoever has just claimed it with this request.
    pub fn lease(&self, request: &ClaimRequest) -> Lease {
        Lease {
            alert_key: request.alert_key,
            owner: request.owner.clone(),
            fence: self.fence,
            insight_key: self.insight_key.clone(),
            calls_max: CALLS_MAX,
            first_call: request.reserve_call.then(|| Reserved::of_count(self.calls, CALLS_MAX)),
        }
    }

    /// The response to a request for a further model call, and the row to write if it is [`Reserved::Call`].
    pub fn reserve_call(row: Option<&Self>, lease: &Lease) -> (Reserved, Option<Self>) {
        let Some(row) = row.filter(|row| row.fence == lease.fence) else { return (Reserved::Lost, None) };
        match Reserved::of_count(row.calls + 1, lease.calls_max) {
            Reserved::Call(calls) => (Reserved::Call(calls), Some(Self { calls, ..row.clone() })),
            refused @ (Reserved::Spent | Reserved::Lost) => (refused, None),
        }
    }

    /// The row of a claim whose insight is stored, if the lease still holds.
    pub fn commit(row: Option<&Self>, lease: &Lease, insight: &Insight) -> Option<Self> {
        let row = row.filter(|row| row.fence == lease.fence)?;
        Some(Self {
            state: ClaimState::Done,
            lease_until: NOBODY,
            calls: lease.calls_after(insight).unwrap_or(row.calls),
            last_seen: Some(insight.fields().last_seen),
            insight_key: insight.key().clone(),
            expires_at: insight.fields().expires_at,
            ..row.clone()
        })
    }

    /// The row of a claim whose alert has this insight already, under this key, if the lease still holds.
    pub fn adopt(row: Option<&Self>, lease: &Lease, key: &InsightKey, expires_at: Timestamp) -> Option<Self> {
        let row = row.filter(|row| row.fence == lease.fence)?;
        let insight_key = key.clone();
        Some(Self { state: ClaimState::Done, lease_until: NOBODY, insight_key, expires_at, ..row.clone() })
    }

    /// The row of a released claim, if the lease still holds. A commit whose response was lost has given an unused call
    /// back already.
    pub fn release(row: Option<&Self>, lease: &Lease, release: Release) -> Option<Self> {
        let row = row.filter(|row| row.fence == lease.fence && row.owner == lease.owner)?;
        let unused_call = release.unused_call && row.state == ClaimState::Claimed;
        Some(Self {
            owner: String::new(),
            lease_until: release.until,
            calls: row.calls.saturating_sub(u32::from(unused_call)),
            upgrades: row.upgrades + u32::from(release.failed_upgrade),
            ..row.clone()
        })
    }

    /// The row of a claim that counts a repeat of its insight, if it is later than the last one.
    pub fn repeat(row: Option<&Self>, request: &RepeatRequest) -> Option<Self> {
        let RepeatRequest { insight_key, seen, now, .. } = request;
        let row = row.filter(|row| {
            row.state == ClaimState::Done
                && row.insight_key == *insight_key
                && !row.expires_at.is_past(*now)
                && row.last_seen.is_none_or(|last| last < *seen)
        })?;
        Some(Self { occurrences: row.occurrences + 1, last_seen: Some(*seen), ..row.clone() })
    }

    /// The response to a request to upgrade, and the row to write if it is [`UpgradeClaim::Mine`].
    pub fn claim_upgrade(row: Option<&Self>, request: &UpgradeRequest) -> (UpgradeClaim, Option<Self>) {
        // A claim whose insight is elsewhere is not this insight's any more.
        let own =
            row.filter(|row| row.insight_key == request.insight_key && !row.expires_at.is_past(request.now));
        let Some(row) = own else { return (UpgradeClaim::Never, None) };
        let lease = |row: &Self| Lease {
            alert_key: request.alert_key,
            owner: request.owner.clone(),
            fence: row.fence,
            insight_key: row.insight_key.clone(),
            // The calls of the claim do not count: an upgrade has its own.
            calls_max: row.calls + UPGRADE_CALLS_MAX,
            first_call: None,
        };
        if row.owner == request.owner && row.state == ClaimState::Done {
            return (UpgradeClaim::Mine(lease(row)), None);
        }
        // A released lease has no owner.
        let is_paused = row.owner.is_empty() && request.ignores_pause;
        if row.is_leased(request.now) && !is_paused {
            return (UpgradeClaim::Busy(row.lease_until), None);
        }
        if row.upgrades >= UPGRADES_MAX {
            return (UpgradeClaim::Never, None);
        }
        let written = Self {
            // An earlier version stored insights before it marked their claims; a crash in between left the claim open.
            state: ClaimState::Done,
            owner: request.owner.clone(),
            fence: row.fence + 1,
            lease_until: request.lease_until,
            ..row.clone()
        };
        (UpgradeClaim::Mine(lease(&written)), Some(written))
    }
}
