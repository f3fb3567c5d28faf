//! Writes everything that an alert type defines, for people.

use std::fmt::Write as _;

use portend_core::alert_type::{AlertType, Fact, FactKind, FactRange, Mapping, PointsCondition, PointsTable};

use crate::show::output::{FAINT, STRONG, paint};
use crate::show::text::{counted, shown};

/// The lines of a type's sheet, each with a line break.
pub(crate) fn sheet(alert_type: &AlertType) -> String {
    let mut sheet = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: &str| {
        let _ = writeln!(sheet, "{}", text.trim_end());
    };
    line(&format!("{}  {}", paint(STRONG, &shown(alert_type.title())), paint(FAINT, alert_type.id())));
    line(&shown(alert_type.question()));
    line(&format!(
        "About a {}, over {}; predicts {}; alerts with the same facts in one window of {} are repeats.",
        alert_type.entity(),
        alert_type.horizon_words(),
        alert_type.predicts(),
        alert_type.repeat_window_text()
    ));
    line(&handling(alert_type));
    if !alert_type.mappings().is_empty() {
        let sources: Vec<_> = alert_type.mappings().iter().map(Mapping::source).collect();
        line(&format!("Reads the payloads of {}.", sources.join(", ")));
    }
    line("");
    line(&paint(STRONG, "Scale"));
    for (point, meaning) in alert_type.scale() {
        line(&format!("  {point:>3}  {}", shown(meaning)));
    }
    for fact in alert_type.facts() {
        line("");
        line(&format!("{}  {}", paint(STRONG, &shown(fact.label())), paint(FAINT, fact.id())));
        fact_lines(fact, alert_type.points_table(), &mut line);
    }
    for conflict in alert_type.conflicts() {
        line("");
        line(&format!("{}  {}", paint(STRONG, "Conflict"), shown(conflict.when())));
        line(&format!("  {}", shown(conflict.sentence())));
    }
    let table = alert_type.points_table();
    line("");
    line(&format!("{}  {} for every alert", paint(STRONG, "Base"), counted(table.base.into(), "point")));
    for advice in &table.otherwise {
        line(&format!("  otherwise  {}", shown(advice)));
    }
    sheet
}

fn handling(alert_type: &AlertType) -> String {
    let handling = alert_type.handling();
    match handling.stale_after() {
        stale if stale.get().is_zero() => "Its alerts are never stale.".to_owned(),
        stale => format!("An alert older than {} is marked as stale.", stale.text()),
    }
}

fn fact_lines(fact: &Fact, table: &PointsTable, line: &mut impl FnMut(&str)) {
    line(&format!("  {}", shown(fact.meaning())));
    let optional = if fact.is_optional() { "; may be unknown" } else { "" };
    match fact.kind() {
        FactKind::Integer(range) | FactKind::Number(range) => {
            let FactRange { min, max, unit, step, worse, healthy } = range;
            let whole = if matches!(fact.kind(), FactKind::Integer(_)) { "whole, " } else { "" };
            let worse = format!("{worse:?}").to_lowercase();
            let healthy = healthy.map(|healthy| format!("; healthy at {healthy}")).unwrap_or_default();
            line(&format!(
                "  {whole}{min} to {max} {}, in steps of {step}; {worse} is worse{healthy}{optional}",
                shown(unit)
            ));
        }
        FactKind::Boolean { values, .. } | FactKind::Enum { values, .. } => {
            for value in values {
                line(&format!("  {}: {}", shown(&value.id), shown(&value.meaning)));
            }
        }
        FactKind::Text => line(&format!("  a text, which no model sees{optional}")),
    }
    for each in table.points.iter().filter(|each| each.fact == fact.id()) {
        for row in &each.add {
            let when = match &row.when {
                PointsCondition::From(from) => format!("from {from}"),
                PointsCondition::Below(below) => format!("below {below}"),
                PointsCondition::Value(value) => value.to_words(),
            };
            line(&format!("  {:>+4}  {when}", row.points));
            if let Some(advice) = &row.advice {
                line(&format!("        advice: {}", shown(advice)));
            }
        }
        if each.unknown > 0 {
            line(&format!("  {:>+4}  not known", each.unknown));
        }
        if let Some(advice) = &each.advice {
            line(&format!("  advice: {}", shown(advice)));
        }
    }
}
