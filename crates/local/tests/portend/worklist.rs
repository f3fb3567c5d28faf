//! `portend today`, `portend entity` and `portend feedback`: what a person looks at in the morning, and does about it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::alerts::{lines, student, subject, with};
use super::harness::Home;

const NOON: &str = "2025-01-01T13:00:00Z";

fn calls(id: &str, calls: u32, health: u32, at: &str) -> Value {
    let facts = json!({ "ib_calls_14d": calls, "health_score": health });
    with(&with(&student(id), "/details", facts), "/timestamp", json!(at))
}

fn low_health(id: &str, health: u32, at: &str) -> Value {
    json!({
        "alert_type": "low_health_score", "severity": "critical", "entity_id": id, "entity_type": "student",
        "details": { "health_score": health, "sessions_7d": 3, "ib_calls_14d": 5 }, "timestamp": at
    })
}

fn today(home: &Home, at: &str) -> Vec<Value> {
    home.run(&format!("today --json --at {at} -n 0")).exits(0).json()
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["entity_id"].as_str().unwrap()).collect()
}

/// Every line fits a terminal of 80 columns.
#[track_caller]
fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn an_entity_is_on_the_list_once_with_its_worst_alert_and_what_changed() {
    let home = Home::new();
    let alerts = [
        calls("stu_1", 5, 65, "2025-01-01T09:00:00Z"),
        calls("stu_2", 3, 90, "2025-01-01T10:00:00Z"),
        calls("stu_1", 5, 65, "2025-01-01T11:00:00Z"),
        calls("stu_1", 8, 65, "2025-01-01T12:00:00Z"),
        low_health("stu_1", 65, "2025-01-01T12:00:01Z"),
        subject("C#"),
    ];
    home.explain(lines(alerts)).exits(0);
    let items = today(&home, NOON);
    assert_eq!(names(&items), ["C#", "stu_1", "stu_2"]);
    let item = &items[1];
    assert_eq!((&item["risk_score"], &item["state"]), (&json!(73), &json!("new")));
    assert_eq!(item["alert_types"], json!(["high_ib_call_frequency", "low_health_score"]));
    let changes = json!([
        { "what": "new_alert_type", "alert_type": "low_health_score" },
        { "what": "score", "from": 63, "to": 73 },
        { "what": "fact", "fact": "ib_calls_14d", "from": 5, "to": 8 },
    ]);
    assert_eq!(item["changes"], changes);
    // As it was before the last two alerts: seen twice.
    let before = today(&home, "2025-01-01T11:30:00Z");
    assert_eq!(names(&before), ["stu_1", "stu_2"]);
    assert_eq!((&before[0]["risk_score"], &before[0]["occurrences"]), (&json!(63), &json!(2)));
    let text = home.run(&format!("today --at {NOON}")).exits(0);
    fits(&text.out);
    assert!(text.out.contains("2025-01-01 13:00 UTC  3 of 3"), "{}", text.out);
    assert!(text.out.contains("new: Low student health score; risk 63 → 73"), "{}", text.out);
    assert_eq!(text.out.matches("stu_1").count(), 1, "{}", text.out);
    assert_eq!(names(&home.run(&format!("today --json --at {NOON} -n 1")).exits(0).json()), ["C#"]);
    assert_eq!(names(&home.run(&format!("today --json --at {NOON} --min-risk 73")).exits(0).json()).len(), 2);
    // Today is long after.
    let empty = home.run("today").exits(0);
    assert_eq!(empty.out, "");
    assert!(empty.err.contains("run portend today --at 2025-01-01T12:00:01Z"), "{}", empty.err);
}

#[test]
fn feedback_takes_an_entity_off_the_list_until_it_gets_worse() {
    let home = Home::new();
    home.explain(lines([calls("stu_1", 5, 65, "2025-01-01T09:00:00Z")])).exits(0);
    let id = today(&home, NOON)[0]["alert_id"].as_str().unwrap().to_owned();
    let short = id.rsplit('_').next().unwrap().to_owned();
    let said = |line: &str| home.run(&format!("feedback {line}")).exits(0).err;
    assert!(said(&format!("{id} useful")).contains("noted as useful; stu_1 is seen"));
    assert!(said("stu_1 assign --to ana --by bo").contains("stu_1 is assigned to ana"));
    assert_eq!(today(&home, NOON)[0]["assignee"], "ana");
    assert!(said(&format!("{short} snooze --until 7d")).contains("stu_1 is snoozed until"));
    assert_eq!(names(&today(&home, NOON)), [""; 0]);
    // The same again is not worse; ten points are.
    home.explain(lines([calls("stu_1", 6, 65, "2025-01-01T10:00:00Z")])).exits(0);
    assert_eq!(names(&today(&home, NOON)), [""; 0]);
    home.explain(lines([calls("stu_1", 8, 65, "2025-01-01T11:00:00Z")])).exits(0);
    assert_eq!(today(&home, NOON)[0]["changes"][0], json!({ "what": "returned", "why": "worse" }));
    assert!(said("stu_1 done --note settled").contains("stu_1 is done"));
    assert_eq!(names(&today(&home, NOON)), [""; 0]);
    // Three weeks later it is a relapse.
    home.explain(lines([calls("stu_1", 3, 90, "2025-01-22T11:00:00Z")])).exits(0);
    let item = today(&home, "2025-01-22T12:00:00Z").remove(0);
    assert_eq!(item["changes"][0], json!({ "what": "returned", "why": "relapse" }));
    let entity = home.run("entity stu_1 --json").exits(0).json().remove(0);
    let actions: Vec<_> = entity["feedback"].as_array().unwrap().iter().map(|each| &each["action"]).collect();
    assert_eq!(actions, ["useful", "assign", "snooze", "done"]);
    assert_eq!(entity["insights"].as_array().unwrap().len(), 4);
    let text = home.run(&format!("entity {short}")).exits(0);
    fits(&text.out);
    assert!(text.out.contains("done by") && text.out.contains("assigned to ana by bo"), "{}", text.out);
}

#[test]
fn of_two_people_one_wins_and_the_other_learns_of_whom() {
    let home = Home::new();
    home.explain(lines([student("stu_1")])).exits(0);
    let version = today(&home, NOON)[0]["version"].clone();
    home.run(&format!("feedback stu_1 done --by ana --if-version {version}")).exits(0);
    let late = home.run(&format!("feedback stu_1 assign --by bo --if-version {version}")).exits(1);
    assert!(
        late.err.contains("ana changed stu_1 at ") && late.err.contains("nothing is stored"),
        "{}",
        late.err
    );
    let entity = home.run("entity stu_1 --json").exits(0).json().remove(0);
    assert_eq!(
        (&entity["entity"]["state"], &entity["entity"]["changed"]["by"]),
        (&json!("done"), &json!("ana"))
    );
    assert_eq!(entity["feedback"].as_array().unwrap().len(), 1);
    // Nobody else has changed it since.
    home.run("feedback stu_1 reopen --by bo").exits(0);
}

#[test]
fn an_insight_is_found_by_a_short_id() {
    let home = Home::new();
    home.explain(lines([student("stu_1"), student("stu_12"), subject("C#")])).exits(0);
    let ids: BTreeMap<String, String> = home
        .insights()
        .iter()
        .map(|insight| {
            let text = |name: &str| insight[name].as_str().unwrap().to_owned();
            (text("entity_id"), text("alert_id"))
        })
        .collect();
    let digits = |entity: &str| ids[entity].rsplit('_').next().unwrap().to_owned();
    let find = |id: &str| home.run_args(&["insight", "--json", id]);
    for (text, entity) in [
        (ids["stu_1"].clone(), "stu_1"),
        ("stu_1".to_owned(), "stu_1"),
        (digits("stu_12"), "stu_12"),
        (digits("C#")[..6].to_owned(), "C#"),
        ("high_ib_call_frequency_stu_12".to_owned(), "stu_12"),
        ("supply".to_owned(), "C#"),
    ] {
        assert_eq!(find(&text).exits(0).json()[0]["entity_id"], entity, "{text}");
    }
    let several = find("high_ib").exits(1);
    assert!(several.err.contains("several insights match high_ib"), "{}", several.err);
    for nothing in ["stu_9", "zzzz", "'; DROP TABLE insight; --", "high", "\u{10FFFF}"] {
        let run = find(nothing).exits(1);
        assert!(nothing == "high" || run.err.contains("there is no insight"), "{nothing}: {}", run.err);
    }
    let table = home.run("insights").exits(0);
    fits(&table.out);
    assert!(table.out.contains(&digits("stu_12")) && table.err.contains("times are in UTC"), "{table:?}");
}

#[test]
fn insights_are_sorted_by_risk() {
    let home = Home::new();
    let alerts = [(2, 90), (9, 20), (5, 65)].into_iter().enumerate();
    let alerts = alerts.map(|(number, (count, health))| {
        calls(&format!("stu_{number}"), count, health, "2025-01-01T12:00:00Z")
    });
    home.explain(lines(alerts)).exits(0);
    let sorted = home.run("insights --json --sort risk").exits(0).json();
    assert_eq!(names(&sorted), ["stu_1", "stu_2", "stu_0"]);
    let worst = home.run("insights --json --sort risk --limit 2").exits(0);
    assert_eq!(names(&worst.json()), ["stu_1", "stu_2"]);
    assert!(worst.err.contains("there are more insights"), "{}", worst.err);
}

#[test]
fn wrong_feedback_is_refused_with_what_is_right() {
    let home = Home::new();
    home.explain(lines([student("stu_1")])).exits(0);
    for (line, what, fix) in [
        ("stu_1 snooze", "snooze needs a time", "--until 7d"),
        ("stu_1 snooze --until yesterday", "--until yesterday is not a time", "7d"),
        ("stu_1 snooze --until 2025-01-01", "--until is in the past", "7d"),
        ("stu_1 done --until 7d", "--until is only for snooze", "omit it"),
        ("stu_1 done --to ana", "--to is only for assign", "omit it"),
    ] {
        home.run(&format!("feedback {line}")).complains(2, what, fix);
    }
    let long = "x".repeat(1001);
    home.run_args(&["feedback", "stu_1", "done", "--note", &long]).complains(2, "--note", "at most 1000");
    assert_eq!(home.run("feedback stu_1 fine").code, Some(2));
    let nobody = home.run("feedback stu_9 done").exits(1);
    assert!(nobody.err.contains("there is no insight stu_9"), "{}", nobody.err);
    let none = home.run("entity stu_9").exits(1);
    assert!(none.err.contains("there is no student or subject stu_9"), "{}", none.err);
}

/// Of a simulated month, and the month after it as the truth: whoever has an alert in the next three days is on the list,
/// and so is whoever leaves, if there was an alert; and nearly nobody who recovered has an alert in the next week.
#[test]
fn the_list_of_a_simulated_month_has_the_few_that_matter() {
    let home = Home::new();
    let at = "2025-01-31T00:00:00Z";
    let (alerts, outcomes) = ("alerts.jsonl", "outcomes.jsonl");
    let simulated = home.run(&format!("simulate --days 60 --outcomes {outcomes}")).exits(0);
    let (mut month, mut seen, mut next) = (String::new(), BTreeMap::new(), BTreeMap::new());
    for line in simulated.out.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let detail = &event["detail"];
        let text = |name: &str| detail[name].as_str().unwrap().to_owned();
        if *text("timestamp") < *at {
            month.push_str(line);
            month.push('\n');
            seen.insert(text("entity_id"), text("timestamp"));
        } else {
            next.entry(text("entity_id")).or_insert_with(|| text("timestamp"));
        }
    }
    home.write(alerts, month);
    let insights = home.run(&format!("explain --json {alerts}")).exits(0).count("stored");
    let items = today(&home, at);
    let listed = names(&items);
    assert_eq!((insights, seen.len(), listed.len()), (1560, 54, 30));
    let alerts_until = |until: &str| {
        let soon = next.iter().filter(|(id, at)| seen.contains_key(*id) && at.as_str() < until);
        soon.map(|(id, _)| id.as_str()).partition::<Vec<_>, _>(|id| listed.contains(id))
    };
    assert_eq!(alerts_until("2025-02-03").0.len(), 18);
    assert_eq!(alerts_until("2025-02-02").1, [""; 0]);
    assert!(alerts_until("2025-02-07").1.len() <= 2, "{:?}", alerts_until("2025-02-07").1);
    let outcomes = std::fs::read_to_string(home.path(outcomes)).unwrap();
    let leaves_soon = |outcome: &Value| {
        let left = outcome["at"].as_str().unwrap_or("9999");
        outcome["outcome"] == "churn"
            && (at..="2025-03-02").contains(&left)
            && seen.contains_key(outcome["entity_id"].as_str().unwrap())
    };
    let outcomes = outcomes.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let leavers: Vec<_> = outcomes.filter(leaves_soon).map(|outcome| outcome["entity_id"].clone()).collect();
    let first: Vec<_> = listed.iter().take(20).map(|id| json!(id)).collect();
    assert!(leavers.len() >= 4 && leavers.iter().all(|id| first.contains(id)), "{leavers:?}");
    let text = home.run(&format!("today --at {at}")).exits(0);
    fits(&text.out);
    assert!(text.err.contains("10 more; use -n") && text.err.contains("recovered, with no current alert"));
}

/// A list of the past has the states of then, also of those who are off the list now.
#[test]
fn a_list_of_the_past_has_the_states_of_then() {
    let home = Home::new();
    home.explain(lines([calls("stu_1", 5, 65, &now()), calls("stu_2", 8, 65, &now())])).exits(0);
    let first = now();
    home.run("feedback stu_1 assign --to ana").exits(0);
    let second = now();
    home.run("feedback stu_1 done").exits(0);
    home.run("feedback stu_2 snooze --until 7d").exits(0);
    let states = |items: Vec<Value>| -> Vec<String> {
        let state = |item: &Value| {
            format!("{} {}", item["entity_id"].as_str().unwrap(), item["state"].as_str().unwrap())
        };
        items.iter().map(state).collect()
    };
    assert_eq!(states(today(&home, &first)), ["stu_2 new", "stu_1 new"]);
    assert_eq!(states(today(&home, &second)), ["stu_2 new", "stu_1 assigned"]);
    assert_eq!(states(home.run("today --json").exits(0).json()), [""; 0]);
}

/// Every alert of one trouble belongs to one case, and a list says which judgement was before.
#[test]
fn an_item_names_its_case_and_the_judgement_before() {
    let home = Home::new();
    home.explain(lines([calls("stu_1", 5, 65, "2025-01-01T09:00:00Z")])).exits(0);
    let first = today(&home, NOON).remove(0);
    home.explain(lines([calls("stu_1", 8, 65, "2025-01-01T12:00:00Z")])).exits(0);
    let second = today(&home, NOON).remove(0);
    assert_eq!(first["case"], "student_stu_1_1735722000000");
    assert_eq!((&second["case"], &first["previous"]), (&first["case"], &Value::Null));
    assert_eq!(
        (&second["previous"]["alert_id"], &second["previous"]["risk_score"]),
        (&first["alert_id"], &json!(63))
    );
    assert_eq!(second["scores"], json!([[1_735_722_000, 63], [1_735_732_800, 73]]));
}

/// The time now, as a producer writes it.
#[expect(clippy::disallowed_methods, reason = "the program under test uses the machine's clock too")]
pub(super) fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    portend_core::time::Timestamp::from_millis(since.as_millis().try_into().unwrap()).to_string()
}
