//! Channels for people, from the function: they are in a secret, and a fault of theirs stops no alert.

use portend_testing::http::{Script, Server};
use portend_testing::table::{Table, text_of};
use serde_json::json;

use crate::harness::{Scene, alert};

fn slack(server: &Server) -> String {
    format!("[notify.team]\nkind = \"slack\"\nurl = \"{}/T0/canary\"\nmin_risk = 50\n", server.url())
}

#[test]
fn an_insight_goes_to_the_channels_of_the_secret_and_to_the_mirror_table() {
    let server = Server::answering(|_| Script::answer(200, "ok"));
    let mirror = Table::create_of_reader();
    let scene =
        Scene::answering().with_channels(&slack(&server)).set("MIRROR_TABLE_NAME", mirror.name.clone());
    let function = scene.start();
    for expected in ["stored", "repeated"] {
        assert_eq!(function.invoke(&alert(0)).unwrap()["status"], expected);
    }
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].body.contains("blocks"));
    let items = mirror.newest(Some("EntityTypeIndex"), "entity_type", "insight");
    assert_eq!(items.len(), 1);
    assert_eq!(text_of(&items[0], "related_entity"), scene.insights()[0]["entity_id"]["S"]);
    assert_eq!(scene.published().len(), 1);
    // The secret is read once.
    assert_eq!(scene.secret_reads(), 1);
}

#[test]
fn what_a_channel_did_not_accept_is_sent_by_the_sweep_and_nobody_else_gets_it_again() {
    let is_down = std::sync::atomic::AtomicBool::new(true);
    let server = Server::answering(move |_| {
        let fails = is_down.swap(false, std::sync::atomic::Ordering::SeqCst);
        Script::answer(if fails { 503 } else { 200 }, "")
    });
    let scene = Scene::answering().with_channels(&slack(&server));
    let function = scene.start();
    assert_eq!(function.invoke(&alert(0)).unwrap()["status"], "stored");
    assert_eq!(scene.insights()[0]["todo"], json!({ "S": "tell" }));
    let report = function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    assert_eq!((&report["told"], &report["untold"]), (&json!(1), &json!(0)), "{report}");
    let requests = server.requests();
    let insights = requests.iter().filter(|request| request.body.contains("blocks")).count();
    assert_eq!((insights, scene.published().len()), (2, 1));
    // The alert is so old that its entity has recovered, which is said once.
    function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    assert_eq!(server.requests().iter().filter(|request| request.body.contains("Recovered")).count(), 1);
}

/// The alert is stored, the bus has the insight, and the log says what is wrong with the secret, without its text.
#[test]
fn a_secret_that_cannot_be_used_stops_no_alert() {
    let scene = Scene::answering().with_channels("[notify.team]\nkind = \"slack\"\nuri = \"canary\"\n");
    let function = scene.start();
    assert_eq!(function.invoke(&alert(0)).unwrap()["status"], "stored");
    assert_eq!((scene.insights().len(), scene.published().len()), (1, 1));
    let log = function.log();
    let line = log.iter().find(|line| line["reason"] == "channels_unreadable").unwrap();
    assert!(line["message"].as_str().unwrap().contains("write tables [notify.NAME]"), "{line}");
}

/// A schedule of the stack asks for it. The second time nothing has changed.
#[test]
fn a_digest_goes_to_its_channels_and_says_nothing_twice() {
    let server = Server::answering(|_| Script::answer(200, "ok"));
    let text = format!("{}min_risk = 100\ndigest = true\n", slack(&server).replace("min_risk = 50\n", ""));
    let scene = Scene::answering().with_channels(&text);
    let function = scene.start();
    let mut recent = alert(0);
    recent["timestamp"] = json!(now());
    assert_eq!(function.invoke(&recent).unwrap()["status"], "stored");
    for (changed, channels) in [(1, 1), (0, 0)] {
        let digest = function.invoke(&json!({ "portend": "digest" })).unwrap();
        assert_eq!(digest, json!({ "status": "digested", "changed": changed, "channels": channels }));
    }
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].body.contains("New (1)"), "{:?}", server.requests());
    let nobody = Scene::answering().unset("EVENT_BUS_NAME");
    assert_eq!(nobody.invoke(&json!({ "portend": "digest" })).unwrap_err().0, "no_channel");
}

/// The time now, as a producer writes it.
#[expect(clippy::disallowed_methods, reason = "the function under test uses the machine's clock too")]
fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    portend_core::time::Timestamp::from_millis(since.as_millis().try_into().unwrap()).to_string()
}
