//! Records the latest time that the store has seen, so that a clock that is far ahead does not delete everything.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// A store may go unused for this long. The operator must confirm a longer jump.
const JUMP_MAX: Duration = Duration::from_hours(14 * 24);
/// A clock may be this far behind the latest time, because the clocks of machines differ.
const BEHIND_MAX: Duration = Duration::from_mins(5);
/// How often a store in use records the time.
const RECORD_PAUSE: Duration = Duration::from_mins(1);

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
    fn expiry_time(jump: Option<Self>, now: Timestamp) -> Timestamp {
        match jump {
            Some(Self::Ahead { latest }) => now.min(latest.plus(JUMP_MAX)),
            Some(Self::Behind { .. }) | None => now,
        }
    }

    /// Compares this time with the latest time. `None` if the clock has not jumped.
    fn between(latest: Timestamp, now: Timestamp) -> Option<Self> {
        if now > latest.plus(JUMP_MAX) {
            Some(Self::Ahead { latest })
        } else if now < latest.minus(BEHIND_MAX) {
            Some(Self::Behind { latest })
        } else {
            None
        }
    }
}

/// What an open store knows of the time, so that it notices a jump while it is in use.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    /// `None` if the clock cannot jump.
    state: Option<Mutex<WatchState>>,
}

#[derive(Debug)]
struct WatchState {
    /// The latest time that this process knows.
    latest: Timestamp,
    /// The time that was last recorded in the file.
    recorded: Timestamp,
    jump: Option<ClockJump>,
}

impl ClockWatch {
    /// Starts with the latest time in the file.
    pub(crate) fn of(connection: &Connection, now: Timestamp) -> rusqlite::Result<Self> {
        let latest = latest(connection)?.unwrap_or(now);
        let jump = ClockJump::between(latest, now);
        Ok(Self { state: Some(Mutex::new(WatchState { latest, recorded: latest, jump })) })
    }

    /// A clock that cannot jump.
    pub(crate) fn trusting() -> Self {
        Self { state: None }
    }

    /// Applies a step to the state. `None` if the clock cannot jump.
    fn with<T>(&self, step: impl FnOnce(&mut WatchState) -> T) -> Option<T> {
        let state = self.state.as_ref()?;
        Some(step(&mut state.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// How the clock has jumped.
    pub(crate) fn jump(&self) -> Option<ClockJump> {
        self.with(|state| state.jump).flatten()
    }

    /// Observes this time, and returns the time by which data have expired.
    pub(crate) fn expiry_time(&self, now: Timestamp) -> Timestamp {
        let observed = self.with(|state| {
            state.jump = ClockJump::between(state.latest, now);
            if state.jump.is_none() {
                state.latest = state.latest.max(now);
            }
            ClockJump::expiry_time(state.jump, now)
        });
        observed.unwrap_or(now)
    }

    /// A time that is to be recorded in the file.
    pub(crate) fn unrecorded(&self) -> Option<Timestamp> {
        self.with(|state| {
            let is_due = state.latest > state.recorded.plus(RECORD_PAUSE);
            is_due.then(|| {
                state.recorded = state.latest;
                state.latest
            })
        })
        .flatten()
    }

    /// Adopts this time as the right one.
    pub(crate) fn confirm(&self, now: Timestamp) {
        self.with(|state| *state = WatchState { latest: now, recorded: now, jump: None });
    }
}

/// The latest time in the file.
fn latest(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let latest = connection.query_row("SELECT latest FROM clock", [], |row| row.get(0)).optional()?;
    Ok(latest.map(Timestamp::from_millis))
}

/// Compares this time with the latest time in the file. `None` if the clock has not jumped.
fn jump(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<ClockJump>> {
    Ok(latest(connection)?.and_then(|latest| ClockJump::between(latest, now)))
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
