//! An insight as a card, for people.
//!
//! Takes: a stored insight, and its alert type if that is known.
//! Gives: some lines of text: the score with a bar, why, what to do, and where it comes from.
//! Never: shows a character of others' text that a terminal would act on.

use std::fmt::Write as _;

use anstyle::Style;
use portend_core::alert_type::AlertType;
use portend_core::driver::Effect;
use portend_core::grounding::unsupported_spans;
use portend_core::insight::{Attempt, Grade, StoredInsight};
use portend_core::scorecard::Baseline;
use portend_core::time::Timestamp;

use crate::show::output::{FAINT, GREEN, RED, STRONG, YELLOW, paint, width};
use crate::show::text::{shown, thousands};

/// Characters of the bar.
const BAR_CHARS: u8 = 20;
const INDENT: &str = "     ";

/// Why an insight is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// It has just been stored.
    New,
    /// An alert says again what it says.
    Repeat,
    /// Somebody asked for it.
    Asked,
}

/// What a card adds to its insight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heading {
    /// Why it is shown.
    pub(crate) what: What,
    /// Whether to show what it was made from.
    pub(crate) evidence: bool,
}

/// The card's lines, each with its end.
pub(crate) fn card(insight: &StoredInsight, alert_type: Option<&AlertType>, heading: Heading) -> String {
    let mut card = String::new();
    head(&mut card, insight, alert_type);
    let explanation = marked(&insight.explanation, insight);
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
    let title = alert_type.map_or_else(|| shown(&insight.prediction_type), |each| shown(each.title()));
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
        let meaning = alert_type
            .map(|each| format!(": {}", shown(each.meaning_of(insight.risk_score))))
            .unwrap_or_default();
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
    let is_model = insight.grade == Some(Grade::Model);
    let baseline = insight.baseline.as_ref();
    let mut label = "Why ";
    for driver in insight.drivers.iter().flatten() {
        let points = baseline.and_then(|baseline| baseline.points.get(&driver.fact)).filter(|_| !is_model);
        let mark = match (points, driver.effect) {
            (Some(points), _) => format!("+{points}"),
            (None, Effect::Raises) => "▲".to_owned(),
            (None, Effect::Lowers) => "▼".to_owned(),
        };
        let first = format!("{INDENT}{} {mark:>4}  ", paint(STRONG, label));
        wrapped(card, &first, &format!("{INDENT}           "), &marked(&driver.because, insight));
        label = "    ";
    }
    if let Some(Baseline { risk_score, base, points }) = baseline {
        let says = if is_model {
            let sum: Vec<_> = std::iter::once(base).chain(points.values()).map(ToString::to_string).collect();
            format!("{risk_score:>4}  the scorecard's own score: {}.", sum.join(" + "))
        } else {
            format!("{base:>4}  where every alert of this type begins.")
        };
        line(card, &format!("{INDENT}{} {says}", paint(STRONG, label)));
    }
}

fn foot(card: &mut String, insight: &StoredInsight, heading: Heading) {
    let occurrences = insight.occurrences.unwrap_or(1);
    let seen = match occurrences {
        1 => "seen once".to_owned(),
        count => format!(
            "seen {count} times, last {}",
            insight.last_seen.map(|at| at.to_string()).unwrap_or_default()
        ),
    };
    let state = match heading.what {
        What::New => "new".to_owned(),
        What::Repeat if occurrences == 1 => "a repeat: the same alert again".to_owned(),
        What::Repeat => format!("a repeat, {seen}"),
        What::Asked => seen,
    };
    let degraded = if insight.is_degraded() { " · degraded: a model failed" } else { "" };
    let foot =
        format!("{INDENT}{} · {state} · {}{degraded}", shown(&insight.model_used), shown(&insight.alert_id));
    line(card, &paint(FAINT, &foot));
    let unsupported =
        insight.grounding.as_ref().map(|grounding| grounding.unsupported.len()).unwrap_or_default();
    if unsupported > 0 {
        line(card, &paint(YELLOW, &format!("{INDENT}{UNSUPPORTED} marks what no fact supports.")));
    }
    if heading.evidence {
        evidence(card, insight);
    }
}

/// What stands behind a number that nothing supports.
const UNSUPPORTED: &str = "[?]";

/// A model's text, safe to show, with each number marked that nothing supports.
fn marked(text: &str, insight: &StoredInsight) -> String {
    let unsupported =
        insight.grounding.as_ref().map(|grounding| grounding.unsupported.as_slice()).unwrap_or_default();
    let mut marked = String::new();
    let mut end = 0;
    for span in unsupported_spans(text, unsupported) {
        marked.push_str(&shown(text.get(end..span.end).unwrap_or_default()));
        marked.push_str(UNSUPPORTED);
        end = span.end;
    }
    marked + &shown(text.get(end..).unwrap_or_default())
}

/// What the insight was made from, and when.
fn evidence(card: &mut String, insight: &StoredInsight) {
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
    pair("alert type", Some(shown(&insight.prediction_type)));
    pair("facts", facts);
    pair("message", insight.message.as_deref().map(shown));
    pair("alert", time(insight.alert_timestamp));
    pair("made", Some(insight.timestamp.to_string()));
    pair("kept until", insight.expires_at.map(Timestamp::to_seconds_string));
    pair("run", insight.run.as_deref().map(shown));
    pair("model id", insight.model_id.as_deref().map(shown));
    for attempt in insight.attempts.iter().flatten() {
        pair("attempt", Some(attempt_line(attempt)));
        pair("", attempt.violations.as_deref().map(shown));
        pair("refused", attempt.reply.as_deref().map(shown));
    }
    let grounding = insight.grounding.as_ref().map(|grounding| {
        let quoted: Vec<_> =
            grounding.unsupported.iter().map(|claim| format!("\"{}\"", shown(claim))).collect();
        let unsupported = if quoted.is_empty() {
            "all supported".to_owned()
        } else {
            format!("not supported: {}", quoted.join(", "))
        };
        format!("{} numbers, {unsupported}", grounding.numbers)
    });
    pair("grounding", grounding);
    let repairs = insight
        .repairs
        .as_ref()
        .map(|repairs| repairs.iter().map(|repair| repair.code()).collect::<Vec<_>>().join(", "));
    pair("repairs", repairs.filter(|repairs| !repairs.is_empty()));
    pair(
        "prompt",
        insight
            .prompt
            .as_ref()
            .map(|prompt| format!("version {}, sha256 {}", prompt.version, shown(&prompt.sha256))),
    );
    pair("reply", insight.reply.as_deref().map(shown));
}

/// A model call in a line: who, what came of it, how long, how much.
fn attempt_line(attempt: &Attempt) -> String {
    let mut parts = vec![
        format!("{} ({})", shown(&attempt.model), shown(&attempt.model_id)),
        shown(&attempt.outcome),
        format!("{} ms", thousands(attempt.ms)),
    ];
    if let (Some(input), Some(output)) = (attempt.input_tokens, attempt.output_tokens) {
        parts.push(format!("{} + {} tokens", thousands(input), thousands(output)));
    }
    parts.extend(attempt.cost_usd.map(|cost| format!("${cost}")));
    parts.join(" · ")
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
