//! Tests `portend explain`: its cards, its JSON, its exit codes and the order of its output.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::alerts::{SAMPLE, later, lines, student, students};
use super::harness::{Home, skip};

/// Replaces the parts of the text that differ from one run to the next: the times and the run.
fn steady(home: &Home, text: &str) -> String {
    let mut text = text.to_owned();
    for insight in home.insights() {
        for field in ["run", "timestamp", "expires_at"] {
            text = text.replace(insight[field].as_str().unwrap(), &format!("[{field}]"));
        }
    }
    text
}

#[test]
fn the_sample_event_makes_a_card_and_then_a_repeat() {
    let home = Home::new();
    let first = home.run_args(&["explain", SAMPLE]).exits(0);
    assert_eq!(first.err, "");
    insta::assert_snapshot!("the_card_of_the_sample_event", first.out);
    let second = home.run_args(&["explain", SAMPLE]).exits(0);
    let (card, foot) = second.out.trim_end().rsplit_once('\n').unwrap();
    assert!(first.out.starts_with(card), "{card}");
    assert!(foot.contains("repeat"), "{foot}");
    assert_eq!(home.insights().len(), 1);
}

#[test]
fn json_is_the_whole_insight_on_one_line_in_a_fixed_order() {
    let home = Home::new();
    let first = home.run_args(&["explain", "--json", SAMPLE]).exits(0);
    assert_eq!((first.out.lines().count(), first.err.as_str()), (1, ""));
    // Puts each member on a line of its own, in the order of the output.
    let line = steady(&home, &first.out).replace(",\"", ",\n\"");
    insta::assert_snapshot!("the_json_of_the_sample_event", line);
    let second = home.run_args(&["explain", "--json", SAMPLE]).exits(0);
    assert_eq!(second.out, first.out.replacen("stored", "repeated", 1));
}

#[test]
fn every_line_of_json_has_the_members_of_its_status_in_order() {
    let home = Home::new();
    let run = home.explain(format!("{0}{0}{{}}\n", students(1))).exits(1);
    let starts = [
        r#"{"status":"stored","alert_id":""#,
        r#"{"status":"repeated","alert_id":""#,
        r#"{"status":"parked","reason":""#,
    ];
    for (line, start) in run.out.lines().zip(starts) {
        assert!(line.starts_with(start), "{line}");
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value.as_object().unwrap().len(), 3, "{line}");
        assert_eq!(value.get("alert_id"), value.pointer("/insight/alert_id"), "{line}");
    }
    assert_eq!(run.out.lines().count(), 3);
    assert!(
        run.out.contains(r#","insight":{"schema":1,"alert_id":""#)
            && run.out.contains(r#","message":"line 3 of"#)
    );
}

#[test]
fn the_exit_code_says_whether_every_event_was_stored_or_repeated() {
    let home = Home::new();
    home.write("good.json", students(1));
    home.write("mixed.jsonl", format!("{}nonsense\n", students(2)));
    home.write("empty.json", "");
    for (line, code) in [
        ("explain good.json", 0),
        ("explain good.json good.json", 0),
        ("explain empty.json", 0),
        ("explain mixed.jsonl", 1),
        ("explain mixed.jsonl good.json", 1),
        ("explain", 2),
        ("explain missing.json", 2),
        ("explain .", 2),
        ("explain --frobnicate good.json", 2),
    ] {
        let run = home.run(line);
        assert_eq!(run.code, Some(code), "{line}: {run:?}");
        assert_eq!(run.err.is_empty(), code < 2 && !line.contains("empty"), "{line}: {run:?}");
    }
}

#[test]
fn an_unreadable_input_is_reported_before_any_work_begins() {
    let home = Home::new();
    home.write("good.json", students(1));
    home.run("explain good.json missing.json").complains(2, "missing.json", "give a file with alerts, or -");
    assert!(!home.store().exists());
    if !Path::new("/proc/self/mem").exists() {
        return skip("this machine has no file that opens but cannot be read");
    }
    let run = home.run("explain --json good.json /proc/self/mem").exits(1);
    assert_eq!(run.outcomes(), ["stored"]);
    assert!(run.err.contains("/proc/self/mem") && run.err.contains("run the rest again"), "{}", run.err);
}

#[test]
fn an_empty_input_is_reported() {
    let home = Home::new();
    for input in ["", "\n", " \r\n\t\n\n", "\u{feff}", "\u{feff}\r\n\n"] {
        let run = home.explain(input).exits(0);
        assert_eq!((run.out.as_str(), run.err.as_str()), ("", "the input contains no event\n"), "{input:?}");
    }
}

#[test]
fn many_cards_end_with_a_tally() {
    let home = Home::new();
    let run = home.feed("explain -", format!("{0}{0}nonsense\n", students(2))).exits(1);
    assert_eq!(run.out.lines().last(), Some("5 events: 2 stored, 2 repeated, 1 parked, 0 failed"));
    assert_eq!(home.run_args(&["explain", SAMPLE]).exits(0).out.matches("events").count(), 0);
}

#[test]
fn the_output_is_in_the_order_of_the_inputs_whichever_event_ends_first() {
    let home = Home::new();
    let ids: Vec<String> = (0..600).map(|number| format!("stu_{}", number * 7919 % 600)).collect();
    let part = |range: std::ops::Range<usize>| lines(ids[range].iter().map(|id| student(id)));
    home.write("first.jsonl", part(0..200));
    home.write("last.jsonl", part(400..600));
    let run = home.feed("explain --json first.jsonl - last.jsonl", part(200..400)).exits(0);
    let printed: Vec<String> =
        run.json().iter().map(|line| line["insight"]["entity_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(printed, ids);
}

#[test]
fn repeats_within_one_input_are_counted_in_its_order() {
    let home = Home::new();
    let alerts = |seconds: [u32; 6]| lines(seconds.map(|at| later(&student("stu_1"), at)));
    // The first alert is stored. A later one adds to the count; one at the same instant or before it does not.
    let run = home.explain(alerts([10, 11, 11, 5, 700, 40])).exits(0);
    assert_eq!((run.count("stored"), run.count("repeated")), (1, 5));
    let seen: Vec<_> =
        run.json().iter().map(|line| line["insight"]["occurrences"].as_u64().unwrap()).collect();
    assert_eq!(seen, [1, 2, 2, 2, 3, 3]);
    let insight = &home.insights()[0];
    assert_eq!(
        (&insight["occurrences"], &insight["last_seen"]),
        (&3.into(), &"2025-01-01T12:11:40.000Z".into())
    );
    assert_eq!(insight["alert_timestamp"], "2025-01-01T12:00:10.000Z");
}

#[test]
fn the_default_store_is_in_the_users_data_folder() {
    let home = Home::new();
    home.run_args(&["explain", SAMPLE]).exits(0);
    assert!(home.store().exists());
    let made: Vec<_> = fs::read_dir(home.path("")).unwrap().collect();
    assert!(made.is_empty(), "the working folder has new files: {made:?}");
}

#[test]
fn an_alert_is_judged_again_without_a_trace() {
    let home = Home::new();
    home.run_args(&["explain", SAMPLE]).exits(0);
    let before = home.ledger();
    let run = home.run_args(&["explain", "--again", "--json", SAMPLE]).exits(0);
    let line = &run.json()[0];
    assert_eq!((&line["status"], &line["insight"]["risk_score"]), (&json!("again"), &json!(63)));
    let card = home.run_args(&["explain", "--again", SAMPLE]).exits(0).out;
    assert!(card.contains("judged again, not stored"), "{card}");
    let refused = home.feed("explain --again --json -", "{\n").exits(1).json();
    assert_eq!((&refused[0]["status"], &refused[0]["reason"]), (&json!("refused"), &json!("not_json")));
    assert_eq!((home.ledger(), home.insights().len(), home.parked().len()), (before, 1, 0));
}
