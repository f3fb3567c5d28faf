//! What the tests of every crate share, and the program `storm`. No program that is delivered links it.
//!
//! Modules are declared in the order in which to read them; each uses only those above it.
#![expect(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "support for tests; a panic is how it reports a failure"
)]

pub mod random;
pub mod clock;
pub mod memory;
pub mod model;
pub mod http;
pub mod runtime_api;
pub mod vendor;
pub mod table;
pub mod faults;
pub mod play;
pub mod store_contract;
pub mod compare;
pub mod storm;
