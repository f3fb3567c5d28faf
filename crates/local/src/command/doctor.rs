//! `portend doctor`: whether each configured part works, and what to do if not. Each model is really asked once.
//!
//! Never: sends a fact of an alert, or stores an insight.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::help::explained;
use portend_core::model::{Call, FinishReason, Message, Model, ModelError, Role};
use portend_remote::{AnyModel, Aws, DynamoDb, SystemClock, TableFinding};
use serde::Serialize;
use serde_json::json;

use crate::changed_types::changed_types;
use crate::command::insights::open_existing;
use crate::config::{Config, StoreName};
use crate::runner::clock_sentence;
use crate::show::output::{CommandOutcome, GREEN, RED, WrongUsage, YELLOW, json_line, paint, with_help};
use crate::show::text::shown;
use portend_sqlite::Sqlite;

/// Check the settings, the store and each model, and say how to fix what is wrong.
///
/// Each model is asked one short question, which costs as much as a few words.
///
/// Exit code: 0 if everything works, 1 if something does not.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per part: `{"part", "state": "ok" | "warning" | "failed", "says"}`.
    #[arg(long)]
    json: bool,

    /// Confirm that the clock is right, after the store has warned that it is not. What has expired by this clock is
    /// deleted from then on.
    #[arg(long)]
    confirm_clock: bool,
}

/// What was found of one part.
#[derive(Debug, Serialize)]
struct Finding {
    part: String,
    state: State,
    says: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failed,
}

impl Finding {
    /// That everything is in order, in these words, or what is wrong.
    fn of(part: String, result: Result<(), String>, in_order: &str) -> Self {
        match result {
            Ok(()) => Self { part, state: State::Ok, says: in_order.to_owned() },
            Err(wrong) => Self { part, state: State::Failed, says: wrong },
        }
    }
}

/// The time that a model has to answer.
const ANSWER_TIME: std::time::Duration = std::time::Duration::from_secs(20);
/// Output tokens that the question is asked with: the answer's five words, and what may be thought first.
const ANSWER_TOKENS: u32 = 500;
/// A model whose end of life is nearer than this is worth a warning.
const END_OF_LIFE_NEAR_DAYS: i32 = 90;

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let mut out = anstream::stdout();
    let mut is_sound = true;
    let mut say = |finding: Finding| -> Result<()> {
        is_sound &= finding.state != State::Failed;
        if args.json {
            return json_line(&mut out, &finding);
        }
        let state = match finding.state {
            State::Ok => paint(GREEN, "ok     "),
            State::Warning => paint(YELLOW, "warning"),
            State::Failed => paint(RED, "failed "),
        };
        Ok(writeln!(out, "{state}  {}: {}", shown(&finding.part), shown(&finding.says))?)
    };
    say(alert_types(&config))?;
    let aws = config.aws().await.map_err(WrongUsage::from)?;
    store(&config, &aws, args.confirm_clock).await.into_iter().try_for_each(&mut say)?;
    changed(&config).await.into_iter().try_for_each(&mut say)?;
    if let Some(bus) = config.event_bus(&aws) {
        let part = format!("event bus {}", bus.name());
        say(Finding::of(part, bus.exists().await, "it exists"))?;
    }
    if let Some(secret) = config.chain.key_secret(&aws) {
        let read = secret.read().await.map(drop).map_err(|error| error.to_string());
        say(Finding::of("secret of OPENAI_API_KEY_SECRET".into(), read, "it can be read"))?;
    }
    for (name, model) in config.chain.each_model(&aws) {
        let findings = match model {
            Ok(model) => of_model(&model).await,
            Err(error) => {
                vec![Finding { part: format!("model {name}"), state: State::Failed, says: with_help(&error) }]
            }
        };
        findings.into_iter().try_for_each(&mut say)?;
    }
    if config.chain.scorecard {
        let says = "judges whatever no model answers".to_owned();
        say(Finding { part: "scorecard".into(), state: State::Ok, says })?;
    }
    Ok(if is_sound { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

fn alert_types(config: &Config) -> Finding {
    let (state, says) = match config.alert_types() {
        Ok(types) => (State::Ok, format!("{} known", types.iter().count())),
        Err(error) => (State::Failed, with_help(&error)),
    };
    Finding { part: "alert types".into(), state, says }
}

/// The alert types that have changed. What keeps the store from being read is the store's own finding.
async fn changed(config: &Config) -> Vec<Finding> {
    let (Ok(types), Ok(store)) = (config.alert_types(), open_existing(config).await) else {
        return Vec::new();
    };
    let changed = changed_types(&store, &types, SystemClock.now()).await.unwrap_or_default();
    let part = || "alert types".to_owned();
    changed
        .iter()
        .map(|each| Finding { part: part(), state: State::Warning, says: each.sentence() })
        .collect()
}

async fn store(config: &Config, aws: &Aws, confirm_clock: bool) -> Vec<Finding> {
    match &config.store {
        StoreName::File(file) => of_file(file, confirm_clock).await,
        StoreName::DynamoDb(table) => {
            let types = config.alert_types().unwrap_or_else(|_| AlertTypes::built_in());
            let report = DynamoDb::new(table.clone(), &types, aws.clone()).describe().await;
            let finding = |TableFinding { part, problem }| {
                let part =
                    if part == "table" { format!("store dynamodb:{table}") } else { format!("store {part}") };
                Finding::of(part, problem.map_or(Ok(()), Err), "as it should be")
            };
            report.into_iter().map(finding).collect()
        }
    }
}

/// Whether the file can be read and written, is sound, and is only its owner's; and whether the clock has jumped.
async fn of_file(file: &Path, confirm_clock: bool) -> Vec<Finding> {
    let path = file.display();
    let finding = |state, says| Finding { part: "store".into(), state, says };
    if !file.exists() {
        let says = format!("{path} does not exist yet; the first portend explain makes it");
        return vec![finding(State::Ok, says)];
    }
    let now = SystemClock.now();
    let store = match Sqlite::open(file, now) {
        Ok(store) => store,
        Err(error) => return vec![finding(State::Failed, explained(&error))],
    };
    let checked = async || {
        store.probe().await?;
        store.check().await
    };
    let mut findings = vec![match checked().await {
        Ok(wrong) if wrong.is_empty() => {
            finding(State::Ok, format!("{path} is sound, and can be read and written"))
        }
        Ok(wrong) => {
            let restore = "restore a copy, or name another --store";
            finding(State::Failed, format!("{path} is damaged: {}; {restore}", wrong.join("; ")))
        }
        Err(error) => finding(State::Failed, explained(&error)),
    }];
    if let Some(who) = readable_by_others(file) {
        let says = format!("{path} can be read by {who}; chmod 600 makes it its owner's alone");
        findings.push(finding(State::Warning, says));
    }
    if let Some(jump) = store.clock_jump() {
        let (state, says) = if !confirm_clock {
            (State::Warning, clock_sentence(jump, now))
        } else if let Err(error) = store.confirm_clock(now).await {
            (State::Failed, explained(&error))
        } else {
            (State::Ok, "the time is confirmed; what has expired is deleted again".to_owned())
        };
        findings.push(Finding { part: "clock".into(), state, says });
    }
    findings
}

/// Who else may read the file, if anybody may.
#[cfg(unix)]
fn readable_by_others(file: &Path) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt;
    match file.metadata().ok()?.permissions().mode() & 0o066 {
        0 => None,
        mode if mode & 0o006 == 0 => Some("its group"),
        _ => Some("everybody on this machine"),
    }
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<&'static str> {
    None
}

/// Reachable, allowed, there; then what is known of it.
async fn of_model(model: &AnyModel) -> Vec<Finding> {
    let spec = model.spec();
    let part = format!("model {} ({} at {})", spec.name, spec.model_id, spec.endpoint);
    let finding = |state, says: String| Finding { part: part.clone(), state, says };
    let mut findings = Vec::new();
    let mut takes_schema = spec.takes_schema;
    let mut answer = ask(model, takes_schema).await;
    if takes_schema && answer == Err(ModelError::SchemaRefused) {
        takes_schema = false;
        answer = ask(model, takes_schema).await;
    }
    match answer {
        Ok(Answered { ms, in_json: false }) => {
            let says = format!(
                "answered in {ms} ms, but not with the JSON that it was asked for; its replies may be unusable, so try another model"
            );
            findings.push(finding(State::Warning, says));
        }
        Ok(Answered { ms, .. }) if takes_schema || !spec.takes_schema => {
            findings.push(finding(State::Ok, format!("answered in {ms} ms")));
        }
        Ok(Answered { ms, .. }) => {
            let says = format!(
                "answered in {ms} ms, but refuses the reply's schema; it is asked by the prompt alone, which works too"
            );
            findings.push(finding(State::Warning, says));
        }
        Err(error) => findings.push(finding(State::Failed, explained(&error))),
    }
    if let Some(day) = model.facts().end_of_life {
        let today = SystemClock.now().day();
        let days = day.since(today.parse().unwrap_or(day)).map(|span| span.get_days()).unwrap_or_default();
        if days < END_OF_LIFE_NEAR_DAYS {
            let verb = if days < 0 { "was" } else { "is" };
            findings
                .push(finding(State::Warning, format!("its end of life {verb} {day}; choose a newer model")));
        }
    }
    if spec.price.is_none() {
        findings.push(finding(
            State::Warning,
            "its price is not known, so insights do not say what they cost".into(),
        ));
    }
    findings
}

/// How a model answered.
#[derive(Debug, PartialEq)]
struct Answered {
    ms: u128,
    in_json: bool,
}

/// Whether there is a JSON object in the text, whatever is around it.
fn has_json(text: &str) -> bool {
    let object = text.find('{').zip(text.rfind('}')).and_then(|(start, end)| text.get(start..=end));
    object.is_some_and(|object| serde_json::from_str::<serde_json::Value>(object).is_ok())
}

/// Asks a question that has nothing to do with any alert.
async fn ask(model: &AnyModel, with_schema: bool) -> Result<Answered, ModelError> {
    let schema = json!({
        "type": "object",
        "properties": { "ok": { "type": "boolean" } },
        "required": ["ok"],
        "additionalProperties": false,
    });
    let messages = [Message { role: Role::User, text: "Reply with the JSON object {\"ok\": true}.".into() }];
    let call = Call {
        system: "You reply with one JSON object and nothing else.",
        messages: &messages,
        schema: with_schema.then_some(&schema),
        output_tokens: ANSWER_TOKENS,
    };
    let begun = tokio::time::Instant::now();
    match tokio::time::timeout(ANSWER_TIME, model.ask(&call)).await {
        // Another service on the port responds too, but without a reply.
        Ok(Ok(completion)) if completion.finish != FinishReason::End || completion.text.trim().is_empty() => {
            let what = "the response has no reply in it".to_owned();
            Err(ModelError::Unreadable { what })
        }
        Ok(answer) => {
            let ms = begun.elapsed().as_millis();
            answer.map(|completion| Answered { ms, in_json: has_json(&completion.text) })
        }
        Err(_) => Err(ModelError::TimedOut),
    }
}
