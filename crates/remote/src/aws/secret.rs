//! Reads a key from AWS Secrets Manager when it is first needed.
//!
//! Never: puts any part of the secret into an error.

use std::fmt;
use std::sync::Arc;

use portend_core::model::{ConfigurationFault, ModelError};
use serde::Deserialize;
use serde_json::json;

use super::{Aws, CallFailure, Caller, Service};
use crate::limits::{BODY_BYTES_MAX, SECRET_TIMEOUT};
use crate::network::Bounds;
use crate::secret::{KeyReader, KeySource, Secret};

/// A secret that contains a key. Clones share its caller.
#[derive(Clone)]
pub struct KeySecret {
    name: Arc<str>,
    caller: Arc<Caller>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<String>,
}

impl KeySecret {
    /// The IAM actions that reading needs.
    pub const ACTIONS: [&str; 1] = ["secretsmanager:GetSecretValue"];

    /// The secret with this name or ARN.
    pub fn new(name: &str, aws: Aws) -> Self {
        Self { name: name.into(), caller: Arc::new(Caller::new(Service::SECRETS_MANAGER, aws)) }
    }

    /// A source that reads the key when it is needed.
    pub fn source(&self) -> KeySource {
        let secret = self.clone();
        KeySource::Read(KeyReader::new(move || {
            let secret = secret.clone();
            async move { secret.read().await }
        }))
    }

    /// Reads the key once.
    pub async fn read(&self) -> Result<Secret, ModelError> {
        let refused = |what: &str| {
            let fault = ConfigurationFault::Refused(format!("the secret in OPENAI_API_KEY_SECRET {what}"));
            ModelError::Configuration { fault }
        };
        let text = self.text().await.map_err(|failure| match failure {
            CallFailure::Busy(what) | CallFailure::Unreachable(what) => {
                ModelError::Unreachable { what: format!("Secrets Manager: {what}") }
            }
            wrong @ CallFailure::WrongClock(_) => refused(&wrong.to_string()),
            CallFailure::Refused(what, _) => {
                refused(reason(&what, "does not exist or is empty: put the key into it"))
            }
        })?;
        let key = text.map(|key| Secret::new(&key)).filter(Secret::fits_a_header);
        key.ok_or_else(|| refused("does not contain a key as plain text: put only the key into it"))
    }

    /// Reads the text of a secret that is not a key. The error says what is wrong with it, without any part of the text.
    pub async fn read_text(&self) -> Result<String, String> {
        let text = self.text().await.map_err(|failure| match failure {
            CallFailure::Busy(what) | CallFailure::Unreachable(what) => format!("Secrets Manager: {what}"),
            wrong @ CallFailure::WrongClock(_) => wrong.to_string(),
            CallFailure::Refused(what, _) => {
                format!("it {}", reason(&what, "does not exist or is empty: put a text into it"))
            }
        })?;
        text.filter(|text| !text.trim().is_empty()).ok_or_else(|| "it is empty".to_owned())
    }

    async fn text(&self) -> Result<Option<String>, CallFailure> {
        let bounds = Bounds { time: Some(SECRET_TIMEOUT), bytes: BODY_BYTES_MAX };
        let value = self.caller.call("GetSecretValue", &json!({ "SecretId": &*self.name }), bounds).await;
        value.map(|SecretValue { secret_string }| secret_string)
    }
}

/// What is wrong with a secret, by the code of the refusal.
fn reason<'r>(code: &str, missing: &'r str) -> &'r str {
    match code {
        "ResourceNotFoundException" => missing,
        "AccessDeniedException" => "cannot be read: allow secretsmanager:GetSecretValue on it",
        _ => "cannot be read: check the credentials and the region",
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret")
    }
}
