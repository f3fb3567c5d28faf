//! The commands, one file each: the arguments, the work and the output.

pub(crate) mod time;
pub(crate) mod explain;
pub(crate) mod insights;
pub(crate) mod parked;
pub(crate) mod ledger;
pub(crate) mod upgrade;
pub(crate) mod doctor;
pub(crate) mod samples;
pub(crate) mod types;
pub(crate) mod simulate;
pub(crate) mod evidence;
pub(crate) mod outcomes;
pub(crate) mod eval;
pub(crate) mod calibrate;
pub(crate) mod fit;
pub(crate) mod drift;
pub(crate) mod question;
pub(crate) mod compare;
pub(crate) mod drivers;
