//! The commit: one transaction writes the insight, marks its claim as done and writes the row of its entity, so none
//! exists without the others.
//!
//! Never: overwrites an insight that has not expired, or writes under another worker's lease.

use std::collections::BTreeMap;
use std::fmt::Debug;

use portend_core::limits::ENTITY_TRIES_MAX;
use portend_core::store::{ClaimState, Commit, CommitRequest, EntityAhead, StoreError};
use portend_core::time::Timestamp;
use sha2::{Digest, Sha256};

use super::DynamoDb;
use super::attribute::{Item, TTL, is_live, millis, number, secs, text};
use super::claims::adopt;
use super::item::{alert_key_of, claim_row, insight_item, insight_sk, insights_pk};
use super::request::{Action, CancelledStep, Put, Transaction, Update};
use crate::aws::{CallFailure, ErrorBody};
use crate::response::plain_code;

/// The length of the token by which DynamoDB recognizes a repeated request: DynamoDB's own limit.
const TOKEN_CHARS: usize = 36;

/// The code of a step whose condition failed.
const CONDITION_FAILED: &str = "ConditionalCheckFailed";
/// The code of a step that did not cause the cancellation.
const NOT_AT_FAULT: &str = "None";
/// The codes of steps that would fail again.
const REFUSED: [&str; 2] = ["ValidationError", "ItemCollectionSizeLimitExceeded"];

/// A row that was read ahead may have changed since; then it is read again.
pub(super) async fn commit(
    store: &DynamoDb,
    request: &CommitRequest<'_>,
    mut ahead: Option<&EntityAhead>,
) -> Result<Commit, StoreError> {
    let CommitRequest { insight, now, .. } = *request;
    for _ in 0..ENTITY_TRIES_MAX {
        let before = match ahead.take() {
            Some(EntityAhead(row)) => row.clone(),
            None => store.get_entity(&insight.entity_key()).await?,
        };
        let entity = insight.judge_entity(insight.fields(), before.as_ref(), now);
        let version = entity.as_ref().map_or(0, |row| row.version);
        let mut transact_items =
            vec![Action::Put(put_insight(store, request)), Action::Update(finish_claim(store, request))];
        transact_items.extend(entity.map(|row| Action::Put(store.put_entity(&row, before.as_ref()))));
        let transaction =
            Transaction { transact_items, client_request_token: token(&store.table, request, version) };
        let Some(steps) = store.transact(&transaction).await? else { return Ok(Commit::Stored) };
        // Otherwise another writer has changed the entity since it was read.
        if steps.iter().take(2).any(|step| step.code == CONDITION_FAILED) {
            return not_committed(store, request, steps).await;
        }
    }
    Err(store.busy("other writers change the entity at the same time"))
}

fn put_insight(store: &DynamoDb, request: &CommitRequest<'_>) -> Put {
    Put {
        table_name: store.table.clone(),
        item: insight_item(request.insight, request.todo),
        condition_expression: "attribute_not_exists(pk) OR #ttl < :now",
        expression_attribute_names: BTreeMap::from([("#ttl".to_owned(), TTL.to_owned())]),
        expression_attribute_values: Item::from([(":now".to_owned(), secs(request.now))]),
        return_values_on_condition_check_failure: "ALL_OLD",
    }
}

fn finish_claim(store: &DynamoDb, request: &CommitRequest<'_>) -> Update {
    let (fields, key) = (request.insight.fields(), request.insight.key());
    let calls = request.lease.calls_after(request.insight);
    let expression = "SET #state = :done, lease_until = :nobody, #ttl = :ttl, insight_pk = :pk, insight_sk = :sk, \
                      occurrences = if_not_exists(occurrences, :one), last_seen = :seen";
    let update = match calls {
        Some(calls) => store
            .update_claim(request.lease.alert_key, &format!("{expression}, calls = :calls"))
            .with(":calls", number(calls)),
        None => store.update_claim(request.lease.alert_key, expression),
    };
    update
        .only_if("fence = :fence")
        .with(":done", text(ClaimState::Done.code()))
        .with(":nobody", millis(Timestamp::EPOCH))
        .with(":ttl", secs(fields.expires_at))
        .with(":pk", text(insights_pk(key.entity_id())))
        .with(":sk", text(insight_sk(key)))
        .with(":one", number(1))
        .with(":seen", text(fields.last_seen.to_string()))
        .with(":fence", number(request.lease.fence))
}

/// A token that is equal for repeats of one request, and different for different requests.
fn token(table: &str, request: &CommitRequest<'_>, entity_version: u64) -> String {
    let (lease, insight) = (request.lease, request.insight);
    token_of(&(table, &lease.owner, lease.fence, insight.key(), &insight.fields().run, entity_version))
}

/// A token of these parts.
pub(super) fn token_of(parts: &impl Debug) -> String {
    let mut token = hex::encode(Sha256::digest(format!("{parts:?}")));
    token.truncate(TOKEN_CHARS);
    token
}

/// The result of a transaction whose condition failed: the insight exists already, or another worker has the lease.
async fn not_committed(
    store: &DynamoDb,
    request: &CommitRequest<'_>,
    steps: Vec<CancelledStep>,
) -> Result<Commit, StoreError> {
    let CommitRequest { lease, insight, now, .. } = *request;
    let mut steps = steps.into_iter();
    let (put, claim) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
    if put.code == CONDITION_FAILED {
        let item =
            put.item.filter(|item| is_live(item, now)).ok_or_else(|| store.unreadable_item("an insight"))?;
        if alert_key_of(&item) != Some(insight.alert_key()) {
            return Ok(Commit::KeyTaken);
        }
        let stored = store.joined_one(item).await?;
        if claim.code != CONDITION_FAILED {
            adopt(store, lease, insight.key(), stored.expires_at().unwrap_or(now)).await?;
        }
        let is_mine = stored.run() == insight.fields().run;
        return Ok(if is_mine { Commit::Stored } else { Commit::Existing(stored) });
    }
    // The other worker's insight may be under a different key from this one's.
    let key = claim.item.as_ref().and_then(claim_row).map(|row| row.insight_key);
    let Some(key) = key else { return Ok(Commit::Lost) };
    match store.get_insight_of(&key, lease.alert_key, now).await? {
        Some(item) => store.joined_one(item).await.map(Commit::Existing),
        None => Ok(Commit::Lost),
    }
}

impl DynamoDb {
    /// Executes a transaction. `None` if it was committed; otherwise each step's reason, if a condition failed. A
    /// conflict with another transaction is transient.
    pub(super) async fn transact(
        &self,
        transaction: &Transaction,
    ) -> Result<Option<Vec<CancelledStep>>, StoreError> {
        let Err(failure) = self.call(transaction).await else { return Ok(None) };
        let steps: Option<Vec<CancelledStep>> = match &failure {
            CallFailure::Refused(_, body) => body.read("CancellationReasons"),
            CallFailure::Busy(_) | CallFailure::Unreachable(_) | CallFailure::WrongClock(_) => None,
        };
        let Some(steps) = steps else { return Err(self.error(&failure)) };
        if steps.iter().any(|step| step.code == CONDITION_FAILED) {
            return Ok(Some(steps));
        }
        let code =
            steps.into_iter().map(|step| step.code).find(|code| code != NOT_AT_FAULT).unwrap_or_default();
        let is_refused = REFUSED.contains(&code.as_str());
        let (code, body) = (plain_code(&code).unwrap_or("cancelled").to_owned(), ErrorBody::default());
        Err(self.error(&if is_refused { CallFailure::Refused(code, body) } else { CallFailure::Busy(code) }))
    }
}
