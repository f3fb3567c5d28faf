//! The logic of Portend, independent of network, clock, environment and runtime.
//!
//! An alert says that something looks wrong. An insight says how bad it is, why, and what to do. Each step returns a
//! type that only this step can make, so unchecked data cannot be stored:
//!
//! ```text
//! event ─▶ Alert (with its Facts) ─▶ claim ─▶ Prompt ─▶ Completion ─▶ Reply ─▶ GroundedReply ─▶ Insight ─▶ store
//!     └──▶ Refusal ─▶ parked           │  └─▶ Scored (the scorecard) ──────────────────────────────┘
//!                                      └─▶ a repeat of a StoredInsight
//! ```
//!
//! The modules are declared in reading order. Each uses only the modules above it.

pub mod limits;
pub mod help;
pub mod time;
pub mod number;
mod text;
pub mod calibration;
pub mod alert_type;
pub mod alert;
pub mod outcome;
pub mod driver;
pub mod scorecard;
pub mod prompt;
pub mod model;
pub mod reply;
pub mod grounding;
pub mod entity;
pub mod insight;
pub mod recommendation;
pub mod notify;
pub mod clock;
pub mod store;
pub mod chain;
pub mod pipeline;
