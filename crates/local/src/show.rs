//! What a person reads: text made safe, the two output streams, and the card of an insight.

pub(crate) mod text;
pub(crate) mod output;
pub(crate) mod card;
