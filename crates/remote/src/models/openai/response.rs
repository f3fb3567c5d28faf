//! Reads a response of the Responses API or of Chat Completions as a [`Completion`] or a [`ModelError`]. A compatible
//! server may omit the model, the usage, the id and the finish reason, and may send a stream of events.

use portend_core::model::{Completion, FinishReason, ModelError, TokenUse};
use serde_json::Value;

use super::Api;
use super::failure::{self, EndpointError};
use super::stream;
use crate::models::parameter::Sent;
use crate::response::{Response, finish, model_id};

/// Reads the response to a request that contained `sent`.
pub(super) fn read(api: Api, response: &Response, sent: &Sent<'_>) -> Result<Completion, ModelError> {
    let error = if response.is_success() {
        let body = if stream::is_stream(response) {
            stream::whole(api, response)?
        } else {
            failure::success_body(response)?
        };
        match EndpointError::in_success(response.status, &body) {
            None => return completion(api, &body),
            Some(error) => error,
        }
    } else {
        EndpointError::of(response.status, &failure::failure_body(response))
    };
    Err(error.meaning(response, sent))
}

/// Whether a server refuses the request because it still loads its model.
pub(super) fn is_loading(response: &Response) -> bool {
    let text = || String::from_utf8_lossy(&response.body).to_ascii_lowercase();
    response.status == 503 && text().contains("loading model")
}

fn completion(api: Api, body: &Value) -> Result<Completion, ModelError> {
    let (text, finish) = match api {
        Api::Responses => from_responses(body),
        Api::ChatCompletions => from_chat_completions(body),
    };
    let tokens = |names: &[&str]| {
        names.iter().map(|name| format!("/usage/{name}")).find_map(|pointer| body.pointer(&pointer)?.as_u64())
    };
    Ok(Completion {
        text,
        finish: finish?,
        model_id: model_id(body.get("model").and_then(Value::as_str)),
        tokens: TokenUse {
            input: tokens(&["input_tokens", "prompt_tokens"]),
            cached: tokens(&[
                "input_tokens_details/cached_tokens",
                "prompt_tokens_details/cached_tokens",
                "prompt_cache_hit_tokens",
            ]),
            cache_write: None,
            output: tokens(&["output_tokens", "completion_tokens"]),
        },
    })
}

/// The output is a list of items. Reasoning may precede the message.
fn from_responses(body: &Value) -> (String, Result<FinishReason, ModelError>) {
    let is = |value: &Value, kind: &str| value.get("type").and_then(Value::as_str) == Some(kind);
    let items = body.get("output").and_then(Value::as_array).into_iter().flatten();
    let messages = items.filter(|item| is(item, "message"));
    let parts = || messages.clone().filter_map(|message| message.get("content")?.as_array()).flatten();
    let texts: Vec<&str> = parts()
        .filter(|part| is(part, "output_text"))
        .filter_map(|part| part.get("text")?.as_str())
        .collect();
    let finish = if parts().any(|part| is(part, "refusal")) {
        Ok(FinishReason::Refusal)
    } else {
        let reason = body.pointer("/incomplete_details/reason").and_then(Value::as_str);
        match body.get("status").and_then(Value::as_str) {
            Some("incomplete") => finish(reason.or(Some("incomplete"))),
            status => finish(status),
        }
    };
    (texts.join("\n"), finish)
}

/// The content of a message is a text or a list of parts with texts. A part that is a thought is not the reply's.
fn from_chat_completions(body: &Value) -> (String, Result<FinishReason, ModelError>) {
    let message = body.pointer("/choices/0/message");
    let texts: Vec<&str> = match message.and_then(|message| message.get("content")) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(parts)) => parts
            .iter()
            .filter(|part| part.get("type").is_none_or(|kind| kind == "text" || kind == "output_text"))
            .filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str()))
            .collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    let refusal =
        message.and_then(|message| message.get("refusal")?.as_str()).is_some_and(|text| !text.is_empty());
    let reason = body.pointer("/choices/0/finish_reason").and_then(Value::as_str);
    (texts.join("\n"), if refusal { Ok(FinishReason::Refusal) } else { finish(reason) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::unreadable;

    const SENT: Sent<'_> = Sent { schema: true, parameters: &[], base_url: "http://localhost/v1" };

    fn text_and_stop(api: Api, body: &Value) -> (String, FinishReason) {
        let completion = read(api, &Response::scripted(200, &[], &body.to_string()), &SENT).unwrap();
        (completion.text, completion.finish)
    }

    fn unknown(reason: &str) -> FinishReason {
        FinishReason::Unknown(reason.to_owned())
    }

    #[test]
    fn a_chat_completion_is_read_leniently() {
        let choice = |message: Value, reason: Value| json!({ "choices": [{ "message": message, "finish_reason": reason }] });
        let content = |content: Value| json!({ "role": "assistant", "content": content });
        let yes = || content(json!("yes"));
        for (body, text, stop) in [
            (choice(yes(), json!("stop")), "yes", FinishReason::End),
            (choice(yes(), json!(null)), "yes", FinishReason::End),
            (json!({ "choices": [{ "message": yes() }] }), "yes", FinishReason::End),
            (choice(yes(), json!("length")), "yes", FinishReason::Length),
            (choice(yes(), json!("content_filter")), "yes", FinishReason::Refusal),
            (choice(yes(), json!("tool_calls")), "yes", unknown("tool_calls")),
            (
                choice(content(json!([{ "type": "text", "text": "a" }, { "text": "b" }])), json!("stop")),
                "a\nb",
                FinishReason::End,
            ),
            (choice(content(json!(null)), json!("stop")), "", FinishReason::End),
            (choice(json!(null), json!("stop")), "", FinishReason::End),
            (
                choice(json!({ "content": null, "refusal": "I cannot" }), json!("stop")),
                "",
                FinishReason::Refusal,
            ),
            (choice(json!({ "content": "yes", "refusal": null }), json!("stop")), "yes", FinishReason::End),
            (choice(json!({ "content": "yes", "refusal": "" }), json!("stop")), "yes", FinishReason::End),
            (
                choice(json!({ "content": "yes", "reasoning_content": "canary" }), json!("stop")),
                "yes",
                FinishReason::End,
            ),
            (
                choice(
                    content(
                        json!([{ "type": "thinking", "text": "canary" }, { "type": "text", "text": "a" }, "b"]),
                    ),
                    json!("STOP"),
                ),
                "a\nb",
                FinishReason::End,
            ),
            (choice(yes(), json!("")), "yes", FinishReason::End),
            (choice(yes(), json!("null")), "yes", FinishReason::End),
            (choice(yes(), json!("eos_token")), "yes", FinishReason::End),
            (choice(yes(), json!("MAX_TOKENS")), "yes", FinishReason::Length),
            (choice(yes(), json!("safety")), "yes", FinishReason::Refusal),
            (json!({ "choices": [] }), "", FinishReason::End),
            (json!({}), "", FinishReason::End),
        ] {
            assert_eq!(text_and_stop(Api::ChatCompletions, &body), (text.to_owned(), stop), "{body}");
        }
    }

    #[test]
    fn the_items_of_a_response_are_selected_by_type() {
        let item = |parts: Value| json!({ "type": "message", "role": "assistant", "content": parts });
        let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
        let thought =
            || json!({ "type": "reasoning", "summary": [{ "type": "summary_text", "text": "canary" }] });
        let whole = |output: Value| json!({ "status": "completed", "output": output, "error": null });
        let cut = |reason: &str| json!({ "status": "incomplete", "incomplete_details": { "reason": reason }, "output": [item(json!([part("ye")]))] });
        for (body, text, stop) in [
            (whole(json!([item(json!([part("yes")]))])), "yes", FinishReason::End),
            (whole(json!([thought(), item(json!([part("a"), part("b")]))])), "a\nb", FinishReason::End),
            (
                whole(json!([item(json!([{ "type": "refusal", "refusal": "I cannot" }]))])),
                "",
                FinishReason::Refusal,
            ),
            (whole(json!([thought()])), "", FinishReason::End),
            (whole(json!([])), "", FinishReason::End),
            (cut("max_output_tokens"), "ye", FinishReason::Length),
            (cut("content_filter"), "ye", FinishReason::Refusal),
            (cut("weather"), "ye", unknown("weather")),
            (json!({ "status": "incomplete" }), "", unknown("incomplete")),
            (json!({ "status": "in_progress", "output": [] }), "", unknown("in_progress")),
            (json!({ "output": [item(json!([part("yes")]))] }), "yes", FinishReason::End),
        ] {
            assert_eq!(text_and_stop(Api::Responses, &body), (text.to_owned(), stop), "{body}");
        }
    }

    #[test]
    fn model_and_tokens_are_read_from_the_response() {
        for (body, expected) in [
            (
                json!({ "model": "m-1", "usage": { "input_tokens": 12, "output_tokens": 34 } }),
                (Some("m-1"), Some(12), Some(34)),
            ),
            (
                json!({ "model": "m-1", "usage": { "prompt_tokens": 12, "completion_tokens": 34 } }),
                (Some("m-1"), Some(12), Some(34)),
            ),
            (json!({ "usage": null }), (None, None, None)),
            (
                json!({ "model": "", "usage": { "prompt_tokens": "12", "completion_tokens": -1 } }),
                (None, None, None),
            ),
            (json!({ "model": "two words" }), (None, None, None)),
        ] {
            let read =
                read(Api::ChatCompletions, &Response::scripted(200, &[], &body.to_string()), &SENT).unwrap();
            assert_eq!((read.model_id.as_deref(), read.tokens.input, read.tokens.output), expected, "{body}");
        }
    }

    #[test]
    fn cached_tokens_are_a_part_of_the_input() {
        for usage in [
            json!({ "input_tokens": 12, "output_tokens": 3, "input_tokens_details": { "cached_tokens": 8 } }),
            json!({ "prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": { "cached_tokens": 8 } }),
            json!({ "prompt_tokens": 12, "completion_tokens": 3, "prompt_cache_hit_tokens": 8 }),
        ] {
            let body = json!({ "usage": usage, "choices": [] }).to_string();
            let read = read(Api::ChatCompletions, &Response::scripted(200, &[], &body), &SENT).unwrap();
            let expected = TokenUse { input: Some(12), cached: Some(8), cache_write: None, output: Some(3) };
            assert_eq!(read.tokens, expected, "{body}");
        }
    }

    #[test]
    fn an_error_inside_the_choice_is_a_failure() {
        let choice = |choice: Value| json!({ "choices": [choice] }).to_string();
        let message = json!({ "content": "yes" });
        let unavailable = |what: &str| ModelError::Unavailable { what: what.to_owned() };
        for (body, expected) in [
            (
                choice(
                    json!({ "message": message, "finish_reason": "error", "error": { "code": 502, "message": "x" } }),
                ),
                unavailable("502"),
            ),
            (
                choice(json!({ "message": message, "error": { "code": 429 } })),
                ModelError::Throttled { retry_after: None },
            ),
            (choice(json!({ "message": message, "finish_reason": "error" })), unavailable("error")),
            (
                choice(json!({ "message": message, "finish_reason": "network_error" })),
                unavailable("network_error"),
            ),
            (
                choice(json!({ "message": message, "finish_reason": "insufficient_system_resource" })),
                unavailable("insufficient_system_resource"),
            ),
        ] {
            let read = read(Api::ChatCompletions, &Response::scripted(200, &[], &body), &SENT);
            assert_eq!(read, Err(expected), "{body}");
        }
        for body in [
            choice(json!({ "message": message, "error": null })),
            choice(json!({ "message": message, "error": { "code": null, "message": "" } })),
            json!({ "error": { "code": "", "message": "", "param": null }, "choices": [{ "message": message }] }).to_string(),
        ] {
            let read = read(Api::ChatCompletions, &Response::scripted(200, &[], &body), &SENT).unwrap();
            assert_eq!(read.text, "yes", "{body}");
        }
    }

    #[test]
    fn a_failure_without_a_readable_body_is_identified_by_its_status() {
        let html = "<html>canary</html>";
        let unavailable = ModelError::Unavailable { what: "502".to_owned() };
        assert_eq!(read(Api::Responses, &Response::scripted(502, &[], html), &SENT), Err(unavailable));
        assert_eq!(
            read(Api::Responses, &Response::scripted(200, &[], html), &SENT),
            Err(unreadable("not JSON"))
        );
    }
}
