//! The one way to the network: HTTP/1.1 and 2 over TLS by rustls and ring, one bounded exchange at a time.
//!
//! ```text
//! exchange ─▶ connect (3 s, or a pooled connection) ─▶ send, receive (the bounds) ─▶ Response
//! ```
//!
//! Never: follows a redirect, retries, keeps more of a body than its bound, or repeats any of it.

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
use portend_core::model::{Fault, ModelError};
use tokio::sync::Notify;

use crate::limits::{CONNECT_TIMEOUT, CONNECTION_IDLE_MAX};
use crate::response::{Response, unreadable};

/// What requests say of who sends them.
pub(crate) const USER_AGENT: &str = concat!("portend/", env!("CARGO_PKG_VERSION"));

/// What one exchange may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// From when a connection takes the request to the end of the response; `None`: whoever asks drops the future.
    pub(crate) time: Option<Duration>,
    /// Bytes of the response's body.
    pub(crate) bytes: usize,
}

/// Connections to wherever requests are sent, kept for the next request. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections(Arc<OnceLock<SharedHttpConnector>>);

impl Connections {
    /// Sends one request and reads the whole response. The time to connect counts apart: a connection takes the body
    /// only once it is open.
    pub(crate) async fn exchange(
        &self,
        request: Request<String>,
        bounds: Bounds,
    ) -> Result<Response, ModelError> {
        let taken = Arc::new(Notify::new());
        let request = request.map({
            let taken = Arc::clone(&taken);
            |body| SdkBody::from_body_1_x(Full::from(body).inspect_frame(move |_| taken.notify_one()))
        });
        let request = HttpRequest::try_from(request).map_err(|_| no_request())?;
        // Making the connector reads the system's certificates.
        let connector = self.0.get_or_init(connector);
        let mut exchange = pin!(async {
            let response = connector.call(request).await.map_err(|error| no_response(&error))?;
            whole(response, bounds.bytes).await
        });
        if let Some(time) = bounds.time {
            tokio::select! {
                biased;
                response = &mut exchange => return response,
                () = taken.notified() => {}
            }
            return tokio::time::timeout(time, exchange).await.unwrap_or(Err(ModelError::TimedOut));
        }
        exchange.await
    }
}

/// A request that no connection could carry. Settings are checked, so it is hardly ever met.
pub(crate) fn no_request() -> ModelError {
    ModelError::Configuration { fault: Fault::Refused("no request could be made".to_owned()) }
}

/// A client for AWS's credential chain, as it is. Nothing is done until it is used.
pub(crate) fn https() -> SharedHttpClient {
    Builder::new()
        .pool_idle_timeout(CONNECTION_IDLE_MAX)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

fn connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .pool_idle_timeout(CONNECTION_IDLE_MAX)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build();
    SharedHttpConnector::new(connector)
}

/// The response with its body in memory. A success that cannot be read is a failure; a failure stays what its status
/// says, with an empty body.
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

/// Why there is no response.
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

/// What an error of the connection is called; `None` if it says nothing in particular.
fn name(kind: io::ErrorKind) -> Option<&'static str> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an open enum, of which a few kinds concern a connection"
    )]
    match kind {
        io::ErrorKind::ConnectionRefused => Some("refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some("reset")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some("no route"),
        // rustls says so of every certificate and record that it does not accept.
        io::ErrorKind::InvalidData => Some("TLS"),
        _ => None,
    }
}

/// An error and its causes, from the outside in. An `io::Error` hides the error that it holds from `source`.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}
