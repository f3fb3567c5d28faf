//! The store in a real DynamoDB: the contract that every store keeps, and what only a network does.

mod store;
mod contract;
mod capacity;
mod items;
mod plugs;
mod report;
