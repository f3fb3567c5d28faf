//! Reads a response of the Responses API or of Chat Completions as a [`Completion`] or a [`ModelError`]. A compatible
//! server may omit the model, the usage, the id and the finish reason.

use portend_core::model::{Completion, FinishReason, ModelError};
use serde_json::Value;

use super::Api;
use super::failure::EndpointError;
use crate::response::{Response, model_id, stop};

/// Reads the response. `with_schema` is whether the request contained a schema.
pub(super) fn read(api: Api, response: &Response, with_schema: bool) -> Result<Completion, ModelError> {
    let error = if (200..300).contains(&response.status) {
        let body = response.json()?;
        match EndpointError::in_success(response.status, &body) {
            None => return Ok(completion(api, &body)),
            Some(error) => error,
        }
    } else {
        // The status of a failure is enough. The body may be a proxy's page of HTML.
        EndpointError::of(response.status, &response.json().unwrap_or_default())
    };
    Err(error.meaning(response, with_schema))
}

fn completion(api: Api, body: &Value) -> Completion {
    let (text, stop) = match api {
        Api::Responses => from_responses(body),
        Api::ChatCompletions => from_chat_completions(body),
    };
    let tokens = |names: [&str; 2]| names.iter().find_map(|name| body.get("usage")?.get(name)?.as_u64());
    Completion {
        text,
        finish: stop,
        model_id: model_id(body.get("model").and_then(Value::as_str)),
        input_tokens: tokens(["input_tokens", "prompt_tokens"]),
        output_tokens: tokens(["output_tokens", "completion_tokens"]),
    }
}

/// The output is a list of items. Reasoning may precede the message.
fn from_responses(body: &Value) -> (String, FinishReason) {
    let is = |value: &Value, kind: &str| value.get("type").and_then(Value::as_str) == Some(kind);
    let items = body.get("output").and_then(Value::as_array).into_iter().flatten();
    let messages = items.filter(|item| is(item, "message"));
    let parts = || messages.clone().filter_map(|message| message.get("content")?.as_array()).flatten();
    let texts: Vec<&str> = parts()
        .filter(|part| is(part, "output_text"))
        .filter_map(|part| part.get("text")?.as_str())
        .collect();
    let stop = if parts().any(|part| is(part, "refusal")) {
        FinishReason::Refusal
    } else {
        let reason = || body.pointer("/incomplete_details/reason").and_then(Value::as_str);
        match body.get("status").and_then(Value::as_str) {
            Some("incomplete") => stop(reason().unwrap_or("incomplete")),
            Some(status) => stop(status),
            None => FinishReason::End,
        }
    };
    (texts.join("\n"), stop)
}

/// The content of a message is a text or a list of parts with texts.
fn from_chat_completions(body: &Value) -> (String, FinishReason) {
    let message = body.pointer("/choices/0/message");
    let texts: Vec<&str> = match message.and_then(|message| message.get("content")) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    let refusal =
        message.and_then(|message| message.get("refusal")?.as_str()).is_some_and(|text| !text.is_empty());
    let reason = body.pointer("/choices/0/finish_reason").and_then(Value::as_str);
    let stop = if refusal { FinishReason::Refusal } else { reason.map_or(FinishReason::End, stop) };
    (texts.join("\n"), stop)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::unreadable;

    fn text_and_stop(api: Api, body: &Value) -> (String, FinishReason) {
        let completion = read(api, &Response::scripted(200, &[], &body.to_string()), true).unwrap();
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
                read(Api::ChatCompletions, &Response::scripted(200, &[], &body.to_string()), false).unwrap();
            assert_eq!((read.model_id.as_deref(), read.input_tokens, read.output_tokens), expected, "{body}");
        }
    }

    #[test]
    fn a_failure_without_a_readable_body_is_identified_by_its_status() {
        let html = "<html>canary</html>";
        let unavailable = ModelError::Unavailable { what: "502".to_owned() };
        assert_eq!(read(Api::Responses, &Response::scripted(502, &[], html), false), Err(unavailable));
        assert_eq!(
            read(Api::Responses, &Response::scripted(200, &[], html), false),
            Err(unreadable("not JSON"))
        );
    }
}
