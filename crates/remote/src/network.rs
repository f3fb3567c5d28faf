//! The only access to the network: bounded HTTP/1.1 and HTTP/2 exchanges over TLS (rustls with ring).
//!
//! ```text
//! exchange ─▶ connect (3 s, or a pooled connection) ─▶ send, receive (the bounds) ─▶ Response
//! ```
//!
//! Never: follows a redirect, retries, reads more of a body than its bound, or puts any of it into an error.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::Request;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use portend_core::model::{ConfigurationFault, ModelError};
use tokio::sync::Notify;

use crate::limits::{CONNECT_TIMEOUT, CONNECTION_IDLE_MAX};
use crate::response::{Response, unreadable};

/// The user agent of every request.
pub(crate) const USER_AGENT: &str = concat!("portend/", env!("CARGO_PKG_VERSION"));

/// The bounds of one exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The time from sending the request to the end of the response. `None` if the caller limits the time by dropping
    /// the future.
    pub(crate) time: Option<Duration>,
    /// The most bytes of the response's body.
    pub(crate) bytes: usize,
}

/// A pool of open connections. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    idle_max: Duration,
    connector: Arc<OnceLock<SharedHttpConnector>>,
}

impl Default for Connections {
    fn default() -> Self {
        Self::with_idle_max(CONNECTION_IDLE_MAX)
    }
}

impl Connections {
    /// A pool that closes a connection that is unused for this long.
    pub(crate) fn with_idle_max(idle_max: Duration) -> Self {
        Self { idle_max, connector: Arc::default() }
    }

    /// Sends one request and reads the whole response. The bound on time begins after connecting: the body is polled
    /// only when the connection is open.
    pub(crate) async fn exchange(
        &self,
        request: Request<String>,
        bounds: Bounds,
    ) -> Result<Response, ModelError> {
        let sending = Arc::new(Notify::new());
        let request = request.map({
            let sending = Arc::clone(&sending);
            |body| SdkBody::from_body_1_x(Full::from(body).inspect_frame(move |_| sending.notify_one()))
        });
        let request = HttpRequest::try_from(request).map_err(|_| no_request())?;
        // The connector reads the system's certificates when it is created.
        let connector = self.connector.get_or_init(|| connector(self.idle_max));
        let mut exchange = pin!(async {
            let response = connector.call(request).await.map_err(|error| no_response(&error))?;
            whole(response, bounds.bytes).await
        });
        if let Some(time) = bounds.time {
            tokio::select! {
                biased;
                response = &mut exchange => return response,
                () = sending.notified() => {}
            }
            return tokio::time::timeout(time, exchange).await.unwrap_or(Err(ModelError::TimedOut));
        }
        exchange.await
    }
}

/// Escapes text for a path, a query or a form.
pub(crate) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// The error for a request that cannot be built. It is rare, because settings are checked first.
pub(crate) fn no_request() -> ModelError {
    let what = "the request could not be built".to_owned();
    ModelError::Configuration { fault: ConfigurationFault::Refused(what) }
}

/// A client for AWS's credential chain. It does nothing until it is used.
pub(crate) fn https() -> SharedHttpClient {
    Builder::new()
        .pool_idle_timeout(CONNECTION_IDLE_MAX)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

fn connector(idle_max: Duration) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .pool_idle_timeout(idle_max)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build();
    SharedHttpConnector::new(connector)
}

/// Reads the whole body. A success whose body cannot be read is an error; a failure has an empty body then, because its
/// status says enough.
async fn whole(mut response: HttpResponse, bytes_max: usize) -> Result<Response, ModelError> {
    let body = match Limited::new(response.take_body(), bytes_max).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) if !response.status().is_success() => Vec::new(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(unreadable(&format!("over {} MiB", bytes_max >> 20)));
        }
        Err(_) => return Err(unreadable("cut off")),
    };
    Ok(Response { status: response.status().as_u16(), headers: response.headers().clone(), body })
}

/// The error for an exchange without a response.
fn no_response(error: &ConnectorError) -> ModelError {
    let io = causes(error).filter_map(<dyn Error>::downcast_ref::<io::Error>).map(io::Error::kind);
    let what = if error.is_timeout() {
        Some("no connection in time")
    } else {
        io.fold(None, |known, kind| known.or(name(kind)))
    };
    let resolving = || causes(error).any(|cause| cause.to_string().starts_with("dns error"));
    let what = what.or_else(|| resolving().then_some("DNS")).unwrap_or("the connection was lost");
    ModelError::Unreachable { what: what.to_owned() }
}

/// The name of a connection error; `None` if the kind is not specific.
fn name(kind: io::ErrorKind) -> Option<&'static str> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "an open enum; only a few kinds concern a connection")]
    match kind {
        io::ErrorKind::ConnectionRefused => Some("refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some("reset")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some("no route"),
        // rustls reports every certificate and record that it rejects with this kind.
        io::ErrorKind::InvalidData => Some("TLS"),
        _ => None,
    }
}

/// An error and its causes, outermost first. `source` does not return the error inside an `io::Error`.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}
