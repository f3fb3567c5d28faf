//! The AWS services that Portend calls, and one caller for AWS's JSON protocols.

mod error;
mod skew;
mod credentials;
mod config;
mod endpoint;
mod call;
mod bus;
mod mirror;
mod topic;
mod queue;
mod secret;
mod dynamodb;

pub use bus::EventBus;
pub(crate) use call::Caller;
pub use config::{Aws, find_region};
pub use dynamodb::{DynamoDb, TableFinding};
pub(crate) use error::{CallFailure, ErrorBody, error_type};
pub use mirror::MirrorTable;
pub use queue::AlertQueue;
pub use secret::KeySecret;
pub(crate) use topic::Topic;

/// A service, with AWS's names for it.
pub(crate) struct Service {
    /// The name in settings, such as `AWS_ENDPOINT_URL_EVENTBRIDGE`.
    id: &'static str,
    /// The first part of the host.
    host: &'static str,
    /// The name in signatures.
    signing_name: &'static str,
    /// The content type of requests.
    content_type: &'static str,
    /// The prefix of the operation in the header `x-amz-target`.
    target: &'static str,
    /// The name in the setting of a key that replaces the signature, if the service accepts one.
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
    /// Its protocol is a form and XML; the form names the operation.
    const SNS: Self = Self {
        id: "SNS",
        host: "sns",
        signing_name: "sns",
        content_type: "application/x-www-form-urlencoded",
        target: "",
        key_id: None,
    };
    const SQS: Self = Self {
        id: "SQS",
        host: "sqs",
        signing_name: "sqs",
        content_type: "application/x-amz-json-1.0",
        target: "AmazonSQS",
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
    /// Bedrock itself, which knows its models.
    pub(crate) const BEDROCK_CONTROL: Self = Self {
        id: "Bedrock",
        host: "bedrock",
        signing_name: "bedrock",
        content_type: "application/json",
        target: "",
        key_id: Some("bedrock"),
    };
    /// The models on Bedrock. The path of a request names the operation.
    pub(crate) const BEDROCK: Self = Self {
        id: "Bedrock Runtime",
        host: "bedrock-runtime",
        signing_name: "bedrock",
        content_type: "application/json",
        target: "",
        key_id: Some("bedrock"),
    };
}
