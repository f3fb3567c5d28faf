//! Checks a scorecard and makes a [`PointsTable`] from it.
//!
//! In a checked table, the base and the maximum of each fact add up to at most 100. A worse value never adds fewer
//! points. Every alert gets at least two lines of advice.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::wire::{FactPointsToml, PointsRowToml, ScorecardToml};
use super::super::{Fact, FactKind, FactPoints, PointsCondition, PointsRow, PointsTable, Worse};
use super::Lint;
use crate::limits::RECOMMENDATIONS_MIN;
use crate::number::Number;

impl Lint<'_> {
    pub(super) fn points_table(&mut self, written: &Spanned<ScorecardToml>, facts: &[Fact]) -> PointsTable {
        let scorecard = written.get_ref();
        let base = self.points(&scorecard.base, "`base`");
        let points: Vec<_> = scorecard.points.iter().map(|each| self.fact_points(each, facts)).collect();
        self.each_fact_once(&scorecard.points);
        let maxima =
            points.iter().map(|each| each.add.iter().map(|row| u32::from(row.points)).max().unwrap_or(0));
        let total = u32::from(base) + maxima.sum::<u32>();
        if total > 100 {
            let message = format!("`base` and the most points of each fact add up to {total}");
            self.report(written.span(), message, "lower them until they add up to at most 100");
        }
        for line in &scorecard.otherwise {
            self.not_blank(line, "a line of `otherwise`");
        }
        let otherwise: Vec<_> = scorecard.otherwise.iter().map(|line| line.get_ref().clone()).collect();
        let lines: BTreeSet<_> =
            points.iter().map(|each| &each.advice).chain(&otherwise).map(|line| line.trim()).collect();
        if lines.len() < RECOMMENDATIONS_MIN {
            self.report(
                written.span(),
                "the scorecard has fewer than two different lines of advice",
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
        let FactPointsToml { fact, add, advice } = written.get_ref();
        self.not_blank(advice, "`advice`");
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
                rows.push(PointsRow { when, points });
            }
        }
        if let Some(fact) = known {
            self.monotone(written, fact, &rows);
        }
        FactPoints { fact: fact.get_ref().clone(), add: rows, advice: advice.get_ref().clone() }
    }

    /// Returns the row's condition, in the form that its fact requires.
    fn condition(&mut self, row: &Spanned<PointsRowToml>, fact: &Fact) -> Option<PointsCondition> {
        let PointsRowToml { from, below, value, .. } = row.get_ref();
        let id = fact.id();
        let (form, when) = match fact.kind() {
            FactKind::Enum { values, .. } => {
                let known = value.as_ref().filter(|value| values.iter().any(|each| each.id == **value));
                (format!("value = one of the values of `{id}`"), known.cloned().map(PointsCondition::Value))
            }
            FactKind::Integer(range) | FactKind::Number(range) => {
                let (key, threshold) = match range.worse {
                    Worse::Higher => ("from", *from),
                    Worse::Lower => ("below", *below),
                };
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
