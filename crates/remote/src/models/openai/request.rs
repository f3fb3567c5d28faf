//! Writes a [`Call`] as the body of a request of the Responses API or Chat Completions.
//!
//! Never: sends a parameter that the model or a compatible server may refuse, such as a temperature or `store`.

use portend_core::model::{Call, Message, Role};
use portend_core::prompt::ReplySchema;
use serde_json::{Value, json};

use super::Api;
use crate::models::catalogue::{ModelFacts, Provider, Thinking};

/// The body of the request.
pub(super) fn body(api: Api, model_id: &str, facts: &ModelFacts, call: &Call<'_>) -> Value {
    let shared = [("model", Some(json!(model_id))), ("temperature", facts.temperature.then(|| json!(0)))];
    let own = match api {
        Api::Responses => responses(facts, call),
        Api::ChatCompletions => chat_completions(facts, call),
    };
    shared.into_iter().chain(own).filter_map(|(name, value)| Some((name, value?))).collect()
}

/// A member of the body; `None` if it is not sent.
type Member = (&'static str, Option<Value>);

fn responses(facts: &ModelFacts, call: &Call<'_>) -> Vec<Member> {
    let format = |schema| json!({ "type": "json_schema", "name": "reply", "strict": true, "schema": schema });
    vec![
        ("instructions", Some(json!(call.system))),
        ("input", Some(call.messages.iter().map(message).collect())),
        ("max_output_tokens", Some(json!(facts.ceiling(call.output_tokens)))),
        // The vendor must not store the facts of an alert.
        ("store", Some(json!(false))),
        ("reasoning", effort(facts.thinking).map(|effort| json!({ "effort": effort }))),
        ("text", call.schema.map(|schema| json!({ "format": format(schema.reduced()) }))),
    ]
}

fn chat_completions(facts: &ModelFacts, call: &Call<'_>) -> Vec<Member> {
    let system = json!({ "role": "system", "content": call.system });
    let effort = effort(facts.thinking);
    // Models with an effort use a new name for the limit. Older servers know only the old name.
    let ceiling = if effort.is_some() { "max_completion_tokens" } else { "max_tokens" };
    let form = |schema: &ReplySchema| {
        // A compatible server generates by a grammar, and needs the bounds. OpenAI does not accept all of them.
        let bounded = facts.provider == Provider::Compatible;
        let schema = if bounded { schema.bounded() } else { schema.reduced() };
        json!({ "name": "reply", "strict": true, "schema": schema })
    };
    vec![
        ("messages", Some(std::iter::once(system).chain(call.messages.iter().map(message)).collect())),
        (ceiling, Some(json!(facts.ceiling(call.output_tokens)))),
        ("stream", Some(json!(false))),
        ("reasoning_effort", effort.map(|effort| json!(effort))),
        (
            "response_format",
            call.schema.map(|schema| json!({ "type": "json_schema", "json_schema": form(schema) })),
        ),
    ]
}

fn effort(thinking: Thinking) -> Option<&'static str> {
    match thinking {
        Thinking::Never | Thinking::ByDefault => None,
        Thinking::EffortNone => Some("none"),
        Thinking::EffortLow => Some("low"),
    }
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    json!({ "role": role, "content": message.text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::THINKING_TOKENS;
    use crate::models::catalogue::{Catalogue, Provider};

    fn write(api: Api, provider: Provider, model_id: &str, schema: Option<&Value>) -> Value {
        let facts = Catalogue::built_in().unwrap().facts(provider, "openai", model_id);
        let messages = [
            Message { role: Role::User, text: "{}".to_owned() },
            Message { role: Role::Assistant, text: "no".to_owned() },
            Message { role: Role::User, text: "again".to_owned() },
        ];
        let schema = schema.map(|schema| ReplySchema::uniform(schema.clone()));
        let call =
            Call { system: "rules", messages: &messages, schema: schema.as_ref(), output_tokens: 1000 };
        body(api, model_id, &facts, &call)
    }

    #[test]
    fn a_request_of_the_responses_api_has_its_members() {
        let schema = json!({ "type": "object", "additionalProperties": false });
        let expected = json!({
            "model": "gpt-6-luna",
            "instructions": "rules",
            "input": [
                { "role": "user", "content": "{}" },
                { "role": "assistant", "content": "no" },
                { "role": "user", "content": "again" },
            ],
            "max_output_tokens": 1000,
            "store": false,
            "reasoning": { "effort": "none" },
            "text": { "format": { "type": "json_schema", "name": "reply", "strict": true, "schema": schema } },
        });
        assert_eq!(write(Api::Responses, Provider::Openai, "gpt-6-luna", Some(&schema)), expected);
    }

    #[test]
    fn an_unknown_model_gets_no_parameter_that_it_might_refuse() {
        let body = write(Api::Responses, Provider::Openai, "gpt-9", None);
        for key in ["temperature", "reasoning", "text"] {
            assert_eq!(body.get(key), None, "{key}");
        }
        assert_eq!(body["max_output_tokens"], json!(1000 + THINKING_TOKENS));
    }

    #[test]
    fn a_compatible_server_gets_the_members_that_all_servers_know() {
        let schema = json!({ "type": "object" });
        let expected = json!({
            "model": "llama3.2",
            "messages": [
                { "role": "system", "content": "rules" },
                { "role": "user", "content": "{}" },
                { "role": "assistant", "content": "no" },
                { "role": "user", "content": "again" },
            ],
            "stream": false,
            "max_tokens": 1000 + THINKING_TOKENS,
            "temperature": 0,
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": "reply", "strict": true, "schema": schema },
            },
        });
        assert_eq!(write(Api::ChatCompletions, Provider::Compatible, "llama3.2", Some(&schema)), expected);
    }

    #[test]
    fn a_model_that_accepts_an_effort_gets_it_behind_a_gateway_too() {
        let body = write(Api::ChatCompletions, Provider::Compatible, "gpt-6-luna", None);
        assert_eq!(
            (&body["reasoning_effort"], &body["max_completion_tokens"]),
            (&json!("none"), &json!(1000))
        );
        assert_eq!(
            (body.get("max_tokens"), body.get("temperature"), body.get("response_format")),
            (None, None, None)
        );
    }
}
