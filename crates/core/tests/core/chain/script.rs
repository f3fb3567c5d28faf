//! Runs the chain on models that follow a script, and describes the calls and the outcome in one line.
//!
//! Takes: a script such as `throttled:2 ok | bad@7`: the words of model `a`, then those of `b`. The last word repeats.
//! `@7` is how many seconds the response takes; a `+` before a model's words says that it takes the reduced schema, and
//! `++` the bounded one.
//! Returns: what was asked, and the outcome, as one line.

use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use portend_core::alert_type::AlertTypes;
use portend_core::chain::{Budget, Chain, ChainOutcome, Health, Question, StopReason, Verdict};
use portend_core::clock::Clock;
use portend_core::limits::{ATTEMPT_TIMEOUT, CALLS_MAX, MODEL_CONCURRENCY, OUTPUT_TOKENS};
use portend_core::model::{
    Call, Completion, ConfigurationFault, FinishReason, Message, Model, ModelError, ModelSpec, SchemaForm,
    TokenUse,
};
use portend_core::prompt::PromptTemplate;
use portend_core::store::{Reserved, StoreError};
use portend_core::time::Timestamp;
use portend_testing::clock::TimerClock;

/// The clock, the health of the models and the calls, which all alerts of a test share.
pub(super) struct World {
    pub(super) clock: TimerClock,
    pub(super) health: Health,
    pub(super) made: Mutex<Vec<Made>>,
}

/// One call, as the model received it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) model: String,
    pub(super) at: Timestamp,
    pub(super) form: SchemaForm,
    pub(super) output_tokens: u32,
    pub(super) messages: Vec<Message>,
}

/// A model that follows its script.
pub(super) struct Scripted<'a> {
    world: &'a World,
    pub(super) spec: ModelSpec,
    words: Vec<String>,
    calls: Mutex<usize>,
}

pub(super) const START: i64 = 1_735_732_800;

impl World {
    pub(super) fn new() -> Self {
        let clock = TimerClock::at(Timestamp::from_secs(START));
        Self { clock, health: Health::new(), made: Mutex::new(Vec::new()) }
    }

    pub(super) fn models(&self, script: &str) -> Vec<Scripted<'_>> {
        let names = ["a", "b", "c", "d"];
        script.split('|').zip(names).map(|(words, name)| Scripted::new(self, name, words)).collect()
    }

    /// Runs the chain with the usual time and number of calls.
    pub(super) async fn ask<'m>(&'m self, models: &'m [Scripted<'_>]) -> ChainOutcome<'m, String> {
        self.ask_within(models, Duration::from_mins(1), CALLS_MAX, async || Ok(Reserved::Call(1))).await
    }

    pub(super) async fn ask_within<'m>(
        &'m self,
        models: &'m [Scripted<'_>],
        time: Duration,
        calls: u32,
        mut reserve: impl AsyncFnMut() -> Result<Reserved, StoreError>,
    ) -> ChainOutcome<'m, String> {
        let types = AlertTypes::built_in();
        let template = PromptTemplate::new(types.iter().next().expect("a type"));
        let question = Question {
            system: "system",
            user: "facts",
            schema: template.schema(),
            correction: |it| format!("fix {it}"),
            shorter: "shorter",
        };
        let count = async || match reserve().await {
            Ok(Reserved::Call(_)) => Ok(()),
            Ok(Reserved::Spent) => Err(StopReason::CallsSpent),
            Ok(Reserved::Lost) => Err(StopReason::Lost),
            Err(_) => Err(StopReason::StoreFailed),
        };
        let budget = Budget::new(calls, self.clock.now().plus(time));
        Chain::new(models, &self.health, &self.clock).ask(&question, budget, count, judge).await
    }

    /// Describes each call with its outcome, and then the end. `+` means that the call had the schema, `!` that it was
    /// a re-ask, and `^` that it had a higher token limit.
    pub(super) fn line(&self, asked: &ChainOutcome<'_, String>) -> String {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        assert_eq!(made.len(), asked.attempts.len(), "the calls differ from the attempts");
        let calls = made.iter().zip(&asked.attempts).map(|(made, attempt)| {
            assert_eq!((&made.model, made.form), (&attempt.spec.name, attempt.form));
            let native = match made.form {
                SchemaForm::PromptOnly => "",
                SchemaForm::Reduced => "+",
                SchemaForm::Bounded => "++",
            };
            let is_shorter = made.messages.iter().any(|message| message.text.contains("shorter"));
            assert_eq!(is_shorter, made.output_tokens > OUTPUT_TOKENS, "a larger ceiling asks for less");
            let quotes = if made.messages.len() > 1 { "!" } else { "" };
            let longer = if made.output_tokens > OUTPUT_TOKENS { "^" } else { "" };
            format!("{}{native}{quotes}{longer}:{} ", made.model, attempt.outcome.code())
        });
        format!("{}=> {}", calls.collect::<String>(), end(asked))
    }
}

/// The answer or the stop reason, then `degraded` if it is, then the alarms.
pub(super) fn end<T: AsRef<str>>(asked: &ChainOutcome<'_, T>) -> String {
    let result = asked.answer.as_ref().map_or(asked.stop.code(), |answer| answer.answer.as_ref());
    let alarms = asked.alarms.iter().map(|alarm| {
        let skipped = if alarm.skipped { "skipped " } else { "" };
        format!(" ({skipped}{} {})", alarm.model, alarm.error.code())
    });
    let degraded = asked.degraded.map(|by| format!(" degraded:{}", by.code())).unwrap_or_default();
    let degraded = degraded.replace(":transient", "");
    format!("{result}{degraded}{}", alarms.collect::<Vec<_>>().concat())
}

/// Runs each script in a new world, and compares the lines.
pub(super) fn check(rows: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (row, script, expected) in rows {
        let world = World::new();
        let models = world.models(script);
        let asked = world.clock.run(world.ask(&models));
        let line = world.line(&asked);
        if line != *expected {
            wrong.push(format!("{row}: {script}\n         got {line}\n    expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

impl<'a> Scripted<'a> {
    fn new(world: &'a World, name: &str, words: &str) -> Self {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let schema = match words.first().map(String::as_str) {
            Some("+") => SchemaForm::Reduced,
            Some("++") => SchemaForm::Bounded,
            Some(_) | None => SchemaForm::PromptOnly,
        };
        let words = words.into_iter().filter(|word| !word.starts_with('+')).collect();
        Self { world, spec: spec(name, schema), words, calls: Mutex::new(0) }
    }

    /// The next word, and the seconds that it takes.
    fn word(&self) -> (&str, u64) {
        let mut calls = self.calls.lock().unwrap();
        let word = self.words.get(*calls).or(self.words.last()).expect("a script has words");
        *calls += 1;
        word.split_once('@').map_or((word, 0), |(word, secs)| (word, secs.parse().unwrap()))
    }
}

impl Model for Scripted<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Completion, ModelError> {
        self.world.made.lock().unwrap().push(Made {
            model: self.spec.name.clone(),
            at: self.world.clock.now(),
            form: match call.schema {
                None => SchemaForm::PromptOnly,
                Some(schema) if schema.to_string().contains("maxItems") => SchemaForm::Bounded,
                Some(_) => SchemaForm::Reduced,
            },
            output_tokens: call.output_tokens,
            messages: call.messages.to_vec(),
        });
        let (word, secs) = self.word();
        self.world.clock.sleep(Duration::from_secs(secs)).await;
        if word == "hang" {
            pending::<()>().await;
        }
        play(word)
    }
}

/// A model's data as tests have it.
pub(super) fn spec(name: &str, schema: SchemaForm) -> ModelSpec {
    ModelSpec {
        name: name.into(),
        model_id: format!("{name}-1"),
        label: name.into(),
        endpoint: "here".into(),
        schema,
        output_tokens_max: 8000,
        parameters: String::new(),
        price: None,
        timeout: ATTEMPT_TIMEOUT,
        concurrency: MODEL_CONCURRENCY,
    }
}

/// The response for a word of a script.
pub(super) fn play(word: &str) -> Result<Completion, ModelError> {
    let reply = |text: &str, finish| {
        let tokens = TokenUse { input: Some(9), output: Some(9), ..TokenUse::default() };
        Ok(Completion { text: text.into(), finish, model_id: Some("answered".into()), tokens })
    };
    let what = || String::from("503");
    let (kind, number) = word.split_once(':').unwrap_or((word, ""));
    match kind {
        "ok" | "bad" | "unsupported" => reply(word, FinishReason::End),
        "length" => reply("ok", FinishReason::Length),
        "refusal" => reply("ok", FinishReason::Refusal),
        "guardrail" => reply("ok", FinishReason::Guardrail),
        "empty" => reply("", FinishReason::End),
        "blank" => reply(" \n", FinishReason::End),
        "unknown" => reply("ok", FinishReason::Unknown("pause".into())),
        "throttled" => {
            let retry_after = number.parse().ok().map(Duration::from_secs);
            Err(ModelError::Throttled { retry_after })
        }
        "unavailable" => Err(ModelError::Unavailable { what: what() }),
        "unreachable" => Err(ModelError::Unreachable { what: what() }),
        "unreadable" => Err(ModelError::Unreadable { what: what() }),
        "timed_out" => Err(ModelError::TimedOut),
        "over_quota" => Err(ModelError::OverQuota),
        "schema" => Err(ModelError::SchemaRefused),
        "grammar" => Err(ModelError::SchemaUnsupported),
        "parameter" => Err(ModelError::ParameterRefused { parameter: "temperature" }),
        "rejected" => Err(ModelError::Rejected { what: what() }),
        "key" => Err(ModelError::Configuration { fault: ConfigurationFault::WrongKey }),
        other => panic!("unknown word {other}"),
    }
}

/// Accepts `ok`. `unsupported:2` is an answer with two unsupported numbers. Everything else is unusable.
fn judge(completion: &Completion) -> Verdict<String> {
    let (text, violations) = (completion.text.clone(), format!("<{}>", completion.text));
    match text.split_once(':') {
        Some((_, count)) => {
            let count = count.parse().unwrap();
            Verdict::Unsupported { answer: text, count, violations }
        }
        None if text == "ok" => Verdict::Accepted(text),
        None => Verdict::Unusable { code: "no_object", violations },
    }
}
