//! The alerts as JSON Lines, until the limit is reached or the reader has gone.
//!
//! Takes: alerts in time order.
//! Gives: one line each, handed to the output in pieces.
//! Never: takes a closed pipe for an error; whoever reads the first ten alerts has what they wanted.

use std::io::{ErrorKind, Write};

use anyhow::Context;

use super::producer::Alert;

/// Alerts are handed over in pieces of about this size, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Lines gathered into pieces.
pub(super) struct Lines<'a> {
    out: &'a mut dyn Write,
    piece: Vec<u8>,
    left: u64,
    ended: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(out: &'a mut dyn Write, limit: Option<u64>) -> Self {
        Self {
            out,
            piece: Vec::with_capacity(2 * PIECE_BYTES),
            left: limit.unwrap_or(u64::MAX),
            ended: false,
        }
    }

    /// Whether nothing more will be written.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Writes the alerts of a day, as far as there is a reader and the limit allows.
    pub(super) fn write(&mut self, alerts: &[Alert]) -> anyhow::Result<()> {
        for alert in alerts {
            if self.ended {
                break;
            }
            alert.write(&mut self.piece).context("cannot write an alert as JSON")?;
            self.left -= 1;
            if self.left == 0 {
                self.flush()?;
                self.ended = true;
            } else if self.piece.len() >= PIECE_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Hands over what has been gathered.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        let given = self.out.write_all(&self.piece).and_then(|()| self.out.flush());
        self.piece.clear();
        match given {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.ended = true;
                Ok(())
            }
            given => given.context("cannot write the alerts: see whether the disk of the output is full"),
        }
    }
}
