//! What the operator of the server asks: is it up, can it work, and what has it done.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use portend_core::store::{InsightQuery, Queries};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::{Engine, LedgerTotals};
use crate::problem::Problem;

/// The state of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServerState {
    /// `ok`, or `ready`.
    status: &'static str,
}

/// Whether the server is up. It answers under any load.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses(
        (status = 200, description = "The server is up", body = ServerState),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn healthz() -> Json<ServerState> {
    Json(ServerState { status: "ok" })
}

/// Whether the server can work: whether its store answers.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, description = "The store answers", body = ServerState),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The store does not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn readyz<E: Engine>(State(app): State<App<E>>) -> Result<Json<ServerState>, Problem> {
    let query = InsightQuery { limit: 1, ..InsightQuery::default() };
    app.engine.store().insights(&query, app.now()).await?;
    Ok(Json(ServerState { status: "ready" }))
}

/// Count the events received on this machine by their outcome.
#[utoipa::path(
    get,
    path = "/v1/ledger",
    tag = "operations",
    responses(
        (status = 200, description = "The counts", body = LedgerTotals),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ledger<E: Engine>(State(app): State<App<E>>) -> Result<Json<LedgerTotals>, Problem> {
    app.engine.ledger().await?.map(Json).ok_or_else(|| {
        let fix = "see the metrics of the function that receives the events";
        Problem::not_found("this program receives no events, so it has no ledger", fix)
    })
}

/// The server's counters, as Prometheus reads them.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses(
        (status = 200, description = "Prometheus text", body = String, content_type = "text/plain"),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn metrics<E: Engine>(State(app): State<App<E>>) -> Result<Response, Problem> {
    let mut text = String::new();
    if let Some(ledger) = app.engine.ledger().await? {
        let total = &ledger.total;
        let outcomes = [
            ("stored", total.stored),
            ("repeated", total.repeated),
            ("parked", total.parked),
            ("failed", total.failed),
        ];
        head(&mut text, "portend_events_total", "counter", "Events received on this machine, by outcome.");
        for (outcome, count) in outcomes {
            line(&mut text, &format!("portend_events_total{{outcome=\"{outcome}\"}}"), count);
        }
        head(&mut text, "portend_events_unfinished", "gauge", "Events without an outcome.");
        line(&mut text, "portend_events_unfinished", total.unfinished);
        head(&mut text, "portend_inbox_events", "gauge", "Accepted events that wait to be judged.");
        line(&mut text, "portend_inbox_events", ledger.waiting);
    }
    head(
        &mut text,
        "portend_http_responses_total",
        "counter",
        "Responses, by the first digit of their status.",
    );
    for (class, count) in (1..).zip(&app.counts.by_class) {
        let name = format!("portend_http_responses_total{{class=\"{class}xx\"}}");
        line(&mut text, &name, count.load(Ordering::Relaxed));
    }
    head(
        &mut text,
        "portend_http_shed_total",
        "counter",
        "Requests refused because too many were being answered.",
    );
    line(&mut text, "portend_http_shed_total", app.counts.shed.load(Ordering::Relaxed));
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, value: u64) {
    let _ = writeln!(text, "{name} {value}");
}
