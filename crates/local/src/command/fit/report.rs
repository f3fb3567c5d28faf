//! The report of a fit, as text and as Markdown.

use std::fmt::Write as _;

use portend_core::alert_type::{AlertType, PointsCondition};
use portend_eval::figures::Figures;
use portend_eval::fit::{FitReport, FittedCard, FittedType};
use portend_eval::picture;

use crate::show::html::{HtmlSection, HtmlTable};
use crate::show::output::{STRONG, paint, table};
use crate::show::text::{counted, pairs_of, ranked, shown, thousands};

/// What was fitted and how it was judged, in sentences.
fn sentences(report: &FitReport) -> Vec<String> {
    let split = &report.split;
    let how = match split.by {
        "time" => "later alerts, after a gap of one horizon",
        _ => "other entities, because too few alerts are late enough",
    };
    let mut sentences = vec![
        format!(
            "Fitted to {} about {} entities, {} with the event.",
            counted(report.n as u64, "row"),
            thousands(report.entities as u64),
            thousands(report.events as u64)
        ),
        format!(
            "The figures are of tables that were fitted to {} and judged on {} ({how}), {} of them with the event.",
            counted(split.fitted as u64, "row"),
            counted(split.judged as u64, "row"),
            thousands(split.judged_events as u64)
        ),
    ];
    for same in &report.same {
        let [a, b] = &same.facts;
        sentences
            .push(format!("{a} and {b} carry the same information (rank correlation {:.2}).", same.spearman));
    }
    if let Some(pair) = report.pair.as_ref().filter(|pair| pair.p < 0.01) {
        let [a, b] = &pair.facts;
        sentences.push(format!(
            "A table of points cannot express that {a} and {b} together count more, or less, than their sum (chi-square {:.1}, p {:.2e}).",
            pair.chi_square, pair.p
        ));
    }
    if !report.unused.is_empty() {
        sentences.push(format!("Not in the new table: {}.", report.unused.join(", ")));
    }
    sentences
}

/// One line of figures for each table.
fn figures(report: &FitReport) -> Vec<Vec<String>> {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let interval = |of: &Figures| match (of.auc_low, of.auc_high) {
        (Some(low), Some(high)) => format!("{low:.3} to {high:.3}"),
        _ => "-".to_owned(),
    };
    let line = |name: &str, of: &Figures, probability: Option<&Figures>| {
        let probability = probability.map(|of| (of.brier, of.ece)).unwrap_or_default();
        vec![name.to_owned(), number(of.auc), interval(of), number(probability.0), number(probability.1)]
    };
    let mut lines = vec![
        line("new table", &report.new.raw, report.new.calibrated.as_ref()),
        line("table in use", &report.in_use.raw, report.in_use.calibrated.as_ref()),
    ];
    lines.extend(report.logistic.as_ref().map(|of| line("logistic regression", of, Some(of))));
    lines.extend(report.facts.iter().map(|fact| {
        let dash = || "-".to_owned();
        vec![format!("{} alone", fact.fact), number(fact.auc), dash(), dash(), dash()]
    }));
    lines
}

const HEADINGS: [&str; 5] = ["", "AUC", "interval", "Brier after its map", "ECE after its map"];

/// The points before and after, one line for each fact.
fn points(alert_type: &AlertType, card: &FittedCard) -> Vec<Vec<String>> {
    let row = |(condition, points): (&PointsCondition, u8)| match condition {
        PointsCondition::From(from) => format!("from {from}: {points}"),
        PointsCondition::Below(below) => format!("below {below}: {points}"),
        PointsCondition::Value(value) => format!("{}: {points}", value.to_words()),
    };
    let before = alert_type.points_table();
    let mut lines = vec![vec!["base".to_owned(), before.base.to_string(), card.base.to_string()]];
    for fact in alert_type.facts() {
        let of_before = before.points.iter().find(|each| each.fact == fact.id());
        let of_before = of_before
            .map(|each| each.add.iter().map(|each| row((&each.when, each.points))).collect::<Vec<_>>());
        let of_card = card.facts.iter().find(|each| each.fact == fact.id());
        let of_card = of_card
            .map(|each| each.rows.iter().map(|(when, points)| row((when, *points))).collect::<Vec<_>>());
        if of_before.is_some() || of_card.is_some() {
            let cell =
                |rows: Option<Vec<String>>| rows.map_or_else(|| "-".to_owned(), |rows| rows.join(", "));
            lines.push(vec![fact.id().to_owned(), cell(of_before), cell(of_card)]);
        }
    }
    lines
}

/// What the order of the new table is worth, in one sentence.
fn verdict(alert_type: &AlertType, report: &FitReport) -> String {
    let pairs = pairs_of(alert_type.predicts());
    let ranked = |of: &Figures| Some(ranked(of.auc?, of.auc_low?, of.auc_high?));
    let ranks = (ranked(&report.new.raw), ranked(&report.in_use.raw));
    let (Some(new), Some(in_use)) = ranks else {
        return format!(
            "In short: too few outcomes are left to say how many {pairs} the new table ranks right."
        );
    };
    let is_better = report.new.raw.auc > report.in_use.raw.auc;
    let advice = if is_better { "" } else { " The new table is not better, so keep the one in use." };
    format!("In short: {pairs}, the new table ranks {new}, the table in use {in_use}; chance is 50.{advice}")
}

/// The report for a terminal.
pub(super) fn text(alert_type: &AlertType, fitted: &FittedType) -> String {
    let mut text = format!("{}\n", paint(STRONG, &shown(alert_type.title())));
    for sentence in sentences(&fitted.report) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{sentence}");
    }
    let _ = writeln!(text, "\n{}\n", table(&HEADINGS, &[1, 3, 4], figures(&fitted.report)));
    let _ = writeln!(
        text,
        "{}",
        table(&["fact", "points before", "points after"], &[], points(alert_type, &fitted.card))
    );
    let _ = writeln!(text, "\n{}", verdict(alert_type, &fitted.report));
    text
}

/// The report as parts of a page: the figures, the points before and after, and the reliability of the new table.
pub(super) fn sections(alert_type: &AlertType, fitted: &FittedType) -> Vec<HtmlSection> {
    let bins = fitted.report.new.calibrated.as_ref().map(|figures| picture::reliability(&figures.bins));
    let table = |headings: Vec<&'static str>, rows| HtmlTable { headings, rows };
    let worth = HtmlSection {
        title: "What the tables are worth".to_owned(),
        pictures: bins.into_iter().collect(),
        tables: vec![table(HEADINGS.to_vec(), figures(&fitted.report))],
        text: sentences(&fitted.report).join("\n") + "\n" + &verdict(alert_type, &fitted.report),
    };
    let headings = vec!["fact", "points before", "points after"];
    let points = HtmlSection {
        title: "Points".to_owned(),
        tables: vec![table(headings, points(alert_type, &fitted.card))],
        ..HtmlSection::default()
    };
    vec![worth, points]
}

/// The report as a file.
pub(super) fn markdown(alert_type: &AlertType, fitted: &FittedType) -> String {
    let mut text = format!("# New points for {}\n\n", alert_type.id());
    for sentence in sentences(&fitted.report) {
        let _ = writeln!(text, "{sentence}");
    }
    let _ = writeln!(text, "\n{}", verdict(alert_type, &fitted.report));
    let _ = write!(text, "\n## What the tables are worth\n\n{}", rows(&HEADINGS, figures(&fitted.report)));
    let headings = ["fact", "points before", "points after"];
    let _ = write!(text, "\n## Points\n\n{}", rows(&headings, points(alert_type, &fitted.card)));
    text.push_str(
        "\nThe AUC is the share of pairs in which the one with the event scored higher; .5 is chance. Brier and ECE \
         are errors, so lower is better. The score of a table is not a probability; its map makes one of it.\n",
    );
    text
}

fn rows(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", headings.join(" | "), "---|".repeat(headings.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}
