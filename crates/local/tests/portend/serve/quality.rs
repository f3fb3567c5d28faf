//! What happened, as callers say it, and how good the scores were: the routes and the page agree with `portend eval`.

use serde_json::{Value, json};

use super::server::{TestServer, alert};
use crate::harness::Home;

const AT: &str = "2025-01-01T12:00:00Z";

/// A row about what happened to a student.
fn row(student: &str, rest: &str) -> String {
    format!(r#"{{"entity_type":"student","entity_id":"{student}","outcome":"churn",{rest}}}"#)
}

#[test]
fn outcomes_are_stored_and_refused_rows_are_named() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let left = row("stu_1", r#""at":"2025-01-03T09:50:26Z""#);
    let stays = row("stu_2", r#""at":null,"followed_until":"2025-04-01T00:00:00Z""#);
    let unsaid = row("stu_3", r#""note":1"#);
    let lines = format!("{left}\n\n{unsaid}\n{stays}\n");
    for _ in 0..2 {
        let reply = server
            .send("POST", "/v1/outcomes", &[("content-type", "application/x-ndjson")], lines.as_bytes())
            .is(200)
            .json();
        assert_eq!((&reply["stored"], &reply["refused"]), (&json!(2), &json!(1)), "{reply}");
        assert_eq!(
            (&reply["problems"][0]["line"], reply["problems"].as_array().unwrap().len()),
            (&json!(3), 1)
        );
        assert!(reply["problems"][0]["reason"].as_str().unwrap().contains(':'), "{reply}");
        assert!(reply["problems"][0]["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
    let array = server.post_json("/v1/outcomes", &format!("[{left},{stays}]")).is(200).json();
    assert_eq!(array, json!({"stored": 2, "refused": 0}));
    let broken = server.post_json("/v1/outcomes", "{").is(200).json();
    assert_eq!((&broken["stored"], &broken["refused"]), (&json!(0), &json!(1)), "{broken}");
    server.post_json("/v1/outcomes", "[]").fails(400, "no_row");
    let csv = "entity_type,entity_id,outcome,at,followed_until\nstudent,stu_4,churn,,2025-04-01T00:00:00Z\nstudent,stu_5,churn\n";
    let of_csv = |body: &str| {
        server.send("POST", "/v1/outcomes", &[("content-type", "text/csv; charset=utf-8")], body.as_bytes())
    };
    for body in [csv.to_owned(), format!("\u{feff}{}", csv.replace('\n', "\r\n"))] {
        let reply = of_csv(&body).is(200).json();
        assert_eq!((&reply["stored"], &reply["refused"]), (&json!(1), &json!(1)), "{reply}");
        let problem = &reply["problems"][0];
        assert_eq!((&problem["line"], &problem["reason"]), (&json!(3), &json!("missing:$.at")), "{reply}");
    }
    of_csv("").fails(400, "no_row");
    server
        .send("POST", "/v1/outcomes", &[("content-type", "text/plain")], left.as_bytes())
        .fails(415, "wrong_content_type");
    let foreign = [("content-type", "application/json"), ("sec-fetch-site", "cross-site")];
    assert_eq!(server.send("POST", "/v1/outcomes", &foreign, left.as_bytes()).status, 403);
    server.stop();
    assert_eq!(home.run("outcomes list --entity stu_1 --json").exits(0).json().len(), 1);
    assert_eq!(home.run("outcomes list --entity stu_3 --json").exits(0).json(), Vec::<Value>::new());
}

#[test]
fn an_event_that_says_what_happened_is_stored_before_the_response() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let event = |student: &str, rest: &str| {
        let row: Value = serde_json::from_str(&row(student, rest)).unwrap();
        json!({"detail-type": "outcome", "source": "x", "detail": row}).to_string()
    };
    let (left, bad) = (event("stu_1", r#""at":"2025-01-03T09:50:26Z""#), event("stu_2", r#""at":"soon""#));
    let lines = format!("{left}\n{bad}\n{}\n", alert("stu_1", 5, 65, AT));
    let reply = server.post_lines(&lines).is(202).json();
    assert_eq!((&reply["accepted"], &reply["parked"]), (&json!(2), &json!(1)), "{reply}");
    assert_eq!(reply["problems"][0]["reason"], "invalid:$.detail.at", "{reply}");
    assert_eq!(home.run("outcomes list --json").exits(0).json().len(), 1);
    let later = event("stu_3", r#""at":"2025-01-04T00:00:00Z""#);
    let waited = server.post_json("/v1/events?wait=true", &later).is(200).json();
    assert_eq!(waited, json!({"status": "recorded"}));
    let queued =
        json!({"Records": [{"messageId": "1", "body": event("stu_4", r#""at":"2025-01-04T00:00:00Z""#)}]});
    assert_eq!(server.post_json("/v1/events", &queued.to_string()).is(202).json()["accepted"], 1);
    server.until_idle();
    server.stop();
    assert_eq!(home.run("outcomes list --json").exits(0).json().len(), 3);
}

#[test]
fn the_evaluation_is_the_one_of_the_command_and_the_page_shows_it() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    assert_eq!(server.get("/v1/evaluation").is(200).json(), json!({"groups": []}));
    assert!(server.get("/quality").is(200).body.contains("portend outcomes import"));
    let alerts: String =
        (0_u32..40).map(|index| alert(&format!("stu_{index}"), 2 + index % 9, 40, AT) + "\n").collect();
    server.post_lines(&alerts).is(202);
    server.until_idle();
    let unknown = server.get("/v1/evaluation").is(200).json();
    assert_eq!((&unknown["groups"][0]["unknown"], &unknown["groups"][0]["n"]), (&json!(40), &json!(0)));
    assert!(server.get("/quality").is(200).body.contains("No score can be judged yet"));
    let list = server.get("/v1/insights?limit=1").is(200).json();
    let id = list["insights"][0]["alert_id"].as_str().unwrap();
    let missing = || server.get(&format!("/v1/insights/{id}")).is(200).json()["calibration_missing"].clone();
    assert_eq!(missing(), json!({"reason": "few_events", "have": 0, "need": 10}));
    let of_page = || server.get(&format!("/insights/{id}")).is(200).body;
    assert!(of_page().contains("No probability yet: 0 of 10 outcomes of the rarer kind so far."));
    let rows: String = (0_u32..40)
        .map(|index| {
            let rest = match index % 2 {
                0 => r#""at":"2025-01-09T00:00:00Z""#,
                _ => r#""at":null,"followed_until":"2025-04-01T00:00:00Z""#,
            };
            row(&format!("stu_{index}"), rest) + "\n"
        })
        .collect();
    server.send("POST", "/v1/outcomes", &[("content-type", "application/x-ndjson")], rows.as_bytes()).is(200);
    let judged = server.get("/v1/evaluation").is(200).json();
    let group = &judged["groups"][0];
    assert_eq!((&group["yes"], &group["no"], &group["n"]), (&json!(20), &json!(20), &json!(40)), "{judged}");
    assert!(group["auc"].is_number() && group["ece"].is_null() && group["reasons"]["ece"] == "few_rows");
    let early = server.get("/v1/evaluation?as_of=2025-01-10T00:00:00Z&by=type").is(200).json();
    assert_eq!(
        (&early["groups"][0]["pending"], &early["groups"][0]["n"]),
        (&json!(40), &json!(0)),
        "{early}"
    );
    let page = server.get("/quality").is(200).body;
    for part in ["40 scores are judged", "<svg", "Order (AUC)", "What to do next"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Every second one left, whatever the score.
    assert_eq!(missing(), json!({"reason": "no_signal"}));
    assert!(of_page().contains("No probability yet: a higher score does not go with a higher rate"));
    for query in ["type=nothing", "by=day", "report_lag_days=367"] {
        server.get(&format!("/v1/evaluation?{query}")).is(400);
    }
    assert_eq!(home.run("eval --json").exits(0).json(), *judged["groups"].as_array().unwrap());
    assert!(page.contains("Nobody has said yet what was done with a recommendation"), "{page}");
    let given = server.get(&format!("/v1/insights/{id}/recommendations")).is(200).json();
    let done = json!({ "action": "done", "recommendation": given["recommendations"][0]["id"] });
    server.post_json(&format!("/v1/insights/{id}/feedback"), &done.to_string()).is(200);
    let page = server.get("/quality").is(200).body;
    let text = given["recommendations"][0]["text"].as_str().unwrap();
    for part in [text, "churn within 30 days", "1 insight; of 1 that can be judged", "and not why"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("because"), "{page}");
}
