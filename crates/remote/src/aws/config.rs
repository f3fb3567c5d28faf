//! What every call on AWS shares: the settings, from where AWS's own programs find them; credentials, connections, and
//! how far the clock is off.
//!
//! Never: does anything before it is used; no file is read, no service asked.

use std::fmt;
use std::sync::Arc;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use tokio::sync::OnceCell;

use super::credentials::Credentials;
use super::skew::Skew;
use crate::network::{self, Connections};

/// What every call on AWS shares. Clones share it too.
#[derive(Clone)]
pub struct Aws {
    region: Option<String>,
    config: Arc<OnceCell<SdkConfig>>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) connections: Connections,
    pub(super) skew: Arc<Skew>,
}

impl Aws {
    /// As the surroundings have them: environment, profile, web identity, container, instance. A region given here
    /// goes before theirs.
    pub fn ambient(region: Option<String>) -> Self {
        Self::new(region, OnceCell::new())
    }

    /// Ready made, such as for a test's own server.
    pub fn given(config: SdkConfig) -> Self {
        Self::new(config.region().map(ToString::to_string), OnceCell::new_with(Some(config)))
    }

    fn new(region: Option<String>, config: OnceCell<SdkConfig>) -> Self {
        Self {
            region,
            config: Arc::new(config),
            credentials: Arc::default(),
            connections: Connections::default(),
            skew: Arc::default(),
        }
    }

    /// The region, as far as it is known without looking for it.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The settings themselves.
    pub(super) async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| self.look()).await
    }

    async fn look(&self) -> SdkConfig {
        // The defaults that this program was written against; an update of the library does not change them.
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(network::https());
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

/// The region that `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile names. An instance is not asked: on any other
/// machine that takes seconds.
pub async fn find_region() -> Option<String> {
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new());
    chain.region().await.map(|region| region.to_string())
}
