//! The store in a real DynamoDB: the contract that every store keeps, and what only a network does.

#![expect(clippy::indexing_slicing, reason = "a test that finds nothing there has failed")]

#[path = "server/scripted.rs"]
#[expect(dead_code, reason = "a server for other tests too")]
mod scripted;
#[path = "server/table.rs"]
#[expect(dead_code, reason = "a table for other tests too")]
mod table;

#[path = "dynamodb/contract.rs"]
mod contract;
#[path = "dynamodb/items.rs"]
mod items;
#[path = "dynamodb/plugs.rs"]
mod plugs;
#[path = "dynamodb/report.rs"]
mod report;
#[path = "dynamodb/store.rs"]
mod store;
