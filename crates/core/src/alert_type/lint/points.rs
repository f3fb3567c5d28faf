//! Checks a scorecard and makes a [`PointsTable`] from it.
//!
//! In a checked table, the base and the maximum of each fact add up to at most 100. A worse value never adds fewer
//! points. Every alert gets at least two lines of advice.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::wire::{FactPointsToml, PointsRowToml, ScorecardToml, WordToml};
use super::super::{
    Fact, FactKind, FactPoints, FactRange, FactValue, PointsCondition, PointsRow, PointsTable, Worse,
};
use super::Lint;
use crate::limits::RECOMMENDATIONS_MIN;
use crate::number::Number;

/// The relative error of dividing two decimals, with room to spare.
const STEP_ERROR: f64 = 1e-9;

/// Whether every alert gets two different lines: each fact gives one of its own, and `otherwise` gives all of its. They
/// are fewer only if some line is one that every fact can give, and `otherwise` has no other.
fn gives_two_lines(points: &[FactPoints], otherwise: &[String]) -> bool {
    let otherwise: BTreeSet<&str> = otherwise.iter().map(|line| line.trim()).collect();
    let facts: Vec<BTreeSet<&str>> = points.iter().map(|each| each.advice_lines().collect()).collect();
    let all_lines = facts.iter().flatten().chain(&otherwise);
    let is_alone = |line: &&str| {
        facts.iter().all(|lines| lines.contains(line)) && otherwise.iter().all(|other| other == line)
    };
    otherwise.len() + facts.len() >= RECOMMENDATIONS_MIN && !all_lines.into_iter().any(is_alone)
}

impl Lint<'_> {
    pub(super) fn points_table(&mut self, written: &Spanned<ScorecardToml>, facts: &[Fact]) -> PointsTable {
        let scorecard = written.get_ref();
        let base = self.points(&scorecard.base, "`base`");
        let points: Vec<_> = scorecard.points.iter().map(|each| self.fact_points(each, facts)).collect();
        self.each_fact_once(&scorecard.points);
        let maxima = points.iter().map(|each| {
            let rows = each.add.iter().map(|row| u32::from(row.points));
            rows.chain([u32::from(each.unknown)]).max().unwrap_or(0)
        });
        let total = u32::from(base) + maxima.sum::<u32>();
        if total > 100 {
            let message = format!("`base` and the most points of each fact add up to {total}");
            self.report(written.span(), message, "lower them until they add up to at most 100");
        }
        for line in &scorecard.otherwise {
            self.not_blank(line, "a line of `otherwise`");
        }
        let otherwise: Vec<_> = scorecard.otherwise.iter().map(|line| line.get_ref().clone()).collect();
        if !gives_two_lines(&points, &otherwise) {
            self.report(
                written.span(),
                "the scorecard has fewer than two different lines of advice for some alert",
                "give two facts different advice, or add otherwise = [...]",
            );
        }
        PointsTable { base, points, otherwise }
    }

    fn each_fact_once(&mut self, written: &[Spanned<FactPointsToml>]) {
        let mut seen = BTreeSet::new();
        for each in written {
            let fact = &each.get_ref().fact;
            if !seen.insert(fact.get_ref()) {
                self.report(
                    fact.span(),
                    format!("`{}` has points twice", fact.get_ref()),
                    "merge the two tables",
                );
            }
        }
    }

    fn points(&mut self, written: &Spanned<i64>, name: &str) -> u8 {
        u8::try_from(*written.get_ref()).ok().filter(|points| *points <= 100).unwrap_or_else(|| {
            self.report(
                written.span(),
                format!("{name} is out of range"),
                "use a whole number from 0 to 100",
            );
            0
        })
    }

    fn fact_points(&mut self, written: &Spanned<FactPointsToml>, facts: &[Fact]) -> FactPoints {
        let FactPointsToml { fact, add, unknown, advice } = written.get_ref();
        let of_rows = add.iter().map(|row| row.get_ref().advice.as_ref());
        for line in of_rows.clone().chain([advice.as_ref()]).flatten() {
            self.not_blank(line, "`advice`");
        }
        if advice.is_none() && of_rows.clone().any(|line| line.is_none()) {
            self.report(
                written.span(),
                format!("`{}` has rows without advice", fact.get_ref()),
                "add advice = \"...\" to the table, or to each of its rows",
            );
        }
        if add.is_empty() {
            self.report(
                written.span(),
                format!("`{}` adds no points", fact.get_ref()),
                "add a row to `add`, or remove the table",
            );
        }
        let known = facts.iter().find(|each| each.id() == fact.get_ref());
        if known.is_none() {
            self.report(
                fact.span(),
                format!("the fact `{}` is not defined", fact.get_ref()),
                "define it with [[fact]], or use the id of a defined fact",
            );
        }
        let mut rows = Vec::new();
        for row in add {
            let points = self.points(&Spanned::new(row.span(), row.get_ref().points), "`points`");
            if let Some(when) = known.and_then(|fact| self.condition(row, fact)) {
                let advice = row.get_ref().advice.as_ref().map(|line| line.get_ref().clone());
                rows.push(PointsRow { when, points, advice });
            }
        }
        if let Some(fact) = known {
            self.monotone(written, fact, &rows);
        }
        let unknown = unknown.as_ref().map_or(0, |unknown| {
            if known.is_some_and(|fact| !fact.is_optional()) {
                self.report(
                    unknown.span(),
                    format!("`{}` has points for `unknown`, but it is always known", fact.get_ref()),
                    "add optional = true to the fact, or remove `unknown`",
                );
            }
            self.points(unknown, "`unknown`")
        });
        let advice = advice.as_ref().map(|line| line.get_ref().clone());
        FactPoints { fact: fact.get_ref().clone(), add: rows, unknown, advice }
    }

    /// Returns the row's condition, in the form that its fact requires.
    fn condition(&mut self, row: &Spanned<PointsRowToml>, fact: &Fact) -> Option<PointsCondition> {
        let PointsRowToml { from, below, value, .. } = row.get_ref();
        let id = fact.id();
        let (form, when) = match fact.kind() {
            FactKind::Enum { values, .. } => {
                let word = value.as_ref().map(WordToml::text);
                let known = word.filter(|word| values.iter().any(|each| each.id == *word));
                let when = known.map(|word| PointsCondition::Value(FactValue::Word(word)));
                (format!("value = one of the values of `{id}`"), when)
            }
            FactKind::Boolean { .. } => {
                let flag = value.as_ref().and_then(|value| value.text().parse().ok());
                let when = flag.map(|flag| PointsCondition::Value(FactValue::Flag(flag)));
                ("value = true or value = false".into(), when)
            }
            FactKind::Text => {
                self.report(
                    row.span(),
                    format!("the text `{id}` has points"),
                    "remove them, because a text has no known values",
                );
                return None;
            }
            FactKind::Integer(range) | FactKind::Number(range) => {
                let (key, threshold) = match range.worse {
                    Worse::Higher => ("from", *from),
                    Worse::Lower => ("below", *below),
                };
                if let Some(threshold) = threshold {
                    self.threshold_is_a_step(row, id, range, threshold);
                }
                let inside =
                    threshold.and_then(Number::new).filter(|each| (range.min..=range.max).contains(each));
                let make =
                    if range.worse == Worse::Higher { PointsCondition::From } else { PointsCondition::Below };
                (
                    format!(
                        "{key} = a number from {} to {}, because `{id}` is worse in that direction",
                        range.min, range.max
                    ),
                    inside.map(make),
                )
            }
        };
        let conditions =
            usize::from(from.is_some()) + usize::from(below.is_some()) + usize::from(value.is_some());
        if when.is_none() || conditions != 1 {
            self.report(
                row.span(),
                format!("a row of `{id}` has no valid condition"),
                format!("write {form}"),
            );
            return None;
        }
        when
    }

    /// Checks that a step ends at the threshold. Otherwise values on both sides of it are the same for repeats, and an
    /// alert with more points counts as a repeat of one with fewer.
    fn threshold_is_a_step(
        &mut self,
        row: &Spanned<PointsRowToml>,
        id: &str,
        range: &FactRange,
        threshold: f64,
    ) {
        let steps = threshold / range.step.get();
        if steps.is_finite() && (steps - steps.round()).abs() > STEP_ERROR * steps.abs().max(1.0) {
            let message = format!(
                "the step {} of `{id}` hides the threshold {threshold}: values on both sides of it are the same for repeats",
                range.step
            );
            self.report(row.span(), message, "choose a `step` that divides every threshold of the fact");
        }
    }

    /// Checks that a worse value never adds fewer points, and that no condition occurs twice.
    fn monotone(&mut self, written: &Spanned<FactPointsToml>, fact: &Fact, rows: &[PointsRow]) {
        let mut thresholds: Vec<(f64, u8)> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if rows.iter().take(index).any(|earlier| earlier.when == row.when) {
                self.report(
                    written.span(),
                    format!("two rows of `{}` have the same condition", fact.id()),
                    "remove one",
                );
            }
            match &row.when {
                PointsCondition::From(from) => thresholds.push((from.get(), row.points)),
                PointsCondition::Below(below) => thresholds.push((-below.get(), row.points)),
                PointsCondition::Value(_) => {}
            }
        }
        // Sort the thresholds from best to worst.
        thresholds.sort_by(|a, b| a.0.total_cmp(&b.0));
        if !thresholds.is_sorted_by_key(|(_, points)| *points) {
            let message = format!("a worse `{}` adds fewer points", fact.id());
            self.report(written.span(), message, "give worse values at least as many points");
        }
    }
}
