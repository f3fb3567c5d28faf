//! How alerts of a type are handled after they are read: when one is stale, how long an answer is reused, when an entity
//! counts as silent, and how many answers of a model are asked for.
//!
//! Never: part of an alert's identity, or of what a prompt says.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// A duration, and how the file writes it (`24h`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenDuration {
    pub(crate) text: String,
    pub(crate) duration: Duration,
}

impl WrittenDuration {
    /// The duration.
    pub fn get(&self) -> Duration {
        self.duration
    }

    /// The duration as it is written in the file, such as `24h`.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Serialize for WrittenDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// How alerts of a type are handled.
#[derive(Debug, Clone, Serialize)]
pub struct Handling {
    pub(crate) stale_after: WrittenDuration,
    pub(crate) answer_reuse: WrittenDuration,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quiet_after: Option<WrittenDuration>,
    pub(crate) samples: u8,
    pub(crate) verify: bool,
    pub(crate) dashboard: Dashboard,
}

/// What the original dashboard shows of a type.
#[derive(Debug, Clone, Serialize)]
pub struct Dashboard {
    pub(crate) category: String,
}

impl Handling {
    /// The age from which an alert is marked as stale. Zero: never.
    pub fn stale_after(&self) -> &WrittenDuration {
        &self.stale_after
    }

    /// How long an accepted answer is used again for the same question. Zero: never.
    pub fn answer_reuse(&self) -> Duration {
        self.answer_reuse.duration
    }

    /// How long the producer is silent about an entity before the entity counts as recovered. `None`: the default
    /// of all types.
    pub fn quiet_after(&self) -> Option<Duration> {
        self.quiet_after.as_ref().map(|quiet| quiet.duration)
    }

    /// How many answers a model is asked for, 1 to 5.
    pub fn samples(&self) -> u8 {
        self.samples
    }

    /// Whether the next model verifies an accepted answer.
    pub fn verify(&self) -> bool {
        self.verify
    }

    /// The name under which the original dashboard's API returns insights of this type; the type's id if the file has
    /// none.
    pub fn dashboard_category(&self) -> &str {
        &self.dashboard.category
    }
}
