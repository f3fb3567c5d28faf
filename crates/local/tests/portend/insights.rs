//! `portend insights` and `portend insight`: finding what is stored.

use serde_json::{Value, json};

use super::alerts::{lines, student, subject, with};
use super::harness::Home;

/// Five students at rising risk, and three subjects, one of whose names begins a formula.
fn home() -> Home {
    let home = Home::new();
    let message = "calls, \"many\"\r\nand =more";
    let students = [(0, 95), (2, 80), (3, 65), (5, 45), (9, 10)].into_iter().enumerate();
    let alerts = students.map(|(number, (calls, health))| {
        let facts = json!({ "ib_calls_14d": calls, "health_score": health });
        with(&with(&student(&format!("stu_{number}")), "/details", facts), "/message", message.into())
    });
    home.explain(lines(alerts.chain(["=1+1", "C#", "日本語"].map(subject)))).exits(0);
    home
}

fn entities(insights: &[Value]) -> Vec<&str> {
    let mut ids: Vec<&str> = insights.iter().map(|insight| insight["entity_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn filters_leave_what_passes_all_of_them() {
    let home = home();
    let subjects: &[&str] = &["=1+1", "C#", "日本語"];
    for (filter, expected) in [
        ("--entity stu_3", &["stu_3"][..]),
        ("--entity STU_3", &[]),
        ("--entity C#", &["C#"]),
        ("--type supply_demand_imbalance", subjects),
        ("--type low_health_score", &[]),
        ("--min-risk 63", &["=1+1", "C#", "stu_3", "stu_4", "日本語"]),
        ("--min-risk 95", &["stu_4"]),
        ("--min-risk 95.5", &[]),
        ("--type high_ib_call_frequency --min-risk 11 --entity stu_1", &["stu_1"]),
        ("--since 1h", &["=1+1", "C#", "stu_0", "stu_1", "stu_2", "stu_3", "stu_4", "日本語"]),
        ("--since 2999-01-01", &[]),
        ("--since 2999-01-01T00:00:00+02:00", &[]),
    ] {
        let found = home.run(&format!("insights --json {filter}")).exits(0);
        assert_eq!(entities(&found.json()), expected, "{filter}");
        let table = home.run(&format!("insights {filter}")).exits(0);
        if expected.is_empty() {
            assert_eq!((table.out.as_str(), table.err.as_str()), ("", "no insight matches\n"), "{filter}");
        } else {
            assert_eq!(table.out.lines().count(), expected.len() + 1, "{filter}: {}", table.out);
        }
    }
    let unknown = home.run("insights --type nope").exits(0);
    assert!(unknown.err.contains("unknown alert type nope; portend types lists them"), "{}", unknown.err);
}

#[test]
fn wrong_filters_are_refused_with_what_is_right() {
    let home = home();
    for (filter, mend) in [
        ("--min-risk 101", "a number from 0 to 100"),
        ("--min-risk nan", "a number from 0 to 100"),
        ("--min-risk high", "a number from 0 to 100"),
        ("--since yesterday", "2025-01-31"),
        ("--since 2025-02-30", "2025-01-31"),
        ("--limit some", "--limit"),
        ("--json --csv", "cannot be used with"),
    ] {
        let run = home.run(&format!("insights {filter}")).exits(2);
        assert!(run.out.is_empty() && run.err.contains(mend), "{filter}: {run:?}");
    }
}

#[test]
fn a_limit_says_that_there_are_more() {
    let home = home();
    let all = home.insights();
    for (limit, count) in [("1", 1), ("7", 7), ("8", 8), ("9", 8), ("0", 8), ("18446744073709551615", 8)] {
        let run = home.run(&format!("insights --json --limit {limit}")).exits(0);
        assert_eq!(run.json(), all[..count], "the newest come first, whatever the limit");
        assert_eq!(run.err.contains("--limit"), count < 8, "--limit {limit}: {}", run.err);
    }
}

#[test]
fn csv_is_read_back_as_it_was_and_is_no_formula() {
    let home = home();
    let run = home.run("insights --csv").exits(0);
    let mut reader = csv::Reader::from_reader(run.out.as_bytes());
    let headings = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 8);
    let insights = home.insights();
    for (row, insight) in rows.iter().zip(&insights) {
        let cell = |name: &str| &row[headings.iter().position(|heading| heading == name).unwrap()];
        assert_eq!(cell("alert_id"), insight["alert_id"].as_str().unwrap());
        assert_eq!(cell("risk_score"), insight["risk_score"].to_string());
        let lines: Vec<_> = insight["recommendations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| each.as_str().unwrap())
            .collect();
        assert_eq!(cell("recommendations"), lines.join("\n"));
        match insight["entity_id"].as_str().unwrap() {
            "=1+1" => assert_eq!(cell("entity_id"), "'=1+1"),
            id => assert_eq!(cell("entity_id"), id),
        }
        if insight["entity_type"] == "student" {
            assert_eq!(cell("message"), "calls, \"many\"\\u{d}\nand =more");
        }
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{row:?}");
    }
    assert_eq!(
        home.run("insights --csv --type low_health_score").exits(0).out.lines().count(),
        1,
        "the headings"
    );
}

#[test]
fn one_insight_is_shown_with_what_it_was_made_from() {
    let home = home();
    for insight in home.insights() {
        let id = insight["alert_id"].as_str().unwrap();
        assert_eq!(home.run_args(&["insight", "--json", id]).exits(0).json()[0], insight);
        let card = home.run_args(&["insight", id]).exits(0).out;
        for field in ["alert_id", "entity_id", "prediction_type", "run", "timestamp", "alert_timestamp"] {
            assert!(card.contains(insight[field].as_str().unwrap()), "no {field} in {card}");
        }
    }
    let unknown = home.run("insight nope").exits(1);
    assert!(
        unknown.out.is_empty()
            && unknown.err.contains("there is no insight nope; portend insights lists them"),
        "{unknown:?}"
    );
    assert_eq!(home.run("insight --json nope").exits(1).out, "");
}

#[test]
fn the_score_is_the_sum_of_its_points() {
    for insight in home().insights() {
        let baseline = &insight["baseline"];
        let points = baseline["points"].as_object().unwrap().values().map(|points| points.as_f64().unwrap());
        let sum = baseline["base"].as_f64().unwrap() + points.sum::<f64>();
        assert_eq!(insight["risk_score"].as_f64(), Some(sum), "{insight}");
        let advice = insight["recommendations"].as_array().unwrap().len();
        assert!((2..=3).contains(&advice), "{insight}");
    }
}
