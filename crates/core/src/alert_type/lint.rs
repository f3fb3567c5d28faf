//! Checks an `alert.toml` and makes an [`AlertType`] from it, or reports all its problems at once.
//!
//! Never: accepts a fact without a meaning, unit, range and direction, because a model would have to guess them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;

use super::wire::{AlertTypeToml, ConflictToml, FactKindToml, FactToml, RecommendationToml, WorseToml};
use super::{
    AlertType, Conflict, Fact, FactKind, FactRange, LintFinding, PointsTable, Recommendation, VALUE_FACT,
    Worse,
};
use crate::limits::{FACT_STEPS_MAX, FACTS_MAX, REPEAT_WINDOW_MAX};
use crate::number::Number;

mod shape;
mod handling;
mod points;
mod words;

/// The longest horizon of a question: ten years.
const HORIZON_DAYS_MAX: u32 = 3650;
/// The longest id of a type, fact or value, in characters.
const ID_CHARS_MAX: usize = 64;

/// The findings so far, and the file that they are about.
pub(super) struct Lint<'a> {
    file: &'a str,
    text: &'a str,
    findings: Vec<LintFinding>,
}

impl AlertType {
    /// Reads and checks the text of an `alert.toml`. Findings name it `file`. The type's id must be `folder`.
    pub fn read(file: &str, folder: &str, text: &str) -> Result<Self, Vec<LintFinding>> {
        let mut lint = Lint::new(file, text);
        lint.shape(text);
        let written: AlertTypeToml = match toml::from_str(text) {
            Ok(written) => written,
            Err(error) => {
                // The shape has usually reported this already, in words.
                if lint.is_clean() {
                    let message = error.message().replace('\n', ", ");
                    let fix = "see docs/ALERT-TYPES.md, which explains every key";
                    lint.report(error.span().unwrap_or(0..0), message, fix);
                }
                return Err(lint.findings());
            }
        };
        let alert_type = lint.alert_type(folder, &written);
        let findings = lint.findings();
        if findings.is_empty() { Ok(alert_type) } else { Err(findings) }
    }
}

impl<'a> Lint<'a> {
    /// A lint of this text, which findings name `file`.
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, findings: Vec::new() }
    }

    /// Whether nothing was found so far.
    pub(super) fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings, in the order of their lines.
    pub(super) fn findings(mut self) -> Vec<LintFinding> {
        self.findings.sort_by_key(|finding| finding.line);
        self.findings
    }
}

impl Lint<'_> {
    pub(super) fn report(&mut self, span: Range<usize>, message: impl Into<String>, fix: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.findings.push(LintFinding {
            file: self.file.into(),
            line,
            message: message.into(),
            fix: fix.into(),
        });
    }

    /// Builds the type and reports each problem. A missing value is replaced by a placeholder. Nobody sees it, because
    /// a type with findings is never returned.
    fn alert_type(&mut self, folder: &str, written: &AlertTypeToml) -> AlertType {
        self.id(&written.id, "the type's id");
        if written.id.get_ref() != folder {
            let message = format!("the id is `{}`, but the folder is `{folder}`", written.id.get_ref());
            self.report(written.id.span(), message, "give both the same name");
        }
        self.id(&written.entity, "`entity`");
        self.id(&written.predicts, "`predicts`");
        for (text, name) in [(&written.title, "`title`"), (&written.question, "`question`")] {
            self.not_blank(text, name);
        }
        if !written.question.get_ref().ends_with('?') {
            self.report(
                written.question.span(),
                "`question` is not a question",
                "end it with a question mark",
            );
        }
        if !(1..=HORIZON_DAYS_MAX).contains(written.horizon_days.get_ref()) {
            self.report(written.horizon_days.span(), "`horizon_days` is out of range", "use 1 to 3650 days");
        }
        for words in &written.unsaid {
            self.not_blank(words, "a text in `unsaid`");
        }
        let mut facts = self.facts(&written.fact);
        let recommendations = self.recommendations(&written.recommendation, &facts);
        let points_table = self.points_table(&written.scorecard, &facts);
        self.stakes(&written.fact, &mut facts, &points_table);
        AlertType {
            id: written.id.get_ref().clone(),
            title: written.title.get_ref().clone(),
            entity: written.entity.get_ref().clone(),
            entity_id: written.entity_id,
            predicts: written.predicts.get_ref().clone(),
            question: written.question.get_ref().clone(),
            horizon_days: *written.horizon_days.get_ref(),
            repeat_window_text: written.repeat_window.get_ref().clone(),
            repeat_window: self.duration("repeat_window", &written.repeat_window, REPEAT_WINDOW_MAX),
            scale: self.scale(&written.scale),
            unsaid: written.unsaid.iter().map(|words| words.get_ref().clone()).collect(),
            conflicts: self.conflicts(&written.conflict, &facts),
            recommendations,
            facts,
            points_table,
            handling: self.handling(written),
            mappings: Vec::new(),
            map: None,
        }
    }

    /// Checks that an id is a lower-case token, because it is used in keys, file names and prompts.
    pub(super) fn id(&mut self, id: &Spanned<String>, name: &str) {
        let text = id.get_ref();
        let fits = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && text.len() <= ID_CHARS_MAX;
        if !fits {
            let message = format!("{name} `{text}` is not a valid id");
            self.report(
                id.span(),
                message,
                "use a lower-case letter, then lower-case letters, digits or `_`, at most 64 in all",
            );
        }
    }

    pub(super) fn not_blank(&mut self, text: &Spanned<String>, name: &str) {
        if text.get_ref().trim().is_empty() {
            self.report(text.span(), format!("{name} is blank"), "write a text");
        }
    }

    fn conflicts(&mut self, written: &[Spanned<ConflictToml>], facts: &[Fact]) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for ConflictToml { when, sentence } in written.iter().map(Spanned::get_ref) {
            self.not_blank(sentence, "`sentence`");
            match Conflict::read(when.get_ref(), sentence.get_ref(), facts) {
                Ok(conflict) => conflicts.push(conflict),
                Err((message, fix)) => self.report(when.span(), message, fix),
            }
        }
        conflicts
    }

    /// Marks the facts that say what is at stake: those with `at_stake = true`, and an optional number without points whose
    /// id is [`VALUE_FACT`].
    fn stakes(&mut self, written: &[Spanned<FactToml>], facts: &mut [Fact], table: &PointsTable) {
        for (fact, written) in facts.iter_mut().zip(written) {
            let has_points = table.points.iter().any(|each| each.fact == fact.id);
            let can_be = fact.optional && fact.range().is_some() && !has_points;
            let said = written.get_ref().at_stake.as_ref();
            if let Some(said) = said.filter(|said| *said.get_ref() && !can_be) {
                self.report(
                    said.span(),
                    format!("`{}` cannot say what is at stake", fact.id),
                    "write at_stake only at an optional number without points",
                );
            }
            fact.at_stake = can_be && said.map_or(fact.id == VALUE_FACT, |said| *said.get_ref());
        }
    }

    fn recommendations(
        &mut self,
        written: &[Spanned<RecommendationToml>],
        facts: &[Fact],
    ) -> Vec<Recommendation> {
        let mut seen = BTreeSet::new();
        for RecommendationToml { id, text } in written.iter().map(Spanned::get_ref) {
            self.id(id, "the recommendation's id");
            self.not_blank(text, "`text`");
            let is_taken = facts.iter().any(|fact| fact.id() == id.get_ref());
            if is_taken || !seen.insert(id.get_ref()) {
                self.report(
                    id.span(),
                    format!("the id `{}` is taken, by a fact or by another recommendation", id.get_ref()),
                    "choose another id",
                );
            }
        }
        let recommendation = |each: &Spanned<RecommendationToml>| Recommendation {
            id: each.get_ref().id.get_ref().clone(),
            text: each.get_ref().text.get_ref().clone(),
        };
        written.iter().map(recommendation).collect()
    }

    fn scale(&mut self, written: &Spanned<BTreeMap<String, Spanned<String>>>) -> BTreeMap<u8, String> {
        let mut scale = BTreeMap::new();
        for (key, meaning) in written.get_ref() {
            self.not_blank(meaning, "a meaning in [scale]");
            match key.parse::<u8>() {
                Ok(point) if point <= 100 && point.to_string() == *key => {
                    scale.insert(point, meaning.get_ref().clone());
                }
                _ => self.report(
                    meaning.span(),
                    format!("`{key}` is not a score"),
                    "use whole numbers from 0 to 100",
                ),
            }
        }
        if !scale.contains_key(&0) || !scale.contains_key(&100) {
            self.report(
                written.span(),
                "the scale has no meaning for 0 or for 100",
                "define what 0 and 100 mean",
            );
        }
        scale
    }

    fn facts(&mut self, written: &[Spanned<FactToml>]) -> Vec<Fact> {
        if written.is_empty() || written.len() > FACTS_MAX {
            self.report(
                0..0,
                format!("the type has {} facts", written.len()),
                "define 1 to 32 facts with [[fact]]",
            );
        }
        let mut seen = BTreeSet::new();
        for fact in written {
            let id = &fact.get_ref().id;
            self.id(id, "the fact's id");
            if !seen.insert(id.get_ref()) {
                self.report(
                    id.span(),
                    format!("the fact `{}` is defined twice", id.get_ref()),
                    "remove one definition",
                );
            }
        }
        written.iter().map(|fact| self.fact(fact.span(), fact.get_ref())).collect()
    }

    fn fact(&mut self, span: Range<usize>, written: &FactToml) -> Fact {
        let id = written.id.get_ref().clone();
        let label =
            self.text_of(&span, &id, "label", written.label.as_ref(), "its name for people, with its window");
        let meaning =
            self.text_of(&span, &id, "meaning", written.meaning.as_ref(), "a sentence that defines it");
        for (phrase, name) in [(&written.phrase, "`phrase`"), (&written.short, "`short`")] {
            if let Some(phrase) = phrase.as_ref().filter(|phrase| !phrase.get_ref().contains("{value}")) {
                let message = format!("{name} has no `{{value}}`");
                self.report(phrase.span(), message, "write `{value}` where the value belongs");
            }
        }
        let kind = match written.kind {
            FactKindToml::Integer => FactKind::Integer(self.range(&span, &id, written, true)),
            FactKindToml::Number => FactKind::Number(self.range(&span, &id, written, false)),
            FactKindToml::Boolean => self.boolean(&span, &id, written),
            FactKindToml::Text => self.free_text(&id, written),
            FactKindToml::Enum => self.closed_set(&span, &id, written),
        };
        let text = |phrase: Option<&Spanned<String>>| phrase.map(|each| each.get_ref().clone());
        let (phrase, phrase_one) = (text(written.phrase.as_ref()), text(written.phrase_one.as_ref()));
        let (short, short_one) = (text(written.short.as_ref()), text(written.short_one.as_ref()));
        let optional = written.optional.as_ref().is_some_and(|optional| *optional.get_ref());
        Fact { id, label, meaning, phrase, phrase_one, short, short_one, optional, at_stake: false, kind }
    }

    pub(super) fn text_of(
        &mut self,
        span: &Range<usize>,
        fact: &str,
        key: &str,
        text: Option<&Spanned<String>>,
        fix: &str,
    ) -> String {
        if let Some(text) = text {
            self.not_blank(text, &format!("`{key}`"));
            return text.get_ref().clone();
        }
        self.report(
            span.clone(),
            format!("the fact `{fact}` has no `{key}`"),
            format!("add {key} = \"...\", {fix}"),
        );
        String::new()
    }

    fn range(&mut self, span: &Range<usize>, id: &str, written: &FactToml, whole: bool) -> FactRange {
        let unit = self.text_of(span, id, "unit", written.unit.as_ref(), "what one of it is");
        if let Some(values) = &written.values {
            self.report(
                values.span(),
                format!("the fact `{id}` is a number but has `values`"),
                "remove `values`, or write type = \"enum\"",
            );
        }
        let mut number = |key: &str, value: Option<&Spanned<f64>>, default: Option<u8>| {
            let number = value.map_or(default.map(Number::from), |value| Number::new(*value.get_ref()));
            if let Some(number) = number.filter(|number| !whole || number.is_whole()) {
                return number;
            }
            let at = value.map_or(span.clone(), Spanned::span);
            let expected = if whole { "a whole number" } else { "a finite number" };
            self.report(
                at,
                format!("the fact `{id}` has no `{key}` that is {expected}"),
                format!("add {key} = ..."),
            );
            Number::from(0)
        };
        let min = number("min", written.min.as_ref(), None);
        let max = number("max", written.max.as_ref(), None);
        let step = number("step", written.step.as_ref(), Some(1));
        if min >= max {
            self.report(span.clone(), format!("the range of `{id}` is empty"), "make `min` less than `max`");
        }
        let steps = min.get().abs().max(max.get().abs()) / step.get();
        if step.get() <= 0.0 || steps > FACT_STEPS_MAX {
            let at = written.step.as_ref().map_or(span.clone(), Spanned::span);
            self.report(
                at,
                format!("the step of `{id}` is too small for its range"),
                "use a larger step, such as 1",
            );
        }
        FactRange {
            min,
            max,
            unit,
            step,
            worse: self.worse(span, id, written),
            healthy: self.healthy(id, written, min, max),
        }
    }

    fn worse(&mut self, span: &Range<usize>, id: &str, written: &FactToml) -> Worse {
        match written.worse.as_ref().map(Spanned::get_ref) {
            Some(WorseToml::Higher) => Worse::Higher,
            Some(WorseToml::Lower) => Worse::Lower,
            Some(WorseToml::ByValue) | None => {
                let message = format!("the fact `{id}` does not say which direction is worse");
                self.report(span.clone(), message, "add worse = \"higher\" or worse = \"lower\"");
                Worse::Higher
            }
        }
    }

    fn healthy(&mut self, id: &str, written: &FactToml, min: Number, max: Number) -> Option<Number> {
        let healthy = written.healthy.as_ref()?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "an integer that a float cannot hold exactly is outside every range"
        )]
        let value = healthy.get_ref().as_float().or(healthy.get_ref().as_integer().map(|whole| whole as f64));
        let inside = value.and_then(Number::new).filter(|value| (min..=max).contains(value));
        if inside.is_none() {
            self.report(
                healthy.span(),
                format!("`healthy` of `{id}` is outside its range"),
                "use a value from `min` to `max`",
            );
        }
        inside
    }
}

#[cfg(test)]
mod tests;
