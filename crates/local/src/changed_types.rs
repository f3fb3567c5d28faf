//! Finds the alert types whose facts have changed since their newest insight was stored. Such a change decides which
//! alerts are repeats.

use portend_core::alert_type::AlertTypes;
use portend_core::store::{InsightQuery, Queries, StoreError};
use portend_core::time::Timestamp;

/// An alert type whose newest insight has another version of its facts.
#[derive(Debug)]
pub(crate) struct ChangedType {
    id: String,
    before: String,
    now: String,
}

impl ChangedType {
    /// Says what the change means for the next alerts.
    pub(crate) fn sentence(&self) -> String {
        let Self { id, before, now } = self;
        format!(
            "the facts of {id} changed (version {before} before, {now} now). Repeats of older alerts get a new \
             insight. Alerts that lack an added fact are parked; fix the producer, then run portend parked replay"
        )
    }
}

/// Finds the changed types with one query for each type. The insights of an earlier program have no version.
pub(crate) async fn changed_types(
    store: &impl Queries,
    types: &AlertTypes,
    now: Timestamp,
) -> Result<Vec<ChangedType>, StoreError> {
    let mut changed = Vec::new();
    for alert_type in types.iter() {
        let id = alert_type.id().to_owned();
        let query = InsightQuery { alert_type: Some(id.clone()), limit: 1, ..InsightQuery::default() };
        let newest = store.insights(&query, now).await?.insights.pop();
        let version = newest.as_ref().and_then(|newest| newest.current()?.facts_version.clone());
        if let Some(before) = version.filter(|before| *before != alert_type.facts_version()) {
            changed.push(ChangedType { id, before, now: alert_type.facts_version() });
        }
    }
    Ok(changed)
}
