//! The scan of a whole text for its one answer.
//!
//! Never: reads reasoning that it drops, searches a malformed object for a second one, or prefers the first of several
//! answers or the last. Answers that differ are an error.

use super::candidate::{AnswerObject, MalformedScore, ReplyCandidate};
use super::cursor::{TextCursor, is_padding};
use super::error::{ReplyError, ReplyKey, SyntaxFault};
use super::fields::AnswerFields;
use super::json::{Quote, ReplyObject, ReplyValue};
use super::repair::{Repair, Repairs};
use super::tags::{ReasoningTag, eat_leading_reasoning, eat_to_last_orphan, eat_vendor_marker};
use super::vocabulary::ReplyVocabulary;
use crate::limits::REPLY_BYTES_MAX;

/// Reads a text, and adds the bytes that it stepped over to `steps`.
pub(super) fn read(
    text: &str,
    vocabulary: &ReplyVocabulary,
    steps: &mut usize,
) -> Result<(AnswerFields, Repairs), ReplyError> {
    if text.len() > REPLY_BYTES_MAX {
        return Err(ReplyError::TooLarge);
    }
    read_level(text, true, vocabulary, steps)
}

/// Reads a text. `may_unwrap` allows one level of wrapping; a text that was itself wrapped has used it.
fn read_level(
    text: &str,
    may_unwrap: bool,
    vocabulary: &ReplyVocabulary,
    steps: &mut usize,
) -> Result<(AnswerFields, Repairs), ReplyError> {
    let mut scan = Scan {
        cursor: TextCursor::new(text),
        may_unwrap,
        vocabulary,
        candidates: ReplyCandidates::default(),
        open_tag: None,
        searched_to: 0,
    };
    let outcome = match scan.run() {
        Ok(Some(inner)) => read_level(&inner, false, vocabulary, steps).map(|(fields, mut repairs)| {
            repairs.merge(scan.candidates.repairs);
            (fields, repairs)
        }),
        Ok(None) => scan.candidates.into_answer(),
        Err(error) => Err(error),
    };
    *steps += scan.cursor.steps();
    outcome
}

struct Scan<'t> {
    cursor: TextCursor<'t>,
    may_unwrap: bool,
    vocabulary: &'t ReplyVocabulary,
    candidates: ReplyCandidates,
    /// The name of a reasoning tag that is open and has other text before it.
    open_tag: Option<&'static str>,
    /// The end of the last candidate of which a part was dropped as reasoning.
    searched_to: usize,
}

impl Scan<'_> {
    /// Reads all candidates and the text around them. If all that is not dropped is one JSON string, returns its text
    /// instead.
    fn run(&mut self) -> Result<Option<String>, ReplyError> {
        let mut all_dropped = true;
        loop {
            if all_dropped && let Some(text) = self.whole_string()? {
                return Ok(Some(text));
            }
            let Some(byte) = self.cursor.peek() else { break };
            all_dropped = match byte {
                b'{' => self.candidate()?,
                b'[' => self.bracket()?,
                b'<' => self.tag(),
                b'`' | b'~' => self.fence(),
                _ => self.prose(),
            };
        }
        // An answer in open reasoning is a draft, and one before it may be a draft too.
        if self.open_tag.is_some() { Err(ReplyError::Truncated) } else { Ok(None) }
    }

    /// Drops reasoning at the cursor. Then, if all the rest is one JSON string, returns its text.
    fn whole_string(&mut self) -> Result<Option<String>, ReplyError> {
        if eat_leading_reasoning(&mut self.cursor)? {
            self.candidates.repairs.record(Repair::ReasoningBlock);
        }
        let start = self.cursor.position();
        if !self.may_unwrap || self.cursor.peek() != Some(b'"') {
            return Ok(None);
        }
        let string = self.string();
        if let Some((text, repairs)) = string.filter(|_| self.cursor.peek().is_none()) {
            self.candidates.repairs.merge(repairs);
            return text.ok_or(ReplyError::Malformed(SyntaxFault::Character)).map(Some);
        }
        self.cursor.go_to(start);
        Ok(None)
    }

    /// Reads the string at the cursor as a wrapping, and steps over the padding after it. Its text is `None` if it is
    /// not valid.
    fn string(&mut self) -> Option<(Option<String>, Repairs)> {
        let mut repairs = Repairs::default();
        repairs.record(Repair::Wrapper);
        let text = Quote::at(&self.cursor)?.read(&mut self.cursor, &mut repairs).ok()?;
        self.cursor.eat_padding();
        Some((text, repairs))
    }

    /// Reads a candidate. Returns, as the other steps of the scan do, whether all text up to its end was dropped.
    fn candidate(&mut self) -> Result<bool, ReplyError> {
        let start = self.cursor.position();
        let candidate = ReplyCandidate::read(&mut self.cursor, self.may_unwrap);
        let truncated = matches!(candidate, ReplyCandidate::Truncated);
        if (truncated || matches!(candidate, ReplyCandidate::Malformed(..))) && self.drop_to_orphan(start) {
            return Ok(true);
        }
        if truncated {
            return Err(ReplyError::Truncated);
        }
        let in_reasoning = self.open_tag.is_some();
        self.candidates.add(candidate, in_reasoning, self.vocabulary);
        Ok(false)
    }

    /// Drops all text up to the last orphan closing tag in a candidate that is not JSON: such a candidate may be
    /// reasoning without its opening tag, with a brace in it. The text after the tag is scanned again, but not dropped
    /// again, so each byte is part of at most two candidates.
    fn drop_to_orphan(&mut self, start: usize) -> bool {
        let end = self.cursor.position();
        if start < self.searched_to {
            return false;
        }
        let mut inside = TextCursor::new(self.cursor.text_from(start));
        let found = eat_to_last_orphan(&mut inside, self.open_tag);
        self.cursor.add_steps(inside.steps());
        if found {
            self.searched_to = end;
            self.cursor.go_to(start + inside.position());
            self.drop_candidates();
        }
        found
    }

    /// Brackets begin a candidate if a brace follows them. All others are prose, as in `[1]`.
    fn bracket(&mut self) -> Result<bool, ReplyError> {
        let start = self.cursor.position();
        self.cursor.eat_while(|byte| matches!(byte, b'[' | b' ' | b'\t' | b'\n' | b'\r'));
        if self.cursor.peek() == Some(b'{') {
            self.cursor.go_to(start);
            return self.candidate();
        }
        self.candidates.repairs.record(Repair::Prose);
        Ok(false)
    }

    fn tag(&mut self) -> bool {
        let tag = ReasoningTag::eat(&mut self.cursor);
        match (tag, self.open_tag) {
            (Some(ReasoningTag { closes: true, .. }), None) => {
                self.drop_candidates();
                return true;
            }
            (Some(ReasoningTag { closes: true, name }), Some(open)) if name == open => self.open_tag = None,
            (Some(ReasoningTag { closes: false, name }), None) => self.open_tag = Some(name),
            (Some(_), Some(_)) => {}
            (None, _) if eat_vendor_marker(&mut self.cursor) => {
                self.candidates.repairs.record(Repair::Wrapper);
                self.marked_string();
                return false;
            }
            (None, _) => self.cursor.advance(1),
        }
        self.candidates.repairs.record(Repair::Prose);
        false
    }

    /// Reads a string between a marker and the next one, or the end of the text: the arguments of a tool call. Any
    /// other string is prose, which the scan reads next.
    fn marked_string(&mut self) {
        self.cursor.eat_padding();
        let start = self.cursor.position();
        if !self.may_unwrap || self.cursor.peek() != Some(b'"') {
            return;
        }
        let string = self.string();
        let end = self.cursor.position();
        let is_marked = self.cursor.peek().is_none() || eat_vendor_marker(&mut self.cursor);
        let Some((text, repairs)) = string.filter(|_| is_marked) else {
            self.cursor.go_to(start);
            return;
        };
        self.cursor.go_to(end);
        let candidate = match text {
            Some(text) => ReplyCandidate::of_text(&text, repairs, false, &mut self.cursor),
            // It can be an answer, so no other answer can be trusted beside it.
            None => ReplyCandidate::Malformed(SyntaxFault::Character, MalformedScore::Valid),
        };
        self.candidates.add(candidate, self.open_tag.is_some(), self.vocabulary);
    }

    /// Drops what was before an orphan closing tag.
    fn drop_candidates(&mut self) {
        self.candidates = ReplyCandidates::default();
        self.candidates.repairs.record(Repair::ReasoningBlock);
    }

    /// A fence is three marks or more, with an optional language. Fewer marks are prose.
    fn fence(&mut self) -> bool {
        let mark = self.cursor.peek();
        if self.cursor.eat_while(|byte| Some(byte) == mark).len() < 3 {
            self.candidates.repairs.record(Repair::Prose);
        } else {
            self.candidates.repairs.record(Repair::Fence);
            let in_language =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'.');
            self.cursor.eat_while(in_language);
        }
        false
    }

    fn prose(&mut self) -> bool {
        let text = self.cursor.eat_while(|byte| !matches!(byte, b'{' | b'[' | b'<' | b'`' | b'~'));
        if !text.chars().all(is_padding) {
            self.candidates.repairs.record(Repair::Prose);
        }
        false
    }
}

/// What the candidates so far amount to. It stores one answer, because all others must be equal to it.
#[derive(Default)]
struct ReplyCandidates {
    answer: Option<(ReplyObject, Result<AnswerFields, ReplyError>)>,
    /// Whether there are answers that are not equal.
    differ: bool,
    /// Whether an answer is outside reasoning.
    outside_reasoning: bool,
    /// Why an answer cannot be read. No other answer can be trusted beside it.
    unreadable: Option<ReplyError>,
    /// The error if there is no answer: that of the object that is nearest to one.
    nearest: Option<ReplyError>,
    repairs: Repairs,
}

impl ReplyCandidates {
    fn add(&mut self, candidate: ReplyCandidate, in_reasoning: bool, vocabulary: &ReplyVocabulary) {
        match candidate {
            ReplyCandidate::Answer(answer) => {
                self.outside_reasoning |= !in_reasoning;
                self.add_answer(answer, vocabulary);
                return;
            }
            ReplyCandidate::SeveralAnswers => self.differ = true,
            ReplyCandidate::Malformed(fault, MalformedScore::Valid) => {
                self.add_unreadable(ReplyError::Malformed(fault));
            }
            ReplyCandidate::Malformed(_, MalformedScore::Invalid) => {
                self.add_unreadable(ReplyError::Type(ReplyKey::RiskScore));
            }
            ReplyCandidate::Malformed(_, MalformedScore::Template) | ReplyCandidate::Template => {
                self.nearest = Some(ReplyError::Type(ReplyKey::RiskScore));
            }
            ReplyCandidate::WithoutScore => {
                self.nearest = self.nearest.or(Some(ReplyError::Missing(ReplyKey::RiskScore)));
            }
            ReplyCandidate::Malformed(_, MalformedScore::Missing) | ReplyCandidate::Other => {}
            // The scan ends at a truncated candidate, or drops it.
            ReplyCandidate::Truncated => self.add_unreadable(ReplyError::Truncated),
        }
        self.repairs.record(Repair::Prose);
    }

    fn add_unreadable(&mut self, error: ReplyError) {
        self.unreadable = self.unreadable.or(Some(error));
    }

    fn add_answer(&mut self, answer: AnswerObject, vocabulary: &ReplyVocabulary) {
        let AnswerObject { object, mut repairs, has_invalid_text } = answer;
        let fields = AnswerFields::read(&object, has_invalid_text, vocabulary, &mut repairs);
        self.repairs.merge(repairs);
        let Some((first_object, first)) = &mut self.answer else {
            self.answer = Some((object, fields));
            return;
        };
        self.repairs.record(Repair::Prose);
        match (first, fields) {
            (Ok(first), Ok(fields)) => {
                self.differ |= !first.same(&fields);
                if first.drivers != fields.drivers {
                    first.drivers = None;
                    self.repairs.record(Repair::DriversIgnored);
                }
            }
            (Err(_), Err(_)) => self.differ |= values(first_object) != values(&object),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => self.differ = true,
        }
    }

    /// The one answer with every repair, if there is exactly one and it is valid.
    fn into_answer(self) -> Result<(AnswerFields, Repairs), ReplyError> {
        match (self.answer, self.unreadable) {
            _ if self.differ => Err(ReplyError::Ambiguous),
            (Some(_), Some(_)) => Err(ReplyError::Ambiguous),
            (None, Some(error)) => Err(error),
            (Some((_, fields)), None) if self.outside_reasoning => Ok((fields?, self.repairs)),
            (Some(_), None) => Err(ReplyError::NoObject),
            (None, None) => Err(self.nearest.unwrap_or(ReplyError::NoObject)),
        }
    }
}

/// The three values of an answer as they were written.
fn values(object: &ReplyObject) -> [Option<&ReplyValue>; 3] {
    ["risk_score", "explanation", "recommendations"].map(|key| object.get(key))
}
