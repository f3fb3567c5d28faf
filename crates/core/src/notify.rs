//! The seam to whoever is notified of an insight.
//!
//! Never: loses an insight. What was not published stays marked in the store and is published later: at least once.

use std::future::{Future, ready};

use crate::entity::EntityRow;
use crate::help::Help;
use crate::insight::StoredInsight;

/// Publishes insights, for example on an event bus.
pub trait Notifier: Send + Sync {
    /// Publishes one insight. Nothing is retried here.
    fn notify(&self, insight: &StoredInsight) -> impl Future<Output = Result<(), NotifyError>> + Send;

    /// Says that an entity has recovered, to those who want to know. It is said at most once.
    fn notify_recovery(&self, row: &EntityRow) -> impl Future<Output = Result<(), NotifyError>> + Send {
        let _ = row;
        ready(Ok(()))
    }
}

/// The notifier of a program that has none.
#[derive(Debug)]
pub enum NoNotifier {}

impl Notifier for NoNotifier {
    async fn notify(&self, _: &StoredInsight) -> Result<(), NotifyError> {
        match *self {}
    }
}

/// Why an insight was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The network or the bus does not answer in time. It may pass.
    #[error("the event bus cannot be reached ({what})")]
    Unreachable {
        /// What went wrong.
        what: String,
    },
    /// The bus refuses: it does not exist, or may not be used. The operator is at fault.
    #[error("the event bus refuses the request ({what})")]
    Refused {
        /// The vendor's code.
        what: String,
    },
    /// A channel for people does not answer in time, or has a fault of its own. It may pass.
    #[error("the channel `{name}` cannot be reached ({what})")]
    ChannelUnreachable {
        /// The channel's name in the settings.
        name: String,
        /// What went wrong.
        what: String,
    },
    /// A channel for people refuses the message. The operator is at fault.
    #[error("the channel `{name}` refuses the message ({what})")]
    ChannelRefused {
        /// The channel's name in the settings.
        name: String,
        /// The status or the code.
        what: String,
    },
    /// The table of the original dashboard does not answer in time. It may pass.
    #[error("the mirror table cannot be reached ({what})")]
    MirrorUnreachable {
        /// What went wrong.
        what: String,
    },
    /// The table of the original dashboard refuses the item. The operator is at fault.
    #[error("the mirror table refuses the item ({what})")]
    MirrorRefused {
        /// The vendor's code.
        what: String,
    },
    /// The channels are in a secret that cannot be read or understood. The operator is at fault, or it may pass.
    #[error("the secret with the channels cannot be used ({what})")]
    ChannelsUnreadable {
        /// What is wrong.
        what: String,
    },
    /// The bus accepted the request but not the event in it. It may pass.
    #[error("the event bus did not accept the event ({what})")]
    NotAccepted {
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
            Self::NotAccepted { .. } => "bus_not_taken",
            Self::ChannelUnreachable { .. } => "channel_unreachable",
            Self::ChannelRefused { .. } => "channel_refused",
            Self::ChannelsUnreadable { .. } => "channels_unreadable",
            Self::MirrorUnreachable { .. } => "mirror_unreachable",
            Self::MirrorRefused { .. } => "mirror_refused",
        }
    }

    /// The channel that failed; `None` for the event bus and the mirror table.
    pub fn channel(&self) -> Option<&str> {
        match self {
            Self::ChannelUnreachable { name, .. } | Self::ChannelRefused { name, .. } => Some(name),
            Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::NotAccepted { .. }
            | Self::ChannelsUnreadable { .. }
            | Self::MirrorUnreachable { .. }
            | Self::MirrorRefused { .. } => None,
        }
    }
}

impl Help for NotifyError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unreachable { .. } => "check the region, the network and the endpoint",
            Self::Refused { .. } => {
                "check that the bus in EVENT_BUS_NAME exists and that events:PutEvents is allowed"
            }
            Self::NotAccepted { .. } => "run portend upgrade later to publish it again",
            Self::ChannelUnreachable { .. } => "check its address in portend.toml, and the network",
            Self::ChannelsUnreadable { .. } => {
                "put tables [notify.NAME] into the secret that CHANNELS_SECRET names, and allow secretsmanager:GetSecretValue on it"
            }
            Self::MirrorUnreachable { .. } => "check the region and the network",
            Self::MirrorRefused { .. } => {
                "check that the table in MIRROR_TABLE_NAME exists and that dynamodb:PutItem is allowed"
            }
            Self::ChannelRefused { .. } => "check its address, its key and its template in portend.toml",
        };
        Some(help.to_owned())
    }
}
