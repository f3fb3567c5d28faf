//! A key that AWS Secrets Manager holds, read when it is first needed.
//!
//! Never: repeats anything of what was read.

use std::fmt;
use std::sync::Arc;

use portend_core::model::{Fault, ModelError};
use serde::Deserialize;
use serde_json::json;

use super::{Aws, Caller, Failure, Service};
use crate::limits::{BODY_BYTES_MAX, SECRET_TIMEOUT};
use crate::network::Bounds;
use crate::secret::{KeyReader, KeySource, Secret};

/// A secret by its name or ARN. Clones share its caller.
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
    /// What reading it does.
    pub const ACTIONS: [&str; 1] = ["secretsmanager:GetSecretValue"];

    /// The secret of this name or ARN.
    pub fn new(name: &str, aws: Aws) -> Self {
        Self { name: name.into(), caller: Arc::new(Caller::new(Service::SECRETS_MANAGER, aws)) }
    }

    /// The key that it holds, read when it is needed.
    pub fn source(&self) -> KeySource {
        let secret = self.clone();
        KeySource::Read(KeyReader::new(move || {
            let secret = secret.clone();
            async move { secret.read().await }
        }))
    }

    /// Reads it once.
    pub async fn read(&self) -> Result<Secret, ModelError> {
        let refused = |what: &str| {
            let fault = Fault::Refused(format!("the secret of OPENAI_API_KEY_SECRET {what}"));
            ModelError::Configuration { fault }
        };
        let bounds = Bounds { time: Some(SECRET_TIMEOUT), bytes: BODY_BYTES_MAX };
        let asked = self.caller.call("GetSecretValue", &json!({ "SecretId": &*self.name }), bounds).await;
        let SecretValue { secret_string } = asked.map_err(|failure| match failure {
            Failure::Busy(what) | Failure::Unreachable(what) => {
                ModelError::Unreachable { what: format!("Secrets Manager: {what}") }
            }
            Failure::Refused(what, _) => refused(match what.as_str() {
                "ResourceNotFoundException" => "does not exist or holds nothing yet: put the key into it",
                "AccessDeniedException" => "may not be read: allow secretsmanager:GetSecretValue on it",
                _ => "cannot be read: see the credentials and the region",
            }),
        })?;
        let key = secret_string.map(|key| Secret::new(&key)).filter(Secret::fits_a_header);
        key.ok_or_else(|| refused("holds no key as plain text: put the key alone into it"))
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret")
    }
}
