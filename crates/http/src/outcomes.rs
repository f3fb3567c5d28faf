//! `POST /v1/outcomes`: what happened to entities, so that scores can be judged.
//!
//! Never: stores a row that `portend outcomes import` would refuse.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use portend_core::alert::Refusal;
use portend_core::alert_type::AlertTypes;
use portend_core::outcome::OutcomeRow;
use portend_core::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::Engine;
use crate::limits::OUTCOME_PROBLEMS_MAX;
use crate::outcome_rows::{OutcomeProblem, read_outcome_rows};
use crate::problem::Problem;
use crate::request::{WholeBody, content_type, is_lines};

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

/// Say what happened.
///
/// A row is `{"entity_type", "entity_id", "outcome", "at"}`; if nothing happened, `at` is null and `followed_until` says
/// until when somebody has looked; `{"entity_type", "entity_id", "acted", "at"}` says what somebody did. As
/// `application/x-ndjson`, there is a row on each line, and as `text/csv` after a heading with these names. A row with the
/// same key replaces the earlier one.
#[utoipa::path(
    post,
    path = "/v1/outcomes",
    tag = "outcomes",
    request_body(content(
        (serde_json::Value = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
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
    let now = app.now();
    let mut result = StoredOutcomes::default();
    let mut rows = Vec::new();
    for (line, row) in read(&content_type(&headers), &body, app.engine.types(), now)? {
        match row {
            Ok(row) => rows.push(row),
            Err(refusal) => {
                result.refused += 1;
                if result.problems.len() < OUTCOME_PROBLEMS_MAX {
                    result.problems.push(OutcomeProblem::new(line, &refusal));
                }
            }
        }
    }
    app.put_outcomes(&rows).await?;
    result.stored = rows.len() as u64;
    Ok(Json(result))
}

/// A row or why it is refused, with its line or its place in the array.
type ReadRow = (u64, Result<OutcomeRow, Refusal>);

/// The rows of a body.
fn read(
    content_type: &str,
    body: &[u8],
    types: &AlertTypes,
    now: Timestamp,
) -> Result<Vec<ReadRow>, Problem> {
    let mut rows: Vec<ReadRow> = Vec::new();
    if is_lines(content_type) || content_type == "text/csv" {
        // It is in memory, so that reading it cannot fail.
        let _ = read_outcome_rows(body, types, now, |line, row| rows.push((line, row)));
    } else if content_type == "application/json" {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(array) => {
                let read = |row: &&RawValue| OutcomeRow::read(row.get().as_bytes(), types, now);
                rows.extend((1..).zip(array.iter().map(read)));
            }
            Err(_) if body.trim_ascii().is_empty() => {}
            // One row, or what the reader of rows refuses with its reason.
            Err(_) => rows.push((1, OutcomeRow::read(body, types, now))),
        }
    } else {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong_content_type",
            "the content type is not one of a row",
            "send application/json, application/x-ndjson for one row on each line, or text/csv with a heading",
        ));
    }
    if rows.is_empty() {
        return Err(Problem::bad("no_row", "the body has no row", "send a row as a JSON object"));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_into_numbered_rows() {
        let heading = "entity_type,entity_id,outcome,at";
        for (content_type, body, expected) in [
            ("application/json", "{}", Some(vec![(1, "missing:$.entity_type")])),
            (
                "application/json",
                "[{\"entity_type\":1}, {}]",
                Some(vec![(1, "invalid:$.entity_type"), (2, "missing:$.entity_type")]),
            ),
            ("application/json", "\u{feff}[{}]", Some(vec![(1, "missing:$.entity_type")])),
            ("application/json", "{", Some(vec![(1, "not_json")])),
            (
                "application/x-ndjson",
                "{}\n\n[]\r\n",
                Some(vec![(1, "missing:$.entity_type"), (3, "not_an_event")]),
            ),
            ("text/csv", &format!("{heading}\nstudent,a,churn"), Some(vec![(2, "missing:$.at")])),
            ("text/csv", &format!("{heading}\nstudent,a,churn,2025-01-03T00:00:00Z"), Some(vec![(2, "")])),
            ("text/csv", "student,a,churn", Some(vec![(1, "not_json")])),
            ("application/json", "[]", None),
            ("application/json", " ", None),
            ("application/x-ndjson", "\n", None),
            ("text/csv", heading, None),
            ("text/plain", "{}", None),
        ] {
            let now = Timestamp::parse("2025-06-01T00:00:00Z").unwrap();
            let rows = read(content_type, body.as_bytes(), &AlertTypes::built_in(), now).ok().map(|rows| {
                let reason = |row: Result<_, Refusal>| {
                    row.map_or_else(|each| each.reason().to_string(), |_| String::new())
                };
                rows.into_iter().map(|(line, row)| (line, reason(row))).collect::<Vec<_>>()
            });
            let expected: Option<Vec<(u64, String)>> =
                expected.map(|rows| rows.into_iter().map(|(line, text)| (line, text.to_owned())).collect());
            assert_eq!(rows, expected, "{content_type}: {body}");
        }
    }
}
