//! One call on AWS: a JSON request, signed, and its response.
//!
//! ```text
//! settings, credentials (5 s) ─▶ sign ─▶ exchange (connect 3 s, then the bounds) ─▶ clock, checksum ─▶ Response
//! ```
//!
//! Never: retries. After a refusal because of the clock, the next call is signed with AWS's time.

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
use super::error::Failure;
use super::{Service, endpoint};
use crate::clock::SystemClock;
use crate::network::{self, Bounds, no_request};
use crate::response::{Response, unreadable};
use crate::secret::Secret;

/// The caller of one service.
pub(crate) struct Caller {
    service: Service,
    aws: Aws,
    place: OnceCell<Place>,
}

/// Where the service is, and what opens it.
struct Place {
    url: String,
    region: String,
    /// A key that is sent in place of a signature.
    key: Option<Secret>,
    credentials: Option<SharedCredentialsProvider>,
}

/// The header that names an operation.
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

impl Caller {
    /// Of this service. Nothing is done yet.
    pub(crate) fn new(service: Service, aws: Aws) -> Self {
        Self { service, aws, place: OnceCell::new() }
    }

    /// Calls an operation of a service that speaks AWS's JSON protocol.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
        bounds: Bounds,
    ) -> Result<T, Failure> {
        let body = serde_json::to_string(input).map_err(|_| no_request())?;
        let target = format!("{}.{operation}", self.service.target);
        let response = self.send("/", Some(&target), body, bounds).await?;
        if response.is_success() { Ok(response.read()?) } else { Err(Failure::of(&response)) }
    }

    /// Sends a JSON request, whatever its response says. A response that is damaged, or refuses the time of the
    /// signature alone, is an error here.
    pub(crate) async fn send(
        &self,
        path: &str,
        target: Option<&str>,
        body: String,
        bounds: Bounds,
    ) -> Result<Response, ModelError> {
        // Reading the settings is a large future, and seldom needed.
        let place = self.place.get_or_try_init(|| Box::pin(self.find())).await?;
        let mut request = Request::post(format!("{}{path}", place.url))
            .header(CONTENT_TYPE, self.service.content_type)
            .header(ACCEPT, "application/json");
        if let Some(target) = target {
            request = request.header(TARGET, target);
        }
        let mut request = request.body(body).map_err(|_| no_request())?;
        let signed = self.authorize(&mut request, place).await?;
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(network::USER_AGENT));
        let mut response = self.aws.connections.exchange(request, bounds).await?;
        if !response.is_success() && self.aws.skew.learn(&response, SystemClock.now(), signed) {
            return Err(ModelError::Unavailable { what: "the clock of this machine is off".to_owned() });
        }
        let checksum = response.headers.get("x-amz-crc32").and_then(|checksum| checksum.parse().ok());
        if response.is_success() && checksum.is_some_and(|sum: u32| sum != crc32fast::hash(&response.body)) {
            return Err(unreadable("damaged"));
        }
        if let Some(key) = &place.key {
            response.body = key.masked(response.body);
        }
        Ok(response)
    }

    async fn find(&self) -> Result<Place, ModelError> {
        let config = self.aws.config().await;
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            let fault = ConfigurationFault::Refused("no region is known; set AWS_REGION".to_owned());
            ModelError::Configuration { fault }
        })?;
        let key = self.service.key_id.and_then(|id| endpoint::setting(config, id, "AWS_BEARER_TOKEN", ""));
        Ok(Place {
            url: endpoint::url(config, &self.service, &region),
            region,
            key: key.filter(|key| !key.trim().is_empty()).map(|key| Secret::new(&key)),
            credentials: config.credentials_provider(),
        })
    }

    /// Adds the key, or a signature; returns the time of it.
    async fn authorize(&self, request: &mut Request<String>, place: &Place) -> Result<Timestamp, ModelError> {
        let fault = |fault| ModelError::Configuration { fault };
        if let Some(key) = &place.key {
            let key = key.bearer().ok_or_else(|| fault(ConfigurationFault::BadCredentials))?;
            request.headers_mut().insert(AUTHORIZATION, key);
            return Ok(SystemClock.now());
        }
        let provider = place.credentials.as_ref().ok_or_else(|| fault(ConfigurationFault::NoCredentials))?;
        let identity = self.aws.credentials.current(provider, system_time(SystemClock.now())).await?;
        let time = self.aws.skew.correct(SystemClock.now());
        self.sign(request, &place.region, &identity, time)
            .ok_or_else(|| fault(ConfigurationFault::BadCredentials))?;
        Ok(time)
    }

    /// Signs by Signature Version 4, with every header that is there. Fails where the credentials fit no header.
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
        let signable = SignableRequest::new("POST", request.uri().to_string(), headers, body).ok()?;
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
