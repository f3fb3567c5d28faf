//! The alerts on an event bus, as their producer puts them there.
//!
//! Takes: lines of alerts.
//! Gives: one event for each, with the alert's type as its detail-type, ten at a time.
//! Never: gives up at the first throttling; the bus is another program's too.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, ensure};
use portend_core::notify::NotifyError;
use portend_remote::event_bus::{EVENTS_AT_ONCE, EventBus};
use portend_remote::{Aws, find_region};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

/// Times that ten events are tried.
const TRIES_MAX: u32 = 4;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// The bus as an output for lines.
pub(crate) struct OnBus {
    runtime: Runtime,
    bus: EventBus,
    /// The beginning of a line.
    part: Vec<u8>,
    /// Alerts that wait for their request: type and detail.
    waiting: Vec<(String, String)>,
    /// Alerts that the bus has taken.
    put: u64,
    failure: Option<anyhow::Error>,
}

/// An event of the producer's.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "detail-type")]
    detail_type: String,
    #[serde(borrow)]
    detail: &'a RawValue,
}

impl OnBus {
    /// The bus of this name or ARN, with the credentials that the AWS SDK finds.
    pub(crate) fn open(name: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start the program's runtime")?;
        let region = runtime.block_on(find_region());
        ensure!(region.is_some(), "AWS_REGION is not set; set it to the region of the event bus {name}");
        let bus = EventBus::new(name.to_owned(), Aws::ambient(region));
        Ok(Self { runtime, bus, part: Vec::new(), waiting: Vec::new(), put: 0, failure: None })
    }

    /// How many alerts were put on the bus, or why no more were.
    pub(crate) fn end(self) -> anyhow::Result<u64> {
        let Self { bus, put, failure, .. } = self;
        let sentence =
            || format!("cannot put alerts on the event bus {}; {put} were put on it before", bus.name());
        failure.map_or(Ok(put), |failure| Err(failure.context(sentence())))
    }

    fn send(&mut self) -> io::Result<()> {
        let mut pause = PAUSE;
        for attempt in 1..=TRIES_MAX {
            match self.runtime.block_on(self.bus.put_alerts(&self.waiting)) {
                Ok(()) => break,
                Err(NotifyError::Unreachable { .. } | NotifyError::NotTaken { .. })
                    if attempt < TRIES_MAX =>
                {
                    // An event that was taken is put again: its alert is a repeat then.
                    self.runtime.block_on(async { tokio::time::sleep(pause).await });
                    pause *= 2;
                }
                Err(error) => {
                    // The alerts' writer knows of a reader who has gone, and stops; the reason is told at the end.
                    self.failure = Some(error.into());
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        self.put += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

impl Write for OnBus {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.part.extend_from_slice(piece);
            if piece.last() != Some(&b'\n') {
                continue;
            }
            let line = std::mem::take(&mut self.part);
            let Event { detail_type, detail } = serde_json::from_slice(&line).map_err(io::Error::other)?;
            self.waiting.push((detail_type, detail.get().to_owned()));
            if self.waiting.len() == EVENTS_AT_ONCE {
                self.send()?;
            }
        }
        Ok(bytes.len())
    }

    /// Puts what waits for company.
    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() { Ok(()) } else { self.send() }
    }
}
