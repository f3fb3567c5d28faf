//! The channels for people: what passes the filters is sent, signed, and sent again if that failed; and the digest.

use portend_testing::http::{Script, Server};
use serde_json::{Value, json};

use super::alerts::{lines, student, subject, with};
use super::harness::Home;

fn calls(id: &str, calls: u32, health: u32, at: &str) -> Value {
    let facts = json!({ "ib_calls_14d": calls, "health_score": health });
    with(&with(&student(id), "/details", facts), "/timestamp", json!(at))
}

/// Writes the user's own settings.
fn write_own(home: &Home, text: &str) {
    let file = home.in_home(".config/portend/portend.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// The insights that Slack was sent. The entity has recovered long ago, which is another message.
fn insights_of_team(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.body.contains("blocks")).count()
}

/// A webhook with two keys, and one of Slack's form.
fn home(server: &Server) -> Home {
    let home = Home::new();
    let url = server.url();
    write_own(
        &home,
        &format!(
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
    assert_eq!(insights_of_team(&server), 2);
}

/// A settings file in the current folder may come from anybody, so it does not choose who receives insights.
#[test]
fn a_file_that_is_only_found_sends_nothing_to_anybody() {
    let server = Server::answering(|_| Script::answer(200, "ok"));
    let home = Home::new();
    let text = format!("[notify.spy]\nkind = \"webhook\"\nurl = \"{}/hook\"\n", server.url());
    home.write("portend.toml", &text);
    let alerts = lines([calls("stu_1", 9, 20, "2025-01-01T12:00:00Z")]);
    home.feed("explain -", &alerts).complains(
        2,
        "./portend.toml would send insights to notify.spy",
        "--config portend.toml",
    );
    for command in ["upgrade --models bedrock", "serve --listen 127.0.0.1:0"] {
        let run = home.run(command);
        assert!(!run.err.contains("listening"), "{run:?}");
    }
    assert_eq!(home.run("doctor --json").exits(1).out.matches("would send insights to").count(), 1);
    assert_eq!(server.requests().len(), 0);
    // Commands that only read do not need the channels.
    home.run("types").exits(0);
    home.feed("explain --config portend.toml -", &alerts).exits(0);
    assert_eq!(server.requests().len(), 1);
}

/// A channel that failed gets the insight again; the others have it already.
#[test]
fn only_the_channel_that_failed_gets_an_insight_again() {
    let failures = std::sync::atomic::AtomicUsize::new(2);
    let server = Server::answering(move |request| {
        let order = std::sync::atomic::Ordering::SeqCst;
        let fails = request.path == "/T0/secret"
            && failures.fetch_update(order, order, |left: usize| left.checked_sub(1)).is_ok();
        Script::answer(if fails { 503 } else { 200 }, "")
    });
    let home = home(&server);
    // The same process meets the alert three times: the first time, and as a repeat that publishes what is overdue.
    let alert = |at: &str| calls("stu_1", 9, 20, at);
    home.explain(lines([alert("2025-01-01T12:00:00Z")])).exits(0);
    assert_eq!(server.requests().iter().filter(|request| request.path == "/hook").count(), 1);
    home.run("upgrade --json");
    home.run("upgrade --json").exits(0);
    assert_eq!(insights_of_team(&server), 3);
}

#[test]
fn a_recovery_is_said_once_to_the_channels_that_know_of_the_trouble() {
    let server = Server::answering(|_| Script::answer(200, "ok"));
    let home = home(&server);
    home.explain(lines([
        calls("stu_high", 9, 20, "2025-01-01T12:00:00Z"),
        calls("stu_low", 3, 90, "2025-01-01T12:00:00Z"),
    ]))
    .exits(0);
    let recoveries = || -> Vec<(String, String)> {
        let requests = server.requests();
        let said = requests.iter().filter(|request| request.body.to_lowercase().contains("recovered"));
        said.map(|request| (request.path.clone(), request.body.clone())).collect()
    };
    assert_eq!(recoveries(), []);
    // Nothing has been heard of them for long, so the sweep closes both.
    for _ in 0..2 {
        home.run("upgrade --json").exits(0);
        let said = recoveries();
        // The other channel expects a form of its own, which has no recoveries.
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].0, "/T0/secret");
        assert!(said[0].1.contains("Recovered: stu_high"), "{said:?}");
    }
}

#[test]
fn the_doctor_checks_each_channel_and_sends_nothing() {
    let server = Server::answering(|_| Script::answer(200, "ok"));
    let home = home(&server);
    write_own(
        &home,
        &format!(
            "[notify.good]\nkind = \"webhook\"\nurl = \"{0}/hook\"\nsecret = \"canary\"\n\
             [notify.plain]\nkind = \"webhook\"\nurl = \"{0}/canary\"\n\
             [notify.gone]\nkind = \"slack\"\nurl = \"http://127.0.0.1:9/canary\"\n",
            server.url()
        ),
    );
    let run = home.run("doctor --json").exits(1);
    assert!(!run.out.contains("canary") && !run.err.contains("canary"), "{run:?}");
    let findings = run.json();
    let of = |name: &str| -> Vec<String> {
        let its = findings.iter().filter(|finding| finding["part"] == format!("channel {name}"));
        its.map(|finding| format!("{}: {}", finding["state"], finding["says"])).collect()
    };
    let [good, plain, gone] = [of("good"), of("plain"), of("gone")];
    assert!(good.len() == 1 && good[0].contains("ok") && good[0].contains("nothing was sent"), "{good:?}");
    assert!(plain.len() == 2 && plain[1].contains("warning") && plain[1].contains("set secret"), "{plain:?}");
    assert!(gone.len() == 1 && gone[0].contains("failed") && gone[0].contains("check url"), "{gone:?}");
    assert_eq!(server.requests().len(), 0);
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

/// Each digest that is sent begins where the one before ended.
#[test]
fn a_digest_that_is_sent_says_nothing_twice() {
    let server = Server::answering(|_| Script::answer(200, "ok"));
    let home = Home::new();
    home.run("digest --send").complains(2, "no channel gets the digest", "set digest = true");
    write_own(
        &home,
        &format!(
            "[notify.team]\nkind = \"slack\"\nurl = \"{0}/T0/secret\"\ndigest = true\nmin_risk = 100\n\
             [notify.hook]\nkind = \"webhook\"\nurl = \"{0}/hook\"\ndigest = true\nmin_risk = 100\n\
             [notify.other]\nkind = \"slack\"\nurl = \"{0}/other\"\nmin_risk = 100\n",
            server.url()
        ),
    );
    home.explain(lines([calls("stu_1", 9, 20, &now())])).exits(0);
    let first = home.run("digest --send --format json").exits(0);
    assert_eq!(first.json()[0]["sections"][0]["title"], "New");
    assert!(first.err.contains("sent to 2 of 2 channels"), "{}", first.err);
    let second = home.run("digest --send --format json").exits(0);
    assert_eq!(second.json()[0]["sections"], json!([]));
    assert!(second.err.contains("nothing was sent"), "{}", second.err);
    let requests = server.requests();
    let mut paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/T0/secret", "/hook"]);
    let hook = requests.iter().find(|request| request.path == "/hook").unwrap();
    let body: Value = serde_json::from_str(&hook.body).unwrap();
    assert_eq!(
        (&body["type"], &body["sections"][0]["lines"][0]["entity_id"]),
        (&json!("digest"), &json!("stu_1"))
    );
    let slack = requests.iter().find(|request| request.path == "/T0/secret").unwrap();
    assert!(slack.body.contains("New (1)") && slack.body.contains("stu_1"), "{}", slack.body);
    home.explain(lines([calls("stu_2", 9, 20, &now())])).exits(0);
    let third = home.run("digest --send --format json").exits(0);
    assert_eq!(third.json()[0]["sections"][0]["lines"].as_array().unwrap().len(), 1);
}

/// What nobody got is in the next digest.
#[test]
fn a_digest_that_nobody_got_is_sent_again() {
    let is_down = std::sync::atomic::AtomicBool::new(true);
    let server = Server::answering(move |_| {
        let fails = is_down.swap(false, std::sync::atomic::Ordering::SeqCst);
        Script::answer(if fails { 503 } else { 200 }, "")
    });
    let home = Home::new();
    let url = server.url();
    write_own(
        &home,
        &format!("[notify.team]\nkind = \"slack\"\nurl = \"{url}/x\"\ndigest = true\nmin_risk = 100\n"),
    );
    home.explain(lines([calls("stu_1", 9, 20, &now())])).exits(0);
    let first = home.run("digest --send").exits(1);
    assert!(first.err.contains("the channel `team` cannot be reached (503)"), "{}", first.err);
    assert!(home.run("digest --send").exits(0).err.contains("sent to 1 of 1 channel"));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_wrong_time_of_the_digest_and_a_digest_for_nobody_stop_the_server() {
    let home = Home::new();
    home.run("serve --digest-at 25:00").exits(2);
    home.run("serve --listen 127.0.0.1:0 --digest-at 07:00").complains(
        2,
        "no channel gets the digest",
        "remove --digest-at",
    );
}

/// The time now, as a producer writes it.
#[expect(clippy::disallowed_methods, reason = "the program under test uses the machine's clock too")]
fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    portend_core::time::Timestamp::from_millis(since.as_millis().try_into().unwrap()).to_string()
}
