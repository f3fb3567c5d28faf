//! Everybody who is notified of an insight: the event bus, the original dashboard's table, and the channels for people.
//!
//! All are notified at the same time. If one fails, the insight is notified again later, without those that received it in
//! this process.
//!
//! Never: lets a channel that cannot be used keep the others from being notified.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use portend_core::alert_type::AlertTypes;
use portend_core::entity::EntityRow;
use portend_core::insight::StoredInsight;
use portend_core::notify::{Notifier, NotifyError};
use portend_core::store::{Documents, Entities, Queries, StoreError};
use portend_core::time::Timestamp;
use tokio::sync::OnceCell;

use crate::aws::{Aws, EventBus, KeySecret, MirrorTable};
use crate::channel::{Channel, ChannelError, ChannelReport, ChannelSettings, written_channels};
use crate::digest::{Digest, next_digest, unsend_digest};
use crate::limits::PARTLY_SENT_MAX;

/// The event bus, the table of the original dashboard and the channels of one program, as one notifier.
pub struct Notifiers {
    bus: Option<EventBus>,
    mirror: Option<MirrorTable>,
    channels: ChannelSource,
    types: AlertTypes,
    /// Who has received an insight that somebody else has not.
    partly_sent: Mutex<BTreeMap<(String, String), BTreeSet<String>>>,
}

/// Where the channels come from.
enum ChannelSource {
    /// The settings.
    Given(Vec<Channel>),
    /// A secret, which is read when somebody is first notified.
    InSecret { secret: KeySecret, aws: Aws, read: OnceCell<Vec<Channel>> },
}

/// A digest, and which channels received it.
#[derive(Debug)]
pub struct SentReport {
    /// What it says.
    pub digest: Digest,
    /// The channels to which it was sent; 0 if nothing has changed.
    pub channels: usize,
    /// Those of them that failed.
    pub failures: Vec<NotifyError>,
}

/// Who receives one insight.
enum Recipient<'n> {
    Bus(&'n EventBus),
    Mirror(&'n MirrorTable),
    Channel(&'n Channel),
}

impl Recipient<'_> {
    /// Its name. A channel's is unique in the settings.
    fn name(&self) -> String {
        match self {
            Self::Bus(_) => "bus".to_owned(),
            Self::Mirror(_) => "mirror".to_owned(),
            Self::Channel(channel) => format!("channel {}", channel.name()),
        }
    }

    async fn send(&self, insight: &StoredInsight, types: &AlertTypes) -> Result<(), NotifyError> {
        match self {
            Self::Bus(bus) => bus.notify(insight).await,
            Self::Mirror(table) => table.put(insight).await,
            Self::Channel(channel) => channel.send(insight, types).await,
        }
    }
}

impl Notifiers {
    /// The IAM actions that a channel needs on its SNS topic.
    pub const TOPIC_ACTIONS: [&str; 1] = ["sns:Publish"];

    /// Nobody yet.
    pub fn new(types: AlertTypes) -> Self {
        Self {
            bus: None,
            mirror: None,
            channels: ChannelSource::Given(Vec::new()),
            types,
            partly_sent: Mutex::default(),
        }
    }

    /// The same with a bus.
    #[must_use]
    pub fn with_bus(self, bus: Option<EventBus>) -> Self {
        Self { bus, ..self }
    }

    /// The same with the table of the original dashboard's reader.
    #[must_use]
    pub fn with_mirror(self, mirror: Option<MirrorTable>) -> Self {
        Self { mirror, ..self }
    }

    /// The same with these channels.
    pub fn with_channels(self, channels: Vec<ChannelSettings>, aws: &Aws) -> Result<Self, ChannelError> {
        let channels = channels.into_iter().map(|settings| Channel::new(settings, aws));
        Ok(Self { channels: ChannelSource::Given(channels.collect::<Result<_, _>>()?), ..self })
    }

    /// The same with the channels in a secret, which contains the tables `[notify.NAME]` of a settings file.
    #[must_use]
    pub fn with_channels_in(self, secret: KeySecret, aws: Aws) -> Self {
        Self { channels: ChannelSource::InSecret { secret, aws, read: OnceCell::new() }, ..self }
    }

    /// `None` if there is nobody.
    pub fn if_any(self) -> Option<Self> {
        let has_channels = match &self.channels {
            ChannelSource::Given(channels) => !channels.is_empty(),
            ChannelSource::InSecret { .. } => true,
        };
        (self.bus.is_some() || self.mirror.is_some() || has_channels).then_some(self)
    }

    /// Checks each channel without a message.
    pub async fn check_channels(&self) -> Result<Vec<ChannelReport>, NotifyError> {
        Ok(join_all(self.channels().await?.iter().map(Channel::check)).await)
    }

    /// Sends the digest to the channels that get it. Returns how many there are, and the failures.
    async fn send_digest(&self, digest: &Digest) -> Result<(usize, Vec<NotifyError>), NotifyError> {
        let channels = self.channels().await?.iter().filter(|channel| channel.gets_digest());
        let sends: Vec<_> = channels
            .map(|channel| {
                let send: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(channel.send_digest(digest));
                send
            })
            .collect();
        let results = join_all(sends).await;
        Ok((results.len(), results.into_iter().filter_map(Result::err).collect()))
    }

    /// Sends what changed since the last digest to the channels that get it, unless nothing has. Returns the digest, how many
    /// channels there are, and the failures. If nobody got it, the next one contains it.
    pub async fn send_next_digest(
        &self,
        store: &(impl Queries + Entities + Documents),
        types: &AlertTypes,
        now: Timestamp,
    ) -> Result<SentReport, StoreError> {
        let digest = next_digest(store, types, now).await?;
        if digest.is_empty() {
            return Ok(SentReport { digest, channels: 0, failures: Vec::new() });
        }
        let (channels, failures) = match self.send_digest(&digest).await {
            Ok(sent) => sent,
            Err(error) => (0, vec![error]),
        };
        if failures.len() >= channels {
            unsend_digest(store, &digest).await?;
        }
        Ok(SentReport { digest, channels, failures })
    }

    /// Whether a channel gets the digest.
    pub async fn has_digest_channel(&self) -> Result<bool, NotifyError> {
        Ok(self.channels().await?.iter().any(Channel::gets_digest))
    }

    /// Notifies everybody who has not been notified of this insight in this process.
    async fn send_to_all(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        let key = (insight.alert_id().to_owned(), insight.run().to_owned());
        let mut received = self.partly_sent().remove(&key).unwrap_or_default();
        let (channels, mut failure) = match self.channels().await {
            Ok(channels) => (channels, None),
            Err(error) => (&[][..], Some(error)),
        };
        let channels = channels.iter().filter(|channel| channel.accepts(insight)).map(Recipient::Channel);
        let recipients = self.bus.iter().map(Recipient::Bus).chain(self.mirror.iter().map(Recipient::Mirror));
        let sends = recipients.chain(channels).filter(|each| !received.contains(&each.name())).map(|each| {
            let send: Pin<Box<dyn Future<Output = _> + Send>> =
                Box::pin(async move { (each.name(), each.send(insight, &self.types).await) });
            send
        });
        let sends: Vec<_> = sends.collect();
        for (name, result) in join_all(sends).await {
            match result {
                Ok(()) => drop(received.insert(name)),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        let Some(failure) = failure else { return Ok(()) };
        let mut partly_sent = self.partly_sent();
        if partly_sent.len() >= PARTLY_SENT_MAX {
            partly_sent.pop_first();
        }
        partly_sent.insert(key, received);
        Err(failure)
    }

    async fn send_recovery(&self, row: &EntityRow) -> Result<(), NotifyError> {
        let channels = self.channels().await?.iter().filter(|channel| channel.accepts_recovery(row));
        let sends: Vec<_> = channels
            .map(|channel| {
                let send: Pin<Box<dyn Future<Output = _> + Send>> =
                    Box::pin(channel.send_recovery(row, &self.types));
                send
            })
            .collect();
        join_all(sends).await.into_iter().collect()
    }

    async fn channels(&self) -> Result<&[Channel], NotifyError> {
        let (secret, aws, read) = match &self.channels {
            ChannelSource::Given(channels) => return Ok(channels),
            ChannelSource::InSecret { secret, aws, read } => (secret, aws, read),
        };
        let unreadable = |what: String| NotifyError::ChannelsUnreadable { what };
        let channels = read.get_or_try_init(async || {
            let text = secret.read_text().await.map_err(unreadable)?;
            let settings = written_channels(&text).map_err(|error| unreadable(error.to_string()))?;
            let channels = settings.into_iter().map(|settings| Channel::new(settings, aws));
            channels.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(error.to_string()))
        });
        channels.await.map(Vec::as_slice)
    }

    fn partly_sent(&self) -> MutexGuard<'_, BTreeMap<(String, String), BTreeSet<String>>> {
        self.partly_sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for Notifiers {
    async fn notify(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        // The future is large. Boxing it keeps the callers' futures small.
        Box::pin(self.send_to_all(insight)).await
    }

    async fn notify_recovery(&self, row: &EntityRow) -> Result<(), NotifyError> {
        Box::pin(self.send_recovery(row)).await
    }
}

impl fmt::Debug for Notifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifiers")
            .field("bus", &self.bus)
            .field("mirror", &self.mirror)
            .finish_non_exhaustive()
    }
}
