//! The pages of the alert types: the dictionary of facts, the points, and a form to try facts.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use portend_core::alert::Alert;
use portend_core::alert_type::{AlertType, Fact, FactKind, PointsCondition, Worse};
use portend_core::scorecard::Scored;
use serde_json::{Map, Value, json};

use super::chart::{SumPart, sum_bar};
use super::explanation::label;
use super::layout::{Section, page};
use super::text::{counted, level, path_part, shown};
use crate::app::App;
use crate::engine::Engine;
use crate::problem::Problem;
use crate::request::{Params, PathId};

/// `GET /alert-types`.
pub(crate) async fn list<E: Engine>(State(app): State<App<E>>) -> Response {
    let types: Vec<&AlertType> = app.engine.types().iter().collect();
    let content = html! {
        h1 { (counted(types.len() as u64, "alert type", "alert types")) }
        p.lead { "Each is a folder of data: the facts of its alerts, the question, the scale, and a table of points." }
        ol.list {
            @for each in types {
                li.row data-row=(each.id()) {
                    span.tag { (shown(each.entity())) }
                    div {
                        div.what { a.name href={ "/alert-types/" (path_part(each.id())) } { (shown(each.title())) } span.tag { (shown(each.id())) } }
                        p.why { (shown(each.question())) }
                    }
                    span.spark.tag { (counted(each.facts().len() as u64, "fact", "facts")) }
                    span.when { (counted(each.horizon_days().into(), "day", "days")) " ahead" }
                }
            }
        }
    };
    page(Section::AlertTypes, "Alert types", &content)
}

/// `GET /alert-types/{id}`. The parameters are facts to try.
pub(crate) async fn show<E: Engine>(
    State(app): State<App<E>>,
    PathId(id): PathId,
    params: Params,
) -> Result<Response, Problem> {
    let alert_type = app.engine.types().get(&id).ok_or_else(|| {
        Problem::not_found("there is no alert type with this id", "see /alert-types for the ids")
    })?;
    let content = html! {
        h1 { (shown(alert_type.title())) }
        p.lead { (shown(alert_type.question())) }
        (trial(&app, alert_type, &params))
        h2 { "Facts" }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Fact" } th { "Meaning" } th { "Values" } th { "Worse" } } }
            tbody { @for fact in alert_type.facts() { tr id={ "fact-" (fact.id()) } {
                td { (shown(fact.label())) br; code { (shown(fact.id())) } }
                td { (shown(fact.meaning())) }
                td { (values(fact)) }
                td { (fact.range().map_or("by value", |range| match range.worse { Worse::Higher => "higher", Worse::Lower => "lower" })) }
            } } }
        } }
        h2 { "Points: every alert begins with " (alert_type.points_table().base) }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Fact" } th { "Points" } th { "Advice" } } }
            tbody { @for points in &alert_type.points_table().points { tr {
                td { (label(Some(alert_type), &points.fact)) }
                td { @for row in &points.add { (condition(&row.when)) ": +" (row.points) br; } }
                td { @if let Some(advice) = &points.advice { (shown(advice)) } }
            } } }
        } }
        h2 { "Scale" }
        dl.pairs { @for (score, meaning) in alert_type.scale() { dt { (score) } dd { (shown(meaning)) } } }
        p.small { a.link href="/alert-types" data-back { "All alert types" } }
    };
    Ok(page(Section::AlertTypes, &shown(alert_type.title()), &content))
}

/// A form with the facts, and the table's judgement of those that were entered.
fn trial<E: Engine>(app: &App<E>, alert_type: &AlertType, params: &Params) -> Markup {
    let entered = alert_type.facts().iter().any(|fact| params.get(fact.id()).is_some());
    html! {
        h2 { "Try facts" }
        form method="get" {
            div.fields {
                @for fact in alert_type.facts() {
                    label { (shown(fact.label())) (field(fact, params.get(fact.id()))) }
                }
            }
            button.main { "Score" }
        }
        @if entered { (score(app, alert_type, params)) }
    }
}

fn field(fact: &Fact, value: Option<&str>) -> Markup {
    match fact.kind() {
        FactKind::Integer(range) | FactKind::Number(range) => html! {
            input name=(fact.id()) type="number" step="any" required[!fact.is_optional()]
                min=(range.min.to_string()) max=(range.max.to_string()) value=(value.unwrap_or_default());
        },
        FactKind::Text => html! { input name=(fact.id()) value=(value.unwrap_or_default()); },
        FactKind::Boolean { values, .. } | FactKind::Enum { values, .. } => html! {
            select name=(fact.id()) {
                @for each in values { option value=(each.id) selected[value == Some(each.id.as_str())] { (shown(&each.id.replace('_', " "))) } }
            }
        },
    }
}

/// Scores the facts as an alert has them. Nothing is stored.
fn score<E: Engine>(app: &App<E>, alert_type: &AlertType, params: &Params) -> Markup {
    let mut details = Map::new();
    for fact in alert_type.facts() {
        let Some(text) = params.get(fact.id()) else { continue };
        let value = match fact.kind() {
            FactKind::Integer(_) | FactKind::Number(_) | FactKind::Boolean { .. } => {
                serde_json::from_str(text).unwrap_or(json!(text))
            }
            FactKind::Enum { .. } | FactKind::Text => Value::from(text),
        };
        details.insert(fact.id().to_owned(), value);
    }
    let event = json!({
        "alert_type": alert_type.id(), "severity": "warning", "entity_id": "trial", "entity_type": alert_type.entity(),
        "details": details, "message": "", "timestamp": app.now(),
    });
    let event = event.to_string();
    match Alert::read(event.as_bytes(), app.engine.types(), app.now()) {
        Err(refusal) => html! { p.note { (shown(refusal.message())) } },
        Ok(alert) => {
            let scored = Scored::new(&alert);
            let baseline = scored.baseline();
            let base = SumPart { name: "Base".to_owned(), points: f64::from(baseline.base) };
            let of_fact = baseline.points.iter().filter(|(_, points)| **points > 0).map(|(fact, points)| {
                SumPart { name: label(Some(alert_type), fact), points: f64::from(*points) }
            });
            let parts: Vec<SumPart> = std::iter::once(base).chain(of_fact).collect();
            let risk = baseline.risk_score;
            html! {
                div.hero.(level(risk)) { span.risk { (baseline.risk_score) } p.say { (shown(scored.explanation())) } }
                (sum_bar(&parts, risk))
                ol.do { @for step in scored.recommendations() { li { span { (shown(step)) } } } }
            }
        }
    }
}

fn values(fact: &Fact) -> Markup {
    match fact.kind() {
        FactKind::Integer(range) | FactKind::Number(range) => html! {
            (range.min.to_string()) " to " (range.max.to_string()) " " (shown(&range.unit))
            @if let Some(healthy) = range.healthy { br; "healthy: " (healthy.to_string()) }
        },
        FactKind::Text => html! { "any text; it is shown and never in a prompt" },
        FactKind::Boolean { values, .. } | FactKind::Enum { values, .. } => {
            html! { @for each in values { (shown(&each.id.replace('_', " "))) ": " (shown(&each.meaning)) br; } }
        }
    }
}

fn condition(when: &PointsCondition) -> String {
    match when {
        PointsCondition::From(from) => format!("from {from}"),
        PointsCondition::Below(below) => format!("below {below}"),
        PointsCondition::Value(value) => shown(&value.to_words()),
    }
}
