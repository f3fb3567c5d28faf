//! Events: what is accepted is durable, judged once, and accounted for, whatever happens to the server.

use std::io::{BufRead, BufReader, Write};

use hmac::{Hmac, KeyInit, Mac};
use portend_core::time::Timestamp;
use serde_json::json;
use sha2::Sha256;

use super::server::{TestServer, alert, now};
use crate::harness::{Home, until};

#[test]
fn every_shape_of_event_is_accepted_or_parked_or_refused() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let one = alert("stu_1", 5, 65, "2025-01-01T12:00:00Z");
    let record = json!({ "Records": [{ "messageId": "1", "body": one }, { "messageId": "2", "body": "x" }] });
    let wrapped = json!({ "detail-type": "high_ib_call_frequency", "detail": serde_json::from_str::<serde_json::Value>(&one).unwrap() });
    for (content_type, body, expected) in [
        ("application/json", one.clone(), (202, 1, 0)),
        ("application/json; charset=utf-8", wrapped.to_string(), (202, 1, 0)),
        ("application/cloudevents+json", one.clone(), (202, 1, 0)),
        ("application/json", record.to_string(), (202, 1, 1)),
        ("application/x-ndjson", format!("{one}\n\nnot json\n{one}\n"), (202, 2, 1)),
        ("application/json", "{\"a\":1}".to_owned(), (202, 0, 1)),
        ("application/json", "{".to_owned(), (202, 0, 1)),
    ] {
        let reply = server.send("POST", "/v1/events", &[("content-type", content_type)], body.as_bytes());
        let (status, accepted, parked) = expected;
        let found = reply.is(status).json();
        assert_eq!((&found["accepted"], &found["parked"]), (&json!(accepted), &json!(parked)), "{body}");
        assert_eq!(found["rejected"], 0);
    }
    server.until_idle();
    let ledger = server.ledger();
    assert_eq!(ledger["total"]["stored"], 1, "{ledger}");
    assert_eq!(ledger["total"]["repeated"], 5, "{ledger}");
    assert_eq!(ledger["total"]["parked"], 4, "{ledger}");
    assert_eq!(ledger["adds_up"], true);
    server.post_json("/v1/events", " ").fails(400, "no_event");
    server.send("POST", "/v1/events", &[], one.as_bytes()).fails(415, "wrong_content_type");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    server.send("POST", "/v1/events", &form, one.as_bytes()).fails(415, "wrong_content_type");
    server.post_json("/v1/events?wait=maybe", &one).fails(400, "bad_parameter");
    server.post_json("/v1/events?frob=1", &one).fails(400, "unknown_parameter");
}

#[test]
fn one_event_can_wait_for_its_outcome() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let one = alert("stu_1", 5, 65, "2025-01-01T12:00:00Z");
    for expected in ["stored", "repeated"] {
        let outcome = server.post_json("/v1/events?wait=true", &one).is(200).json();
        assert_eq!(outcome["status"], expected);
        assert_eq!(outcome["insight"]["entity_id"], "stu_1");
    }
    let parked = server.post_json("/v1/events?wait=true", "{}").is(200).json();
    assert_eq!((&parked["status"], &parked["reason"]), (&json!("parked"), &json!("not_an_event")));
    let two = [("content-type", "application/x-ndjson")];
    let body = format!("{one}\n{one}");
    server.send("POST", "/v1/events?wait=true", &two, body.as_bytes()).fails(400, "one_event");
}

#[test]
fn a_killed_server_finishes_what_it_accepted_when_it_starts_again() {
    const EVENTS: usize = 600;
    let home = Home::new();
    let body: String = (0..EVENTS)
        .map(|index| alert(&format!("stu_{index}"), 5, 65, "2025-01-01T12:00:00Z") + "\n")
        .collect();
    let mut accepted = 0;
    for round in 0..3 {
        let server = TestServer::start(&home, &[]);
        let lines: Vec<&str> = body.lines().skip(round * 200).take(200).collect();
        accepted += server.post_lines(&lines.join("\n")).is(202).json()["accepted"].as_u64().unwrap();
        server.kill();
    }
    let server = TestServer::start(&home, &[]);
    server.until_idle();
    let ledger = server.ledger();
    assert_eq!(ledger["total"]["stored"], accepted, "{ledger}");
    assert_eq!(ledger["total"]["received"], accepted, "each event counts once: {ledger}");
    assert_eq!(ledger["adds_up"], true);
}

#[test]
fn a_server_that_is_stopped_ends_well_and_loses_nothing() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let body: String =
        (0..300).map(|index| alert(&format!("stu_{index}"), 5, 65, "2025-01-01T12:00:00Z") + "\n").collect();
    server.post_lines(&body).is(202);
    assert_eq!(server.stop(), Some(0));
    let server = TestServer::start(&home, &[]);
    server.until_idle();
    assert_eq!(server.ledger()["total"]["stored"], 300);
}

#[test]
fn a_second_server_on_the_same_store_is_refused() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    home.run("serve --listen 127.0.0.1:0").complains(1, "another portend serve", "stop it");
    assert_eq!(server.stop(), Some(0));
    TestServer::start(&home, &[]);
}

/// The id of the next event of a stream, and the student that its insight is about.
fn next(lines: &mut impl Iterator<Item = String>) -> (String, String) {
    let mut after =
        |prefix: &str| lines.find_map(|line| line.strip_prefix(prefix).map(str::to_owned)).unwrap();
    let (id, data) = (after("id: "), after("data: "));
    let insight: serde_json::Value = serde_json::from_str(&data).unwrap();
    (id, insight["entity_id"].as_str().unwrap().to_owned())
}

#[test]
fn a_live_stream_sends_each_insight_once_and_resumes() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let listen = |last: &str| {
        let mut stream = server.connect();
        let host = server.address();
        write!(stream, "GET /v1/stream HTTP/1.1\r\nhost: {host}\r\nlast-event-id: {last}\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        assert!(lines.by_ref().any(|line| line.contains("connected")));
        lines
    };
    let post = |student: &str| {
        let body = alert(student, 5, 65, "2025-01-01T12:00:00Z");
        server.post_json("/v1/events?wait=true", &body).is(200);
    };
    let mut lines = listen("");
    post("stu_1");
    let (first, student) = next(&mut lines);
    assert_eq!(student, "stu_1");
    post("stu_2");
    assert_eq!(next(&mut lines).1, "stu_2");
    // Another process stores one too.
    home.explain(alert("stu_3", 5, 65, "2025-01-01T12:00:00Z"));
    assert_eq!(next(&mut lines).1, "stu_3");
    let mut resumed = listen(&first);
    assert_eq!([next(&mut resumed).1, next(&mut resumed).1], ["stu_2", "stu_3"]);
    let host = ("host", server.address());
    server.send("GET", "/v1/stream", &[host, ("last-event-id", "zz")], b"").fails(400, "bad_event_id");
    drop((lines, resumed));
    // An open stream does not keep the server from stopping.
    let _open = listen("");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_server_says_which_routes_exist() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    server.get("/v1/nothing").fails(404, "no_route");
    server.send("DELETE", "/v1/insights", &[], b"").fails(405, "wrong_method");
    let description = server.get("/openapi.json").is(200).json();
    for path in
        ["/v1/events", "/v1/insights", "/v1/worklist", "/v1/parked", "/v1/stream", "/healthz", "/metrics"]
    {
        assert!(description["paths"][path].is_object(), "{path}");
    }
    server.post_json("/v1/events?wait=true", &alert("stu_1", 5, 65, &now())).is(200);
    let metrics = server.get("/metrics").is(200);
    assert!(metrics.body.contains("portend_events_total{outcome=\"stored\"} 1"), "{}", metrics.body);
    assert_eq!(server.get("/readyz").is(200).json()["status"], "ready");
    until("the server is healthy", || server.get("/healthz").status == 200);
}

/// The folder of the examples of alert types, and a payload of Alertmanager.
fn alertmanager() -> (String, Vec<u8>) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let examples = root.join("examples").canonicalize().unwrap();
    let payload =
        std::fs::read(root.join("examples/alertmanager_alert/from/alertmanager/group.json")).unwrap();
    (examples.to_str().unwrap().to_owned(), payload)
}

/// The headers of a request that is signed now.
fn signed(secret: &str, payload: &[u8]) -> [(&'static str, String); 3] {
    let seconds = Timestamp::parse(&now()).unwrap().as_secs().to_string();
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hmac.update(&[seconds.as_bytes(), b".", payload].concat());
    let signature = format!("sha256={}", hex::encode(hmac.finalize().into_bytes()));
    [
        ("content-type", "application/json".to_owned()),
        ("x-portend-timestamp", seconds),
        ("x-portend-signature", signature),
    ]
}

#[test]
fn a_signed_payload_is_accepted_once_also_after_a_crash() {
    let home = Home::new();
    let (examples, payload) = alertmanager();
    home.write("secret", "hush");
    let args = ["--alert-types", &examples, "--hook-secret", "alertmanager=secret"];
    let invalid = b"{\"x\":1}";
    let requests = [(&payload[..], signed("hush", &payload)), (&invalid[..], signed("hush", invalid))];
    let send = |server: &TestServer, (payload, headers): &(&[u8], [(&'static str, String); 3])| {
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        server.send("POST", "/v1/hooks/alertmanager", &headers, payload)
    };
    let server = TestServer::start(&home, &args);
    for request in &requests {
        send(&server, request).is(202);
        send(&server, request).fails(401, "bad_signature");
    }
    server.until_idle();
    let received = server.ledger()["total"]["received"].clone();
    server.kill();
    let server = TestServer::start(&home, &args);
    for request in &requests {
        send(&server, request).fails(401, "bad_signature");
    }
    server.until_idle();
    assert_eq!(server.ledger()["total"]["received"], received);
    let later = signed("hush", b" {} ");
    send(&server, &(b" {} ", later)).is(202);
}

#[test]
fn the_payload_of_another_system_is_accepted_by_its_mapping() {
    let home = Home::new();
    let (examples, payload) = alertmanager();
    home.write("secret", "hush\n");
    let server =
        TestServer::start(&home, &["--alert-types", &examples, "--hook-secret", "alertmanager=secret"]);
    let json = ("content-type", "application/json");
    server.post_json("/v1/hooks/nothing", "{}").fails(404, "not_found");
    server.send("POST", "/v1/hooks/alertmanager", &[json], &payload).fails(401, "bad_signature");
    let old = [json, ("x-portend-timestamp", "1735732800"), ("x-portend-signature", "sha256=00")];
    server.send("POST", "/v1/hooks/alertmanager", &old, &payload).fails(401, "bad_signature");
    assert_eq!(server.ledger()["total"]["received"], 0);
    server.stop();
    let server = TestServer::start(&home, &["--alert-types", &examples]);
    let accepted = server.send("POST", "/v1/hooks/alertmanager", &[json], &payload).is(202).json();
    assert!(accepted["accepted"].as_u64().is_some_and(|accepted| accepted > 0), "{accepted}");
    assert_eq!(server.post_json("/v1/hooks/alertmanager", "{\"x\":1}").is(202).json()["parked"], 1);
}
