//! Tests the real binary with a test Runtime API, a real DynamoDB and scripted vendors.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a missing value fails the test")]

mod harness;
mod batches;
mod chain;
mod crowds;
mod events;
mod faults;
mod lines;
mod sweep;
mod channels;
