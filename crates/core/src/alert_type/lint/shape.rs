//! Checks which keys an `alert.toml` or a mapping has and of what kind their values are, all at once and in words.
//!
//! Never: checks what a value means. The rest of the lint does that.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Lint;

/// A key of a table.
struct KeyShape {
    name: &'static str,
    kind: ValueShape,
    required: bool,
}

/// The kind of a key's value.
enum ValueShape {
    Text,
    Texts,
    Whole,
    Number,
    Flag,
    OneOf(&'static [&'static str]),
    /// Checked elsewhere.
    Any,
    /// A table of any keys, whose values are texts.
    TextTable,
    /// A table of any keys, whose values are checked elsewhere.
    AnyTable,
    /// A table of any keys, whose values are tables.
    TableOf(&'static [KeyShape]),
    Table(&'static [KeyShape]),
    /// An array of tables.
    Tables(&'static [KeyShape]),
}

const fn required(name: &'static str, kind: ValueShape) -> KeyShape {
    KeyShape { name, kind, required: true }
}

const fn optional(name: &'static str, kind: ValueShape) -> KeyShape {
    KeyShape { name, kind, required: false }
}

const ALERT_TYPE: &[KeyShape] = &[
    required("id", ValueShape::Text),
    required("title", ValueShape::Text),
    required("entity", ValueShape::Text),
    required("entity_id", ValueShape::OneOf(&["token", "name", "any"])),
    required("predicts", ValueShape::Text),
    required("question", ValueShape::Text),
    required("horizon_days", ValueShape::Whole),
    required("repeat_window", ValueShape::Text),
    optional("stale_after", ValueShape::Text),
    optional("answer_reuse", ValueShape::Text),
    optional("quiet_after", ValueShape::Text),
    optional("samples", ValueShape::Whole),
    optional("verify", ValueShape::Flag),
    optional("unsaid", ValueShape::Texts),
    optional("dashboard", ValueShape::Table(DASHBOARD)),
    required("scale", ValueShape::TextTable),
    optional("fact", ValueShape::Tables(FACT)),
    optional("conflict", ValueShape::Tables(CONFLICT)),
    optional("recommendation", ValueShape::Tables(RECOMMENDATION)),
    required("scorecard", ValueShape::Table(SCORECARD)),
];

const DASHBOARD: &[KeyShape] = &[required("category", ValueShape::Text)];

const FACT: &[KeyShape] = &[
    required("id", ValueShape::Text),
    optional("label", ValueShape::Text),
    optional("meaning", ValueShape::Text),
    optional("phrase", ValueShape::Text),
    optional("phrase_one", ValueShape::Text),
    optional("short", ValueShape::Text),
    optional("short_one", ValueShape::Text),
    required("type", ValueShape::OneOf(&["integer", "number", "boolean", "enum", "text"])),
    optional("min", ValueShape::Number),
    optional("max", ValueShape::Number),
    optional("unit", ValueShape::Text),
    optional("step", ValueShape::Number),
    optional("worse", ValueShape::OneOf(&["higher", "lower", "by value", "by_value", "value"])),
    optional("healthy", ValueShape::Any),
    optional("values", ValueShape::Tables(VALUE)),
    optional("optional", ValueShape::Flag),
    optional("at_stake", ValueShape::Flag),
];

const VALUE: &[KeyShape] = &[required("id", ValueShape::Any), required("meaning", ValueShape::Text)];

const CONFLICT: &[KeyShape] = &[required("when", ValueShape::Text), required("sentence", ValueShape::Text)];

const RECOMMENDATION: &[KeyShape] = &[required("id", ValueShape::Text), required("text", ValueShape::Text)];

const SCORECARD: &[KeyShape] = &[
    required("base", ValueShape::Whole),
    optional("points", ValueShape::Tables(FACT_POINTS)),
    optional("otherwise", ValueShape::Texts),
];

const FACT_POINTS: &[KeyShape] = &[
    required("fact", ValueShape::Text),
    required("add", ValueShape::Tables(POINTS_ROW)),
    optional("unknown", ValueShape::Whole),
    optional("advice", ValueShape::Text),
];

const POINTS_ROW: &[KeyShape] = &[
    optional("from", ValueShape::Number),
    optional("below", ValueShape::Number),
    optional("value", ValueShape::Any),
    required("points", ValueShape::Whole),
    optional("advice", ValueShape::Text),
];

const MAPPING: &[KeyShape] = &[
    optional("each", ValueShape::Text),
    required("match", ValueShape::AnyTable),
    optional("match_element", ValueShape::AnyTable),
    required("entity_id", ValueShape::Table(FIELD)),
    required("timestamp", ValueShape::Table(FIELD)),
    required("severity", ValueShape::Table(FIELD)),
    optional("message", ValueShape::Table(FIELD)),
    optional("facts", ValueShape::TableOf(FIELD)),
];

const FIELD: &[KeyShape] = &[
    optional("path", ValueShape::Any),
    optional("join", ValueShape::Texts),
    optional("of", ValueShape::OneOf(&["element", "payload"])),
    optional("json", ValueShape::Flag),
    optional("then", ValueShape::Text),
    optional("unit", ValueShape::OneOf(&["epoch_ms", "epoch_s"])),
    optional("values", ValueShape::AnyTable),
    optional("default", ValueShape::Any),
];

/// How many letters a misspelt key differs from the one that is meant.
const MISSPELT_LETTERS_MAX: usize = 2;

impl Lint<'_> {
    /// Reports what in an `alert.toml` is not TOML, then every key that is unknown, missing or of another kind.
    pub(super) fn shape(&mut self, text: &str) {
        self.shape_of(text, ALERT_TYPE);
    }

    /// The same of a mapping.
    pub(in crate::alert_type) fn mapping_shape(&mut self, text: &str) {
        self.shape_of(text, MAPPING);
    }

    fn shape_of(&mut self, text: &str, shapes: &[KeyShape]) {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let message = format!("this is not TOML: {}", error.message().replace('\n', ", "));
            let fix = "write KEY = VALUE, with texts in quotes";
            self.report(error.span().unwrap_or(0..0), message, fix);
        }
        if errors.is_empty() {
            self.table(&table, "", shapes);
        }
    }

    /// `name` is the table's, as it is written; empty for the top of the file.
    fn table(&mut self, table: &Spanned<DeTable<'_>>, name: &str, shapes: &[KeyShape]) {
        for (key, value) in table.get_ref() {
            let written = key.get_ref().as_ref();
            if let Some(shape) = shapes.iter().find(|shape| shape.name == written) {
                self.value(value, name, shape);
            } else {
                let message = format!("unknown field `{written}`{}", within(name));
                self.report(key.span(), message, meant(written, shapes));
            }
        }
        for shape in shapes.iter().filter(|shape| shape.required) {
            if !table.get_ref().keys().any(|key| key.get_ref() == shape.name) {
                let owner = if name.is_empty() { "the file" } else { name };
                let message = format!("{owner} has no `{}`", shape.name);
                self.report(table.span(), message, format!("add {}", example(shape)));
            }
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, parent: &str, shape: &KeyShape) {
        let path = if parent.is_empty() {
            shape.name.to_owned()
        } else {
            format!("{}.{}", bare(parent), shape.name)
        };
        match (&shape.kind, value.get_ref()) {
            (ValueShape::Any, _)
            | (ValueShape::Text, DeValue::String(_))
            | (ValueShape::Whole, DeValue::Integer(_))
            | (ValueShape::Number, DeValue::Integer(_) | DeValue::Float(_))
            | (ValueShape::Flag, DeValue::Boolean(_))
            | (ValueShape::AnyTable, DeValue::Table(_)) => {}
            (ValueShape::OneOf(words), DeValue::String(word)) => {
                if !words.contains(&word.as_ref()) {
                    let message = format!("`{}` is `{word}`, not one of {}", shape.name, words.join(", "));
                    self.report(value.span(), message, "write one of them");
                }
            }
            (ValueShape::Texts, DeValue::Array(items)) => {
                for item in items.iter().filter(|item| !matches!(item.get_ref(), DeValue::String(_))) {
                    let message =
                        format!("a line of `{}` is {}, not a text", shape.name, kind(item.get_ref()));
                    self.report(item.span(), message, "put it in quotes");
                }
            }
            (ValueShape::TextTable, DeValue::Table(table)) => {
                for (key, item) in
                    table.iter().filter(|(_, item)| !matches!(item.get_ref(), DeValue::String(_)))
                {
                    let message =
                        format!("`{}` of [{path}] is {}, not a text", key.get_ref(), kind(item.get_ref()));
                    self.report(item.span(), message, "put it in quotes");
                }
            }
            (ValueShape::TableOf(shapes), DeValue::Table(table)) => {
                for (key, item) in table {
                    let name = format!("[{path}.{}]", key.get_ref());
                    if let DeValue::Table(table) = item.get_ref() {
                        self.table(&Spanned::new(item.span(), table.clone()), &name, shapes);
                    } else {
                        let message = format!("{name} is {}, not a table", kind(item.get_ref()));
                        self.report(item.span(), message, format!("write {} = {{ ... }}", key.get_ref()));
                    }
                }
            }
            (ValueShape::Table(shapes), DeValue::Table(table)) => {
                self.table(&Spanned::new(value.span(), table.clone()), &format!("[{path}]"), shapes);
            }
            (ValueShape::Tables(shapes), DeValue::Array(items)) => {
                for item in items {
                    if let DeValue::Table(table) = item.get_ref() {
                        let table = Spanned::new(item.span(), table.clone());
                        self.table(&table, &format!("[[{path}]]"), shapes);
                    } else {
                        let name = shape.name;
                        let message =
                            format!("an entry of `{name}` is {}, not a table", kind(item.get_ref()));
                        self.report(item.span(), message, format!("write {}", example(shape)));
                    }
                }
            }
            (_, other) => {
                let message = format!(
                    "`{}`{} is {}, not {}",
                    shape.name,
                    within(parent),
                    kind(other),
                    expected(&shape.kind)
                );
                self.report(value.span(), message, format!("write {}", example(shape)));
            }
        }
    }
}

fn within(table: &str) -> String {
    if table.is_empty() { String::new() } else { format!(" in {table}") }
}

/// The name of a table without its brackets.
fn bare(table: &str) -> &str {
    table.trim_matches(['[', ']'])
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

fn expected(kind: &ValueShape) -> &'static str {
    match kind {
        ValueShape::Text | ValueShape::OneOf(_) => "a text",
        ValueShape::Texts => "an array of texts",
        ValueShape::Whole => "a whole number",
        ValueShape::Number => "a number",
        ValueShape::Flag => "true or false",
        ValueShape::Any => "a value",
        ValueShape::TextTable | ValueShape::AnyTable | ValueShape::TableOf(_) | ValueShape::Table(_) => {
            "a table"
        }
        ValueShape::Tables(_) => "an array of tables",
    }
}

/// The key with a value, as a fix writes it.
fn example(shape: &KeyShape) -> String {
    let name = shape.name;
    match &shape.kind {
        ValueShape::Text => format!("{name} = \"...\""),
        ValueShape::OneOf(words) => format!("{name} = \"{}\"", words.first().unwrap_or(&"...")),
        ValueShape::Texts => format!("{name} = [\"...\", \"...\"]"),
        ValueShape::Whole => format!("{name} = 1, a whole number"),
        ValueShape::Number => format!("{name} = 1, a number without quotes"),
        ValueShape::Flag => format!("{name} = true or {name} = false"),
        ValueShape::Any => format!("{name} = ..."),
        ValueShape::TextTable | ValueShape::AnyTable | ValueShape::TableOf(_) | ValueShape::Table(_) => {
            format!("a table [{name}]")
        }
        ValueShape::Tables(_) => format!("{name} = [{{ ... }}]"),
    }
}

/// The fix for an unknown key: the known one that is spelt like it, or all of them.
fn meant(written: &str, shapes: &[KeyShape]) -> String {
    let nearest = shapes.iter().map(|shape| (distance(written, shape.name), shape.name)).min();
    match nearest {
        Some((letters, name)) if letters <= MISSPELT_LETTERS_MAX => format!("write `{name}`"),
        _ => {
            let names: Vec<_> = shapes.iter().map(|shape| shape.name).collect();
            format!("use one of {}", names.join(", "))
        }
    }
}

/// The Levenshtein distance: how many letters to add, remove or replace. The same letters in another order are one typing
/// error.
fn distance(one: &str, other: &str) -> usize {
    let sorted = |text: &str| {
        let mut letters: Vec<_> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    if one != other && sorted(one) == sorted(other) {
        return 1;
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row, vec![index + 1]).into_iter();
        let mut above_left = diagonal.next().unwrap_or(0);
        for (other_letter, above) in other.chars().zip(diagonal) {
            let left = row.last().copied().unwrap_or(0);
            let replaced = above_left + usize::from(letter != other_letter);
            row.push(replaced.min(above + 1).min(left + 1));
            above_left = above;
        }
    }
    row.last().copied().unwrap_or(0)
}
