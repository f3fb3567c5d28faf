//! The original dashboard's API, as its two front ends call it.

use serde_json::{Value, json};

use super::server::{HttpReply, TestServer, alert};
use crate::harness::Home;

const INSIGHTS: u32 = 130;

fn filled(home: &Home, args: &[&str]) -> TestServer {
    let server = TestServer::start(home, args);
    let line = |index: u32| alert(&format!("stu_{index}"), 2 + index % 9, 60, "2025-01-01T12:00:00Z") + "\n";
    server.post_lines(&(0..INSIGHTS).map(line).collect::<String>()).is(202);
    server.until_idle();
    server
}

#[track_caller]
fn allows_any_origin(reply: &HttpReply) {
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{reply:?}");
    assert_eq!(reply.header("access-control-allow-methods"), Some("get, options"));
    assert_eq!(reply.header("access-control-allow-headers"), Some("content-type, authorization"));
}

#[test]
fn each_front_end_gets_its_own_shape() {
    let home = Home::new();
    let server = filled(&home, &[]);
    let later = server.get("/prod/api/insights/recent?limit=3").is(200);
    allows_any_origin(&later);
    let later = later.json();
    let items = later["items"].as_array().unwrap();
    assert_eq!((items.len(), later["nextToken"].is_string(), later.get("aggregations")), (3, true, None));
    assert_eq!(items[0]["prediction_type"], "churn_risk");
    let earlier = server.get("/api/mvp/insights/recent?limit=3").is(200).json();
    let earlier = earlier.as_array().unwrap();
    assert_eq!((earlier.len(), &earlier[0]["prediction_type"]), (3, &json!("high_ib_call_frequency")));
    for item in items.iter().chain(earlier) {
        let keys = item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let expected = [
            "alert_id",
            "entity_id",
            "timestamp",
            "prediction_type",
            "risk_score",
            "explanation",
            "recommendations",
            "model_used",
            "confidence",
        ];
        assert_eq!(keys, expected);
        assert!(item["risk_score"].is_number() && item["confidence"] == 0.0);
        let time = item["timestamp"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    }
}

#[test]
fn pages_are_full_and_survive_a_changed_since() {
    let home = Home::new();
    let server = filled(&home, &[]);
    let (mut ids, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let since = if ids.is_empty() { "2020-01-01T00:00:00" } else { "2021-01-01T00:00:00Z" };
        let page =
            server.get(&format!("/api/insights/recent?since={since}&nextToken={token}")).is(200).json();
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        ids.extend(items.iter().map(|item| item["alert_id"].as_str().unwrap().to_owned()));
        match page["nextToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(sizes, [50, 50, 30]);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 130);
    for (query, count) in [
        ("", 50),
        ("limit=abc", 50),
        ("limit=-1", 50),
        ("limit=0", 50),
        ("limit=9999", 130),
        ("nextToken=nonsense", 50),
        ("since=nonsense", 50),
        ("since=2099-01-01T00:00:00Z", 0),
        ("surprise=1", 50),
    ] {
        let page = server.get(&format!("/api/insights/recent?{query}")).is(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[test]
fn totals_are_of_the_page_or_of_everything() {
    let home = Home::new();
    let server = filled(&home, &[]);
    let page = server.get("/api/insights/recent?limit=10&aggregations=true").is(200).json();
    assert_eq!(page["aggregations"]["total"], 10);
    assert_eq!(page["aggregations"]["byType"], json!({ "churn_risk": 10 }));
    let scores: Vec<f64> =
        page["items"].as_array().unwrap().iter().map(|item| item["risk_score"].as_f64().unwrap()).collect();
    let mean = (scores.iter().sum::<f64>() / 10.0).round();
    assert_eq!(page["aggregations"]["avgRisk"].as_f64(), Some(mean));
    let empty = server.get("/api/insights/recent?since=2099-01-01T00:00:00Z&aggregations=true").json();
    assert_eq!(empty, json!({ "items": [] }));
    let all = server.get("/api/insights/aggregations").is(200).json();
    assert_eq!(all["total"], INSIGHTS);
    let none = server.get("/api/mvp/insights/aggregations?since=2099-01-01T00:00:00Z").json();
    assert_eq!(none, json!({ "total": 0, "critical": 0, "avgRisk": 0, "byType": {} }));
}

#[test]
fn one_insight_the_stream_and_the_deploy_check() {
    let home = Home::new();
    let server = filled(&home, &[]);
    let id = server.get("/api/insights/recent?limit=1").json()["items"][0]["alert_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(server.get(&format!("/api/insights/{id}")).is(200).json()["alert_id"], Value::from(id));
    let missing = server.get("/api/insights/nothing").is(404);
    allows_any_origin(&missing);
    assert_eq!(missing.json(), json!({ "error": "Insight not found" }));
    let stream = server.get("/api/insights/stream").is(200);
    allows_any_origin(&stream);
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert!(stream.body.starts_with("retry: 5000\n\n"), "{}", stream.body);
    assert_eq!(stream.body.matches("data: {").count(), 10);
    assert!(!stream.body.contains("event:"));
    for (method, path, status) in [
        ("GET", "/health", 200),
        ("GET", "/api/health", 200),
        ("OPTIONS", "/health", 204),
        ("GET", "/api/metrics?limit=1", 200),
        ("OPTIONS", "/api/insights/recent", 204),
        ("POST", "/api/insights/recent", 405),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/mvp/insights/a/b", 404),
    ] {
        let reply = server.send(method, path, &[], b"");
        assert_eq!(reply.status, status, "{method} {path}");
        allows_any_origin(&reply);
    }
    server.get("/metrics?limit=1").is(200);
    let wrong_host = server.send("GET", "/api/insights/recent", &[("host", "evil.example")], b"").is(421);
    allows_any_origin(&wrong_host);
    assert_eq!(wrong_host.json()["error"], "Failed to get insights");
}

#[test]
fn the_front_ends_need_no_token_and_named_origins_hold() {
    let home = Home::new();
    let args = ["--original-api-origin", "https://dashboard.example"];
    let server = TestServer::start_with(&home, &args, &[("PORTEND_TOKEN", "secret")]);
    server.get("/v1/insights").fails(401, "no_token");
    let reply =
        server.send("GET", "/api/insights/recent", &[("origin", "https://dashboard.example")], b"").is(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://dashboard.example"));
    let other =
        server.send("GET", "/api/insights/recent", &[("origin", "https://evil.example")], b"").is(200);
    assert_eq!(other.header("access-control-allow-origin"), Some("https://dashboard.example"));
}
