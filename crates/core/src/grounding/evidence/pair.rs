//! Whether two facts, or a fact and an end of its range, support a distance, a ratio or a part of a whole.

use super::{Evidence, KnownFact, NO_VALUE, Unsupported, score_reason};
use crate::grounding::claim::NumberClaim;
use crate::grounding::digits::same;
use crate::grounding::report::ClaimRole;
use crate::grounding::role::ComparisonOrder;
use crate::grounding::subject::ClaimSubject;
use crate::limits::RISK_SCORE_MAX;

impl Evidence {
    pub(super) fn distance(
        &self,
        claim: &NumberClaim,
        subjects: &[ClaimSubject],
        is_of_two: bool,
        or_value: bool,
        risk_score: f64,
    ) -> Option<Unsupported> {
        let facts: Vec<_> = subjects.iter().filter_map(|subject| self.fact(*subject)).collect();
        let fits =
            |fact: &KnownFact| claim.unit.as_ref().is_none_or(|unit| *unit == fact.unit || unit.is_percent());
        let claim = &claim.without_sign();
        let repeats = |number: f64| claim.repeats(number.abs());
        let to_end = |fact: &KnownFact| repeats(fact.value - fact.min) || repeats(fact.max - fact.value);
        let as_value = |fact: &KnownFact| or_value && claim.repeats(fact.value);
        let of = |fact: &KnownFact| fits(fact) && (to_end(fact) || as_value(fact));
        let between = |one: &KnownFact, other: &KnownFact| {
            one.unit == other.unit && fits(one) && repeats(one.value - other.value)
        };
        // The value of the fact that is named, or else of any.
        let states = if facts.is_empty() {
            self.known().any(as_value) || claim.repeats(risk_score)
        } else {
            facts.iter().any(|fact| as_value(fact))
        };
        let soft = or_value && (states || self.is_end(claim));
        let supported = if soft {
            true
        } else if facts.is_empty() {
            let has_pairs = self.pairs().next().is_some();
            // `The gap is 80 points` is between two facts, and not from the lower end.
            let from_end = |fact: &KnownFact| {
                fits(fact) && (repeats(fact.max - fact.value) || !has_pairs && repeats(fact.value - fact.min))
            };
            self.known().any(|fact| from_end(fact) || fits(fact) && as_value(fact))
                || self.pairs().any(|(one, other)| between(one, other))
                || claim.repeats(risk_score)
        } else {
            !is_of_two && facts.iter().any(|fact| of(fact))
                || facts.iter().any(|one| facts.iter().any(|other| one.id != other.id && between(one, other)))
                || facts.len() == 1 && self.pairs().any(|(one, other)| between(one, other))
        };
        (!supported).then(|| (ClaimRole::Distance, "the facts do not have this distance".to_owned()))
    }

    pub(super) fn ratio(
        &self,
        claim: &NumberClaim,
        subjects: &[ClaimSubject],
        order: Option<ComparisonOrder>,
        of_time: bool,
        risk_score: f64,
    ) -> Option<Unsupported> {
        let facts: Vec<_> = subjects.iter().filter_map(|subject| self.fact(*subject)).collect();
        let holds = |ratio: f64| match order {
            Some(ComparisonOrder::Above | ComparisonOrder::AtLeast) => ratio >= claim.numeral.value,
            Some(ComparisonOrder::Below | ComparisonOrder::AtMost) => ratio <= claim.numeral.value,
            None => claim.repeats_ratio(ratio),
        };
        let repeats = |one: f64, other: f64| other != 0.0 && holds(one / other);
        let windows = |one: &KnownFact, other: &KnownFact| {
            of_time && one.windows.iter().any(|one| other.windows.iter().any(|other| repeats(*one, *other)))
        };
        let of_two = |one: &KnownFact, other: &KnownFact| {
            one.id != other.id
                && (repeats(one.value, other.value) || repeats(other.value, one.value) || windows(one, other))
        };
        let supported = match (facts.as_slice(), subjects) {
            ([one], [_]) => repeats(one.value - one.min, one.max - one.min),
            ([], [ClaimSubject::Risk]) => holds(risk_score / RISK_SCORE_MAX),
            _ => facts.iter().any(|one| facts.iter().any(|other| of_two(one, other))),
        };
        (!supported).then(|| (ClaimRole::Ratio, "the facts do not have this ratio".to_owned()))
    }

    /// A part of a whole. If the whole is the end of a scale in the prompt, the part must be the value on that scale.
    /// Otherwise, both must be values in the same unit, as in `demand/supply: 92.5/20`.
    pub(super) fn part(
        &self,
        claim: &NumberClaim,
        subjects: &[ClaimSubject],
        whole: f64,
        risk_score: f64,
    ) -> Option<Unsupported> {
        let is_score_scale = same(whole, RISK_SCORE_MAX);
        let value_on_scale = |fact: &KnownFact| same(fact.max, whole) && claim.repeats(fact.value);
        let other = claim.with_value(whole);
        let side_by_side = |one: &KnownFact, two: &KnownFact| {
            one.unit == two.unit && claim.repeats(one.value) && other.repeats(two.value)
        };
        let supported = match subjects {
            [ClaimSubject::Risk] => is_score_scale && claim.repeats(risk_score),
            [subject] => self.fact(*subject).is_some_and(value_on_scale),
            [one, two, ..] if !is_score_scale => match (self.fact(*one), self.fact(*two)) {
                (Some(one), Some(two)) => side_by_side(one, two),
                _ => false,
            },
            _ => {
                is_score_scale && claim.repeats(risk_score)
                    || self.known().any(value_on_scale)
                    || self
                        .known()
                        .any(|one| self.known().any(|two| one.id != two.id && side_by_side(one, two)))
            }
        };
        let reason = match subjects {
            [ClaimSubject::Risk] => (ClaimRole::Score, score_reason(risk_score)),
            [subject] => {
                (ClaimRole::Value, self.fact(*subject).map_or(NO_VALUE.to_owned(), KnownFact::reason))
            }
            _ => (ClaimRole::Value, NO_VALUE.to_owned()),
        };
        (!supported).then_some(reason)
    }
}
