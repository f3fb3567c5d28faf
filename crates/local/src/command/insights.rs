//! `portend insights` lists stored insights as a table, JSON Lines or CSV; `portend insight` shows one in full.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::grounding::GroundingReport;
use portend_core::insight::{InsightFields, StoredInsight};
use portend_core::limits::PAGE_MAX;
use portend_core::number::Number;
use portend_core::recommendation::{InsightRecommendation, recommendations_of};
use portend_core::store::{Documents, Feedback, InsightQuery, Queries, drivers_pk};
use portend_core::time::Timestamp;
use portend_eval::join::Cutoff;
use portend_remote::{DynamoDb, SystemClock};
use serde::Serialize;
use serde_json::Value;

use crate::any_store::AnyStore;
use crate::calibration::{claims_by_source, missing_probability};
use crate::config::{Config, StoreName};
use crate::evidence;
use crate::moment::{Direction, moment};
use crate::runner::notices;
use crate::short_id::{Resolved, resolve};
use crate::show::card::{CardContext, CardKind, card};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note, table};
use crate::show::text::{cell, clipped, minute, short_id, shown, zone};
use portend_sqlite::Sqlite;

/// How long `portend insight` reads the insights of the same alert type, to say why there is no probability.
const EVIDENCE_WAIT_MAX: Duration = Duration::from_secs(2);

/// List stored insights, newest first: in the order in which they were made, which is not that of their alerts' times.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct InsightsArgs {
    /// Print one JSON object per insight.
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print CSV with a heading.
    #[arg(long)]
    csv: bool,

    /// Only insights of this student or subject.
    #[arg(long, value_name = "ID")]
    entity: Option<String>,

    /// Only insights of this alert type.
    #[arg(long = "type", value_name = "ID")]
    alert_type: Option<String>,

    /// Only insights with at least this risk score, 0 to 100: the model's or, if it is higher by 40 or more, the
    /// scorecard's.
    #[arg(long, value_name = "SCORE", value_parser = risk_score)]
    min_risk: Option<Number>,

    /// Only insights where the scores of the model and of the scorecard differ by 30 or more.
    #[arg(long)]
    disagree: bool,

    /// Only insights made since a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// The order: the insight made last first, or the highest risk first.
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = SortOrder::Newest)]
    sort: SortOrder,

    /// The most insights to list; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// The order of a list of insights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SortOrder {
    /// Newest first.
    Newest,
    /// The highest risk first.
    Risk,
}

/// Show one insight with its provenance.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct InsightArgs {
    /// Print it as one JSON object.
    #[arg(long)]
    json: bool,

    /// The insight's alert id, a unique beginning of it, its eight digits in a list, or its student or subject.
    #[arg(value_name = "ALERT_ID")]
    alert_id: String,
}

/// Reads a risk score.
pub(crate) fn risk_score(text: &str) -> Result<Number, String> {
    let number = text.parse().ok().and_then(Number::new);
    number
        .filter(|number| (0.0..=100.0).contains(&number.get()))
        .ok_or_else(|| "it must be a number from 0 to 100".into())
}

/// An insight with what was measured of it.
#[derive(Serialize)]
struct MeasuredInsight<'a> {
    #[serde(flatten)]
    insight: &'a StoredInsight,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured_drivers: Option<Value>,
    /// Its recommendations, if a person said what was done with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    recommended: Option<Vec<InsightRecommendation>>,
}

/// What `portend drivers` measured, if it did.
async fn measured(store: &AnyStore, alert_id: &str, now: Timestamp) -> Result<Option<Value>> {
    let documents = store.documents(&drivers_pk(alert_id), now).await?;
    let document = documents.first().and_then(|each| serde_json::from_str::<Value>(&each.body).ok());
    Ok(document.and_then(|document| document.get("measured_drivers").cloned()))
}

/// Opens the store for reading.
pub(crate) async fn open_existing(config: &Config) -> Result<AnyStore> {
    let store = open_silently(config).await?;
    notices(config);
    Ok(store)
}

/// The same without the notices.
pub(crate) async fn open_silently(config: &Config) -> Result<AnyStore> {
    match &config.store {
        StoreName::File(file) => Ok(AnyStore::Sqlite(Arc::new(open_file(file)?))),
        StoreName::DynamoDb(table) => {
            let types = config.alert_types().map_err(WrongUsage::from)?;
            let aws = config.aws().await.map_err(WrongUsage::from)?;
            Ok(AnyStore::DynamoDbReader(Box::new(DynamoDb::new(table.clone(), &types, aws))))
        }
    }
}

/// Opens the store to change it. It must exist.
pub(crate) async fn open_for_changes(config: &Config) -> Result<AnyStore> {
    let store = open_existing(config).await?;
    let StoreName::File(file) = &config.store else { return Ok(store) };
    drop(store);
    Ok(AnyStore::Sqlite(Arc::new(Sqlite::open(file, SystemClock.now())?)))
}

/// Opens a store's file for reading. The error for a missing file says how to create one.
pub(crate) fn open_file(file: &Path) -> Result<Sqlite> {
    if !file.exists() {
        let path = file.display();
        return Err(anyhow!(
            "there is no store at {path} yet; run portend explain FILE to create one, or name another --store"
        ));
    }
    Ok(Sqlite::open_read_only(file, SystemClock.now())?)
}

pub(crate) async fn list(args: InsightsArgs, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    if let Some(id) = args.alert_type.as_deref().filter(|id| types.get(id).is_none()) {
        note(&format!("unknown alert type {}; portend types lists them", shown(id)));
    }
    let since = args
        .since
        .as_deref()
        .map(|text| moment("--since", text, Direction::Past, now))
        .transpose()
        .map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let mut query = InsightQuery {
        entity_id: args.entity.clone(),
        alert_type: args.alert_type.clone(),
        risk_min: args.min_risk,
        disagree: args.disagree,
        since,
        after: None,
        limit: PAGE_MAX,
    };
    let mut left = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut printer = Printer::new(&args)?;
    if args.sort == SortOrder::Risk {
        let more = riskiest(&store, query, left, now, &mut printer).await?;
        return end(&store, printer, args.sort, more);
    }
    let more = loop {
        query.limit = left.min(PAGE_MAX);
        let page = store.insights(&query, now).await?;
        left -= page.insights.len();
        page.insights.iter().try_for_each(|insight| printer.insight(insight))?;
        query.after = page.next;
        if query.after.is_none() || left == 0 {
            break query.after.is_some();
        }
    };
    end(&store, printer, args.sort, more)
}

/// Prints the insights with the highest risk. Every insight that matches is read; only as many as are printed are kept.
async fn riskiest(
    store: &AnyStore,
    mut query: InsightQuery,
    limit: usize,
    now: Timestamp,
    printer: &mut Printer,
) -> Result<bool> {
    let mut found: Vec<StoredInsight> = Vec::new();
    let mut more = false;
    loop {
        let page = store.insights(&query, now).await?;
        found.extend(page.insights);
        // The sort is stable, so of equal scores the newest stays first.
        found.sort_by(|one, other| other.risk_score().get().total_cmp(&one.risk_score().get()));
        more |= found.len() > limit;
        found.truncate(limit);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    found.iter().try_for_each(|insight| printer.insight(insight))?;
    Ok(more)
}

fn end(store: &AnyStore, printer: Printer, sort: SortOrder, more: bool) -> Result<CommandOutcome> {
    printer.end(sort, more)?;
    let unreadable = store.unreadable();
    if unreadable > 0 {
        note(&format!("{unreadable} stored items were skipped, because they cannot be read as insights"));
    }
    Ok(CommandOutcome::Done)
}

pub(crate) async fn one(args: InsightArgs, config: Config) -> Result<CommandOutcome> {
    let store = open_existing(&config).await?;
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let insight = match resolve(&store, &types, &args.alert_id, SystemClock.now()).await? {
        Resolved::Insight(insight) => insight,
        unresolved @ (Resolved::Nothing | Resolved::Several(_)) => {
            return Ok(unresolved.complain(&args.alert_id));
        }
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        let (id, now) = (insight.alert_id().to_owned(), SystemClock.now());
        let measured_drivers = measured(&store, &id, now).await?;
        let feedback = store.feedback(&[id], now).await?;
        let list = recommendations_of(&insight, types.get(insight.prediction_type()), &feedback);
        let recommended = list.iter().any(|each| each.response.is_some()).then_some(list);
        json_line(&mut out, &MeasuredInsight { insight: &insight, measured_drivers, recommended })?;
    } else {
        let missing = missing(&store, &types, &insight).await;
        let context = CardContext {
            kind: CardKind::Requested,
            evidence: true,
            missing_probability: missing.as_deref(),
        };
        out.write_all(card(&insight, types.get(insight.prediction_type()), context).as_bytes())?;
    }
    Ok(CommandOutcome::Done)
}

/// Why the insight has no probability; `None` if it has one.
async fn missing(store: &AnyStore, types: &AlertTypes, insight: &StoredInsight) -> Option<String> {
    let fields = insight.current().filter(|fields| fields.calibrated.is_none())?;
    let (source, now) = (fields.score_source(), SystemClock.now());
    let evidence = evidence::load(store, types, Some(&source.alert_type), None, now);
    let Ok(Ok(evidence)) = tokio::time::timeout(EVIDENCE_WAIT_MAX, evidence).await else {
        return Some("No probability: portend calibrate says what is missing.".to_owned());
    };
    let claims = claims_by_source(&evidence).remove(&source).unwrap_or_default();
    let cutoff = Cutoff { now, report_lag: Duration::ZERO };
    Some(missing_probability(&evidence, &source, &claims, cutoff).sentence)
}

/// Prints insights one by one. A table is printed after the last one, when the widths of its columns are known.
enum Printer {
    Json,
    Csv(Box<csv::Writer<std::io::Stdout>>),
    Table(Vec<Vec<String>>),
}

const CSV_HEADINGS: [&str; 17] = [
    "alert_id",
    "prediction_type",
    "entity_type",
    "entity_id",
    "severity",
    "risk_score",
    "explanation",
    "unsupported_numbers",
    "recommendations",
    "model_used",
    "grade",
    "degraded",
    "occurrences",
    "alert_timestamp",
    "last_seen",
    "timestamp",
    "message",
];

impl Printer {
    fn new(args: &InsightsArgs) -> Result<Self> {
        if args.json {
            return Ok(Self::Json);
        }
        if args.csv {
            let mut writer = csv::Writer::from_writer(std::io::stdout());
            writer.write_record(CSV_HEADINGS)?;
            return Ok(Self::Csv(Box::new(writer)));
        }
        Ok(Self::Table(Vec::new()))
    }

    fn insight(&mut self, insight: &StoredInsight) -> Result<()> {
        match self {
            Self::Json => json_line(&mut std::io::stdout().lock(), insight),
            Self::Csv(writer) => Ok(writer.write_record(csv_row(insight))?),
            Self::Table(rows) => {
                rows.push(table_row(insight));
                Ok(())
            }
        }
    }

    fn end(self, sort: SortOrder, more: bool) -> Result<()> {
        match self {
            Self::Json => {}
            Self::Csv(mut writer) => writer.flush()?,
            Self::Table(rows) if rows.is_empty() => note("no insight matches"),
            Self::Table(rows) => {
                let order = match sort {
                    SortOrder::Newest => "the insight made last is first",
                    SortOrder::Risk => "the highest risk is first",
                };
                let headings = ["risk", "severity", "entity", "seen", "alert time", "alert type", "id"];
                let table = table(&headings, &[0, 3], rows);
                writeln!(anstream::stdout(), "{table}")?;
                note(&format!("{order}; times are in {}", zone()));
            }
        }
        if more {
            note("there are more insights; use --limit to list more of them, or --limit 0 for all");
        }
        Ok(())
    }
}

/// The columns of an entity's name in a table of insights: the whole table fits into 80.
const ENTITY_COLUMNS: usize = 13;
/// The columns of an alert type in a table of insights.
const TYPE_COLUMNS: usize = 15;

fn table_row(insight: &StoredInsight) -> Vec<String> {
    vec![
        insight.risk_score().to_string(),
        insight.current().map(|fields| shown(&fields.severity)).unwrap_or_default(),
        clipped(&shown(insight.entity_id()), ENTITY_COLUMNS),
        format!("{}×", insight.current().map_or(1, |fields| fields.occurrences)),
        minute(insight.alert_timestamp().unwrap_or(insight.timestamp())),
        clipped(&shown(insight.prediction_type()), TYPE_COLUMNS),
        short_id(insight.alert_id()),
    ]
}

fn csv_row(insight: &StoredInsight) -> [String; 17] {
    let fields = insight.current();
    let text = |of: fn(&InsightFields) -> &str| fields.map(|fields| cell(of(fields))).unwrap_or_default();
    let plain = |of: fn(&InsightFields) -> String| fields.map(of).unwrap_or_default();
    let grounding = fields.and_then(|fields| fields.grounding.as_ref());
    let unsupported = grounding.map(GroundingReport::quotes).unwrap_or_default();
    [
        cell(insight.alert_id()),
        cell(insight.prediction_type()),
        text(|fields| &fields.entity_type),
        cell(insight.entity_id()),
        text(|fields| &fields.severity),
        insight.risk_score().to_string(),
        cell(insight.explanation()),
        cell(&unsupported.join("\n")),
        cell(&insight.recommendations().join("\n")),
        cell(insight.model_used()),
        plain(|fields| fields.grade.code().to_owned()),
        plain(|fields| fields.degraded.to_string()),
        plain(|fields| fields.occurrences.to_string()),
        plain(|fields| fields.alert_timestamp.to_string()),
        plain(|fields| fields.last_seen.to_string()),
        insight.timestamp().to_string(),
        text(|fields| fields.message.as_deref().unwrap_or_default()),
    ]
}
