//! The language models: the catalogue of known models, and one adapter for each protocol.

pub mod catalogue;
mod parameter;
mod bedrock;
mod openai;
mod any;
mod notice;

pub use any::AnyModel;
pub use bedrock::{Bedrock, ModelLifecycle};
pub use notice::{EndOfLifeNotice, end_of_life_notice};
pub use openai::{OpenAi, server_of};
