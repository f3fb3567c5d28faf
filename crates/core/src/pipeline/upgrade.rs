//! Asks the models again for a degraded insight: one that the scorecard made because a configured model failed.
//!
//! An insight that is degraded because every reply was unusable waits for a sign that a model works: its settings name
//! another model, or a later alert got a usable reply.
//!
//! Never: replaces an insight twice, or one that a model made; counts a repeat; or makes the claim look unfinished.

use futures_util::future::join;

use super::judge::Calls;
use super::reuse::{AskedBefore, Plan, answer_to_store};
use super::{Failure, Run};
use crate::alert::InsightKey;
use crate::clock::{Clock, random_name};
use crate::insight::{AttemptRecord, DegradedBy, Judgement, Provenance, StoredInsight};
use crate::limits::{UPGRADE_CALLS_MAX, UPGRADE_PAUSE};
use crate::model::{Model, ModelSpec};
use crate::notify::Notifier;
use crate::store::{DueInsight, Lease, Release, Store, Todo, UpgradeClaim};
use crate::time::Timestamp;

/// The outcome of an attempt that no model has seen, so that it costs nothing.
const UNREACHABLE: &str = "unreachable";

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
        // While no model can be asked, or none would do better, no try is spent.
        let now = self.now();
        let mut models = self.pipeline.models.iter().map(Model::spec);
        let may_help = |spec: &ModelSpec| {
            self.pipeline.health.of(spec, now).admits()
                && (self.upgrades_now || self.may_do_better(spec, &due.insight))
        };
        if !models.any(may_help) {
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
        let keys = self.question_keys(&alert);
        let answers = self.stored_answers(&alert, &keys).await;
        let Plan { earlier, asking } = self.plan(&alert, AskedBefore { keys: &keys, answers }).await;
        let judged = self.ask(&alert, &Calls::up_to(UPGRADE_CALLS_MAX, &lease), earlier).await;
        let (run, now) = (random_name(&self.pipeline.clock), self.now());
        let fresh = answer_to_store(&alert, judged.given(), &run, now);
        if let Some((asking, fresh)) = asking.zip(fresh.clone()) {
            asking.answered(fresh, now);
        }
        let Some(judgement @ Judgement::Model { .. }) = judged.judgement else {
            // A fault of the configuration, or a model that nobody can reach, says nothing of the alert and costs nothing.
            let was_asked = judged.attempts.iter().any(|attempt| attempt.outcome != UNREACHABLE);
            let is_tried = judged.degraded != Some(DegradedBy::Configuration) && was_asked;
            return Ok(self.upgrade_later(&lease, is_tried).await);
        };
        let provenance = Provenance { run, attempts: judged.attempts, degraded: None, now };
        let insight = self.pipeline.insight(&alert, &lease.insight_key, judgement, provenance);
        let committed = self.commit_upgrade(&lease, &insight, self.todo(&insight, false));
        match join(committed, self.store_answer(&keys, fresh.as_ref())).await.0 {
            Ok(stored) => {
                self.account.reused.extend(insight.reused().cloned());
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

    /// Whether the model may give a usable reply where this insight's models did not.
    fn may_do_better(&self, spec: &ModelSpec, insight: &StoredInsight) -> bool {
        let Some(fields) = insight.current().filter(|each| each.degraded_by == Some(DegradedBy::Unusable))
        else {
            return true;
        };
        let was_asked = |attempt: &AttemptRecord| {
            attempt.model == spec.name
                && attempt.asked.as_ref().unwrap_or(&attempt.model_id) == &spec.model_id
        };
        !fields.attempts.iter().any(was_asked)
            || self.pipeline.health.was_usable_after(spec, fields.timestamp)
    }

    /// Releases the lease for a while, and counts the try if it failed.
    async fn upgrade_later(&self, lease: &Lease, failed_upgrade: bool) -> UpgradeOutcome {
        let until = self.now().plus(UPGRADE_PAUSE);
        self.release_as(lease, Release { failed_upgrade, ..Release::at(until) }).await;
        UpgradeOutcome::Later(until)
    }
}
