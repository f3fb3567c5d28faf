//! The language models: the catalogue of known models, and one adapter for each protocol.

pub mod catalogue;
mod parameter;
mod bedrock;
mod openai;
mod any;

pub use any::AnyModel;
pub use bedrock::Bedrock;
pub use openai::{OpenAi, server_of};
