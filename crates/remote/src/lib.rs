//! The outside world of Portend: language models on Bedrock, at OpenAI and at compatible endpoints; the table, the
//! event bus and the secret on AWS; the machine's clock.
//!
//! Each adapter is two pure translations around one bounded HTTP exchange:
//!
//! ```text
//! Call ─▶ request ─▶ send (connect timeout, at most 1 MiB, no redirect, no retry) ─▶ Response ─▶ Completion
//!                         └─▶ ModelError (no response)                                 └─▶ ModelError
//! ```
//!
//! The modules are declared in reading order. Each uses only the modules above it.

pub mod limits;
mod clock;
pub mod secret;
pub mod settings;
pub mod order;
mod response;
mod network;
mod aws;
pub mod digest;
mod channel;
mod notifiers;
mod models;

pub use aws::{Aws, DynamoDb, EventBus, KeySecret, MirrorTable, TableFinding, find_region};
pub use channel::{
    ChannelError, ChannelReport, ChannelSettings, ChannelTarget, TemplateError, WrittenChannel, WrongChannel,
};
pub use clock::SystemClock;
pub use models::{
    AnyModel, Bedrock, EndOfLifeNotice, ModelLifecycle, OpenAi, catalogue, end_of_life_notice, server_of,
};
pub use notifiers::{Notifiers, SentReport};
