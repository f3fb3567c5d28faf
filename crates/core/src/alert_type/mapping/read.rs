//! Reads a mapping and checks it against its alert type, or reports all its problems at once. The lint of shapes reports
//! keys that are unknown or missing, so they may be here.
//!
//! Never: accepts a mapping from which some field of an alert could not come.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

use super::{EpochUnit, MappedConstant, MappedField, Mapping, MatchExpected, MatchRule, Pointer};
use crate::alert_type::lint::Lint;
use crate::alert_type::{AlertType, Fact, LintFinding};

#[derive(Deserialize)]
struct MappingToml {
    each: Option<Spanned<String>>,
    #[serde(rename = "match")]
    payload: Option<Spanned<BTreeMap<String, Spanned<toml::Value>>>>,
    #[serde(default)]
    match_element: BTreeMap<String, Spanned<toml::Value>>,
    entity_id: Option<Spanned<FieldToml>>,
    timestamp: Option<Spanned<FieldToml>>,
    severity: Option<Spanned<FieldToml>>,
    message: Option<Spanned<FieldToml>>,
    #[serde(default)]
    facts: BTreeMap<String, Spanned<FieldToml>>,
}

#[derive(Deserialize, Default)]
struct FieldToml {
    path: Option<Spanned<toml::Value>>,
    join: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    of: ElementOrPayload,
    #[serde(default)]
    json: bool,
    then: Option<Spanned<String>>,
    unit: Option<UnitToml>,
    #[serde(default)]
    values: BTreeMap<String, Spanned<toml::Value>>,
    default: Option<Spanned<toml::Value>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
enum ElementOrPayload {
    #[default]
    Element,
    Payload,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum UnitToml {
    EpochMs,
    EpochS,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedToml {
    exists: Option<bool>,
    starts: Option<String>,
}

impl Mapping {
    /// Reads and checks the text of a `from/SOURCE.toml`. Findings name it `file`.
    pub fn read(
        file: &str,
        source: &str,
        text: &str,
        alert_type: &AlertType,
    ) -> Result<Self, Vec<LintFinding>> {
        let mut lint = Lint::new(file, text);
        lint.mapping_shape(text);
        let written: MappingToml = match toml::from_str(text) {
            Ok(written) => written,
            Err(error) => {
                // The shape has usually reported this already, in words.
                if lint.is_clean() {
                    let fix = "see docs/ALERT-TYPES.md, which explains every key of a mapping";
                    lint.report(error.span().unwrap_or(0..0), error.message().replace('\n', ", "), fix);
                }
                return Err(lint.findings());
            }
        };
        let mapping = lint.mapping(source, &written, alert_type);
        let findings = lint.findings();
        if findings.is_empty() { Ok(mapping) } else { Err(findings) }
    }
}

impl Lint<'_> {
    fn mapping(&mut self, source: &str, written: &MappingToml, alert_type: &AlertType) -> Mapping {
        self.id(&Spanned::new(0..0, source.to_owned()), "the file's name");
        if let Some(payload) = written.payload.as_ref().filter(|payload| payload.get_ref().is_empty()) {
            self.report(
                payload.span(),
                "[match] has no condition, so that it would match everything",
                "write a field that only payloads of this source have, such as \"/source\" = \"aws.cloudwatch\"",
            );
        }
        let each = written.each.as_ref().map(|each| self.pointer(each));
        if let Some(rule) = written.match_element.values().next().filter(|_| each.is_none()) {
            self.report(
                rule.span(),
                "[match_element] has no elements",
                "add each = \"/alerts\", or move its conditions to [match]",
            );
        }
        let mut facts = IndexMap::new();
        for (id, field) in &written.facts {
            if alert_type.fact(id).is_none() {
                let ids: Vec<_> = alert_type.facts().iter().map(Fact::id).collect();
                let message = format!("`{id}` is not a fact of {}", alert_type.id());
                self.report(field.span(), message, format!("use one of {}", ids.join(", ")));
            }
            facts.insert(id.clone(), self.field(id, field));
        }
        for fact in alert_type.facts().iter().filter(|fact| !fact.is_optional()) {
            if !written.facts.contains_key(fact.id()) {
                self.report(
                    0..0,
                    format!("no field of [facts] sets the fact `{}`", fact.id()),
                    format!(
                        "add {} = {{ path = \"/...\" }} to [facts], or make the fact optional",
                        fact.id()
                    ),
                );
            }
        }
        Mapping {
            source: source.to_owned(),
            payload: written.payload.as_ref().map(|rules| self.rules(rules.get_ref())).unwrap_or_default(),
            each,
            element: self.rules(&written.match_element),
            entity_id: self.required_field("entity_id", written.entity_id.as_ref()),
            timestamp: self.required_field("timestamp", written.timestamp.as_ref()),
            severity: self.required_field("severity", written.severity.as_ref()),
            message: written.message.as_ref().map(|message| self.field("message", message)),
            facts,
        }
    }

    fn pointer(&mut self, written: &Spanned<String>) -> Pointer {
        Pointer::read(written.get_ref()).unwrap_or_else(|| {
            let message = format!("`{}` is not a JSON Pointer", written.get_ref());
            self.report(written.span(), message, "start it with `/`, such as \"/detail/alarmName\"");
            Pointer(Vec::new())
        })
    }

    fn rules(&mut self, written: &BTreeMap<String, Spanned<toml::Value>>) -> Vec<MatchRule> {
        let rule = |(pointer, expected): (&String, &Spanned<toml::Value>)| MatchRule {
            pointer: self.pointer(&Spanned::new(expected.span(), pointer.clone())),
            expected: self.expected(expected),
        };
        written.iter().map(rule).collect()
    }

    fn expected(&mut self, written: &Spanned<toml::Value>) -> MatchExpected {
        match written.get_ref() {
            toml::Value::Array(values) if !values.is_empty() => MatchExpected::OneOf(
                values
                    .iter()
                    .map(|value| self.constant(&Spanned::new(written.span(), value.clone())))
                    .collect(),
            ),
            toml::Value::Table(_) => {
                let expected = written.get_ref().clone().try_into();
                match expected {
                    Ok(ExpectedToml { exists: Some(exists), starts: None }) => MatchExpected::Exists(exists),
                    Ok(ExpectedToml { exists: None, starts: Some(start) }) => MatchExpected::Starts(start),
                    Ok(_) | Err(_) => {
                        self.report(
                            written.span(),
                            "the condition is not one that a mapping knows",
                            "write a value, a list of values, { starts = \"...\" } or { exists = true }",
                        );
                        MatchExpected::Exists(true)
                    }
                }
            }
            toml::Value::String(_)
            | toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => MatchExpected::OneOf(vec![self.constant(written)]),
        }
    }

    fn constant(&mut self, written: &Spanned<toml::Value>) -> MappedConstant {
        match written.get_ref() {
            toml::Value::String(text) => MappedConstant::Text(text.clone()),
            toml::Value::Boolean(flag) => MappedConstant::Flag(*flag),
            toml::Value::Integer(number) => MappedConstant::Number(number.to_string()),
            toml::Value::Float(number) if number.is_finite() => MappedConstant::Number(number.to_string()),
            toml::Value::Float(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_)
            | toml::Value::Table(_) => {
                self.report(
                    written.span(),
                    "the value is not a text, number or boolean",
                    "write one, such as \"firing\", 5 or true",
                );
                MappedConstant::Flag(false)
            }
        }
    }

    /// A missing field is replaced by a placeholder. Nobody sees it, because a mapping with findings is never returned.
    fn required_field(&mut self, name: &str, written: Option<&Spanned<FieldToml>>) -> MappedField {
        written.map_or_else(MappedField::default, |written| self.field(name, written))
    }

    fn field(&mut self, name: &str, written: &Spanned<FieldToml>) -> MappedField {
        let field = written.get_ref();
        let paths = match field.path.as_ref().map(|path| (path, path.get_ref())) {
            None => Vec::new(),
            Some((at, toml::Value::String(path))) => {
                vec![self.pointer(&Spanned::new(at.span(), path.clone()))]
            }
            Some((at, toml::Value::Array(paths))) if paths.iter().all(toml::Value::is_str) => {
                let paths = paths.iter().filter_map(toml::Value::as_str);
                paths.map(|path| self.pointer(&Spanned::new(at.span(), path.to_owned()))).collect()
            }
            Some((at, _)) => {
                self.report(
                    at.span(),
                    format!("`path` of `{name}` is not a path"),
                    "write a JSON Pointer, or a list of them",
                );
                Vec::new()
            }
        };
        let joined = field.join.iter().flat_map(|join| join.get_ref().iter().map(|path| (join.span(), path)));
        let joined: Vec<_> = joined.map(|(at, path)| self.pointer(&Spanned::new(at, path.clone()))).collect();
        let sources = usize::from(field.path.is_some()) + usize::from(field.join.is_some());
        if sources > 1 || sources == 0 && field.default.is_none() {
            self.report(
                written.span(),
                format!("`{name}` has neither a `path` nor a `default`, or both a `path` and a `join`"),
                "write path = \"/...\" (a JSON Pointer), join = [\"/...\", ...] or default = ...",
            );
        }
        if let Some(then) = field.then.as_ref().filter(|_| !field.json) {
            self.report(
                then.span(),
                "`then` leads into a JSON text, but `json` is not set",
                "add json = true, or write the whole way in `path`",
            );
        }
        let json = field.json.then(|| field.then.as_ref().map(|then| self.pointer(then)));
        MappedField {
            joined: field.join.is_some(),
            paths: if field.join.is_some() { joined } else { paths },
            of_payload: field.of == ElementOrPayload::Payload,
            json: json.map(|then| then.unwrap_or(Pointer(Vec::new()))),
            unit: field.unit.map(|unit| match unit {
                UnitToml::EpochMs => EpochUnit::Millis,
                UnitToml::EpochS => EpochUnit::Seconds,
            }),
            values: field.values.iter().map(|(value, to)| (value.clone(), self.constant(to))).collect(),
            fallback: field.default.as_ref().map(|default| self.constant(default)),
        }
    }
}
