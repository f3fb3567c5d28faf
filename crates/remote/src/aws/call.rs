//! One call to AWS: sends a signed JSON request, and checks the response's checksum and date.
//!
//! ```text
//! settings, credentials (5 s) ─▶ sign ─▶ exchange (connect 3 s, then the bounds) ─▶ clock, checksum ─▶ Response
//! ```
//!
//! If AWS refuses a request because of the clock, the next call is signed with AWS's time.
//!
//! Never: retries.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{HeaderName, Request};
use portend_core::clock::Clock;
use portend_core::model::{ConfigurationFault, ModelError};
use portend_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::config::Aws;
use super::error::CallFailure;
use super::{Service, endpoint};
use crate::clock::SystemClock;
use crate::network::{self, Bounds, no_request};
use crate::response::{Response, unreadable};
use crate::secret::Secret;

/// The caller of one service.
pub(crate) struct Caller {
    service: Service,
    aws: Aws,
    destination: OnceCell<Destination>,
}

/// The service's address, and what authorizes requests to it.
struct Destination {
    url: String,
    region: String,
    /// A key that replaces the signature.
    key: Option<Secret>,
    credentials: Option<SharedCredentialsProvider>,
}

/// The header that names an operation.
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

impl Caller {
    /// A caller of this service. It sends nothing yet.
    pub(crate) fn new(service: Service, aws: Aws) -> Self {
        Self { service, aws, destination: OnceCell::new() }
    }

    /// Calls an operation of a service that uses AWS's JSON protocol.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
        bounds: Bounds,
    ) -> Result<T, CallFailure> {
        let body = serde_json::to_string(input).map_err(|_| no_request())?;
        let target = format!("{}.{operation}", self.service.target);
        let response = self.send("/", Some(&target), body, bounds).await?;
        if response.is_success() { Ok(response.read()?) } else { Err(CallFailure::of(&response)) }
    }

    /// By how much this machine's clock is wrong, if AWS has said so a moment ago.
    pub(super) fn clock_error(&self) -> Option<Duration> {
        self.aws.skew.wrong_by()
    }

    /// Sends a JSON request and returns the response, whatever its status. A damaged response is an error, and so is a
    /// refusal because of the signature's time.
    pub(crate) async fn send(
        &self,
        path: &str,
        target: Option<&str>,
        body: String,
        bounds: Bounds,
    ) -> Result<Response, ModelError> {
        let destination = self.destination().await?;
        let mut request = Request::post(format!("{}{path}", destination.url))
            .header(CONTENT_TYPE, self.service.content_type)
            .header(ACCEPT, "application/json");
        if let Some(target) = target {
            request = request.header(TARGET, target);
        }
        let request = request.body(body).map_err(|_| no_request())?;
        self.exchange(request, destination, bounds).await
    }

    /// Sends a request without a body and returns the response, as [`send`](Self::send) does.
    pub(crate) async fn get(&self, path: &str, bounds: Bounds) -> Result<Response, ModelError> {
        let destination = self.destination().await?;
        let request = Request::get(format!("{}{path}", destination.url)).header(ACCEPT, "application/json");
        let request = request.body(String::new()).map_err(|_| no_request())?;
        self.exchange(request, destination, bounds).await
    }

    /// The service's address. The future that reads the settings is large and runs once, so it is boxed.
    async fn destination(&self) -> Result<&Destination, ModelError> {
        self.destination.get_or_try_init(|| Box::pin(self.find())).await
    }

    async fn exchange(
        &self,
        mut request: Request<String>,
        destination: &Destination,
        bounds: Bounds,
    ) -> Result<Response, ModelError> {
        let signed = self.authorize(&mut request, destination).await?;
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(network::USER_AGENT));
        let mut response = self.aws.connections.exchange(request, bounds).await?;
        if !response.is_success() && self.aws.skew.learn(&response, SystemClock.now(), signed) {
            return Err(ModelError::Unavailable { what: "a wrong clock on this machine".to_owned() });
        }
        let checksum = response.headers.get("x-amz-crc32").and_then(|checksum| checksum.parse().ok());
        if response.is_success() && checksum.is_some_and(|sum: u32| sum != crc32fast::hash(&response.body)) {
            return Err(unreadable("damaged"));
        }
        if let Some(key) = &destination.key {
            response.body = key.masked(response.body);
        }
        Ok(response)
    }

    async fn find(&self) -> Result<Destination, ModelError> {
        let config = self.aws.config().await;
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            let fault = ConfigurationFault::Refused(
                "AWS_REGION is not set; set it to the region of the model".to_owned(),
            );
            ModelError::Configuration { fault }
        })?;
        let key = self.service.key_id.and_then(|id| endpoint::setting(config, id, "AWS_BEARER_TOKEN", ""));
        Ok(Destination {
            url: endpoint::url(config, &self.service, &region),
            region,
            key: key.filter(|key| !key.trim().is_empty()).map(|key| Secret::new(&key)),
            credentials: config.credentials_provider(),
        })
    }

    /// Adds the key or a signature. Returns the time of signing.
    async fn authorize(
        &self,
        request: &mut Request<String>,
        destination: &Destination,
    ) -> Result<Timestamp, ModelError> {
        let fault = |fault| ModelError::Configuration { fault };
        if let Some(key) = &destination.key {
            let key = key.bearer().ok_or_else(|| fault(ConfigurationFault::BadCredentials))?;
            request.headers_mut().insert(AUTHORIZATION, key);
            return Ok(SystemClock.now());
        }
        let provider =
            destination.credentials.as_ref().ok_or_else(|| fault(ConfigurationFault::NoCredentials))?;
        let identity = self.aws.credentials.current(provider, system_time(SystemClock.now())).await?;
        let time = self.aws.skew.correct(SystemClock.now());
        self.sign(request, &destination.region, &identity, time)
            .ok_or_else(|| fault(ConfigurationFault::BadCredentials))?;
        Ok(time)
    }

    /// Signs the request and all its headers with Signature Version 4. `None` if no header can contain the credentials.
    fn sign(
        &self,
        request: &mut Request<String>,
        region: &str,
        identity: &Identity,
        time: Timestamp,
    ) -> Option<()> {
        let params = v4::SigningParams::builder()
            .identity(identity)
            .region(region)
            .name(self.service.signing_name)
            .time(system_time(time))
            .settings(SigningSettings::default())
            .build();
        let headers = request.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body().as_bytes());
        let signable =
            SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body).ok()?;
        let (instructions, _) = sign(signable, &params.ok()?.into()).ok()?.into_parts();
        for header in instructions.into_parts().0 {
            let mut value = HeaderValue::from_str(header.value()).ok()?;
            value.set_sensitive(header.sensitive());
            request.headers_mut().insert(header.name(), value);
        }
        Some(())
    }
}

fn system_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or_default())
}
