//! The seam to whoever is told of an insight.
//!
//! Takes: an insight that is stored.
//! Gives: the [`Notifier`] seam, and what a failure to tell is called.
//! Never: loses an insight. What was not told stays marked in the store, and is told later: at least once.

use std::future::Future;

use crate::insight::StoredInsight;

/// Tells others of insights, such as an event bus.
pub trait Notifier: Send + Sync {
    /// Tells once. Nothing is tried again here.
    fn tell(&self, insight: &StoredInsight) -> impl Future<Output = Result<(), NotifyError>> + Send;
}

/// The notifier of a program that has none.
#[derive(Debug)]
pub enum NoNotifier {}

impl Notifier for NoNotifier {
    async fn tell(&self, _: &StoredInsight) -> Result<(), NotifyError> {
        match *self {}
    }
}

/// Why an insight was not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The network or the bus does not answer in time. It passes.
    #[error("the event bus cannot be reached ({what}); see the region, the network and the endpoint")]
    Unreachable {
        /// What went wrong.
        what: String,
    },
    /// The bus refuses: it does not exist, or may not be used. The operator is at fault.
    #[error("the event bus refuses ({what}); see that EVENT_BUS_NAME exists and events:PutEvents is allowed")]
    Refused {
        /// The vendor's code.
        what: String,
    },
    /// The bus took the request and not the event in it. It may pass.
    #[error("the event bus did not take the event ({what}); it is worth trying again")]
    NotTaken {
        /// The vendor's code.
        what: String,
    },
}

impl NotifyError {
    /// A short stable name, for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "bus_unreachable",
            Self::Refused { .. } => "bus_refused",
            Self::NotTaken { .. } => "bus_not_taken",
        }
    }
}
