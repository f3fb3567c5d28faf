//! The latest time that the store has seen: a clock that is far ahead must not delete everything.

use std::time::Duration;

use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// The store may have been unused for this long. A longer jump must be confirmed.
const JUMP_MAX: Duration = Duration::from_hours(14 * 24);
/// A clock may be this far behind the latest time; machines differ.
const BEHIND_MAX: Duration = Duration::from_mins(5);

/// A clock that differs from what the store has seen by more than its time unused can explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockJump {
    /// It is far past the store's last use.
    Ahead {
        /// The latest time that the store has seen.
        latest: Timestamp,
    },
    /// It is before the store's last use.
    Behind {
        /// The latest time that the store has seen.
        latest: Timestamp,
    },
}

impl ClockJump {
    /// The time by which something has expired: under a clock that is far ahead, at most what it can be if the store was
    /// unused meanwhile.
    pub(crate) fn expiry_time(jump: Option<Self>, now: Timestamp) -> Timestamp {
        match jump {
            Some(Self::Ahead { latest }) => now.min(latest.plus(JUMP_MAX)),
            Some(Self::Behind { .. }) | None => now,
        }
    }
}

/// How the clock has jumped, if it has.
pub(crate) fn jump(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<ClockJump>> {
    let latest = connection.query_row("SELECT latest FROM clock", [], |row| row.get(0)).optional()?;
    Ok(latest.map(Timestamp::from_millis).and_then(|latest| {
        if now > latest.plus(JUMP_MAX) {
            Some(ClockJump::Ahead { latest })
        } else if now < latest.minus(BEHIND_MAX) {
            Some(ClockJump::Behind { latest })
        } else {
            None
        }
    }))
}

/// The same, and remembers the time if it has not jumped ahead.
pub(crate) fn observe(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<ClockJump>> {
    let jump = jump(connection, now)?;
    if jump.is_none() {
        connection.execute(
            "INSERT INTO clock (id, latest) VALUES (1, ?1)
             ON CONFLICT (id) DO UPDATE SET latest = max(latest, excluded.latest)",
            [now.as_millis()],
        )?;
    }
    Ok(jump)
}

/// Takes this time for the right one.
pub(crate) fn confirm(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO clock (id, latest) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET latest = excluded.latest",
        [now.as_millis()],
    )?;
    Ok(())
}
