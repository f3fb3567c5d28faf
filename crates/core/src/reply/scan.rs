//! The scan of a whole text for its one answer.
//!
//! Takes: text as received.
//! Gives: the answer's fields with every repair, or why no answer can be used.
//! Never: looks into reasoning that it drops, or for a second object in one that is malformed.

use super::answer::{self, Candidate};
use super::cursor::{TextCursor, is_padding};
use super::fields::AnswerFields;
use super::found::Candidates;
use super::reasoning::{ReasoningTag, pass_last_orphan, pass_leading, pass_padding};
use super::repair::{Repair, Repairs};
use super::string::Quote;
use super::unusable::{ReplyError, SyntaxFault};
use crate::limits::REPLY_BYTES_MAX;

/// Reads a text, and adds the bytes that it stepped over to `steps`.
pub(super) fn read(
    text: &str,
    facts: &[&str],
    steps: &mut usize,
) -> Result<(AnswerFields, Repairs), ReplyError> {
    if text.len() > REPLY_BYTES_MAX {
        return Err(ReplyError::TooLarge);
    }
    read_level(text, true, facts, steps)
}

/// Reads a text in which one wrapping may be opened, or one that was itself wrapped.
fn read_level(
    text: &str,
    may_open: bool,
    facts: &[&str],
    steps: &mut usize,
) -> Result<(AnswerFields, Repairs), ReplyError> {
    let mut scan = Scan {
        cursor: TextCursor::new(text),
        may_open,
        facts,
        found: Candidates::default(),
        open: None,
        dropped_from: 0,
    };
    let outcome = match scan.run() {
        Ok(Some(inner)) => read_level(&inner, false, facts, steps).map(|(fields, mut repairs)| {
            repairs.merge(scan.found.repairs);
            (fields, repairs)
        }),
        Ok(None) => scan.found.settle(),
        Err(unusable) => Err(unusable),
    };
    *steps += scan.cursor.steps();
    outcome
}

struct Scan<'t> {
    cursor: TextCursor<'t>,
    may_open: bool,
    facts: &'t [&'t str],
    found: Candidates,
    /// The name of a reasoning tag that was opened after other text.
    open: Option<&'static str>,
    /// The end of the last candidate of which a part was dropped as reasoning.
    dropped_from: usize,
}

impl Scan<'_> {
    /// Finds everything outside candidates, and every candidate; or, if all that is not dropped is one JSON
    /// string, gives its text.
    fn run(&mut self) -> Result<Option<String>, ReplyError> {
        let mut all_dropped = true;
        loop {
            if all_dropped && let Some(text) = self.text_in_string()? {
                return Ok(Some(text));
            }
            let Some(byte) = self.cursor.peek() else { break };
            all_dropped = match byte {
                b'{' => self.candidate()?,
                b'[' => self.brackets()?,
                b'<' => self.tag(),
                b'`' | b'~' => self.fence(),
                _ => self.prose(),
            };
        }
        // What stands in open reasoning is a draft, and what stood before it may be one too.
        if self.open.is_some() { Err(ReplyError::Truncated) } else { Ok(None) }
    }

    /// Drops reasoning that stands here; then, if all the rest is one JSON string, gives its text.
    fn text_in_string(&mut self) -> Result<Option<String>, ReplyError> {
        if pass_leading(&mut self.cursor)? {
            self.found.repairs.note(Repair::ReasoningBlock);
        }
        let start = self.cursor.at();
        if !self.may_open || self.cursor.peek() != Some(b'"') {
            return Ok(None);
        }
        let mut repairs = Repairs::default();
        let text = Quote::at(&self.cursor).and_then(|quote| quote.read(&mut self.cursor, &mut repairs).ok());
        pass_padding(&mut self.cursor);
        if let Some(text) = text.filter(|_| self.cursor.peek().is_none()) {
            self.found.repairs.merge(repairs);
            self.found.repairs.note(Repair::Wrapper);
            return text.ok_or(ReplyError::Malformed(SyntaxFault::Character)).map(Some);
        }
        self.cursor.go_to(start);
        Ok(None)
    }

    /// Reads a candidate. Like the other steps of the scan it says whether all up to its end was dropped.
    fn candidate(&mut self) -> Result<bool, ReplyError> {
        let start = self.cursor.at();
        let finding = answer::read(&mut self.cursor, self.may_open);
        let cut = matches!(finding, Candidate::Cut);
        if (cut || matches!(finding, Candidate::Malformed(..))) && self.drop_to_orphan(start) {
            return Ok(true);
        }
        if cut {
            return Err(ReplyError::Truncated);
        }
        let in_reasoning = self.open.is_some();
        self.found.add(finding, in_reasoning, self.facts);
        Ok(false)
    }

    /// What is no object can be reasoning whose opening tag is missing, with a brace in it: then an orphan closing
    /// tag follows, and everything up to it is dropped. What follows the tag is scanned again, but not dropped
    /// again, so no byte is part of a third candidate.
    fn drop_to_orphan(&mut self, start: usize) -> bool {
        let end = self.cursor.at();
        if start < self.dropped_from {
            return false;
        }
        let mut inside = TextCursor::new(self.cursor.since(start));
        let found = pass_last_orphan(&mut inside, self.open);
        self.cursor.count(inside.steps());
        if found {
            self.dropped_from = end;
            self.cursor.go_to(start + inside.at());
            self.drop_all();
        }
        found
    }

    /// Brackets begin a candidate if a brace follows them; all others are prose, as in `[1]`.
    fn brackets(&mut self) -> Result<bool, ReplyError> {
        let start = self.cursor.at();
        self.cursor.eat_while(|byte| matches!(byte, b'[' | b' ' | b'\t' | b'\n' | b'\r'));
        if self.cursor.peek() == Some(b'{') {
            self.cursor.go_to(start);
            return self.candidate();
        }
        self.found.repairs.note(Repair::Prose);
        Ok(false)
    }

    fn tag(&mut self) -> bool {
        let tag = ReasoningTag::eat(&mut self.cursor);
        match (tag, self.open) {
            (Some(ReasoningTag { closes: true, .. }), None) => {
                self.drop_all();
                return true;
            }
            (Some(ReasoningTag { closes: true, name }), Some(open)) if name == open => self.open = None,
            (Some(ReasoningTag { closes: false, name }), None) => self.open = Some(name),
            (Some(_), Some(_)) => {}
            (None, _) => self.cursor.pass(1),
        }
        self.found.repairs.note(Repair::Prose);
        false
    }

    /// Forgets what was found before an orphan closing tag.
    fn drop_all(&mut self) {
        self.found = Candidates::default();
        self.found.repairs.note(Repair::ReasoningBlock);
    }

    /// A fence is three marks or more, with perhaps the name of a language; fewer are prose.
    fn fence(&mut self) -> bool {
        let mark = self.cursor.peek();
        if self.cursor.eat_while(|byte| Some(byte) == mark).len() < 3 {
            self.found.repairs.note(Repair::Prose);
        } else {
            self.found.repairs.note(Repair::Fence);
            let in_language =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'.');
            self.cursor.eat_while(in_language);
        }
        false
    }

    fn prose(&mut self) -> bool {
        let text = self.cursor.eat_while(|byte| !matches!(byte, b'{' | b'[' | b'<' | b'`' | b'~'));
        if !text.chars().all(is_padding) {
            self.found.repairs.note(Repair::Prose);
        }
        false
    }
}
