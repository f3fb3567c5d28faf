//! What Portend reaches outside of itself: language models on Bedrock, at OpenAI and at compatible endpoints; the table,
//! the event bus and the secret on AWS; the machine's clock.
//!
//! Each adapter is two pure translations around one bounded send:
//!
//! ```text
//! Call ─▶ request ─▶ send (connect timeout, at most 1 MiB, no redirect, no retry) ─▶ Answer ─▶ Completion
//!                         └─▶ ModelError (nothing came back)                          └─▶ ModelError
//! ```
//!
//! The modules stand in the order in which to read them; each uses only those above it.

pub mod limits;
mod clock;
pub mod secret;
pub mod catalogue;
pub mod settings;
pub mod order;
mod answer;
mod network;
mod aws;
mod unsent;
mod failure;
mod bedrock;
mod openai;
mod any_model;
mod dynamodb;
pub mod event_bus;
mod key_secret;

pub use any_model::AnyModel;
pub use aws::{Aws, find_region};
pub use bedrock::Bedrock;
pub use clock::SystemClock;
pub use dynamodb::{DynamoDb, Finding};
pub use event_bus::EventBus;
pub use key_secret::KeySecret;
pub use openai::OpenAi;
