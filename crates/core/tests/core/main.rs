//! Tests the chain and the pipeline through the core's public interface, with test clocks, models and stores.

#![expect(clippy::unwrap_used, reason = "a test that does not find a value must fail")]

mod chain;
mod pipeline;
mod evaluations;
