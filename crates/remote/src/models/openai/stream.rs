//! Reads a stream of events as one response, although no stream was requested: some servers always send one.
//!
//! Never: takes a stream without its end for a response.

use portend_core::model::ModelError;
use serde_json::{Value, json};

use super::Api;
use crate::response::{Response, unreadable};

/// Whether the response is a stream of events.
pub(super) fn is_stream(response: &Response) -> bool {
    let is_stated = response
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.trim().to_ascii_lowercase().starts_with("text/event-stream"));
    is_stated
        || [&b"data:"[..], b"event:"].iter().any(|start| response.body.trim_ascii_start().starts_with(start))
}

/// The response that the events add up to.
pub(super) fn whole(api: Api, response: &Response) -> Result<Value, ModelError> {
    let text = std::str::from_utf8(&response.body).map_err(|_| unreadable("not UTF-8"))?;
    let mut events = Vec::new();
    let mut is_done = false;
    for data in text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim) {
        if data == "[DONE]" {
            is_done = true;
            break;
        }
        let event = serde_json::from_str::<Value>(data)
            .map_err(|_| unreadable("a stream with an event that is not JSON"))?;
        if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
            return Ok(json!({ "error": error }));
        }
        events.push(event);
    }
    match api {
        Api::Responses => from_responses(&events),
        Api::ChatCompletions => from_chat_completions(&events, is_done),
    }
}

/// The last event has the whole response.
fn from_responses(events: &[Value]) -> Result<Value, ModelError> {
    let last = events.iter().rev().find_map(|event| {
        let kind = event.get("type")?.as_str()?;
        let is_last = ["response.completed", "response.incomplete", "response.failed"].contains(&kind);
        if is_last { event.get("response").cloned() } else { None }
    });
    last.ok_or_else(|| unreadable("a stream that was cut off"))
}

/// Each event has a piece of the text; one of the last has the finish reason, and one the usage.
fn from_chat_completions(events: &[Value], is_done: bool) -> Result<Value, ModelError> {
    let piece = |event: &Value, name: &str| {
        let choice = event.pointer("/choices/0")?;
        let message = choice.get("delta").or_else(|| choice.get("message"))?;
        message.get(name)?.as_str().map(str::to_owned)
    };
    let joined = |name: &str| events.iter().filter_map(|event| piece(event, name)).collect::<String>();
    let last = |pointer: &str| {
        events.iter().rev().find_map(|event| event.pointer(pointer).filter(|value| !value.is_null()))
    };
    let finish = last("/choices/0/finish_reason");
    if !is_done && finish.is_none() {
        return Err(unreadable("a stream that was cut off"));
    }
    Ok(json!({
        "model": last("/model"),
        "usage": last("/usage"),
        "choices": [{
            "message": { "content": joined("content"), "refusal": joined("refusal") },
            "finish_reason": finish,
            "error": last("/choices/0/error"),
        }],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(api: Api, body: &str) -> Result<Value, ModelError> {
        whole(api, &Response::scripted(200, &[], body))
    }

    #[test]
    fn the_pieces_of_a_stream_are_one_response() {
        let body = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"y\"}}]}\n\n\
                    : a comment\n\
                    data: {\"choices\":[{\"delta\":{\"content\":\"es\"},\"finish_reason\":null}]}\n\n\
                    data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n\
                    data: [DONE]\n\n";
        let whole = read(Api::ChatCompletions, body).unwrap();
        assert_eq!(whole["choices"][0]["message"]["content"], "yes");
        assert_eq!((&whole["choices"][0]["finish_reason"], &whole["model"]), (&json!("stop"), &json!("m")));
        assert_eq!(whole["usage"], json!({ "prompt_tokens": 1 }));
        let body = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n";
        assert_eq!(read(Api::Responses, body), Ok(json!({ "status": "completed" })));
    }

    #[test]
    fn a_stream_without_its_end_is_unreadable() {
        let piece = "data: {\"choices\":[{\"delta\":{\"content\":\"y\"}}]}\n";
        for (api, body) in [
            (Api::ChatCompletions, piece.to_owned()),
            (Api::ChatCompletions, format!("{piece}data: {{\"choices\"")),
            (Api::Responses, "data: {\"type\":\"response.created\",\"response\":{}}\n".to_owned()),
        ] {
            assert!(matches!(read(api, &body), Err(ModelError::Unreadable { .. })), "{body}");
        }
    }

    #[test]
    fn a_stream_is_recognized_by_its_type_or_its_text() {
        for (kind, body, expected) in [
            ("text/event-stream; charset=utf-8", "", true),
            ("application/json", "data: {}", true),
            ("text/plain", "\nevent: x", true),
            ("application/json", "{}", false),
        ] {
            assert_eq!(
                is_stream(&Response::scripted(200, &[("content-type", kind)], body)),
                expected,
                "{kind}"
            );
        }
    }
}
