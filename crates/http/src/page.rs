//! The pages of the console, rendered on the server. They work without a script.

pub(crate) mod text;
pub(crate) mod chart;
pub(crate) mod layout;
pub(crate) mod explanation;
pub(crate) mod actions;
pub(crate) mod insight;
pub(crate) mod today;
pub(crate) mod live;
pub(crate) mod entity;
pub(crate) mod quality;
pub(crate) mod status;
pub(crate) mod alert_types;
