//! Checks the facts whose values are not numbers: enums, booleans and texts.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;

use super::super::wire::{FactToml, WorseToml};
use super::super::{EnumValue, FactKind};
use super::Lint;

impl Lint<'_> {
    pub(super) fn closed_set(&mut self, span: &Range<usize>, id: &str, written: &FactToml) -> FactKind {
        self.no_numeric_keys("enum", id, written);
        let values = values(written);
        let at = written.values.as_ref().map_or(span.clone(), Spanned::span);
        let ids: BTreeSet<_> = values.iter().map(|value| value.id.as_str()).collect();
        if values.len() < 2 || ids.len() < values.len() || !are_complete(&values) {
            let fix =
                "add values = [{ id = \"...\", meaning = \"...\" }, ...] with two or more values, each once";
            self.report(at, format!("the enum `{id}` has no set of distinct values with meanings"), fix);
        }
        let healthy = written.healthy.as_ref().and_then(|healthy| {
            let known = healthy.get_ref().as_str().filter(|value| ids.contains(value)).map(str::to_owned);
            if known.is_none() {
                self.report(
                    healthy.span(),
                    format!("`healthy` of `{id}` is not one of its values"),
                    "use one of its values",
                );
            }
            known
        });
        FactKind::Enum { values, healthy }
    }

    pub(super) fn boolean(&mut self, span: &Range<usize>, id: &str, written: &FactToml) -> FactKind {
        self.no_numeric_keys("boolean", id, written);
        let values = values(written);
        let mut ids: Vec<_> = values.iter().map(|value| value.id.as_str()).collect();
        ids.sort_unstable();
        if ids != ["false", "true"] || !are_complete(&values) {
            let at = written.values.as_ref().map_or(span.clone(), Spanned::span);
            self.report(
                at,
                format!("the boolean `{id}` does not say what true and false mean"),
                "add values = [{ id = true, meaning = \"...\" }, { id = false, meaning = \"...\" }]",
            );
        }
        let healthy = written.healthy.as_ref().and_then(|healthy| {
            let flag = healthy.get_ref().as_bool();
            if flag.is_none() {
                let message = format!("`healthy` of `{id}` is not true or false");
                self.report(healthy.span(), message, "write healthy = true or healthy = false");
            }
            flag
        });
        FactKind::Boolean { values, healthy }
    }

    pub(super) fn free_text(&mut self, id: &str, written: &FactToml) -> FactKind {
        self.no_numeric_keys("text", id, written);
        let others = [
            ("values", written.values.as_ref().map(Spanned::span)),
            ("healthy", written.healthy.as_ref().map(Spanned::span)),
        ];
        for (key, at) in others {
            if let Some(at) = at {
                self.report(
                    at,
                    format!("the text `{id}` has `{key}`"),
                    "remove it, or write type = \"enum\"",
                );
            }
        }
        FactKind::Text
    }

    /// Checks that a fact has no key that only numbers have, and no direction.
    fn no_numeric_keys(&mut self, kind: &str, id: &str, written: &FactToml) {
        let numeric = [
            ("min", written.min.as_ref().map(Spanned::span)),
            ("max", written.max.as_ref().map(Spanned::span)),
            ("step", written.step.as_ref().map(Spanned::span)),
            ("unit", written.unit.as_ref().map(Spanned::span)),
        ];
        for (key, at) in numeric {
            if let Some(at) = at {
                let fix = "remove it, because only numbers have it";
                self.report(at, format!("the {kind} `{id}` has `{key}`"), fix);
            }
        }
        if let Some(worse) = written.worse.as_ref().filter(|worse| *worse.get_ref() != WorseToml::ByValue) {
            self.report(
                worse.span(),
                format!("the {kind} `{id}` has a direction"),
                "write worse = \"by value\"",
            );
        }
    }
}

fn values(written: &FactToml) -> Vec<EnumValue> {
    let values = written.values.iter().flat_map(Spanned::get_ref);
    values.map(|value| EnumValue { id: value.id.text(), meaning: value.meaning.clone() }).collect()
}

fn are_complete(values: &[EnumValue]) -> bool {
    values.iter().all(|value| !value.id.trim().is_empty() && !value.meaning.trim().is_empty())
}
