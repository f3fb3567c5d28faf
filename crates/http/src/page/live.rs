//! The page of insights as they are stored, newest first.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use portend_core::insight::StoredInsight;
use portend_core::store::{InsightQuery, Queries};
use portend_core::time::Timestamp;

use super::layout::{Section, empty, page};
use super::text::{age, level, path_part, shown, whole, words};
use crate::app::App;
use crate::engine::Engine;
use crate::problem::Problem;
use crate::request::{Params, cursor_text};

/// Insights on the page.
const ROWS: usize = 40;
/// Characters of an explanation in a row.
const WHY_CHARS: usize = 240;

/// `GET /live`.
pub(crate) async fn show<E: Engine>(State(app): State<App<E>>, params: Params) -> Result<Response, Problem> {
    let params = params.only(&["cursor", "entity", "type", "min_risk"])?;
    let query = InsightQuery {
        entity_id: params.get("entity").map(str::to_owned),
        alert_type: params.get("type").map(str::to_owned),
        risk_min: params.risk("min_risk")?,
        after: params.cursor()?,
        limit: ROWS,
        ..InsightQuery::default()
    };
    let is_first = query.after.is_none() && params.get("entity").is_none() && params.get("type").is_none();
    let insights = app.engine.store().insights(&query, app.now()).await?;
    let content = html! {
        h1 { "Live" }
        p.lead { "Each insight as it is stored, newest first. An alert that says the same again adds no row." }
        div.tabs {
            a href="/live" aria-current=[(params.get("min_risk").is_none()).then_some("true")] { "All" }
            a href="/live?min_risk=60" aria-current=[(params.get("min_risk") == Some("60")).then_some("true")] { "Risk from 60" }
            a href="/live?min_risk=80" aria-current=[(params.get("min_risk") == Some("80")).then_some("true")] { "Risk from 80" }
            form action="/live" { input name="entity" data-find placeholder="Find an entity" aria-label="Find an entity" value=(params.get("entity").unwrap_or_default()); }
        }
        @if insights.insights.is_empty() {
            (empty("No insight yet.", &html! {
                "Post an alert to " code { "/v1/events" } ", or run " code { "portend demo" } " to see the page with simulated alerts."
            }))
        }
        button.arrivals type="button" hidden {}
        ol.list data-live[is_first] {
            @for insight in &insights.insights { (row(insight, app.now())) }
        }
        template id="row" { (blank_row()) }
        @if let Some(next) = &insights.next {
            p { a.button href={ "/live?cursor=" (cursor_text(next)) @if let Some(risk) = params.get("min_risk") { "&min_risk=" (path_part(risk)) } } { "Older" } }
        }
    };
    Ok(page(Section::Live, "Live", &content))
}

/// An insight as a row of a list.
pub(crate) fn row(insight: &StoredInsight, now: Timestamp) -> Markup {
    let why: String = insight.explanation().chars().take(WHY_CHARS).collect();
    html! {
        li.row.(level(insight.risk_score())) data-row=(insight.alert_id()) {
            span.risk { (whole(insight.risk_score())) }
            div {
                div.what {
                    a.name href={ "/insights/" (path_part(insight.alert_id())) } { (shown(insight.entity_id())) }
                    span.tag { (words(insight.prediction_type())) }
                }
                p.why { (shown(&why)) }
            }
            span.spark.tag { (shown(insight.model_used())) }
            @let at = insight.alert_timestamp().unwrap_or(insight.timestamp());
            span.when { time datetime=(at) { (age(at, now)) } }
        }
    }
}

/// The row that the script fills.
fn blank_row() -> Markup {
    html! {
        li.row data-row="" {
            span.risk data-put="risk" {}
            div {
                div.what { a.name href="/" data-put="name" { "new" } span.tag data-put="type" {} }
                p.why data-put="why" {}
            }
            span.spark.tag {}
            span.when data-put="when" {}
        }
    }
}
