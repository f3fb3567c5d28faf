//! Recommendations with stable ids, what was done with them, and what followed; the list by value; the entities held out.

use serde_json::{Value, json};

use super::alerts::{lines, student, with};
use super::harness::Home;
use super::worklist::now;

/// An alert of a student, at this time, with more facts.
fn alert(id: &str, at: &str, more: &Value) -> Value {
    let mut facts = json!({ "ib_calls_14d": 5, "health_score": 65 });
    facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with(&with(&student(id), "/details", facts), "/timestamp", json!(at))
}

/// The report of one recommendation.
fn report(home: &Home, id: &str) -> Value {
    let all = home.run("recommendations --type high_ib_call_frequency --json").exits(0).json();
    all.into_iter().find(|each| each["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn what_was_done_and_skipped_is_counted_with_what_followed() {
    let home = Home::new();
    let alerts = ["stu_1", "stu_2", "stu_3"].map(|id| alert(id, "2025-01-01T09:00:00Z", &json!({})));
    home.explain(lines(alerts)).exits(0);
    let outcome =
        r#"{"entity_type":"student","entity_id":"stu_1","outcome":"churn","at":"2025-01-05T00:00:00Z"}"#;
    home.write("outcomes.jsonl", outcome);
    home.run("outcomes import outcomes.jsonl").exits(0);
    home.run("outcomes census student churn --until 2025-06-01").exits(0);

    for (command, code) in [
        ("feedback stu_1 done --recommendation 1 --by ana", 0),
        ("feedback stu_2 done --recommendation ib_calls_14d --by ana", 0),
        ("feedback stu_3 skip --recommendation 1 --by ana", 0),
        ("feedback stu_3 skip --by ana", 2),
        ("feedback stu_3 useful --recommendation 1 --by ana", 2),
        ("feedback stu_3 done --recommendation 9 --by ana", 2),
        ("feedback stu_3 done --recommendation nothing --by ana", 2),
    ] {
        home.run(command).exits(code);
    }
    let insight = home.run("insight stu_1 --json").exits(0).json().remove(0);
    assert_eq!(insight["recommended"][0]["response"], "done");
    assert_eq!(insight["recommended"][0]["source"], "catalogue");
    // The student is still on the list: a recommendation was done, and not everything.
    assert_eq!(home.run("entity stu_1 --json").exits(0).json()[0]["entity"]["state"], "seen");

    let report = report(&home, "ib_calls_14d");
    assert_eq!(report["given"], 3);
    let counts = |name: &str| [&report[name]["insights"], &report[name]["n"], &report[name]["events"]];
    assert_eq!(counts("done"), [&json!(2), &json!(2), &json!(1)]);
    assert_eq!(counts("skipped"), [&json!(1), &json!(1), &json!(0)]);
    assert_eq!(counts("unanswered"), [&json!(0), &json!(0), &json!(0)]);
    let text = home.run("recommendations --type high_ib_call_frequency").exits(0);
    assert!(text.out.contains("of 2 that can be judged, it happened in 1"), "{}", text.out);
    assert!(!text.out.contains("because"), "{}", text.out);
    // What was done is an act, so that an evaluation lists its rows apart.
    let acts = home.run("outcomes list --json").exits(0).out;
    assert!(acts.contains("\"acted\":\"ib_calls_14d\""), "{acts}");
}

#[test]
fn the_list_by_value_has_the_most_at_stake_first_and_ends_at_todays_capacity() {
    let home = Home::new();
    let text = portend_core::alert_type::AlertTypes::built_in_text("high_ib_call_frequency").unwrap();
    let fact = "[[fact]]\nid = \"value\"\nlabel = \"Yearly revenue\"\nmeaning = \"What the family pays in a year.\"\n\
        type = \"number\"\nmin = 0\nmax = 100000\nunit = \"dollars\"\nworse = \"higher\"\noptional = true\n\n";
    let text = text.replacen("[scorecard]", &format!("{fact}[scorecard]"), 1);
    home.write("types/high_ib_call_frequency/alert.toml", &text);
    let at = "2025-01-01T09:00:00Z";
    let alerts = [
        alert("stu_1", at, &json!({ "value": 100 })),
        alert("stu_2", at, &json!({ "value": 900, "ib_calls_14d": 3 })),
        alert("stu_3", at, &json!({ "ib_calls_14d": 8 })),
    ];
    home.write("alerts.jsonl", lines(alerts));
    home.run("explain alerts.jsonl --alert-types types").exits(0);
    let list = |order: &str| {
        let command = format!("today --at 2025-01-01T10:00:00Z --alert-types types --json {order}");
        let items = home.run(&command).exits(0).json();
        items.iter().map(|item| item["entity_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("--sort risk"), ["stu_3", "stu_1", "stu_2"]);
    assert_eq!(list("--sort value"), ["stu_2", "stu_1", "stu_3"]);
    assert_eq!(list("--sort value --capacity 1"), ["stu_2"]);
    let text = home.run("today --at 2025-01-01T10:00:00Z --alert-types types --capacity 1").exits(0);
    assert!(
        text.err.contains("2 more than today's capacity of 1; the highest risk of those not listed is 63"),
        "{}",
        text.err
    );
    let valued = home.run("today --at 2025-01-01T10:00:00Z --alert-types types --sort value").exits(0);
    assert!(valued.out.contains("value 900"), "{}", valued.out);
}

#[test]
fn who_is_done_today_is_not_in_todays_capacity_any_more() {
    let home = Home::new();
    let started = now();
    home.explain(lines((1..=5).map(|index| alert(&format!("stu_{index}"), &started, &json!({}))))).exits(0);
    let listed = |capacity: u8| {
        let ended = home.run(&format!("today --json --capacity {capacity}")).exits(0);
        (ended.json().len(), ended.err)
    };
    assert_eq!(listed(3).0, 3);
    home.run("feedback stu_1 done --by ana").exits(0);
    home.run("feedback stu_2 snooze --until 2d --by ana").exits(0);
    let (count, notes) = listed(2);
    // A second one is done, and then nobody else can be looked at today.
    home.run("feedback stu_3 done --by ana").exits(0);
    let (none, used) = listed(2);
    // What was done before midnight is not of today.
    if started.get(..10) == now().get(..10) {
        assert!(
            count == 1 && notes.contains("2 more than today's capacity of 2, of which 1 is done;"),
            "{notes}"
        );
        assert!(none == 0 && used.contains("capacity of 2, of which 2 are done;"), "{used}");
        assert!(!used.contains("nobody needs attention"), "{used}");
    }
}

#[test]
fn entities_that_are_held_out_are_stored_and_say_so() {
    let home = Home::new();
    let alerts = [alert("stu_1", "2025-01-01T09:00:00Z", &json!({}))];
    home.write("alerts.jsonl", lines(alerts));
    home.run("explain alerts.jsonl --holdout 1").exits(0);
    assert_eq!(home.run("insight stu_1 --json").exits(0).json()[0]["holdout"], true);
    for wrong in ["2", "-1", "half"] {
        let ended = home.run(&format!("explain alerts.jsonl --holdout={wrong}")).exits(2);
        assert!(ended.err.contains("write a share from 0 to 1"), "{}", ended.err);
    }
    home.write("portend.toml", "holdout = 0.5\n");
    assert!(home.run("doctor").out.contains("holdout"), "the doctor says every setting");
}
