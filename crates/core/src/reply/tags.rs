//! Tags and markers around an answer: those of reasoning, and a vendor's own.
//!
//! Never: searches reasoning for an answer, because what is there is a draft.

use super::cursor::TextCursor;
use super::error::ReplyError;

const NAMES: [&str; 4] = ["think", "thinking", "reasoning", "scratchpad"];

/// A tag that opens or closes reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReasoningTag {
    pub(super) name: &'static str,
    pub(super) closes: bool,
}

impl ReasoningTag {
    /// Steps over the tag at the cursor. Its case does not count.
    pub(super) fn eat(cursor: &mut TextCursor<'_>) -> Option<Self> {
        let rest = cursor.rest().strip_prefix('<')?;
        let closes = rest.starts_with('/');
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let name = NAMES.into_iter().find(|name| {
            let written = rest.get(..name.len()).filter(|written| written.eq_ignore_ascii_case(name));
            written.is_some() && rest.get(name.len()..).is_some_and(|rest| rest.starts_with('>'))
        })?;
        cursor.advance("<>".len() + usize::from(closes) + name.len());
        Some(Self { name, closes })
    }

    /// Steps past the next tag, wherever it is.
    fn next(cursor: &mut TextCursor<'_>) -> Option<Self> {
        while cursor.advance_to("<") {
            if let Some(tag) = Self::eat(cursor) {
                return Some(tag);
            }
            cursor.advance(1);
        }
        None
    }
}

/// Steps over a vendor's marker at the cursor, such as `<|tool_call|>`.
pub(super) fn eat_vendor_marker(cursor: &mut TextCursor<'_>) -> bool {
    let start = cursor.position();
    let in_name =
        |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || matches!(byte, b'_' | b'-' | b'/');
    let found = cursor.eat("<|") && !cursor.eat_while(in_name).is_empty() && cursor.eat("|>");
    if !found {
        cursor.go_to(start);
    }
    found
}

/// Steps over white space and over the reasoning blocks at the cursor. Returns whether there was a block. Only a
/// block's own closing tag ends it, whatever is between.
pub(super) fn eat_leading_reasoning(cursor: &mut TextCursor<'_>) -> Result<bool, ReplyError> {
    let mut dropped = false;
    loop {
        cursor.eat_padding();
        let start = cursor.position();
        let Some(open) = ReasoningTag::eat(cursor).filter(|tag| !tag.closes) else {
            // The scan handles an orphan closing tag.
            cursor.go_to(start);
            return Ok(dropped);
        };
        while ReasoningTag::next(cursor).ok_or(ReplyError::Truncated)?
            != (ReasoningTag { closes: true, ..open })
        {}
        dropped = true;
    }
}

/// Steps past the last orphan: a closing tag without an opening one before it. `open` is the name of a tag that is
/// already open. Returns whether there is an orphan.
pub(super) fn eat_to_last_orphan(cursor: &mut TextCursor<'_>, mut open: Option<&'static str>) -> bool {
    let mut orphan = None;
    while let Some(tag) = ReasoningTag::next(cursor) {
        match (tag.closes, open) {
            (true, None) => orphan = Some(cursor.position()),
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
