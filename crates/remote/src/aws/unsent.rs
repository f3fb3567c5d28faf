//! Says why a request to AWS never got an answer.
//!
//! Takes: the SDK's error, where no response was seen.
//! Gives: a [`ModelError`].
//! Never: repeats the SDK's text; credentials come from files and services that may quote them.

use std::error::Error;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use portend_core::model::{Fault, ModelError};

use crate::network::{causes, no_answer};

/// Reads the SDK's error from the outside in: credentials first, since fetching them fails for reasons of its own.
pub(crate) fn error<E, R>(error: &SdkError<E, R>) -> ModelError
where
    E: Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let outermost: &(dyn Error + 'static) = error;
    let configuration = |fault| ModelError::Configuration { fault };
    if let Some(credentials) = causes(outermost).find_map(<dyn Error>::downcast_ref::<CredentialsError>) {
        return without_credentials(credentials);
    }
    // The SDK keeps this type to itself. Every real source answers within its 5 s; none is there.
    if causes(outermost).any(|cause| cause.to_string().starts_with("identity resolver timed out")) {
        return configuration(Fault::NoCredentials);
    }
    match causes(outermost).find_map(<dyn Error>::downcast_ref::<ConnectorError>) {
        Some(connection) => no_answer(connection),
        None => configuration(Fault::Refused("no request could be made".to_owned())),
    }
}

fn without_credentials(error: &CredentialsError) -> ModelError {
    let unreachable = |what: &str| ModelError::Unreachable { what: format!("credentials: {what}") };
    let none = ModelError::Configuration { fault: Fault::NoCredentials };
    let connection = causes(error).find_map(<dyn Error>::downcast_ref::<ConnectorError>);
    let from_instance = causes(error).any(<dyn Error>::is::<ImdsError>);
    match (error, connection) {
        // A profile of a kind that is not built in, such as single sign-on, is none to this program.
        (CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_), _) => none,
        (CredentialsError::ProviderTimedOut(_), _) => unreachable("no answer in time"),
        (_, Some(_)) => unreachable("no connection"),
        // Whatever answers there is not an instance that has a role.
        (_, None) if from_instance => none,
        (_, None) => ModelError::Configuration { fault: Fault::BadCredentials },
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_failed_before_the_request_was_sent_is_told_apart() {
        let sdk = |cause: Box<dyn Error + Send + Sync>| -> SdkError<std::fmt::Error, ()> {
            SdkError::construction_failure(cause)
        };
        let configuration = |fault| ModelError::Configuration { fault };
        let unreachable = |what: &str| ModelError::Unreachable { what: what.to_owned() };
        let refused = || ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        let cases: [(Box<dyn Error + Send + Sync>, ModelError); 8] = [
            (CredentialsError::not_loaded("canary").into(), configuration(Fault::NoCredentials)),
            (CredentialsError::invalid_configuration("canary").into(), configuration(Fault::NoCredentials)),
            (CredentialsError::provider_error("canary").into(), configuration(Fault::BadCredentials)),
            (CredentialsError::provider_error(refused()).into(), unreachable("credentials: no connection")),
            (
                CredentialsError::provider_timed_out(Duration::from_secs(5)).into(),
                unreachable("credentials: no answer in time"),
            ),
            ("identity resolver timed out after 5s".into(), configuration(Fault::NoCredentials)),
            (refused().into(), unreachable("refused")),
            ("canary".into(), configuration(Fault::Refused("no request could be made".to_owned()))),
        ];
        for (cause, expected) in cases {
            let told = error(&sdk(cause));
            assert_eq!(told, expected);
            assert!(!told.to_string().contains("canary"));
        }
    }
}
