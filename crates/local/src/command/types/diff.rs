//! `portend types diff`: what a change of alert types would do to recorded alerts.
//!
//! Each set of types judges the same alerts by its scorecard, with the same repeats as a run into an empty store. So the
//! counts are those of a real run.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use portend_core::alert::{Alert, AlertKey};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::model::{ModelSpec, Price};
use portend_core::number::Number;
use portend_core::prompt::PromptTemplate;
use portend_core::scorecard::Scored;
use portend_core::time::Timestamp;
use portend_remote::SystemClock;
use portend_remote::catalogue::{Catalogue, Provider};
use serde::Serialize;

use super::folder::types_in;
use crate::config::Config;
use crate::input::{self, Input};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, table};
use crate::show::text::thousands;

/// Compare two versions of alert types on recorded alerts.
///
/// Both versions judge the same alerts by their scorecards: how many insights there would be, how many of them at 60
/// or above and at 80 or above, and what a model would cost. Nothing is stored.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DiffArgs {
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,

    /// The folder of the old alert types, or of one old type.
    old: PathBuf,

    /// The folder of the new alert types, or of one new type.
    new: PathBuf,

    /// A file with recorded alerts.
    #[arg(long, value_name = "FILE", required = true)]
    alerts: Vec<PathBuf>,
}

/// The scores from which an insight counts as serious, and as urgent.
const CROSSINGS: [f64; 2] = [60.0, 80.0];
/// Characters of a prompt for one token, about.
const TOKEN_CHARS: u64 = 4;
/// Tokens of a model's reply, about.
const REPLY_TOKENS: u64 = 200;
const DAY_SECONDS: f64 = 86_400.0;

/// What one version of the types makes of the alerts.
#[derive(Debug, Default, Serialize)]
struct TypesOutcome {
    alerts: u64,
    parked: u64,
    repeats: u64,
    insights: u64,
    insights_per_day: Option<Number>,
    at_60_or_above: u64,
    at_80_or_above: u64,
    /// Each insight asks a model once, if nothing fails and no answer is used again.
    model_calls: u64,
    /// An estimate in US dollars, if the price is known.
    cost_usd: Option<Number>,
    #[serde(skip)]
    scores: HashMap<u64, f64>,
}

/// The insights of the same alert whose score crosses a threshold.
#[derive(Debug, Serialize)]
struct Crossing {
    score: u32,
    rise: u64,
    fall: u64,
}

#[derive(Debug, Serialize)]
struct TypesDiff {
    old: TypesOutcome,
    new: TypesOutcome,
    crossings: Vec<Crossing>,
    /// The model whose price is taken.
    priced_by: Option<String>,
}

pub(crate) async fn run(args: DiffArgs, config: &Config) -> Result<CommandOutcome> {
    let (old, new) = (types_in(&args.old)?, types_in(&args.new)?);
    if let Some(stdin) = args.alerts.iter().find(|path| path.as_os_str() == "-") {
        let error = anyhow!("{} cannot be read twice; write the alerts to a file", stdin.display());
        return Err(WrongUsage::from(error).into());
    }
    let price = price(config).await?;
    let now = SystemClock.now();
    let old = outcome(&args.alerts, &old, price.as_ref(), now).await?;
    let new = outcome(&args.alerts, &new, price.as_ref(), now).await?;
    let crossings = CROSSINGS.map(|score| crossing(&old, &new, score)).into();
    let diff = TypesDiff { old, new, crossings, priced_by: price.map(|(label, _)| label) };
    let mut out = anstream::stdout().lock();
    if args.json {
        json_line(&mut out, &diff)?;
    } else {
        write_table(&mut out, &diff)?;
    }
    Ok(CommandOutcome::Done)
}

/// The price of the first model of the settings that has one, or of the default model of Bedrock.
async fn price(config: &Config) -> Result<Option<(String, Price)>> {
    let aws = config.aws().await.map_err(WrongUsage::from)?;
    let models = config.chain.models(&aws).map_err(WrongUsage::from)?;
    let priced = |spec: &ModelSpec| Some((spec.label.clone(), spec.price?));
    if let Some(found) = models.iter().find_map(|model| priced(portend_core::model::Model::spec(model))) {
        return Ok(Some(found));
    }
    let catalogue = Catalogue::built_in().map_err(|error| anyhow!(error))?;
    let Some(id) = catalogue.default_bedrock("us-east-1") else { return Ok(None) };
    let facts = catalogue.facts(Provider::Bedrock, "bedrock", &id);
    Ok(facts.price.map(|price| (facts.label, Price::from(price))))
}

async fn outcome(
    files: &[PathBuf],
    types: &AlertTypes,
    price: Option<&(String, Price)>,
    now: Timestamp,
) -> Result<TypesOutcome> {
    let open = |path: &PathBuf| {
        Input::open(path).with_context(|| format!("cannot read {}; give a file with alerts", path.display()))
    };
    let inputs: Vec<Input> = files.iter().map(open).collect::<Result<_>>().map_err(WrongUsage::from)?;
    let mut events = input::read(inputs, types.clone());
    let mut outcome = TypesOutcome::default();
    let mut seen: HashSet<AlertKey> = HashSet::new();
    let (mut first, mut last): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    let mut tokens = 0;
    while let Some(event) = events.recv().await {
        let event = event.map_err(|(path, error)| {
            anyhow::Error::from(error).context(format!("cannot read {} any further", path.display()))
        })?;
        outcome.alerts += 1;
        let Ok(alert) = Alert::read(&event.bytes, types, now) else {
            outcome.parked += 1;
            continue;
        };
        first = Some(first.map_or(alert.timestamp(), |first| first.min(alert.timestamp())));
        last = Some(last.map_or(alert.timestamp(), |last| last.max(alert.timestamp())));
        let score = Scored::new(&alert).baseline().risk_score.get();
        outcome.scores.insert(outcome.alerts, score);
        if !seen.insert(alert.key()) {
            outcome.repeats += 1;
            continue;
        }
        outcome.insights += 1;
        let [serious, urgent] = CROSSINGS;
        outcome.at_60_or_above += u64::from(score >= serious);
        outcome.at_80_or_above += u64::from(score >= urgent);
        let template = PromptTemplate::new(alert.alert_type());
        let prompt = template.prompt(alert.facts());
        tokens += (prompt.system().len() + prompt.user().len()) as u64 / TOKEN_CHARS;
    }
    outcome.model_calls = outcome.insights;
    outcome.cost_usd =
        price.and_then(|(_, price)| price.of(tokens, outcome.insights.saturating_mul(REPLY_TOKENS)));
    outcome.insights_per_day = first.zip(last).and_then(|(first, last)| {
        // Less than a day counts as one, because a rate would be a guess.
        let days = (last.since(first).as_secs_f64() / DAY_SECONDS).max(1.0);
        #[expect(clippy::cast_precision_loss, reason = "a count is far below 2^53")]
        Number::new((outcome.insights as f64 / days * 10.0).round() / 10.0)
    });
    Ok(outcome)
}

/// Of the alerts that both versions accept, how many cross the score.
fn crossing(old: &TypesOutcome, new: &TypesOutcome, score: f64) -> Crossing {
    let pairs = old.scores.iter().filter_map(|(event, before)| Some((*before, *new.scores.get(event)?)));
    let (mut rise, mut fall) = (0, 0);
    for (before, after) in pairs {
        rise += u64::from(before < score && after >= score);
        fall += u64::from(before >= score && after < score);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score is from 0 to 100")]
    Crossing { score: score as u32, rise, fall }
}

fn write_table(out: &mut impl Write, diff: &TypesDiff) -> Result<()> {
    let TypesDiff { old, new, .. } = diff;
    let count = |name: &str, of: fn(&TypesOutcome) -> u64| {
        vec![name.to_owned(), thousands(of(old)), thousands(of(new))]
    };
    let number = |name: &str, sign: &str, of: fn(&TypesOutcome) -> Option<Number>| {
        let cell =
            |outcome| of(outcome).map_or_else(|| "unknown".to_owned(), |number| format!("{sign}{number}"));
        vec![name.to_owned(), cell(old), cell(new)]
    };
    let rows = vec![
        count("alerts", |outcome| outcome.alerts),
        count("parked", |outcome| outcome.parked),
        count("repeats", |outcome| outcome.repeats),
        count("insights", |outcome| outcome.insights),
        number("insights per day", "", |outcome| outcome.insights_per_day),
        count("at 60 or above", |outcome| outcome.at_60_or_above),
        count("at 80 or above", |outcome| outcome.at_80_or_above),
        count("model calls", |outcome| outcome.model_calls),
        number("cost, about", "$", |outcome| outcome.cost_usd),
    ];
    writeln!(out, "{}", table(&["", "old", "new"], &[1, 2], rows))?;
    for Crossing { score, rise, fall } in &diff.crossings {
        writeln!(
            out,
            "Alerts that rise to {score} or above: {}. Alerts that fall below it: {}.",
            thousands(*rise),
            thousands(*fall)
        )?;
    }
    if let Some(label) = &diff.priced_by {
        writeln!(out, "The cost is an estimate, at the price of {label}.")?;
    }
    Ok(())
}
