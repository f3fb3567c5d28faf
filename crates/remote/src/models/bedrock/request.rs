//! Writes a [`Call`] as a Converse request: the path and the body.
//!
//! Never: sends a parameter that the model refuses, such as a temperature.

use std::fmt::Write as _;

use portend_core::model::{Call, Message, Role};
use serde_json::{Value, json};

use crate::models::catalogue::ModelFacts;

/// The path for a model's id or ARN.
pub(super) fn path(model_id: &str) -> String {
    let mut path = "/model/".to_owned();
    for byte in model_id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path + "/converse"
}

/// The body of the request.
pub(super) fn body(facts: &ModelFacts, call: &Call<'_>) -> Value {
    let mut inference = json!({ "maxTokens": facts.ceiling(call.output_tokens) });
    let mut body = json!({
        "system": [{ "text": call.system }],
        "messages": call.messages.iter().map(message).collect::<Vec<_>>(),
    });
    if facts.temperature {
        insert(&mut inference, "temperature", json!(0.0));
    }
    insert(&mut body, "inferenceConfig", inference);
    if let Some(schema) = call.schema {
        // Converse expects the schema as text.
        let schema = json!({ "name": "reply", "schema": schema.reduced().to_string() });
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
