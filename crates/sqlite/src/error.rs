//! Translates errors of SQLite, the file system and the worker thread into [`StoreError`]s that name the file.
//!
//! Never: guesses from a message's text, because only SQLite's codes are stable.

use std::io;
use std::path::Path;

use portend_core::store::{Cause, StoreError};
use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_WRITE;

/// Why an operation failed, before the file's name is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqliteError {
    /// SQLite returned an error.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The file system returned an error.
    #[error(transparent)]
    File(#[from] io::Error),
    /// A newer program wrote the file.
    #[error("a newer program wrote the file")]
    Newer { found: u32, known: u32 },
    /// Nothing has been written to the file.
    #[error("the file is empty")]
    Empty,
    /// Another program wrote the file.
    #[error("the file is another program's database")]
    NotOurs,
    /// The thread that works on the file has ended.
    #[error("the store's thread has ended")]
    Ended,
    /// The file was removed or replaced while it was open.
    #[error("the file with this name does not contain the last write")]
    Gone,
}

impl SqliteError {
    /// The store error for this file.
    pub(crate) fn in_file(self, path: &Path) -> StoreError {
        let source: Cause = match &self {
            // SQLite's message names the file already.
            Self::Sqlite(error @ rusqlite::Error::SqliteFailure(_, Some(text)))
                if text.contains(&path.display().to_string()) =>
            {
                error.to_string().into()
            }
            Self::NotOurs
            | Self::Empty
            | Self::Newer { .. }
            | Self::Ended
            | Self::Gone
            | Self::File(_)
            | Self::Sqlite(_) => format!("{}: {self}", path.display()).into(),
        };
        match self {
            Self::Newer { found, known } => StoreError::Newer { found, known, source },
            Self::Empty | Self::NotOurs => StoreError::Unusable { source },
            Self::Ended => StoreError::Unreachable { source },
            Self::Gone => StoreError::Gone { source },
            Self::File(error) => of_file(&error, source),
            Self::Sqlite(error) => of_sqlite(&error, source),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's open set")]
fn of_file(error: &io::Error, source: Cause) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { source },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { source }
        }
        _ => StoreError::Unusable { source },
    }
}

fn of_sqlite(error: &rusqlite::Error, source: Cause) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { source },
        Some(ErrorCode::DiskFull) => StoreError::Full { source },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            StoreError::ReadOnly { source }
        }
        // Also past the limit on file sizes (`ulimit -f`).
        Some(ErrorCode::SystemIoFailure) if is_of_a_write(error) => StoreError::Full { source },
        Some(ErrorCode::SystemIoFailure) => StoreError::Unreachable { source },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { source },
        _ if is_of_a_row(error) => StoreError::DamagedItem { source },
        _ => StoreError::Unusable { source },
    }
}

/// Whether SQLite could read the row, but its values are not those of an item.
pub(crate) fn is_of_a_row(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

fn is_of_a_write(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_WRITE)
}
