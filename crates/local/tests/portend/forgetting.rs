//! `portend forget` and `portend export`: nothing about a forgotten student is left in any file, and a replay does not
//! bring it back.

use std::fs;

use serde_json::{Value, json};

use super::alerts::{event, lines, student, subject, with};
use super::harness::Home;

pub(crate) const CANARY: &str = "stu_canary-7";

/// The files of the store's folder that contain the canary.
pub(crate) fn hits(home: &Home) -> Vec<String> {
    let folder = home.store().parent().unwrap().to_owned();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let contains = |bytes: Vec<u8>| bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    let hits = files.filter(|path| contains(fs::read(path).unwrap()));
    hits.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

fn home() -> (Home, String) {
    let home = Home::new();
    let later = with(&student(CANARY), "/timestamp", json!("2025-01-03T12:00:00Z"));
    let refused = with(&student(CANARY), "/severity", json!(7));
    let escaped = event(&with(&student(CANARY), "/details/health_score", json!(7000)));
    let escaped = escaped.to_string().replace("stu_canary", "stu_c\\u0061nary");
    let others = (0..200).map(|number| student(&format!("stu_{number}")));
    let events = lines(others.chain([student(CANARY), student(CANARY), later, refused, subject("C#")]));
    let events = format!("{events}{escaped}\n");
    home.explain(&events).exits(1);
    home.run(&format!("feedback {CANARY} assign --to {CANARY} --note {CANARY}")).exits(0);
    (home, events)
}

#[test]
fn nothing_about_a_forgotten_student_is_left_in_any_file() {
    let (home, events) = home();
    assert!(!hits(&home).is_empty());
    let exported = home.run(&format!("export {CANARY}")).exits(0).json().remove(0);
    let counts =
        ["entities", "insights", "feedback", "parked"].map(|name| exported[name].as_array().unwrap().len());
    assert_eq!(counts, [1, 2, 1, 2]);
    let run = home.run(&format!("forget {CANARY} --json")).exits(0);
    assert!(!run.out.contains("canary") && !run.err.contains("canary"), "{run:?}");
    let receipt: Value = run.json().remove(0);
    let deleted = json!({ "insights": 2, "claims": 2, "feedback": 1, "parked": 2, "others": 1 });
    assert_eq!((&receipt["deleted"], &receipt["store"]), (&deleted, &json!("sqlite")));
    assert_eq!(hits(&home), [""; 0]);
    assert_eq!(home.insights().len(), 201);
    // The same events again: all others are repeats.
    let again = home.explain(&events).exits(1);
    assert_eq!((again.count("stored"), again.count("repeated")), (0, 201));
    let forgotten = again.outcomes().iter().filter(|outcome| *outcome == "forgotten").count();
    assert_eq!(forgotten, 3);
    // What is not a valid alert is parked as before, because nobody can say whom it is about; it can be forgotten again.
    home.run(&format!("forget {CANARY}")).exits(0);
    assert_eq!(hits(&home), [""; 0]);
    let replayed = home.run("parked replay --json");
    assert_eq!(replayed.count("stored"), 0, "{replayed:?}");
    assert_eq!(hits(&home), [""; 0]);
    home.run(&format!("export {CANARY}")).exits(1);
    assert_eq!(home.run(&format!("export {CANARY}")).out, "");
    assert_eq!(home.ledger()["adds_up"], true);
}

#[test]
fn an_unknown_name_and_an_unknown_type_are_said() {
    let (home, _) = home();
    let unknown = home.run("forget stu_nobody").exits(1);
    assert!(unknown.err.contains("nothing was stored about it"), "{}", unknown.err);
    home.run("forget stu_1 --type teacher").complains(2, "--type teacher", "student, subject");
    home.run("export stu_1 --type teacher").complains(2, "--type teacher", "student, subject");
    assert_eq!(home.insights().len(), 203);
    home.run("forget stu_1 --type subject").exits(1);
    assert_eq!(home.insights().len(), 203);
}
