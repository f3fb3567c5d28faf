//! The core through its public interface: the chain and the pipeline, on the clocks, models and stores of the tests.

#![expect(clippy::unwrap_used, reason = "a test that does not find a value must fail")]

mod chain;
mod pipeline;
