//! What a channel sends of an insight: a template, which is data.
//!
//! Never: lets the text of an insight change the form of what is sent; JSON is made by `tojson`, and Slack's characters
//! are escaped.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use portend_core::alert_type::AlertTypes;
use portend_core::insight::StoredInsight;
use serde_json::{Map, Value};

use crate::limits::TEMPLATE_FUEL;
use crate::network::percent_encoded;

/// The templates of the program, by name.
const BUILT_IN: [(&str, &str); 4] = [
    ("webhook", include_str!("../../templates/webhook.json")),
    ("high_risk_alert", include_str!("../../templates/high_risk_alert.json")),
    ("slack", include_str!("../../templates/slack.json")),
    ("mail", include_str!("../../templates/mail.txt")),
];

/// The name under which a channel's template is stored.
const NAME: &str = "template";

/// A template that has been parsed.
#[derive(Debug)]
pub(super) struct Template {
    environment: Environment<'static>,
    link: Option<String>,
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateError {
    /// The line in the template; 0 if it is not known.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Self { line: error.line().unwrap_or(0), what }
    }
}

impl Template {
    /// Parses a template of the program, by its name, or the text of one's own. `link` is the address of an insight, in
    /// which `{alert_id}` is replaced.
    pub(super) fn new(text: &str, link: Option<String>) -> Result<Self, TemplateError> {
        let source = BUILT_IN.iter().find(|(name, _)| *name == text).map_or(text, |(_, source)| source);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(TEMPLATE_FUEL));
        environment.add_filter("clip", |text: String, chars: usize| clip(&text, chars));
        environment.add_filter("slack", |text: String| slack(&text));
        environment.add_filter("line", |text: String| line(&text));
        environment.add_template_owned(NAME, source.to_owned())?;
        Ok(Self { environment, link })
    }

    /// What is sent of this insight.
    pub(super) fn render(
        &self,
        insight: &StoredInsight,
        types: &AlertTypes,
    ) -> Result<String, TemplateError> {
        let alert_type = types.get(insight.prediction_type());
        let mut fields = match serde_json::to_value(insight) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        };
        // The model's unchecked text, and the attempts with their cost, stay in the store.
        fields.retain(|name, _| !["reply", "attempts"].contains(&name.as_str()));
        let link =
            self.link.as_ref().map(|link| link.replace("{alert_id}", &percent_encoded(insight.alert_id())));
        let values = context! {
            insight => minijinja::Value::from(Serde(&fields)),
            title => alert_type.map_or(insight.prediction_type(), |each| each.title()),
            meaning => alert_type.map_or("", |each| each.meaning_of(insight.risk_score())),
            link => link,
        };
        Ok(self.environment.get_template(NAME)?.render(values)?.trim().to_owned())
    }
}

/// The text's beginning of at most this many characters, with an ellipsis if it is cut.
pub(super) fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Escapes the three characters that Slack's markup gives a meaning.
pub(super) fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The text on one line, without control characters.
pub(super) fn line(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { ' ' } else { each }).collect()
}

#[cfg(test)]
mod tests;
