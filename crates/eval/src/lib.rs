//! How good the scores were, and how to make them better.
//!
//! ```text
//! insights ─┬─ join ─▶ scored rows ─┬─▶ figures: AUC, Brier, calibration error, each with its interval or a reason
//! outcomes ─┘                       ├─▶ calibration: from a score to a probability
//!                                   └─▶ fit: a new table of points
//! ```
//!
//! Everything is a pure function of its arguments, in `f64`. The modules are declared in reading order.
//!
//! Never: reads a clock, a file or a store, or returns a number where the rows do not carry one.

pub mod limits;
mod math;
mod logistic;
pub mod rows;
mod auc;
mod kendall;
pub mod bins;
pub mod figures;
pub mod join;
pub mod report;
pub mod followed;
pub mod picture;
pub mod calibration;
pub mod fit;
pub mod drift;
pub mod compare;
