//! Writing, trying and comparing alert types, and what the samples of a type must be.

use std::fs;

use serde_json::{Value, json};

use super::alerts::{ALERT_TYPES, lines, student, with};
use super::harness::Home;

/// The folder of the examples in the repository.
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

fn foreign() -> Value {
    json!({
        "alert_type": "anything", "entity_type": "database", "entity_id": "orders db", "severity": "warning",
        "timestamp": "2025-01-01T12:00:00Z",
        "details": { "rows": 12000, "share": 0.25, "full_scan": true, "plan": "seq_scan", "sql": "select 1", "lag": null }
    })
}

#[test]
fn a_new_type_is_valid_and_judges_the_alert_that_it_was_made_from() {
    let home = Home::new();
    for (name, alert) in
        [("bare.json", foreign()), ("event.json", json!({ "detail-type": "x", "detail": foreign() }))]
    {
        home.write(name, alert.to_string());
        let id = format!("slow_query_{}", name.len());
        let made = home.run(&format!("types new {id} --from {name} --dir types")).exits(0);
        assert!(made.out.contains(&format!("types/{id}/alert.toml")), "{}", made.out);
        let toml = fs::read_to_string(home.path(&format!("types/{id}/alert.toml"))).unwrap();
        let keys = [
            "title",
            "entity_id",
            "repeat_window",
            "stale_after",
            "unit",
            "step",
            "worse",
            "otherwise",
            "add",
            "advice",
        ];
        for key in keys {
            let at =
                toml.lines().position(|line| line.starts_with(key)).unwrap_or_else(|| panic!("no {key}"));
            let before: Vec<_> = toml.lines().take(at).collect();
            assert!(before.iter().rev().take(3).any(|line| line.starts_with('#')), "{key} is not explained");
        }
        home.run(&format!("types new {id} --from {name} --dir types")).complains(
            2,
            id.as_str(),
            "choose another id",
        );
    }
    assert!(home.run("types check types").exits(0).out.starts_with("2 alert types and 2 samples are valid"));
    let alert = with(&foreign(), "/alert_type", "slow_query_9".into());
    home.write("alert.json", alert.to_string());
    let tried = home.run("types try --json types/slow_query_9 alert.json").exits(0).json();
    assert_eq!(tried[0]["status"], "judged");
    assert_eq!(tried[0]["insight"]["unknowns"], json!(["lag"]));
    assert_eq!(tried[0]["insight"]["facts"]["sql"], "select 1");
    assert!(!home.store().exists(), "nothing is stored");
}

/// From the payload of another system, the new type has a mapping too, which reads that payload.
#[test]
fn a_new_type_has_a_mapping_for_the_payload_that_it_was_made_from() {
    let home = Home::new();
    for (id, payload, source, alert) in [
        (
            "my_alarm",
            "cloudwatch_alarm/from/cloudwatch/metric.json",
            "cloudwatch",
            json!({ "entity_type": "alarm", "entity_id": "checkout p99 latency > 2s", "severity": "warning" }),
        ),
        (
            "my_prometheus",
            "alertmanager_alert/from/alertmanager/group.json",
            "my_prometheus",
            json!({ "entity_type": "monitor", "entity_id": "NodeFilesystemSpaceFillingUp", "severity": "critical" }),
        ),
        ("my_grafana", "grafana_alert/from/grafana/memory.json", "my_grafana", json!({})),
        ("my_monitor", "datadog_monitor/from/datadog/triggered.json", "my_monitor", json!({})),
        ("my_issue", "sentry_issue/from/sentry_issue/created.json", "my_issue", json!({})),
    ] {
        let made = home.run(&format!("types new {id} --from {EXAMPLES}/{payload} --dir types")).exits(0);
        assert!(made.out.contains(&format!("types/{id}/from/{source}.toml, which guesses")), "{}", made.out);
        let text =
            fs::read_to_string(home.path(&format!("types/{id}/samples/01-typical/alert.json"))).unwrap();
        let written: Value = serde_json::from_str(&text).unwrap();
        for (key, value) in alert.as_object().unwrap() {
            assert_eq!(&written[key], value, "{id}: {text}");
        }
        assert!(!written["details"].as_object().unwrap().is_empty(), "{text}");
        let tried = home.run(&format!("types try --json types/{id} {EXAMPLES}/{payload}")).exits(0).json();
        assert_eq!(tried[0]["status"], "judged", "{id}");
    }
    home.run("types check types").exits(0);
}

#[test]
fn what_no_type_can_be_made_from_is_said() {
    let home = Home::new();
    home.write("alert.json", foreign().to_string());
    home.write("list.json", "[1]");
    home.write("text.json", "{");
    home.run("types new Slow --from alert.json").complains(2, "`Slow`", "use a lower-case letter");
    home.run("types new slow --from list.json").complains(2, "list.json", "or write a mapping");
    home.run("types new slow --from text.json").complains(2, "text.json", "give a file with one alert");
    home.run("types new slow --from none.json").complains(2, "none.json", "give a file with one alert");
    assert!(!home.path("alert-types").exists());
}

#[test]
fn a_trial_refuses_what_a_run_would_park_and_stores_nothing() {
    let home = Home::new();
    home.write(
        "alerts.jsonl",
        lines([student("stu_1"), with(&student("stu_2"), "/details/health_score", 101.into())]),
    );
    let run = home.run("types try --json alerts.jsonl").exits(1);
    assert_eq!(run.outcomes(), ["judged", "invalid:$.details.health_score"]);
    assert!(run.json()[1]["message"].as_str().unwrap().starts_with("line 2 of alerts.jsonl: "));
    let card = home.run("types try alerts.jsonl").exits(1).out;
    assert!(card.contains("not stored") && card.contains("refused"), "{card}");
    home.run_args(&["types", "try", ALERT_TYPES]).complains(2, "no file with alerts", "add one");
    assert!(!home.store().exists());
}

/// The counts of a real run into an empty store.
fn counts(home: &Home, types: &str) -> Value {
    let store = format!("{types}.db");
    let run = home.run(&format!("explain --json --alert-types {types} --store {store} alerts.jsonl"));
    let scores: Vec<f64> = run
        .json()
        .iter()
        .filter(|line| line["status"] == "stored")
        .map(|line| line["insight"]["risk_score"].as_f64().unwrap())
        .collect();
    let above = |score: f64| scores.iter().filter(|each| **each >= score).count();
    json!({
        "alerts": run.json().len(), "parked": run.count("parked"), "repeats": run.count("repeated"),
        "insights": run.count("stored"), "at_60_or_above": above(60.0), "at_80_or_above": above(80.0),
    })
}

#[test]
fn a_comparison_counts_what_a_real_run_counts() {
    let home = Home::new();
    for id in ["high_ib_call_frequency", "low_health_score", "supply_demand_imbalance"] {
        let text = fs::read_to_string(format!("{ALERT_TYPES}/{id}/alert.toml")).unwrap();
        home.write(&format!("old/{id}/alert.toml"), &text);
        let changed = text
            .replace("repeat_window = \"24h\"", "repeat_window = \"72h\"")
            .replace("max        = 10000", "max        = 5")
            .replace("{ from = 8, points = 45 }", "{ from = 5, points = 45 }")
            .replace("{ from = 5, points = 35 }, ", "")
            .replace("{ from = 8, points = 25 }", "{ from = 5, points = 25 }")
            .replace("{ from = 5, points = 20 }, ", "");
        home.write(&format!("new/{id}/alert.toml"), changed);
    }
    let alerts = home.run("simulate --limit 600 --seed 7").exits(0).out;
    assert!(alerts.lines().count() >= 300);
    home.write("alerts.jsonl", alerts);
    let diff = home.run("types diff --json old new --alerts alerts.jsonl").exits(0).json().remove(0);
    for version in ["old", "new"] {
        let mut said = diff[version].clone();
        let model_calls = said["model_calls"].clone();
        assert_eq!(model_calls, said["insights"]);
        assert!(said["cost_usd"].as_f64().unwrap() > 0.0 && said["insights_per_day"].as_f64().unwrap() > 0.0);
        for key in ["model_calls", "cost_usd", "insights_per_day"] {
            said.as_object_mut().unwrap().remove(key);
        }
        assert_eq!(said, counts(&home, version), "{version}");
    }
    assert_ne!(diff["old"], diff["new"]);
    let same = home.run("types diff --json old old --alerts alerts.jsonl").exits(0).json().remove(0);
    assert_eq!(same["old"], same["new"]);
    assert!(same["crossings"].as_array().unwrap().iter().all(|each| each["rise"] == 0 && each["fall"] == 0));
    let table = home.run("types diff old new --alerts alerts.jsonl").exits(0).out;
    assert!(table.contains("insights per day") && table.contains("rise to 60 or above"), "{table}");
    home.run("types diff old none --alerts alerts.jsonl").complains(2, "none", "name the folder");
    home.run("types diff old new --alerts -").complains(
        2,
        "cannot be read twice",
        "write the alerts to a file",
    );
}

#[test]
fn a_reply_that_is_none_is_a_finding() {
    let home = Home::new();
    let folder = format!("{ALERT_TYPES}/high_ib_call_frequency");
    home.write("t/high_ib_call_frequency/alert.toml", fs::read(format!("{folder}/alert.toml")).unwrap());
    let sample = "t/high_ib_call_frequency/samples/01-typical";
    for file in ["alert.json", "insight.json"] {
        home.write(
            &format!("{sample}/{file}"),
            fs::read(format!("{folder}/samples/01-typical/{file}")).unwrap(),
        );
    }
    for reply in ["I cannot help with that.", "", "{\"risk_score\": 5}"] {
        home.write(&format!("{sample}/reply.txt"), reply);
        for flag in ["", " --write-insights"] {
            let check = home.run(&format!("types check{flag} t")).exits(1);
            let finding = format!("{sample}/reply.txt: it is not a reply: ");
            assert!(check.out.starts_with(&finding), "{reply:?}: {}", check.out);
        }
    }
}

#[test]
fn the_examples_are_valid_and_explained_without_rust() {
    let home = Home::new();
    home.run_args(&["types", "check", EXAMPLES]).exits(0);
    for (payload, expected) in [
        ("alertmanager_alert/from/alertmanager/group.json", 2),
        ("cloudwatch_alarm/from/cloudwatch/metric.json", 1),
        ("cloudwatch_alarm/from/cloudwatch_sns/metric.json", 1),
        ("datadog_monitor/from/datadog/triggered.json", 1),
        ("grafana_alert/from/grafana/memory.json", 1),
        ("sentry_issue/from/sentry/rule.json", 1),
    ] {
        let file = format!("{EXAMPLES}/{payload}");
        let run = home.run_args(&["explain", "--json", "--alert-types", EXAMPLES, &file]).exits(0);
        assert_eq!(run.outcomes(), vec!["stored"; expected], "{payload}");
        assert!(run.json()[0]["insight"]["event"]["source"].is_string(), "{payload}");
        let again = home.run_args(&["explain", "--json", "--alert-types", EXAMPLES, &file]).exits(0);
        assert_eq!(again.outcomes(), vec!["repeated"; expected], "{payload}");
    }
}

#[test]
fn a_mapping_without_a_sample_or_with_other_alerts_is_a_finding() {
    let home = Home::new();
    let file = |name: &str| fs::read_to_string(format!("{EXAMPLES}/grafana_alert/{name}")).unwrap();
    home.write("t/grafana_alert/alert.toml", file("alert.toml"));
    home.write("t/grafana_alert/from/grafana.toml", file("from/grafana.toml"));
    let check = home.run("types check t").exits(1);
    assert!(
        check.out.contains("t/grafana_alert/from/grafana.toml: the mapping has no sample"),
        "{}",
        check.out
    );
    home.write("t/grafana_alert/from/grafana/a.json", file("from/grafana/memory.json"));
    let check = home.run("types check t").exits(1);
    assert!(check.out.contains("a.alerts.json: the alerts of"), "{}", check.out);
    home.run("types check --write-insights t").exits(0);
    home.run("types check t").exits(0);
    home.write(
        "t/grafana_alert/from/grafana.toml",
        file("from/grafana.toml").replace("/startsAt", "/startedAt"),
    );
    let check = home.run("types check t").exits(1);
    assert!(check.out.contains("missing:$.alerts[0].startedAt"), "{}", check.out);
    let broken = file("from/grafana.toml")
        .replace("[facts]", "[facts]\nspeed = { path = \"/x\" }")
        .replace("/labels/alertname", "alertname");
    home.write("t/grafana_alert/from/grafana.toml", broken);
    let check = home.run("types check t").exits(1);
    for finding in ["`speed` is not a fact of grafana_alert", "`alertname` is not a JSON Pointer"] {
        assert!(check.out.contains(finding), "{}", check.out);
    }
}

#[test]
fn a_contradiction_is_shown_before_the_score_is_explained() {
    let home = Home::new();
    let alert = json!({
        "alert_type": "supply_demand_imbalance", "severity": "info", "entity_id": "C#", "entity_type": "subject",
        "details": { "balance_status": "high_demand", "demand_score": 20, "supply_score": 90 },
        "timestamp": "2025-01-01T12:00:00Z"
    });
    let sentence = "says high demand, but the demand score is below the supply score";
    let run = home.explain(alert.to_string()).exits(0);
    let insight = &run.json()[0]["insight"];
    assert!(insight["conflicts"][0].as_str().unwrap().contains(sentence), "{insight}");
    assert_eq!(insight["stale"], true);
    assert!(insight["explanation"].as_str().unwrap().contains(sentence), "{insight}");
    let card = home
        .run(&format!("insight {}", insight["alert_id"].as_str().unwrap().replace(' ', "_")))
        .exits(0)
        .out;
    let (warning, score) = (card.find("contradict").unwrap(), card.find("Why").unwrap());
    assert!(warning < score && card.contains("The alert is stale"), "{card}");
}
