//! `portend drivers`: measures what drives a score, by asking again with one fact at a time at its healthy value.
//!
//! A scorecard's drivers are exact, and are computed without a call.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use portend_core::alert_type::{AlertType, FactKind, FactValue};
use portend_core::clock::Clock;
use portend_core::driver::Effect;
use portend_core::insight::{Grade, InsightFields};
use portend_core::limits::RETENTION;
use portend_core::number::Number;
use portend_core::store::{Document, Documents, drivers_pk};
use portend_core::time::Timestamp;
use portend_eval::picture;
use portend_remote::SystemClock;
use serde::Serialize;

use super::insights::open_for_changes;
use super::question::{Answered, Questioner};
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::short_id::{Resolved, resolve};
use crate::show::html::{self, HtmlSection};
use crate::show::output::{CommandOutcome, STRONG, WrongUsage, json_line, note, paint, table};
use crate::show::text::shown;

/// The reason of a fact that has no healthy value.
const NO_HEALTHY: &str = "no_healthy";

/// Measure what drives a score.
///
/// Each fact is set to its healthy value, and the model that made the insight is asked again. One more call, with nothing
/// changed, shows how much the score moves by itself. The scorecard's drivers are exact, and need no call.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The insight: its alert id, a unique beginning of it, its eight digits in a list, or its student or subject.
    #[arg(value_name = "ALERT")]
    alert: String,

    /// The most that the calls may cost together, in US dollars.
    #[arg(long, value_name = "DOLLARS", default_value_t = 0.02)]
    budget: f64,

    /// Also write the report with its pictures to this file, as one page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct MeasuredDrivers {
    alert_id: String,
    model_used: String,
    risk_score: Number,
    /// `complete`, or `budget` if not every fact was asked about.
    status: &'static str,
    /// How far the score moves if nothing is changed; 0 for the scorecard.
    noise: Option<f64>,
    calls: usize,
    cost_usd: f64,
    measured_at: Timestamp,
    measured_drivers: Vec<MeasuredDriver>,
    /// Facts that were not measured, with the reason.
    skipped: BTreeMap<String, String>,
}

/// One fact.
#[derive(Debug, Serialize)]
struct MeasuredDriver {
    fact: String,
    value: FactValue,
    healthy: FactValue,
    /// The score with the healthy value.
    score: f64,
    /// The score less that one: above 0, the fact raises it.
    effect: f64,
    /// What the insight says that the fact does.
    claimed: Option<Effect>,
    /// Whether the insight says what was measured, beyond the noise.
    agrees: bool,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let store = open_for_changes(&config).await?;
    let insight = match resolve(&store, &types, &args.alert, now).await? {
        Resolved::Insight(insight) => insight,
        unresolved @ (Resolved::Nothing | Resolved::Several(_)) => {
            return Ok(unresolved.complain(&args.alert));
        }
    };
    let Some(fields) = insight.current() else {
        note("the original handler made this insight, without a record of its facts; choose another one");
        return Ok(CommandOutcome::Incomplete);
    };
    let unknown = || anyhow!("the alert type {} is not known any more", shown(&fields.prediction_type));
    let alert_type = types.get(&fields.prediction_type).ok_or_else(unknown)?;
    let mut measured = MeasuredDrivers {
        alert_id: fields.alert_id.clone(),
        model_used: fields.model_used.clone(),
        risk_score: fields.risk_score,
        status: "complete",
        noise: None,
        calls: 0,
        cost_usd: 0.0,
        measured_at: now,
        measured_drivers: Vec::new(),
        skipped: BTreeMap::new(),
    };
    match fields.grade {
        Grade::Scorecard => exact(&mut measured, alert_type, fields),
        Grade::Model | Grade::Doubted => {
            let label = fields.model_used.trim_end_matches("-fallback");
            let questioner = Questioner::new(&config, Some(label), None, args.budget).await?;
            ask(&mut measured, alert_type, fields, questioner).await;
        }
    }
    measured.measured_drivers.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    keep(&store, &measured, now).await?;
    if let Some(file) = &args.html {
        html::write(file, "What moves a score", &[section(&measured)])?;
    }
    if args.json {
        json_line(&mut std::io::stdout().lock(), &measured)?;
    } else {
        anstream::stdout().lock().write_all(text(&measured).as_bytes())?;
    }
    let is_complete = measured.status == "complete" && measured.skipped.values().all(|why| why == NO_HEALTHY);
    Ok(if is_complete { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

/// The healthy value of each fact that has one.
fn healthy(kind: &FactKind) -> Option<FactValue> {
    match kind {
        FactKind::Integer(range) | FactKind::Number(range) => range.healthy.map(FactValue::Number),
        FactKind::Boolean { healthy, .. } => healthy.map(FactValue::Flag),
        FactKind::Enum { healthy, .. } => healthy.clone().map(FactValue::Word),
        FactKind::Text => None,
    }
}

/// The scorecard's own points, less those of the healthy value.
fn exact(measured: &mut MeasuredDrivers, alert_type: &AlertType, fields: &InsightFields) {
    let score = fields.risk_score.get();
    let table = alert_type.points_table();
    measured.noise = Some(0.0);
    for fact in alert_type.facts() {
        let Some(value) = fields.facts.get(fact.id()) else { continue };
        let Some(healthy) = healthy(fact.kind()) else {
            measured.skipped.insert(fact.id().to_owned(), NO_HEALTHY.to_owned());
            continue;
        };
        let before = fields.baseline.points.get(fact.id()).copied().unwrap_or_default();
        let after = table.points_of(fact.id(), Some(&healthy)).unwrap_or_default();
        let effect = f64::from(before) - f64::from(after);
        measured.push(fields, fact.id(), value.clone(), healthy, score - effect);
    }
}

/// Asks once with nothing changed, then once for each fact.
async fn ask(
    measured: &mut MeasuredDrivers,
    alert_type: &AlertType,
    fields: &InsightFields,
    mut questioner: Questioner,
) {
    let same = questioner.ask(fields, &fields.facts, 1).await;
    match same {
        Answered::Insight(again) => {
            measured.noise = Some((again.risk_score.get() - fields.risk_score.get()).abs());
        }
        Answered::Nothing(_) => {}
        Answered::OverBudget => measured.status = "budget",
    }
    for fact in alert_type.facts() {
        let Some(value) = fields.facts.get(fact.id()) else { continue };
        let Some(healthy) = healthy(fact.kind()) else {
            measured.skipped.insert(fact.id().to_owned(), NO_HEALTHY.to_owned());
            continue;
        };
        if *value == healthy {
            measured.push(fields, fact.id(), value.clone(), healthy, fields.risk_score.get());
            continue;
        }
        let facts = fields.facts.with(fact.id(), healthy.clone());
        match questioner.ask(fields, &facts, 1).await {
            Answered::Insight(again) => {
                measured.push(fields, fact.id(), value.clone(), healthy, again.risk_score.get());
            }
            Answered::Nothing(reason) => {
                measured.skipped.insert(fact.id().to_owned(), reason);
            }
            Answered::OverBudget => {
                measured.status = "budget";
                measured.skipped.insert(fact.id().to_owned(), "budget".to_owned());
            }
        }
    }
    measured.calls = questioner.calls;
    measured.cost_usd = questioner.spent;
}

impl MeasuredDrivers {
    fn push(&mut self, fields: &InsightFields, fact: &str, value: FactValue, healthy: FactValue, score: f64) {
        let effect = fields.risk_score.get() - score;
        let claimed = fields.drivers.iter().find(|driver| driver.fact == fact).map(|driver| driver.effect);
        let noise = self.noise.unwrap_or(0.0);
        let agrees = match claimed {
            Some(Effect::Raises) => effect > noise,
            Some(Effect::Lowers) => effect < -noise,
            None => effect.abs() <= noise,
        };
        self.measured_drivers.push(MeasuredDriver {
            fact: fact.to_owned(),
            value,
            healthy,
            score,
            effect,
            claimed,
            agrees,
        });
    }
}

/// Stores what was measured for as long as insights are retained.
async fn keep(store: &AnyStore, measured: &MeasuredDrivers, now: Timestamp) -> Result<()> {
    let document = Document {
        pk: drivers_pk(&measured.alert_id),
        sk: "drivers".to_owned(),
        body: serde_json::to_string(measured)?,
        expires_at: now.plus(RETENTION),
    };
    Ok(store.put_documents(&[document]).await?)
}

/// What was measured as a part of a page.
fn section(measured: &MeasuredDrivers) -> HtmlSection {
    let effects: Vec<f64> = measured.measured_drivers.iter().map(|driver| driver.effect).collect();
    HtmlSection { pictures: vec![picture::effects(&effects)], ..HtmlSection::of_text(&text(measured)) }
}

fn text(measured: &MeasuredDrivers) -> String {
    let mut text = format!(
        "{}\nThe score is {}. With one fact at its healthy value, {} would have scored:\n\n",
        paint(STRONG, &shown(&measured.alert_id)),
        measured.risk_score,
        shown(&measured.model_used)
    );
    let lines = measured.measured_drivers.iter().map(|driver| {
        let claimed = match (driver.claimed, driver.agrees) {
            (Some(_), true) => "as the insight says",
            (Some(_), false) => "the insight says otherwise",
            (None, true) => "-",
            (None, false) => "the insight does not say so",
        };
        vec![
            format!(
                "{} {} instead of {}",
                shown(&driver.fact),
                driver.healthy.to_words(),
                driver.value.to_words()
            ),
            format!("{:.0}", driver.score),
            format!("{:+.0}", driver.effect),
            claimed.to_owned(),
        ]
    });
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", table(&["fact", "would have scored", "effect", ""], &[1, 2], lines));
    for (fact, reason) in &measured.skipped {
        let why = match reason.as_str() {
            NO_HEALTHY => "the alert type gives it no healthy value".to_owned(),
            "budget" => "the budget does not cover the call; raise --budget".to_owned(),
            outcome => format!("the model did not answer: {outcome}"),
        };
        let _ = writeln!(text, "Not measured: {} ({why}).", shown(fact));
    }
    match measured.noise {
        Some(noise) if measured.calls > 0 => {
            let _ = writeln!(
                text,
                "Asked again with nothing changed, the score moved by {noise:.0}. {} calls, ${:.4}.",
                measured.calls, measured.cost_usd
            );
        }
        Some(_) => text.push_str("The points of the scorecard are exact.\n"),
        None => text.push_str("How far the score moves by itself is not known.\n"),
    }
    text
}
