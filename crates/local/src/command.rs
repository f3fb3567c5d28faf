//! The commands, one file each: the arguments, the work and the output.

pub(crate) mod explain;
pub(crate) mod insights;
pub(crate) mod today;
pub(crate) mod digest;
pub(crate) mod entity;
pub(crate) mod feedback;
pub(crate) mod parked;
pub(crate) mod forget;
pub(crate) mod ledger;
pub(crate) mod upgrade;
pub(crate) mod doctor;
pub(crate) mod samples;
pub(crate) mod types;
pub(crate) mod simulate;
