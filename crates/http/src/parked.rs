//! `/v1/parked`: events that are not valid alerts, each with its reason; replay and deletion.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use portend_core::pipeline::Outcome;
use portend_core::store::{Parked, Parking};
use portend_core::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::Engine;
use crate::problem::Problem;
use crate::request::{Params, PathId, cursor_text};

/// A parked event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedItem {
    /// Of the whole event, in hexadecimal.
    sha256: String,
    /// The reason code.
    reason: String,
    /// The reason, in a sentence.
    message: String,
    /// When it was first received.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// The size of the whole event.
    event_bytes: usize,
    /// The event's first 64 KiB, as text.
    event: String,
    /// When it was last run again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    replayed_at: Option<Timestamp>,
    /// The outcome of that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

impl From<Parked> for ParkedItem {
    fn from(parked: Parked) -> Self {
        Self {
            event: String::from_utf8_lossy(&parked.event).into_owned(),
            sha256: parked.sha256,
            reason: parked.reason,
            message: parked.message,
            received_at: parked.received_at,
            event_bytes: parked.event_bytes,
            replayed_at: parked.replayed_at,
            outcome: parked.outcome,
        }
    }
}

/// One page of parked events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedList {
    /// Newest first.
    parked: Vec<ParkedItem>,
    /// Where the next page starts; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// List parked events.
#[utoipa::path(
    get,
    path = "/v1/parked",
    tag = "parked",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Events on a page, 50 by default"),
        ("cursor" = Option<String>, Query, description = "The `cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = ParkedList),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list<E: Engine>(
    State(app): State<App<E>>,
    params: Params,
) -> Result<Json<ParkedList>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let (after, limit) = (params.cursor()?, params.limit()?);
    let page = app.engine.store().parked(after.as_ref(), limit, app.now()).await?;
    let parked = page.events.into_iter().map(ParkedItem::from).collect();
    Ok(Json(ParkedList { parked, cursor: page.next.as_ref().map(cursor_text) }))
}

/// Run a parked event again, after its cause is fixed.
#[utoipa::path(
    post,
    path = "/v1/parked/{sha256}/replay",
    tag = "parked",
    params(("sha256" = String, Path, description = "The sha256 of the event")),
    responses(
        (status = 200, description = "The outcome of the event", body = Object),
        (status = 202, description = "On AWS: the event is in the queue of alerts, and is run soon", body = Object),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn replay<E: Engine>(
    State(app): State<App<E>>,
    PathId(sha256): PathId,
) -> Result<Response, Problem> {
    Ok(match run_again(&app, &sha256).await? {
        Some(outcome) => Json(outcome).into_response(),
        None => (StatusCode::ACCEPTED, Json(json!({ "status": QUEUED }))).into_response(),
    })
}

/// The outcome of a replay that another program will do.
const QUEUED: &str = "queued";

/// Runs a parked event again, and notes the outcome with it. `None` if another program will do that soon.
pub(crate) async fn run_again<E: Engine>(app: &App<E>, sha256: &str) -> Result<Option<Outcome>, Problem> {
    if !app.engine.replays() {
        return Err(Problem::read_only());
    }
    let parked = find(app, sha256).await?;
    if !parked.is_whole() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "event_cut",
            "only the beginning of this event is stored, so it cannot be replayed",
            "send it again from its source",
        ));
    }
    let outcome = app.engine.replay(parked.event).await?;
    let status = outcome.as_ref().map_or(QUEUED, Outcome::status);
    app.engine.store().replayed(sha256, app.now(), status).await?;
    Ok(outcome)
}

/// Delete a parked event.
#[utoipa::path(
    delete,
    path = "/v1/parked/{sha256}",
    tag = "parked",
    params(("sha256" = String, Path, description = "The sha256 of the event")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete<E: Engine>(
    State(app): State<App<E>>,
    PathId(sha256): PathId,
) -> Result<Response, Problem> {
    remove(&app, &sha256).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Deletes a parked event.
pub(crate) async fn remove<E: Engine>(app: &App<E>, sha256: &str) -> Result<(), Problem> {
    if !app.engine.replays() {
        return Err(Problem::read_only());
    }
    find(app, sha256).await?;
    Ok(app.engine.store().delete_parked(sha256).await?)
}

async fn find<E: Engine>(app: &App<E>, sha256: &str) -> Result<Parked, Problem> {
    app.engine.store().parked_event(sha256, app.now()).await?.ok_or_else(|| {
        Problem::not_found("there is no parked event with this sha256", "/v1/parked lists the parked events")
    })
}
