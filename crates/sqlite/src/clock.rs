//! Records the latest time that the store has seen, so that a clock that is far ahead does not delete everything.

use std::time::Duration;

use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// A store may go unused for this long. The operator must confirm a longer jump.
const JUMP_MAX: Duration = Duration::from_hours(14 * 24);
/// A clock may be this far behind the latest time, because the clocks of machines differ.
const BEHIND_MAX: Duration = Duration::from_mins(5);

/// A clock that differs from the store's latest time by more than an unused store can explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockJump {
    /// The clock is far past the store's last use.
    Ahead {
        /// The latest time that the store has seen.
        latest: Timestamp,
    },
    /// The clock is before the store's last use.
    Behind {
        /// The latest time that the store has seen.
        latest: Timestamp,
    },
}

impl ClockJump {
    /// The time by which data have expired. If the clock is far ahead, it is at most the latest time plus the largest
    /// difference that does not count as a jump.
    pub(crate) fn expiry_time(jump: Option<Self>, now: Timestamp) -> Timestamp {
        match jump {
            Some(Self::Ahead { latest }) => now.min(latest.plus(JUMP_MAX)),
            Some(Self::Behind { .. }) | None => now,
        }
    }
}

/// Compares this time with the latest time. `None` if the clock has not jumped.
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

/// Like [`jump`], and records the time if the clock has not jumped.
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

/// Records this time as the right one.
pub(crate) fn confirm(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO clock (id, latest) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET latest = excluded.latest",
        [now.as_millis()],
    )?;
    Ok(())
}
