//! What a scan has found so far, and what comes of it.
//!
//! Takes: the scan's findings in the order of the text.
//! Gives: the one answer's fields with every repair, or why there is none.
//! Never: prefers the first answer or the last. Several that differ are none.

use super::answer::{Answer, Finding};
use super::fields::Fields;
use super::repair::{Repair, Repairs};
use super::skim::Sight;
use super::unusable::{Key, Unusable};
use super::value::{Object, Value};

/// What has been found. One answer is kept, since all others must be equal to it.
#[derive(Default)]
pub(super) struct Found {
    first: Option<(Object, Result<Fields, Unusable>)>,
    /// Whether there are answers that are not equal.
    differ: bool,
    /// Whether an answer stands outside reasoning.
    outside: bool,
    /// Why something cannot be read that would be an answer. No answer can be trusted beside it.
    broken: Option<Unusable>,
    /// What the reason is if there is no answer: that of the object that comes nearest to one.
    nearest: Option<Unusable>,
    pub(super) repairs: Repairs,
}

impl Found {
    /// Adds what an object or a list of objects is.
    pub(super) fn add(&mut self, finding: Finding, in_reasoning: bool, facts: &[&str]) {
        match finding {
            Finding::Answer(answer) => {
                self.outside |= !in_reasoning;
                self.add_answer(answer, facts);
                return;
            }
            Finding::Several => self.differ = true,
            Finding::Malformed(fault, Sight::Score) => self.add_broken(Unusable::Malformed(fault)),
            Finding::Malformed(_, Sight::NoScore) => self.add_broken(Unusable::Type(Key::RiskScore)),
            Finding::Malformed(_, Sight::Echo) | Finding::Echo => {
                self.nearest = Some(Unusable::Type(Key::RiskScore));
            }
            Finding::Partial => self.nearest = self.nearest.or(Some(Unusable::Missing(Key::RiskScore))),
            Finding::Malformed(_, Sight::Nothing) | Finding::Other => {}
            // The scan ends at a cut candidate, or drops it.
            Finding::Cut => self.add_broken(Unusable::Truncated),
        }
        self.repairs.note(Repair::Prose);
    }

    fn add_broken(&mut self, why: Unusable) {
        self.broken = self.broken.or(Some(why));
    }

    fn add_answer(&mut self, answer: Answer, facts: &[&str]) {
        let Answer { object, mut repairs, unfit } = answer;
        let fields = Fields::read(&object, unfit, facts, &mut repairs);
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
    pub(super) fn settle(self) -> Result<(Fields, Repairs), Unusable> {
        match (self.first, self.broken) {
            _ if self.differ => Err(Unusable::Ambiguous),
            (Some(_), Some(_)) => Err(Unusable::Ambiguous),
            (None, Some(unusable)) => Err(unusable),
            (Some((_, fields)), None) if self.outside => Ok((fields?, self.repairs)),
            (Some(_), None) => Err(Unusable::NoObject),
            (None, None) => Err(self.nearest.unwrap_or(Unusable::NoObject)),
        }
    }
}

/// The three values that an answer is, as they were written.
fn values(object: &Object) -> [Option<&Value>; 3] {
    ["risk_score", "explanation", "recommendations"].map(|key| object.get(key))
}
