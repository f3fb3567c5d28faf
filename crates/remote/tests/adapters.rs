//! Both adapters against a scripted server: each row of what a provider may answer, and each way to answer badly.

#[path = "server/scripted.rs"]
mod scripted;
#[path = "adapters/harness.rs"]
mod harness;
#[path = "adapters/bedrock.rs"]
mod bedrock;
#[path = "adapters/openai.rs"]
mod openai;
#[path = "adapters/network.rs"]
mod network;
#[path = "adapters/services.rs"]
mod services;
#[path = "adapters/surroundings.rs"]
mod surroundings;
