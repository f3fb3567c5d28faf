//! The store in a real DynamoDB: the contract that every store keeps, and what only a network does.

#![expect(clippy::indexing_slicing, reason = "a test that finds nothing there has failed")]

mod store;
mod contract;
mod items;
mod plugs;
mod report;
