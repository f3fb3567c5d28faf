//! The real program, run as a process in a clean environment: what a person or a script gets from it.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that finds nothing there has failed"
)]

mod harness;
mod alerts;
mod explain;
mod shapes;
mod refusals;
mod replays;
mod stores;
mod locks;
mod mounts;
mod crashes;
mod processes;
mod insights;
mod worklist;
mod forgetting;
mod channels;
mod types;
mod settings;
mod hostile;
mod streams;
mod commands;
mod readme;
mod models;
