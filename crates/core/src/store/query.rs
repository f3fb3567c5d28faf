//! What can be asked of stored insights.
//!
//! Takes: filters, and where the last page ended.
//! Gives: a [`Query`], and the [`Page`] that answers it.
//! Never: counts from the front; a page begins after a key, so that what arrives meanwhile moves nothing.

use crate::insight::StoredInsight;
use crate::number::Number;
use crate::time::Timestamp;

/// Which insights. Every filter that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of this student or subject.
    pub entity_id: Option<String>,
    /// Of this alert type.
    pub alert_type: Option<String>,
    /// With this risk score or a higher one.
    pub risk_min: Option<Number>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// After this place.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
}

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The time by which the page is ordered.
    pub time: Timestamp,
    /// What tells items of one time apart.
    pub id: String,
}

/// One page of insights.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Newest first.
    pub insights: Vec<StoredInsight>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Query {
    /// The place of an insight in the answer: one entity's are in the order of its alerts, as its items are in the
    /// table; all others in the order of their making.
    pub fn place(&self, insight: &StoredInsight) -> Cursor {
        let time = match (&self.entity_id, insight.alert_timestamp) {
            (Some(_), Some(alert_timestamp)) => alert_timestamp,
            (Some(_), None) | (None, _) => insight.timestamp,
        };
        Cursor { time, id: insight.alert_id.clone() }
    }

    /// Whether the insight passes every filter.
    pub fn matches(&self, insight: &StoredInsight) -> bool {
        self.entity_id.as_ref().is_none_or(|entity_id| *entity_id == insight.entity_id)
            && self.alert_type.as_ref().is_none_or(|alert_type| *alert_type == insight.prediction_type)
            && self.risk_min.is_none_or(|risk_min| insight.risk_score >= risk_min)
            && self.since.is_none_or(|since| insight.timestamp >= since)
    }

    /// A page of what was found: `limit` and one more, if there is more.
    pub fn page(&self, mut found: Vec<StoredInsight>) -> Page {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let next = found.last().filter(|_| more).map(|last| self.place(last));
        Page { insights: found, next }
    }
}
