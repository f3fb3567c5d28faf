//! Why a store does not do what it is asked, and how to fix it.

use crate::help::Help;

/// Why a store does not do what it is asked. The operator or the machine is at fault, never the event.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds it, or it is throttling. The same operation may succeed a moment later.
    #[error("the store is busy")]
    Busy {
        /// What the store says.
        source: Cause,
    },
    /// It does not answer. The same operation may succeed a moment later.
    #[error("the store cannot be reached")]
    Unreachable {
        /// What the store says.
        source: Cause,
    },
    /// It has no room.
    #[error("the store is full")]
    Full {
        /// What the store says.
        source: Cause,
    },
    /// It may be read but not written.
    #[error("the store cannot be written")]
    ReadOnly {
        /// What the store says.
        source: Cause,
    },
    /// A newer program wrote it.
    #[error("the store has format version {found}, and this program knows only {known}")]
    Newer {
        /// The store's version.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
        /// The store, by name.
        source: Cause,
    },
    /// The service that keeps it refuses: no such table, no permission, bad credentials.
    #[error("the store refuses the request")]
    Refused {
        /// What it refuses, and how to fix it.
        source: Cause,
    },
    /// It is not a store.
    #[error("the store cannot be used")]
    Unusable {
        /// What the store says.
        source: Cause,
    },
    /// The structure of its file is damaged.
    #[error("the store cannot be read")]
    Damaged {
        /// What the store says.
        source: Cause,
    },
    /// One item is damaged. All others can be used.
    #[error("the stored item cannot be read")]
    DamagedItem {
        /// Which item.
        source: Cause,
    },
    /// Its file was removed or replaced while it was open. What was acknowledged before is in the file that is gone.
    #[error("the store's file was removed or replaced")]
    Gone {
        /// The file, by name.
        source: Cause,
    },
}

/// The cause of a [`StoreError`].
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// A short stable name, for logs and callers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "store_busy",
            Self::Unreachable { .. } => "store_unreachable",
            Self::Full { .. } => "store_full",
            Self::ReadOnly { .. } => "store_read_only",
            Self::Newer { .. } => "store_newer",
            Self::Refused { .. } => "store_refused",
            Self::Unusable { .. } => "store_unusable",
            Self::Damaged { .. } => "store_damaged",
            Self::DamagedItem { .. } => "item_damaged",
            Self::Gone { .. } => "store_gone",
        }
    }

    /// Whether the same operation may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Unreachable { .. } => true,
            Self::Full { .. }
            | Self::ReadOnly { .. }
            | Self::Newer { .. }
            | Self::Refused { .. }
            | Self::Unusable { .. }
            | Self::Damaged { .. }
            | Self::DamagedItem { .. }
            | Self::Gone { .. } => false,
        }
    }
}

impl Help for StoreError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Busy { .. } => "other processes use it too: try again in a moment",
            Self::Unreachable { .. } => "check its disk or its network, and try again",
            Self::Full { .. } => {
                "make room on its disk, or raise the limit on file sizes (ulimit -f), and run the same input again"
            }
            Self::ReadOnly { .. } => "give write access to the file and its folder, or name another --store",
            Self::Newer { .. } => "use the newer program, or name another --store",
            // The cause names the fix: it depends on what is refused.
            Self::Refused { .. } => return None,
            Self::Unusable { .. } => "check that it is a Portend store, or name another --store",
            Self::Damaged { .. } => "the file is damaged: run portend doctor, or name another --store",
            Self::DamagedItem { .. } => {
                "the other items are not affected: restore the store from a backup, or delete this item"
            }
            Self::Gone { .. } => "put the file back, or run the input again on the new one",
        };
        Some(help.to_owned())
    }
}
