//! Every shape that an input may have, and what is no shape at all.

use serde_json::Value;

use super::alerts::{SAMPLE, batch, event, lines, student, subject, with, without};
use super::harness::Home;

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// What came of each event of one input, to a fresh store.
fn outcomes(input: impl AsRef<[u8]>) -> Vec<String> {
    let home = Home::new();
    let run = home.explain(input);
    let outcomes = run.outcomes();
    let good = outcomes.iter().all(|outcome| matches!(outcome.as_str(), "stored" | "repeated"));
    assert_eq!(run.code, Some(i32::from(!good)), "{run:?}");
    assert_eq!(home.ledger()["received"], outcomes.len());
    outcomes
}

#[test]
fn every_accepted_shape_gives_an_answer_for_each_event() {
    let (a, b, c) = (student("stu_1"), subject("C#"), student("stu_3"));
    let bad = without(&a, "/severity");
    let mixed = lines([event(&a), b.clone(), batch([&bad, &c]), a.clone()]);
    let bom = "\u{feff}";
    let in_sns = |event: &Value| {
        let message = event.to_string();
        serde_json::json!({ "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:x", "Message": message })
    };
    let sns = serde_json::json!({ "Records": [{ "EventSource": "aws:sns", "Sns": in_sns(&event(&a)) }] });
    let cases: [(&str, String, &[&str]); 22] = [
        ("an array of events", format!("[{a}, {}]", event(&b)), &["stored", "stored"]),
        (
            "an array over several lines",
            pretty(&Value::from(vec![a.clone(), b.clone(), a.clone()])),
            &["stored", "stored", "repeated"],
        ),
        ("an array with a bad event", format!("[{bad},{c}]"), &["missing:$.severity", "stored"]),
        ("SNS inside SQS", batch([in_sns(&a), b.clone()]).to_string(), &["stored", "stored"]),
        ("SNS straight", sns.to_string(), &["stored"]),
        ("an EventBridge event", event(&a).to_string(), &["stored"]),
        ("a bare detail", a.to_string(), &["stored"]),
        ("the same in both shapes", lines([event(&a), a.clone()]), &["stored", "repeated"]),
        ("a batch", batch([event(&a), b.clone()]).to_string(), &["stored", "stored"]),
        (
            "a bad record among good ones",
            batch([a.to_string(), "{".into(), bad.to_string(), c.to_string()]).to_string(),
            &["stored", "not_json", "missing:$.severity", "stored"],
        ),
        ("a document over several lines", pretty(&event(&a)), &["stored"]),
        ("a batch over several lines", pretty(&batch([&a, &b, &a])), &["stored", "stored", "repeated"]),
        (
            "JSON Lines of mixed shapes",
            mixed.clone(),
            &["stored", "stored", "missing:$.severity", "stored", "repeated"],
        ),
        ("a byte order mark before a document", format!("{bom}{}", pretty(&a)), &["stored"]),
        (
            "a byte order mark before JSON Lines",
            format!("{bom}{}", lines([a.clone(), b.clone()])),
            &["stored", "stored"],
        ),
        ("a byte order mark before a batch", format!("{bom}{}", batch([&a, &b])), &["stored", "stored"]),
        ("a byte order mark on each line", format!("{bom}{a}\n{bom}{b}\n"), &["stored", "stored"]),
        (
            "lines that end as on Windows",
            lines([a.clone(), b.clone()]).replace('\n', "\r\n"),
            &["stored", "stored"],
        ),
        ("a document whose lines end so", pretty(&a).replace('\n', "\r\n"), &["stored"]),
        ("blank lines around and between", format!("\n\r\n{a}\n\n  \n{b}\n\n\n"), &["stored", "stored"]),
        ("a blank line before a document", format!("\n{}", pretty(&a)), &["stored"]),
        ("no end of the last line", format!("{a}\n{b}"), &["stored", "stored"]),
    ];
    for (name, input, expected) in cases {
        assert_eq!(outcomes(input), expected, "{name}");
    }
}

#[test]
fn what_is_no_shape_is_parked_whole() {
    let a = student("stu_1");
    for (name, input) in [
        ("an array of other things", "[1, 2]".into()),
        ("an empty array", "[]".into()),
        ("an array in a batch", batch([format!("[{a}]")]).to_string()),
        ("an SNS subscription", r#"{"Type":"SubscriptionConfirmation","Message":"x"}"#.into()),
        ("no records", r#"{"Records":[]}"#.into()),
        ("an object with neither detail nor alert_type", r#"{"id":"1"}"#.into()),
        ("the sweep's signal, which only the Lambda takes", r#"{"portend":"upgrade"}"#.into()),
        ("the sweep's signal in a batch", batch([r#"{"portend":"upgrade"}"#]).to_string()),
        ("a batch in a batch", batch([batch([&a])]).to_string()),
        ("a number", "5".into()),
        ("a text", "\"x\"".into()),
        ("null", "null".into()),
    ] {
        assert_eq!(outcomes(input), ["not_an_event"], "{name}");
    }
}

#[test]
fn a_document_that_is_no_json_is_one_parked_event() {
    let whole = pretty(&event(&student("stu_1")));
    let home = Home::new();
    for (name, input) in [
        ("a fact that is NaN", whole.replace(": 65", ": NaN")),
        ("a comma too much", whole.replace(": 65", ": 65,")),
        ("the end is missing", whole[..whole.len() / 2].to_owned()),
    ] {
        assert_eq!(home.explain(&input).exits(1).outcomes(), ["not_json"], "{name}");
        let parked = home.parked();
        assert!(parked.iter().any(|item| item["event"] == input), "{name}: {parked:?}");
    }
}

#[test]
fn a_truncated_line_is_named_by_its_number_and_the_others_are_done() {
    let whole = lines((0..5).map(|number| student(&format!("stu_{number}"))));
    for broken in 1..=5 {
        let home = Home::new();
        let cut = |(number, line): (usize, &str)| {
            let kept = if number + 1 == broken { 40 } else { line.len() };
            [line[..kept].to_owned(), "\n".into()]
        };
        let input: String = whole.lines().enumerate().flat_map(cut).collect();
        let run = home.explain(&input).exits(1);
        assert_eq!((run.count("stored"), run.count("parked")), (4, 1), "{run:?}");
        let line = &run.json()[broken - 1];
        assert_eq!(line["reason"], "not_json");
        let place = format!("line {broken} of standard input: ");
        assert!(line["message"].as_str().unwrap().starts_with(&place), "{line}");
        let card = home.feed("explain -", &input).exits(1).out;
        assert_eq!(card.matches(place.trim_end()).count(), 1, "{card}");
    }
}

#[test]
fn a_refused_event_is_named_by_its_file_among_several() {
    let home = Home::new();
    home.write("good.json", student("stu_1").to_string());
    home.write("lines.jsonl", lines([student("stu_2"), without(&student("stu_3"), "/severity")]));
    home.write("document.json", pretty(&with(&student("stu_4"), "/entity_type", "subject".into())));
    let run = home.run("explain --json good.json lines.jsonl document.json").exits(1);
    let messages: Vec<_> =
        run.json().iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect();
    assert!(messages[0].starts_with("line 2 of lines.jsonl: "), "{messages:?}");
    assert!(messages[1].contains("document.json"), "{messages:?}");
}

#[test]
fn the_same_event_in_any_writing_is_a_repeat() {
    let home = Home::new();
    home.run_args(&["explain", SAMPLE]).exits(0);
    let sample = student("stu_4532");
    for (name, alert) in [
        ("bare", sample.clone()),
        ("another event id", event(&sample)),
        ("a decimal in a text", with(&sample, "/details/health_score", "65.0".into())),
        ("a whole number with a decimal point", with(&sample, "/details/ib_calls_14d", 5.0.into())),
        ("within the step of the fact", with(&sample, "/details/health_score", 69.9.into())),
        ("an unknown field", with(&sample, "/details/tutor", "x".into())),
        ("no message", without(&sample, "/message")),
        ("another severity", with(&sample, "/severity", "critical".into())),
        ("no zone", with(&sample, "/timestamp", "2025-01-01T12:00:00".into())),
        ("another zone", with(&sample, "/timestamp", "2025-01-01T13:00:00+01:00".into())),
    ] {
        assert_eq!(home.explain(alert.to_string()).outcomes(), ["repeated"], "{name}");
    }
    for (name, alert) in [
        ("another step of the fact", with(&sample, "/details/health_score", 70.into())),
        ("another student", with(&sample, "/entity_id", "stu_4533".into())),
        ("another window", with(&sample, "/timestamp", "2025-01-02T00:00:00Z".into())),
    ] {
        assert_eq!(home.explain(alert.to_string()).outcomes(), ["stored"], "{name}");
    }
}

#[test]
fn a_compressed_file_is_read_as_its_content() {
    use std::io::Write as _;
    let compressed = |text: String| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let home = Home::new();
    let (one, two) =
        (compressed(lines([student("stu_1"), subject("C#")])), compressed(lines([student("stu_2")])));
    home.write("alerts.jsonl.gz", [one.clone(), two].concat());
    assert_eq!(
        home.run("explain --json alerts.jsonl.gz").exits(0).outcomes(),
        ["stored", "stored", "stored"]
    );
    home.write("cut.gz", &one[..one.len() / 2]);
    assert_eq!(home.run("explain --json cut.gz").code, Some(1));
    home.write("text.gz", student("stu_3").to_string());
    assert_eq!(home.run("explain --json text.gz").code, Some(1));
}
