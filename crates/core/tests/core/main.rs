//! The core through its public interface: the chain and the pipeline, on the clocks, models and stores of the tests.

mod chain;
mod pipeline;
