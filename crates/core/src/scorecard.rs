//! Judges an alert by arithmetic alone: an additive points table, as credit scoring has used for decades.
//!
//! Takes: an alert.
//! Gives: a [`Scored`]: the score, the points that add up to it, the drivers, plain sentences and advice.
//! Never: fails, asks anyone, or knows anything that the alert type does not say.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::alert_type::{FactPoints, FactValue, PointsTable};
use crate::driver::{Driver, Effect};
use crate::limits::{RECOMMENDATIONS_MAX, RECOMMENDATIONS_MIN};
use crate::number::Number;

/// A scorecard's whole judgement of one alert. It is made by [`Scored::new`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    baseline: Baseline,
    drivers: Vec<Driver>,
    explanation: String,
    recommendations: Vec<String>,
}

/// The score and the sum that it is: `base` and all `points` add up to `risk_score`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// 0 to 100.
    pub risk_score: Number,
    /// The score when no fact adds anything.
    pub base: u8,
    /// What each fact adds, in the order of the alert type's table.
    pub points: IndexMap<String, u8>,
}

/// One line of the table, as it holds for this alert.
struct Line<'a> {
    table: &'a FactPoints,
    value: &'a FactValue,
    said: String,
    points: u8,
}

impl Scored {
    /// Adds up the points of the alert's facts.
    pub fn new(alert: &Alert<'_>) -> Self {
        let table = alert.alert_type().points_table();
        let lines = lines(alert, table);
        let points: IndexMap<_, _> =
            lines.iter().map(|line| (line.table.fact.clone(), line.points)).collect();
        // The lint has seen to it that base and the greatest points add up to at most 100.
        let risk_score = points.values().fold(table.base, |sum, points| sum.saturating_add(*points)).into();
        let mut largest_first: Vec<&Line<'_>> = lines.iter().collect();
        largest_first.sort_by_key(|line| std::cmp::Reverse(line.points));
        Self {
            baseline: Baseline { risk_score, base: table.base, points },
            drivers: drivers(&largest_first),
            explanation: explanation(&largest_first),
            recommendations: recommendations(&largest_first, table),
        }
    }

    /// The score and its sum.
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

fn lines<'a>(alert: &'a Alert<'_>, table: &'a PointsTable) -> Vec<Line<'a>> {
    let line = |each: &'a FactPoints| {
        let value = alert.facts().get(&each.fact)?;
        let said = alert.alert_type().fact(&each.fact)?.describe(value);
        Some(Line { table: each, value, said, points: table.points_of(&each.fact, value)? })
    };
    table.points.iter().filter_map(line).collect()
}

fn drivers(largest_first: &[&Line<'_>]) -> Vec<Driver> {
    let raising = largest_first.iter().filter(|line| line.points > 0);
    raising
        .map(|line| Driver {
            fact: line.table.fact.clone(),
            value: line.value.clone(),
            effect: Effect::Raises,
            because: match line.points {
                1 => format!("{}, worth 1 point.", sentence_case(&line.said)),
                points => format!("{}, worth {points} points.", sentence_case(&line.said)),
            },
        })
        .collect()
}

fn explanation(largest_first: &[&Line<'_>]) -> String {
    let said = |raising: bool| -> Vec<&str> {
        let chosen = largest_first.iter().filter(|line| (line.points > 0) == raising);
        chosen.map(|line| line.said.as_str()).collect()
    };
    let (raising, calm) = (said(true), said(false));
    let first = match raising.as_slice() {
        [] => return format!("Nothing stands out: {}.", listed(&calm)),
        [only] => format!("The risk comes from {only}."),
        [largest, rest @ ..] => format!("The risk comes mostly from {largest}, then from {}.", listed(rest)),
    };
    if calm.is_empty() { first } else { format!("{first} Not a concern: {}.", listed(&calm)) }
}

/// `a`, `a and b`, `a, b and c`.
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

/// The advice of what adds points, largest first; then the lines for a calm alert; then any other, until there are
/// two.
fn recommendations(largest_first: &[&Line<'_>], table: &PointsTable) -> Vec<String> {
    let mut chosen: Vec<&str> = Vec::new();
    let advice_of = |raising: bool| {
        let of = largest_first.iter().filter(move |line| (line.points > 0) == raising);
        of.map(|line| line.table.advice.as_str())
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
