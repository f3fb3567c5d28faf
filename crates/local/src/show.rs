//! Output for people: safe text, the two output streams, the writer thread, and the card of an insight.

pub(crate) mod text;
pub(crate) mod output;
pub(crate) mod writer;
pub(crate) mod card;
pub(crate) mod html;
pub(crate) mod worklist;
pub(crate) mod digest;
