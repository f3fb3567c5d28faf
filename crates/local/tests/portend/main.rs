//! Runs the real program as a process in a clean environment, and checks what a person or a script sees.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that does not find a value must fail"
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
mod trying;
mod settings;
mod hostile;
mod streams;
mod commands;
mod readme;
mod recommendations;
mod trust;
mod reuse;
mod models;
mod serve;
