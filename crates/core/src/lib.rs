//! What Portend does, apart from any network, clock, environment or runtime.
//!
//! An alert says that something looks wrong; an insight says how bad it is, why, and what to do. Each step has a type
//! that only that step makes, so what was never checked cannot be stored:
//!
//! ```text
//! event ─▶ Alert (with its Facts) ─▶ claim ─▶ Scored ─▶ Insight ─▶ store
//!     └──▶ Refusal ─▶ parked              └─▶ a repeat of a StoredInsight
//! ```
//!
//! The modules stand in the order in which to read them; each uses only those above it.

pub mod limits;
pub mod time;
pub mod number;
pub mod alert_type;
pub mod alert;
pub mod driver;
pub mod scorecard;
pub mod insight;
pub mod clock;
pub mod store;
pub mod pipeline;
pub mod store_contract;
