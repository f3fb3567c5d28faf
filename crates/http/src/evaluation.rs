//! `GET /v1/evaluation`: how good the scores were. The program behind the routes computes it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use portend_core::calibration::ScoreSource;
use portend_core::insight::StoredInsight;
use portend_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::{
    Engine, EvaluatedGroup, EvaluationGrouping, EvaluationQuery, FollowedAdvice, MissingProbability,
};
use crate::limits::FIGURES_WAIT_MAX;
use crate::problem::Problem;
use crate::request::Params;

/// The most days of `report_lag_days`.
const REPORT_LAG_DAYS_MAX: u64 = 366;

/// How good the scores of each group were.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluationList {
    /// One object for each group, as `portend eval --json` prints it.
    #[schema(value_type = Vec<Object>)]
    groups: Vec<Value>,
}

/// Judge the scores by what happened.
///
/// A figure is null if too few rows support it, and `reasons` says why. Import what happened with `POST /v1/outcomes`.
#[utoipa::path(
    get,
    path = "/v1/evaluation",
    tag = "outcomes",
    params(
        ("type" = Option<String>, Query, description = "Of this alert type"),
        ("since" = Option<String>, Query, format = DateTime, description = "Of alerts at this time or later"),
        ("as_of" = Option<String>, Query, format = DateTime, description = "As if it were this time"),
        ("report_lag_days" = Option<u64>, Query, maximum = 366, description = "The days until an event is reported, 0 by default"),
        ("all" = Option<bool>, Query, description = "Every insight, not only the first of an entity in each horizon"),
        ("by" = Option<String>, Query, description = "`model` (of each type), `type`, or `month` (of each model)"),
    ),
    responses(
        (status = 200, description = "The groups", body = EvaluationList),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again; 501: this program does not judge scores", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get<E: Engine>(
    State(app): State<App<E>>,
    params: Params,
) -> Result<Json<EvaluationList>, Problem> {
    let params = params.only(&["type", "since", "as_of", "report_lag_days", "all", "by"])?;
    let groupings = [
        ("model", EvaluationGrouping::Model),
        ("type", EvaluationGrouping::Type),
        ("month", EvaluationGrouping::Month),
    ];
    let query = EvaluationQuery {
        alert_type: params.get("type").map(str::to_owned),
        since: params.time("since")?,
        as_of: params.time("as_of")?.unwrap_or_else(|| app.now()),
        report_lag: Duration::from_hours(24 * params.number("report_lag_days", REPORT_LAG_DAYS_MAX)?),
        all: params.one_of("all", &[("true", true), ("false", false)])?.unwrap_or(false),
        by: params.one_of("by", &groupings)?.unwrap_or_default(),
    };
    if let Some(id) = query.alert_type.as_deref().filter(|id| app.engine.types().get(id).is_none()) {
        let detail = format!("unknown alert type `{}`", id.escape_debug());
        return Err(Problem::bad("unknown_type", detail, "use an alert type of the page /alert-types"));
    }
    let groups = evaluated(&app, &query).await?;
    Ok(Json(EvaluationList { groups: groups.into_iter().map(|group| group.report).collect() }))
}

/// The groups, or the problem that this program cannot judge scores.
pub(crate) async fn evaluated<E: Engine>(
    app: &App<E>,
    query: &EvaluationQuery,
) -> Result<Vec<EvaluatedGroup>, Problem> {
    app.engine.evaluate(query).await?.ok_or_else(not_evaluated)
}

fn not_evaluated() -> Problem {
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "no_evaluation",
        "this program does not judge scores",
        "run portend eval with --store dynamodb:TABLE on a machine that can reach the table",
    )
}

/// The groups of all alert types, as they were recently.
pub(crate) async fn recently_evaluated<E: Engine>(app: &App<E>) -> Result<Arc<Vec<EvaluatedGroup>>, Problem> {
    let query = EvaluationQuery::at(app.now());
    app.quality.get(app.engine.clock(), evaluated(app, &query)).await
}

/// What followed where people did what was recommended, as it was recently.
pub(crate) async fn recent_advice<E: Engine>(app: &App<E>) -> Result<Arc<Vec<FollowedAdvice>>, Problem> {
    let advice = async { app.engine.followed_advice().await?.ok_or_else(not_evaluated) };
    app.advice.get(app.engine.clock(), advice).await
}

/// Why the insight has no probability. `None` if it has one, or if that is not known soon.
pub(crate) async fn missing_probability<E: Engine>(
    app: &App<E>,
    insight: &StoredInsight,
) -> Option<MissingProbability> {
    let fields = insight.current().filter(|fields| fields.calibrated.is_none())?;
    let source = fields.score_source();
    let groups = match app.quality.known(app.now()) {
        Some(groups) => groups,
        // Many requests at once must not wait for each other, nor compute the same.
        None if app.quality.is_busy() => return None,
        None => {
            // The task goes on when nobody waits any more, so that a later response has its result.
            let evaluation = tokio::spawn({
                let app = Arc::clone(app);
                async move { recently_evaluated(&app).await }
            });
            tokio::time::timeout(FIGURES_WAIT_MAX, evaluation).await.ok()?.ok()?.ok()?
        }
    };
    groups.iter().find(|group| group.is_of(&source))?.missing_probability.clone()
}

impl EvaluatedGroup {
    /// A text of the report.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.report.get(name).and_then(Value::as_str)
    }

    /// Whether its scores are of this source.
    fn is_of(&self, source: &ScoreSource) -> bool {
        self.text("type") == Some(&source.alert_type)
            && self.text("model_used") == Some(&source.model_used)
            && self.text("model_id") == source.model_id.as_deref()
            && self.text("prompt") == source.prompt.as_deref()
    }
}

impl EvaluationQuery {
    /// All alert types, as it is at this time.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            alert_type: None,
            since: None,
            as_of: now,
            report_lag: Duration::ZERO,
            all: false,
            by: EvaluationGrouping::Model,
        }
    }
}
