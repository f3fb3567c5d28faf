//! The credentials that requests are signed with: fetched when they are needed, kept until they are about to expire.
//!
//! Never: repeats a text of whoever has them; it may quote them.

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

use crate::limits::{CREDENTIALS_KEPT, CREDENTIALS_REFRESH, CREDENTIALS_TIMEOUT};
use crate::network::causes;

/// The credentials of the process, fetched by one for all.
#[derive(Default)]
pub(super) struct Credentials(Mutex<Option<Held>>);

struct Held {
    identity: Identity,
    fetch_at: SystemTime,
}

impl Credentials {
    /// Those of now. Where fetching new ones fails, the old ones serve until they expire.
    pub(super) async fn current(
        &self,
        provider: &SharedCredentialsProvider,
        now: SystemTime,
    ) -> Result<Identity, ModelError> {
        let mut held = self.0.lock().await;
        if let Some(held) = held.as_ref().filter(|held| now < held.fetch_at) {
            return Ok(held.identity.clone());
        }
        match fetch(provider).await {
            Ok(identity) => {
                let expiring = identity.expiration().and_then(|at| at.checked_sub(CREDENTIALS_REFRESH));
                let fetch_at = expiring.unwrap_or(now + CREDENTIALS_KEPT);
                *held = Some(Held { identity: identity.clone(), fetch_at });
                Ok(identity)
            }
            Err(error) => match held.as_mut() {
                Some(held) if held.identity.expiration().is_none_or(|at| now < at) => {
                    held.fetch_at = now + CREDENTIALS_REFRESH / 2;
                    Ok(held.identity.clone())
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
        Ok(fetched) => fetched.map(Identity::from).map_err(|error| failed(&error)),
        // Every real source answers within that time; none is there.
        Err(_) => Err(ModelError::Configuration { fault: ConfigurationFault::NoCredentials }),
    }
}

fn failed(error: &CredentialsError) -> ModelError {
    let unreachable = |what: &str| ModelError::Unreachable { what: format!("credentials: {what}") };
    let none = ModelError::Configuration { fault: ConfigurationFault::NoCredentials };
    let connection = causes(error).find_map(<dyn Error>::downcast_ref::<ConnectorError>);
    let from_instance = causes(error).any(<dyn Error>::is::<ImdsError>);
    match (error, connection) {
        // A profile of a kind that is not built in, such as single sign-on, has none for this program.
        (CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_), _) => none,
        (CredentialsError::ProviderTimedOut(_), _) => unreachable("no answer in time"),
        (_, Some(_)) => unreachable("no connection"),
        // Whatever answers there is not an instance that has a role.
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
    fn each_reason_to_have_none_is_told_apart_and_not_repeated() {
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
                unreachable("credentials: no answer in time"),
            ),
        ] {
            assert_eq!(failed(&error), expected);
            assert!(!failed(&error).to_string().contains("canary"));
        }
    }

    /// Credentials that live an hour from 1970 on; after the first, fetching fails.
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
    async fn they_are_kept_until_they_expire_and_fetched_anew_before() {
        let fetched = Arc::<AtomicUsize>::default();
        let provider = SharedCredentialsProvider::new(Once(Arc::clone(&fetched)));
        let credentials = Credentials::default();
        for (minute, is_there, fetches) in
            [(0, true, 1), (58, true, 1), (59, true, 2), (59, true, 2), (60, false, 3)]
        {
            let now = UNIX_EPOCH + Duration::from_mins(minute);
            let current = credentials.current(&provider, now).await;
            assert_eq!((current.is_ok(), fetched.load(Ordering::SeqCst)), (is_there, fetches), "{minute}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_says_nothing_is_left_after_its_time() {
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
