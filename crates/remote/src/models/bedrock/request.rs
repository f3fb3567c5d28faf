//! Writes a [`Call`] as a Converse request: the path and the body.
//!
//! The system text is the same for all alerts of a type. It is marked for the vendor's prompt cache if it is long enough.
//!
//! Never: sends a parameter that the model refuses, such as a temperature.

use std::fmt::Write as _;

use portend_core::model::{Call, Message, Role};
use serde_json::{Value, json};

use crate::models::catalogue::ModelFacts;

/// The path for a model's id or ARN.
pub(super) fn path(model_id: &str) -> String {
    escaped("/model/", model_id) + "/converse"
}

/// A path that ends with an id or an ARN.
pub(super) fn escaped(beginning: &str, model_id: &str) -> String {
    let mut path = beginning.to_owned();
    for byte in model_id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// The body of the request.
pub(super) fn body(facts: &ModelFacts, with_temperature: bool, call: &Call<'_>) -> Value {
    let mut inference = json!({ "maxTokens": facts.ceiling(call.output_tokens) });
    let text = json!({ "text": call.system });
    let cache_point = facts.caches(call.system).then(|| json!({ "cachePoint": { "type": "default" } }));
    let mut body = json!({
        "system": std::iter::once(text).chain(cache_point).collect::<Vec<_>>(),
        "messages": call.messages.iter().map(message).collect::<Vec<_>>(),
    });
    if with_temperature {
        insert(&mut inference, "temperature", json!(0.0));
    }
    insert(&mut body, "inferenceConfig", inference);
    if let Some(schema) = call.schema {
        // Converse expects the schema as text.
        let schema = json!({ "name": "reply", "schema": schema.to_string() });
        let format = json!({ "type": "json_schema", "structure": { "jsonSchema": schema } });
        insert(&mut body, "outputConfig", json!({ "textFormat": format }));
    }
    body
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    json!({ "role": role, "content": [{ "text": message.text }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::catalogue::{Catalogue, Provider};

    #[test]
    fn only_a_long_system_text_is_marked_for_the_cache() {
        let facts = |id| Catalogue::built_in().unwrap().facts(Provider::Bedrock, "bedrock", id);
        let (known, unknown) =
            (facts("anthropic.claude-haiku-4-5-20251001-v1:0"), facts("amazon.nova-lite-v1:0"));
        let long = "rule ".repeat(4000);
        for (facts, system, blocks) in
            [(&known, "rules", 1), (&known, long.as_str(), 2), (&unknown, &long, 1)]
        {
            let call = Call { system, messages: &[], schema: None, output_tokens: 1000 };
            let body = body(facts, true, &call);
            assert_eq!(body["system"].as_array().unwrap().len(), blocks);
            assert_eq!(body["system"][0]["text"], json!(system));
        }
    }
}
