//! The one way to the network: HTTP/1.1 and 2 over TLS by rustls and ring, one bounded exchange at a time.
//!
//! Takes: a request, whole.
//! Gives: an [`Response`], read to its end, or why there is none.
//! Never: follows a redirect, tries twice, keeps more than [`BODY_BYTES_MAX`] of a body, or bounds the time past the
//! connection; the caller does, by dropping the future.

use std::error::Error;
use std::io;

use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use portend_core::model::ModelError;

use crate::limits::{BODY_BYTES_MAX, CONNECT_TIMEOUT, CONNECTION_IDLE_MAX};
use crate::response::{Response, unreadable};

/// A client for the AWS SDK, as it is. Nothing is done until it is used.
pub(crate) fn https() -> SharedHttpClient {
    Builder::new()
        .pool_idle_timeout(CONNECTION_IDLE_MAX)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// The same client, with bounded bodies.
pub(crate) fn bounded(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(Bounded(client))
}

/// A connection to one endpoint, for an adapter that has no SDK. It reads the system's certificates.
pub(crate) fn connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .pool_idle_timeout(CONNECTION_IDLE_MAX)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build();
    SharedHttpConnector::new(Bounded(connector))
}

/// Sends one request and reads the whole answer.
pub(crate) async fn send(
    connector: &SharedHttpConnector,
    request: HttpRequest,
) -> Result<Response, ModelError> {
    match connector.call(request).await {
        Ok(response) => Ok(Response::of(&response)),
        Err(error) => Err(no_answer(&error)),
    }
}

/// A client or connector whose responses are read to their end, within bounds.
#[derive(Debug)]
struct Bounded<T>(T);

impl HttpClient for Bounded<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Bounded(self.0.http_connector(settings, components)))
    }
}

impl<T: HttpConnector> HttpConnector for Bounded<T> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move { whole(response.await?).await })
    }
}

/// The response with its body in memory. A success that cannot be read is a failure; a failure stays what its status
/// says, with an empty body.
async fn whole(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = match Limited::new(response.take_body(), BODY_BYTES_MAX).collect().await {
        Ok(body) => SdkBody::from(body.to_bytes()),
        Err(_) if !response.status().is_success() => SdkBody::empty(),
        Err(error) => {
            let what = if error.is::<LengthLimitError>() { "over 1 MiB" } else { "cut off" };
            return Err(ConnectorError::other(unreadable(what).into(), None));
        }
    };
    *response.body_mut() = body;
    Ok(response)
}

/// Why no answer came. The order matters: what this file said itself is exact.
pub(crate) fn no_answer(error: &ConnectorError) -> ModelError {
    if let Some(said) = causes(error).find_map(<dyn Error>::downcast_ref::<ModelError>) {
        return said.clone();
    }
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
