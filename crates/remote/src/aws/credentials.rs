//! Fetches the credentials that sign requests, and caches them until they are about to expire.
//!
//! Never: repeats an error text of the source, because it may contain the credentials.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::result::ConnectorError;
use portend_core::model::{ConfigurationFault, ModelError};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::limits::{CREDENTIALS_CACHE_TIME, CREDENTIALS_REFRESH, CREDENTIALS_TIMEOUT};
use crate::network::causes;

/// The process's cache of credentials. Concurrent calls cause one fetch.
#[derive(Default)]
pub(super) struct Credentials(Mutex<Option<CachedIdentity>>);

struct CachedIdentity {
    identity: Identity,
    fetch_at: SystemTime,
}

impl Credentials {
    /// The current credentials. If a fetch fails, the old ones are used until they expire.
    pub(super) async fn current(
        &self,
        provider: &SharedCredentialsProvider,
        now: SystemTime,
    ) -> Result<Identity, ModelError> {
        let mut cached = self.0.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| now < cached.fetch_at) {
            return Ok(cached.identity.clone());
        }
        match fetch(provider).await {
            Ok(identity) => {
                let expiring = identity.expiration().and_then(|at| at.checked_sub(CREDENTIALS_REFRESH));
                let fetch_at = expiring.unwrap_or(now + CREDENTIALS_CACHE_TIME);
                *cached = Some(CachedIdentity { identity: identity.clone(), fetch_at });
                Ok(identity)
            }
            Err(error) => match cached.as_mut() {
                Some(cached) if cached.identity.expiration().is_none_or(|at| now < at) => {
                    cached.fetch_at = now + CREDENTIALS_REFRESH / 2;
                    Ok(cached.identity.clone())
                }
                Some(_) | None => Err(error),
            },
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

async fn fetch(provider: &SharedCredentialsProvider) -> Result<Identity, ModelError> {
    match timeout(CREDENTIALS_TIMEOUT, provider.provide_credentials()).await {
        Ok(fetched) => fetched.map(Identity::from).map_err(|error| model_error(&error)),
        // Every real source responds within that time, so there is none.
        Err(_) => Err(ModelError::Configuration { fault: ConfigurationFault::NoCredentials }),
    }
}

fn model_error(error: &CredentialsError) -> ModelError {
    let unreachable = |what: &str| ModelError::Unreachable { what: format!("credentials: {what}") };
    let none = ModelError::Configuration { fault: ConfigurationFault::NoCredentials };
    let connection = causes(error).find_map(<dyn Error>::downcast_ref::<ConnectorError>);
    let from_instance = causes(error).any(<dyn Error>::is::<ImdsError>);
    match (error, connection) {
        // This program does not support every kind of profile; the function does not support single sign-on.
        (CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_), _) => none,
        (CredentialsError::ProviderTimedOut(_), _) => unreachable("no response in time"),
        (_, Some(_)) => unreachable("no connection"),
        // The metadata service is missing, is not AWS's, or has no role.
        (_, None) if from_instance => none,
        (_, None) => ModelError::Configuration { fault: ConfigurationFault::BadCredentials },
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials as Keys;
    use aws_credential_types::provider::future;

    use super::*;

    #[test]
    fn each_failure_to_fetch_credentials_is_distinguished_and_its_text_is_not_repeated() {
        let configuration = |fault| ModelError::Configuration { fault };
        let unreachable = |what: &str| ModelError::Unreachable { what: what.to_owned() };
        let refused = ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        for (error, expected) in [
            (CredentialsError::not_loaded("canary"), configuration(ConfigurationFault::NoCredentials)),
            (
                CredentialsError::invalid_configuration("canary"),
                configuration(ConfigurationFault::NoCredentials),
            ),
            (CredentialsError::provider_error("canary"), configuration(ConfigurationFault::BadCredentials)),
            (CredentialsError::provider_error(refused), unreachable("credentials: no connection")),
            (
                CredentialsError::provider_timed_out(Duration::from_secs(5)),
                unreachable("credentials: no response in time"),
            ),
        ] {
            assert_eq!(model_error(&error), expected);
            assert!(!model_error(&error).to_string().contains("canary"));
        }
    }

    /// Returns credentials that expire one hour after 1970 began. Every fetch after the first fails.
    #[derive(Debug, Default)]
    struct Once(Arc<AtomicUsize>);

    impl ProvideCredentials for Once {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let expiry = UNIX_EPOCH + Duration::from_hours(1);
            future::ProvideCredentials::ready(match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(Keys::new("AKIA1", "canary", None, Some(expiry), "test")),
                _ => Err(CredentialsError::provider_error("canary")),
            })
        }
    }

    #[tokio::test]
    async fn credentials_are_fetched_again_before_they_expire_and_used_until_they_do() {
        let fetched = Arc::<AtomicUsize>::default();
        let provider = SharedCredentialsProvider::new(Once(Arc::clone(&fetched)));
        let credentials = Credentials::default();
        for (minute, is_ok, fetches) in
            [(0, true, 1), (58, true, 1), (59, true, 2), (59, true, 2), (60, false, 3)]
        {
            let now = UNIX_EPOCH + Duration::from_mins(minute);
            let current = credentials.current(&provider, now).await;
            assert_eq!((current.is_ok(), fetched.load(Ordering::SeqCst)), (is_ok, fetches), "{minute}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_does_not_respond_times_out() {
        #[derive(Debug)]
        struct Silent;
        impl ProvideCredentials for Silent {
            fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
            where
                Self: 'a,
            {
                future::ProvideCredentials::new(std::future::pending())
            }
        }
        let current = Credentials::default();
        let current = current.current(&SharedCredentialsProvider::new(Silent), UNIX_EPOCH).await;
        assert_eq!(
            current.unwrap_err(),
            ModelError::Configuration { fault: ConfigurationFault::NoCredentials }
        );
    }
}
