//! Whether the prompt supports a percentage.

use super::{Evidence, KnownFact, Unsupported};
use crate::grounding::claim::NumberClaim;
use crate::grounding::digits::same;
use crate::grounding::report::ClaimRole;
use crate::grounding::role::NO_PERCENTAGE;
use crate::grounding::subject::ClaimSubject;
use crate::limits::RISK_SCORE_MAX;

/// A whole, in percent.
const WHOLE: f64 = 100.0;

impl KnownFact {
    /// The share of the range that the value covers.
    fn share(&self) -> f64 {
        (self.value - self.min) / (self.max - self.min) * WHOLE
    }

    /// The value in percent, if its unit is percent, or if it is a ratio by its unit or by its range of 0 to 1.
    fn percent(&self) -> Option<f64> {
        if self.unit.is_percent() {
            Some(self.value)
        } else if self.unit.is_ratio() || same(self.min, 0.0) && same(self.max, 1.0) {
            Some(self.value * WHOLE)
        } else {
            None
        }
    }
}

impl Evidence {
    pub(super) fn percentage(
        &self,
        claim: &NumberClaim,
        subject: Option<ClaimSubject>,
        part_of: Option<ClaimSubject>,
        is_rest: bool,
        risk_score: f64,
    ) -> Option<Unsupported> {
        let states = |fact: &KnownFact| {
            // `Cancelled bookings of 25%` states the value, and not its share of the range.
            let is_stated = fact.unit.is_percent() && claim.subject.is_some();
            let share = (!is_stated).then(|| fact.share());
            let rest = is_rest.then_some(WHOLE - fact.share());
            [fact.percent(), share, rest].into_iter().flatten().any(|percent| claim.repeats(percent))
        };
        // `22% of demand` is arithmetic with two facts, which the prompt does not have.
        if part_of.is_some_and(|part_of| subject != Some(part_of)) {
            return Some((ClaimRole::Percentage, NO_PERCENTAGE.to_owned()));
        }
        let is_end = same(claim.numeral.value, 0.0) || same(claim.numeral.value, RISK_SCORE_MAX);
        let (supported, reason) = match subject {
            Some(ClaimSubject::Risk) => (claim.repeats(risk_score), super::score_reason(risk_score)),
            Some(subject) => match self.fact(subject) {
                Some(fact) => (states(fact), fact.reason()),
                None => (false, NO_PERCENTAGE.to_owned()),
            },
            None => {
                let any = self.known().any(states) || claim.repeats(risk_score) || is_end;
                (any, NO_PERCENTAGE.to_owned())
            }
        };
        (!supported).then_some((ClaimRole::Percentage, reason))
    }

    /// A share of things: only a fact in percent, or of a range from 0 to 1, has one.
    pub(super) fn share(&self, claim: &NumberClaim) -> Option<Unsupported> {
        let supported = self.known().filter_map(KnownFact::percent).any(|percent| claim.repeats(percent));
        (!supported).then(|| (ClaimRole::Percentage, NO_PERCENTAGE.to_owned()))
    }
}
