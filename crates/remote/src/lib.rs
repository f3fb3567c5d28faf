//! What Portend reaches over the network: language models on Bedrock, at OpenAI and at compatible endpoints.
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
pub mod secret;
pub mod catalogue;
pub mod settings;
mod answer;
mod network;
mod aws;
mod bedrock;
mod openai;
mod any_model;

pub use any_model::AnyModel;
pub use aws::{Aws, find_region};
pub use bedrock::Bedrock;
pub use openai::OpenAi;
