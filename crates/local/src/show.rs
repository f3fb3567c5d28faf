//! What a person reads: text made safe, the two output streams, the writer, and the card of an insight.

pub(crate) mod text;
pub(crate) mod output;
pub(crate) mod writer;
pub(crate) mod card;
