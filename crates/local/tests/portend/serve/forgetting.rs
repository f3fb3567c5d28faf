//! Forgetting beside a running server: what it has accepted about a student and not judged yet is forgotten too.

use serde_json::json;

use super::server::{TestServer, alert};
use crate::forgetting::{CANARY, hits};
use crate::harness::Home;

/// Events about many students, and in between some about the one that is forgotten.
fn events() -> String {
    let about =
        |index: u32| if index.is_multiple_of(50) { CANARY.to_owned() } else { format!("stu_{index}") };
    let event = |index: u32| alert(&about(index), 1 + index % 9, 65, "2025-01-01T12:00:00Z") + "\n";
    (0..1000).map(event).collect()
}

#[test]
fn what_a_server_has_just_accepted_is_forgotten_too() {
    for round in 0..3 {
        let home = Home::new();
        let server = TestServer::start(&home, &[]);
        let accepted = server.post_lines(&events()).is(202).json();
        assert_eq!(accepted["accepted"], 1000);
        let killed = round == 2;
        let server = if killed {
            server.kill();
            None
        } else {
            Some(server)
        };
        let run = home.run(&format!("forget {CANARY} --json")).exits(0);
        assert!(!run.out.contains("canary") && !run.err.contains("canary"), "{run:?}");
        assert_eq!(hits(&home), [""; 0], "round {round}, after the receipt {}", run.out);
        let server = server.unwrap_or_else(|| TestServer::start(&home, &[]));
        server.until_idle();
        assert_eq!(hits(&home), [""; 0], "round {round}, after the events");
        let ledger = server.ledger();
        assert_eq!((&ledger["adds_up"], &ledger["total"]["failed"]), (&json!(true), &json!(0)), "{ledger}");
        // The same events again: nothing of it comes back.
        server.post_lines(&events()).is(202);
        server.until_idle();
        assert!(home.parked().iter().all(|item| item["reason"] == "forgotten" && item["event"] == ""));
        server.get(&format!("/v1/entities/{CANARY}")).is(404);
        assert_eq!(server.stop(), Some(0));
        let found = hits(&home);
        assert_eq!(found, [""; 0], "round {round}, after a replay");
        assert_eq!(home.insights().len(), 980);
    }
}

#[test]
fn the_api_forgets_a_student_too() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    server.post_lines(&events()).is(202);
    server.until_idle();
    let path = format!("/v1/entities/{CANARY}");
    let other_site = [("sec-fetch-site", "cross-site")];
    server.send("DELETE", &path, &other_site, b"").fails(403, "cross_site");
    let receipt = server.send("DELETE", &path, &[], b"").is(200);
    assert!(!receipt.body.contains("canary"), "{receipt:?}");
    assert!(
        receipt.json()["deleted"]["insights"].as_u64().is_some_and(|insights| insights > 0),
        "{receipt:?}"
    );
    assert_eq!(hits(&home), [""; 0]);
    server.send("DELETE", &path, &[], b"").fails(404, "not_found");
}

/// The server works on an event of the student at the moment at which it is forgotten.
#[test]
fn an_event_in_progress_is_forgotten_too() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    std::thread::scope(|scope| {
        let posting = scope.spawn(|| {
            for at in 0..60 {
                let time = format!("2025-01-01T12:00:{at:02}Z");
                server.post_json("/v1/events", &alert(CANARY, 1 + at % 9, 65, &time)).is(202);
            }
        });
        while !posting.is_finished() {
            home.run(&format!("forget {CANARY}"));
        }
        posting.join().unwrap();
    });
    home.run(&format!("forget {CANARY}"));
    server.until_idle();
    assert_eq!(hits(&home), [""; 0]);
    assert_eq!(server.ledger()["adds_up"], true);
}
