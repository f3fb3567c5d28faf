//! `portend calibrate`: fits maps from scores to probabilities, and stores those that did well on later outcomes.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use portend_core::calibration::{CalibrationMap, ScoreSource};
use portend_core::clock::Clock;
use portend_core::store::Outcomes;
use portend_eval::calibration::EarnedMap;
use portend_eval::join::Cutoff;
use portend_eval::picture;
use portend_remote::SystemClock;
use serde::Serialize;

use super::insights::open_for_changes;
use super::time::{duration, moment};
use crate::calibration::{UnearnedMap, claims_by_source, earned};
use crate::config::Config;
use crate::evidence;
use crate::show::html::{self, HtmlSection};
use crate::show::output::{CommandOutcome, STRONG, WrongUsage, json_line, note, paint};
use crate::show::text::shown;

/// Fit the map from a score to a probability, for each model of each alert type.
///
/// A map is fitted to what happened, and judged on later outcomes. It is only stored with --apply, and only if it did no
/// worse there than the raw score and the base rate. New insights then say the probability beside the score.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only maps of this alert type.
    #[arg(long = "type", value_name = "ID")]
    alert_type: Option<String>,

    /// Store the maps, so that new insights use them.
    #[arg(long)]
    apply: bool,

    /// Judge as if it were this time: a date, a time or a duration ago.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// How long it takes until an event is reported, such as 7d.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    report_lag: String,

    /// Also write the report with its pictures to this file, as one page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print one JSON object per model of each type.
    #[arg(long)]
    json: bool,
}

/// What became of one map.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum MapReport {
    /// It was earned.
    Earned {
        /// Whether it is stored.
        applied: bool,
        /// Whether it is the map in use.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        unchanged: bool,
        #[serde(flatten)]
        map: CalibrationMap,
    },
    /// It was not.
    None {
        reason: &'static str,
        rows: usize,
        events: usize,
        #[serde(flatten)]
        source: ScoreSource,
    },
}

/// Whether new insights use a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MapStorage {
    NotStored,
    Stored,
    /// It is the one that they use already.
    Unchanged,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let cutoff = Cutoff {
        now: args.as_of.as_deref().map_or(Ok(now), |text| moment("--as-of", text, now))?,
        report_lag: duration("--report-lag", &args.report_lag)?,
    };
    let store = open_for_changes(&config).await?;
    let evidence = evidence::load(&store, &types, args.alert_type.as_deref(), None, now).await?;
    evidence.keep(&store, cutoff, now).await;
    let mut out = anstream::stdout().lock();
    let mut sections = Vec::new();
    let groups = claims_by_source(&evidence);
    if groups.is_empty() {
        note("there are no insights to calibrate; portend explain makes them");
    }
    for (source, claims) in groups {
        let report = match earned(&evidence, &claims, cutoff) {
            Ok(earned) => {
                let in_use = evidence.maps.get(source);
                let mut map = map_of(source, in_use.map_or(0, |map| map.version) + 1, earned);
                let storage = match in_use.filter(|in_use| map.is_same_as(in_use)) {
                    Some(in_use) => {
                        map.version = in_use.version;
                        MapStorage::Unchanged
                    }
                    None if args.apply => {
                        store.put_map(&map, now).await?;
                        MapStorage::Stored
                    }
                    None => MapStorage::NotStored,
                };
                sections.push(section(&map, storage));
                if !args.json {
                    out.write_all(sentences(&map, storage).as_bytes())?;
                }
                let unchanged = storage == MapStorage::Unchanged;
                MapReport::Earned { applied: storage != MapStorage::NotStored, unchanged, map }
            }
            Err(unearned) => {
                let text = format!("{}\n  No map: {}.\n", paint(STRONG, &title(source)), unearned.words());
                sections.push(HtmlSection::of_text(&text));
                if !args.json {
                    writeln!(out, "{text}")?;
                }
                let UnearnedMap { reason, rows, events } = unearned;
                MapReport::None { reason: reason.code(), rows, events, source: source.clone() }
            }
        };
        if args.json {
            json_line(&mut out, &report)?;
        }
    }
    if let Some(file) = &args.html {
        html::write(file, "From scores to probabilities", &sections)?;
    }
    Ok(CommandOutcome::Done)
}

/// The map as a part of a page.
fn section(map: &CalibrationMap, storage: MapStorage) -> HtmlSection {
    let pictures = vec![picture::curve(&|score| map.curve.probability(score))];
    HtmlSection { pictures, ..HtmlSection::of_text(&sentences(map, storage)) }
}

fn map_of(source: &ScoreSource, version: u32, earned: EarnedMap) -> CalibrationMap {
    let EarnedMap { curve, rows, events, scores, from, until, figures } = earned;
    #[expect(clippy::cast_precision_loss, reason = "a count of rows is below 2^53")]
    let base_rate = events as f64 / rows as f64;
    CalibrationMap {
        source: source.clone(),
        version,
        curve,
        rows: rows as u64,
        events: events as u64,
        scores: Some(scores),
        from,
        until,
        base_rate,
        figures,
    }
}

fn title(source: &ScoreSource) -> String {
    format!("{} · {}", shown(&source.alert_type), shown(&source.model_used))
}

fn sentences(map: &CalibrationMap, storage: MapStorage) -> String {
    let [low, high] = map.scores.unwrap_or([0.0, 100.0]);
    let mut points = vec![low, 20.0, 40.0, 60.0, 80.0, high];
    points.retain(|score| (low..=high).contains(score));
    points.dedup();
    let means: Vec<String> = points
        .iter()
        .map(|score| format!("{score} means {:.0} %", 100.0 * map.curve.probability(*score)))
        .collect();
    let figures = &map.figures;
    format!(
        "{}\n  Map v{} from {} events in {} rows, with scores from {low} to {high}. A score of {}.\n  On {} later rows, its log loss is {:.4}; the raw \
         score's is {:.4}, the base rate's {:.4}.\n  {}\n\n",
        paint(STRONG, &title(&map.source)),
        map.version,
        map.events,
        map.rows,
        means.join(", "),
        figures.rows,
        figures.log_loss,
        figures.log_loss_raw,
        figures.log_loss_base_rate,
        match storage {
            MapStorage::NotStored => "It is not stored; --apply stores it.",
            MapStorage::Stored => "It is stored, and new insights use it.",
            MapStorage::Unchanged => "It is unchanged, so nothing is stored; new insights use it already.",
        }
    )
}
