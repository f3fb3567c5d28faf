//! Tests that text from others never controls the terminal.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use super::alerts::{ALERT_TYPES, event, lines, student, subject, with};
use super::harness::{Home, Run};

/// Two forms of an escape sequence, a bell, a carriage return, two direction controls, a zero-width space, a line
/// separator, a byte order mark, a delete and a NUL.
const HOSTILE: &str = "\u{1b}[31m\u{9b}31m\u{7}\r\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{7f}\u{0}";

/// Checks that neither output contains a hostile character unescaped.
#[track_caller]
fn is_harmless(run: &Run) {
    for text in [&run.out, &run.err] {
        let found = text.chars().find(|each| HOSTILE.contains(*each) && !"[31m".contains(*each));
        assert_eq!(found, None, "{text:?}");
    }
}

/// A home with events that have hostile text in every field.
fn home() -> Home {
    let home = Home::new();
    let (a, s) = (student("stu_1"), subject("C#"));
    let mut events = vec![
        with(&a, "/message", HOSTILE.into()),
        with(&event(&s), "/detail/message", format!("a{HOSTILE}\nb").into()),
        json!({ HOSTILE: HOSTILE }),
        with(&event(&s), "/detail-type", HOSTILE.into()),
        with(&a, "/details", json!({ HOSTILE: 1, "ib_calls_14d": HOSTILE, "health_score": 5 })),
    ];
    for path in
        ["/alert_type", "/entity_type", "/entity_id", "/severity", "/timestamp", "/details/balance_status"]
    {
        events.push(with(&s, path, HOSTILE.into()));
    }
    let mut input = lines(events);
    // The input has the raw text too, not only the text that JSON escapes.
    let raw = HOSTILE.replace('\0', "");
    input.extend(["{\"message\":\"", &raw, "\",\"", &raw, "\":1}\n", &raw, "\n"]);
    home.write("events.jsonl", input);
    home
}

#[test]
fn every_command_escapes_hostile_text() {
    let home = home();
    for line in ["explain events.jsonl", "explain --json events.jsonl"] {
        let run = home.run(line).exits(1);
        is_harmless(&run);
        assert!(run.out.contains("u{1b}"), "the escaped text is missing: {}", run.out);
    }
    assert_eq!(home.insights().len(), 2);
    for line in [
        "insights",
        "insights --json",
        "insights --csv",
        "parked",
        "parked --json",
        "ledger",
        "ledger --json",
    ] {
        is_harmless(&home.run(line).exits(0));
    }
    for insight in home.insights() {
        let id = insight["alert_id"].as_str().unwrap();
        is_harmless(&home.run_args(&["insight", id]).exits(0));
        is_harmless(&home.run_args(&["insight", "--json", id]).exits(0));
    }
    for item in home.parked() {
        let id = item["sha256"].as_str().unwrap();
        is_harmless(&home.run(&format!("parked show {id}")).exits(0));
        is_harmless(&home.run(&format!("parked show --json {id}")).exits(0));
    }
    is_harmless(&home.run("parked replay"));
    is_harmless(&home.run("parked replay --json"));
}

#[test]
fn json_still_contains_the_original_text() {
    let home = home();
    home.run("explain events.jsonl").exits(1);
    assert_eq!(home.insights().iter().filter(|insight| insight["message"] == HOSTILE).count(), 1);
}

#[test]
fn typed_text_is_escaped_too() {
    let home = home();
    home.run("explain events.jsonl").exits(1);
    let typed = HOSTILE.replace('\0', "");
    for args in [
        &["explain", &typed][..],
        &["insight", &typed],
        &["insights", "--type", &typed],
        &["insights", "--since", &typed],
        &["parked", "show", &typed],
        &["types", "show", &typed],
        &["ledger", "--store", &typed],
        &["ledger", "--config", &typed],
        &["types", "--alert-types", &typed],
        &["man", &typed],
    ] {
        is_harmless(&home.run_args(args));
    }
}

#[test]
fn a_files_name_is_escaped() {
    let home = Home::new();
    let name = HOSTILE.replace('\0', "");
    home.write(&name, "nonsense\n");
    is_harmless(&home.run_args(&["explain", &name]).exits(1));
    is_harmless(&home.run_args(&["explain", "--json", &name]).exits(1));
    let unreadable = format!("{name}2");
    symlink("/proc/self/mem", home.path(&unreadable)).unwrap();
    is_harmless(&home.run_args(&["explain", &unreadable]).exits(1));
}

#[test]
fn an_alert_types_texts_are_escaped() {
    let home = Home::new();
    let text = fs::read_to_string(Path::new(ALERT_TYPES).join("high_ib_call_frequency/alert.toml")).unwrap();
    let hostile: Vec<String> = HOSTILE.chars().map(|each| format!("\\u{:04x}", u32::from(each))).collect();
    let hostile = hostile.concat();
    let insert = |text: String, before: &str| text.replace(before, &format!("{before}{hostile}"));
    let marks = [
        "title         = \"",
        "question      = \"",
        "50  = \"",
        "meaning    = \"",
        "label      = \"",
        "phrase     = \"",
        "unit       = \"",
        "advice = \"",
        "otherwise = [\n  \"",
    ];
    let text = marks.into_iter().fold(text, |text, mark| {
        assert!(text.contains(mark), "{mark}");
        insert(text, mark)
    });
    home.write("types/high_ib_call_frequency/alert.toml", text);
    home.write("alert.json", student("stu_1").to_string());
    for line in [
        "types check types",
        "types --alert-types types",
        "types list --json --alert-types types",
        "types show high_ib_call_frequency --alert-types types",
        "types show --json high_ib_call_frequency --alert-types types",
        "explain alert.json --alert-types types",
        "explain --json alert.json --alert-types types",
        "insights --alert-types types",
        "insights --csv --alert-types types",
    ] {
        is_harmless(&home.run(line).exits(0));
    }
    let id = home.insights()[0]["alert_id"].as_str().unwrap().to_owned();
    is_harmless(&home.run(&format!("insight {id} --alert-types types")).exits(0));
}
