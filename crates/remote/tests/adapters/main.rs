//! Both adapters against a scripted server: each row of what a provider may answer, and each way to answer badly.

mod harness;
mod bedrock;
mod openai;
mod network;
mod services;
mod surroundings;
