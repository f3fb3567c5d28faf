//! Tests the chain with scripted models and a clock that moves only while somebody waits.

mod breaker;
mod deadline;
mod loop_end;
mod properties;
mod rows;
mod script;
mod slots;
mod step_down;
