//! `portend explain --again`: judges alerts as they would be judged now. Nothing is claimed, stored or published, and the
//! models are called whether or not the alerts have insights.

use anyhow::Result;
use portend_core::alert_type::AlertTypes;
use portend_core::help::explained;
use portend_core::pipeline::Preview;
use serde_json::{Value, json};

use crate::input::{self, Event, Input};
use crate::runner::EventRunner;
use crate::show::card::{CardContext, CardKind, card};
use crate::show::output::{CommandOutcome, RED, STRONG, json_line, note, paint};
use crate::show::text::shown;
use std::io::Write;

/// Judges every event of the inputs, one after another.
pub(super) async fn again(runner: &EventRunner, inputs: Vec<Input>, is_json: bool) -> Result<CommandOutcome> {
    let mut events = input::read(inputs, runner.pipeline.types().clone());
    let (mut is_complete, mut out) = (true, anstream::stdout());
    while let Some(read) = events.recv().await {
        let event = match read {
            Ok(event) => event,
            Err((input, error)) => {
                is_complete = false;
                note(&format!(
                    "{}: cannot read {} any further: {error}",
                    paint(RED, "portend"),
                    input.display()
                ));
                continue;
            }
        };
        let preview = runner.preview(&event.bytes).await;
        is_complete &= matches!(preview, Preview::Insight(_));
        if is_json {
            json_line(&mut out, &line(&preview, &event))?;
        } else {
            out.write_all(text(&preview, &event, runner.pipeline.types()).as_bytes())?;
        }
    }
    Ok(if is_complete { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

/// Why there is no insight: a code and a sentence with the event's location.
fn reason(preview: &Preview, event: &Event) -> (String, String) {
    match preview {
        Preview::Insight(_) => (String::new(), String::new()),
        Preview::Refused(refusal) => {
            (refusal.reason().to_string(), format!("{}: {}", event.location, refusal.message()))
        }
        Preview::NoAnswer(stop) => {
            (stop.code().to_owned(), format!("{}: {}", event.location, explained(stop)))
        }
    }
}

fn line(preview: &Preview, event: &Event) -> Value {
    let (reason, message) = reason(preview, event);
    match preview {
        Preview::Insight(insight) => {
            json!({ "status": "again", "alert_id": insight.alert_id(), "insight": insight })
        }
        Preview::Refused(_) => json!({ "status": "refused", "reason": reason, "message": message }),
        Preview::NoAnswer(_) => json!({ "status": "failed", "reason": reason, "message": message }),
    }
}

fn text(preview: &Preview, event: &Event, types: &AlertTypes) -> String {
    if let Preview::Insight(insight) = preview {
        let context = CardContext { kind: CardKind::Again, evidence: true, missing_probability: None };
        return card(insight, types.get(insight.prediction_type()), context) + "\n";
    }
    let (reason, message) = reason(preview, event);
    format!(
        "{} {}\n     {}\n\n",
        paint(RED.bold(), "no insight"),
        paint(STRONG, &shown(&reason)),
        shown(&message)
    )
}
