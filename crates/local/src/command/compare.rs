//! `portend compare`: asks another model about stored alerts, and says what would change. Stores nothing.

mod worse;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use portend_core::alert_type::AlertType;
use portend_core::clock::Clock;
use portend_core::insight::{InsightFields, StoredInsight};
use portend_core::limits::PAGE_MAX;
use portend_core::store::{EvaluationRow, InsightQuery, Queries};
use portend_core::time::Timestamp;
use portend_eval::compare::ScorePair;
use portend_eval::join::{Cutoff, OutcomeIndex};
use portend_eval::picture;
use portend_remote::SystemClock;

use super::insights::open_existing;
use super::question::{Answered, Questioner};
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::evidence::{claim_of, outcomes_of};
use crate::show::html::{self, HtmlSection};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::{counted, shown};
use report::{AnswerTally, ComparisonReport};
use worse::{WorseFacts, one_fact_worse};

/// Ask another model about stored alerts, and say what would change.
///
/// The questions are built from the stored facts. The likely cost is printed first, and the calls stop at the budget.
/// Nothing is stored. --out writes the report to a file.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The model: bedrock, openai, the NAME of [models.NAME], or the id of a known model, such as a successor's.
    #[arg(long, value_name = "MODEL", required_unless_present = "prompt")]
    pub(crate) with: Option<String>,

    /// Ask with the rules in this file in place of the prompt's own.
    ///
    /// The question, the facts, the scale and the reply format stay the same. Without --with, the first model of the chain is
    /// asked.
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,

    /// At most so many of the latest insights, spread over the alert types and the scores.
    #[arg(long, value_name = "N", default_value_t = 200)]
    last: usize,

    /// The most that the calls may cost together, in US dollars.
    #[arg(long, value_name = "DOLLARS", default_value_t = 1.0)]
    budget: f64,

    /// How many times to ask each question. With 2, the report says how much the model's own scores differ.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    repeat: u8,

    /// Ask each question once more with one fact worse, and count the scores that are then lower.
    ///
    /// A worse fact must not lower a score. The fact is the one to which the points table can add most.
    #[arg(long)]
    worse: bool,

    /// Only insights of this alert type.
    #[arg(long = "type", value_name = "ID")]
    alert_type: Option<String>,

    /// Also write the report with its pictures to this file, as one page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// Also write the JSON object to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The most insights that are read to choose from.
const INSIGHTS_READ_MAX: usize = 5_000;
/// Calls for one question: the second is the re-ask.
const CALLS_MAX: u32 = 2;

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let insights = chosen(&store, args.alert_type.as_deref(), args.last, now).await?;
    let rules = args.prompt.as_deref().map(|file| {
        let text = std::fs::read_to_string(file);
        text.with_context(|| format!("cannot read {}; give a file with the rules as text", file.display()))
    });
    let rules = rules.transpose().map_err(WrongUsage::from)?;
    let mut questioner = Questioner::new(&config, None, rules.as_deref(), args.budget).await?;
    let questions = insights.len() * (usize::from(args.repeat) + usize::from(args.worse));
    announce(&questioner, &insights, questions, args.budget);
    let rows: Vec<EvaluationRow> = insights
        .iter()
        .filter_map(|fields| EvaluationRow::of(&StoredInsight::Current(fields.clone()), None))
        .collect();
    let entities: BTreeSet<(&str, &str)> =
        rows.iter().map(|row| (row.entity_type.as_str(), row.entity_id.as_str())).collect();
    let outcomes = OutcomeIndex::new(&outcomes_of(&store, &types, &entities, now).await?);
    let cutoff = Cutoff { now, report_lag: std::time::Duration::ZERO };
    let mut tally = AnswerTally::default();
    let mut worse = args.worse.then(WorseFacts::default);
    let mut pairs = Vec::new();
    let mut status = "complete";
    'insights: for (fields, row) in insights.iter().zip(&rows) {
        let mut scores = Vec::new();
        for _ in 0..args.repeat {
            match questioner.ask(fields, &fields.facts, CALLS_MAX).await {
                Answered::Insight(answer) => {
                    tally.answered(&answer);
                    scores.push(answer.risk_score.get());
                }
                Answered::Nothing(reason) => tally.failed(reason),
                Answered::OverBudget => {
                    status = "budget";
                    break 'insights;
                }
            }
        }
        tally.old(fields);
        let Some(new) = scores.first().copied() else { continue };
        let alert_type = types.get(&fields.prediction_type);
        let scale = alert_type.map(AlertType::scale);
        pairs.push(ScorePair {
            old: fields.risk_score.get(),
            new,
            again: scores.get(1).copied(),
            event: outcomes.state(&claim_of(row), cutoff).event(),
            entity: fields.entity_id.clone(),
            thresholds: scale
                .map(|scale| scale.keys().map(|key| f64::from(*key)).collect())
                .unwrap_or_default(),
        });
        let one_worse = alert_type.and_then(|alert_type| one_fact_worse(alert_type, &fields.facts));
        if let (Some(worse), Some((fact, facts))) = (&mut worse, one_worse) {
            match questioner.ask(fields, &facts, CALLS_MAX).await {
                Answered::Insight(answer) => {
                    let noise = scores.get(1).map_or(0.0, |again| (new - again).abs());
                    worse.count(&fact, new, answer.risk_score.get(), noise);
                }
                Answered::Nothing(_) => {}
                Answered::OverBudget => {
                    status = "budget";
                    break;
                }
            }
        }
    }
    let report = ComparisonReport::new(&args, &questioner, &tally, &pairs, worse, status);
    if let Some(file) = &args.out {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(file, text)
            .with_context(|| format!("cannot write {}; name a file that you may write to", file.display()))?;
    }
    if let Some(file) = &args.html {
        let points: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.old, pair.new)).collect();
        let pictures = vec![picture::pairs(&points)];
        let section = HtmlSection { pictures, ..HtmlSection::of_text(&report.text()) };
        html::write(file, "What another model would change", &[section])?;
    }
    if args.json {
        json_line(&mut std::io::stdout().lock(), &report)?;
    } else {
        anstream::stdout().lock().write_all(report.text().as_bytes())?;
    }
    let is_complete = status == "complete" && !pairs.is_empty();
    Ok(if is_complete { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

/// The latest insights, spread over the alert types and the tens of the score: one of each in turn.
async fn chosen(
    store: &AnyStore,
    alert_type: Option<&str>,
    last: usize,
    now: Timestamp,
) -> Result<Vec<Box<InsightFields>>> {
    let mut strata: BTreeMap<(String, u8), Vec<Box<InsightFields>>> = BTreeMap::new();
    let mut query = InsightQuery {
        alert_type: alert_type.map(str::to_owned),
        limit: PAGE_MAX,
        ..InsightQuery::default()
    };
    let mut read = 0;
    loop {
        let page = store.insights(&query, now).await?;
        read += page.insights.len();
        for insight in page.insights {
            if let StoredInsight::Current(fields) = insight {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a score is 0 to 100"
                )]
                let ten = (fields.risk_score.get() / 10.0) as u8;
                strata.entry((fields.prediction_type.clone(), ten)).or_default().push(fields);
            }
        }
        query.after = page.next;
        if query.after.is_none() || read >= INSIGHTS_READ_MAX {
            break;
        }
    }
    let mut strata: Vec<_> = strata.into_values().map(Vec::into_iter).collect();
    let mut chosen = Vec::new();
    while chosen.len() < last {
        let round: Vec<_> = strata.iter_mut().filter_map(Iterator::next).collect();
        if round.is_empty() {
            break;
        }
        chosen.extend(round);
    }
    chosen.truncate(last);
    Ok(chosen)
}

/// Says what the calls are likely to cost, before the first one.
fn announce(questioner: &Questioner, insights: &[Box<InsightFields>], questions: usize, budget: f64) {
    let tokens: Vec<(u64, u64)> = insights
        .iter()
        .flat_map(|fields| &fields.attempts)
        .filter_map(|attempt| attempt.input_tokens.zip(attempt.output_tokens))
        .collect();
    let count = tokens.len() as u64;
    let mean = tokens.iter().fold((0, 0), |sum, (input, output)| (sum.0 + input, sum.1 + output));
    let mean = (count > 0).then(|| (mean.0 / count, mean.1 / count));
    let cost = questioner.price(mean).map_or_else(
        || "an unknown price".to_owned(),
        |price| {
            #[expect(clippy::cast_precision_loss, reason = "a count of questions is small")]
            let cost = price * questions as f64;
            format!("about ${cost:.4}")
        },
    );
    note(&format!(
        "{} to {} for {cost}, at most ${budget:.2}",
        counted(questions as u64, "question"),
        shown(questioner.label())
    ));
}
