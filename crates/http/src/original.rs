//! The original dashboard's API, for its two front ends, unchanged.
//!
//! The base URL is all that a front end lets one choose, so its path says which front end asks: `/api` is the later one,
//! `/api/mvp` the earlier one. Only the last parts of a path count. Every response, also an error, allows any origin.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use portend_core::clock::Clock;
use portend_core::insight::StoredInsight;
use portend_core::limits::PAGE_MAX;
use portend_core::number::Number;
use portend_core::store::{InsightQuery, Queries};
use portend_core::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::engine::Engine;
use crate::limits::{ORIGINAL_STREAM_INSIGHTS, PAGE_DEFAULT, TOTALS_MAX, TOTALS_RETENTION};
use crate::problem::Problem;
use crate::request::{Params, cursor_of, cursor_text, time_of};
use crate::stream::event_stream;

/// A request of the original dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginalRequest {
    front_end: FrontEnd,
    resource: Resource,
}

/// Which front end asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrontEnd {
    /// `/api`: a page is an object, and a type is one of the front end's categories.
    Later,
    /// `/api/mvp`: a page is an array, and a type is an alert type.
    Earlier,
}

/// What it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Resource {
    Recent,
    Aggregations,
    Stream,
    One(String),
    Health,
    Metrics,
    Unknown,
}

/// An insight as the front ends read it. Every field is always there.
#[derive(Debug, Serialize)]
struct OriginalItem {
    alert_id: String,
    entity_id: String,
    timestamp: Timestamp,
    prediction_type: String,
    risk_score: Number,
    explanation: String,
    recommendations: Vec<String>,
    model_used: String,
    /// The calibrated probability. Without a calibration it is 0: an absent value would be shown as `NaN%`.
    confidence: f64,
}

impl OriginalRequest {
    /// The request, if its path is one of the original API.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let parts: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
        if parts.first().is_some_and(|first| *first == "v1") {
            return None;
        }
        let Some(at) = parts.iter().position(|part| *part == "api") else {
            // The deploy check of the front ends asks here.
            let is_health =
                parts.last() == Some(&"health") && parts.len() <= 2 && parts.first() != Some(&"alert-types");
            return is_health.then_some(Self { front_end: FrontEnd::Later, resource: Resource::Health });
        };
        let rest = parts.get(at + 1..).unwrap_or_default();
        let (front_end, rest) = match rest.split_first() {
            Some((&"mvp", rest)) => (FrontEnd::Earlier, rest),
            _ => (FrontEnd::Later, rest),
        };
        let resource = match rest {
            ["insights", "recent"] => Resource::Recent,
            ["insights", "aggregations"] => Resource::Aggregations,
            ["insights", "stream"] => Resource::Stream,
            ["insights", id] => {
                Resource::One(percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned())
            }
            ["health"] => Resource::Health,
            ["metrics"] => Resource::Metrics,
            _ => Resource::Unknown,
        };
        Some(Self { front_end, resource })
    }

    /// The response, with the headers that allow other origins.
    pub(crate) async fn answer<E: Engine>(
        self,
        app: &App<E>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Response {
        let mut response = if !app.access.original_api {
            message(StatusCode::NOT_FOUND, "Not found")
        } else if *method == Method::OPTIONS {
            StatusCode::NO_CONTENT.into_response()
        } else if ![Method::GET, Method::HEAD].contains(method) {
            message(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
        } else {
            match self.resource(app, uri).await {
                Ok(response) => response,
                Err(problem) => failure(&problem),
            }
        };
        allow_origin(&mut response, &app.access.origins, headers);
        response
    }

    /// The response to a request that the server refuses.
    pub(crate) fn refused<E: Engine>(app: &App<E>, problem: &Problem, headers: &HeaderMap) -> Response {
        let mut response = failure(problem);
        *response.status_mut() = problem.status();
        allow_origin(&mut response, &app.access.origins, headers);
        response
    }

    async fn resource<E: Engine>(self, app: &App<E>, uri: &Uri) -> Result<Response, Problem> {
        let front_end = self.front_end;
        match self.resource {
            Resource::Recent => recent(app, front_end, &Params::of(uri)).await,
            Resource::Aggregations => {
                let since = Params::of(uri).get("since").and_then(time_of);
                Ok(Json(all_totals(app, front_end, since).await?).into_response())
            }
            Resource::Stream => {
                let query = InsightQuery { limit: ORIGINAL_STREAM_INSIGHTS, ..InsightQuery::default() };
                let page = app.engine.store().insights(&query, app.now()).await?;
                let items = page.insights.iter().map(|insight| item(app, front_end, insight));
                let events = items
                    .map(|item| format!("data: {}\n\n", serde_json::to_string(&item).unwrap_or_default()));
                Ok(event_stream(Body::from(format!("retry: 5000\n\n{}", events.collect::<String>()))))
            }
            Resource::One(id) => Ok(match app.engine.store().find(&id, app.now()).await? {
                Some(insight) => Json(item(app, front_end, &insight)).into_response(),
                None => message(StatusCode::NOT_FOUND, "Insight not found"),
            }),
            Resource::Health => {
                Ok(Json(json!({ "status": "healthy", "timestamp": app.now() })).into_response())
            }
            Resource::Metrics => {
                let ledger = app.engine.ledger().await?.unwrap_or_default();
                Ok(Json(json!({ "metrics": [ledger.total] })).into_response())
            }
            Resource::Unknown => Ok(message(StatusCode::NOT_FOUND, "Not found")),
        }
    }
}

/// A page, newest first. Whatever a parameter says, it is a page: an unreadable parameter counts as absent.
async fn recent<E: Engine>(app: &App<E>, front_end: FrontEnd, params: &Params) -> Result<Response, Problem> {
    let limit = params.get("limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit > 0);
    let query = InsightQuery {
        since: params.get("since").and_then(time_of),
        after: params.get("nextToken").and_then(cursor_of),
        limit: limit.unwrap_or(PAGE_DEFAULT).min(PAGE_MAX),
        ..InsightQuery::default()
    };
    let page = app.engine.store().insights(&query, app.now()).await?;
    let items: Vec<_> = page.insights.iter().map(|insight| item(app, front_end, insight)).collect();
    if front_end == FrontEnd::Earlier {
        return Ok(Json(items).into_response());
    }
    let mut body = Map::new();
    if params.get("aggregations") == Some("true") && !items.is_empty() {
        let mut totals = OriginalTotals::default();
        for item in &items {
            totals.add(&item.prediction_type, item.risk_score);
        }
        body.insert("aggregations".into(), totals.to_json());
    }
    body.insert("items".into(), json!(items));
    body.extend(page.next.map(|next| ("nextToken".to_owned(), json!(cursor_text(&next)))));
    Ok(Json(body).into_response())
}

/// The totals of all insights since a time. They are computed once in a minute for each question.
async fn all_totals<E: Engine>(
    app: &App<E>,
    front_end: FrontEnd,
    since: Option<Timestamp>,
) -> Result<Value, Problem> {
    let question = format!("{front_end:?} {since:?}");
    let now = app.now();
    let is_fresh = |at: &Timestamp| now.since(*at) < TOTALS_RETENTION;
    if let Some((_, totals)) = app.totals().get(&question).filter(|(at, _)| is_fresh(at)) {
        return Ok(totals.clone());
    }
    let mut totals = OriginalTotals::default();
    let mut query = InsightQuery { since, limit: PAGE_MAX, ..InsightQuery::default() };
    loop {
        let page = app.engine.store().insights(&query, now).await?;
        for insight in &page.insights {
            totals.add(&shown_type(app, front_end, insight.prediction_type()), insight.risk_score());
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let json = totals.to_json();
    let mut known = app.totals();
    known.retain(|_, (at, _)| is_fresh(at));
    if known.len() < TOTALS_MAX {
        known.insert(question, (app.engine.clock().now(), json.clone()));
    }
    Ok(json)
}

/// The four totals of the front ends.
#[derive(Debug, Default)]
struct OriginalTotals {
    total: u64,
    critical: u64,
    risk_sum: f64,
    by_type: Map<String, Value>,
}

impl OriginalTotals {
    /// From this score on, an insight is critical.
    const CRITICAL: f64 = 80.0;

    fn add(&mut self, shown_type: &str, risk_score: Number) {
        self.total += 1;
        self.critical += u64::from(risk_score.get() >= Self::CRITICAL);
        self.risk_sum += risk_score.get();
        let count = self.by_type.get(shown_type).and_then(Value::as_u64).unwrap_or(0);
        self.by_type.insert(shown_type.to_owned(), json!(count + 1));
    }

    fn to_json(&self) -> Value {
        #[expect(clippy::cast_precision_loss, reason = "a count of insights is far below 2^53")]
        let mean = if self.total == 0 { 0.0 } else { (self.risk_sum / self.total as f64).round() };
        let mean = Number::new(mean);
        json!({ "total": self.total, "critical": self.critical, "avgRisk": mean, "byType": self.by_type })
    }
}

fn item<E: Engine>(app: &App<E>, front_end: FrontEnd, insight: &StoredInsight) -> OriginalItem {
    OriginalItem {
        alert_id: insight.alert_id().to_owned(),
        entity_id: insight.entity_id().to_owned(),
        timestamp: insight.timestamp(),
        prediction_type: shown_type(app, front_end, insight.prediction_type()),
        risk_score: insight.risk_score(),
        explanation: insight.explanation().to_owned(),
        recommendations: insight.recommendations().to_vec(),
        model_used: insight.model_used().to_owned(),
        confidence: insight.probability_or_zero(),
    }
}

/// The type as this front end knows it.
fn shown_type<E: Engine>(app: &App<E>, front_end: FrontEnd, alert_type: &str) -> String {
    let category = match front_end {
        FrontEnd::Later => {
            app.engine.types().get(alert_type).map(|each| each.handling().dashboard_category())
        }
        FrontEnd::Earlier => None,
    };
    category.unwrap_or(alert_type).to_owned()
}

fn message(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

fn failure(problem: &Problem) -> Response {
    let body = json!({ "error": "Failed to get insights", "message": problem.sentence() });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}

fn allow_origin(response: &mut Response, origins: &[String], headers: &HeaderMap) {
    let origin = headers.get(header::ORIGIN);
    let allowed = match origins {
        [] => Some(HeaderValue::from_static("*")),
        [first, ..] => origin
            .filter(|origin| origins.iter().any(|each| each.as_bytes() == origin.as_bytes()))
            .cloned()
            .or_else(|| HeaderValue::from_str(first).ok()),
    };
    let out = response.headers_mut();
    if let Some(allowed) = allowed {
        out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    }
    out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, OPTIONS"));
    out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type, Authorization"));
    if !origins.is_empty() {
        out.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::{FrontEnd, OriginalRequest, Resource};

    #[test]
    fn only_the_last_parts_of_a_path_count() {
        let one = |id: &str| Resource::One(id.into());
        for (path, expected) in [
            ("/api/insights/recent", Some((FrontEnd::Later, Resource::Recent))),
            ("/prod/api/insights/recent?limit=3", Some((FrontEnd::Later, Resource::Recent))),
            ("/api/mvp/insights/recent", Some((FrontEnd::Earlier, Resource::Recent))),
            ("//api//mvp/insights/stream/", Some((FrontEnd::Earlier, Resource::Stream))),
            ("/api/insights/aggregations", Some((FrontEnd::Later, Resource::Aggregations))),
            ("/api/insights/low_C%23_1", Some((FrontEnd::Later, one("low_C#_1")))),
            ("/api/insights/mvp", Some((FrontEnd::Later, one("mvp")))),
            ("/api/metrics", Some((FrontEnd::Later, Resource::Metrics))),
            ("/api/mvp/health", Some((FrontEnd::Earlier, Resource::Health))),
            ("/health", Some((FrontEnd::Later, Resource::Health))),
            ("/prod/health", Some((FrontEnd::Later, Resource::Health))),
            ("/api/", Some((FrontEnd::Later, Resource::Unknown))),
            ("/v1/entities/api", None),
            ("/v1/insights/health", None),
            ("/insights/recent", None),
            ("/metrics", None),
            ("/", None),
        ] {
            let found = OriginalRequest::of(&path.parse().unwrap());
            let found = found.map(|found| (found.front_end, found.resource));
            assert_eq!(found, expected, "{path}");
        }
    }
}
