//! The folder of a fitted alert type: the same facts and texts with new points, the map, and the report.
//!
//! Never: overwrites a folder that a fit did not write.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use portend_core::alert_type::{AlertType, AlertTypes, FactValue, PointsCondition};
use portend_core::calibration::{CalibrationMap, ScoreSource};
use portend_eval::fit::{FitRow, FittedCard, FittedType};

use super::report;
use crate::config::Config;

/// Where the folder is written.
pub(super) struct Target {
    /// The folder of the alert type.
    folder: PathBuf,
    /// The folder of the report.
    reports: PathBuf,
}

impl Target {
    /// Checks that nothing else would be overwritten.
    pub(super) fn new(out: &Path, id: &str, config: &Config) -> Result<Self> {
        let is_named = out.file_name().is_some_and(|name| name == id);
        let folder = if is_named { out.to_owned() } else { out.join(id) };
        let same = |a: &Path, b: &Path| {
            a.canonicalize().ok().zip(b.canonicalize().ok()).is_some_and(|(a, b)| a == b)
        };
        let in_use = config.alert_types_folder().map(|types| types.join(id));
        ensure!(
            !in_use.is_some_and(|in_use| same(&in_use, &folder)),
            "{} is the alert type in use; name another folder with --out",
            folder.display()
        );
        ensure!(
            !folder.join("alert.toml").exists() || out.join("report.json").exists(),
            "{} exists and was not written by portend fit; name another folder with --out",
            folder.display()
        );
        Ok(Self { folder, reports: out.to_owned() })
    }

    /// Writes everything, and returns the folder of the type.
    pub(super) fn write(
        &self,
        alert_type: &AlertType,
        fitted: &FittedType,
        rows: &[FitRow],
        types_folder: Option<&Path>,
    ) -> Result<&Path> {
        let id = alert_type.id();
        let text = match types_folder {
            None => AlertTypes::built_in_text(id).unwrap_or_default().to_owned(),
            Some(folder) => {
                let file = folder.join(id).join("alert.toml");
                fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?
            }
        };
        let text = with_points(&text, alert_type, &fitted.card);
        let written = AlertType::read("alert.toml", id, &text).map_err(|findings| {
            let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
            anyhow!(
                "the scorecard of {id} cannot be replaced ({}); write it as a table [scorecard] at the end of its file",
                findings.join("; ")
            )
        })?;
        fs::create_dir_all(&self.folder).with_context(|| not_written(&self.folder))?;
        put(&self.folder.join("alert.toml"), &text)?;
        let map_file = self.folder.join("calibration.json");
        match map(&written, fitted, rows) {
            Some(map) => put(&map_file, &(serde_json::to_string_pretty(&map)? + "\n"))?,
            None if map_file.exists() => {
                fs::remove_file(&map_file).with_context(|| not_written(&map_file))?;
            }
            None => {}
        }
        put(&self.reports.join("report.json"), &(serde_json::to_string_pretty(&fitted.report)? + "\n"))?;
        put(&self.reports.join("report.md"), &report::markdown(alert_type, fitted))?;
        Ok(&self.folder)
    }
}

fn put(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| not_written(file))
}

fn not_written(path: &Path) -> String {
    format!("cannot write {}; name a folder that you may write to with --out", path.display())
}

/// The map of the new points, as the folder holds it.
fn map(written: &AlertType, fitted: &FittedType, rows: &[FitRow]) -> Option<CalibrationMap> {
    let (curve, figures) = fitted.curve.clone()?;
    let events = rows.iter().filter(|row| row.event).count() as u64;
    let rate = |events: u64, rows: u64| {
        #[expect(clippy::cast_precision_loss, reason = "a count of rows is below 2^53")]
        let rate = events as f64 / rows as f64;
        rate
    };
    Some(CalibrationMap {
        source: ScoreSource {
            alert_type: written.id().to_owned(),
            model_used: "scorecard".to_owned(),
            model_id: None,
            prompt: Some(written.points_version()),
        },
        version: 1,
        curve,
        rows: rows.len() as u64,
        events,
        scores: None,
        from: rows.iter().map(|row| row.t0).min()?,
        until: rows.iter().map(|row| row.t0).max()?,
        base_rate: rate(events, rows.len() as u64),
        figures,
    })
}

/// The text of an alert type with the points of a card in place of its own. All other lines stay.
fn with_points(text: &str, alert_type: &AlertType, card: &FittedCard) -> String {
    let mut kept = String::new();
    let mut in_scorecard = false;
    for line in text.lines() {
        let heading = line.trim_start().trim_start_matches('[').trim_start();
        if line.trim_start().starts_with('[') {
            in_scorecard = heading.starts_with("scorecard]") || heading.starts_with("scorecard.points]");
        }
        if !in_scorecard {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    format!("{}\n\n{}", kept.trim_end(), scorecard(alert_type, card))
}

/// A card as the last part of an `alert.toml`.
fn scorecard(alert_type: &AlertType, card: &FittedCard) -> String {
    let mut text = format!("[scorecard]\nbase = {}\n", card.base);
    let table = alert_type.points_table();
    let again = format!("Look at this {} again in a week.", alert_type.entity());
    let ask = format!("Ask who knows this {} best what has changed.", alert_type.entity());
    let otherwise = if table.otherwise.is_empty() { vec![again, ask] } else { table.otherwise.clone() };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "otherwise = [");
    for line in otherwise {
        let _ = writeln!(text, "  {},", quoted(&line));
    }
    let _ = writeln!(text, "]");
    for fact in &card.facts {
        let known =
            table.points.iter().find(|each| each.fact == fact.fact).and_then(|each| each.advice.clone());
        let label = alert_type.fact(&fact.fact).map(|each| each.label().to_owned()).unwrap_or_default();
        let advice = known.unwrap_or_else(|| format!("Find out what is behind this: {label}."));
        let rows: Vec<String> = fact
            .rows
            .iter()
            .map(|(condition, points)| {
                let condition = match condition {
                    PointsCondition::From(from) => format!("from = {from}"),
                    PointsCondition::Below(below) => format!("below = {below}"),
                    PointsCondition::Value(value) => format!("value = {}", value_text(value)),
                };
                format!("{{ {condition}, points = {points} }}")
            })
            .collect();
        let _ = write!(
            text,
            "\n[[scorecard.points]]\nfact   = {}\nadd    = [{}]\nadvice = {}\n",
            quoted(&fact.fact),
            rows.join(", "),
            quoted(&advice)
        );
    }
    text
}

fn value_text(value: &FactValue) -> String {
    match value {
        FactValue::Flag(flag) => flag.to_string(),
        FactValue::Number(number) => number.to_string(),
        FactValue::Word(word) => quoted(word),
    }
}

/// A TOML string. JSON's escapes are TOML's, except for the solidus, which is not escaped here.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
