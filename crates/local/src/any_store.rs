//! The store in the settings. A table is combined with the ledger of this machine.

use std::sync::Arc;

use portend_core::alert::InsightKey;
use portend_core::alert_type::AlertTypes;
use portend_core::entity::{
    EntityKey, EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest, WorklistPlace,
};
use portend_core::insight::StoredInsight;
use portend_core::limits::PAGE_MAX;
use portend_core::outcome::OutcomeRow;
use portend_core::store::{
    AnswerKey, Answers, Claim, ClaimRequest, Claims, Commit, CommitRequest, Cursor, Document, Documents,
    DueInsight, Entities, EntityAhead, Feedback, ForgetCounts, ForgetRequest, Forgetting, InsightPage,
    InsightQuery, Insights, Lease, OUTCOME_PK, Parked, ParkedPage, Parking, Queries, Release, Repeat,
    RepeatRequest, Reserved, StoreError, StoredAnswer, Todo, UpgradeClaim, UpgradeRequest, outcome_rows,
};
use portend_core::time::Timestamp;
use portend_remote::DynamoDb;
use portend_sqlite::{Receipt, Sqlite};

/// The most insights of a table in which a shortened id is searched.
const SHORT_ID_SEARCH_MAX: usize = 20_000;

/// A store on this machine or on AWS.
#[derive(Debug)]
pub(crate) enum AnyStore {
    /// A file, which also contains the ledger.
    Sqlite(Arc<Sqlite>),
    /// A table, and the file with this machine's ledger.
    DynamoDb(Box<DynamoDb>, Arc<Sqlite>),
    /// A table for reading, without a ledger.
    DynamoDbReader(Box<DynamoDb>),
}

impl AnyStore {
    /// The number of items that were skipped because they cannot be read.
    pub(crate) fn unreadable(&self) -> usize {
        match self {
            Self::Sqlite(store) => store.unreadable(),
            Self::DynamoDb(store, _) | Self::DynamoDbReader(store) => store.unreadable(),
        }
    }

    /// The ids of insights that begin with this text, or whose digits do; at most `limit`. Of a table, only the newest
    /// [`SHORT_ID_SEARCH_MAX`] insights are searched.
    pub(crate) async fn ids_like(
        &self,
        text: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let table = match self {
            Self::Sqlite(store) => return store.ids_like(text, limit, now).await,
            Self::DynamoDb(store, _) | Self::DynamoDbReader(store) => store,
        };
        let is_like = |id: &str| {
            id.starts_with(text) || id.rsplit('_').next().is_some_and(|digits| digits.starts_with(text))
        };
        let mut query = InsightQuery { limit: PAGE_MAX, ..InsightQuery::default() };
        let (mut ids, mut searched) = (Vec::new(), 0);
        loop {
            let page = table.insights(&query, now).await?;
            searched += page.insights.len();
            let found = page.insights.iter().map(StoredInsight::alert_id).filter(|id| is_like(id));
            ids.extend(found.map(str::to_owned));
            query.after = page.next;
            if query.after.is_none() || ids.len() >= limit || searched >= SHORT_ID_SEARCH_MAX {
                ids.truncate(limit);
                return Ok(ids);
            }
        }
    }

    /// Deletes everything about these entities, first from this machine's ledger, so that nothing of its inbox gets into a
    /// table that was cleared.
    pub(crate) async fn forget_all(
        &self,
        ledger: Option<&Sqlite>,
        types: &AlertTypes,
        entities: Vec<EntityKey>,
        now: Timestamp,
    ) -> Result<ForgetCounts, StoreError> {
        let ledger = ledger.or(self.ledger());
        let mut sum = ForgetCounts::default();
        for entity in entities {
            let its = types.iter().filter(|each| each.entity() == entity.entity_type);
            let alert_types = its.map(|each| each.id().to_owned()).collect();
            let request = ForgetRequest { entity, alert_types, now };
            if let Some(ledger) = ledger {
                sum += ledger.forget(&request).await?;
            }
            sum += self.forget(&request).await?;
        }
        Ok(sum)
    }

    /// Every row of what happened. `None` of a table, which finds them only by their entity.
    pub(crate) async fn all_outcomes(&self, now: Timestamp) -> Result<Option<Vec<OutcomeRow>>, StoreError> {
        match self {
            Self::Sqlite(store) => Ok(Some(outcome_rows(&store.documents_below(OUTCOME_PK, now).await?))),
            Self::DynamoDb(..) | Self::DynamoDbReader(_) => Ok(None),
        }
    }

    fn ledger(&self) -> Option<&Sqlite> {
        match self {
            Self::DynamoDb(_, ledger) => Some(ledger),
            // A file's operations write its ledger themselves.
            Self::Sqlite(_) | Self::DynamoDbReader(_) => None,
        }
    }

    /// Records an outcome in the ledger. If this fails, the ledger shows the event as unfinished, although the table
    /// has its outcome.
    async fn settle(&self, receipt: Receipt, outcome: &'static str) {
        if let Some(ledger) = self.ledger() {
            let _ = ledger.settle(receipt, outcome).await;
        }
    }
}

/// Runs the same operation on either kind of store.
macro_rules! each {
    ($self:ident, $store:ident => $operation:expr) => {
        match $self {
            Self::Sqlite($store) => $operation,
            Self::DynamoDb($store, _) | Self::DynamoDbReader($store) => $operation,
        }
    };
}

impl Answers for AnyStore {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<StoredAnswer>, StoreError> {
        each!(self, store => store.answer(key, now).await)
    }

    async fn store_answer(&self, key: &AnswerKey, answer: &StoredAnswer) -> Result<(), StoreError> {
        each!(self, store => store.store_answer(key, answer).await)
    }
}

impl Claims for AnyStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        if let Some(ledger) = self.ledger() {
            // A table may learn of a forgotten entity some minutes later.
            ledger.refuse_forgotten(&request.insight_key, request.now).await?;
        }
        let claim = each!(self, store => store.claim(request).await)?;
        if let (Claim::Mine(lease), Some(ledger)) = (&claim, self.ledger()) {
            let receipt = receipt(&request.owner, request.received_at, &request.insight_key);
            if let Err(error) = ledger.receive(receipt).await {
                // If this fails too, the lease ends by itself.
                let release = Release { unused_call: request.reserve_call, ..Release::at(request.now) };
                let _ = self.release(lease, release).await;
                return Err(error);
            }
        }
        Ok(claim)
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        each!(self, store => store.reserve_call(lease).await)
    }

    async fn commit(&self, request: &CommitRequest<'_>) -> Result<Commit, StoreError> {
        self.commit_with(request, None).await
    }

    async fn read_ahead(&self, entity: &EntityKey) -> Option<EntityAhead> {
        each!(self, store => store.read_ahead(entity).await)
    }

    async fn commit_with(
        &self,
        request: &CommitRequest<'_>,
        ahead: Option<&EntityAhead>,
    ) -> Result<Commit, StoreError> {
        let commit = each!(self, store => store.commit_with(request, ahead).await)?;
        let (outcome, reused) = match &commit {
            Commit::Stored => ("stored", request.insight.reused()),
            Commit::Existing(_) => ("repeated", None),
            Commit::KeyTaken | Commit::Lost => return Ok(commit),
        };
        if let Some(ledger) = self.ledger() {
            let _ = ledger.settle_owner(&request.lease.owner, outcome, reused).await;
        }
        Ok(commit)
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        each!(self, store => store.release(lease, release).await)
    }

    async fn repeat(&self, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
        let repeat = each!(self, store => store.repeat(request).await)?;
        if repeat.is_some() {
            let RepeatRequest { owner, received_at, insight_key, .. } = request;
            self.settle(receipt(owner, *received_at, insight_key), "repeated").await;
        }
        Ok(repeat)
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        each!(self, store => store.claim_upgrade(request).await)
    }

    async fn commit_upgrade(&self, request: &CommitRequest<'_>) -> Result<Option<StoredInsight>, StoreError> {
        each!(self, store => store.commit_upgrade(request).await)
    }
}

fn receipt(owner: &str, received_at: Timestamp, key: &InsightKey) -> Receipt {
    Receipt { owner: owner.to_owned(), received_at, alert_type: Some(key.alert_type().to_owned()) }
}

impl Insights for AnyStore {
    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        each!(self, store => store.insight(key, now).await)
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        each!(self, store => store.clear_todo(key, run, todo).await)
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        each!(self, store => store.due(now, after, limit).await)
    }
}

impl Parking for AnyStore {
    async fn park(&self, parked: &Parked, owner: &str) -> Result<(), StoreError> {
        each!(self, store => store.park(parked, owner).await)?;
        let Parked { received_at, .. } = *parked;
        self.settle(Receipt { owner: owner.to_owned(), received_at, alert_type: None }, "parked").await;
        Ok(())
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        each!(self, store => store.replayed(sha256, at, outcome).await)
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        each!(self, store => store.parked(after, limit, now).await)
    }

    async fn parked_event(&self, sha256: &str, now: Timestamp) -> Result<Option<Parked>, StoreError> {
        each!(self, store => store.parked_event(sha256, now).await)
    }

    async fn delete_parked(&self, sha256: &str) -> Result<(), StoreError> {
        each!(self, store => store.delete_parked(sha256).await)
    }
}

impl Documents for AnyStore {
    async fn put_documents(&self, documents: &[Document]) -> Result<(), StoreError> {
        each!(self, store => store.put_documents(documents).await)
    }

    async fn remove_document(&self, pk: &str, sk: &str, now: Timestamp) -> Result<bool, StoreError> {
        each!(self, store => store.remove_document(pk, sk, now).await)
    }

    async fn documents(&self, pk: &str, now: Timestamp) -> Result<Vec<Document>, StoreError> {
        each!(self, store => store.documents(pk, now).await)
    }
}

impl Queries for AnyStore {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        each!(self, store => store.find(alert_id, now).await)
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        each!(self, store => store.insights(query, now).await)
    }
}

impl Entities for AnyStore {
    async fn entity(&self, key: &EntityKey, now: Timestamp) -> Result<Option<EntityRow>, StoreError> {
        each!(self, store => store.entity(key, now).await)
    }

    async fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EntityRow>, StoreError> {
        each!(self, store => store.open_entities(after, limit, now).await)
    }

    async fn write_entity(&self, row: &EntityRow, now: Timestamp) -> Result<bool, StoreError> {
        each!(self, store => store.write_entity(row, now).await)
    }

    async fn are_entities_complete(&self) -> Result<bool, StoreError> {
        each!(self, store => store.are_entities_complete().await)
    }

    async fn set_entities_complete(&self) -> Result<(), StoreError> {
        each!(self, store => store.set_entities_complete().await)
    }
}

impl Feedback for AnyStore {
    async fn give_feedback(&self, request: &FeedbackRequest) -> Result<FeedbackOutcome, StoreError> {
        each!(self, store => store.give_feedback(request).await)
    }

    async fn feedback(&self, alert_ids: &[String], now: Timestamp) -> Result<Vec<FeedbackEntry>, StoreError> {
        each!(self, store => store.feedback(alert_ids, now).await)
    }
}

impl Forgetting for AnyStore {
    async fn forget(&self, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
        each!(self, store => store.forget(request).await)
    }

    async fn forgotten_at(
        &self,
        entity: &EntityKey,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        each!(self, store => store.forgotten_at(entity, now).await)
    }
}
