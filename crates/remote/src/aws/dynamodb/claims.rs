//! Claims in the table: each step is one conditional update.
//!
//! Takes: a worker's wish.
//! Gives: the answer; of a refused condition, what [`ClaimRow`] says to the row that refused it.
//! Never: lets two workers have one lease, whatever is retried or lost: an answer that was lost is known by its owner.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use portend_core::alert::{AlertKey, InsightKey};
use portend_core::limits::{CALLS_MAX, KEPT, UPGRADE_CALLS_MAX, UPGRADES_MAX};
use portend_core::store::{
    Claim, ClaimRequest, ClaimRow, Lease, Reserved, State, StoreError, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Item, TTL, millis, number, number_of, secs, text, text_of};
use crate::limits::LOOKS_MAX;

/// What a conditional update answers.
pub(super) enum Updated {
    /// It was done; the item as it is now, if that was asked for.
    Done(Item),
    /// The condition did not hold; the item as it is, if there is one.
    Refused(Option<Item>),
}

pub(super) async fn claim(store: &DynamoDb, request: &ClaimRequest) -> Result<Claim, StoreError> {
    let fresh = store
        .update_claim(request.alert_key)
        .await
        .update_expression(
            "SET #state = :claimed, #owner = :owner, fence = if_not_exists(fence, :none) + :one, \
             lease_until = :until, calls = if_not_exists(calls, :none), upgrades = if_not_exists(upgrades, :none), \
             insight_pk = if_not_exists(insight_pk, :pk), insight_sk = if_not_exists(insight_sk, :sk), #ttl = :ttl",
        )
        .condition_expression(
            "attribute_not_exists(pk) OR (#state = :claimed AND lease_until < :now AND #ttl >= :now_secs)",
        )
        .expression_attribute_values(":none", number(0))
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":now", millis(request.now))
        .expression_attribute_values(":now_secs", secs(request.now));
    let mut update = named(fresh, request);
    for _ in 0..LOOKS_MAX {
        let old = match store.update(update.return_values(ReturnValue::AllNew)).await? {
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
        let anew = store
            .update_claim(request.alert_key)
            .await
            .update_expression(
                "SET #state = :claimed, #owner = :owner, fence = :fence, lease_until = :until, calls = :calls, \
                 upgrades = :upgrades, insight_pk = :pk, insight_sk = :sk, #ttl = :ttl",
            )
            .condition_expression("fence = :found AND lease_until = :found_until AND calls = :found_calls")
            .expression_attribute_values(":fence", number(written.fence))
            .expression_attribute_values(":calls", number(written.calls))
            .expression_attribute_values(":upgrades", number(written.upgrades))
            .expression_attribute_values(":found", number(row.fence))
            .expression_attribute_values(":found_until", millis(row.lease_until))
            .expression_attribute_values(":found_calls", number(row.calls));
        let place = ClaimRequest { insight_key: written.insight_key, ..request.clone() };
        update = named(anew, &place);
    }
    Ok(Claim::Busy(request.now))
}

pub(super) async fn reserve_call(store: &DynamoDb, lease: &Lease) -> Result<Reserved, StoreError> {
    let update = store
        .update_claim(lease.alert_key)
        .await
        .update_expression("SET calls = calls + :one")
        .condition_expression("fence = :fence AND calls < :max")
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":fence", number(lease.fence))
        .expression_attribute_values(":max", number(lease.calls_max))
        .return_values(ReturnValue::UpdatedNew);
    match store.update(update).await? {
        Updated::Done(item) => Ok(Reserved::Call(number_of(&item, "calls").unwrap_or(lease.calls_max))),
        Updated::Refused(old) => {
            let row = old.map(|item| store.row(&item)).transpose()?;
            Ok(ClaimRow::reserve_call(row.as_ref(), lease).0)
        }
    }
}

pub(super) async fn finish(store: &DynamoDb, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
    let update = store
        .update_claim(lease.alert_key)
        .await
        .update_expression("SET #state = :done, lease_until = :nobody, #ttl = :ttl")
        .condition_expression("fence = :fence")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":done", text(State::Done.code()))
        .expression_attribute_values(":nobody", millis(Timestamp::EPOCH))
        .expression_attribute_values(":ttl", secs(expires_at))
        .expression_attribute_values(":fence", number(lease.fence));
    store.update(update).await.map(drop)
}

pub(super) async fn release(store: &DynamoDb, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
    let update = store
        .update_claim(lease.alert_key)
        .await
        .update_expression("SET lease_until = :until, #owner = :nobody")
        .condition_expression("fence = :fence")
        .expression_attribute_names("#owner", "owner")
        .expression_attribute_values(":until", millis(until))
        .expression_attribute_values(":nobody", text(""))
        .expression_attribute_values(":fence", number(lease.fence));
    store.update(update).await.map(drop)
}

pub(super) async fn claim_upgrade(
    store: &DynamoDb,
    request: &UpgradeRequest,
) -> Result<UpgradeClaim, StoreError> {
    let update = store
        .update_claim(request.alert_key)
        .await
        .update_expression(
            "SET #state = :done, #owner = :owner, fence = fence + :one, lease_until = :until, \
             upgrades = upgrades + :one",
        )
        .condition_expression("lease_until < :now AND upgrades < :max AND #ttl >= :now_secs")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#owner", "owner")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":owner", text(&request.owner))
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":until", millis(request.lease_until))
        .expression_attribute_values(":done", text(State::Done.code()))
        .expression_attribute_values(":now", millis(request.now))
        .expression_attribute_values(":now_secs", secs(request.now))
        .expression_attribute_values(":max", number(UPGRADES_MAX))
        .return_values(ReturnValue::AllNew);
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
    /// Sends a conditional update.
    pub(super) async fn update(&self, update: UpdateItemFluentBuilder) -> Result<Updated, StoreError> {
        let sent = update
            .table_name(&self.table)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(UpdateItemOutput { attributes, .. }) => Ok(Updated::Done(attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Updated::Refused(failed.item.clone()))
                }
                Some(_) | None => Err(self.error(&error)),
            },
        }
    }

    async fn update_claim(&self, key: AlertKey) -> UpdateItemFluentBuilder {
        let client = self.client().await;
        client.update_item().key("pk", text(format!("claim#{key}"))).key("sk", text("claim"))
    }

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
fn named(update: UpdateItemFluentBuilder, request: &ClaimRequest) -> UpdateItemFluentBuilder {
    update
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#owner", "owner")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":claimed", text(State::Claimed.code()))
        .expression_attribute_values(":owner", text(&request.owner))
        .expression_attribute_values(":until", millis(request.lease_until))
        .expression_attribute_values(":pk", text(request.insight_key.pk()))
        .expression_attribute_values(":sk", text(request.insight_key.sk()))
        // A claim does not expire under a live lease: its insight will live as long from now.
        .expression_attribute_values(":ttl", secs(request.now.plus(KEPT)))
}

fn lease(alert_key: AlertKey, row: &ClaimRow, calls_max: u32) -> Lease {
    Lease { alert_key, fence: row.fence, insight_key: row.insight_key.clone(), calls_max }
}
