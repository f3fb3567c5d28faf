//! Reads scored rows from JSON Lines. A line that is not a row is reported and skipped.

use std::path::Path;

use anyhow::Result;
use portend_eval::rows::ScoredRow;
use serde_json::Value;

use crate::outcome_file::{self, RefusedLines};

/// Why a line is not a row: a code, and what was expected.
#[derive(Debug, PartialEq, Eq)]
struct RefusedRow {
    code: &'static str,
    expected: &'static str,
}

const NOT_JSON: RefusedRow = RefusedRow { code: "not_json", expected: "one JSON object per line" };

/// The rows of a file, and the number of lines that are not rows.
pub(super) fn read(path: &Path) -> Result<(Vec<ScoredRow>, u64)> {
    let mut rows = Vec::new();
    let mut refused = RefusedLines::of(path);
    let reader = outcome_file::open(path, "rows as JSON Lines")?;
    outcome_file::lines(reader, path, |number, line| {
        match row(line) {
            Ok(row) => rows.push(row),
            Err(RefusedRow { code, expected }) => {
                refused.add(number, &format!("{code}: expected {expected}"));
            }
        }
        Ok(())
    })?;
    refused.end();
    Ok((rows, refused.count))
}

fn row(line: &[u8]) -> Result<ScoredRow, RefusedRow> {
    let value: Value = serde_json::from_slice(line).map_err(|_| NOT_JSON)?;
    let members = value.as_object().ok_or(NOT_JSON)?;
    let expected = "a number from 0 to 100";
    let score = members.get("score").ok_or(RefusedRow { code: "missing:$.score", expected })?;
    let score = points(score).ok_or(RefusedRow { code: "invalid:$.score", expected })?;
    let expected = "0 or 1";
    let outcome = members.get("outcome").ok_or(RefusedRow { code: "missing:$.outcome", expected })?;
    let event = match outcome.as_f64() {
        Some(0.0) => false,
        Some(1.0) => true,
        _ => return Err(RefusedRow { code: "invalid:$.outcome", expected }),
    };
    let entity = match members.get("entity") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(_) => return Err(RefusedRow { code: "invalid:$.entity", expected: "a text" }),
    };
    let baseline = match members.get("baseline") {
        None | Some(Value::Null) => None,
        Some(baseline) => {
            let refused = RefusedRow { code: "invalid:$.baseline", expected: "a number from 0 to 100" };
            Some(points(baseline).ok_or(refused)?)
        }
    };
    Ok(ScoredRow { score, baseline, event, entity })
}

fn points(value: &Value) -> Option<f64> {
    value.as_f64().filter(|points| (0.0..=100.0).contains(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_score_and_an_outcome() {
        for (line, code) in [
            (r#"{"score":50,"outcome":1}"#, None),
            (r#"{"score":50.5,"outcome":0,"entity":"a","baseline":0,"more":[]}"#, None),
            (r#"{"score":50,"outcome":1,"entity":null,"baseline":null}"#, None),
            ("", Some("not_json")),
            ("[50,1]", Some("not_json")),
            (r#"{"outcome":1}"#, Some("missing:$.score")),
            (r#"{"score":101,"outcome":1}"#, Some("invalid:$.score")),
            (r#"{"score":"50","outcome":1}"#, Some("invalid:$.score")),
            (r#"{"score":50}"#, Some("missing:$.outcome")),
            (r#"{"score":50,"outcome":0.5}"#, Some("invalid:$.outcome")),
            (r#"{"score":50,"outcome":true}"#, Some("invalid:$.outcome")),
            (r#"{"score":50,"outcome":1,"entity":3}"#, Some("invalid:$.entity")),
            (r#"{"score":50,"outcome":1,"baseline":-1}"#, Some("invalid:$.baseline")),
        ] {
            assert_eq!(row(line.as_bytes()).err().map(|refused| refused.code), code, "{line}");
        }
    }
}
