//! `portend calibrate`: fits maps from scores to probabilities, and stores those that did well on later outcomes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use portend_core::calibration::{CalibrationMap, ScoreSource};
use portend_core::clock::Clock;
use portend_core::store::Outcomes;
use portend_eval::calibration::{EarnedMap, NoMap, TimedRow, earn_map};
use portend_eval::join::{Cutoff, InsightClaim, RowChoice, judged};
use portend_eval::limits::CLASS_ROWS_MIN;
use portend_eval::picture;
use portend_remote::SystemClock;
use serde::Serialize;

use super::insights::open_for_changes;
use super::time::{duration, moment};
use crate::config::Config;
use crate::evidence::{self, OutcomeEvidence, claim_of};
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
        /// Whether it was stored.
        applied: bool,
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
    let groups = groups(&evidence);
    if groups.is_empty() {
        note("there are no insights to calibrate; portend explain makes them");
    }
    for (source, claims) in groups {
        let report = match earned(&evidence, &claims, cutoff) {
            Ok(earned) => {
                let version = evidence.maps.get(source).map_or(0, |map| map.version) + 1;
                let map = map_of(source, version, earned);
                if args.apply {
                    store.put_map(&map, now).await?;
                }
                sections.push(section(&map, args.apply));
                MapReport::Earned { applied: args.apply, map }
            }
            Err((reason, rows, events)) => {
                {
                    let title = paint(STRONG, &title(source));
                    let why = match reason {
                        NoMap::FewEvents => format!(
                            "{} of {CLASS_ROWS_MIN} outcomes of the rarer kind so far",
                            events.min(rows - events)
                        ),
                        NoMap::NoSignal | NoMap::NotJudged | NoMap::NoBetter => {
                            format!("{reason} ({events} events in {rows} rows)")
                        }
                    };
                    let text = format!("{title}\n  No map: {why}.\n");
                    sections.push(HtmlSection::of_text(&text));
                    if !args.json {
                        writeln!(out, "{text}")?;
                    }
                }
                MapReport::None { reason: reason.code(), rows, events, source: source.clone() }
            }
        };
        match &report {
            _ if args.json => json_line(&mut out, &report)?,
            MapReport::Earned { map, .. } => out.write_all(sentences(map, args.apply).as_bytes())?,
            MapReport::None { .. } => {}
        }
    }
    if let Some(file) = &args.html {
        html::write(file, "From scores to probabilities", &sections)?;
    }
    Ok(CommandOutcome::Done)
}

/// The map as a part of a page.
fn section(map: &CalibrationMap, applied: bool) -> HtmlSection {
    let pictures = vec![picture::curve(&|score| map.curve.probability(score))];
    HtmlSection { pictures, ..HtmlSection::of_text(&sentences(map, applied)) }
}

/// The claims of each source of scores.
fn groups(evidence: &OutcomeEvidence) -> BTreeMap<&ScoreSource, Vec<InsightClaim>> {
    let mut groups: BTreeMap<&ScoreSource, Vec<InsightClaim>> = BTreeMap::new();
    for row in &evidence.rows {
        groups.entry(&row.source).or_default().push(claim_of(row));
    }
    groups
}

/// The map, or why there is none, with the rows and the events.
fn earned(
    evidence: &OutcomeEvidence,
    claims: &[InsightClaim],
    cutoff: Cutoff,
) -> Result<EarnedMap, (NoMap, usize, usize)> {
    let states = claims.iter().map(|claim| (claim, evidence.outcomes.state(claim, cutoff)));
    let rows: Vec<TimedRow> = judged(states, RowChoice::FirstOfWindow)
        .into_iter()
        .map(|(claim, event)| TimedRow { t0: claim.t0, score: claim.score, event })
        .collect();
    let horizon = claims.first().map(|claim| claim.horizon).unwrap_or_default();
    let events = rows.iter().filter(|row| row.event).count();
    earn_map(&rows, horizon).map_err(|reason| (reason, rows.len(), events))
}

fn map_of(source: &ScoreSource, version: u32, earned: EarnedMap) -> CalibrationMap {
    let EarnedMap { curve, rows, events, from, until, figures } = earned;
    #[expect(clippy::cast_precision_loss, reason = "a count of rows is below 2^53")]
    let base_rate = events as f64 / rows as f64;
    CalibrationMap {
        source: source.clone(),
        version,
        curve,
        rows: rows as u64,
        events: events as u64,
        from,
        until,
        base_rate,
        figures,
    }
}

fn title(source: &ScoreSource) -> String {
    format!("{} · {}", shown(&source.alert_type), shown(&source.model_used))
}

fn sentences(map: &CalibrationMap, applied: bool) -> String {
    let points = [20.0, 40.0, 60.0, 80.0];
    let means: Vec<String> = points
        .iter()
        .map(|score| format!("{score} means {:.0} %", 100.0 * map.curve.probability(*score)))
        .collect();
    let figures = &map.figures;
    format!(
        "{}\n  Map v{} from {} events in {} rows. A score of {}.\n  On {} later rows, its log loss is {:.4}; the raw \
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
        if applied {
            "It is stored, and new insights use it."
        } else {
            "It is not stored; --apply stores it."
        }
    )
}
