//! A key that AWS Secrets Manager holds.
//!
//! Takes: the secret's name or ARN.
//! Gives: a [`KeySource`] that reads it when it is first needed.
//! Never: reads before a request needs the key, or repeats anything of what was read.

use std::fmt;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use portend_core::model::{Fault, ModelError};
use tokio::sync::OnceCell;

use crate::aws::{self, Aws};
use crate::failure::Failure;
use crate::limits::{CONNECT_TIMEOUT, SECRET_TIMEOUT};
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
            let fault = Fault::Refused(format!("the secret of OPENAI_API_KEY_SECRET: {what}"));
            ModelError::Configuration { fault }
        };
        let answer = sent.map_err(|error| match Failure::of(&error) {
            Failure::Busy(what) | Failure::Unreachable(what) => {
                ModelError::Unreachable { what: format!("Secrets Manager: {what}") }
            }
            Failure::Refused(what) => refused(&what),
        })?;
        let key = answer.secret_string().map(Secret::new).filter(Secret::fits_a_header);
        key.ok_or_else(|| refused("it holds no key as plain text"))
    }

    async fn client(&self) -> &Client {
        let connect = async || {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_timeout(SECRET_TIMEOUT)
                .build();
            let config = aws_sdk_secretsmanager::config::Builder::from(self.aws.config().await)
                .behavior_version(aws::behavior())
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts)
                .build();
            Client::from_conf(config)
        };
        self.client.get_or_init(connect).await
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret")
    }
}
