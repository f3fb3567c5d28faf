//! `portend insights` lists stored insights as a table, JSON Lines or CSV; `portend insight` shows one in full.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use portend_core::clock::Clock;
use portend_core::insight::{InsightFields, StoredInsight};
use portend_core::limits::PAGE_MAX;
use portend_core::number::Number;
use portend_core::store::{InsightQuery, Queries};
use portend_core::time::Timestamp;
use portend_remote::{DynamoDb, SystemClock};

use crate::any_store::AnyStore;
use crate::config::{Config, StoreName};
use crate::show::card::{CardContext, CardKind, card};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note, table};
use crate::show::text::{cell, minute, shown};
use portend_sqlite::Sqlite;

/// List stored insights, newest first.
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

    /// Only insights with at least this risk score, 0 to 100.
    #[arg(long, value_name = "SCORE", value_parser = risk_score)]
    min_risk: Option<Number>,

    /// Only insights since a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// The most insights to list; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// Show one insight with its provenance.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct InsightArgs {
    /// Print it as one JSON object.
    #[arg(long)]
    json: bool,

    /// The insight's alert id, as `portend insights` lists it.
    #[arg(value_name = "ALERT_ID")]
    alert_id: String,
}

fn risk_score(text: &str) -> Result<Number, String> {
    let number = text.parse().ok().and_then(Number::new);
    number
        .filter(|number| (0.0..=100.0).contains(&number.get()))
        .ok_or_else(|| "it must be a number from 0 to 100".into())
}

/// Reads `--since` as a time.
fn since(text: &str, now: Timestamp) -> Result<Timestamp> {
    let date = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    if let Ok(timestamp) = Timestamp::parse(text).or_else(|_| date()) {
        return Ok(timestamp);
    }
    let ago = text.parse::<jiff::Span>().ok();
    let ago = ago.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
    let ago = ago.and_then(|duration| std::time::Duration::try_from(duration).ok());
    let wrong =
        || anyhow!("--since {text} is not a time; write 2025-01-31, 2025-01-31T09:00:00Z, 90m, 24h or 7d");
    Ok(now.minus(ago.ok_or_else(wrong)?))
}

/// Opens the store for reading.
pub(crate) async fn open_existing(config: &Config) -> Result<AnyStore> {
    match &config.store {
        StoreName::File(file) => Ok(AnyStore::Sqlite(Arc::new(open_file(file)?))),
        StoreName::DynamoDb(table) => {
            let types = config.alert_types().map_err(WrongUsage::from)?;
            let aws = config.aws().await.map_err(WrongUsage::from)?;
            Ok(AnyStore::DynamoDbReader(Box::new(DynamoDb::new(table.clone(), &types, aws))))
        }
    }
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
    let since = args.since.as_deref().map(|text| since(text, now)).transpose().map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let mut query = InsightQuery {
        entity_id: args.entity.clone(),
        alert_type: args.alert_type.clone(),
        risk_min: args.min_risk,
        since,
        after: None,
        limit: PAGE_MAX,
    };
    let mut left = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut printer = Printer::new(&args)?;
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
    printer.end(more)?;
    let unreadable = store.unreadable();
    if unreadable > 0 {
        note(&format!("{unreadable} stored items were skipped, because they cannot be read as insights"));
    }
    Ok(CommandOutcome::Done)
}

pub(crate) async fn one(args: InsightArgs, config: Config) -> Result<CommandOutcome> {
    let store = open_existing(&config).await?;
    let Some(insight) = store.find(&args.alert_id, SystemClock.now()).await? else {
        note(&format!("there is no insight {}; portend insights lists them", shown(&args.alert_id)));
        return Ok(CommandOutcome::Incomplete);
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        json_line(&mut out, &insight)?;
    } else {
        let types = config.alert_types().map_err(WrongUsage::from)?;
        out.write_all(
            card(
                &insight,
                types.get(insight.prediction_type()),
                CardContext { kind: CardKind::Requested, evidence: true },
            )
            .as_bytes(),
        )?;
    }
    Ok(CommandOutcome::Done)
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

    fn end(self, more: bool) -> Result<()> {
        match self {
            Self::Json => {}
            Self::Csv(mut writer) => writer.flush()?,
            Self::Table(rows) if rows.is_empty() => note("no insight matches"),
            Self::Table(rows) => {
                let headings = ["risk", "severity", "entity", "seen", "made", "alert id"];
                let table = table(&headings, &[0, 3], rows);
                writeln!(anstream::stdout(), "{table}")?;
            }
        }
        if more {
            note("there are more insights; use --limit to list more of them, or --limit 0 for all");
        }
        Ok(())
    }
}

fn table_row(insight: &StoredInsight) -> Vec<String> {
    vec![
        insight.risk_score().to_string(),
        insight.current().map(|fields| shown(&fields.severity)).unwrap_or_default(),
        shown(insight.entity_id()),
        format!("{}×", insight.current().map_or(1, |fields| fields.occurrences)),
        minute(insight.timestamp()),
        shown(insight.alert_id()),
    ]
}

fn csv_row(insight: &StoredInsight) -> [String; 17] {
    let fields = insight.current();
    let text = |of: fn(&InsightFields) -> &str| fields.map(|fields| cell(of(fields))).unwrap_or_default();
    let plain = |of: fn(&InsightFields) -> String| fields.map(of).unwrap_or_default();
    let unsupported = fields
        .and_then(|fields| fields.grounding.as_ref())
        .map(|grounding| grounding.unsupported.as_slice())
        .unwrap_or_default();
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
        plain(|fields| format!("{:?}", fields.grade).to_lowercase()),
        plain(|fields| fields.degraded.to_string()),
        plain(|fields| fields.occurrences.to_string()),
        plain(|fields| fields.alert_timestamp.to_string()),
        plain(|fields| fields.last_seen.to_string()),
        insight.timestamp().to_string(),
        text(|fields| fields.message.as_deref().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_date_a_time_or_a_duration() {
        let now = Timestamp::parse("2025-03-10T12:00:00Z").unwrap();
        for (text, expected) in [
            ("2025-01-31", "2025-01-31T00:00:00.000Z"),
            ("2025-01-31T09:00:00", "2025-01-31T09:00:00.000Z"),
            ("90m", "2025-03-10T10:30:00.000Z"),
            ("7d", "2025-03-03T12:00:00.000Z"),
        ] {
            assert_eq!(since(text, now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "7", "2025-02-30", "-7d"] {
            assert!(since(text, now).is_err(), "{text}");
        }
    }
}
