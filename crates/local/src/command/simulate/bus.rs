//! Puts simulated alerts on an event bus as their producer does, ten in a request. Retries throttled requests, because
//! other programs use the bus too.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use portend_core::notify::NotifyError;
use portend_remote::EventBus;
use portend_remote::limits::EVENTS_AT_ONCE;
use portend_remote::{Aws, find_region};
use portend_simulator::SimulatedAlert;
use tokio::runtime::Runtime;

/// The most tries of one request.
const TRIES_MAX: u32 = 4;
/// The pause before the first retry. It doubles with each retry.
const PAUSE: Duration = Duration::from_millis(200);

/// Publishes alerts on one bus.
pub(crate) struct BusWriter {
    runtime: Runtime,
    bus: EventBus,
}

impl BusWriter {
    /// The bus with this name or ARN. The AWS SDK finds the credentials.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start the program's runtime")?;
        let region = runtime.block_on(find_region());
        ensure!(region.is_some(), "AWS_REGION is not set; set it to the region of the event bus {name}");
        let bus = EventBus::new(name.to_owned(), Aws::ambient(region));
        Ok(Self { runtime, bus })
    }

    /// Publishes the alerts in their order. Returns their number.
    pub(crate) fn publish(&self, mut alerts: impl Iterator<Item = SimulatedAlert>) -> Result<u64> {
        let mut published = 0;
        loop {
            let next = alerts.by_ref().take(EVENTS_AT_ONCE);
            let entries: Vec<_> =
                next.map(|alert| (alert.alert_type().to_owned(), alert.to_detail_json())).collect();
            if entries.is_empty() {
                return Ok(published);
            }
            self.runtime.block_on(self.put(&entries)).with_context(|| {
                let name = self.bus.name();
                format!("cannot put alerts on the event bus {name}, after {published} were put on it")
            })?;
            published += entries.len() as u64;
        }
    }

    /// Sends a request, with retries. If the bus accepted an event of a failed request, the retry makes its alert a
    /// repeat.
    async fn put(&self, entries: &[(String, String)]) -> Result<(), NotifyError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES_MAX {
            match self.bus.put_alerts(entries).await {
                Err(NotifyError::Unreachable { .. } | NotifyError::NotAccepted { .. }) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
        self.bus.put_alerts(entries).await
    }
}
