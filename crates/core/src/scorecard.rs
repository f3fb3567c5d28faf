//! Scores an alert with an additive points table, as credit scoring has done for decades.
//!
//! Never: fails, calls a model, or uses anything that is not in the alert type.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, NOT_KNOWN};
use crate::alert_type::{FactPoints, FactValue, PointsTable};
use crate::driver::{Driver, Effect};
use crate::limits::{RECOMMENDATIONS_MAX, RECOMMENDATIONS_MIN};
use crate::number::Number;

/// The scorecard's judgement of one alert. Only [`Scored::new`] makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    baseline: Baseline,
    drivers: Vec<Driver>,
    explanation: String,
    recommendations: Vec<String>,
}

/// The score of the scorecard, and its sum: `base` and all `points` add up to `risk_score`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The score, 0 to 100.
    pub risk_score: Number,
    /// The score when no fact adds points.
    pub base: u8,
    /// The points that each fact adds, in the order of the alert type's table.
    pub points: IndexMap<String, u8>,
}

/// One line of the points table, applied to the alert.
struct PointsLine<'a> {
    table: &'a FactPoints,
    /// `None` if the fact is not known.
    value: Option<&'a FactValue>,
    phrase: String,
    points: u8,
    /// `None` if the type does not say what is healthy, or the fact is not known.
    is_healthy: Option<bool>,
}

impl Scored {
    /// Adds up the points of the alert's facts.
    pub fn new(alert: &Alert<'_>) -> Self {
        let table = alert.alert_type().points_table();
        let lines = lines(alert, table);
        let points: IndexMap<_, _> =
            lines.iter().map(|line| (line.table.fact.clone(), line.points)).collect();
        // The lint ensures that the sum is at most 100.
        let risk_score = points.values().fold(table.base, |sum, points| sum.saturating_add(*points)).into();
        let mut largest_first: Vec<&PointsLine<'_>> = lines.iter().collect();
        largest_first.sort_by_key(|line| std::cmp::Reverse(line.points));
        Self {
            baseline: Baseline { risk_score, base: table.base, points },
            drivers: drivers(&largest_first),
            explanation: explanation(alert, &largest_first),
            recommendations: recommendations(&largest_first, table),
        }
    }

    /// The score, with the points that add up to it.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// The facts that add points, largest first.
    pub fn drivers(&self) -> &[Driver] {
        &self.drivers
    }

    /// Plain sentences that name the drivers and their values, largest first.
    pub fn explanation(&self) -> &str {
        &self.explanation
    }

    /// Two or three lines of the alert type's advice.
    pub fn recommendations(&self) -> &[String] {
        &self.recommendations
    }
}

fn lines<'a>(alert: &'a Alert<'_>, table: &'a PointsTable) -> Vec<PointsLine<'a>> {
    let line = |each: &'a FactPoints| {
        let value = alert.facts().get(&each.fact);
        let fact = alert.alert_type().fact(&each.fact)?;
        Some(PointsLine {
            table: each,
            value,
            phrase: value
                .map_or_else(|| format!("{}: {NOT_KNOWN}", fact.label()), |value| fact.describe(value)),
            points: each.points_of(value),
            is_healthy: value.and_then(|value| fact.is_healthy(value)),
        })
    };
    table.points.iter().filter_map(line).collect()
}

fn drivers(largest_first: &[&PointsLine<'_>]) -> Vec<Driver> {
    let raising = largest_first.iter().filter(|line| line.points > 0);
    raising
        .map(|line| Driver {
            fact: line.table.fact.clone(),
            value: line.value.cloned().unwrap_or_else(|| FactValue::Word(NOT_KNOWN.into())),
            effect: Effect::Raises,
            because: match line.points {
                1 => format!("{}, worth 1 point.", sentence_case(&line.phrase)),
                points => format!("{}, worth {points} points.", sentence_case(&line.phrase)),
            },
        })
        .collect()
}

/// The contradictions first; then the facts that add points, largest first; then the healthy ones, the others without
/// points, and those that are not known.
fn explanation(alert: &Alert<'_>, largest_first: &[&PointsLine<'_>]) -> String {
    let phrases = |chosen: fn(&PointsLine<'_>) -> bool| -> Vec<&str> {
        largest_first.iter().filter(|line| chosen(line)).map(|line| line.phrase.as_str()).collect()
    };
    let raising = phrases(|line| line.points > 0);
    let mut sentences: Vec<String> = Vec::new();
    let conflicts = alert.conflicts();
    if !conflicts.is_empty() {
        sentences.push(format!("The facts contradict each other: {}", conflicts.join(" ")));
    }
    sentences.push(match raising.as_slice() {
        [] => "Nothing stands out.".into(),
        [only] => format!("The risk comes from {only}."),
        [largest, rest @ ..] => format!("The risk comes mostly from {largest}, then from {}.", listed(rest)),
    });
    let groups = [
        ("Not a concern", phrases(|line| line.points == 0 && line.is_healthy == Some(true))),
        (
            "Not healthy, but without points",
            phrases(|line| line.points == 0 && line.is_healthy == Some(false)),
        ),
        (
            "Without points",
            phrases(|line| line.points == 0 && line.is_healthy.is_none() && line.value.is_some()),
        ),
    ];
    let said = groups.iter().filter(|(_, phrases)| !phrases.is_empty());
    sentences.extend(said.map(|(what, phrases)| format!("{what}: {}.", listed(phrases))));
    let alert_type = alert.alert_type();
    let unknowns = alert.facts().unknowns(alert_type);
    let unknowns: Vec<_> = unknowns.iter().filter_map(|id| Some(alert_type.fact(id)?.label())).collect();
    if !unknowns.is_empty() {
        sentences.push(format!("Not known: {}.", listed(&unknowns)));
    }
    sentences.join(" ")
}

/// Joins items as `a`, `a and b` or `a, b and c`.
fn listed(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Chooses the advice of the facts that add points, largest first. If those are fewer than two lines, the lines of
/// `otherwise` follow, and then the advice of the other facts.
fn recommendations(largest_first: &[&PointsLine<'_>], table: &PointsTable) -> Vec<String> {
    let mut chosen: Vec<&str> = Vec::new();
    let advice_of = |raising: bool| {
        let lines = largest_first.iter().filter(move |line| (line.points > 0) == raising);
        lines.filter_map(|line| line.table.advice_of(line.value))
    };
    let candidates = advice_of(true)
        .map(|advice| (advice, RECOMMENDATIONS_MAX))
        .chain(table.otherwise.iter().map(|advice| (advice.as_str(), RECOMMENDATIONS_MIN)))
        .chain(advice_of(false).map(|advice| (advice, RECOMMENDATIONS_MIN)));
    for (advice, up_to) in candidates {
        if chosen.len() < up_to && !chosen.contains(&advice) {
            chosen.push(advice);
        }
    }
    chosen.into_iter().map(str::to_owned).collect()
}
