//! Tests the program with DynamoDB Local as its store and a scripted event bus.

use serde_json::{Value, json};

use super::harness::{Run, Scene, alert, text, texts};
use portend_testing::http::{Script, Server};
use portend_testing::table::{Table, endpoint, operation};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

/// A server with an event bus that accepts every event, and a secret.
fn aws() -> Server {
    Server::answering(|request| match operation(request).as_str() {
        "PutEvents" => {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            let accepted =
                vec![json!({ "EventId": "1" }); body["Entries"].as_array().expect("entries").len()];
            Script::answer(200, json!({ "FailedEntryCount": 0, "Entries": accepted }).to_string())
        }
        "DescribeEventBus" if request.body.contains("alerts") => Script::answer(200, r#"{"Name":"alerts"}"#),
        "GetSecretValue" if request.body.contains("mine") => {
            Script::answer(200, r#"{"SecretString":"sk-canary-secret"}"#)
        }
        _ => Script::answer(400, r#"{"__type":"ResourceNotFoundException","message":"canary"}"#),
    })
}

/// The entries that the bus received.
fn entries(bus: &Server) -> Vec<Value> {
    let puts = bus.requests().into_iter().filter(|request| operation(request) == "PutEvents");
    let bodies = puts.map(|request| serde_json::from_str::<Value>(&request.body).expect("JSON"));
    bodies.flat_map(|body| body["Entries"].as_array().expect("entries").clone()).collect()
}

/// A scene with Bedrock alone in the chain, and the table as the store.
fn on_dynamodb(table: &Table, scripts: Vec<Script>) -> Scene {
    Scene::alone(Bedrock, scripts)
        .models("bedrock,scorecard")
        .set("PORTEND_STORE", format!("dynamodb:{}", table.name))
        .set("AWS_ENDPOINT_URL_DYNAMODB", endpoint())
}

#[test]
fn a_table_stores_the_same_as_a_file() {
    let table = Table::create();
    let failed = Bedrock.fails(408, "ModelTimeoutException", "canary");
    let scene = on_dynamodb(&table, vec![Bedrock.answers(), failed.clone(), failed, Bedrock.answers()]);
    let first = scene.explain(&[alert(1)]).insight();
    let again = scene.explain(&[alert(1)]);
    assert_eq!(
        (text(&again.line()["status"]), again.insight()["alert_id"].clone()),
        ("repeated", first["alert_id"].clone())
    );
    assert_eq!(scene.explain(&[alert(2)]).insight()["degraded"], true);
    assert_eq!(scene.run(&["explain", "--json", &scene.input(&["{".to_owned()])]).code, 1);
    let insights = scene.run(&["insights", "--json"]);
    assert_eq!(insights.lines().len(), 2, "{insights:?}");
    let one = scene.run(&["insight", "--json", text(&first["alert_id"])]).line();
    assert_eq!(one["risk_score"], first["risk_score"]);
    let parked = scene.run(&["parked", "--json"]).line();
    assert_eq!(text(&parked["reason"]), "not_json");
    let shown = scene.run(&["parked", "show", "--json", &text(&parked["sha256"])[..8]]).line();
    assert_eq!(text(&shown["event"]), "{");
    let replayed = scene.run(&["parked", "replay", "--json"]);
    assert_eq!((replayed.code, text(&replayed.line()["status"])), (1, "parked"));
    let upgraded = scene.run(&["upgrade", "--json"]);
    assert_eq!((upgraded.code, text(&upgraded.line()["status"])), (0, "upgraded"), "{upgraded:?}");
    let ledger = scene.run(&["ledger", "--json"]).lines().pop().expect("totals");
    assert_eq!(
        (&ledger["received"], &ledger["adds_up"]),
        (&json!(5), &json!(true)),
        "the ledger is on this machine"
    );
    assert_eq!(table.items_of("insight#").len(), 2);
    assert!(!scene.path("portend.db").exists());
}

#[test]
fn the_functions_setting_for_the_table_works_too() {
    let table = Table::create();
    let scene = on_dynamodb(&table, vec![]).unset("PORTEND_STORE").models("scorecard");
    let scene = scene.set("DYNAMODB_TABLE_NAME", table.name.as_str());
    assert_eq!(scene.explain(&[alert(1)]).code, 0);
    assert_eq!(table.items_of("insight#").len(), 1);
    let run = scene.unset("DYNAMODB_TABLE_NAME").set("PORTEND_STORE", "dynamodb:").run(&["insights"]);
    assert_eq!(run.code, 2);
    assert!(run.errors.contains("use dynamodb:TABLE"), "{}", run.errors);
}

#[test]
fn insights_are_published_on_the_bus_and_a_missing_bus_loses_none() {
    let (table, bus) = (Table::create(), aws());
    let scene = on_dynamodb(&table, vec![Bedrock.answers(), Bedrock.answers()]);
    let scene = scene.set("EVENT_BUS_NAME", "alerts").set("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.url());
    assert_eq!(scene.explain(&[alert(1)]).code, 0);
    let published = entries(&bus);
    assert_eq!(
        (published.len(), &published[0]["Source"], &published[0]["DetailType"]),
        (1, &json!("iops-dashboard.ai"), &json!("insight"))
    );
    let scene = scene.set("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9");
    let lost = scene.explain(&[alert(2)]);
    assert_eq!(lost.code, 0);
    assert!(lost.errors.contains("were not published"), "{}", lost.errors);
    let todo = table.items_of("insight#").into_iter().filter(|item| item.contains_key("todo")).count();
    assert_eq!(todo, 1, "the sweep has one notification to publish");
}

fn findings(run: &Run) -> Vec<(String, String)> {
    let parts = run.lines();
    let of_setting = |line: &&Value| {
        let part = text(&line["part"]);
        part.starts_with("setting") || part == "program"
    };
    let found = parts.iter().filter(|line| !of_setting(line));
    found.map(|line| (text(&line["part"]).to_owned(), text(&line["state"]).to_owned())).collect()
}

#[test]
fn the_doctor_checks_the_table_the_bus_and_the_secret() {
    let (table, aws) = (Table::create(), aws());
    let scene = on_dynamodb(&table, vec![]).models("openai,scorecard").set("AWS_ENDPOINT_URL", aws.url());
    let scene = scene.set("EVENT_BUS_NAME", "alerts").set("OPENAI_API_KEY_SECRET", "mine");
    let scene = scene.unset("OPENAI_API_KEY").unset("OPENAI_BASE_URL").unset("OPENAI_MODEL");
    let found = findings(&scene.run(&["doctor", "--json"]));
    let store = format!("store dynamodb:{}", table.name);
    let parts = [
        &store,
        "store keys",
        "store PredictionTypeIndex",
        "store RiskScoreIndex",
        "store AlertIdIndex",
        "store TodoIndex",
        "store WorklistIndex",
        "store ttl",
        "event bus alerts",
        "secret in OPENAI_API_KEY_SECRET",
    ];
    assert_eq!(found[1..11], parts.map(|part| (part.to_owned(), "ok".to_owned())));
    let bare = Table::create_with(&["PredictionTypeIndex", "RiskScoreIndex"]);
    let scene = scene.set("PORTEND_STORE", format!("dynamodb:{}", bare.name));
    let scene = scene.set("EVENT_BUS_NAME", "none").set("OPENAI_API_KEY_SECRET", "none");
    let run = scene.run(&["doctor", "--json"]);
    assert_eq!(run.code, 1);
    let failed: Vec<_> = run.lines().into_iter().filter(|line| line["state"] == "failed").collect();
    let failed = json!(failed);
    let expected = [
        "store AlertIdIndex",
        "store TodoIndex",
        "store WorklistIndex",
        "event bus none",
        "secret in OPENAI_API_KEY_SECRET",
    ];
    assert_eq!(texts(&failed, "part")[..5], expected, "{failed}");
    let scene = scene.set("PORTEND_STORE", "dynamodb:no-such-table");
    let lines = scene.run(&["doctor", "--json"]).lines();
    let missing =
        lines.iter().find(|line| line["part"] == "store dynamodb:no-such-table").expect("a finding");
    assert!(text(&missing["says"]).contains("does not exist"), "{missing}");
}

#[test]
fn a_simulation_puts_events_on_the_bus_as_the_producer_does() {
    let bus = aws();
    let scene = Scene::alone(OpenAi, []).set("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.url());
    let put = scene.run(&["simulate", "--limit", "25", "--bus", "alerts"]);
    assert_eq!((put.code, put.output.as_str()), (0, ""));
    assert!(put.errors.contains("25 alerts were put on the event bus alerts"), "{}", put.errors);
    let entries = entries(&bus);
    assert_eq!((entries.len(), bus.requests().len()), (25, 3), "each request has up to ten entries");
    let lines = scene.run(&["simulate", "--limit", "25"]).lines();
    for (entry, line) in entries.iter().zip(lines) {
        assert_eq!(entry["Source"], "iops-dashboard.processor");
        assert_eq!((&entry["DetailType"], &entry["EventBusName"]), (&line["detail-type"], &json!("alerts")));
        assert_eq!(serde_json::from_str::<Value>(text(&entry["Detail"])).expect("JSON"), line["detail"]);
    }
    let run = scene
        .set("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9")
        .run(&["simulate", "--limit", "5", "--bus", "b"]);
    assert_eq!(run.code, 1);
    assert!(run.errors.contains("cannot put alerts on the event bus b"), "{}", run.errors);
}

/// The sweep publishes every notification that failed before, also from a file, and then upgrades the insight.
#[test]
fn an_upgrade_publishes_notifications_that_failed_before() {
    let bus = aws();
    let failed = Bedrock.fails(408, "ModelTimeoutException", "canary");
    let scene =
        Scene::alone(Bedrock, vec![failed.clone(), failed, Bedrock.answers()]).models("bedrock,scorecard");
    let scene =
        scene.set("EVENT_BUS_NAME", "alerts").set("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9");
    let run = scene.explain(&[alert(1)]);
    assert!(run.errors.contains("Run portend upgrade later"), "{}", run.errors);
    let statuses = |run: &Run| -> Vec<String> {
        run.lines().iter().map(|line| text(&line["status"]).to_owned()).collect()
    };
    let failed = scene.run(&["upgrade", "--json", "--models", "scorecard"]);
    assert_eq!((failed.code, statuses(&failed)), (1, vec!["untold".to_owned()]));
    let scene = scene.set("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.url());
    let done = scene.run(&["upgrade", "--json"]);
    assert_eq!((done.code, statuses(&done)), (0, vec!["told".to_owned(), "upgraded".to_owned()]));
    assert_eq!(entries(&bus).len(), 2, "an upgraded insight is published again");
    assert_eq!(scene.run(&["upgrade", "--json"]).lines().len(), 0);
}

#[test]
fn a_store_or_a_bus_on_aws_needs_a_region() {
    let scene = Scene::alone(OpenAi, []).unset("AWS_REGION");
    for arguments in [
        &["explain", "--store", "dynamodb:insights", "-"][..],
        &["insights", "--store", "dynamodb:insights"],
        &["doctor", "--event-bus", "alerts"],
        &["simulate", "--bus", "alerts"],
    ] {
        let run = scene.run(arguments);
        assert!(run.errors.contains("AWS_REGION is not set"), "{arguments:?} {}", run.errors);
    }
    let run = scene.run(&["insights", "--store", "DynamoDB:insights"]);
    assert_eq!(run.code, 2);
    assert!(run.errors.contains("use dynamodb:TABLE"), "{}", run.errors);
}
