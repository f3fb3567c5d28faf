//! Writes a [`Call`] as the body of a request of the Responses API or Chat Completions.
//!
//! Never: sends a parameter that the model or a compatible server may refuse, such as a temperature or `store`, or that
//! it has refused.

use portend_core::model::{Call, Message, Role};
use serde_json::{Value, json};

use super::Api;
use crate::models::catalogue::ModelFacts;
use crate::models::parameter::Parameter;
use crate::settings::TokenLimitName;

/// A member of the body; `None` if it is not sent.
type Member = (&'static str, Option<Value>);

/// What a request asks, and of which model.
#[derive(Clone, Copy)]
pub(super) struct ChatRequest<'a> {
    /// The endpoint's API.
    pub(super) api: Api,
    /// The model's id.
    pub(super) model_id: &'a str,
    /// What is known about the model.
    pub(super) facts: &'a ModelFacts,
    /// The parameters that the endpoint has refused.
    pub(super) refused: &'a [Parameter],
    /// The call.
    pub(super) call: &'a Call<'a>,
}

impl ChatRequest<'_> {
    /// The body.
    pub(super) fn body(&self) -> Value {
        let shared = [
            ("model", Some(json!(self.model_id))),
            ("temperature", self.sends_temperature().then(|| json!(0))),
        ];
        let own = match self.api {
            Api::Responses => self.responses(),
            Api::ChatCompletions => self.chat_completions(),
        };
        shared.into_iter().chain(own).filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The parameters that an error may be about.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let has_two_names =
            self.api == Api::ChatCompletions && !self.refused.contains(&Parameter::TokenLimit);
        let sent = [
            (Parameter::Temperature, self.sends_temperature()),
            (Parameter::Effort, self.effort().is_some()),
            (Parameter::TokenLimit, has_two_names),
        ];
        sent.into_iter().filter(|(_, is_sent)| *is_sent).map(|(parameter, _)| parameter).collect()
    }

    fn sends_temperature(&self) -> bool {
        self.facts.temperature && !self.refused.contains(&Parameter::Temperature)
    }

    fn effort(&self) -> Option<&str> {
        self.facts.effort().filter(|_| !self.refused.contains(&Parameter::Effort))
    }

    fn responses(&self) -> Vec<Member> {
        let Self { facts, call, .. } = self;
        let format =
            |schema| json!({ "type": "json_schema", "name": "reply", "strict": true, "schema": schema });
        vec![
            ("instructions", Some(json!(call.system))),
            ("input", Some(call.messages.iter().map(message).collect())),
            ("max_output_tokens", Some(json!(facts.ceiling(call.output_tokens)))),
            // The vendor must not store the facts of an alert.
            ("store", Some(json!(false))),
            ("reasoning", self.effort().map(|effort| json!({ "effort": effort }))),
            ("text", call.schema.map(|schema| json!({ "format": format(schema) }))),
        ]
    }

    fn chat_completions(&self) -> Vec<Member> {
        let Self { facts, call, .. } = self;
        let system = json!({ "role": "system", "content": call.system });
        let is_old = facts.token_limit() == TokenLimitName::MaxTokens;
        let is_refused = self.refused.contains(&Parameter::TokenLimit);
        let ceiling = if is_old == is_refused { "max_completion_tokens" } else { "max_tokens" };
        let form = |schema| json!({ "name": "reply", "strict": true, "schema": schema });
        vec![
            ("messages", Some(std::iter::once(system).chain(call.messages.iter().map(message)).collect())),
            (ceiling, Some(json!(facts.ceiling(call.output_tokens)))),
            ("stream", Some(json!(false))),
            ("reasoning_effort", self.effort().map(|effort| json!(effort))),
            (
                "response_format",
                call.schema.map(|schema| json!({ "type": "json_schema", "json_schema": form(schema) })),
            ),
        ]
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
    use crate::settings::ModelTuning;

    fn write(api: Api, provider: Provider, model_id: &str, schema: Option<&Value>) -> Value {
        let facts = Catalogue::built_in().unwrap().facts(provider, "openai", model_id);
        let messages = [
            Message { role: Role::User, text: "{}".to_owned() },
            Message { role: Role::Assistant, text: "no".to_owned() },
            Message { role: Role::User, text: "again".to_owned() },
        ];
        let call = Call { system: "rules", messages: &messages, schema, output_tokens: 1000 };
        ChatRequest { api, model_id, facts: &facts, refused: &[], call: &call }.body()
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
    fn a_refused_parameter_is_left_out_or_renamed() {
        let call = Call { system: "", messages: &[], schema: None, output_tokens: 1000 };
        let catalogue = Catalogue::built_in().unwrap();
        let facts = catalogue.facts(Provider::Compatible, "proxy", "gpt-6-luna");
        let tuning = ModelTuning { temperature: Some(true), ..ModelTuning::default() };
        let facts = facts.tuned(tuning);
        let all = [Parameter::Temperature, Parameter::Effort, Parameter::TokenLimit];
        for (refused, names, sent) in [
            (&[][..], &["temperature", "reasoning_effort", "max_completion_tokens"][..], &all[..]),
            (&[Parameter::Temperature], &["reasoning_effort", "max_completion_tokens"], &all[1..]),
            (
                &[Parameter::Effort],
                &["temperature", "max_completion_tokens"],
                &[Parameter::Temperature, Parameter::TokenLimit],
            ),
            (&[Parameter::TokenLimit], &["temperature", "reasoning_effort", "max_tokens"], &all[..2]),
        ] {
            let request =
                ChatRequest { api: Api::ChatCompletions, model_id: "m", facts: &facts, refused, call: &call };
            let body = request.body();
            for name in ["temperature", "reasoning_effort", "max_tokens", "max_completion_tokens"] {
                assert_eq!(body.get(name).is_some(), names.contains(&name), "{name} {refused:?}");
            }
            assert_eq!(request.parameters(), sent, "{refused:?}");
        }
    }

    #[test]
    fn the_settings_say_the_parameters() {
        let call = Call { system: "", messages: &[], schema: None, output_tokens: 1000 };
        let facts = Catalogue::built_in().unwrap().facts(Provider::Compatible, "box", "qwen3");
        let facts = facts.tuned(ModelTuning {
            temperature: Some(false),
            token_limit: Some(TokenLimitName::MaxCompletionTokens),
            reasoning_effort: Some("minimal".to_owned()),
            ..ModelTuning::default()
        });
        let body = ChatRequest {
            api: Api::ChatCompletions,
            model_id: "m",
            facts: &facts,
            refused: &[],
            call: &call,
        }
        .body();
        assert_eq!((body.get("temperature"), &body["reasoning_effort"]), (None, &json!("minimal")));
        assert!(body.get("max_completion_tokens").is_some() && body.get("max_tokens").is_none());
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
