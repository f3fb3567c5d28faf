//! Tests the adapters against a scripted server: every kind of response of a vendor, and every kind of network failure.

mod harness;
mod bedrock;
mod openai;
mod network;
mod services;
mod environment;
