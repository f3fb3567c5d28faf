//! The chain on scripted models, in a time that passes only when somebody waits.
//!
//! Takes: tables of scripts: what each model answers, word by word.
//! Gives: a failure that names the row.
//! Never: waits in real time.

mod breaker;
mod deadline;
mod loop_end;
mod policy;
mod properties;
mod rows;
mod script;
mod step_down;
mod timers;
