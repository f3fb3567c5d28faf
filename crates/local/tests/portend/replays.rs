//! Tests `portend parked`, which shows refused events and runs them again after a person has fixed the cause.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::alerts::{ALERT_TYPES, later, lines, student, with, without};
use super::harness::Home;

/// An alert whose type is not built in.
fn of_unknown_type(id: &str) -> Value {
    with(&student(id), "/alert_type", "frequent_calls".into())
}

/// Adds a folder of alert types that defines this type.
fn add_type(home: &Home) {
    let text = fs::read_to_string(Path::new(ALERT_TYPES).join("high_ib_call_frequency/alert.toml")).unwrap();
    home.write(
        "types/frequent_calls/alert.toml",
        text.replace("\"high_ib_call_frequency\"", "\"frequent_calls\""),
    );
}

fn id(parked: &Value) -> &str {
    &parked["sha256"].as_str().unwrap()[..12]
}

#[test]
fn a_parked_event_runs_again_when_its_type_is_added() {
    let home = Home::new();
    home.explain(lines([of_unknown_type("stu_1"), student("stu_2")])).exits(1);
    assert_eq!(
        home.run("parked replay --json").exits(1).outcomes(),
        ["unknown_alert_type"],
        "nothing is fixed yet"
    );
    assert_eq!(home.parked()[0]["outcome"], "parked");
    add_type(&home);
    let run = home.run("parked replay --json --alert-types types").exits(0);
    assert_eq!(run.outcomes(), ["stored"]);
    assert_eq!(run.json()[0]["insight"]["prediction_type"], "frequent_calls");
    let parked = home.parked();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0]["outcome"], "stored");
    assert!(parked[0]["replayed_at"].is_string());
    let again = home.run("parked replay --json --alert-types types").exits(0);
    assert_eq!((again.out.as_str(), again.err.as_str()), ("", "there are no parked events to replay\n"));
    assert_eq!(home.insights().len(), 2);
    let ledger = home.ledger();
    let counts = ["received", "stored", "repeated", "parked"].map(|name| ledger[name].as_u64().unwrap());
    assert_eq!(counts, [4, 2, 0, 2], "each replay counts as received");
}

#[test]
fn a_parked_event_is_shown_with_what_helps_it() {
    let home = Home::new();
    let duplicate = student("stu_1").to_string().replacen('{', "{\"severity\":\"critical\",", 1);
    for (event, code, next) in [
        ("{".to_owned(), "not_json", "no replay helps"),
        (duplicate, "duplicate_key", "no replay helps"),
        ("{}".to_owned(), "not_an_event", "fix the producer, or add a mapping and run portend parked replay"),
        (
            of_unknown_type("stu_1").to_string(),
            "unknown_alert_type",
            "add the type, or name its --alert-types",
        ),
        (
            without(&student("stu_1"), "/severity").to_string(),
            "missing:",
            "fix the producer, or the alert type",
        ),
    ] {
        home.write("event.json", &event);
        let run = home.run("explain event.json").exits(1);
        assert!(run.out.contains(code), "{event}: {}", run.out);
        let line = run.out.lines().find(|line| line.contains(next));
        assert!(line.is_some_and(|line| line.chars().count() <= 80), "{event}: {}", run.out);
    }
}

#[test]
fn a_replay_runs_events_in_the_order_of_their_arrival() {
    let home = Home::new();
    let alerts = (0..8).map(|second| later(&of_unknown_type("stu_1"), second));
    home.explain(lines(alerts)).exits(1);
    add_type(&home);
    let run = home.run("parked replay --json --alert-types types").exits(0);
    assert_eq!((run.count("stored"), run.count("repeated")), (1, 7));
    let insight = &home.insights()[0];
    assert_eq!(insight["alert_timestamp"], "2025-01-01T12:00:00.000Z", "the first alert makes the insight");
    assert_eq!(insight["occurrences"], 8);
}

#[test]
fn only_the_named_events_run_again() {
    let home = Home::new();
    home.explain(lines((0..3).map(|number| of_unknown_type(&format!("stu_{number}"))))).exits(1);
    add_type(&home);
    let parked = home.parked();
    let (first, second) = (id(&parked[0]), id(&parked[1]));
    let run = home.run(&format!("parked replay --json --alert-types types {first} {second}")).exits(0);
    assert_eq!(run.outcomes(), ["stored", "stored"]);
    assert_eq!(home.parked().iter().filter(|item| item.get("outcome").is_some()).count(), 2);
}

#[test]
fn a_parked_event_is_shown_unchanged_with_its_reason() {
    let home = Home::new();
    let event = without(&student("stu_1"), "/severity").to_string();
    home.explain(&event).exits(1);
    let parked = home.parked();
    let shown = home.run(&format!("parked show {}", id(&parked[0]))).exits(0).out;
    for part in ["missing:$.severity\n", "is missing", parked[0]["sha256"].as_str().unwrap(), &event] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    assert_eq!(home.run(&format!("parked show --json {}", id(&parked[0]))).exits(0).json(), parked);
    let listed = home.run("parked").exits(0).out;
    assert!(listed.contains(id(&parked[0])) && listed.contains("missing:$.severity"), "{listed}");
}

#[test]
fn an_id_that_matches_no_event_or_several_is_refused() {
    let home = Home::new();
    home.explain(lines((0..20).map(|number| json!({ "number": number })))).exits(1);
    let parked = home.parked();
    let twin = parked
        .iter()
        .map(|item| &id(item)[..1])
        .find(|start| parked.iter().filter(|item| id(item).starts_with(start)).count() > 1);
    for command in ["show", "replay"] {
        home.run(&format!("parked {command} xyz")).complains(1, "xyz", "run portend parked to list the ids");
        let line = format!("parked {command} {}", twin.unwrap());
        let run = home.run(&line).exits(1);
        assert!(run.err.contains("write more of the id"), "{}", run.err);
    }
    assert_eq!(home.run("parked --json --limit 3").exits(0).json().len(), 3);
}

#[test]
fn an_event_that_was_stored_in_part_never_runs_again() {
    let home = Home::new();
    let large = with(&student("stu_1"), "/message", "x".repeat(70_000).into()).to_string();
    home.explain(&large).exits(1);
    let parked = home.parked();
    assert_eq!(parked[0]["event"].as_str().unwrap(), &large[..65_536]);
    assert_eq!(parked[0]["event_bytes"], large.len());
    assert!(home.run(&format!("parked show {}", id(&parked[0]))).exits(0).out.contains("cannot be replayed"));
    let run = home.run("parked replay --json").exits(0);
    assert_eq!(run.out, "");
    let line = format!("parked replay {}", id(&parked[0]));
    home.run(&line).complains(1, id(&parked[0]), "send it again from its source");
}

#[test]
fn a_store_with_nothing_parked_says_so() {
    let home = Home::new();
    home.explain(student("stu_1").to_string()).exits(0);
    let run = home.run("parked").exits(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", "there are no parked events\n"));
    assert_eq!(home.run("parked --json").exits(0).out, "");
}

#[test]
fn parked_events_are_dropped_by_id_or_all_at_once() {
    let home = Home::new();
    home.explain("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    let parked = home.parked();
    assert_eq!(parked.len(), 3);
    let id = parked[0]["sha256"].as_str().unwrap().get(..12).unwrap();
    home.run("parked drop").exits(2);
    home.run("parked drop nothing").complains(1, "nothing", "run portend parked");
    let run = home.run(&format!("parked drop {id} {id}")).exits(0);
    assert_eq!((run.out.as_str(), run.err.trim()), ("", "1 parked event deleted"));
    assert_eq!(home.parked().len(), 2);
    home.run("parked drop --all").exits(0);
    assert_eq!(home.parked().len(), 0);
    assert_eq!(home.ledger()["parked"], 3, "the ledger still counts them");
}
