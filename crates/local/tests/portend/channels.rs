//! The channels for people: what passes the filters is sent, signed, and sent again if that failed; and the digest.

use portend_testing::http::{Script, Server};
use serde_json::{Value, json};

use super::alerts::{lines, student, subject, with};
use super::harness::Home;

fn calls(id: &str, calls: u32, health: u32, at: &str) -> Value {
    let facts = json!({ "ib_calls_14d": calls, "health_score": health });
    with(&with(&student(id), "/details", facts), "/timestamp", json!(at))
}

/// A webhook with two keys, and one of Slack's form.
fn home(server: &Server) -> Home {
    let home = Home::new();
    let url = server.url();
    home.write(
        "portend.toml",
        format!(
            "[notify.oncall]\nkind = \"webhook\"\nurl = \"{url}/hook\"\nsecret = \"first\"\nnext_secret = \"second\"\n\
             min_risk = 80\nentity_types = [\"student\"]\ntemplate = \"high_risk_alert\"\n\
             [notify.team]\nkind = \"slack\"\nurl = \"{url}/T0/secret\"\nseverities = [\"warning\"]\nmin_risk = 60\n"
        ),
    );
    home
}

#[test]
fn what_passes_a_channels_filters_is_sent_signed_and_once() {
    let server = Server::answering(|_| Script::answer(200, "ok"));
    let home = home(&server);
    let alerts = [
        calls("stu_low", 3, 90, "2025-01-01T12:00:00Z"),
        calls("stu_mid", 5, 65, "2025-01-01T12:00:00Z"),
        calls("stu_high", 9, 20, "2025-01-01T12:00:00Z"),
        calls("stu_high", 9, 20, "2025-01-01T12:30:00Z"),
        subject("C#"),
    ];
    home.explain(lines(alerts)).exits(0);
    let requests = server.requests();
    let mut sent: Vec<(&str, &str)> = requests
        .iter()
        .map(|request| {
            let names = ["stu_low", "stu_mid", "stu_high", "C#"];
            (request.path.as_str(), *names.iter().find(|name| request.body.contains(**name)).unwrap())
        })
        .collect();
    sent.sort_unstable();
    assert_eq!(sent, [("/T0/secret", "stu_high"), ("/T0/secret", "stu_mid"), ("/hook", "stu_high")]);
    let hook = requests.iter().find(|request| request.path == "/hook").unwrap();
    let body: Value = serde_json::from_str(&hook.body).unwrap();
    assert_eq!((&body["type"], &body["student_id"]), (&json!("high_risk_alert"), &json!("stu_high")));
    assert_eq!(hook.header("x-portend-signature").unwrap().split(",v1=").count(), 2);
    assert!(hook.header("x-portend-timestamp").unwrap().parse::<i64>().unwrap() > 1_700_000_000);
    assert!(hook.header("idempotency-key").unwrap().starts_with("high_ib_call_frequency_stu_high_"));
}

#[test]
fn what_a_channel_did_not_accept_is_sent_by_the_next_sweep() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let server = Server::answering(move |request| {
        let fails = request.path == "/T0/secret" && first.swap(false, std::sync::atomic::Ordering::SeqCst);
        Script::answer(if fails { 503 } else { 200 }, "")
    });
    let home = home(&server);
    let run = home.explain(lines([calls("stu_1", 9, 20, "2025-01-01T12:00:00Z")])).exits(0);
    assert!(run.err.contains("the channel `team` cannot be reached (503)"), "{}", run.err);
    assert!(!run.err.contains("T0"), "an address may contain a key: {}", run.err);
    assert_eq!(home.run("upgrade --json").exits(0).json()[0]["status"], "told");
    assert_eq!(home.run("upgrade --json").exits(0).json().len(), 0);
    assert_eq!(server.requests().iter().filter(|request| request.path == "/T0/secret").count(), 2);
}

#[test]
fn a_wrong_channel_is_refused_with_what_is_right() {
    for (text, what, fix) in [
        ("kind = \"webhook\"", "notify.a.url is missing", "https://example.com/hook"),
        ("kind = \"sns\"", "notify.a.topic is missing", "arn:aws:sns"),
        ("kind = \"slack\"\nurl = \"https://a.b\"\nmin_risk = 101", "notify.a.min_risk", "0 to 100"),
        (
            "kind = \"slack\"\nurl = \"https://a.b\"\ntemplate = \"mine\"",
            "notify.a.template",
            "template_file",
        ),
        ("kind = \"fax\"", "portend.toml:2", "see docs/portend.toml"),
        ("kind = \"slack\"\nuri = \"x\"", "portend.toml:3", "see docs/portend.toml"),
    ] {
        let home = Home::new();
        home.write("portend.toml", format!("[notify.a]\n{text}\n"));
        home.feed("explain -", "{}").complains(2, what, fix);
    }
    for (text, what) in [
        ("kind = \"webhook\"\nurl = \"http://example.com\"", "the address of the channel `a`"),
        (
            "kind = \"webhook\"\nurl = \"https://a.b\"\ntemplate_file = \"wrong\"",
            "the template of the channel `a`",
        ),
    ] {
        let home = Home::new();
        home.write("wrong", "{% if %}");
        home.write("portend.toml", format!("[notify.a]\n{text}\n"));
        home.feed("explain --config portend.toml -", "{}").complains(2, what, "docs/portend.toml");
    }
}

#[test]
fn a_digest_has_each_change_once() {
    let home = Home::new();
    let alerts = [
        calls("stu_same", 5, 65, "2025-01-01T12:00:00Z"),
        calls("stu_worse", 5, 65, "2025-01-01T12:00:00Z"),
        calls("stu_better", 8, 65, "2025-01-01T12:00:00Z"),
        calls("stu_gone", 5, 65, "2024-12-25T12:00:00Z"),
        calls("stu_worse", 8, 65, "2025-01-02T12:00:00Z"),
        calls("stu_better", 3, 65, "2025-01-02T12:00:00Z"),
        calls("stu_same", 5, 65, "2025-01-02T12:00:00Z"),
        calls("stu_new", 3, 65, "2025-01-02T12:00:00Z"),
    ];
    home.explain(lines(alerts)).exits(0);
    let digest = |at: &str| home.run(&format!("digest --format json --at {at}")).exits(0).json().remove(0);
    let sections = |digest: &Value| -> Vec<String> {
        let lines = digest["sections"].as_array().unwrap().iter().flat_map(|section| {
            let lines = section["lines"].as_array().unwrap().iter();
            lines.map(|line| {
                format!("{} {}", section["title"].as_str().unwrap(), line["entity_id"].as_str().unwrap())
            })
        });
        lines.collect()
    };
    let first = digest("2025-01-02T18:00:00Z");
    assert_eq!(
        sections(&first),
        ["New stu_new", "Worse stu_worse", "Better stu_better", "Recovered stu_gone"]
    );
    assert_eq!(first["unchanged"], 1);
    let second = digest("2025-01-03T18:00:00Z");
    assert_eq!((sections(&second), &second["unchanged"]), (vec![], &json!(4)));
    for format in ["text", "markdown", "html"] {
        let run = home.run(&format!("digest --format {format} --at 2025-01-02T18:00:00Z")).exits(0);
        assert!(run.out.contains("new") && run.out.contains("63 → 73"), "{}", run.out);
    }
}
