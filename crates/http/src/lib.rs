//! Portend over HTTP: the API, the original dashboard's API and the console, as one router.
//!
//! ```text
//! request ─▶ gate: host, token, other sites, load ─┬─ /v1/...        the API, described by /openapi.json
//!                                                  ├─ .../api/...    the original dashboard's API
//!                                                  └─ /              the console's pages
//! ```
//!
//! The program behind it implements [`Engine`]. The modules are declared in reading order; each uses only the modules
//! above it.
//!
//! Never: listens, reads the environment, or puts a text that others wrote into a page without escaping it.

pub mod limits;
mod outcome_rows;
mod base64;
mod problem;
mod engine;
mod access;
mod app;
mod request;
mod evaluation;
mod events;
mod hooks;
mod insights;
mod worklist;
mod feedback;
mod outcomes;
mod parked;
mod stream;
mod operations;
mod original;
mod openapi;
mod page;
mod gate;

use std::sync::Arc;

pub use axum::Router;
pub use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};

pub use access::{Access, AccessToken};
pub use app::HttpApp;
pub use engine::{
    AcceptError, Engine, EvaluatedGroup, EvaluationGrouping, EvaluationQuery, FollowedAdvice, LedgerDay,
    LedgerTotals, MissingProbability, ModelStatus, RequestSignature,
};
pub use gate::HEALTH_PATH;
pub use outcome_rows::{BoundedLines, OutcomeProblem, read_outcome_rows};
pub use problem::Problem;

const CONSOLE_CSS: &str = include_str!("../assets/console.css");
const CONSOLE_JS: &str = include_str!("../assets/console.js");
const ICON_SVG: &str = include_str!("../assets/icon.svg");

/// Every route.
pub fn router<E: Engine>(app: Arc<HttpApp<E>>) -> Router {
    Router::new()
        .route("/v1/events", post(events::post::<E>))
        .route("/v1/hooks/{source}", post(hooks::post::<E>))
        .route("/v1/insights", get(insights::list::<E>))
        .route("/v1/insights/{alert_id}", get(insights::one::<E>))
        .route("/v1/insights/{alert_id}/feedback", post(feedback::post::<E>))
        .route("/v1/insights/{alert_id}/recommendations", get(feedback::recommendations::<E>))
        .route("/v1/worklist", get(worklist::list::<E>))
        .route("/v1/entities/{entity_id}", get(worklist::one::<E>).delete(worklist::forget::<E>))
        .route("/v1/stream", get(stream::stream::<E>))
        .route("/v1/parked", get(parked::list::<E>))
        .route("/v1/parked/{sha256}", delete(parked::delete::<E>))
        .route("/v1/parked/{sha256}/replay", post(parked::replay::<E>))
        .route("/v1/outcomes", post(outcomes::post::<E>))
        .route("/v1/evaluation", get(evaluation::get::<E>))
        .route("/v1/ledger", get(operations::ledger::<E>))
        .route(HEALTH_PATH, get(operations::healthz))
        .route("/readyz", get(operations::readyz::<E>))
        .route("/metrics", get(operations::metrics::<E>))
        .route("/openapi.json", get(openapi::description))
        .route("/", get(page::today::show::<E>))
        .route("/live", get(page::live::show::<E>))
        .route("/insights/{alert_id}", get(page::insight::show::<E>))
        .route("/insights/{alert_id}/feedback", post(page::actions::give::<E>))
        .route("/entities/{entity_id}", get(page::entity::show::<E>))
        .route("/sign-in", post(page::actions::sign_in::<E>))
        .route("/quality", get(page::quality::show::<E>))
        .route("/status", get(page::status::show::<E>))
        .route("/parked/{sha256}/replay", post(page::status::replay::<E>))
        .route("/parked/{sha256}/delete", post(page::status::delete::<E>))
        .route("/alert-types", get(page::alert_types::list::<E>))
        .route("/alert-types/{id}", get(page::alert_types::show::<E>))
        .route("/console.css", get(async || page::layout::asset("text/css; charset=utf-8", CONSOLE_CSS)))
        .route("/console.js", get(async || page::layout::asset("text/javascript; charset=utf-8", CONSOLE_JS)))
        .route("/icon.svg", get(async || page::layout::asset("image/svg+xml", ICON_SVG)))
        .fallback(async || Problem::no_route())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), gate::gate::<E>))
        .with_state(app)
}

/// The routes on a connection above the limits: the health of the server, and 503 for everything else.
pub fn overflow_router() -> Router {
    Router::new().route(HEALTH_PATH, get(operations::healthz)).fallback(async || Problem::busy())
}

/// The response of a problem that is met before the routes.
pub fn response(problem: Problem) -> Response {
    problem.into_response()
}
