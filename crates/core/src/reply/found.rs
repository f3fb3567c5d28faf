//! What a scan has found so far, and what comes of it.
//!
//! Takes: the scan's findings in the order of the text.
//! Gives: the one answer's fields with every repair, or why there is none.
//! Never: prefers the first answer or the last. Several that differ are none.

use super::answer::{AnswerObject, Candidate};
use super::fields::AnswerFields;
use super::repair::{Repair, Repairs};
use super::skim::MalformedScore;
use super::unusable::{ReplyError, ReplyKey};
use super::value::{ReplyObject, ReplyValue};

/// What has been found. One answer is kept, since all others must be equal to it.
#[derive(Default)]
pub(super) struct Candidates {
    first: Option<(ReplyObject, Result<AnswerFields, ReplyError>)>,
    /// Whether there are answers that are not equal.
    differ: bool,
    /// Whether an answer stands outside reasoning.
    outside: bool,
    /// Why something cannot be read that would be an answer. No answer can be trusted beside it.
    broken: Option<ReplyError>,
    /// What the reason is if there is no answer: that of the object that comes nearest to one.
    nearest: Option<ReplyError>,
    pub(super) repairs: Repairs,
}

impl Candidates {
    /// Adds what an object or a list of objects is.
    pub(super) fn add(&mut self, finding: Candidate, in_reasoning: bool, facts: &[&str]) {
        match finding {
            Candidate::Answer(answer) => {
                self.outside |= !in_reasoning;
                self.add_answer(answer, facts);
                return;
            }
            Candidate::Several => self.differ = true,
            Candidate::Malformed(fault, MalformedScore::Score) => {
                self.add_broken(ReplyError::Malformed(fault));
            }
            Candidate::Malformed(_, MalformedScore::NoScore) => {
                self.add_broken(ReplyError::Type(ReplyKey::RiskScore));
            }
            Candidate::Malformed(_, MalformedScore::Echo) | Candidate::Echo => {
                self.nearest = Some(ReplyError::Type(ReplyKey::RiskScore));
            }
            Candidate::Partial => {
                self.nearest = self.nearest.or(Some(ReplyError::Missing(ReplyKey::RiskScore)));
            }
            Candidate::Malformed(_, MalformedScore::Nothing) | Candidate::Other => {}
            // The scan ends at a cut candidate, or drops it.
            Candidate::Cut => self.add_broken(ReplyError::Truncated),
        }
        self.repairs.note(Repair::Prose);
    }

    fn add_broken(&mut self, why: ReplyError) {
        self.broken = self.broken.or(Some(why));
    }

    fn add_answer(&mut self, answer: AnswerObject, facts: &[&str]) {
        let AnswerObject { object, mut repairs, unfit } = answer;
        let fields = AnswerFields::read(&object, unfit, facts, &mut repairs);
        self.repairs.merge(repairs);
        let Some((first_object, first)) = &mut self.first else {
            self.first = Some((object, fields));
            return;
        };
        self.repairs.note(Repair::Prose);
        match (first, fields) {
            (Ok(first), Ok(fields)) => {
                self.differ |= !first.same(&fields);
                if first.drivers != fields.drivers {
                    first.drivers = None;
                    self.repairs.note(Repair::DriversIgnored);
                }
            }
            (Err(_), Err(_)) => self.differ |= values(first_object) != values(&object),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => self.differ = true,
        }
    }

    /// The one answer, if there is one and it is valid.
    pub(super) fn settle(self) -> Result<(AnswerFields, Repairs), ReplyError> {
        match (self.first, self.broken) {
            _ if self.differ => Err(ReplyError::Ambiguous),
            (Some(_), Some(_)) => Err(ReplyError::Ambiguous),
            (None, Some(unusable)) => Err(unusable),
            (Some((_, fields)), None) if self.outside => Ok((fields?, self.repairs)),
            (Some(_), None) => Err(ReplyError::NoObject),
            (None, None) => Err(self.nearest.unwrap_or(ReplyError::NoObject)),
        }
    }
}

/// The three values that an answer is, as they were written.
fn values(object: &ReplyObject) -> [Option<&ReplyValue>; 3] {
    ["risk_score", "explanation", "recommendations"].map(|key| object.get(key))
}
