//! What all calls to AWS share: settings, which are found as by AWS's own programs; credentials; connections; and the
//! error of this machine's clock.
//!
//! Never: reads a file or calls a service before it is used.

use std::fmt;
use std::sync::Arc;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use tokio::sync::OnceCell;

use super::credentials::Credentials;
use super::skew::Skew;
use crate::limits::UNFROZEN_CONNECTION_IDLE_MAX;
use crate::network::{self, Connections};

/// The settings, credentials and connections of all calls to AWS. Clones share them.
#[derive(Clone)]
pub struct Aws {
    region: Option<String>,
    config: Arc<OnceCell<SdkConfig>>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) connections: Connections,
    pub(super) skew: Arc<Skew>,
}

impl Aws {
    /// Finds everything where the AWS SDK does: environment, profile, web identity, container, instance. The region of
    /// the argument takes precedence.
    pub fn ambient(region: Option<String>) -> Self {
        Self::new(region, OnceCell::new())
    }

    /// The same in a program that is never frozen: unused connections stay open for longer.
    #[must_use]
    pub fn never_frozen(self) -> Self {
        Self { connections: Connections::with_idle_max(UNFROZEN_CONNECTION_IDLE_MAX), ..self }
    }

    /// Uses this configuration, such as for a test's own server.
    pub fn with_config(config: SdkConfig) -> Self {
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

    /// The region, if it was set when this was created.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The settings, loaded at the first call.
    pub(super) async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| self.load()).await
    }

    async fn load(&self) -> SdkConfig {
        // A fixed version, so that an update of the library does not change the defaults.
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

/// The region in `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile. The instance's metadata is not read, because that
/// takes seconds on any other machine.
pub async fn find_region() -> Option<String> {
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new());
    chain.region().await.map(|region| region.to_string())
}
