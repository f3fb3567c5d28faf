//! Asks the models again for a degraded insight: one that the scorecard made since a configured model failed.
//!
//! Takes: an insight that is due, and the deadline.
//! Gives: an [`Upgraded`]: the model's insight in its place, or why not.
//! Never: replaces an insight twice, or one that a model made; counts a repeat; or makes the claim look unfinished.

use super::judge::Judged;
use super::retry::{kept_at, retried};
use super::{Account, Failure, Pipeline};
use crate::alert::InsightKey;
use crate::clock::{Clock, random_name};
use crate::insight::{Insight, Judgement, Making, StoredInsight};
use crate::limits::{LEASE_MARGIN, UPGRADE_CALLS_MAX, UPGRADE_PAUSE};
use crate::model::Model;
use crate::notify::Notifier;
use crate::scorecard::Scored;
use crate::store::{Due, Lease, Store, Todo, UpgradeClaim, UpgradeRequest};
use crate::time::Timestamp;

/// What came of an upgrade.
#[derive(Debug)]
pub enum Upgraded {
    /// A model's insight stands in its place.
    Done(StoredInsight),
    /// No model answered; it may be tried again after this time.
    Later(Timestamp),
    /// It is not to be tried: each try has been made, another worker's has succeeded, or the alert type has changed.
    Never,
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Pipeline<S, C, M, N> {
    /// Upgrades a degraded insight that is due.
    pub async fn upgrade(
        &self,
        due: &Due,
        deadline: Timestamp,
        account: &mut Account,
    ) -> Result<Upgraded, Failure> {
        let Some(alert) = due.insight.to_alert(&self.types) else { return Ok(Upgraded::Never) };
        // There are only so many upgrades; while no model can be asked, none is spent.
        let now = self.clock.now();
        if !self.models.iter().any(|model| self.health.standing(model.spec(), now).admits()) {
            return Ok(Upgraded::Later(now.plus(UPGRADE_PAUSE)));
        }
        if !self.is_degraded(&due.key, deadline).await? {
            return Ok(Upgraded::Never);
        }
        let owner = random_name(&self.clock);
        let wish = || UpgradeRequest {
            alert_key: due.alert_key,
            owner: owner.clone(),
            lease_until: deadline.plus(LEASE_MARGIN),
            now: self.clock.now(),
        };
        let claim = retried(&self.clock, deadline, async || self.store.claim_upgrade(&wish()).await).await?;
        let lease = match claim {
            UpgradeClaim::Mine(lease) => lease,
            UpgradeClaim::Busy(until) => return Ok(Upgraded::Later(until)),
            UpgradeClaim::Never => {
                // Each try has been made, so nothing is left to do with it.
                let run = due.insight.run.as_deref().unwrap_or_default();
                self.clear_todo(&due.key, run, Todo::Upgrade, deadline).await;
                return Ok(Upgraded::Never);
            }
        };
        // Another worker may have upgraded it between the look and the lease.
        if !self.is_degraded(&lease.insight_key, deadline).await? {
            self.give_back(&lease, self.clock.now(), deadline).await;
            return Ok(Upgraded::Never);
        }
        let judged = self.ask(&alert, &lease, UPGRADE_CALLS_MAX, deadline, Scored::new(&alert)).await;
        let Judged { result, attempts, alarms, .. } = judged;
        account.alarms.extend(alarms);
        account.attempts.extend_from_slice(&attempts);
        let Ok(judgement @ Judgement::Model { .. }) = result else {
            return Ok(self.try_later(&lease, deadline).await);
        };
        let making =
            Making { run: random_name(&self.clock), attempts, degraded: false, now: self.clock.now() };
        let insight = Insight::new(&alert, &lease.insight_key, judgement, making);
        let todo = self.todo(false);
        let put =
            kept_at(&self.clock, deadline, || self.store.upgrade(&insight, todo, self.clock.now())).await;
        match put {
            Ok(Some(stored)) => {
                self.finish(&lease, stored.expires_at, deadline).await;
                self.tell(&stored, &lease.insight_key, deadline, account).await;
                Ok(Upgraded::Done(stored))
            }
            // It expired meanwhile.
            Ok(None) => {
                self.give_back(&lease, self.clock.now(), deadline).await;
                Ok(Upgraded::Never)
            }
            Err(error) => {
                self.try_later(&lease, deadline).await;
                Err(error.into())
            }
        }
    }

    async fn is_degraded(&self, key: &InsightKey, deadline: Timestamp) -> Result<bool, Failure> {
        let now = self.clock.now();
        let stored = retried(&self.clock, deadline, || self.store.insight(key, now)).await?;
        Ok(stored.is_some_and(|stored| stored.is_degraded()))
    }

    /// Gives the lease back for a while.
    async fn try_later(&self, lease: &Lease, deadline: Timestamp) -> Upgraded {
        let until = self.clock.now().plus(UPGRADE_PAUSE);
        self.give_back(lease, until, deadline).await;
        Upgraded::Later(until)
    }
}
