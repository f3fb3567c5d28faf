//! The report of a group as text, for somebody who has never heard of a Brier score.

use std::fmt::Write as _;

use portend_eval::figures::{Figures, PairedFigures};
use portend_eval::report::{ActFigures, GroupReport};

use super::NamedReport;
use crate::show::output::{FAINT, STRONG, paint, table};
use crate::show::text::{counted, pairs_of, ranked, shown, thousands};

/// The columns of a bar.
const BAR: usize = 20;

/// The report, in sentences and one table.
pub(super) fn report(named: &NamedReport) -> String {
    let NamedReport { name, report } = named;
    let mut text = String::new();
    let parts = [&name.alert_type, &name.model_used, &name.month];
    let title: Vec<String> = parts.into_iter().flatten().map(|part| shown(part)).collect();
    let title = if title.is_empty() { "The rows of the file".to_owned() } else { title.join(" · ") };
    line(&mut text, &paint(STRONG, &title));
    let version = if name.model_id.is_some() { "prompt" } else { "points" };
    let versions = [("model id", &name.model_id), (version, &name.prompt)];
    for (what, value) in versions.iter().filter_map(|(what, value)| Some((what, value.as_deref()?))) {
        line(&mut text, &paint(FAINT, &format!("{what} {}", shown(value))));
    }
    evidence(&mut text, report, name.alert_type.is_some());
    if report.figures.n > 0 {
        figures(&mut text, &report.figures);
        reliability(&mut text, &report.figures);
        distribution(&mut text, report);
        by_month(&mut text, report);
        side_by_side(&mut text, report);
        if let Some(paired) = &report.paired {
            comparison(&mut text, paired);
        }
        if let Some(acts) = &report.acts {
            acted(&mut text, acts);
        }
        text.push('\n');
        line(&mut text, &verdict(&report.figures, name.predicts.as_deref().unwrap_or("the event")));
    }
    text.push('\n');
    text
}

/// How many insights can be judged, and why the others cannot.
fn evidence(text: &mut String, report: &GroupReport, is_stored: bool) {
    let states = &report.states;
    if is_stored {
        line(
            text,
            &format!(
                "{} insights: {} with the event, {} without, {} too early to judge, {} after the event, {} that \
             nobody followed long enough.",
                thousands(states.total() as u64),
                states.yes,
                states.no,
                states.pending,
                states.gone,
                states.unknown
            ),
        );
    }
    let of = &report.figures;
    if of.n == 0 {
        return line(
            text,
            if is_stored {
                "None can be judged yet; import outcomes, or wait until the horizon is over."
            } else {
                "There are no rows."
            },
        );
    }
    line(
        text,
        &format!(
            "Judged: {} about {}, {} with the event ({}).",
            counted(of.n as u64, "row"),
            counted_entities(of.entities),
            of.events,
            share(of.base_rate, of.base_rate_low, of.base_rate_high)
        ),
    );
}

/// What the order of the scores is worth, in one sentence.
fn verdict(of: &Figures, event: &str) -> String {
    let pairs = pairs_of(&shown(event));
    match (of.auc, of.auc_low, of.auc_high) {
        (Some(auc), Some(low), Some(high)) => {
            let meaning = match (low > 0.5, high < 0.5) {
                (true, _) => "chance is 50",
                (_, true) => "chance is 50, so a higher score goes with a lower rate",
                _ => "chance is 50, and these rows show no difference from it",
            };
            format!("In short: {pairs}, the score ranks {}; {meaning}.", ranked(auc, low, high))
        }
        _ => format!("In short: how many {pairs} the score ranks right is {}.", why(of, "auc")),
    }
}

fn counted_entities(entities: usize) -> String {
    format!("{} {}", thousands(entities as u64), if entities == 1 { "entity" } else { "entities" })
}

/// A share with its interval: `13.6 %, 12.0 to 15.4`.
fn share(rate: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (rate, low, high) {
        (Some(rate), Some(low), Some(high)) => {
            format!("{:.1} %, {:.1} to {:.1}", 100.0 * rate, 100.0 * low, 100.0 * high)
        }
        _ => "not known".to_owned(),
    }
}

/// Why a figure is missing, in words.
fn why(figures: &Figures, name: &str) -> &'static str {
    match figures.reasons.get(name).copied() {
        Some("few_events") => "not known: fewer than 10 rows with the event, or without it",
        Some("one_class") => "not known: all rows have the event, or none has",
        Some("few_rows") => "not known: fewer than 100 rows",
        Some("one_entity") => "not known: the rows are about one entity",
        Some("constant") => "not known: all scores are the same",
        Some("separated") => "not known: one threshold divides the rows without an error",
        _ => "not known",
    }
}

fn figures(text: &mut String, of: &Figures) {
    let order = match (of.auc, of.auc_low, of.auc_high) {
        (Some(auc), Some(low), Some(high)) => format!(
            "in {:.0} of 100 pairs, the one with the event scored higher (AUC {auc:.3}, {low:.3} to {high:.3}; 50 \
             of 100 is chance)",
            100.0 * auc
        ),
        (Some(auc), _, _) => format!("AUC {auc:.3}"),
        (None, _, _) => why(of, "auc").to_owned(),
    };
    line(text, &format!("  Order        {order}."));
    let error = match (of.brier, of.brier_skill) {
        (Some(brier), Some(skill)) if skill >= 0.0 => {
            format!("{:.1} % less than if every score were the base rate (Brier {brier:.4})", 100.0 * skill)
        }
        (Some(brier), Some(skill)) => {
            format!(
                "{:.1} % more than if every score were the base rate (Brier {brier:.4}): a score is not a \
                 probability, and portend calibrate makes a map to one",
                -100.0 * skill
            )
        }
        (Some(brier), None) => format!("Brier {brier:.4}"),
        (None, _) => why(of, "brier").to_owned(),
    };
    line(text, &format!("  Error        {error}."));
    let calibration = match (of.ece, of.ece_floor) {
        (Some(ece), Some(floor)) => format!(
            "read as a percentage, a score is off by {:.1} points on average (chance alone: {:.1})",
            100.0 * ece,
            100.0 * floor
        ),
        _ => why(of, "ece").to_owned(),
    };
    line(text, &format!("  Calibration  {calibration}."));
    let line_text = of.recalibration.map_or_else(
        || why(of, "recalibration").to_owned(),
        |line| format!("slope {:.2} (1 is right), intercept {:.2} (0 is right)", line.slope, line.intercept),
    );
    line(text, &format!("  Fit          {line_text}."));
}

/// The reliability table with bars: the mean score of each bin, and how many of its rows had the event.
fn reliability(text: &mut String, of: &Figures) {
    let rows = of.bins.iter().map(|bin| {
        vec![
            format!("{:.0}", 100.0 * bin.mean),
            thousands(bin.n as u64),
            format!("{:.1} %", 100.0 * bin.rate),
            format!("{:.0} to {:.0} %", 100.0 * bin.low, 100.0 * bin.high),
            bar(bin.rate),
        ]
    });
    text.push('\n');
    line(text, &table(&["score", "rows", "had the event", "interval", ""], &[0, 1, 2, 3], rows));
}

/// The scores of rows with the event beside those without.
fn distribution(text: &mut String, report: &GroupReport) {
    let tens = report.tens.iter().filter(|ten| ten.events + ten.others > 0);
    let most = report.tens.iter().map(|ten| ten.events.max(ten.others)).max().unwrap_or(1).max(1);
    let share = |count: usize| {
        #[expect(clippy::cast_precision_loss, reason = "a count of rows is below 2^53")]
        let share = count as f64 / most as f64;
        share
    };
    let rows = tens.map(|ten| {
        let bars = |count: usize| bar(share(count)).replace('░', " ");
        vec![
            format!("{} to {}", ten.from, ten.from + 10),
            thousands(ten.events as u64),
            bars(ten.events),
            thousands(ten.others as u64),
            bars(ten.others),
        ]
    });
    text.push('\n');
    line(text, &table(&["score", "with the event", "", "without", ""], &[1, 3], rows));
}

/// The rate of each month, if there are several.
fn by_month(text: &mut String, report: &GroupReport) {
    if report.months.len() < 2 {
        return;
    }
    let rows = report.months.iter().map(|month| {
        vec![
            month.month.clone(),
            thousands(month.n as u64),
            format!("{:.1} %", 100.0 * month.rate),
            format!("{:.0} to {:.0} %", 100.0 * month.low, 100.0 * month.high),
            bar(month.rate),
        ]
    });
    text.push('\n');
    line(text, &table(&["month", "rows", "had the event", "interval", ""], &[1, 2, 3], rows));
}

fn bar(rate: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is from 0 to 1")]
    let filled = ((rate * 20.0).round() as usize).min(BAR);
    format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled))
}

/// The main figures raw, after the map, and of the scorecard.
fn side_by_side(text: &mut String, report: &GroupReport) {
    let columns = [
        ("score", Some(&report.figures)),
        ("after the map", report.calibrated.as_ref()),
        ("scorecard", report.baseline.as_ref()),
    ];
    if report.calibrated.is_none() && report.baseline.is_none() {
        return;
    }
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let rows = columns.iter().filter_map(|(name, figures)| {
        let figures = (*figures)?;
        let values = [figures.auc, figures.brier, figures.brier_skill, figures.log_loss, figures.ece];
        Some(std::iter::once((*name).to_owned()).chain(values.map(number)).collect())
    });
    text.push('\n');
    line(text, &table(&["", "auc", "brier", "skill", "log loss", "ece"], &[1, 2, 3, 4, 5], rows));
}

fn comparison(text: &mut String, paired: &PairedFigures) {
    let verdict = match (paired.auc_difference, paired.p) {
        (Some(difference), Some(p)) if p < 0.05 => {
            let which = if difference > 0.0 { "the score" } else { "the scorecard" };
            format!("{which} orders better, by {:.3} of AUC (p {p:.4})", difference.abs())
        }
        (Some(difference), Some(p)) => {
            format!("no difference in order can be shown (AUC {difference:+.3}, p {p:.2})")
        }
        _ => "too few rows to compare the order".to_owned(),
    };
    let shift = paired.mean_shift.unwrap_or_default();
    line(
        text,
        &format!("  Against the scorecard  {verdict}; the scores are {shift:+.1} points apart on average."),
    );
}

fn acted(text: &mut String, acts: &ActFigures) {
    for (name, of) in [("Nobody acted", &acts.not_acted), ("Somebody acted", &acts.acted)] {
        let rate = share(of.base_rate, of.base_rate_low, of.base_rate_high);
        line(
            text,
            &format!("  {name:<15} {}, {} with the event ({rate}).", counted(of.n as u64, "row"), of.events),
        );
    }
    line(text, "  People act on those about whom they worry, so the difference is not the effect of acting.");
}

fn line(text: &mut String, sentence: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", sentence.trim_end());
}
