//! What people ask of stored insights. A page starts after a key, never at an offset, so new insights move nothing.

use std::future::Future;

use super::StoreError;
use crate::insight::StoredInsight;
use crate::number::Number;
use crate::time::Timestamp;

/// Insights for whoever reads them. Pages may lag a moment behind.
pub trait Queries: Send + Sync {
    /// The insight with this `alert_id`.
    fn find(
        &self,
        alert_id: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<StoredInsight>, StoreError>> + Send;

    /// One page of insights, newest first.
    fn insights(
        &self,
        query: &InsightQuery,
        now: Timestamp,
    ) -> impl Future<Output = Result<InsightPage, StoreError>> + Send;
}

/// Which insights. Every filter that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct InsightQuery {
    /// Of this student or subject.
    pub entity_id: Option<String>,
    /// Of this alert type.
    pub alert_type: Option<String>,
    /// With this [`listed_score`](StoredInsight::listed_score) or a higher one.
    pub risk_min: Option<Number>,
    /// Only those where the model and the scorecard disagree.
    pub disagree: bool,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// After this place.
    pub after: Option<Cursor>,
    /// At most this many.
    pub limit: usize,
}

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The time by which the page is ordered.
    pub time: Timestamp,
    /// What distinguishes items of one time.
    pub id: String,
}

/// One page of insights.
#[derive(Debug, Clone, PartialEq)]
pub struct InsightPage {
    /// Newest first.
    pub insights: Vec<StoredInsight>,
    /// Where the next page starts, if there is one.
    pub next: Option<Cursor>,
}

impl InsightQuery {
    /// The insight's place in the result: one entity's insights are in the order of its alerts, as its items are in the
    /// table; all others are in the order in which they were made.
    pub fn place(&self, insight: &StoredInsight) -> Cursor {
        let time = match (&self.entity_id, insight.alert_timestamp()) {
            (Some(_), Some(alert_timestamp)) => alert_timestamp,
            (Some(_), None) | (None, _) => insight.timestamp(),
        };
        Cursor { time, id: insight.alert_id().to_owned() }
    }

    /// Whether the insight passes every filter.
    pub fn matches(&self, insight: &StoredInsight) -> bool {
        self.entity_id.as_ref().is_none_or(|entity_id| *entity_id == insight.entity_id())
            && self.alert_type.as_ref().is_none_or(|alert_type| *alert_type == insight.prediction_type())
            && self.risk_min.is_none_or(|risk_min| insight.listed_score() >= risk_min)
            && (!self.disagree || insight.disagreement().is_some())
            && self.since.is_none_or(|since| insight.timestamp() >= since)
    }

    /// A page of what was found: `limit` insights, and one more if there is more.
    pub fn page(&self, mut found: Vec<StoredInsight>) -> InsightPage {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let next = found.last().filter(|_| more).map(|last| self.place(last));
        InsightPage { insights: found, next }
    }
}
