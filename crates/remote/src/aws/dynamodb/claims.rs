//! Claims in the table. Each step is one conditional update. If the condition fails, DynamoDB returns the item, and
//! [`ClaimRow`] derives the result from it.
//!
//! Never: gives one lease to two workers. A retry after a lost response is recognized by its owner.

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::limits::{LEASE_MAX, RETENTION, UPGRADE_CALLS_MAX, UPGRADES_MAX};
use portend_core::store::{
    Claim, ClaimRequest, ClaimRow, ClaimState, Lease, Release, Reserved, StoreError, UpgradeClaim,
    UpgradeRequest,
};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Item, millis, number, number_of, secs, text};
use super::item::{claim_item_key, claim_row, insight_of, insight_sk, insights_pk};
use super::request::Update;
use crate::limits::CLAIM_TRIES_MAX;

/// The response to a conditional update.
pub(super) enum UpdateResult {
    /// The update was applied. Contains the new item if the request asked for it.
    Done(Item),
    /// The condition failed. Contains the unchanged item if it exists.
    Refused(Option<Item>),
}

pub(super) async fn claim(store: &DynamoDb, request: &ClaimRequest) -> Result<Claim, StoreError> {
    let first_call = u32::from(request.reserve_call);
    let fresh = store.update_claim(
        request.alert_key,
        "SET #state = :claimed, #owner = :owner, fence = if_not_exists(fence, :none) + :one, lease_until = :until, \
         calls = if_not_exists(calls, :none) + :first_call, upgrades = if_not_exists(upgrades, :none), \
         insight_pk = if_not_exists(insight_pk, :pk), insight_sk = if_not_exists(insight_sk, :sk), #ttl = :ttl",
    );
    let fresh = fresh
        .only_if(
            "attribute_not_exists(pk) OR (#state = :claimed AND #owner <> :owner AND #ttl >= :now_secs \
             AND (lease_until < :now OR lease_until > :lease_max))",
        )
        .with(":none", number(0))
        .with(":one", number(1))
        .with(":first_call", number(first_call))
        .with(":now", millis(request.now))
        .with(":lease_max", millis(request.now.plus(LEASE_MAX)))
        .with(":now_secs", secs(request.now));
    let mut update = with_claim_values(fresh, request);
    for _ in 0..CLAIM_TRIES_MAX {
        let old = match store.update(&update.returning_item()).await? {
            UpdateResult::Done(item) => {
                let row = store.row(&item)?;
                return store.claimed(request, &row).await;
            }
            UpdateResult::Refused(old) => old,
        };
        let row = old.map(|item| store.row(&item)).transpose()?;
        let (response, written) = ClaimRow::claim(row.as_ref(), request);
        let (row, written) = match (response, row, written) {
            (_, Some(row), Some(written)) => (row, written),
            // The response to this claim was lost.
            (Claim::Mine(_), Some(row), None) => return store.claimed(request, &row).await,
            (response, ..) => return Ok(response),
        };
        // The claim has expired, or its lease ended after the update failed. Replace it, unless it has changed since.
        let replacement = store.update_claim(
            request.alert_key,
            "SET #state = :claimed, #owner = :owner, fence = :fence, lease_until = :until, calls = :calls, \
             upgrades = :upgrades, insight_pk = :pk, insight_sk = :sk, #ttl = :ttl REMOVE occurrences, last_seen",
        );
        let replacement = replacement
            .only_if("fence = :found AND lease_until = :found_until AND calls = :found_calls")
            .with(":fence", number(written.fence))
            .with(":calls", number(written.calls))
            .with(":upgrades", number(written.upgrades))
            .with(":found", number(row.fence))
            .with(":found_until", millis(row.lease_until))
            .with(":found_calls", number(row.calls));
        let request = ClaimRequest { insight_key: written.insight_key, ..request.clone() };
        update = with_claim_values(replacement, &request);
    }
    Ok(Claim::Busy(request.now))
}

/// Adds the values that a new claim and a replaced one share.
fn with_claim_values(update: Update, request: &ClaimRequest) -> Update {
    update
        .with(":claimed", text(ClaimState::Claimed.code()))
        .with(":owner", text(&request.owner))
        .with(":until", millis(request.lease_until))
        .with(":pk", text(insights_pk(request.insight_key.entity_id())))
        .with(":sk", text(insight_sk(&request.insight_key)))
        // The claim must outlive its lease. Its insight will be retained for the same time.
        .with(":ttl", secs(request.now.plus(RETENTION)))
}

pub(super) async fn reserve_call(store: &DynamoDb, lease: &Lease) -> Result<Reserved, StoreError> {
    let update = store
        .update_claim(lease.alert_key, "SET calls = calls + :one")
        .only_if("fence = :fence AND calls < :max")
        .with(":one", number(1))
        .with(":fence", number(lease.fence))
        .with(":max", number(lease.calls_max))
        .returning_item();
    match store.update(&update).await? {
        UpdateResult::Done(item) => Ok(Reserved::Call(number_of(&item, "calls").unwrap_or(lease.calls_max))),
        UpdateResult::Refused(old) => {
            let row = old.map(|item| store.row(&item)).transpose()?;
            Ok(ClaimRow::reserve_call(row.as_ref(), lease).0)
        }
    }
}

pub(super) async fn release(store: &DynamoDb, lease: &Lease, release: Release) -> Result<(), StoreError> {
    // A commit whose response was lost has given an unused call back already.
    if release.unused_call && release_once(store, lease, release).await? {
        return Ok(());
    }
    release_once(store, lease, Release { unused_call: false, ..release }).await.map(drop)
}

/// Releases the claim if the lease still holds and, for an unused call, the claim is not done. Returns whether it did.
async fn release_once(store: &DynamoDb, lease: &Lease, release: Release) -> Result<bool, StoreError> {
    let condition = "fence = :fence AND #owner = :owner";
    let update = store
        .update_claim(
            lease.alert_key,
            "SET lease_until = :until, #owner = :nobody, calls = calls - :unused, upgrades = upgrades + :failed",
        )
        .with(":until", millis(release.until))
        .with(":nobody", text(""))
        .with(":unused", number(u32::from(release.unused_call)))
        .with(":failed", number(u32::from(release.failed_upgrade)))
        .with(":fence", number(lease.fence))
        .with(":owner", text(&lease.owner));
    let update = if release.unused_call {
        let claimed = text(ClaimState::Claimed.code());
        update.only_if(&format!("{condition} AND #state = :claimed")).with(":claimed", claimed)
    } else {
        update.only_if(condition)
    };
    Ok(matches!(store.update(&update).await?, UpdateResult::Done(_)))
}

pub(super) async fn claim_upgrade(
    store: &DynamoDb,
    request: &UpgradeRequest,
) -> Result<UpgradeClaim, StoreError> {
    // A released lease has no owner. Until its end it is a pause.
    let nobody = if request.ignores_pause { "" } else { "-" };
    let update = store
        .update_claim(
            request.alert_key,
            "SET #state = :done, #owner = :owner, fence = fence + :one, lease_until = :until",
        )
        .only_if(
            "insight_pk = :pk AND insight_sk = :sk AND #ttl >= :now_secs AND upgrades < :max \
             AND (lease_until < :now OR lease_until > :lease_max OR #owner = :nobody) \
             AND (#owner <> :owner OR #state <> :done)",
        )
        .with(":nobody", text(nobody))
        .with(":owner", text(&request.owner))
        .with(":one", number(1))
        .with(":until", millis(request.lease_until))
        .with(":done", text(ClaimState::Done.code()))
        .with(":now", millis(request.now))
        .with(":lease_max", millis(request.now.plus(LEASE_MAX)))
        .with(":now_secs", secs(request.now))
        .with(":max", number(UPGRADES_MAX))
        .with(":pk", text(insights_pk(request.insight_key.entity_id())))
        .with(":sk", text(insight_sk(&request.insight_key)))
        .returning_item();
    match store.update(&update).await? {
        UpdateResult::Done(item) => {
            let row = store.row(&item)?;
            Ok(UpgradeClaim::Mine(Lease {
                alert_key: request.alert_key,
                owner: row.owner,
                fence: row.fence,
                insight_key: row.insight_key,
                calls_max: row.calls + UPGRADE_CALLS_MAX,
                first_call: None,
            }))
        }
        UpdateResult::Refused(old) => {
            let row = old.map(|item| store.row(&item)).transpose()?;
            Ok(match ClaimRow::claim_upgrade(row.as_ref(), request) {
                // The claim became free after the update failed. The next sweep tries again.
                (_, Some(written)) => UpgradeClaim::Busy(written.lease_until),
                (response, None) => response,
            })
        }
    }
}

impl DynamoDb {
    /// The result for a worker that now has the lease. If it is not the first lease, the insight may exist: an earlier
    /// version of this program stored the insight and marked the claim as done in two writes, and could stop in
    /// between.
    async fn claimed(&self, request: &ClaimRequest, row: &ClaimRow) -> Result<Claim, StoreError> {
        let lease = row.lease(request);
        if row.fence > 1 {
            let item = self.get_insight_of(&row.insight_key, request.alert_key, request.now).await?;
            if let Some(insight) = item.as_ref().and_then(insight_of) {
                let expires_at = insight.expires_at().unwrap_or(request.now);
                adopt(self, &lease, &lease.insight_key, expires_at).await?;
                return Ok(Claim::Done(lease.insight_key));
            }
        }
        Ok(Claim::Mine(lease))
    }

    /// Reads an item as a claim.
    pub(super) fn row(&self, item: &Item) -> Result<ClaimRow, StoreError> {
        claim_row(item).ok_or_else(|| self.unreadable_item("a claim"))
    }

    pub(super) fn update_claim(&self, key: AlertKey, expression: &str) -> Update {
        Update::new(&self.table, claim_item_key(key), expression)
    }
}

/// Marks a claim as done because its alert has this insight already, if the lease is still valid.
pub(super) async fn adopt(
    store: &DynamoDb,
    lease: &Lease,
    key: &InsightKey,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let update = store
        .update_claim(
            lease.alert_key,
            "SET #state = :done, lease_until = :nobody, #ttl = :ttl, insight_pk = :pk, insight_sk = :sk",
        )
        .only_if("fence = :fence")
        .with(":done", text(ClaimState::Done.code()))
        .with(":nobody", millis(Timestamp::EPOCH))
        .with(":ttl", secs(expires_at))
        .with(":pk", text(insights_pk(key.entity_id())))
        .with(":sk", text(insight_sk(key)))
        .with(":fence", number(lease.fence));
    store.update(&update).await.map(drop)
}
