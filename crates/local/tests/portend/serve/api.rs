//! Insights and parked events: filters, pages, cursors, replay and deletion.

use serde_json::Value;

use super::server::{TestServer, alert};
use crate::harness::Home;

/// A server with twenty insights of ten students.
fn filled(home: &Home) -> TestServer {
    let server = TestServer::start(home, &[]);
    let line = |index: u32| {
        let at = format!("2025-01-{:02}T12:00:00Z", index + 1);
        alert(&format!("stu_{}", index % 10), index % 9 + 2, 80 - index, &at) + "\n"
    };
    server.post_lines(&(0..20).map(line).collect::<String>()).is(202);
    server.until_idle();
    server
}

fn ids(page: &Value) -> Vec<String> {
    let insights = page["insights"].as_array().unwrap();
    insights.iter().map(|insight| insight["alert_id"].as_str().unwrap().to_owned()).collect()
}

/// Every insight of a query, page by page.
fn all(server: &TestServer, query: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/v1/insights?{query}&cursor={cursor}")).is(200).json();
        found.extend(ids(&page));
        match page["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return found,
        }
    }
}

#[test]
fn pages_have_every_insight_once_in_either_order() {
    let home = Home::new();
    let server = filled(&home);
    for query in ["limit=3", "limit=20", "limit=7&sort=risk", "limit=1&sort=risk", "limit=4&grade=scorecard"]
    {
        let found = all(&server, query);
        let mut distinct = found.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((found.len(), distinct.len()), (20, 20), "{query}");
    }
    let by_risk = server.get("/v1/insights?sort=risk").json();
    let scores: Vec<f64> = by_risk["insights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["risk_score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
}

#[test]
fn filters_hold_and_wrong_ones_are_refused() {
    let home = Home::new();
    let server = filled(&home);
    for (query, count) in [
        ("entity=stu_3", 2),
        ("entity=stu_99", 0),
        ("type=high_ib_call_frequency", 20),
        ("type=low_health_score", 0),
        ("min_risk=0", 20),
        ("min_risk=100", 0),
        ("grade=model", 0),
        ("state=new", 20),
        ("state=new&sort=risk&limit=3", 20),
        ("state=done", 0),
        ("since=2020-01-01T00:00:00Z", 20),
        ("since=2099-01-01T00:00:00Z", 0),
        ("until=2020-01-01T00:00:00Z", 0),
        ("until=2099-01-01T00:00:00%2B02:00", 20),
    ] {
        assert_eq!(all(&server, query).len(), count, "{query}");
    }
    for (query, code) in [
        ("cursor=zz", "bad_cursor"),
        ("cursor=00", "bad_cursor"),
        ("limit=0", "bad_parameter"),
        ("limit=1001", "bad_parameter"),
        ("limit=x", "bad_parameter"),
        ("min_risk=101", "bad_parameter"),
        ("min_risk=NaN", "bad_parameter"),
        ("since=yesterday", "bad_parameter"),
        ("sort=name", "bad_parameter"),
        ("grade=a", "bad_parameter"),
        ("state=open", "bad_parameter"),
        ("entitty=stu_1", "unknown_parameter"),
    ] {
        server.get(&format!("/v1/insights?{query}")).fails(400, code);
    }
    let id = all(&server, "limit=1").remove(0);
    let one = server.get(&format!("/v1/insights/{id}")).is(200).json();
    assert_eq!((&one["alert_id"], &one["schema"]), (&Value::from(id), &Value::from(1)));
    assert!(one["baseline"]["points"].is_object() && one["facts"].is_object());
    server.get("/v1/insights/nothing").fails(404, "not_found");
    server.get("/v1/insights/%FF").fails(400, "bad_path");
}

#[test]
fn parked_events_are_listed_replayed_and_deleted() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    server.post_json("/v1/events", "{\"a\":1}").is(202);
    server.post_json("/v1/events", "{\"a\":2}").is(202);
    let list = server.get("/v1/parked?limit=1").is(200).json();
    let sha256 = list["parked"][0]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(
        (&list["parked"][0]["reason"], &list["parked"][0]["event"]),
        (&"not_an_event".into(), &"{\"a\":2}".into())
    );
    let cursor = list["cursor"].as_str().unwrap();
    let rest = server.get(&format!("/v1/parked?limit=1&cursor={cursor}")).is(200).json();
    assert_eq!((&rest["parked"][0]["event"], &rest["cursor"]), (&"{\"a\":1}".into(), &Value::Null));
    let path = format!("/v1/parked/{sha256}");
    assert_eq!(server.post_json(&format!("{path}/replay"), "").is(200).json()["status"], "parked");
    let again = server.get("/v1/parked?limit=1").json();
    assert_eq!(again["parked"][0]["outcome"], "parked");
    server.send("DELETE", &path, &[], b"").is(204);
    server.send("DELETE", &path, &[], b"").fails(404, "not_found");
    server.post_json(&format!("{path}/replay"), "").fails(404, "not_found");
    server.get("/v1/parked?cursor=1").fails(400, "bad_cursor");
}
