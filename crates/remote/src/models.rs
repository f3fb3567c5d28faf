//! The language models: what is known of each, and one adapter for each protocol.

pub mod catalogue;
mod bedrock;
mod openai;
mod any;

pub use any::AnyModel;
pub use bedrock::Bedrock;
pub use openai::OpenAi;
