//! Stored insights by their key, and what is left to do with them.

use std::future::Future;

use super::{Cursor, StoreError};
use crate::alert::{AlertKey, InsightKey};
use crate::insight::StoredInsight;
use crate::time::Timestamp;

/// Insights by key, for whoever works on them.
pub trait Insights: Send + Sync {
    /// The insight under this key, with its repeats.
    fn insight(
        &self,
        key: &InsightKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<StoredInsight>, StoreError>> + Send;

    /// Removes this from what is left to do with the insight that this run made. After its notification, a degraded
    /// insight is still to be upgraded. An insight that was upgraded meanwhile is another run's, and keeps its own.
    fn clear_todo(
        &self,
        key: &InsightKey,
        run: &str,
        todo: Todo,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Insights with something left to do, oldest first, after this place, at most `limit`. What is left to do is read
    /// consistently; an insight that became due a moment ago may be missing.
    fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DueInsight>, StoreError>> + Send;
}

/// What is left to do with a stored insight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Publish it.
    Notify,
    /// Ask a model again.
    Upgrade,
}

impl Todo {
    /// What is left once this is done.
    pub fn after(self, is_degraded: bool) -> Option<Self> {
        match self {
            Self::Notify => is_degraded.then_some(Self::Upgrade),
            Self::Upgrade => None,
        }
    }

    /// As it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Notify => "tell",
            Self::Upgrade => "upgrade",
        }
    }

    /// From its stored form.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Notify, Self::Upgrade].into_iter().find(|todo| todo.code() == code)
    }
}

/// An insight with something left to do.
#[derive(Debug, Clone, PartialEq)]
pub struct DueInsight {
    /// The insight.
    pub insight: StoredInsight,
    /// Its key.
    pub key: InsightKey,
    /// The key of its claim.
    pub alert_key: AlertKey,
    /// What is left.
    pub todo: Todo,
}

impl DueInsight {
    /// Its place among those that are due.
    pub fn place(&self) -> Cursor {
        Cursor { time: self.insight.timestamp(), id: self.insight.alert_id().to_owned() }
    }
}
