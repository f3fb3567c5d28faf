//! The real binary, driven through a Runtime API, beside a real DynamoDB and scripted vendors.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that finds nothing there has failed"
)]

mod runtime_api;
mod harness;
mod batches;
mod chain;
mod crowds;
mod events;
mod faults;
mod lines;
mod sweep;
