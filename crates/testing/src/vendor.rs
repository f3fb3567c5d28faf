//! What the two scripted vendors say, each in its own words: a reply's text or an error as a [`Script`] of Bedrock's
//! Converse or of Chat Completions.

use serde_json::{Value, json};

use crate::http::{Request, Script};

/// A vendor, by its name in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Amazon's.
    Bedrock,
    /// An endpoint that speaks as OpenAI does.
    OpenAi,
}

use Vendor::{Bedrock, OpenAi};

/// Both vendors.
pub const BOTH: [Vendor; 2] = [Bedrock, OpenAi];

/// A reply that is an answer to an alert of five calls and a health score of 65.
pub fn answer() -> Value {
    json!({
        "drivers": [{ "fact": "ib_calls_14d", "effect": "raises", "because": "5 calls in 14 days." }],
        "explanation": "5 calls in 14 days, with a health score of 65.",
        "recommendations": ["Call the family.", "Go through the last sessions with the tutor."],
        "risk_score": 72,
    })
}

/// The same with other words.
pub fn answer_that(explanation: &str) -> String {
    let mut answer = answer();
    answer["explanation"] = json!(explanation);
    answer["drivers"] = json!([]);
    answer.to_string()
}

impl Vendor {
    /// Its name in the chain.
    pub fn name(self) -> &'static str {
        match self {
            Bedrock => "bedrock",
            OpenAi => "openai",
        }
    }

    /// What `model_used` says of its model.
    pub fn label(self) -> &'static str {
        match self {
            Bedrock => "bedrock-claude-haiku-4.5",
            OpenAi => "openai-compatible-llama3.2",
        }
    }

    /// The other vendor.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Bedrock => OpenAi,
            OpenAi => Bedrock,
        }
    }

    /// A finished reply that is an answer.
    pub fn answers(self) -> Script {
        self.says(&answer().to_string())
    }

    /// A finished reply.
    pub fn says(self, text: &str) -> Script {
        let finished = match self {
            Bedrock => "end_turn",
            OpenAi => "stop",
        };
        self.ends(text, finished)
    }

    /// A reply that ended for this reason.
    pub fn ends(self, text: &str, reason: &str) -> Script {
        let content = match self {
            Bedrock => json!([{ "text": text }]),
            OpenAi => json!(text),
        };
        self.sends(&content, reason)
    }

    /// A response with this content.
    pub fn sends(self, content: &Value, reason: &str) -> Script {
        Script::answer(200, self.body(content, reason).to_string())
    }

    /// The body of a response with this content, which ended for this reason.
    pub fn body(self, content: &Value, reason: &str) -> Value {
        match self {
            Bedrock => json!({
                "output": { "message": { "role": "assistant", "content": content } },
                "stopReason": reason,
                "usage": { "inputTokens": 612, "outputTokens": 188, "totalTokens": 800 },
                "metrics": { "latencyMs": 12 },
            }),
            OpenAi => json!({
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "model": "llama3.2",
                "choices": [{
                    "index": 0,
                    "message": { "role": "assistant", "content": content },
                    "finish_reason": reason,
                }],
                "usage": { "prompt_tokens": 612, "completion_tokens": 188, "total_tokens": 800 },
            }),
        }
    }

    /// A failure. `code` is the error's type or code; `""`: it names none.
    pub fn fails(self, status: u16, code: &str, message: &str) -> Script {
        match self {
            Bedrock => {
                let script = Script::answer(status, json!({ "message": message }).to_string());
                let kind = format!("{code}:http://internal.amazon.com/coral/com.amazon.coral.service/");
                if code.is_empty() { script } else { script.header("x-amzn-ErrorType", kind) }
            }
            OpenAi => {
                let error = json!({ "message": message, "type": "error", "param": null, "code": code });
                Script::answer(status, json!({ "error": error }).to_string())
            }
        }
    }

    /// A failure that may pass, and says that it will in a millisecond.
    pub fn is_busy(self) -> Script {
        let code = if self == Bedrock { "ThrottlingException" } else { "rate_limit_exceeded" };
        self.fails(429, code, "busy").header("retry-after-ms", "1")
    }

    /// A failure of the vendor's, for which a pause is made.
    pub fn is_down(self) -> Script {
        self.fails(503, "", "down")
    }

    /// The native schema in a request, if there is one.
    pub fn schema_in(self, request: &Request) -> Option<Value> {
        let body = json_of(request);
        match self {
            Bedrock => {
                let schema = body.pointer("/outputConfig/textFormat/structure/jsonSchema/schema")?;
                serde_json::from_str(schema.as_str()?).ok()
            }
            OpenAi => body.pointer("/response_format/json_schema/schema").cloned(),
        }
    }

    /// The messages of a request, as `role: text`; without the system text.
    pub fn messages_in(self, request: &Request) -> Vec<String> {
        let body = json_of(request);
        let messages = body["messages"].as_array().into_iter().flatten();
        let content = |message: &Value| match self {
            Bedrock => message["content"][0]["text"].clone(),
            OpenAi => message["content"].clone(),
        };
        messages
            .filter(|message| message["role"] != "system")
            .map(|message| format!("{}: {}", text(&message["role"]), text(&content(message))))
            .collect()
    }

    /// The ceiling of output tokens in a request.
    pub fn ceiling_in(self, request: &Request) -> Option<u64> {
        let body = json_of(request);
        match self {
            Bedrock => body["inferenceConfig"]["maxTokens"].as_u64(),
            OpenAi => body["max_tokens"].as_u64(),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The body of a request.
pub fn json_of(request: &Request) -> Value {
    serde_json::from_str(&request.body).expect("a request in JSON")
}
