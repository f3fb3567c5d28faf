//! Reasoning that a model wrote before its answer, by its tags.
//!
//! Takes: a cursor.
//! Gives: the tags, and the end of what is dropped.
//! Never: looks for an answer in reasoning; what stands there is a draft.

use super::cursor::{TextCursor, is_padding};
use super::unusable::ReplyError;

const NAMES: [&str; 4] = ["think", "thinking", "reasoning", "scratchpad"];

/// A tag that opens or closes reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReasoningTag {
    pub(super) name: &'static str,
    pub(super) closes: bool,
}

impl ReasoningTag {
    /// Steps over the tag that stands here, in any case.
    pub(super) fn eat(cursor: &mut TextCursor<'_>) -> Option<Self> {
        let rest = cursor.rest().strip_prefix('<')?;
        let closes = rest.starts_with('/');
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let name = NAMES.into_iter().find(|name| {
            let written = rest.get(..name.len()).filter(|written| written.eq_ignore_ascii_case(name));
            written.is_some() && rest.get(name.len()..).is_some_and(|rest| rest.starts_with('>'))
        })?;
        cursor.pass("<>".len() + usize::from(closes) + name.len());
        Some(Self { name, closes })
    }

    /// Steps behind the next tag anywhere.
    fn next(cursor: &mut TextCursor<'_>) -> Option<Self> {
        while cursor.find("<") {
            if let Some(tag) = Self::eat(cursor) {
                return Some(tag);
            }
            cursor.pass(1);
        }
        None
    }
}

/// Steps over the white space at the beginning, and over the blocks of reasoning there; says whether there was
/// one. Nothing but the closing tag ends a block, whatever stands in it.
pub(super) fn pass_leading(cursor: &mut TextCursor<'_>) -> Result<bool, ReplyError> {
    let mut dropped = false;
    loop {
        pass_padding(cursor);
        let start = cursor.at();
        let Some(open) = ReasoningTag::eat(cursor).filter(|tag| !tag.closes) else {
            // An orphan closing tag is the scan's to see.
            cursor.go_to(start);
            return Ok(dropped);
        };
        while ReasoningTag::next(cursor).ok_or(ReplyError::Truncated)?
            != (ReasoningTag { closes: true, ..open })
        {}
        dropped = true;
    }
}

/// Steps over white space and zero-width characters.
pub(super) fn pass_padding(cursor: &mut TextCursor<'_>) {
    let rest = cursor.rest();
    cursor.pass(rest.len() - rest.trim_start_matches(is_padding).len());
}

/// Steps behind the last closing tag in the text that has no opening one before it; `open` is already opened.
pub(super) fn pass_last_orphan(cursor: &mut TextCursor<'_>, mut open: Option<&'static str>) -> bool {
    let mut orphan = None;
    while let Some(tag) = ReasoningTag::next(cursor) {
        match (tag.closes, open) {
            (true, None) => orphan = Some(cursor.at()),
            (true, Some(name)) if name == tag.name => open = None,
            (false, None) => open = Some(tag.name),
            // Within open reasoning only its own closing tag counts.
            (true | false, Some(_)) => {}
        }
    }
    if let Some(end) = orphan {
        cursor.go_to(end);
    }
    orphan.is_some()
}
