//! The AWS SDK's own settings: credentials, region, endpoints, from where the SDK usually finds them.
//!
//! Takes: a region, if the program knows one, or settings that are ready made.
//! Gives: one [`SdkConfig`], made at first use and shared by every AWS client.
//! Never: does anything before it is used; no file is read, no service asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use tokio::sync::OnceCell;

use crate::limits::CONNECT_TIMEOUT;
use crate::network;

/// The SDK's settings. Clones share them.
#[derive(Clone)]
pub struct Aws {
    region: Option<String>,
    config: Arc<OnceCell<SdkConfig>>,
}

impl Aws {
    /// As the surroundings have them: environment, profile, web identity, container, instance. A region given here
    /// stands before theirs.
    pub fn ambient(region: Option<String>) -> Self {
        Self { region, config: Arc::default() }
    }

    /// Ready made, such as for a test's own server.
    pub fn given(config: SdkConfig) -> Self {
        let client = config.http_client().unwrap_or_else(network::https);
        let config = config.into_builder().http_client(client).build();
        let region = config.region().map(ToString::to_string);
        Self { region, config: Arc::new(OnceCell::new_with(Some(config))) }
    }

    /// The region, as far as it is known without looking for it.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The settings themselves.
    pub async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| self.look()).await
    }

    /// The same for one service. Each of its operations is tried once, since whoever asks counts the tries, and has so
    /// long; `None`: whoever asks bounds the time.
    pub(crate) async fn service(&self, time: Option<Duration>) -> SdkConfig {
        let mut timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
        timeouts.set_operation_timeout(time);
        let config = self.config().await.clone().into_builder();
        config
            .behavior_version(behavior())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            // The one timeout covers the body; this protection would fire beside it, as another error.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    async fn look(&self) -> SdkConfig {
        let loader = aws_config::defaults(behavior()).http_client(network::https());
        match &self.region {
            Some(region) => loader.region(Region::new(region.clone())).load().await,
            None => loader.load().await,
        }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aws {{ region: {:?} }}", self.region)
    }
}

/// The defaults that these adapters were written against; an update of the SDK does not change them.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// The region that `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile names. An instance is not asked: on a machine that
/// is none, that takes seconds.
pub async fn find_region() -> Option<String> {
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new());
    chain.region().await.map(|region| region.to_string())
}
