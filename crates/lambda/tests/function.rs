//! The real binary, driven through a Runtime API, beside a real DynamoDB and scripted vendors.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that finds nothing there has failed"
)]

#[path = "../../local/tests/portend/models/provider.rs"]
#[expect(dead_code, reason = "the vendors' words, for other tests too")]
mod provider;
#[path = "../../remote/tests/server/scripted.rs"]
#[expect(dead_code, reason = "a server for other tests too")]
mod scripted;
#[path = "../../remote/tests/server/table.rs"]
mod table;

#[path = "function/harness.rs"]
mod harness;
#[path = "function/runtime_api.rs"]
mod runtime_api;

#[path = "function/batches.rs"]
mod batches;
#[path = "function/chain.rs"]
mod chain;
#[path = "function/crowds.rs"]
mod crowds;
#[path = "function/events.rs"]
mod events;
#[path = "function/faults.rs"]
mod faults;
#[path = "function/lines.rs"]
mod lines;
#[path = "function/sweep.rs"]
mod sweep;
