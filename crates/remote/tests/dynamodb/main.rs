//! Tests the store on a real DynamoDB: the contract of every store, the items, and network failures.

mod store;
mod contract;
mod capacity;
mod items;
mod mirror;
mod network;
mod ahead;
mod report;
