//! The JSON schema of a reply, in two forms: with and without bounds.
//!
//! Never: mentions an alert. A schema depends only on the alert type, so that a vendor compiles it once.

use serde_json::{Map, Value, json};

use crate::alert_type::{AlertType, Fact};
use crate::limits::{
    RECOMMENDATIONS_MAX, RECOMMENDATIONS_MIN, RISK_SCORE_MAX, RISK_SCORE_MIN, SCHEMA_BECAUSE_CHARS_MAX,
    SCHEMA_EXPLANATION_CHARS_MAX, SCHEMA_RECOMMENDATION_CHARS_MAX,
};

/// What the schema says of a text or list. A reply that only repeats one of these has no content.
pub(super) const DESCRIPTIONS: [&str; 4] = [
    "Why, in a full sentence about this alert.",
    "Two to four full sentences about this alert.",
    "One concrete action that the team can take, in a full sentence.",
    "Two or three different actions.",
];

/// The schema of a reply. Its keys are in the order in which the prompt asks for them.
///
/// Both forms describe the same object. A vendor that checks schemas strictly rejects some of the bounds, so it gets the
/// reduced form. A server that generates text by a grammar needs the bounded form, because without bounds a small model
/// does not end a text.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplySchema {
    reduced: Value,
    bounded: Value,
}

impl ReplySchema {
    /// The schema of the replies about alerts of a type.
    pub(super) fn of(alert_type: &AlertType) -> Self {
        Self { reduced: schema(alert_type, false), bounded: schema(alert_type, true) }
    }

    /// The same schema in both forms.
    pub fn uniform(schema: Value) -> Self {
        Self { bounded: schema.clone(), reduced: schema }
    }

    /// Without ranges, counts and lengths, because not every vendor accepts them. The reader checks them anyway.
    pub fn reduced(&self) -> &Value {
        &self.reduced
    }

    /// With ranges, counts and lengths: at most one driver per fact, two or three recommendations, a whole score from 0
    /// to 100, and short texts.
    pub fn bounded(&self) -> &Value {
        &self.bounded
    }
}

fn schema(alert_type: &AlertType, with_bounds: bool) -> Value {
    let shown = alert_type.facts().iter().filter(|fact| fact.is_in_prompt());
    let facts: Vec<_> = shown.map(Fact::id).collect();
    let example = facts.first().copied().unwrap_or_default();
    let [because, explanation, action, actions] = DESCRIPTIONS;
    let references = format!("Write references such as {{{example}}} and {{risk_score}}, not numbers.");
    let bounded = |schema: Value, bounds: Value| if with_bounds { join(schema, bounds) } else { schema };
    let text = |description: &str, chars_max: usize| {
        bounded(json!({ "type": "string", "description": description }), json!({ "maxLength": chars_max }))
    };
    let driver = json!({
        "type": "object",
        "properties": {
            "fact": { "type": "string", "enum": facts },
            "effect": { "type": "string", "enum": ["raises", "lowers"] },
            "because": text(&format!("{because} {references}"), SCHEMA_BECAUSE_CHARS_MAX),
        },
        "required": ["fact", "effect", "because"],
        "additionalProperties": false,
    });
    let drivers = json!({
        "type": "array",
        "description": "One driver per fact, never one fact twice.",
        "items": driver,
    });
    let recommendations = json!({
        "type": "array",
        "description": actions,
        "items": text(action, SCHEMA_RECOMMENDATION_CHARS_MAX),
    });
    let risk_score = json!({ "type": "number", "description": "From 0 to 100, on the scale." });
    let explanation = format!("{explanation} {references}");
    json!({
        "type": "object",
        "properties": {
            "drivers": bounded(drivers, json!({ "maxItems": facts.len() })),
            "explanation": text(&explanation, SCHEMA_EXPLANATION_CHARS_MAX),
            "recommendations": bounded(
                recommendations,
                json!({ "minItems": RECOMMENDATIONS_MIN, "maxItems": RECOMMENDATIONS_MAX }),
            ),
            "risk_score": bounded(
                risk_score,
                json!({ "type": "integer", "minimum": whole(RISK_SCORE_MIN), "maximum": whole(RISK_SCORE_MAX) }),
            ),
        },
        "required": ["drivers", "explanation", "recommendations", "risk_score"],
        "additionalProperties": false,
    })
}

/// A schema with further keys. A key that it has already gets the new value.
fn join(schema: Value, further: Value) -> Value {
    let map = |value| if let Value::Object(map) = value { map } else { Map::new() };
    let mut joined = map(schema);
    joined.extend(map(further));
    Value::Object(joined)
}

#[expect(clippy::cast_possible_truncation, reason = "the ends of the scale are whole and small")]
fn whole(end: f64) -> i64 {
    end as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert_type::AlertTypes;

    #[test]
    fn the_keys_are_in_the_order_of_the_prompt() {
        for alert_type in AlertTypes::built_in().iter() {
            let schema = ReplySchema::of(alert_type);
            for form in [schema.reduced(), schema.bounded()] {
                let keys: Vec<_> = form["properties"].as_object().unwrap().keys().collect();
                assert_eq!(keys, ["drivers", "explanation", "recommendations", "risk_score"]);
                let text = form.to_string();
                let order = ["\"fact\":", "\"effect\":", "\"because\":"].map(|key| text.find(key).unwrap());
                assert!(order.is_sorted(), "{text}");
            }
        }
    }

    #[test]
    fn only_the_bounded_form_has_bounds() {
        let types = AlertTypes::built_in();
        let schema = ReplySchema::of(types.get("low_health_score").unwrap());
        let bounds = ["maxItems", "minItems", "maxLength", "minimum", "maximum"];
        let has = |form: &Value| bounds.map(|bound| form.to_string().contains(&format!("\"{bound}\"")));
        assert_eq!(has(schema.reduced()), [false; 5]);
        assert_eq!(has(schema.bounded()), [true; 5]);
        assert_eq!(schema.bounded().pointer("/properties/drivers/maxItems"), Some(&json!(3)));
        assert_eq!(
            schema.bounded()["properties"]["risk_score"],
            json!({ "type": "integer", "description": "From 0 to 100, on the scale.", "minimum": 0, "maximum": 100 })
        );
        assert_eq!(schema.reduced()["properties"]["risk_score"]["type"], "number");
    }
}
