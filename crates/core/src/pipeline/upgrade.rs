//! Asks the models again for a degraded insight: one that the scorecard made because a configured model failed.
//!
//! Never: replaces an insight twice, or one that a model made; counts a repeat; or makes the claim look unfinished.

use super::judge::Calls;
use super::{Failure, Run};
use crate::alert::InsightKey;
use crate::clock::{Clock, random_name};
use crate::insight::{Insight, Judgement, Provenance, StoredInsight};
use crate::limits::{UPGRADE_CALLS_MAX, UPGRADE_PAUSE};
use crate::model::Model;
use crate::notify::Notifier;
use crate::store::{DueInsight, Lease, Release, Store, Todo, UpgradeClaim};
use crate::time::Timestamp;

/// The outcome of an upgrade.
#[derive(Debug)]
pub enum UpgradeOutcome {
    /// A model's insight is in its place.
    Done(StoredInsight),
    /// No model answered; it may be tried again after this time.
    Later(Timestamp),
    /// It is not to be tried: each try has failed, another worker's has succeeded, or the alert type has changed.
    Never,
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Run<'_, S, C, M, N> {
    /// Upgrades a degraded insight that is due.
    pub async fn upgrade(&mut self, due: &DueInsight) -> Result<UpgradeOutcome, Failure> {
        let Some(alert) = due.insight.to_alert(&self.pipeline.types) else {
            // The facts of its type have changed, so no model can be asked. An unknown type may only be missing here.
            if self.pipeline.types.get(due.insight.prediction_type()).is_some() {
                self.clear_todo(&due.key, due.insight.run(), Todo::Upgrade).await;
            }
            return Ok(UpgradeOutcome::Never);
        };
        // While no model can be asked, no try is spent.
        let now = self.now();
        let mut models = self.pipeline.models.iter();
        if !models.any(|model| self.pipeline.health.of(model.spec(), now).admits()) {
            return Ok(UpgradeOutcome::Later(now.plus(UPGRADE_PAUSE)));
        }
        if !self.is_degraded(&due.key).await? {
            return Ok(UpgradeOutcome::Never);
        }
        let lease = match self.claim_upgrade(due, &random_name(&self.pipeline.clock)).await? {
            UpgradeClaim::Mine(lease) => lease,
            UpgradeClaim::Busy(until) => return Ok(UpgradeOutcome::Later(until)),
            UpgradeClaim::Never => {
                // Each try has failed, so nothing is left to do with it.
                self.clear_todo(&due.key, due.insight.run(), Todo::Upgrade).await;
                return Ok(UpgradeOutcome::Never);
            }
        };
        self.pipeline.hold(&lease, self.now());
        // Another worker may have upgraded it between the look and the lease.
        match self.is_degraded(&lease.insight_key).await {
            Ok(true) => {}
            other => {
                self.release(&lease, self.now()).await;
                return other.map(|_| UpgradeOutcome::Never);
            }
        }
        let calls = Calls::up_to(UPGRADE_CALLS_MAX, &lease);
        let judged = self.ask(&alert, &calls).await;
        let Some(judgement @ Judgement::Model { .. }) = judged.judgement else {
            // A try without a call has shown nothing, and cost nothing.
            return Ok(self.upgrade_later(&lease, !judged.attempts.is_empty()).await);
        };
        let run = random_name(&self.pipeline.clock);
        let provenance = Provenance { run, attempts: judged.attempts, degraded: false, now: self.now() };
        let insight = Insight::new(&alert, &lease.insight_key, judgement, provenance);
        match self.commit_upgrade(&lease, &insight, self.todo(false)).await {
            Ok(stored) => {
                self.pipeline.held().remove(&lease.alert_key);
                // It may have expired in the meantime.
                let Some(stored) = stored else { return Ok(UpgradeOutcome::Never) };
                // Another worker has upgraded it, and publishes its own insight.
                if stored.run() != insight.fields().run {
                    return Ok(UpgradeOutcome::Never);
                }
                self.notify(&stored, &lease.insight_key).await;
                Ok(UpgradeOutcome::Done(stored))
            }
            Err(error) => {
                // The model did not fail. But a store that always refuses must not cost calls without an end.
                self.upgrade_later(&lease, !error.is_transient()).await;
                Err(error.into())
            }
        }
    }

    async fn is_degraded(&self, key: &InsightKey) -> Result<bool, Failure> {
        Ok(self.insight(key).await?.is_some_and(|stored| stored.is_degraded()))
    }

    /// Releases the lease for a while, and counts the try if it failed.
    async fn upgrade_later(&self, lease: &Lease, failed_upgrade: bool) -> UpgradeOutcome {
        let until = self.now().plus(UPGRADE_PAUSE);
        self.release_as(lease, Release { failed_upgrade, ..Release::at(until) }).await;
        UpgradeOutcome::Later(until)
    }
}
