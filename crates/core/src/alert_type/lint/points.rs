//! The lint of a scorecard's points.
//!
//! Takes: `[scorecard]` as written, and the facts.
//! Gives: a [`PointsTable`] of which base plus maxima is at most 100, monotone, with advice for every alert.
//! Never: lets a table through in which a worse fact earns fewer points.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::wire::{WrittenPoints, WrittenRow, WrittenScorecard};
use super::super::{Fact, FactKind, FactPoints, PointsRow, PointsTable, When, Worse};
use super::Lint;
use crate::limits::RECOMMENDATIONS_MIN;
use crate::number::Number;

impl Lint<'_> {
    pub(super) fn points_table(
        &mut self,
        written: &Spanned<WrittenScorecard>,
        facts: &[Fact],
    ) -> PointsTable {
        let scorecard = written.get_ref();
        let base = self.points(&scorecard.base, "base");
        let points: Vec<_> = scorecard.points.iter().map(|each| self.fact_points(each, facts)).collect();
        self.each_fact_once(&scorecard.points);
        let maxima =
            points.iter().map(|each| each.add.iter().map(|row| u32::from(row.points)).max().unwrap_or(0));
        let greatest = u32::from(base) + maxima.sum::<u32>();
        if greatest > 100 {
            let message = format!("base and the greatest points add up to {greatest}");
            self.refuse(written.span(), message, "lower them until the sum is at most 100");
        }
        for line in &scorecard.otherwise {
            self.not_blank(line, "a line of otherwise");
        }
        let otherwise: Vec<_> = scorecard.otherwise.iter().map(|line| line.get_ref().clone()).collect();
        let lines: BTreeSet<_> =
            points.iter().map(|each| &each.advice).chain(&otherwise).map(|line| line.trim()).collect();
        if lines.len() < RECOMMENDATIONS_MIN {
            self.refuse(
                written.span(),
                "fewer than two lines of advice",
                "give two facts an advice, or add otherwise = [...]",
            );
        }
        PointsTable { base, points, otherwise }
    }

    fn each_fact_once(&mut self, written: &[Spanned<WrittenPoints>]) {
        let mut seen = BTreeSet::new();
        for each in written {
            let fact = &each.get_ref().fact;
            if !seen.insert(fact.get_ref()) {
                self.refuse(
                    fact.span(),
                    format!("`{}` has points twice", fact.get_ref()),
                    "join the two tables",
                );
            }
        }
    }

    fn points(&mut self, written: &Spanned<i64>, name: &str) -> u8 {
        u8::try_from(*written.get_ref()).ok().filter(|points| *points <= 100).unwrap_or_else(|| {
            self.refuse(
                written.span(),
                format!("{name} is not 0 to 100"),
                "give a whole number from 0 to 100",
            );
            0
        })
    }

    fn fact_points(&mut self, written: &Spanned<WrittenPoints>, facts: &[Fact]) -> FactPoints {
        let WrittenPoints { fact, add, advice } = written.get_ref();
        self.not_blank(advice, "advice");
        if add.is_empty() {
            self.refuse(
                written.span(),
                format!("`{}` adds no points", fact.get_ref()),
                "add a row, or remove the table",
            );
        }
        let known = facts.iter().find(|each| each.id() == fact.get_ref());
        if known.is_none() {
            self.refuse(
                fact.span(),
                format!("no fact `{}`", fact.get_ref()),
                "define it with [[fact]], or name one that is",
            );
        }
        let mut rows = Vec::new();
        for row in add {
            let points = self.points(&Spanned::new(row.span(), row.get_ref().points), "points");
            if let Some(when) = known.and_then(|fact| self.when(row, fact)) {
                rows.push(PointsRow { when, points });
            }
        }
        if let Some(fact) = known {
            self.monotone(written, fact, &rows);
        }
        FactPoints { fact: fact.get_ref().clone(), add: rows, advice: advice.get_ref().clone() }
    }

    /// The row's condition, of the one form that its fact has.
    fn when(&mut self, row: &Spanned<WrittenRow>, fact: &Fact) -> Option<When> {
        let WrittenRow { from, below, value, .. } = row.get_ref();
        let id = fact.id();
        let (form, when) = match fact.kind() {
            FactKind::Enum { values, .. } => {
                let known = value.as_ref().filter(|value| values.iter().any(|each| each.id == **value));
                (format!("value = one of the values of `{id}`"), known.cloned().map(When::Value))
            }
            FactKind::Integer(range) | FactKind::Number(range) => {
                let (key, threshold) = match range.worse {
                    Worse::Higher => ("from", *from),
                    Worse::Lower => ("below", *below),
                };
                let inside =
                    threshold.and_then(Number::new).filter(|each| (range.min..=range.max).contains(each));
                let make = if range.worse == Worse::Higher { When::From } else { When::Below };
                (
                    format!("{key} = {} to {}, since `{id}` is worse that way", range.min, range.max),
                    inside.map(make),
                )
            }
        };
        let forms = usize::from(from.is_some()) + usize::from(below.is_some()) + usize::from(value.is_some());
        if when.is_none() || forms != 1 {
            self.refuse(
                row.span(),
                format!("the row of `{id}` has no usable condition"),
                format!("write {form}"),
            );
            return None;
        }
        when
    }

    /// A worse value never earns fewer points, and no condition stands twice.
    fn monotone(&mut self, written: &Spanned<WrittenPoints>, fact: &Fact, rows: &[PointsRow]) {
        let mut thresholds: Vec<(f64, u8)> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if rows.iter().take(index).any(|earlier| earlier.when == row.when) {
                self.refuse(written.span(), format!("a row of `{}` stands twice", fact.id()), "remove one");
            }
            match &row.when {
                When::From(from) => thresholds.push((from.get(), row.points)),
                When::Below(below) => thresholds.push((-below.get(), row.points)),
                When::Value(_) => {}
            }
        }
        // Ordered from the best to the worst side of the range, whichever side that is.
        thresholds.sort_by(|a, b| a.0.total_cmp(&b.0));
        if !thresholds.is_sorted_by_key(|(_, points)| *points) {
            let message = format!("a worse `{}` adds fewer points", fact.id());
            self.refuse(written.span(), message, "let the points grow in the direction of worse");
        }
    }
}
