//! The description of the API, generated from the routes.

use axum::Json;
use utoipa::OpenApi;

use crate::{evaluation, events, feedback, hooks, insights, operations, outcomes, parked, stream, worklist};

/// The routes that are described.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portend",
        description = "An alert in, an insight out: a risk score, an explanation and recommendations.\n\nErrors are `application/problem+json`, with a stable `code`, a `detail`, and a `fix`. If the server has a token, send it as `Authorization: Bearer TOKEN`.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        events::post,
        hooks::post,
        insights::list,
        insights::one,
        stream::stream,
        worklist::list,
        worklist::one,
        worklist::forget,
        feedback::post,
        feedback::recommendations,
        outcomes::post,
        evaluation::get,
        parked::list,
        parked::replay,
        parked::delete,
        operations::ledger,
        operations::healthz,
        operations::readyz,
        operations::metrics
    )
)]
struct ApiDescription;

/// `GET /openapi.json`.
pub(crate) async fn description() -> Json<utoipa::openapi::OpenApi> {
    Json(ApiDescription::openapi())
}
