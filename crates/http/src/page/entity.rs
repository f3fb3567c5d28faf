//! The page of one student or subject: its state, its risk and its facts over time, and everything that happened.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use portend_core::alert_type::FactValue;
use portend_core::entity::{FeedbackAction, FeedbackEntry};
use portend_core::insight::StoredInsight;
use portend_core::number::Number;
use portend_core::time::Timestamp;

use super::actions::{Origin, buttons, state_words};
use super::chart::{RiskLine, RiskPoint, risk_over_time, spark};
use super::explanation::label;
use super::layout::{Section, page};
use super::live::row as insight_row;
use super::text::{age, counted, level, minute, shown, whole, words};
use crate::app::App;
use crate::engine::Engine;
use crate::problem::Problem;
use crate::request::PathId;
use crate::worklist::{EntityReport, report};

/// `GET /entities/{entity_id}`.
pub(crate) async fn show<E: Engine>(
    State(app): State<App<E>>,
    PathId(entity_id): PathId,
) -> Result<Response, Problem> {
    let entity = report(&app, &entity_id).await?;
    let now = app.now();
    let item = entity.entity.as_ref().and_then(|row| row.item(now));
    let latest = entity.insights.first();
    let score = item.as_ref().map(|item| item.risk_score).or(latest.map(StoredInsight::risk_score));
    let score = score.unwrap_or(Number::from(0));
    let state = entity.entity.as_ref().map(|row| state_words(row.state_at(now), row.assignee.as_deref()));
    let content = html! {
        div.hero.(level(score)) {
            span.risk { (whole(score)) }
            div {
                h1 { (shown(&entity_id)) }
                p.lead {
                    (counted(entity.insights.len() as u64, "insight", "insights"))
                    @if let Some(state) = &state { " · " (state) }
                    @if let Some(row) = &entity.entity { " · open since " (minute(row.opened_at)) }
                    @if let Some(until) = entity.entity.as_ref().and_then(|row| row.until) { " · returns " (minute(until)) }
                }
            }
        }
        @if let (Some(row), Some(insight)) = (&entity.entity, latest) {
            @if app.engine.takes_feedback() { (buttons(insight.alert_id(), row.state_at(now), row.version, Origin::Insight)) }
        }
        h2 { "Risk over time" }
        (risk_over_time(&lines(&entity.insights)))
        (facts_over_time(&app, &entity))
        h2 { "What happened" }
        (said(&entity.feedback, now))
        ol.list { @for insight in &entity.insights { (insight_row(insight, now)) } }
        p.small { a.link href="/" data-back { "Back to the list" } }
    };
    Ok(page(Section::Inside, &shown(&entity_id), &content))
}

/// The scores in the order of their alerts, a line for each alert type.
fn lines(insights: &[StoredInsight]) -> Vec<RiskLine> {
    let mut by_type: BTreeMap<&str, Vec<RiskPoint>> = BTreeMap::new();
    for insight in insights {
        let at = insight.alert_timestamp().unwrap_or(insight.timestamp());
        let point = RiskPoint { at, score: insight.risk_score() };
        by_type.entry(insight.prediction_type()).or_default().push(point);
    }
    let line = |(alert_type, mut points): (&str, Vec<RiskPoint>)| {
        points.sort_by_key(|point| point.at);
        RiskLine { name: words(alert_type), points }
    };
    by_type.into_iter().map(line).collect()
}

/// A small line for each fact with a range, from its lowest to its highest value.
fn facts_over_time<E: Engine>(app: &App<E>, entity: &EntityReport) -> Markup {
    let mut lines: Vec<(String, Vec<RiskPoint>, String)> = Vec::new();
    for alert_type in app.engine.types().iter() {
        for fact in alert_type.facts() {
            let values: Vec<(Timestamp, Number)> = entity
                .insights
                .iter()
                .rev()
                .filter_map(|insight| insight.current())
                .filter(|fields| fields.prediction_type == alert_type.id())
                .filter_map(|fields| match fields.facts.get(fact.id()) {
                    Some(FactValue::Number(number)) => Some((fields.alert_timestamp, *number)),
                    Some(FactValue::Flag(_) | FactValue::Word(_)) | None => None,
                })
                .collect();
            let Some((_, last)) = values.last().copied().filter(|_| values.len() > 1) else { continue };
            let low = values.iter().map(|(_, value)| value.get()).fold(f64::INFINITY, f64::min);
            let high = values.iter().map(|(_, value)| value.get()).fold(f64::NEG_INFINITY, f64::max);
            let scaled = |value: f64| if high > low { (value - low) / (high - low) * 100.0 } else { 50.0 };
            let points = values.iter().filter_map(|(at, value)| {
                Some(RiskPoint { at: *at, score: Number::new(scaled(value.get()))? })
            });
            let name = format!("{} ({})", label(Some(alert_type), fact.id()), words(alert_type.id()));
            lines.push((name, points.collect(), format!("{low} to {high}, now {last}")));
        }
    }
    html! {
        @if !lines.is_empty() {
            h2 { "Facts over time" }
            div.scroll tabindex="0" { table { tbody { @for (name, points, range) in &lines { tr { td { (name) } td { (spark(points)) } td.n { (range) } } } } } }
        }
    }
}

/// What people said, newest first.
fn said(feedback: &[FeedbackEntry], now: Timestamp) -> Markup {
    html! {
        @if !feedback.is_empty() {
            div.scroll tabindex="0" { table { tbody { @for entry in feedback.iter().rev() { tr {
                td { (age(entry.at, now)) }
                td { strong { (shown(&entry.by)) } " " (action_words(&entry.action)) }
                td { (shown(entry.note.as_deref().unwrap_or_default())) }
            } } } } }
        }
    }
}

fn action_words(action: &FeedbackAction) -> String {
    match action {
        FeedbackAction::Useful => "found an insight useful".to_owned(),
        FeedbackAction::Wrong => "found an insight wrong".to_owned(),
        FeedbackAction::Note => "wrote a note".to_owned(),
        FeedbackAction::Seen => "looked at it".to_owned(),
        FeedbackAction::Done => "marked it as done".to_owned(),
        FeedbackAction::Assign { assignee } => format!("assigned it to {}", shown(assignee)),
        FeedbackAction::Snooze { until } => format!("snoozed it until {}", minute(*until)),
        FeedbackAction::RecommendationDone { recommendation } => {
            format!("did what was recommended: {}", shown(recommendation))
        }
        FeedbackAction::RecommendationSkipped { recommendation } => {
            format!("skipped what was recommended: {}", shown(recommendation))
        }
        FeedbackAction::Reopen => "put it back on the list".to_owned(),
    }
}
