//! Formats an insight as a card: the score with a bar, the drivers, the recommendations and the provenance.
//!
//! Never: prints a character that a terminal would act on.

use std::fmt::Write as _;

use anstyle::Style;
use portend_core::alert_type::AlertType;
use portend_core::driver::Effect;
use portend_core::grounding::{GroundingReport, Language, UnsupportedClaim, unsupported_spans};
use portend_core::insight::{AttemptRecord, Disagreement, InsightFields, PromptRef, StoredInsight};
use portend_core::scorecard::Baseline;
use portend_core::time::Timestamp;

use super::output::{FAINT, GREEN, RED, STRONG, YELLOW, paint, width};
use super::text::{counted, shown, thousands};

/// The width of the bar, in characters.
const BAR_CHARS: u8 = 20;
const INDENT: &str = "     ";

/// Why an insight is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CardKind {
    /// The insight has just been stored.
    New,
    /// An alert has just repeated the insight.
    Repeat,
    /// The alert was judged, and nothing was stored.
    Tried,
    /// The user requested the insight.
    Requested,
    /// The alert was judged again, and the insight is not stored.
    Again,
}

/// The context of a card.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CardContext<'a> {
    /// Why the insight is shown.
    pub(crate) kind: CardKind,
    /// Whether to show the provenance.
    pub(crate) evidence: bool,
    /// Why there is no probability, if that is known.
    pub(crate) missing_probability: Option<&'a str>,
}

/// The lines of a card, each with a line break.
pub(crate) fn card(
    insight: &StoredInsight,
    alert_type: Option<&AlertType>,
    context: CardContext<'_>,
) -> String {
    let mut card = String::new();
    head(&mut card, insight, alert_type, context.missing_probability);
    warnings(&mut card, insight, alert_type);
    let explanation = marked(insight.explanation(), insight);
    let options = textwrap::Options::new(width()).initial_indent(INDENT).subsequent_indent(INDENT);
    line(&mut card, &textwrap::fill(&explanation, options));
    card.push('\n');
    drivers(&mut card, insight);
    for (index, recommendation) in insight.recommendations().iter().enumerate() {
        let label = if index == 0 { "Do  " } else { "    " };
        let first = format!("{INDENT}{}  • ", paint(STRONG, label));
        wrapped(&mut card, &first, &format!("{INDENT}        "), &shown(recommendation));
    }
    foot(&mut card, insight, context);
    card
}

fn head(card: &mut String, insight: &StoredInsight, alert_type: Option<&AlertType>, missing: Option<&str>) {
    let score = insight.risk_score().get();
    let colour = colour_of(score);
    let step = 100.0 / f64::from(BAR_CHARS);
    let bar: String =
        (0..BAR_CHARS).map(|at| if (f64::from(at) + 0.5) * step <= score { '█' } else { '░' }).collect();
    let title = alert_type.map_or_else(|| shown(insight.prediction_type()), |each| shown(each.title()));
    let severity = insight.current().map_or("no severity", |fields| &fields.severity);
    let number = format!("{:>4}", insight.risk_score().to_string());
    line(
        card,
        &format!(
            "{} {}  {} · {} · {}",
            paint(colour.bold(), &number),
            paint(colour, &bar),
            paint(STRONG, &title),
            shown(insight.entity_id()),
            shown(severity)
        ),
    );
    if let Some(InsightFields { predicts, horizon_days, risk_score, .. }) = insight.current() {
        let meaning =
            alert_type.map(|each| format!(": {}", shown(each.meaning_of(*risk_score)))).unwrap_or_default();
        line(
            card,
            &paint(
                FAINT,
                &format!(
                    "{INDENT}{} within {}{meaning}",
                    shown(predicts).replace('_', " "),
                    counted((*horizon_days).into(), "day")
                ),
            ),
        );
    }
    if let Some(sentence) = insight.current().and_then(|fields| probability(fields, missing)) {
        for part in textwrap::wrap(&sentence, width().saturating_sub(INDENT.len()).max(20)) {
            line(card, &paint(FAINT, &format!("{INDENT}{part}")));
        }
    }
    card.push('\n');
}

/// What a reader must know before the score: contradictions, an old alert, facts that are not known.
fn warnings(card: &mut String, insight: &StoredInsight, alert_type: Option<&AlertType>) {
    let Some(fields) = insight.current() else { return };
    let mut warn = |text: &str| {
        wrapped(
            card,
            &format!("{INDENT}{} ", paint(YELLOW.bold(), "!")),
            &format!("{INDENT}  "),
            &shown(text),
        );
    };
    for conflict in fields.conflicts.iter().flatten() {
        warn(&format!("The facts contradict each other: {conflict}"));
    }
    if fields.stale == Some(true) {
        warn(&format!("The alert is stale: its timestamp is {}.", fields.alert_timestamp));
    }
    let label = |id: &String| {
        let fact = alert_type.and_then(|each| each.fact(id));
        fact.map_or_else(|| id.clone(), |fact| fact.label().to_owned())
    };
    let unknowns: Vec<_> = fields.unknowns.iter().flatten().map(label).collect();
    if !unknowns.is_empty() {
        warn(&format!("Not known: {}.", unknowns.join(", ")));
    }
    if fields.conflicts.is_some() || fields.stale == Some(true) || !unknowns.is_empty() {
        card.push('\n');
    }
}

/// The probability, or what is missing for one.
fn probability(fields: &InsightFields, missing: Option<&str>) -> Option<String> {
    let known = fields.calibrated.as_ref();
    let known = known.map(|known| known.sentence(&shown(&fields.predicts), fields.horizon_days, thousands));
    known.or_else(|| missing.map(str::to_owned))
}

fn drivers(card: &mut String, insight: &StoredInsight) {
    let Some(fields) = insight.current() else { return };
    let is_model = fields.grade.is_of_model();
    let Baseline { risk_score, base, points } = &fields.baseline;
    let mut label = "Why ";
    for driver in &fields.drivers {
        let points = points.get(&driver.fact).filter(|_| !is_model);
        let mark = match (points, driver.effect) {
            (Some(points), _) => format!("+{points}"),
            (None, Effect::Raises) => "▲".to_owned(),
            (None, Effect::Lowers) => "▼".to_owned(),
        };
        let first = format!("{INDENT}{} {mark:>4}  ", paint(STRONG, label));
        wrapped(card, &first, &format!("{INDENT}           "), &marked(&driver.because, insight));
        label = "    ";
    }
    let sum = if is_model {
        let sum: Vec<_> = std::iter::once(base).chain(points.values()).map(ToString::to_string).collect();
        format!("{risk_score:>4}  the scorecard's own score: {}.", sum.join(" + "))
    } else {
        format!("{base:>4}  points for every alert of this type.")
    };
    line(card, &format!("{INDENT}{} {sum}", paint(STRONG, label)));
    if let Some(Disagreement { model, table, gap }) = fields.disagreement {
        let note = format!("The model says {model}, the scorecard {table}: they disagree by {gap} points.");
        line(card, &format!("{INDENT}{}", paint(YELLOW, &note)));
    }
    if let Some(opinion) = &fields.second_opinion {
        let style = if opinion.is_doubted() { YELLOW } else { FAINT };
        for sentence in opinion.sentences() {
            wrapped(card, INDENT, INDENT, &paint(style, &shown(&sentence)));
        }
    }
}

fn foot(card: &mut String, insight: &StoredInsight, context: CardContext<'_>) {
    let (occurrences, last_seen) =
        insight.current().map_or((1, insight.timestamp()), |fields| (fields.occurrences, fields.last_seen));
    let seen = match occurrences {
        1 => "seen once".to_owned(),
        count => format!("seen {count} times, last {last_seen}"),
    };
    let state = match context.kind {
        CardKind::New => "new".to_owned(),
        CardKind::Tried => "not stored".to_owned(),
        CardKind::Repeat if occurrences == 1 => "a repeat: the same alert again".to_owned(),
        CardKind::Repeat => format!("a repeat, {seen}"),
        CardKind::Requested => seen,
        CardKind::Again => "judged again, not stored".to_owned(),
    };
    let degraded = if insight.is_degraded() { " · degraded: a model failed" } else { "" };
    let foot = format!(
        "{INDENT}{} · {state} · {}{degraded}",
        shown(insight.model_used()),
        shown(insight.alert_id())
    );
    line(card, &paint(FAINT, &foot));
    if !unsupported(insight).is_empty() {
        line(card, &paint(YELLOW, &format!("{INDENT}{UNSUPPORTED} marks a number that no fact supports.")));
    }
    for said in insight
        .current()
        .and_then(|fields| fields.grounding.as_ref())
        .into_iter()
        .flat_map(|grounding| &grounding.unsaid)
    {
        let note = format!("Not said by the facts: \"{}\" ({}).", shown(&said.text), said.kind.reason());
        wrapped(card, INDENT, INDENT, &paint(YELLOW, &note));
    }
    if context.evidence {
        evidence(card, insight);
    }
}

/// The mark after an unsupported number.
const UNSUPPORTED: &str = "[?]";

/// The unsupported number claims.
fn unsupported(insight: &StoredInsight) -> &[UnsupportedClaim] {
    let grounding = insight.current().and_then(|fields| fields.grounding.as_ref());
    grounding.map(|grounding| grounding.unsupported.as_slice()).unwrap_or_default()
}

/// A model's text, made safe to print, with a mark after each unsupported number.
fn marked(text: &str, insight: &StoredInsight) -> String {
    let mut marked = String::new();
    let mut end = 0;
    for span in unsupported_spans(text, unsupported(insight)) {
        marked.push_str(&shown(text.get(end..span.end).unwrap_or_default()));
        marked.push_str(UNSUPPORTED);
        end = span.end;
    }
    marked + &shown(text.get(end..).unwrap_or_default())
}

/// Adds the insight's facts, times and provenance.
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
    pair("alert type", Some(shown(insight.prediction_type())));
    let Some(fields) = insight.current() else {
        pair("made", Some(insight.timestamp().to_string()));
        return pair("expires", insight.expires_at().map(Timestamp::to_seconds_string));
    };
    let facts =
        fields.facts.iter().map(|(id, value)| format!("{} = {}", shown(id), shown(&value.to_words())));
    pair("facts", Some(facts.collect::<Vec<_>>().join(", ")));
    pair("message", fields.message.as_deref().map(shown));
    let origin = fields.event.as_ref().map(|event| {
        let parts = [
            ("source", &event.source),
            ("id", &event.id),
            ("time", &event.time),
            ("account", &event.account),
            ("region", &event.region),
        ];
        let parts =
            parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", shown(value.as_deref()?))));
        parts.collect::<Vec<_>>().join(", ")
    });
    pair("event", origin);
    pair("alert", Some(fields.alert_timestamp.to_string()));
    pair("made", Some(fields.timestamp.to_string()));
    pair("expires", Some(fields.expires_at.to_seconds_string()));
    pair("run", Some(shown(&fields.run)));
    pair("model id", fields.model_id.as_deref().map(shown));
    for attempt in &fields.attempts {
        pair("attempt", Some(attempt_line(attempt)));
        pair("", attempt.violations.as_deref().map(shown));
        pair(
            "answer of",
            attempt.reused.as_ref().map(|reused| format!("{}, run {}", reused.timestamp, shown(&reused.run))),
        );
        pair("rejected", attempt.reply.as_deref().map(shown));
    }
    pair("grounding", fields.grounding.as_ref().map(grounding_line));
    let repairs = fields.repairs.iter().flatten().map(|repair| repair.code()).collect::<Vec<_>>().join(", ");
    pair("repairs", Some(repairs).filter(|repairs| !repairs.is_empty()));
    let prompt = |prompt: &PromptRef| format!("version {}, sha256 {}", prompt.version, shown(&prompt.sha256));
    pair("prompt", fields.prompt.as_ref().map(prompt));
    pair("reply", fields.reply.as_deref().map(shown));
}

/// The count of number claims, and the unsupported ones.
fn grounding_line(report: &GroundingReport) -> String {
    let reason =
        |reason: &str| if reason.is_empty() { String::new() } else { format!(" ({})", shown(reason)) };
    let quoted: Vec<_> = report
        .unsupported
        .iter()
        .map(|claim| format!("\"{}\"{}", shown(&claim.claim), reason(&claim.reason)))
        .collect();
    let unsupported = if quoted.is_empty() {
        "all supported".to_owned()
    } else {
        format!("not supported: {}", quoted.join(", "))
    };
    let language = match report.language {
        Some(Language::Unknown) => "; the words were not checked, because their language is not known",
        None => "",
    };
    format!("{}, {unsupported}{language}", counted(report.numbers as u64, "number"))
}

/// An attempt on one line: model, outcome, duration, tokens and cost.
fn attempt_line(attempt: &AttemptRecord) -> String {
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

/// The colour of a score.
pub(crate) fn colour_of(score: f64) -> Style {
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

/// Wraps `text` after `first`. Styles in `first` do not count as width.
fn wrapped(card: &mut String, first: &str, rest: &str, text: &str) {
    let columns = width().saturating_sub(rest.chars().count()).max(20);
    for (index, part) in textwrap::wrap(text, columns).iter().enumerate() {
        let lead = if index == 0 { first } else { rest };
        line(card, &format!("{lead}{part}"));
    }
}
