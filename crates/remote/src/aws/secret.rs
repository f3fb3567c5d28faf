//! A key that AWS Secrets Manager holds.
//!
//! Takes: the secret's name or ARN.
//! Gives: a [`KeySource`] that reads it when it is first needed.
//! Never: reads before a request needs the key, or repeats anything of what was read.

use std::fmt;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use portend_core::model::{Fault, ModelError};
use tokio::sync::OnceCell;

use crate::aws::config::Aws;
use crate::aws::error::Failure;
use crate::limits::SECRET_TIMEOUT;
use crate::secret::{KeyReader, KeySource, Secret};

/// A secret by its name or ARN. Clones share its client.
#[derive(Clone)]
pub struct KeySecret {
    name: Arc<str>,
    aws: Aws,
    client: Arc<OnceCell<Client>>,
}

impl KeySecret {
    /// What reading it does.
    pub const ACTIONS: [&str; 1] = ["secretsmanager:GetSecretValue"];

    /// The secret of this name or ARN.
    pub fn new(name: &str, aws: Aws) -> Self {
        Self { name: name.into(), aws, client: Arc::default() }
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
        let sent = self.client().await.get_secret_value().secret_id(&*self.name).send().await;
        let refused = |what: &str| {
            let fault = Fault::Refused(format!("the secret of OPENAI_API_KEY_SECRET {what}"));
            ModelError::Configuration { fault }
        };
        let answer = sent.map_err(|error| match Failure::of(&error) {
            Failure::Busy(what) | Failure::Unreachable(what) => {
                ModelError::Unreachable { what: format!("Secrets Manager: {what}") }
            }
            Failure::Refused(what) => refused(match what.as_str() {
                "ResourceNotFoundException" => "does not exist or holds nothing yet: put the key into it",
                "AccessDeniedException" => "may not be read: allow secretsmanager:GetSecretValue on it",
                _ => "cannot be read: see the credentials and the region",
            }),
        })?;
        let key = answer.secret_string().map(Secret::new).filter(Secret::fits_a_header);
        key.ok_or_else(|| refused("holds no key as plain text: put the key alone into it"))
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(async || Client::new(&self.aws.service(Some(SECRET_TIMEOUT)).await)).await
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret")
    }
}
