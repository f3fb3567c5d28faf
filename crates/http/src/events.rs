//! `POST /v1/events`: accepts events into the inbox, or judges one at once.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use portend_core::alert::{Alert, Delivery};
use portend_core::alert_type::AlertTypes;
use portend_core::entity::EntityKey;
use portend_core::outcome::OutcomeRow;
use portend_core::pipeline::Outcome;
use portend_core::store::Forgetting;
use portend_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::{AcceptError, Engine, RequestSignature};
use crate::problem::Problem;
use crate::request::{Params, WholeBody, content_type, is_lines};

/// Events that the response names at most.
const NAMED_MAX: usize = 20;

/// What was done with the events of a request.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AcceptedEvents {
    /// Events that are in the inbox and will be judged, and those that said what happened, which is stored.
    accepted: u64,
    /// Events that are not valid alerts. They are stored with the reason.
    parked: u64,
    /// Events that could not be stored. Send them again.
    rejected: u64,
    /// Why events were parked or rejected: the first 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<EventProblem>,
}

/// Why an event was parked or rejected.
#[derive(Debug, Serialize, ToSchema)]
struct EventProblem {
    /// Its place in the request, from 1.
    event: usize,
    /// The reason code.
    reason: String,
    /// The reason, in a sentence.
    message: String,
}

impl AcceptedEvents {
    fn name(&mut self, event: usize, reason: impl Into<String>, message: impl Into<String>) {
        if self.problems.len() < NAMED_MAX {
            self.problems.push(EventProblem { event, reason: reason.into(), message: message.into() });
        }
    }
}

/// Accept events.
///
/// An event is an EventBridge event, its `detail`, or an SQS event with records; as `application/x-ndjson`, one on each
/// line. An EventBridge event with the detail-type `outcome` says what happened. The response is sent when the events are durable: a restart finishes them. With `wait=true`, one event is judged
/// before the response, which is its outcome.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    params(("wait" = Option<bool>, Query, description = "Judge one event before the response")),
    request_body(content(
        (serde_json::Value = "application/json"),
        (String = "application/x-ndjson"),
    )),
    responses(
        (status = 202, description = "Durable, and judged soon", body = AcceptedEvents),
        (status = 200, description = "With `wait=true`: the outcome of the event", body = serde_json::Value),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post<E: Engine>(
    State(app): State<App<E>>,
    params: Params,
    headers: HeaderMap,
    body: WholeBody,
) -> Result<Response, Problem> {
    if !app.engine.judges() {
        return Err(Problem::read_only());
    }
    let params = params.only(&["wait"])?;
    let is_waiting = params.one_of("wait", &[("true", true), ("false", false)])?.unwrap_or(false);
    let WholeBody(body) = body;
    let events = split(&content_type(&headers), &body, app.engine.types())?;
    if is_waiting {
        let [event] = <[Vec<u8>; 1]>::try_from(events).map_err(|events| {
            let detail = format!("`wait=true` is for one event, and the request has {}", events.len());
            Problem::bad("one_event", detail, "send one event, or omit `wait`")
        })?;
        let outcome: Outcome = app.engine.judge(event).await?;
        return Ok(Json(outcome).into_response());
    }
    let accepted = accept(&app, events, None).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)).into_response())
}

/// Stores the events: alerts in the inbox, what happened among the outcomes, and all others among the parked ones. A
/// signature is stored with the alerts, so a request that the inbox refuses can be sent again.
pub(crate) async fn accept<E: Engine>(
    app: &App<E>,
    events: Vec<Vec<u8>>,
    signature: Option<RequestSignature>,
) -> Result<AcceptedEvents, Problem> {
    let mut result = AcceptedEvents::default();
    let (mut alerts, mut happened, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let mut forgotten = BTreeMap::new();
    for (index, event) in events.into_iter().enumerate() {
        if OutcomeRow::is_event(&event) {
            match OutcomeRow::read(&event, app.engine.types(), app.now()) {
                Ok(row) => happened.push(row),
                Err(_) => refused.push((index + 1, event)),
            }
            continue;
        }
        let is_accepted = match Alert::read(&event, app.engine.types(), app.now()) {
            // The inbox gets nothing about an entity that was forgotten after the alert's time.
            Ok(alert) => {
                forgotten_at(app, &alert, &mut forgotten).await?.is_none_or(|at| alert.timestamp() > at)
            }
            Err(_) => false,
        };
        if is_accepted {
            alerts.push(event);
        } else {
            refused.push((index + 1, event));
        }
    }
    result.accepted = (alerts.len() + happened.len()) as u64;
    // Nothing else is stored of a request that the inbox does not accept.
    if signature.is_some() || !alerts.is_empty() {
        app.engine.accept(alerts, signature).await.map_err(not_accepted)?;
    }
    if !happened.is_empty() {
        app.put_outcomes(&happened).await?;
    }
    for (place, event) in refused {
        match app.engine.judge(event).await {
            Ok(Outcome::Parked(refusal)) => {
                result.parked += 1;
                result.name(place, refusal.reason().to_string(), refusal.message());
            }
            // It became a valid alert meanwhile, because its time is no longer in the future.
            Ok(Outcome::Stored(_) | Outcome::Repeated(_) | Outcome::Recorded(_)) => result.accepted += 1,
            Err(failure) => {
                result.rejected += 1;
                result.name(place, failure.code(), failure.to_string());
            }
        }
    }
    Ok(result)
}

/// When the alert's entity was forgotten, if it was. The store is asked once about each entity of a request.
async fn forgotten_at<E: Engine>(
    app: &App<E>,
    alert: &Alert<'_>,
    known: &mut BTreeMap<EntityKey, Option<Timestamp>>,
) -> Result<Option<Timestamp>, Problem> {
    let entity = EntityKey::new(alert.alert_type().entity(), alert.entity_id());
    if let Some(at) = known.get(&entity) {
        return Ok(*at);
    }
    let at = app.engine.store().forgotten_at(&entity, app.now()).await?;
    known.insert(entity, at);
    Ok(at)
}

pub(crate) fn not_accepted(error: AcceptError) -> Problem {
    match error {
        AcceptError::Full => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "inbox_full",
            "too many accepted events wait to be judged",
            "send the events again later; /v1/ledger shows how many wait",
        ),
        AcceptError::Replayed => Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad_signature",
            "the request was received before",
            "send a new request, with its own timestamp",
        ),
        AcceptError::Store(error) => error.into(),
    }
}

/// The events of a body.
fn split(content_type: &str, body: &[u8], types: &AlertTypes) -> Result<Vec<Vec<u8>>, Problem> {
    let is_json = content_type == "application/json"
        || content_type.starts_with("application/") && content_type.ends_with("+json");
    let mut events = Vec::new();
    if is_lines(content_type) {
        let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty()).for_each(|line| deliver(line, types, &mut events));
    } else if is_json && !body.trim_ascii().is_empty() {
        deliver(body, types, &mut events);
    } else if !is_json {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong_content_type",
            "the content type is not one of an event",
            "send application/json, or application/x-ndjson for one event on each line",
        ));
    }
    if events.is_empty() {
        return Err(Problem::bad("no_event", "the body has no event", "send an event as JSON"));
    }
    Ok(events)
}

fn deliver(payload: &[u8], types: &AlertTypes, events: &mut Vec<Vec<u8>>) {
    match Delivery::read(payload, types) {
        Delivery::One(event) => events.push(event.to_vec()),
        Delivery::Batch(records) | Delivery::Several(records) => {
            events.extend(records.into_iter().map(|record| record.body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AlertTypes, split};

    #[test]
    fn a_body_is_split_by_its_content_type() {
        let types = AlertTypes::built_in();
        let batch = r#"{"Records":[{"messageId":"1","body":"a"},{"messageId":"2","body":"b"}]}"#;
        for (content_type, body, expected) in [
            ("application/json", "{}", Some(1)),
            ("application/cloudevents+json", "{}", Some(1)),
            ("application/json", batch, Some(2)),
            ("application/json", "{\n}\n", Some(1)),
            ("application/x-ndjson", "{}\n\n{}\r\n", Some(2)),
            ("application/x-ndjson", &format!("{batch}\n{{}}"), Some(3)),
            ("application/json", " ", None),
            ("application/x-ndjson", "\n", None),
            ("text/plain", "{}", None),
            ("application/x-www-form-urlencoded", "{}", None),
            ("", "{}", None),
        ] {
            let events = split(content_type, body.as_bytes(), &types).ok().map(|events| events.len());
            assert_eq!(events, expected, "{content_type}: {body}");
        }
    }
}
