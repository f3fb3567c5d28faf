//! The figures equal those of scikit-learn, scipy and numpy, which `golden/golden.py` wrote.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing there has failed")]

use portend_eval::figures::{Figures, PairedFigures};
use portend_eval::rows::ScoredRow;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/golden.json")).unwrap()
}

fn rows(case: &Value) -> Vec<ScoredRow> {
    let row = |row: &Value| ScoredRow {
        score: row["score"].as_f64().unwrap(),
        baseline: row["baseline"].as_f64(),
        event: row["outcome"] == 1,
        entity: row["entity"].as_str().map(str::to_owned),
    };
    case["rows"].as_array().unwrap().iter().map(row).collect()
}

/// Compares every number of `expected` with the one of the same name.
fn check(name: &str, path: &str, expected: &Value, got: &Value) {
    match expected {
        Value::Object(members) => {
            for (key, value) in members.iter().filter(|(key, _)| *key != "paired") {
                check(name, &format!("{path}.{key}"), value, &got[key]);
            }
        }
        Value::Array(items) => {
            assert_eq!(items.len(), got.as_array().unwrap().len(), "{name}: {path}");
            for (index, value) in items.iter().enumerate() {
                check(name, &format!("{path}[{index}]"), value, &got[index]);
            }
        }
        Value::Number(number) => {
            let tolerance = match path {
                ".auc" | ".brier" | ".base_rate" => 1e-12,
                path if path.starts_with(".recalibration") => 1e-6,
                _ => 1e-9,
            };
            let (number, got) = (number.as_f64().unwrap(), got.as_f64().unwrap_or(f64::NAN));
            assert!((number - got).abs() <= tolerance, "{name}: {path}: expected {number}, got {got}");
        }
        Value::Null | Value::Bool(_) | Value::String(_) => panic!("{name}: {path} is not a number"),
    }
}

#[test]
fn the_figures_are_those_of_scikit_learn() {
    let golden = golden();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let figures = serde_json::to_value(Figures::of_scores(&rows(case))).unwrap();
        check(name, "", &case["figures"], &figures);
    }
}

#[test]
fn score_and_baseline_are_compared_as_scipy_does() {
    let golden = golden();
    let mut compared = 0;
    for case in golden["cases"].as_array().unwrap() {
        if let Some(expected) = case["figures"].get("paired") {
            let paired = serde_json::to_value(PairedFigures::of(&rows(case)).unwrap()).unwrap();
            check(case["name"].as_str().unwrap(), "", expected, &paired);
            compared += 1;
        }
    }
    assert_eq!(compared, 2);
}
