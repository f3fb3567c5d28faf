//! An insight as a card, for people.
//!
//! Takes: a stored insight, and its alert type if that is known.
//! Gives: some lines of text: the score with a bar, why, what to do, and where it comes from.
//! Never: shows a character of others' text that a terminal would act on.

use std::fmt::Write as _;

use anstyle::Style;
use portend_core::alert_type::AlertType;
use portend_core::insight::StoredInsight;
use portend_core::time::Timestamp;

use crate::output::{FAINT, GREEN, RED, STRONG, YELLOW, paint, width};
use crate::text::shown;

/// Characters of the bar.
const BAR_CHARS: u8 = 20;
const INDENT: &str = "     ";

/// What a card adds to its insight.
pub(crate) enum Heading<'a> {
    /// A new insight.
    Stored,
    /// An insight that was there.
    Repeated,
    /// An insight that was asked for, whole.
    Asked(&'a str),
}

/// The card's lines, each with its end.
pub(crate) fn card(insight: &StoredInsight, alert_type: Option<&AlertType>, heading: &Heading<'_>) -> String {
    let mut card = String::new();
    head(&mut card, insight, alert_type);
    let explanation = shown(&insight.explanation);
    let options = textwrap::Options::new(width()).initial_indent(INDENT).subsequent_indent(INDENT);
    line(&mut card, &textwrap::fill(&explanation, options));
    card.push('\n');
    drivers(&mut card, insight);
    for (index, recommendation) in insight.recommendations.iter().enumerate() {
        let label = if index == 0 { "Do  " } else { "    " };
        let first = format!("{INDENT}{}  • ", paint(STRONG, label));
        wrapped(&mut card, &first, &format!("{INDENT}        "), &shown(recommendation));
    }
    foot(&mut card, insight, heading);
    card
}

fn head(card: &mut String, insight: &StoredInsight, alert_type: Option<&AlertType>) {
    let score = insight.risk_score.get();
    let colour = colour_of(score);
    let step = 100.0 / f64::from(BAR_CHARS);
    let bar: String =
        (0..BAR_CHARS).map(|at| if (f64::from(at) + 0.5) * step <= score { '█' } else { '░' }).collect();
    let title = alert_type.map_or_else(|| shown(&insight.prediction_type), |each| each.title().to_owned());
    let severity = insight.severity.as_deref().unwrap_or("no severity");
    let number = format!("{:>4}", insight.risk_score.to_string());
    line(
        card,
        &format!(
            "{} {}  {} · {} · {}",
            paint(colour.bold(), &number),
            paint(colour, &bar),
            paint(STRONG, &title),
            shown(&insight.entity_id),
            shown(severity)
        ),
    );
    if let (Some(predicts), Some(days)) = (&insight.predicts, insight.horizon_days) {
        let meaning =
            alert_type.map(|each| format!(": {}", each.meaning_of(insight.risk_score))).unwrap_or_default();
        line(
            card,
            &paint(
                FAINT,
                &format!("{INDENT}{} within {days} days{meaning}", shown(predicts).replace('_', " ")),
            ),
        );
    }
    card.push('\n');
}

fn drivers(card: &mut String, insight: &StoredInsight) {
    let drivers = insight.drivers.as_deref().unwrap_or_default();
    let points = insight.baseline.as_ref().map(|baseline| &baseline.points);
    for (index, driver) in drivers.iter().enumerate() {
        let label = if index == 0 { "Why " } else { "    " };
        let added = points.and_then(|points| points.get(&driver.fact)).map(|points| format!("+{points}"));
        let first = format!("{INDENT}{} {:>4}  ", paint(STRONG, label), added.unwrap_or_else(|| "·".into()));
        wrapped(card, &first, &format!("{INDENT}           "), &shown(&driver.because));
    }
    if let Some(baseline) = &insight.baseline {
        let label = if drivers.is_empty() { "Why " } else { "    " };
        line(
            card,
            &format!(
                "{INDENT}{} {:>4}  where every alert of this type begins.",
                paint(STRONG, label),
                baseline.base
            ),
        );
    }
}

fn foot(card: &mut String, insight: &StoredInsight, heading: &Heading<'_>) {
    let occurrences = insight.occurrences.unwrap_or(1);
    let seen = match occurrences {
        1 => "seen once".to_owned(),
        count => format!(
            "seen {count} times, last {}",
            insight.last_seen.map(|at| at.to_string()).unwrap_or_default()
        ),
    };
    let state = match heading {
        Heading::Stored => "new".to_owned(),
        Heading::Repeated => format!("a repeat, {seen}"),
        Heading::Asked(_) => seen,
    };
    let foot = format!("{INDENT}{} · {state} · {}", shown(&insight.model_used), shown(&insight.alert_id));
    line(card, &paint(FAINT, &foot));
    if let Heading::Asked(alert_type_id) = heading {
        evidence(card, insight, alert_type_id);
    }
}

/// What the insight was made from, and when.
fn evidence(card: &mut String, insight: &StoredInsight, alert_type_id: &str) {
    card.push('\n');
    let mut pair = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            wrapped(
                card,
                &format!("{INDENT}{} ", paint(FAINT, &format!("{name:<12}"))),
                &format!("{INDENT}             "),
                &value,
            );
        }
    };
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let facts = insight.facts.as_ref().map(|facts| {
        let pairs = facts.iter().map(|(id, value)| format!("{} = {}", shown(id), shown(&value.to_words())));
        pairs.collect::<Vec<_>>().join(", ")
    });
    pair("alert type", Some(shown(alert_type_id)));
    pair("facts", facts);
    pair("message", insight.message.as_deref().map(shown));
    pair("alert", time(insight.alert_timestamp));
    pair("made", Some(insight.timestamp.to_string()));
    pair("kept until", insight.expires_at.map(Timestamp::to_seconds_string));
    pair("run", insight.run.as_deref().map(shown));
}

fn colour_of(score: f64) -> Style {
    match score {
        score if score >= 67.0 => RED,
        score if score >= 34.0 => YELLOW,
        _ => GREEN,
    }
}

fn line(card: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(card, "{}", text.trim_end());
}

/// Wraps `text` behind `first`, whose styles take no room.
fn wrapped(card: &mut String, first: &str, rest: &str, text: &str) {
    let room = width().saturating_sub(rest.chars().count()).max(20);
    for (index, part) in textwrap::wrap(text, room).iter().enumerate() {
        let lead = if index == 0 { first } else { rest };
        line(card, &format!("{lead}{part}"));
    }
}
