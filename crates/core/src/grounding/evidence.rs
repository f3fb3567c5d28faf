//! What the prompt said, and whether it supports a claim.
//!
//! Takes: an alert type, its facts, the numbers that the type's texts show.
//! Gives: a yes or a no for each claim.
//! Never: supports a number by the scorecard's points or thresholds, which no prompt shows.

use super::claim::{Claim, Form};
use super::digits::{EPSILON, same};
use super::subject::Subject;
use super::vocabulary::Unit;
use crate::alert::Facts;
use crate::alert_type::{AlertType, Fact, FactValue};
use crate::limits::{RISK_SCORE_MAX, RISK_SCORE_MIN};
use crate::number::Number;

/// Everything that can support a claim, but for the reply's own risk score.
#[derive(Debug)]
pub(super) struct Evidence {
    /// By the fact's place in its type's list.
    facts: Vec<Option<Known>>,
    values: Vec<Value>,
}

/// The value of a numeric fact.
#[derive(Debug)]
struct Known {
    value: f64,
    min: f64,
    max: f64,
    unit: Unit,
}

/// A number that a claim can repeat.
#[derive(Debug)]
struct Value {
    number: f64,
    unit: Option<Unit>,
    source: Source,
}

/// Where it is from, which decides how it may be repeated.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    /// As it is, with or without its unit.
    Said,
    /// A distance has no sign: it may be repeated with one.
    Difference,
    /// Only as a percentage.
    Share,
}

/// A round number may lie this far from what it stands for, as a part of that.
const HEDGED_ERROR_MAX: f64 = 0.125;
/// From here on, a hedged number may be rounded to hundreds.
const HUNDREDS_MIN: f64 = 1000.0;

impl Known {
    fn new(fact: &Fact, facts: &Facts) -> Option<Self> {
        let range = fact.range()?;
        let FactValue::Number(value) = facts.get(fact.id())? else { return None };
        let (min, max) = (range.min.get(), range.max.get());
        Some(Self { value: value.get(), min, max, unit: Unit::new(&range.unit) })
    }

    fn percent(&self) -> f64 {
        (self.value - self.min) / (self.max - self.min) * 100.0
    }

    /// As a claim in percent names it.
    fn in_percent(&self) -> f64 {
        if self.unit.is_percent() { self.value } else { self.percent() }
    }

    fn is_end(&self, number: f64) -> bool {
        same(number, self.min) || same(number, self.max)
    }
}

impl Evidence {
    pub(super) fn new(alert_type: &AlertType, facts: &Facts) -> Self {
        let facts: Vec<_> = alert_type.facts().iter().map(|fact| Known::new(fact, facts)).collect();
        let mut values = vec![
            Value::said(f64::from(alert_type.horizon_days()), Some(Unit::new("days"))),
            Value::said(RISK_SCORE_MIN, None),
            Value::said(RISK_SCORE_MAX, None),
            Value::share(0.0),
            Value::share(100.0),
        ];
        let known: Vec<_> = facts.iter().flatten().collect();
        for (index, fact) in known.iter().enumerate() {
            values.push(Value::said(fact.value, Some(fact.unit.clone())));
            values.push(Value::difference(fact.value, fact.min, &fact.unit));
            values.push(Value::difference(fact.value, fact.max, &fact.unit));
            values.push(Value::share(fact.percent()));
            values.push(Value::share(100.0 - fact.percent()));
            for other in known.iter().skip(index + 1).filter(|other| other.unit == fact.unit) {
                values.push(Value::difference(fact.value, other.value, &fact.unit));
                if (other.min, other.max) == (fact.min, fact.max) {
                    values.push(Value::share((fact.percent() - other.percent()).abs()));
                }
            }
        }
        Self { facts, values }
    }

    /// Adds the numbers of a text that the prompt shows, such as the window in a label.
    pub(super) fn show(&mut self, claims: &[Claim]) {
        self.values.extend(claims.iter().map(|claim| Value::said(claim.numeral.value, claim.unit.clone())));
    }

    pub(super) fn supports(&self, claim: &Claim, risk_score: Number) -> bool {
        let risk_score = risk_score.get();
        let number = claim.numeral.value;
        if claim.is_end && self.is_end(claim) {
            return true;
        }
        match (claim.form, claim.subject) {
            (Form::Foreign, _) => false,
            (Form::Facts, _) => number <= f64::from(u32::try_from(self.facts.len()).unwrap_or(u32::MAX)),
            (Form::Decade, _) => self
                .known()
                .map(|fact| fact.value)
                .chain([risk_score])
                .any(|value| value >= number && value < number + 10.0),
            (Form::Plain, Some(subject)) if self.is_in_unit_of(subject, claim) => match self.fact(subject) {
                Some(fact) => claim.repeats(if claim.is_percent() { fact.in_percent() } else { fact.value }),
                None => claim.repeats(risk_score),
            },
            (Form::Plain, _) => self.says(claim, risk_score),
            (Form::OutOf(whole), subject) => self.says_out_of(claim, whole, subject, risk_score),
        }
    }

    fn known(&self) -> impl Iterator<Item = &Known> {
        self.facts.iter().flatten()
    }

    fn fact(&self, subject: Subject) -> Option<&Known> {
        match subject {
            Subject::Fact(place) => self.facts.get(place)?.as_ref(),
            Subject::Risk => None,
        }
    }

    /// Whether the claim is an end of a range in its own unit, or of the scale.
    fn is_end(&self, claim: &Claim) -> bool {
        let number = claim.numeral.value;
        let of_fact =
            |fact: &Known| fact.is_end(number) && claim.unit.as_ref().is_none_or(|unit| *unit == fact.unit);
        let is_score = claim.unit.as_ref().is_none_or(|unit| unit.is_percent() || *unit == Unit::point());
        self.known().any(of_fact)
            || is_score && (same(number, RISK_SCORE_MIN) || same(number, RISK_SCORE_MAX))
    }

    /// A claim that says whose value it is has to be that value, unless its unit is about something else.
    fn is_in_unit_of(&self, subject: Subject, claim: &Claim) -> bool {
        let Some(unit) = &claim.unit else { return true };
        unit.is_percent() || self.fact(subject).map_or(*unit == Unit::point(), |fact| *unit == fact.unit)
    }

    fn says(&self, claim: &Claim, risk_score: f64) -> bool {
        let as_score = claim.unit.as_ref().is_none_or(|unit| unit.is_percent() || *unit == Unit::point());
        as_score && claim.repeats(risk_score) || self.values.iter().any(|value| value.supports(claim))
    }

    /// On a scale that the prompt shows, the part is a value on that scale. Otherwise only two values of one unit can
    /// stand so, as in `demand/supply: 92.5/20`; the quotient of unlike things is nothing that a prompt says.
    fn says_out_of(&self, claim: &Claim, whole: f64, subject: Option<Subject>, risk_score: f64) -> bool {
        let ends_there = |fact: &&Known| same(fact.max, whole);
        let is_scale = same(whole, RISK_SCORE_MAX) || self.known().any(|fact| same(fact.max, whole));
        match subject {
            Some(Subject::Risk) => return same(whole, RISK_SCORE_MAX) && claim.repeats(risk_score),
            Some(subject @ Subject::Fact(_)) => {
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

impl Value {
    fn said(number: f64, unit: Option<Unit>) -> Self {
        Self { number, unit, source: Source::Said }
    }

    fn difference(one: f64, other: f64, unit: &Unit) -> Self {
        Self { number: (one - other).abs(), unit: Some(unit.clone()), source: Source::Difference }
    }

    fn share(percent: f64) -> Self {
        Self { number: percent, unit: Some(Unit::percent()), source: Source::Share }
    }

    fn supports(&self, claim: &Claim) -> bool {
        // A debt of -20 is also said as 20.
        let has_no_sign = self.source == Source::Difference || self.number < 0.0;
        let number = if has_no_sign { self.number.copysign(claim.numeral.value) } else { self.number };
        let days = self.unit.as_ref().and_then(Unit::days);
        match (&claim.unit, &self.unit) {
            (None, _) if self.source == Source::Share => false,
            // `14 tutors` is not what `14 days` said.
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

impl Claim {
    fn is_percent(&self) -> bool {
        self.unit.as_ref().is_some_and(Unit::is_percent)
    }

    /// Whether the claim equals a number or is a rounding of it; where it says so itself, also to tens, hundreds or
    /// dozens.
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
