//! The page of the server's health: does everything add up, do the models work, and which events are parked.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use portend_core::pipeline::Outcome;
use portend_core::store::{Parked, Parking};

use super::layout::{Section, empty, page};
use super::text::{counted, minute, path_part, shown, thousands};
use crate::app::App;
use crate::engine::{Engine, LedgerDay, LedgerTotals};
use crate::parked::{remove, run_again};
use crate::problem::Problem;
use crate::request::PathId;

/// Parked events on the page.
const PARKED_ROWS: usize = 20;
/// Days of the ledger on the page.
const LEDGER_ROWS: usize = 20;
/// Characters of a parked event on the page.
const EVENT_CHARS: usize = 1500;

/// `GET /status`.
pub(crate) async fn show<E: Engine>(State(app): State<App<E>>) -> Result<Response, Problem> {
    let ledger = app.engine.ledger().await?;
    let parked = app.engine.store().parked(None, PARKED_ROWS, app.now()).await?;
    let models = app.engine.models();
    let content = html! {
        h1 { (heading(ledger.as_ref())) }
        @match &ledger {
            Some(ledger) => (of_ledger(ledger)),
            None => p.lead { "This program only reads the store. The metrics of the function count its events." },
        }
        h2 { "Models" }
        @if models.is_empty() {
            p.lead { "No model is configured, so the scorecard judges. Name models with " code { "--models bedrock,scorecard" } "." }
        } @else {
            div.scroll tabindex="0" { table {
                thead { tr { th { "Model" } th { "Id" } th { "State" } } }
                tbody { @for model in &models { tr { td { (shown(&model.name)) } td { code { (shown(&model.model_id)) } } td { (model.state) } } } }
            } }
        }
        h2 { "Parked events" }
        @if parked.events.is_empty() {
            (empty("No event is parked.", &html! { "An event that is not a valid alert is stored here with its reason." }))
        } @else {
            @for event in &parked.events { (of_parked(event, app.engine.replays())) }
            @if parked.next.is_some() { p.small { "Older ones are at " a.link href="/v1/parked?limit=1000" { "/v1/parked" } "." } }
        }
    };
    Ok(page(Section::Health, "Health", &content))
}

fn heading(ledger: Option<&LedgerTotals>) -> String {
    match ledger {
        None => "Health".to_owned(),
        Some(ledger) if ledger.total.received == 0 && ledger.waiting == 0 => {
            "Nothing has been received yet".to_owned()
        }
        Some(ledger) if ledger.waiting > 0 => {
            format!("{} to be judged", counted(ledger.waiting, "event waits", "events wait"))
        }
        Some(ledger) if ledger.adds_up => "Every event has an outcome".to_owned(),
        Some(ledger) => {
            format!("{} no outcome yet", counted(ledger.total.unfinished, "event has", "events have"))
        }
    }
}

fn of_ledger(ledger: &LedgerTotals) -> Markup {
    let LedgerDay { received, stored, repeated, parked, failed, .. } = &ledger.total;
    let newest: Vec<&LedgerDay> = ledger.days.iter().rev().take(LEDGER_ROWS).collect();
    html! {
        p.lead {
            "Received " (thousands(*received)) " = stored " (thousands(*stored)) " + repeated " (thousands(*repeated))
            " + parked " (thousands(*parked)) " + failed " (thousands(*failed)) "."
        }
        @if !newest.is_empty() {
            div.scroll tabindex="0" { table {
                thead { tr { th { "Day" } th { "Alert type" } th.n { "Received" } th.n { "Stored" } th.n { "Repeated" } th.n { "Parked" } th.n { "Failed" } } }
                tbody { @for day in newest { tr {
                    td { (day.day) } td { (shown(day.alert_type.as_deref().unwrap_or("unknown"))) }
                    @for count in [day.received, day.stored, day.repeated, day.parked, day.failed] { td.n { (thousands(count)) } }
                } } }
            } }
        }
    }
}

fn of_parked(event: &Parked, replays: bool) -> Markup {
    let text: String = String::from_utf8_lossy(&event.event).chars().take(EVENT_CHARS).collect();
    let path = format!("/parked/{}", path_part(&event.sha256));
    html! {
        details {
            summary {
                strong { (shown(&event.reason)) } " · " (minute(event.received_at)) " · " (thousands(event.event_bytes as u64)) " bytes"
                @if let Some(outcome) = &event.outcome { " · replayed: " (shown(outcome)) }
            }
            p { (shown(&event.message)) }
            pre { (shown(&text)) }
            @if replays {
                div.bar {
                    @if event.is_whole() { form method="post" action={ (path) "/replay" } { button.main { "Replay" } } }
                    form method="post" action={ (path) "/delete" } { button { "Delete" } }
                }
            }
        }
    }
}

/// `POST /parked/{sha256}/replay`, from the page.
pub(crate) async fn replay<E: Engine>(
    State(app): State<App<E>>,
    PathId(sha256): PathId,
) -> Result<Response, Problem> {
    let outcome = run_again(&app, &sha256).await?;
    let to = outcome
        .as_ref()
        .and_then(Outcome::insight)
        .map(|insight| format!("/insights/{}", path_part(insight.alert_id())));
    Ok(Redirect::to(to.as_deref().unwrap_or("/status")).into_response())
}

/// `POST /parked/{sha256}/delete`, from the page.
pub(crate) async fn delete<E: Engine>(
    State(app): State<App<E>>,
    PathId(sha256): PathId,
) -> Result<Response, Problem> {
    remove(&app, &sha256).await?;
    Ok(Redirect::to("/status").into_response())
}
