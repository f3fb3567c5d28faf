//! The numbers that a prompt contains, and whether they support what a claim says.
//!
//! Never: uses the points or thresholds of the scorecard, because no prompt contains them.

use super::claim::NumberClaim;
use super::digits::{EPSILON, same};
use super::report::ClaimRole;
use super::role::{Claimed, ComparisonOrder, WindowTime};
use super::subject::ClaimSubject;
use super::vocabulary::ClaimUnit;
use crate::alert::Facts;
use crate::alert_type::{AlertType, Fact, FactValue};
use crate::limits::{RISK_SCORE_MAX, RISK_SCORE_MIN};
use crate::number::Number;

mod percentage;
mod pair;
mod window;

/// Everything that can support a claim, except the reply's own risk score.
#[derive(Debug)]
pub(super) struct Evidence {
    /// By the fact's index in its type. `None` for a fact that is not numeric.
    facts: Vec<Option<KnownFact>>,
    horizon_days: f64,
    facts_count: f64,
}

/// The value of a numeric fact.
#[derive(Debug)]
struct KnownFact {
    id: String,
    /// The value with its unit, for a reason.
    short: String,
    value: f64,
    min: f64,
    max: f64,
    unit: ClaimUnit,
    /// The windows of time that it covers, in days.
    windows: Vec<f64>,
}

/// Why a claim is not supported: its role, and what was said instead.
pub(super) type Unsupported = (ClaimRole, String);

/// The largest relative error of a hedged number.
const HEDGED_ERROR_MAX: f64 = 0.125;
/// From this number on, a hedged number may be rounded to hundreds.
const HUNDREDS_MIN: f64 = 1000.0;
/// The days of a week.
const WEEK_DAYS: f64 = 7.0;
/// The width of a decade, as in `the 60s`.
const DECADE: f64 = 10.0;

impl KnownFact {
    fn new(fact: &Fact, facts: &Facts, windows: &[f64]) -> Option<Self> {
        let range = fact.range()?;
        let value = facts.get(fact.id())?;
        let FactValue::Number(number) = value else { return None };
        let (min, max) = (range.min.get(), range.max.get());
        Some(Self {
            id: fact.id().to_owned(),
            short: fact.short(value),
            value: number.get(),
            min,
            max,
            unit: ClaimUnit::new(&range.unit),
            windows: windows.to_vec(),
        })
    }

    fn is_end(&self, number: f64) -> bool {
        same(number, self.min) || same(number, self.max)
    }

    /// `4 sessions in 7`: the number is the window without its unit, in days or weeks.
    fn is_bare_window(&self, claim: &NumberClaim) -> bool {
        let is_number = |window: f64| same(window, claim.numeral.value);
        claim.unit.is_none()
            && claim.after_in
            && self.windows.iter().any(|window| is_number(*window) || is_number(*window / WEEK_DAYS))
    }

    fn reason(&self) -> String {
        format!("{} is {}", self.id, self.short)
    }
}

impl Evidence {
    /// The evidence of an alert. `windows` has the windows of each fact, in the type's order.
    pub(super) fn new(alert_type: &AlertType, facts: &Facts, windows: &[Vec<f64>]) -> Self {
        let of = |(index, fact): (usize, &Fact)| {
            KnownFact::new(fact, facts, windows.get(index).map(Vec::as_slice).unwrap_or_default())
        };
        let all = alert_type.facts();
        Self {
            facts: all.iter().enumerate().map(of).collect(),
            horizon_days: f64::from(alert_type.horizon_days()),
            facts_count: f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX)),
        }
    }

    /// Why the claim is not supported. `None` if it is.
    pub(super) fn check(
        &self,
        claim: &NumberClaim,
        claimed: &Claimed,
        risk_score: Number,
    ) -> Option<Unsupported> {
        let risk_score = risk_score.get();
        if claim.is_end && self.is_end(claim) {
            return None;
        }
        match claimed {
            Claimed::Value { subject, or_score } => self.value(claim, *subject, *or_score, risk_score),
            Claimed::Percentage { subject, part_of, is_rest } => {
                self.percentage(claim, *subject, *part_of, *is_rest, risk_score)
            }
            Claimed::Share => self.share(claim),
            Claimed::AnyOf(subjects) => self.any_of(claim, subjects, risk_score),
            Claimed::Chance => {
                (!claim.repeats(risk_score)).then(|| (ClaimRole::Score, score_reason(risk_score)))
            }
            Claimed::Distance { subjects, is_of_two, or_value } => {
                self.distance(claim, subjects, *is_of_two, *or_value, risk_score)
            }
            Claimed::Comparison { subjects, order, is_close } => {
                self.comparison(claim, subjects, *order, *is_close, risk_score)
            }
            Claimed::Window { subject, time } => self.window(claim, *subject, *time),
            Claimed::Rate { subject, days } => self.rate(claim, *subject, *days),
            Claimed::Ratio { subjects, order, of_time } => {
                self.ratio(claim, subjects, *order, *of_time, risk_score)
            }
            Claimed::Part { subjects, whole } => self.part(claim, subjects, *whole, risk_score),
            Claimed::Facts => (claim.numeral.value > self.facts_count)
                .then(|| (ClaimRole::CountedNoun, "the alert has fewer facts".to_owned())),
            Claimed::Never(role, reason) => Some((*role, (*reason).to_owned())),
        }
    }

    /// Whether any number of the prompt equals the claim, whatever it is said to be. It is the check of a text whose
    /// words are not known.
    pub(super) fn check_loosely(&self, claim: &NumberClaim, risk_score: Number) -> Option<Unsupported> {
        let risk_score = risk_score.get();
        if claim.unit.as_ref().is_some_and(|unit| unit.days().is_some()) {
            return self.window(claim, None, WindowTime::Either);
        }
        let repeats = |number: f64| claim.repeats(number);
        let supported = claim.is_percent() && self.percentage(claim, None, None, false, risk_score).is_none()
            || repeats(risk_score)
            || self.known().any(|fact| repeats(fact.value) || fact.is_end(claim.numeral.value))
            || self
                .known()
                .flat_map(|fact| &fact.windows)
                .chain([&self.horizon_days])
                .any(|days| repeats(*days))
            || self.pairs().any(|(one, other)| repeats((one.value - other.value).abs()));
        (!supported).then(|| (ClaimRole::Value, NO_VALUE.to_owned()))
    }

    /// The facts whose unit the claim has.
    pub(super) fn facts_of_unit(&self, claim: &NumberClaim) -> Vec<ClaimSubject> {
        let Some(unit) = &claim.unit else { return Vec::new() };
        let fits = |(index, fact): (usize, &Option<KnownFact>)| {
            fact.as_ref().filter(|fact| fact.unit == *unit).map(|_| ClaimSubject::Fact(index))
        };
        let mut subjects: Vec<_> = self.facts.iter().enumerate().filter_map(fits).collect();
        if unit.is_point() {
            subjects.push(ClaimSubject::Risk);
        }
        subjects
    }

    /// Whether a fact covers a window of time.
    pub(super) fn has_window(&self, subject: ClaimSubject) -> bool {
        self.fact(subject).is_some_and(|fact| !fact.windows.is_empty())
    }

    /// Whether a fact, or any one if none is named, covers this many days.
    pub(super) fn is_window(&self, subject: Option<ClaimSubject>, days: f64) -> bool {
        let covers = |fact: &KnownFact| fact.windows.iter().any(|window| same(*window, days));
        match subject.and_then(|subject| self.fact(subject)) {
            Some(fact) => covers(fact),
            None => self.known().any(covers),
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

    /// Every two facts with the same unit.
    fn pairs(&self) -> impl Iterator<Item = (&KnownFact, &KnownFact)> {
        let known: Vec<_> = self.known().collect();
        let pairs = known.clone().into_iter().enumerate().flat_map(move |(at, one)| {
            let others: Vec<_> =
                known.iter().skip(at + 1).filter(|other| other.unit == one.unit).copied().collect();
            others.into_iter().map(move |other| (one, other))
        });
        pairs.collect::<Vec<_>>().into_iter()
    }

    /// Whether the claim is an end of the range of a fact with the same unit, or an end of the scale.
    fn is_end(&self, claim: &NumberClaim) -> bool {
        let number = claim.numeral.value;
        let of_fact = |fact: &KnownFact| {
            fact.is_end(number) && claim.unit.as_ref().is_none_or(|unit| *unit == fact.unit)
        };
        let is_score = claim.unit.as_ref().is_none_or(|unit| unit.is_percent() || unit.is_point());
        self.known().any(of_fact)
            || is_score && (same(number, RISK_SCORE_MIN) || same(number, RISK_SCORE_MAX))
    }

    fn value(
        &self,
        claim: &NumberClaim,
        subject: Option<ClaimSubject>,
        or_score: bool,
        risk_score: f64,
    ) -> Option<Unsupported> {
        let states = |number: f64| {
            if claim.form == super::claim::ClaimForm::Decade {
                (claim.numeral.value..claim.numeral.value + DECADE).contains(&number)
            } else {
                claim.repeats(number) || number < 0.0 && claim.repeats(-number)
            }
        };
        match subject {
            Some(ClaimSubject::Risk) => {
                (!states(risk_score)).then(|| (ClaimRole::Score, score_reason(risk_score)))
            }
            Some(subject) => {
                let Some(fact) = self.fact(subject) else {
                    return Some((ClaimRole::Value, NO_FACT.to_owned()));
                };
                let also = or_score && states(risk_score) || fact.is_bare_window(claim);
                (!states(fact.value) && !also).then(|| (ClaimRole::Value, fact.reason()))
            }
            None => {
                let fits = |fact: &&KnownFact| claim.unit.as_ref().is_none_or(|unit| *unit == fact.unit);
                let as_score = claim.unit.as_ref().is_none_or(ClaimUnit::is_point);
                let is_end = claim.unit.is_none() && self.is_end(claim);
                let supported = self.known().filter(fits).any(|fact| states(fact.value))
                    || as_score && states(risk_score)
                    || is_end;
                (!supported).then(|| (ClaimRole::Value, NO_VALUE.to_owned()))
            }
        }
    }

    /// Whether the claim is the value of one of these subjects.
    fn any_of(&self, claim: &NumberClaim, subjects: &[ClaimSubject], risk_score: f64) -> Option<Unsupported> {
        let supported =
            subjects.iter().any(|subject| self.value(claim, Some(*subject), false, risk_score).is_none());
        (!supported).then(|| (ClaimRole::Value, "no fact that the sentence names has this value".to_owned()))
    }

    fn comparison(
        &self,
        claim: &NumberClaim,
        subjects: &[ClaimSubject],
        order: ComparisonOrder,
        is_close: bool,
        risk_score: f64,
    ) -> Option<Unsupported> {
        let limit = claim.numeral.value;
        let holds = |value: f64| {
            let near = !is_close || (value - limit).abs() <= HEDGED_ERROR_MAX * value.abs().max(1.0);
            near && match order {
                ComparisonOrder::Above => value > limit,
                ComparisonOrder::AtLeast => value >= limit,
                ComparisonOrder::Below => value < limit,
                ComparisonOrder::AtMost => value <= limit,
            }
        };
        let holds_for = |subject: &ClaimSubject| match subject {
            ClaimSubject::Risk => holds(risk_score),
            ClaimSubject::Fact(_) => self.fact(*subject).is_some_and(|fact| holds(fact.value)),
        };
        let (supported, reason) = match subjects {
            [] => (self.known().any(|fact| holds(fact.value)) || holds(risk_score), NO_VALUE.to_owned()),
            [ClaimSubject::Risk] => (holds(risk_score), score_reason(risk_score)),
            [subject] => {
                (holds_for(subject), self.fact(*subject).map_or(NO_FACT.to_owned(), KnownFact::reason))
            }
            several => (several.iter().any(holds_for), NO_VALUE.to_owned()),
        };
        (!supported).then_some((ClaimRole::Comparison, reason))
    }
}

/// The reason if no fact is named.
const NO_VALUE: &str = "no fact has this value";
/// The reason for the value of an optional fact that is missing.
const NO_FACT: &str = "the alert does not have this fact";

fn score_reason(risk_score: f64) -> String {
    format!("the risk score is {risk_score}")
}

impl NumberClaim {
    /// Whether the claim equals a number or is a rounding of it. A hedged claim may also be rounded to fives, tens or
    /// hundreds.
    fn repeats(&self, number: f64) -> bool {
        let error = (self.numeral.value - number).abs();
        if error <= self.numeral.half_place + EPSILON * number.abs().max(1.0) {
            return true;
        }
        let step = if number.abs() < HUNDREDS_MIN { 10.0 } else { 100.0 };
        let is_round = |step: f64| self.numeral.value % step == 0.0 && error <= step / 2.0;
        let dozens = self.in_dozens && is_round(12.0);
        self.hedged && (is_round(step) || is_round(5.0) || dozens) && error <= HEDGED_ERROR_MAX * number.abs()
    }

    /// The claim without its sign: a distance has none.
    fn without_sign(&self) -> Self {
        let value = self.numeral.value.abs();
        Self { numeral: super::digits::Numeral { value, ..self.numeral }, ..self.clone() }
    }

    /// Whether the claim is a ratio, rounded as people round ratios.
    fn repeats_ratio(&self, ratio: f64) -> bool {
        let error = (self.numeral.value - ratio).abs();
        let exact = error <= self.numeral.half_place.min(0.05) + EPSILON || error <= 0.03 * ratio.abs();
        exact || self.hedged && error <= HEDGED_ERROR_MAX * ratio.abs()
    }
}
