//! Checks a channel without a message: its address, its keys, and whether its server can be reached.
//!
//! Never: sends a request to a webhook, because every request to it is a message.

use http::Uri;
use tokio::net::TcpStream;

use super::{Channel, ChannelTarget};
use crate::limits::CHANNEL_TIMEOUT;

/// What a check of one channel found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReport {
    /// The channel's name in the settings.
    pub name: String,
    /// What works, or what does not and how to fix it.
    pub reachable: Result<&'static str, String>,
    /// What works and should be better.
    pub warning: Option<&'static str>,
}

impl Channel {
    /// Checks the channel. Its address, its keys and its template were checked when it was made.
    pub(crate) async fn check(&self) -> ChannelReport {
        let (reachable, warning) = match (&self.settings.target, &self.topic) {
            (ChannelTarget::Webhook { url, keys }, _) => (
                connects(url).await,
                keys.is_empty().then_some(
                    "its requests are not signed, so the receiver cannot know who sent them; set secret",
                ),
            ),
            (ChannelTarget::Slack { url }, _) => (connects(url.reveal()).await, None),
            (ChannelTarget::Sns { .. }, Some(topic)) => {
                (topic.exists().await.map(|()| "the topic exists"), None)
            }
            (ChannelTarget::Sns { .. }, None) => (Ok("the topic is not used"), None),
        };
        ChannelReport { name: self.settings.name.clone(), reachable, warning }
    }
}

/// Opens a connection to the server of an address, and closes it.
async fn connects(url: &str) -> Result<&'static str, String> {
    let wrong = || "its address is not a URL; correct url".to_owned();
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().ok_or_else(wrong)?.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    // The host alone is named: the path may be a key.
    match tokio::time::timeout(CHANNEL_TIMEOUT, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok("its server can be reached; nothing was sent"),
        Ok(Err(error)) => {
            Err(format!("{host} cannot be reached ({}); check url and the network", error.kind()))
        }
        Err(_) => Err(format!("{host} does not answer; check url and the network")),
    }
}
