//! What happened, how good the scores were, and better ones: from the command line, on simulated data.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use portend_core::time::Timestamp;
use serde_json::{Value, json};

use crate::alerts::{student, with};
use crate::harness::Home;

/// Sixty days of a small marketplace with its insights and its outcomes.
fn marketplace() -> Home {
    let home = Home::new();
    let alerts = home.run("simulate --entities 150 --days 60 --outcomes outcomes.jsonl").exits(0).out;
    home.write("alerts.jsonl", &alerts);
    home.run("explain --json alerts.jsonl").exits(0);
    home
}

fn calls_of(id: &str, calls: u32, at: &str) -> Value {
    let facts = json!({ "ib_calls_14d": calls, "health_score": 65 });
    with(&with(&student(id), "/details", facts), "/timestamp", json!(at))
}

/// A student a day for most of a year, more of whom left the more they had called; what happened is not imported.
fn earning_a_map() -> Home {
    let home = Home::new();
    let (mut alerts, mut outcomes) = (String::new(), String::new());
    for day in 0..240_u32 {
        let (id, calls) = (format!("stu_{day}"), 2 + day * 7 % 9);
        let at = Timestamp::EPOCH.plus(Duration::from_hours(24) * (20_089 + day));
        let alert = calls_of(&id, calls, &at.to_string());
        alerts += &(alert.to_string() + "\n");
        if (day * 37) % 100 < (calls - 2) * 8 {
            let left = at.plus(Duration::from_hours(48)).to_string();
            let row = json!({"entity_type": "student", "entity_id": id, "outcome": "churn", "at": left});
            outcomes += &(row.to_string() + "\n");
        }
    }
    home.write("outcomes.jsonl", outcomes);
    home.explain(alerts).exits(0);
    home
}

/// What happened to the first of them, and then to all.
const KNOWN: [&str; 2] =
    ["outcomes census student churn --until 2025-09-15", "outcomes census student churn --until 2025-12-01"];

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Rows whose event is likelier the higher the score.
fn rows(count: u32) -> String {
    let row = |i: u32| {
        let score = i * 37 % 101;
        let outcome = u32::from((i * 7919) % 100 < score);
        json!({ "score": score, "outcome": outcome, "baseline": i % 90, "entity": format!("e{}", i % 50) })
    };
    (0..count).map(row).fold(String::new(), |rows, row| rows + &row.to_string() + "\n")
}

#[test]
fn rows_of_a_file_are_judged_and_what_they_do_not_carry_is_null_with_a_reason() {
    let home = Home::new();
    let report = home.feed("eval --rows - --json", rows(300)).exits(0).json().remove(0);
    let expected = [
        "n",
        "entities",
        "events",
        "base_rate",
        "base_rate_low",
        "base_rate_high",
        "auc",
        "auc_se",
        "auc_low",
        "auc_high",
        "brier",
        "brier_se",
        "brier_skill",
        "log_loss",
        "ece",
        "ece_floor",
        "recalibration",
        "bins",
        "reasons",
        "paired",
        "pending",
        "yes",
        "no",
        "gone",
        "unknown",
    ];
    for name in expected {
        assert!(report.get(name).is_some(), "{name} in {report}");
    }
    assert_eq!((&report["n"], &report["entities"]), (&json!(300), &json!(50)));
    assert_eq!(names(&report["bins"][0]), BTreeSet::from(["high", "low", "mean", "n", "rate"]));
    assert_eq!(report["yes"].as_u64().unwrap() + report["no"].as_u64().unwrap(), 300);
    let few = home.feed("eval --rows - --json", rows(9)).exits(0).json().remove(0);
    assert_eq!((&few["auc"], &few["reasons"]["auc"]), (&Value::Null, &json!("few_events")));
    assert_eq!((&few["ece"], &few["reasons"]["ece"]), (&Value::Null, &json!("few_rows")));
    let one = home.feed("eval --rows - --json", "{\"score\":1,\"outcome\":0}\n").exits(0).json().remove(0);
    assert_eq!(one["reasons"]["auc"], "one_class");
    let none = home.feed("eval --rows - --json", "").exits(0).json().remove(0);
    assert_eq!((&none["n"], &none["reasons"]["auc"]), (&json!(0), &json!("no_rows")));
    home.feed("eval --rows - --fail-under auc=.6", rows(300)).exits(0);
    let under = home.feed("eval --rows - --fail-under auc=.99", rows(300)).exits(1);
    assert!(under.err.contains("auc is 0."), "{}", under.err);
    home.feed("eval --rows - --fail-under auc=.6", rows(9)).exits(1);
    let refused = home.feed("eval --rows - --json", "{\"score\":1}\n{\"score\":1,\"outcome\":1}\n").exits(1);
    assert!(refused.err.contains("line 1 of -: missing:$.outcome"), "{}", refused.err);
    assert_eq!(refused.json()[0]["n"], 1);
}

/// The last sentence is for somebody who has never heard of an AUC.
#[test]
fn the_report_of_rows_ends_with_a_sentence_in_plain_words() {
    let home = Home::new();
    let text = home.feed("eval --rows -", rows(300)).exits(0).out;
    insta::assert_snapshot!("the_report_of_rows", text);
    let last = |rows: String| {
        let text = home.feed("eval --rows -", rows).exits(0).out;
        text.trim_end().lines().last().unwrap().to_owned()
    };
    let reversed = rows(300).replace("\"outcome\":1", "\"outcome\":2");
    let reversed =
        reversed.replace("\"outcome\":0", "\"outcome\":1").replace("\"outcome\":2", "\"outcome\":0");
    for (rows, says) in [
        (reversed, "chance is 50, so a higher score goes with a lower rate."),
        (
            rows(300).replace("\"score\":", "\"other\":").replace("\"baseline\":", "\"score\":"),
            "these rows show no difference from it.",
        ),
        (rows(9), "ranks right is not known: fewer than 10 rows with the event, or without it."),
    ] {
        assert!(last(rows.clone()).ends_with(says), "{says}: {}", last(rows));
    }
}

#[test]
fn copies_of_one_entity_widen_the_interval_as_if_they_were_one() {
    let home = Home::new();
    let once = home.feed("eval --rows - --json", rows(200)).exits(0).json().remove(0);
    let thrice = home.feed("eval --rows - --json", rows(200).repeat(3)).exits(0).json().remove(0);
    let se = |report: &Value| report["auc_se"].as_f64().unwrap();
    assert!((se(&once) - se(&thrice)).abs() < 1e-12, "{} {}", se(&once), se(&thrice));
}

#[test]
fn outcomes_are_imported_listed_and_retracted() {
    let home = Home::new();
    let student = r#""entity_type":"student","entity_id":"stu_1","outcome":"churn""#;
    let lines = format!(
        "{{{student},\"at\":\"2025-01-03T09:50:26Z\"}}\n{{{student}}}\n{{{student},\"at\":null,\"followed_until\":\"2025-02-01T00:00:00Z\"}}\n"
    );
    let run = home.feed("outcomes import - --json", &lines).exits(1);
    let report = &run.json()[0];
    assert_eq!((&report["stored"], &report["refused"]), (&json!(2), &json!(1)), "{report}");
    let problem = &report["problems"][0];
    assert_eq!((&problem["line"], &problem["reason"]), (&json!(2), &json!("missing:$.at")), "{report}");
    assert_eq!(names(problem), BTreeSet::from(["line", "reason", "message"]));
    assert!(run.err.contains("line 2 of -: missing:$.at"), "{}", run.err);
    let csv = "entity_type,entity_id,outcome,at,followed_until,acted\nstudent,stu_1,churn,,2025-04-01T00:00:00Z,\n\
               student,stu_1,,2025-01-05T10:00:00Z,,called\n";
    home.write("more.csv", csv);
    for _ in 0..2 {
        home.run("outcomes import more.csv").exits(0);
        let listed = home.run("outcomes list --entity stu_1 --json").exits(0).json();
        assert_eq!(listed.len(), 3, "{listed:?}");
        assert_eq!(listed[1]["followed_until"], "2025-04-01T00:00:00.000Z");
    }
    home.run("outcomes retract student stu_1 churn --at 2025-01-03T09:50:26Z").exits(0);
    home.run("outcomes retract student stu_1 churn --at 2025-01-03T09:50:26Z").exits(1);
    assert_eq!(home.run("outcomes list --entity stu_1 --json").exits(0).json().len(), 2);
    home.run("outcomes census student churn --until 2025-04-01").exits(0);
    home.run("outcomes census student shortage --until 2025-04-01").complains(
        2,
        "no alert type predicts",
        "student churn",
    );
    for (until, says) in [("2099-04-01", "at most 24 hours"), ("1999-04-01", "2000 or later")] {
        let line = format!("outcomes census student churn --until {until}");
        home.run(&line).complains(2, "is not a time of a census", says);
    }
}

#[test]
fn a_bad_first_line_and_a_byte_order_mark_lose_no_row() {
    let home = Home::new();
    let good = |student: &str| {
        format!(
            r#"{{"entity_type":"student","entity_id":"{student}","outcome":"churn","at":"2025-01-03T00:00:00Z"}}"#
        )
    };
    let run = home.feed("outcomes import - --json", format!("nope\n{}\n{}\n", good("a"), good("b"))).exits(1);
    let report = &run.json()[0];
    assert_eq!((&report["stored"], &report["refused"]), (&json!(2), &json!(1)), "{report}");
    assert_eq!(report["problems"][0]["reason"], "not_json");
    let of_excel = "\u{feff}entity_type,entity_id,outcome,at\r\nstudent,c,churn,2025-01-03T00:00:00Z\r\n";
    home.write("excel.csv", of_excel);
    let report = home.run("outcomes import excel.csv --json").exits(0).json().remove(0);
    assert_eq!(report, json!({"stored": 1, "refused": 0}));
    home.write("bad.jsonl", "nope\n");
    let report = home.run("outcomes import excel.csv bad.jsonl --json").exits(1).json().remove(0);
    assert_eq!((&report["stored"], &report["problems"][0]["file"]), (&json!(1), &json!("bad.jsonl")));
}

#[test]
fn every_outcome_is_listed_with_or_without_insights() {
    let home = Home::new();
    let row = |index: u32| {
        let id = format!("stu_{index}");
        json!({"entity_type": "student", "entity_id": id, "outcome": "churn", "at": "2025-01-03T00:00:00Z"})
            .to_string()
            + "\n"
    };
    home.feed("outcomes import -", (0..416).map(row).collect::<String>()).exits(0);
    assert_eq!(home.run("outcomes list --json").exits(0).json().len(), 416);
    home.run("outcomes census student churn --until 2025-04-01").exits(0);
    let listed = home.run("outcomes list --json").exits(0).json();
    assert_eq!(listed.len(), 417);
    assert_eq!(listed.iter().filter(|row| row.get("entity_id").is_none()).count(), 1);
    let table = home.run("outcomes list").exits(0).out;
    assert!(table.contains("everyone") && table.contains("stu_415"), "{table}");
}

#[test]
fn an_act_is_retracted_by_the_name_and_time_of_the_list() {
    let home = Home::new();
    let act = r#"{"entity_type":"student","entity_id":"stu_1","acted":"called","at":"2025-01-05T10:00:26Z"}"#;
    home.feed("outcomes import -", act).exits(0);
    let table = home.run("outcomes list").exits(0).out;
    assert!(table.contains("acted:called") && table.contains("2025-01-05T10:00:26.000Z"), "{table}");
    let retract = "outcomes retract student stu_1";
    let at = "--at 2025-01-05T10:00:26.000Z";
    let run = home.run(&format!("{retract} acted:called {at}")).exits(0);
    assert!(
        run.err.contains("removed acted:called of student stu_1 at 2025-01-05T10:00:26.000Z"),
        "{}",
        run.err
    );
    home.run(&format!("{retract} acted:called {at}")).exits(1);
    home.feed("outcomes import -", act).exits(0);
    home.run(&format!("{retract} called --acted {at}")).exits(0);
    assert_eq!(home.run("outcomes list --json").exits(0).json().len(), 0);
    home.run(&format!("{retract} called {at}")).complains(
        2,
        "no alert type predicts called",
        "student churn",
    );
    home.run(&format!("{retract} acted:called")).complains(2, "an act has a time", "--at");
    home.run(&format!("outcomes retract dog stu_1 acted:called {at}")).complains(2, "about a dog", "student");
    home.run(&format!("outcomes retract student - acted:called {at}")).complains(2, "everyone", "entity");
}

#[test]
fn an_event_that_says_what_happened_is_recorded_by_explain() {
    let home = Home::new();
    let event = |at: &str| {
        json!({"source": "x", "detail-type": "outcome", "detail": {
            "entity_type": "student", "entity_id": "stu_1", "outcome": "churn", "at": at,
        }})
        .to_string()
    };
    let ended = home.explain(event("2025-01-03T00:00:00Z")).exits(0).json();
    assert_eq!(ended, [json!({"status": "recorded"})]);
    let ended = home.explain(event("soon")).exits(1).json();
    assert_eq!((&ended[0]["status"], &ended[0]["reason"]), (&json!("parked"), &json!("invalid:$.detail.at")));
    assert_eq!(home.run("outcomes list --json").exits(0).json().len(), 1);
    let lines = event("2025-01-04T00:00:00Z") + "\n" + &event("2025-01-05T00:00:00Z") + "\n";
    let run = home.feed("explain -", lines).exits(0);
    assert!(run.out.contains("recorded what happened to student stu_1"), "{}", run.out);
    assert!(run.out.contains("2 recorded"), "{}", run.out);
    assert_eq!(home.run("outcomes list --json").exits(0).json().len(), 3);
}

#[test]
fn absence_and_early_events_are_not_counted_and_the_states_add_up() {
    let home = marketplace();
    let states = |line: &str| {
        home.run(line)
            .exits(0)
            .json()
            .into_iter()
            .map(|report| {
                let count = |name: &str| report[name].as_u64().unwrap();
                assert_eq!(
                    count("yes") + count("no") + count("pending") + count("gone") + count("unknown"),
                    home.insights().iter().filter(|each| each["prediction_type"] == report["type"]).count()
                        as u64
                );
                (count("pending"), count("yes"), count("no"), count("unknown"), count("n"))
            })
            .collect::<Vec<_>>()
    };
    for (_, yes, no, unknown, n) in states("eval --json") {
        assert_eq!((yes, no, n), (0, 0, 0), "nothing was imported");
        assert!(unknown > 0);
    }
    home.run("outcomes import outcomes.jsonl").exits(0);
    for (pending, yes, no, unknown, _) in states("eval --json --as-of 2025-01-10") {
        assert_eq!((yes, no, unknown), (0, 0, 0));
        assert!(pending > 0);
    }
    let all = states("eval --json");
    assert!(
        all.iter().all(|(pending, _, no, unknown, _)| *pending == 0 && *no > 0 && *unknown == 0),
        "{all:?}"
    );
    let every = states("eval --json --all");
    assert!(all.iter().zip(&every).all(|(first, every)| first.4 < every.4), "{all:?} {every:?}");
    let page = home.path("report.html");
    home.run("eval --html report.html").exits(0);
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.matches("<svg").count() >= 6 && !page.contains("http://") || page.contains("www.w3.org"),
        "{page}"
    );
}

#[test]
fn a_map_is_stored_once_it_is_earned_and_new_insights_use_it() {
    let home = marketplace();
    home.run("outcomes import outcomes.jsonl").exits(0);
    let reports = home.run("calibrate --json --apply").exits(0).json();
    assert_eq!(reports.len(), 3);
    for report in &reports {
        let event = fs::read_to_string(home.path("alerts.jsonl")).unwrap();
        let of_type = format!("\"detail-type\":\"{}\"", report["alert_type"].as_str().unwrap());
        let line = event.lines().find(|line| line.contains(&of_type)).unwrap();
        let later = line.replace("\"timestamp\":\"2025-", "\"timestamp\":\"2026-");
        let insight = home.explain(later).exits(0).json().remove(0)["insight"].clone();
        if report["status"] == "earned" {
            assert_eq!(
                (&insight["calibrated"]["map"], &insight["calibrated"]["rows"]),
                (&json!("v1"), &report["rows"])
            );
            let of = |name: &str| insight["calibrated"][name].as_f64().unwrap();
            assert!(of("low") < of("probability") && of("probability") < of("high"));
        } else {
            assert_eq!(insight.get("calibrated"), None);
            assert!(report["reason"].is_string());
        }
    }
}

#[test]
fn the_same_map_is_stored_once() {
    let home = earning_a_map();
    home.run("outcomes import outcomes.jsonl").exits(0);
    home.run(KNOWN[0]).exits(0);
    let calibrate = || {
        let map = home.run("calibrate --json --apply").exits(0).json().remove(0);
        assert!(map["version"].is_number(), "{map}");
        (map["status"].clone(), map["version"].clone(), map["applied"].clone(), map["unchanged"].clone())
    };
    assert_eq!(calibrate(), (json!("earned"), json!(1), json!(true), Value::Null));
    assert_eq!(calibrate(), (json!("earned"), json!(1), json!(true), json!(true)));
    for command in ["calibrate --apply", "calibrate"] {
        let text = home.run(command).exits(0).out;
        assert!(text.contains("Map v1 ") && text.contains("It is unchanged"), "{text}");
    }
    // More is known now, so it is another map.
    home.run(KNOWN[1]).exits(0);
    assert_eq!(calibrate(), (json!("earned"), json!(2), json!(true), Value::Null));
}

#[test]
fn an_insight_without_a_probability_says_what_is_missing() {
    let home = earning_a_map();
    let card = |says: &str| {
        let text = home.run("insight stu_7").exits(0).out;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(says), "{says}: {text}");
    };
    card("No probability yet: 0 of 10 outcomes of the rarer kind so far.");
    home.run("outcomes import outcomes.jsonl").exits(0);
    home.run(KNOWN[1]).exits(0);
    card("one can be made: portend calibrate --type high_ib_call_frequency --apply");
    home.run("calibrate --apply").exits(0);
    card("this insight was made without the map of its scores");
    home.explain(calls_of("stu_7", 9, "2025-11-30T09:00:00Z").to_string()).exits(0);
    card("Of those with such a score, about");
}

#[test]
fn a_fitted_type_is_a_folder_that_works_and_has_the_same_bytes_twice() {
    let home = marketplace();
    let fit = "fit --type low_health_score --alerts alerts.jsonl --outcomes outcomes.jsonl";
    let few = home.run(&format!("{fit} --json --out few")).exits(1).json().remove(0);
    assert_eq!(few["reason"], "few_events");
    let alerts = home.run("simulate --entities 900 --days 60 --outcomes outcomes.jsonl").exits(0).out;
    home.write("alerts.jsonl", alerts);
    let report = home.run(&format!("{fit} --json --out one")).exits(0).json().remove(0);
    assert!(report["new"]["auc"].as_f64().unwrap() > 0.5, "{report}");
    let text = home.run(&format!("{fit} --out two --html page.html")).exits(0).out;
    assert!(
        text.contains("In short: of 100 pairs of one with churn and one without, the new table ranks "),
        "{text}"
    );
    assert!(text.contains(", the table in use ") && text.contains("; chance is 50."), "{text}");
    let page = fs::read_to_string(home.path("page.html")).unwrap();
    for part in ["<svg", "<th>points before</th><th>points after</th>"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    for file in ["report.json", "report.md", "low_health_score/alert.toml"] {
        let read = |folder: &str| fs::read_to_string(home.path(folder).join(file)).unwrap();
        assert_eq!(read("one"), read("two"), "{file}");
    }
    home.run("types check one").exits(0);
    let insight = home.run("explain --alert-types one --json alerts.jsonl");
    assert!(insight.json().iter().any(|line| line["status"] == "stored"));
    home.write("low_health_score/alert.toml", "mine");
    home.run(&format!("{fit} --out low_health_score")).complains(2, "low_health_score exists", "--out");
}

#[test]
fn drift_is_said_of_entities_and_not_of_few() {
    let home = marketplace();
    let reports = home.run("drift --json --as-of 2025-02-20 --since 7d --against 30d").exits(0).json();
    assert_eq!(reports.len(), 3);
    assert!(
        reports
            .iter()
            .all(|report| ["too_few", "none", "drift"].contains(&report["status"].as_str().unwrap()))
    );
    let subjects = &reports[2];
    assert_eq!(
        (&subjects["type"], &subjects["status"]),
        (&json!("supply_demand_imbalance"), &json!("too_few"))
    );
}

#[test]
fn a_scorecards_drivers_are_exact_and_need_no_call() {
    let home = Home::new();
    let event = include_bytes!("../../../../test/test-alert.json");
    let insight = home.explain(event).exits(0).json().remove(0);
    let id = insight["alert_id"].as_str().unwrap();
    let measured = home.run(&format!("drivers {id} --json")).exits(0).json().remove(0);
    assert_eq!(
        (&measured["calls"], &measured["noise"], &measured["status"]),
        (&json!(0), &json!(0.0), &json!("complete"))
    );
    let effects: Vec<_> = measured["measured_drivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| (each["fact"].as_str().unwrap(), each["effect"].as_f64().unwrap()))
        .collect();
    assert_eq!(effects, [("ib_calls_14d", 35.0), ("health_score", 18.0)]);
    home.run("drivers nothing --json").exits(1);
}

#[test]
fn each_report_is_also_one_page_that_needs_nothing_else() {
    let home = marketplace();
    home.run("outcomes import outcomes.jsonl").exits(0);
    home.run("outcomes census student churn --until 2025-12-01").exits(0);
    let insight = home.run("insights --json --limit 1 --type low_health_score").exits(0).json().remove(0);
    let drivers = format!("drivers {}", insight["alert_id"].as_str().unwrap());
    for (command, parts) in [
        ("eval", vec!["<svg", "Reliability diagram"]),
        ("calibrate", vec!["<section>"]),
        ("drift --as-of 2025-02-20 --since 7d --against 30d", vec!["<section>", "SHARE OF INSIGHTS"]),
        (&drivers, vec!["<svg", "What moves the score"]),
    ] {
        let ended = home.run(&format!("{command} --html page.html"));
        assert!(ended.code == Some(0), "{command}: {}", ended.err);
        let page = fs::read_to_string(home.path("page.html")).unwrap();
        for part in parts {
            assert!(page.contains(part), "{command}: {part} is not in {page}");
        }
        assert!(!page.contains("<script") && !page.contains("src="), "{command}");
    }
    let ended = home.run("eval --html nowhere/page.html").exits(1);
    assert!(ended.err.contains("name a file in an existing folder"), "{}", ended.err);
}
