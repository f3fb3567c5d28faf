//! What is called on AWS: one caller for its JSON protocols, and each service that it calls.

mod config;
mod endpoint;
mod credentials;
mod skew;
mod error;
mod call;
mod bus;
mod secret;
mod dynamodb;

pub use bus::EventBus;
pub(crate) use call::Caller;
pub use config::{Aws, find_region};
pub use dynamodb::{DynamoDb, Finding};
pub(crate) use error::{Failure, error_type};
pub use secret::KeySecret;

/// A service, as AWS describes it.
pub(crate) struct Service {
    /// Its name in settings: `AWS_ENDPOINT_URL_EVENTBRIDGE`.
    id: &'static str,
    /// The beginning of its host.
    host: &'static str,
    /// Its name in signatures.
    signing_name: &'static str,
    /// What its requests are.
    content_type: &'static str,
    /// What the names of its operations begin with, where a header says them.
    target: &'static str,
    /// Its name in settings of a key that is sent in place of a signature, where it takes one.
    key_id: Option<&'static str>,
}

impl Service {
    const DYNAMO_DB: Self = Self {
        id: "DynamoDB",
        host: "dynamodb",
        signing_name: "dynamodb",
        content_type: "application/x-amz-json-1.0",
        target: "DynamoDB_20120810",
        key_id: None,
    };
    const EVENT_BRIDGE: Self = Self {
        id: "EventBridge",
        host: "events",
        signing_name: "events",
        content_type: "application/x-amz-json-1.1",
        target: "AWSEvents",
        key_id: None,
    };
    const SECRETS_MANAGER: Self = Self {
        id: "Secrets Manager",
        host: "secretsmanager",
        signing_name: "secretsmanager",
        content_type: "application/x-amz-json-1.1",
        target: "secretsmanager",
        key_id: None,
    };
    /// The models on Bedrock, whose operations are in paths.
    pub(crate) const BEDROCK: Self = Self {
        id: "Bedrock Runtime",
        host: "bedrock-runtime",
        signing_name: "bedrock",
        content_type: "application/json",
        target: "",
        key_id: Some("bedrock"),
    };
}
