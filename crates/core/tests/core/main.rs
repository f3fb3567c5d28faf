//! The core through its public interface: the chain and the pipeline, on the clocks, models and stores of the tests.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing there has failed")]

mod chain;
mod pipeline;
