//! The chain on scripted models, in a time that passes only when somebody waits.

mod breaker;
mod deadline;
mod loop_end;
mod properties;
mod rows;
mod script;
mod step_down;
