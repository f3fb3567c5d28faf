//! What is called on AWS: the settings that every service shares, and each service.

mod config;
pub(crate) mod unsent;
mod error;
mod secret;
mod bus;
mod dynamodb;

pub use bus::EventBus;
pub use config::{Aws, find_region};
pub use dynamodb::{DynamoDb, Finding};
pub use secret::KeySecret;
