//! What people do: feedback, states, and two people at once.

use serde_json::{Value, json};

use super::server::{TestServer, alert, now};
use crate::harness::Home;

/// A server with one open student; the insight's id.
fn with_one(home: &Home) -> (TestServer, String) {
    let server = TestServer::start(home, &[]);
    let outcome = server.post_json("/v1/events?wait=true", &alert("stu_1", 8, 30, &now())).is(200).json();
    let id = outcome["alert_id"].as_str().unwrap().to_owned();
    (server, id)
}

fn listed(server: &TestServer, state: &str) -> Vec<Value> {
    let list = server.get(&format!("/v1/worklist?state={state}")).is(200).json();
    list["items"].as_array().unwrap().clone()
}

#[test]
fn an_entity_leaves_the_list_and_comes_back() {
    let home = Home::new();
    let (server, id) = with_one(&home);
    let path = format!("/v1/insights/{id}/feedback");
    assert_eq!(listed(&server, "open")[0]["entity_id"], "stu_1");
    for (body, state, is_open) in [
        (json!({ "action": "useful", "by": "ana", "note": "it helped" }), "seen", true),
        (json!({ "action": "assign", "by": "ana", "assignee": "ben" }), "assigned", true),
        (json!({ "action": "snooze", "until": "2099-01-01T00:00:00Z" }), "snoozed", false),
        (json!({ "action": "reopen" }), "new", true),
        (json!({ "action": "done" }), "done", false),
    ] {
        let receipt = server.post_json(&path, &body.to_string()).is(200).json();
        assert_eq!((&receipt["status"], &receipt["state"]), (&json!("recorded"), &json!(state)), "{body}");
        assert_eq!(listed(&server, "open").len(), usize::from(is_open), "{body}");
        for each in ["new", "seen", "assigned", "snoozed", "done", "recovered"] {
            for order in ["newest", "risk"] {
                let found = server.get(&format!("/v1/insights?state={each}&sort={order}")).is(200).json();
                let count = found["insights"].as_array().unwrap().len();
                assert_eq!(count, usize::from(each == state), "{body}: {each} by {order}");
            }
        }
    }
    let entity = server.get("/v1/entities/stu_1").is(200).json();
    let feedback = entity["feedback"].as_array().unwrap();
    assert_eq!(feedback.len(), 5, "nothing is overwritten");
    assert_eq!((&feedback[0]["by"], &feedback[0]["note"]), (&json!("ana"), &json!("it helped")));
    assert_eq!(feedback[2]["by"], "console");
}

#[test]
fn of_two_people_one_wins_and_the_other_learns_who_and_when() {
    let home = Home::new();
    let (server, id) = with_one(&home);
    let path = format!("/v1/insights/{id}/feedback");
    let version = listed(&server, "open")[0]["version"].as_u64().unwrap();
    let ana = json!({ "action": "done", "by": "ana", "version": version });
    server.post_json(&path, &ana.to_string()).is(200);
    let ben = json!({ "action": "assign", "by": "ben", "version": version });
    let conflict = server.post_json(&path, &ben.to_string()).is(409);
    let problem = conflict.json();
    assert_eq!(problem["code"], "conflict");
    assert!(problem["detail"].as_str().unwrap().starts_with("ana changed this entity at 2"), "{problem}");
    let ahead = json!({ "action": "assign", "by": "ben", "version": version + 7 });
    let unknown = server.post_json(&path, &ahead.to_string()).is(409).json();
    assert_eq!(unknown["code"], "unknown_version");
    assert!(
        unknown["detail"].as_str().unwrap().ends_with(&format!("its version is {}", version + 1)),
        "{unknown}"
    );
    let entity = server.get("/v1/entities/stu_1").json();
    assert_eq!(entity["feedback"].as_array().unwrap().len(), 1);
}

#[test]
fn wrong_feedback_is_refused_with_the_fix() {
    let home = Home::new();
    let (server, id) = with_one(&home);
    let path = format!("/v1/insights/{id}/feedback");
    for (body, code) in [
        ("{", "bad_feedback"),
        ("{}", "bad_feedback"),
        (r#"{"action":"done","x":1}"#, "bad_feedback"),
        (r#"{"action":"explode"}"#, "bad_action"),
        (r#"{"action":"snooze"}"#, "bad_until"),
        (r#"{"action":"snooze","until":"2001-01-01T00:00:00Z"}"#, "bad_until"),
    ] {
        server.post_json(&path, body).fails(400, code);
    }
    for note in [r#"{"note":"Called."}"#, r#"{"action":"note","note":"Called again."}"#] {
        server.post_json(&path, note).is(200);
    }
    let long = json!({ "action": "done", "note": "x".repeat(1001) }).to_string();
    server.post_json(&path, &long).fails(400, "too_long");
    server.post_json("/v1/insights/nothing/feedback", r#"{"action":"done"}"#).fails(404, "not_found");
    server.post_form(&path, "action=done").fails(415, "wrong_content_type");
    server.get("/v1/entities/nobody").fails(404, "not_found");
    server.get("/v1/worklist?state=x").fails(400, "bad_parameter");
}

#[test]
fn the_buttons_of_the_pages_work_without_a_script() {
    let home = Home::new();
    let (server, id) = with_one(&home);
    let page = server.get("/").body;
    for key in ["e", "s", "a"] {
        assert!(page.contains(&format!("data-key=\"{key}\"")), "a button for {key}");
    }
    let action = format!("/insights/{id}/feedback");
    assert!(page.contains(&format!("action=\"{action}\"")), "{page}");
    let snoozed = server.post_form(&action, "action=snooze&days=3&back=today").is(303);
    assert_eq!(snoozed.header("location"), Some("/"));
    assert_eq!(listed(&server, "snoozed").len(), 1);
    let done = server.post_form(&action, "action=done").is(303);
    assert_eq!(done.header("location"), Some(action.trim_end_matches("/feedback").to_lowercase().as_str()));
    assert!(server.get("/entities/stu_1").body.contains("marked it as done"));
    let cross = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    server.send("POST", &action, &cross, b"action=reopen").fails(403, "cross_site");
    let sha256 = {
        server.post_json("/v1/events", "{\"a\":1}").is(202);
        server.get("/v1/parked").json()["parked"][0]["sha256"].as_str().unwrap().to_owned()
    };
    assert!(server.get("/status").body.contains(&sha256));
    server.post_form(&format!("/parked/{sha256}/replay"), "").is(303);
    server.post_form(&format!("/parked/{sha256}/delete"), "").is(303);
    assert_eq!(server.get("/v1/parked").json()["parked"].as_array().unwrap().len(), 0);
}

#[test]
fn who_is_done_today_is_subtracted_from_the_capacity() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let started = now();
    let alerts: String =
        (1..=4).map(|index| alert(&format!("stu_{index}"), 8, 30, &started) + "\n").collect();
    server.post_lines(&alerts).is(202);
    server.until_idle();
    let list = || server.get("/v1/worklist?capacity=2").is(200).json();
    let before = list();
    assert_eq!((before["items"].as_array().unwrap().len(), &before["waiting"]), (2, &json!(2)));
    let id = before["items"][0]["alert_id"].as_str().unwrap();
    server.post_json(&format!("/v1/insights/{id}/feedback"), "{\"action\":\"done\"}").is(200);
    let after = list();
    // What was done before midnight is not of today.
    if started.get(..10) == now().get(..10) {
        let count = after["items"].as_array().unwrap().len();
        assert_eq!((count, &after["waiting"], &after["done_today"]), (1, &json!(2), &json!(1)), "{after}");
    }
    assert_eq!(server.get("/v1/worklist").is(200).json().get("done_today"), None);
}
