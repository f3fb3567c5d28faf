//! Tests the real binary with a test Runtime API, a real DynamoDB, and the payloads of a function URL and of an HTTP API.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a missing value fails the test")]

mod harness;

use harness::{Gateway, Scene, TOKEN};
use serde_json::json;

/// With IAM, AWS has checked who sends a request.
const IAM: &[(&str, &str)] = &[("PORTEND_ACCESS", "iam")];

#[test]
fn pages_and_routes_are_served_through_both_gateways() {
    let scene = Scene::new();
    let function = scene.start(IAM);
    let id = &scene.alert_id;
    for gateway in [Gateway::FunctionUrl, Gateway::HttpApi] {
        for (path, status, content_type, text) in [
            ("/", 200, "text/html; charset=utf-8", "stu_1"),
            (&format!("/insights/{id}"), 200, "text/html; charset=utf-8", "stu_1"),
            ("/v1/insights?limit=1", 200, "application/json", id),
            (&format!("/v1/insights/{id}"), 200, "application/json", "explanation"),
            ("/v1/parked", 200, "application/json", "not_json"),
            ("/healthz", 200, "application/json", "ok"),
            ("/v1/insights?limit=none", 400, "application/problem+json", "limit"),
            ("/v1/insights/nothing", 404, "application/problem+json", "not_found"),
            ("/nothing", 404, "application/problem+json", "no_route"),
        ] {
            let response = function.get(gateway, path);
            assert_eq!(response["statusCode"], status, "{gateway:?} {path}: {response}");
            assert_eq!(response["headers"]["content-type"], content_type, "{gateway:?} {path}");
            assert!(response["body"].as_str().unwrap().contains(text), "{gateway:?} {path}: {response}");
            assert_eq!(response["isBase64Encoded"], false);
        }
    }
}

#[test]
fn without_its_permission_nothing_is_changed() {
    let scene = Scene::new();
    let function = scene.start(IAM);
    let feedback = format!("/v1/insights/{}/feedback", scene.alert_id);
    let parked = format!("/v1/parked/{}", scene.parked_sha256);
    for gateway in [Gateway::FunctionUrl, Gateway::HttpApi] {
        for (method, path, body) in [
            ("POST", &feedback, r#"{"action":"done"}"#),
            ("POST", &format!("{parked}/replay"), ""),
            ("DELETE", &parked, ""),
            ("POST", &"/v1/events".to_owned(), "{}"),
        ] {
            let response = function.send(gateway, method, path, &[], body);
            assert_eq!(response["statusCode"], 403, "{method} {path}: {response}");
            assert!(response["body"].as_str().unwrap().contains("read_only"), "{response}");
        }
    }
    assert_eq!((scene.queued(), scene.table.items_of("feedback#").len()), (vec![], 0));
    assert_eq!(scene.table.items_of("parked#").len(), 1);
}

#[test]
fn with_the_permission_people_give_feedback_and_replay_and_delete_parked_events() {
    for gateway in [Gateway::FunctionUrl, Gateway::HttpApi] {
        let scene = Scene::new();
        let queue = scene.aws_url();
        let queue = format!("{queue}/123456789012/alerts");
        let function =
            scene.start(&[IAM, &[("PORTEND_FEEDBACK", "true"), ("ALERT_QUEUE_URL", &queue)]].concat());
        let path = format!("/v1/insights/{}/feedback", scene.alert_id);
        let feedback = json!({ "action": "done", "by": "ana", "version": 1 }).to_string();
        let response = function.send(gateway, "POST", &path, &[], &feedback);
        assert_eq!(response["statusCode"], 200, "{response}");
        assert_eq!(scene.table.items_of("feedback#").len(), 1);
        let response = function.send(gateway, "POST", &path, &[], &feedback.replace("ana", "bo"));
        assert_eq!(response["statusCode"], 409, "{response}");
        // A form of the console.
        let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
        let path = format!("/parked/{}/delete", scene.parked_sha256);
        assert_eq!(function.send(gateway, "POST", &path, &form, "")["statusCode"], 403);

        let parked = format!("/v1/parked/{}", scene.parked_sha256);
        let response = function.send(gateway, "POST", &format!("{parked}/replay"), &[], "");
        assert_eq!(
            (&response["statusCode"], &response["body"]),
            (&json!(202), &json!(r#"{"status":"queued"}"#))
        );
        let message = json!({ "QueueUrl": queue, "MessageBody": "{ \"entity_id\": 1" });
        assert_eq!(scene.queued(), [message]);
        let list = function.get(gateway, "/v1/parked");
        assert!(list["body"].as_str().unwrap().contains(r#""outcome":"queued""#), "{list}");
        for expected in [204, 404] {
            let response = function.send(gateway, "DELETE", &parked, &[], "");
            assert_eq!(response["statusCode"], expected, "{response}");
        }
        assert_eq!(scene.table.items_of("parked#").len(), 0);
    }
}

#[test]
fn a_token_is_checked_in_each_form_in_which_it_is_sent() {
    let scene = Scene::new();
    let function = scene.start(&[("PORTEND_ACCESS", "token"), ("PORTEND_TOKEN_SECRET", "portend-token")]);
    let right = format!("Bearer {TOKEN}");
    let wrong = format!("Bearer {}", &TOKEN[1..]);
    let cookie = format!("portend_token={}", hex::encode(TOKEN));
    for gateway in [Gateway::FunctionUrl, Gateway::HttpApi] {
        for (header, status) in [
            (None, 401),
            (Some(("authorization", wrong.as_str())), 401),
            (Some(("authorization", "Bearer ")), 401),
            (Some(("authorization", &right)), 200),
            (Some(("cookie", "portend_token=00")), 401),
            (Some(("cookie", &cookie)), 200),
        ] {
            let headers: Vec<_> = header.into_iter().collect();
            for path in ["/", "/v1/insights"] {
                let response = function.send(gateway, "GET", path, &headers, "");
                assert_eq!(response["statusCode"], status, "{gateway:?} {path} {header:?}: {response}");
                let shows = response["body"].as_str().unwrap().contains("stu_1");
                assert_eq!(shows, status == 200, "{gateway:?} {path} {header:?}");
            }
        }
        assert_eq!(function.get(gateway, "/healthz")["statusCode"], 200, "health needs no token");
    }
}

#[test]
fn a_function_that_cannot_start_says_why_and_names_no_secret() {
    let scene = Scene::new();
    for (settings, expected) in [
        (&[("PORTEND_ACCESS", "none")][..], "PORTEND_ACCESS is not valid"),
        (&[("PORTEND_ACCESS", "token"), ("PORTEND_TOKEN_SECRET", "gone")], "cannot be read"),
    ] {
        let (code, output) = scene.start(settings).stops();
        assert_eq!(code, Some(1), "{output}");
        let line: serde_json::Value = serde_json::from_str(output.trim()).unwrap();
        assert!(line["error"].as_str().unwrap().contains(expected), "{output}");
    }
}
