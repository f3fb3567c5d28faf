//! The numbers that a prompt contains, and whether they support a claim.
//!
//! Never: uses the points or thresholds of the scorecard, because no prompt contains them.

use super::claim::{ClaimForm, NumberClaim};
use super::digits::{EPSILON, same};
use super::subject::ClaimSubject;
use super::vocabulary::ClaimUnit;
use crate::alert::Facts;
use crate::alert_type::{AlertType, Fact, FactValue};
use crate::limits::{RISK_SCORE_MAX, RISK_SCORE_MIN};
use crate::number::Number;

/// Everything that can support a claim, except the reply's own risk score.
#[derive(Debug)]
pub(super) struct Evidence {
    /// By the fact's index in its type. `None` for a fact that is not numeric.
    facts: Vec<Option<KnownFact>>,
    values: Vec<KnownNumber>,
}

/// The value of a numeric fact.
#[derive(Debug)]
struct KnownFact {
    value: f64,
    min: f64,
    max: f64,
    unit: ClaimUnit,
}

/// A number that supports a claim that repeats it.
#[derive(Debug)]
struct KnownNumber {
    number: f64,
    unit: Option<ClaimUnit>,
    source: NumberSource,
}

/// Where a number comes from. This decides how a claim may repeat it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum NumberSource {
    /// The prompt states it. A claim may repeat it with or without its unit.
    Stated,
    /// A difference has no sign. A claim may repeat it with either sign.
    Difference,
    /// A share. A claim may repeat it only as a percentage.
    Share,
}

/// The largest relative error of a hedged number.
const HEDGED_ERROR_MAX: f64 = 0.125;
/// From this number on, a hedged number may be rounded to hundreds.
const HUNDREDS_MIN: f64 = 1000.0;

impl KnownFact {
    fn new(fact: &Fact, facts: &Facts) -> Option<Self> {
        let range = fact.range()?;
        let FactValue::Number(value) = facts.get(fact.id())? else { return None };
        let (min, max) = (range.min.get(), range.max.get());
        Some(Self { value: value.get(), min, max, unit: ClaimUnit::new(&range.unit) })
    }

    fn percent(&self) -> f64 {
        (self.value - self.min) / (self.max - self.min) * 100.0
    }

    /// The value as a claim in percent states it.
    fn in_percent(&self) -> f64 {
        if self.unit.is_percent() { self.value } else { self.percent() }
    }

    fn is_end(&self, number: f64) -> bool {
        same(number, self.min) || same(number, self.max)
    }
}

impl Evidence {
    pub(super) fn new(alert_type: &AlertType, facts: &Facts) -> Self {
        let facts: Vec<_> = alert_type.facts().iter().map(|fact| KnownFact::new(fact, facts)).collect();
        let mut values = vec![
            KnownNumber::stated(f64::from(alert_type.horizon_days()), Some(ClaimUnit::new("days"))),
            KnownNumber::stated(RISK_SCORE_MIN, None),
            KnownNumber::stated(RISK_SCORE_MAX, None),
            KnownNumber::share(0.0),
            KnownNumber::share(100.0),
        ];
        let known: Vec<_> = facts.iter().flatten().collect();
        for (index, fact) in known.iter().enumerate() {
            values.push(KnownNumber::stated(fact.value, Some(fact.unit.clone())));
            values.push(KnownNumber::difference(fact.value, fact.min, &fact.unit));
            values.push(KnownNumber::difference(fact.value, fact.max, &fact.unit));
            values.push(KnownNumber::share(fact.percent()));
            values.push(KnownNumber::share(100.0 - fact.percent()));
            for other in known.iter().skip(index + 1).filter(|other| other.unit == fact.unit) {
                values.push(KnownNumber::difference(fact.value, other.value, &fact.unit));
                if (other.min, other.max) == (fact.min, fact.max) {
                    values.push(KnownNumber::share((fact.percent() - other.percent()).abs()));
                }
            }
        }
        Self { facts, values }
    }

    /// Adds the claims of a text in the prompt, such as the window in a label.
    pub(super) fn add_claims(&mut self, claims: &[NumberClaim]) {
        self.values
            .extend(claims.iter().map(|claim| KnownNumber::stated(claim.numeral.value, claim.unit.clone())));
    }

    pub(super) fn supports(&self, claim: &NumberClaim, risk_score: Number) -> bool {
        let risk_score = risk_score.get();
        let number = claim.numeral.value;
        if claim.is_end && self.is_end(claim) {
            return true;
        }
        match (claim.form, claim.subject) {
            (ClaimForm::NeverSupported, _) => false,
            (ClaimForm::Facts, _) => number <= f64::from(u32::try_from(self.facts.len()).unwrap_or(u32::MAX)),
            (ClaimForm::Decade, _) => self
                .known()
                .map(|fact| fact.value)
                .chain([risk_score])
                .any(|value| value >= number && value < number + 10.0),
            (ClaimForm::Plain, Some(subject)) if self.is_in_unit_of(subject, claim) => match self
                .fact(subject)
            {
                Some(fact) => claim.repeats(if claim.is_percent() { fact.in_percent() } else { fact.value }),
                None => claim.repeats(risk_score),
            },
            (ClaimForm::Plain, _) => self.supports_plain(claim, risk_score),
            (ClaimForm::OutOf(whole), subject) => self.supports_part(claim, whole, subject, risk_score),
        }
    }

    fn known(&self) -> impl Iterator<Item = &KnownFact> {
        self.facts.iter().flatten()
    }

    fn fact(&self, subject: ClaimSubject) -> Option<&KnownFact> {
        match subject {
            ClaimSubject::Fact(index) => self.facts.get(index)?.as_ref(),
            ClaimSubject::Risk => None,
        }
    }

    /// Whether the claim is an end of the range of a fact with the same unit, or an end of the scale.
    fn is_end(&self, claim: &NumberClaim) -> bool {
        let number = claim.numeral.value;
        let of_fact = |fact: &KnownFact| {
            fact.is_end(number) && claim.unit.as_ref().is_none_or(|unit| *unit == fact.unit)
        };
        let is_score =
            claim.unit.as_ref().is_none_or(|unit| unit.is_percent() || *unit == ClaimUnit::point());
        self.known().any(of_fact)
            || is_score && (same(number, RISK_SCORE_MIN) || same(number, RISK_SCORE_MAX))
    }

    /// Whether a claim is in the unit of its subject, so that it must be the value of that subject.
    fn is_in_unit_of(&self, subject: ClaimSubject, claim: &NumberClaim) -> bool {
        let Some(unit) = &claim.unit else { return true };
        unit.is_percent() || self.fact(subject).map_or(*unit == ClaimUnit::point(), |fact| *unit == fact.unit)
    }

    fn supports_plain(&self, claim: &NumberClaim, risk_score: f64) -> bool {
        let as_score =
            claim.unit.as_ref().is_none_or(|unit| unit.is_percent() || *unit == ClaimUnit::point());
        as_score && claim.repeats(risk_score) || self.values.iter().any(|value| value.supports(claim))
    }

    /// Whether a part of a whole is supported. If the whole is the end of a scale in the prompt, the part must be a
    /// value on that scale. Otherwise, both must be values in the same unit, as in `demand/supply: 92.5/20`.
    fn supports_part(
        &self,
        claim: &NumberClaim,
        whole: f64,
        subject: Option<ClaimSubject>,
        risk_score: f64,
    ) -> bool {
        let ends_there = |fact: &&KnownFact| same(fact.max, whole);
        let is_scale = same(whole, RISK_SCORE_MAX) || self.known().any(|fact| same(fact.max, whole));
        match subject {
            Some(ClaimSubject::Risk) => return same(whole, RISK_SCORE_MAX) && claim.repeats(risk_score),
            Some(subject @ ClaimSubject::Fact(_)) => {
                return self.fact(subject).filter(ends_there).is_some_and(|fact| claim.repeats(fact.value));
            }
            None => {}
        }
        if is_scale {
            let is_risk = same(whole, RISK_SCORE_MAX) && claim.repeats(risk_score);
            return is_risk || self.known().filter(ends_there).any(|fact| claim.repeats(fact.value));
        }
        let other = claim.with_value(whole);
        self.known()
            .filter(|one| claim.repeats(one.value))
            .any(|one| self.known().any(|fact| fact.unit == one.unit && other.repeats(fact.value)))
    }
}

impl KnownNumber {
    fn stated(number: f64, unit: Option<ClaimUnit>) -> Self {
        Self { number, unit, source: NumberSource::Stated }
    }

    fn difference(one: f64, other: f64, unit: &ClaimUnit) -> Self {
        Self { number: (one - other).abs(), unit: Some(unit.clone()), source: NumberSource::Difference }
    }

    fn share(percent: f64) -> Self {
        Self { number: percent, unit: Some(ClaimUnit::percent()), source: NumberSource::Share }
    }

    fn supports(&self, claim: &NumberClaim) -> bool {
        // A debt of -20 can also be stated as 20.
        let has_no_sign = self.source == NumberSource::Difference || self.number < 0.0;
        let number = if has_no_sign { self.number.copysign(claim.numeral.value) } else { self.number };
        let days = self.unit.as_ref().and_then(ClaimUnit::days);
        match (&claim.unit, &self.unit) {
            (None, _) if self.source == NumberSource::Share => false,
            // `14 days` does not support `14 tutors`.
            (None, _) => (days.is_none() || !claim.counts_things) && claim.repeats(number),
            (Some(claimed), Some(unit)) if claimed == unit => claim.repeats(number),
            (Some(claimed), Some(_)) => match (days, claimed.days()) {
                (Some(days), Some(claimed)) => claim.repeats(number * days / claimed),
                _ => false,
            },
            (Some(_), None) => false,
        }
    }
}

impl NumberClaim {
    fn is_percent(&self) -> bool {
        self.unit.as_ref().is_some_and(ClaimUnit::is_percent)
    }

    /// Whether the claim equals a number or is a rounding of it. A hedged claim may also be rounded to tens, hundreds
    /// or dozens.
    fn repeats(&self, number: f64) -> bool {
        let error = (self.numeral.value - number).abs();
        if error <= self.numeral.half_place + EPSILON * number.abs().max(1.0) {
            return true;
        }
        let step = if number.abs() < HUNDREDS_MIN { 10.0 } else { 100.0 };
        let is_round = |step: f64| self.numeral.value % step == 0.0 && error <= step / 2.0;
        self.hedged && (is_round(step) || is_round(12.0)) && error <= HEDGED_ERROR_MAX * number.abs()
    }
}
