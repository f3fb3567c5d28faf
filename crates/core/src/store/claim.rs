//! The claim's life, as pure steps over one row.
//!
//! Takes: the row as it stands, and a worker's wish.
//! Gives: the answer, and the row as it must stand if that changes.
//! Never: touches storage. A store that can read and write a row in one step uses these steps as they are.

use super::{Claim, ClaimRequest, Lease, Reserved, UpgradeClaim, UpgradeRequest};
use crate::alert::InsightKey;
use crate::limits::{CALLS_MAX, KEPT, UPGRADE_CALLS_MAX, UPGRADES_MAX};
use crate::time::Timestamp;

/// A claim as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    /// Whether its insight exists.
    pub state: State,
    /// Who has, or had, the lease.
    pub owner: String,
    /// Grows with each lease.
    pub fence: u64,
    /// When the lease ends; the beginning of time if nobody has it.
    pub lease_until: Timestamp,
    /// Model calls so far, all leases together.
    pub calls: u32,
    /// Upgrades so far.
    pub upgrades: u32,
    /// Where the insight goes.
    pub insight_key: InsightKey,
    /// When the row is forgotten.
    pub expires_at: Timestamp,
}

/// Whether a claim's insight exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A worker is, or was, at it.
    Claimed,
    /// It exists.
    Done,
}

impl State {
    /// As it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Claimed => "CLAIMED",
            Self::Done => "DONE",
        }
    }

    /// From how it is stored.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Claimed, Self::Done].into_iter().find(|state| state.code() == code)
    }
}

const NOBODY: Timestamp = Timestamp::EPOCH;

impl ClaimRow {
    /// The answer to a claim, and the row to write if it is [`Claim::Mine`].
    pub fn claim(row: Option<&Self>, request: &ClaimRequest) -> (Claim, Option<Self>) {
        let live = row.filter(|row| !row.expires_at.has_passed(request.now));
        let fence = row.map_or(0, |row| row.fence) + 1;
        let written = match live {
            None => Self {
                state: State::Claimed,
                owner: request.owner.clone(),
                fence,
                lease_until: request.lease_until,
                calls: 0,
                upgrades: 0,
                insight_key: request.insight_key.clone(),
                expires_at: request.now.plus(KEPT),
            },
            Some(row) if row.state == State::Done => return (Claim::Done(row.insight_key.clone()), None),
            // The answer to the same request was lost on its way: the lease is the caller's already.
            Some(row) if row.owner == request.owner => {
                return (Claim::Mine(row.lease(request, CALLS_MAX)), None);
            }
            Some(row) if row.lease_until >= request.now => return (Claim::Busy(row.lease_until), None),
            Some(row) => {
                Self {
                    owner: request.owner.clone(),
                    fence,
                    lease_until: request.lease_until,
                    // A claim does not expire under a live lease: its insight will live as long from now.
                    expires_at: request.now.plus(KEPT),
                    ..row.clone()
                }
            }
        };
        (Claim::Mine(written.lease(request, CALLS_MAX)), Some(written))
    }

    /// The answer to a wish to upgrade, and the row to write if it is [`UpgradeClaim::Mine`].
    pub fn claim_upgrade(row: Option<&Self>, request: &UpgradeRequest) -> (UpgradeClaim, Option<Self>) {
        let live = row.filter(|row| !row.expires_at.has_passed(request.now));
        let Some(row) = live else { return (UpgradeClaim::Never, None) };
        let lease = |row: &Self| Lease {
            alert_key: request.alert_key,
            fence: row.fence,
            insight_key: row.insight_key.clone(),
            // What the claim left unspent is not the upgrade's: it has its own two calls.
            calls_max: row.calls + UPGRADE_CALLS_MAX,
        };
        if row.owner == request.owner && row.state == State::Done {
            return (UpgradeClaim::Mine(lease(row)), None);
        }
        if row.lease_until >= request.now {
            return (UpgradeClaim::Busy(row.lease_until), None);
        }
        if row.upgrades >= UPGRADES_MAX {
            return (UpgradeClaim::Never, None);
        }
        let upgrades = row.upgrades + 1;
        let written = Self {
            // Of a claim that was cut off between put and finish the insight exists too.
            state: State::Done,
            owner: request.owner.clone(),
            fence: row.fence + 1,
            lease_until: request.lease_until,
            upgrades,
            ..row.clone()
        };
        (UpgradeClaim::Mine(lease(&written)), Some(written))
    }

    /// The answer to a wish to call a model, and the row to write if it is [`Reserved::Call`].
    pub fn reserve_call(row: Option<&Self>, lease: &Lease) -> (Reserved, Option<Self>) {
        let Some(row) = row.filter(|row| row.fence == lease.fence) else { return (Reserved::Lost, None) };
        if row.calls >= lease.calls_max {
            return (Reserved::Spent, None);
        }
        let calls = row.calls + 1;
        (Reserved::Call(calls), Some(Self { calls, ..row.clone() }))
    }

    /// The row to write when the insight exists, if the lease still holds.
    pub fn finish(row: Option<&Self>, lease: &Lease, expires_at: Timestamp) -> Option<Self> {
        let row = row.filter(|row| row.fence == lease.fence)?;
        Some(Self { state: State::Done, lease_until: NOBODY, expires_at, ..row.clone() })
    }

    /// The row to write when the lease is given back, if it still holds.
    pub fn release(row: Option<&Self>, lease: &Lease, until: Timestamp) -> Option<Self> {
        let row = row.filter(|row| row.fence == lease.fence)?;
        Some(Self { lease_until: until, owner: String::new(), ..row.clone() })
    }

    fn lease(&self, request: &ClaimRequest, calls_max: u32) -> Lease {
        Lease {
            alert_key: request.alert_key,
            fence: self.fence,
            insight_key: self.insight_key.clone(),
            calls_max,
        }
    }
}
