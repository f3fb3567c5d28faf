//! The commands, one file each: their arguments, what they do, what they print.

pub(crate) mod explain;
pub(crate) mod insights;
pub(crate) mod parked;
pub(crate) mod ledger;
pub(crate) mod upgrade;
pub(crate) mod doctor;
pub(crate) mod samples;
pub(crate) mod types;
pub(crate) mod simulate;
