//! `POST /v1/outcomes`: what happened to entities, so that scores can be judged.
//!
//! Never: stores a row that `portend outcomes import` would refuse.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use portend_core::outcome::OutcomeRow;
use portend_core::store::Outcomes;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::Engine;
use crate::problem::Problem;
use crate::request::{WholeBody, content_type, is_lines};

/// Refused rows that the response names at most.
const NAMED_MAX: usize = 100;

/// What was done with the rows of a request.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct StoredOutcomes {
    /// Rows that are stored. A row that was stored before counts too, and changes nothing.
    stored: u64,
    /// Rows that were refused. The others are stored all the same.
    refused: u64,
    /// Why rows were refused: the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<OutcomeProblem>,
}

/// Why a row was refused.
#[derive(Debug, Serialize, ToSchema)]
struct OutcomeProblem {
    /// Its line in the request, or its place in the array, from 1.
    line: usize,
    /// The reason code, such as `missing:$.at`.
    reason: String,
    /// The reason, in a sentence.
    message: String,
}

/// Say what happened.
///
/// A row is `{"entity_type", "entity_id", "outcome", "at"}`; if nothing happened, `at` is null and `followed_until` says
/// until when somebody has looked; `{"entity_type", "entity_id", "acted", "at"}` says what somebody did. As
/// `application/x-ndjson`, there is a row on each line. A row with the same key replaces the earlier one.
#[utoipa::path(
    post,
    path = "/v1/outcomes",
    tag = "outcomes",
    request_body(content(
        (serde_json::Value = "application/json"),
        (String = "application/x-ndjson"),
    )),
    responses(
        (status = 200, description = "The rows that were not refused are durable", body = StoredOutcomes),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post<E: Engine>(
    State(app): State<App<E>>,
    headers: HeaderMap,
    WholeBody(body): WholeBody,
) -> Result<Json<StoredOutcomes>, Problem> {
    if !app.engine.takes_outcomes() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "read_only",
            "this program only reads what happened",
            "run portend outcomes import FILE with --store dynamodb:TABLE",
        ));
    }
    let (now, types) = (app.now(), app.engine.types());
    let mut result = StoredOutcomes::default();
    let mut rows = Vec::new();
    for (line, text) in split(&content_type(&headers), &body)? {
        match OutcomeRow::read(text, types, now) {
            Ok(row) => rows.push(row),
            Err(refusal) => {
                result.refused += 1;
                if result.problems.len() < NAMED_MAX {
                    let (reason, message) = (refusal.reason().to_string(), refusal.message().to_owned());
                    result.problems.push(OutcomeProblem { line, reason, message });
                }
            }
        }
    }
    app.engine.store().put_outcomes(&rows, now).await?;
    *app.quality.lock().await = None;
    result.stored = rows.len() as u64;
    Ok(Json(result))
}

/// The rows of a body with their numbers.
fn split<'b>(content_type: &str, body: &'b [u8]) -> Result<Vec<(usize, &'b [u8])>, Problem> {
    let rows: Vec<(usize, &[u8])> = if is_lines(content_type) {
        let lines = (1..).zip(body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii));
        lines.filter(|(_, line)| !line.is_empty()).collect()
    } else if content_type == "application/json" {
        match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(array) => (1..).zip(array.iter().map(|row| row.get().as_bytes())).collect(),
            Err(_) if body.trim_ascii().is_empty() => Vec::new(),
            // One row, or what the reader of rows refuses with its reason.
            Err(_) => vec![(1, body)],
        }
    } else {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong_content_type",
            "the content type is not one of a row",
            "send application/json, or application/x-ndjson for one row on each line",
        ));
    };
    if rows.is_empty() {
        return Err(Problem::bad("no_row", "the body has no row", "send a row as a JSON object"));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_body_is_split_into_numbered_rows() {
        for (content_type, body, expected) in [
            ("application/json", "{}", Some(vec![(1, "{}")])),
            ("application/json", "[{\"a\":1}, {}]", Some(vec![(1, "{\"a\":1}"), (2, "{}")])),
            ("application/json", "{", Some(vec![(1, "{")])),
            ("application/x-ndjson", "{}\n\n[]\r\n", Some(vec![(1, "{}"), (3, "[]")])),
            ("application/json", "[]", None),
            ("application/json", " ", None),
            ("application/x-ndjson", "\n", None),
            ("text/csv", "{}", None),
        ] {
            let rows = split(content_type, body.as_bytes()).ok();
            let expected: Option<Vec<(usize, &[u8])>> =
                expected.map(|rows| rows.into_iter().map(|(line, text)| (line, text.as_bytes())).collect());
            assert_eq!(rows, expected, "{content_type}: {body}");
        }
    }
}
