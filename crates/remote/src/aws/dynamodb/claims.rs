//! Claims in the table: each step is one conditional update.
//!
//! Takes: a worker's wish.
//! Gives: the answer; of a refused condition, what [`ClaimRow`] says to the row that refused it.
//! Never: lets two workers have one lease, whatever is retried or lost: an answer that was lost is known by its owner.

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::limits::{CALLS_MAX, KEPT, UPGRADE_CALLS_MAX, UPGRADES_MAX};
use portend_core::store::{
    Claim, ClaimRequest, ClaimRow, Lease, Reserved, State, StoreError, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

use super::attribute::{Item, TTL, millis, number, number_of, secs, text, text_of};
use super::request::Request;
use super::{DynamoDb, Updated};
use crate::limits::LOOKS_MAX;

pub(super) async fn claim(store: &DynamoDb, request: &ClaimRequest) -> Result<Claim, StoreError> {
    let fresh = of_claim(request.alert_key)
        .update(
            "SET #state = :claimed, #owner = :owner, fence = if_not_exists(fence, :none) + :one, \
             lease_until = :until, calls = if_not_exists(calls, :none), upgrades = if_not_exists(upgrades, :none), \
             insight_pk = if_not_exists(insight_pk, :pk), insight_sk = if_not_exists(insight_sk, :sk), #ttl = :ttl",
        )
        .only_if(
            "attribute_not_exists(pk) OR (#state = :claimed AND lease_until < :now AND #ttl >= :now_secs)",
        )
        .value(":none", number(0))
        .value(":one", number(1))
        .value(":now", millis(request.now))
        .value(":now_secs", secs(request.now));
    let mut update = named(fresh, request);
    for _ in 0..LOOKS_MAX {
        let old = match store.update(update.returning_all()).await? {
            Updated::Done(item) => {
                let row = store.row(&item)?;
                return Ok(Claim::Mine(lease(request.alert_key, &row, CALLS_MAX)));
            }
            Updated::Refused(old) => old,
        };
        let row = old.map(|item| store.row(&item)).transpose()?;
        let (answer, written) = ClaimRow::claim(row.as_ref(), request);
        let (Some(row), Some(written)) = (row, written) else { return Ok(answer) };
        // It has expired, or its lease ended between the two looks: written anew, unless somebody else has.
        let anew = of_claim(request.alert_key)
            .update(
                "SET #state = :claimed, #owner = :owner, fence = :fence, lease_until = :until, calls = :calls, \
                 upgrades = :upgrades, insight_pk = :pk, insight_sk = :sk, #ttl = :ttl",
            )
            .only_if("fence = :found AND lease_until = :found_until AND calls = :found_calls")
            .value(":fence", number(written.fence))
            .value(":calls", number(written.calls))
            .value(":upgrades", number(written.upgrades))
            .value(":found", number(row.fence))
            .value(":found_until", millis(row.lease_until))
            .value(":found_calls", number(row.calls));
        let place = ClaimRequest { insight_key: written.insight_key, ..request.clone() };
        update = named(anew, &place);
    }
    Ok(Claim::Busy(request.now))
}

pub(super) async fn reserve_call(store: &DynamoDb, lease: &Lease) -> Result<Reserved, StoreError> {
    let update = of_claim(lease.alert_key)
        .update("SET calls = calls + :one")
        .only_if("fence = :fence AND calls < :max")
        .value(":one", number(1))
        .value(":fence", number(lease.fence))
        .value(":max", number(lease.calls_max))
        .returning_changed();
    match store.update(update).await? {
        Updated::Done(item) => Ok(Reserved::Call(number_of(&item, "calls").unwrap_or(lease.calls_max))),
        Updated::Refused(old) => {
            let row = old.map(|item| store.row(&item)).transpose()?;
            Ok(ClaimRow::reserve_call(row.as_ref(), lease).0)
        }
    }
}

pub(super) async fn finish(store: &DynamoDb, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
    let update = of_claim(lease.alert_key)
        .update("SET #state = :done, lease_until = :nobody, #ttl = :ttl")
        .only_if("fence = :fence")
        .name("#state", "state")
        .name("#ttl", TTL)
        .value(":done", text(State::Done.code()))
        .value(":nobody", millis(Timestamp::EPOCH))
        .value(":ttl", secs(expires_at))
        .value(":fence", number(lease.fence));
    store.update(update).await.map(drop)
}

pub(super) async fn release(store: &DynamoDb, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
    let update = of_claim(lease.alert_key)
        .update("SET lease_until = :until, #owner = :nobody")
        .only_if("fence = :fence")
        .name("#owner", "owner")
        .value(":until", millis(until))
        .value(":nobody", text(""))
        .value(":fence", number(lease.fence));
    store.update(update).await.map(drop)
}

pub(super) async fn claim_upgrade(
    store: &DynamoDb,
    request: &UpgradeRequest,
) -> Result<UpgradeClaim, StoreError> {
    let update = of_claim(request.alert_key)
        .update(
            "SET #state = :done, #owner = :owner, fence = fence + :one, lease_until = :until, \
             upgrades = upgrades + :one",
        )
        .only_if("lease_until < :now AND upgrades < :max AND #ttl >= :now_secs")
        .name("#state", "state")
        .name("#owner", "owner")
        .name("#ttl", TTL)
        .value(":owner", text(&request.owner))
        .value(":one", number(1))
        .value(":until", millis(request.lease_until))
        .value(":done", text(State::Done.code()))
        .value(":now", millis(request.now))
        .value(":now_secs", secs(request.now))
        .value(":max", number(UPGRADES_MAX))
        .returning_all();
    match store.update(update).await? {
        Updated::Done(item) => {
            let row = store.row(&item)?;
            let calls_max = row.calls + UPGRADE_CALLS_MAX;
            Ok(UpgradeClaim::Mine(lease(request.alert_key, &row, calls_max)))
        }
        Updated::Refused(old) => {
            let row = old.map(|item| store.row(&item)).transpose()?;
            Ok(match ClaimRow::claim_upgrade(row.as_ref(), request) {
                // It was free only between the two looks; the next sweep looks again.
                (_, Some(written)) => UpgradeClaim::Busy(written.lease_until),
                (answer, None) => answer,
            })
        }
    }
}

impl DynamoDb {
    fn row(&self, item: &Item) -> Result<ClaimRow, StoreError> {
        let row = || {
            Some(ClaimRow {
                state: State::from_code(text_of(item, "state")?)?,
                owner: text_of(item, "owner")?.to_owned(),
                fence: number_of(item, "fence")?,
                lease_until: Timestamp::from_millis(number_of(item, "lease_until")?),
                calls: number_of(item, "calls")?,
                upgrades: number_of(item, "upgrades")?,
                insight_key: InsightKey::from_item(
                    text_of(item, "insight_pk")?,
                    text_of(item, "insight_sk")?,
                )?,
                expires_at: Timestamp::from_secs(number_of(item, TTL)?),
            })
        };
        row().ok_or_else(|| self.no_item("a claim"))
    }
}

/// The names and values that both forms of a claim share.
fn named(update: Request, request: &ClaimRequest) -> Request {
    update
        .name("#state", "state")
        .name("#owner", "owner")
        .name("#ttl", TTL)
        .value(":claimed", text(State::Claimed.code()))
        .value(":owner", text(&request.owner))
        .value(":until", millis(request.lease_until))
        .value(":pk", text(request.insight_key.pk()))
        .value(":sk", text(request.insight_key.sk()))
        // A claim does not expire under a live lease: its insight will live as long from now.
        .value(":ttl", secs(request.now.plus(KEPT)))
}

fn of_claim(key: AlertKey) -> Request {
    Request::of(format!("claim#{key}"), "claim")
}

fn lease(alert_key: AlertKey, row: &ClaimRow, calls_max: u32) -> Lease {
    Lease { alert_key, fence: row.fence, insight_key: row.insight_key.clone(), calls_max }
}
