//! Tests over HTTP which replies become insights. The program reads a reply leniently, checks it strictly, and re-asks
//! once. Each kind of reply has one row here; the core's own tests cover every case.

use serde_json::json;

use super::harness::{Scene, alert, each, equal, text, texts};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};
use portend_testing::vendor::{BOTH, answer, answer_that};

#[test]
fn a_reply_is_read_leniently_and_the_insight_records_each_repair() {
    let answer = answer().to_string();
    let rows = [
        ("as requested", answer.clone(), vec![]),
        ("fenced", format!("```json\n{answer}\n```"), vec!["fence"]),
        ("in prose", format!("Here is my assessment.\n\n{answer}\n\nLet me know!"), vec!["prose"]),
        (
            "after a thought",
            format!("<think>Is it {{\"risk_score\": 9}}? No.</think>\n{answer}"),
            vec!["reasoning-block"],
        ),
        ("wrapped", format!("{{\"result\": {answer}}}"), vec!["wrapper"]),
        ("with a trailing comma", answer.replace("72}", "72,}"), vec!["trailing-comma"]),
        ("the same answer twice", format!("{answer}\n{answer}"), vec!["prose"]),
    ];
    let rows: Vec<_> =
        rows.into_iter().flat_map(|row| BOTH.map(|provider| (provider, row.clone()))).collect();
    each(&rows, |(provider, (name, reply, repairs))| {
        let scene = Scene::alone(*provider, [provider.says(reply)]);
        let insight = scene.explain(&[alert(1)]).insight();
        equal(name, &insight["risk_score"], &json!(72))?;
        equal(name, &insight["repairs"], &json!(repairs))?;
        equal(name, &text(&insight["reply"]), &reply.as_str())?;
        equal(name, &scene.asked().iter().sum(), &1)
    });
}

#[test]
fn content_is_read_by_type_and_not_by_position() {
    let answer = answer().to_string();
    let thought =
        json!({ "reasoningContent": { "reasoningText": { "text": "It may be 12.", "signature": "x" } } });
    for (provider, content, reason) in [
        (Bedrock, json!([thought, { "text": answer }]), "end_turn"),
        (Bedrock, json!([{ "text": "Let me see." }, { "text": answer }]), "end_turn"),
        (OpenAi, json!([{ "type": "text", "text": answer }]), "stop"),
    ] {
        let scene = Scene::alone(provider, [provider.sends(&content, reason)]);
        assert_eq!(scene.explain(&[alert(1)]).insight()["risk_score"], 72, "{content}");
    }
}

#[test]
fn an_unusable_reply_is_re_asked_with_its_exact_violation() {
    let answer = answer().to_string();
    let other = answer.replace("72", "27");
    let with = |key: &str, value: serde_json::Value| {
        let mut answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        answer[key] = value;
        answer.to_string()
    };
    let rows = [
        ("no object", "I would rather not say.".to_owned(), "no_object", "the reply holds no answer"),
        ("ambiguous", format!("{answer}\n{other}"), "ambiguous", "the reply holds more than one answer"),
        (
            "truncated",
            answer.replace("72}", "72"),
            "truncated",
            "the reply ends before everything that it opens is closed",
        ),
        (
            "unclosed thought",
            format!("<think>{answer}"),
            "truncated",
            "the reply ends before everything that it opens is closed",
        ),
        (
            "a missing key",
            r#"{"explanation": "x", "recommendations": ["a", "b"]}"#.to_owned(),
            "missing:risk_score",
            "the key risk_score is missing",
        ),
        (
            "a word for a score",
            with("risk_score", json!("high")),
            "type:risk_score",
            "the value of risk_score has the wrong type",
        ),
        ("out of range", with("risk_score", json!(101)), "range", "risk_score is outside the scale"),
        ("a fraction", with("risk_score", json!(0.72)), "scale", "risk_score is between 0 and 1"),
        (
            "one recommendation",
            with("recommendations", json!(["a"])),
            "count",
            "recommendations has the wrong number of items",
        ),
        (
            "a blank text",
            with("explanation", json!(" ")),
            "blank:explanation",
            "explanation has a text without a letter",
        ),
        (
            "two scores",
            answer.replace("\"risk_score\":72", "\"risk_score\":72,\"risk_score\":71"),
            "duplicate_key",
            "one key of the JSON object occurs twice",
        ),
        (
            "too long",
            format!("{answer}{}", " ".repeat(300 * 1024)),
            "too_large",
            "the reply is longer than 262144 bytes",
        ),
    ];
    let rows: Vec<_> =
        rows.into_iter().flat_map(|row| BOTH.map(|provider| (provider, row.clone()))).collect();
    each(&rows, |(provider, (name, reply, code, violation))| {
        let name = format!("{provider:?}: {name}");
        let scene = Scene::alone(*provider, [provider.says(reply), provider.answers()]);
        let insight = scene.explain(&[alert(1)]).insight();
        equal(&name, &texts(&insight["attempts"], "outcome"), &vec![*code, "accepted"])?;
        let [first, second] =
            scene.requests(*provider).try_into().map_err(|_| format!("{name}: not two requests"))?;
        let (first, second) = (provider.messages_in(&first), provider.messages_in(&second));
        equal(&name, &first.len(), &1)?;
        equal(&name, &second.len(), &3)?;
        equal(&name, &first[0], &second[0])?;
        // The re-ask quotes at most 8 KiB of the reply, and the insight stores at most 2 KiB.
        let quoted = &reply[..reply.len().min(8 * 1024)];
        equal(&name, &second[1].trim_end(), &format!("assistant: {quoted}").trim_end())?;
        let stored = text(&insight["attempts"][0]["violations"]);
        equal(&name, &stored.starts_with(violation), &true)?;
        equal(&name, &second[2].contains(stored), &true)?;
        let stored_reply = text(&insight["attempts"][0]["reply"]);
        equal(&name, &stored_reply, &&reply[..reply.len().min(2 * 1024)])
    });
}

/// The violations in a re-ask end with one full stop.
#[test]
fn a_re_ask_consists_of_whole_sentences() {
    for reply in ["no object", &answer_that("8 calls and 9 more.")] {
        let scene = Scene::alone(OpenAi, [OpenAi.says(reply), OpenAi.answers()]);
        let violations = scene.explain(&[alert(1)]).insight()["attempts"][0]["violations"].clone();
        let violations = text(&violations).trim_end_matches('.').to_owned();
        let re_ask = OpenAi.messages_in(&scene.requests(OpenAi)[1])[2].clone();
        let (_, after) = re_ask.split_once(&violations).expect("the violations are quoted");
        assert!(after.starts_with(". Give the whole JSON object again"), "{re_ask}");
    }
}

/// A model with two unusable replies is not called a third time.
#[test]
fn a_second_unusable_reply_falls_through() {
    let rows = [
        ("no object", "?".to_owned(), "no_object"),
        ("ambiguous", format!("{}{}", answer(), answer_that("Another.")), "ambiguous"),
    ];
    each(&rows, |(name, reply, code)| {
        let scene =
            Scene::in_order(Bedrock, [Bedrock.says(reply), Bedrock.says(reply)], vec![OpenAi.answers()]);
        let run = scene.explain(&[alert(1)]);
        equal(name, &scene.ending(Bedrock, &run), &format!("1:{code} 1:{code} 2:accepted => 2-fallback"))
    });
}

#[test]
fn the_answer_with_the_fewest_unsupported_numbers_is_stored() {
    let two = answer_that("8 calls, and a score of 31.");
    let one = answer_that("5 calls, and a score of 31.");
    let none = answer_that("5 calls, and a health score of 65.");
    let rows = [
        ("fewer", vec![&two, &one], "1:unsupported 1:unsupported => 1", vec!["31"]),
        ("more", vec![&one, &two], "1:unsupported 1:unsupported => 1", vec!["31"]),
        ("none", vec![&two, &none], "1:unsupported 1:accepted => 1", vec![]),
    ];
    let rows: Vec<_> =
        rows.into_iter().flat_map(|row| BOTH.map(|provider| (provider, row.clone()))).collect();
    each(&rows, |(provider, (name, replies, ends, unsupported))| {
        let scripts: Vec<_> = replies.iter().map(|reply| provider.says(reply)).collect();
        let scene = Scene::in_order(*provider, scripts, vec![provider.other().answers()]);
        let run = scene.explain(&[alert(1)]);
        equal(name, &scene.ending(*provider, &run).as_str(), ends)?;
        let insight = run.insight();
        let claims = insight["grounding"]["unsupported"].as_array().into_iter().flatten();
        let quotes: Vec<_> = claims.map(|claim| claim["claim"].clone()).collect();
        equal(name, &json!(quotes), &json!(unsupported))?;
        equal(name, &insight["degraded"], &json!(false))?;
        let re_ask = provider.messages_in(&scene.requests(*provider)[1]).pop().unwrap_or_default();
        let re_asked =
            if replies[0] == &two { "`8 calls` (value): ib_calls_14d is 5 calls; `31`" } else { "`31`" };
        equal(name, &re_ask.contains(re_asked), &true)
    });
}

#[test]
fn an_unsupported_number_is_marked_wherever_it_is_shown() {
    let mut reply = answer();
    reply["explanation"] = json!("8 calls, and a health score of 65.");
    reply["drivers"][0]["because"] = json!("There were 9 calls.");
    let reply = reply.to_string();
    let scene = Scene::alone(OpenAi, [OpenAi.says(&reply), OpenAi.says(&reply)]);
    let card = scene.run(&["explain", &scene.input(&[alert(1)])]);
    assert_eq!(card.code, 0, "{}", card.errors);
    let alert_id = text(&scene.run(&["insights", "--json"]).line()["alert_id"]).to_owned();
    let evidence = scene.run(&["insight", &alert_id]).output;
    for shown in [&card.output, &evidence] {
        assert!(shown.contains("8 calls[?], and a health score of 65."), "{shown}");
        assert!(shown.contains("There were 9 calls[?]."), "{shown}");
        assert!(shown.contains("[?] marks a number that no fact supports"), "{shown}");
    }
    assert!(evidence.contains("not supported: \"8 calls\" (ib_calls_14d"), "{evidence}");
    for listed in
        [scene.run(&["insights", "--json"]).line(), scene.run(&["insight", "--json", &alert_id]).line()]
    {
        let claims = listed["grounding"]["unsupported"].as_array().expect("a list");
        let quotes: Vec<_> = claims.iter().map(|claim| text(&claim["claim"])).collect();
        assert_eq!(quotes, ["8 calls", "9 calls"]);
        assert!(
            claims
                .iter()
                .all(|claim| claim["role"] == "value" && claim["reason"] == "ib_calls_14d is 5 calls")
        );
    }
    let table = scene.run(&["insights", "--csv"]).output;
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let column = table.headers().expect("a heading").iter().position(|name| name == "unsupported_numbers");
    let row = table.records().next().expect("a row").expect("CSV");
    assert_eq!(column.and_then(|column| row.get(column)), Some("8 calls\n9 calls"));
}

#[test]
fn a_models_text_never_controls_the_terminal() {
    let reply = answer_that("Ring \u{1b}[31mred\u{1b}[0m and \u{202e}turned\u{7}.");
    let scene = Scene::alone(OpenAi, [OpenAi.says(&reply)]);
    let card = scene.run(&["explain", "--evidence", &scene.input(&[alert(1)])]).output;
    let json = scene.run(&["insights", "--json"]).output;
    let csv = scene.run(&["insights", "--csv"]).output;
    for shown in [card, json, csv] {
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{shown:?}");
        assert!(shown.contains("turned"), "{shown}");
    }
}

#[test]
fn the_insight_stores_its_evidence() {
    let reply = format!("{}\n{}", "x".repeat(20_000), answer());
    let scene = Scene::in_order(Bedrock, [Bedrock.says("?"), Bedrock.says(&reply)], Vec::new());
    let insight = scene.explain(&[alert(1)]).insight();
    assert_eq!(insight["model_used"], Bedrock.label());
    assert_eq!(insight["model_id"], "us.anthropic.claude-haiku-4-5-20251001-v1:0");
    assert_eq!(insight["grade"], "model");
    assert_eq!(text(&insight["reply"]), "x".repeat(8 * 1024), "its first 8 KiB");
    assert_eq!(insight["prompt"]["version"], 2);
    assert_eq!(text(&insight["prompt"]["sha256"]).len(), 64);
    assert_eq!(
        insight["baseline"],
        json!({ "risk_score": 63, "base": 10, "points": { "ib_calls_14d": 35, "health_score": 18 } })
    );
    assert_eq!(
        insight["drivers"],
        json!([{ "fact": "ib_calls_14d", "value": 5, "effect": "raises", "because": "5 calls in 14 days." }])
    );
    for attempt in insight["attempts"].as_array().expect("attempts") {
        assert_eq!((&attempt["input_tokens"], &attempt["output_tokens"]), (&json!(612), &json!(188)));
        // 612 tokens at $1 per million, and 188 at $5 per million.
        assert_eq!(attempt["cost_usd"], json!(0.001_552));
        assert!(attempt["ms"].is_u64());
    }
    let shown = scene.run(&["insight", text(&insight["alert_id"])]).output;
    for part in [
        "no_object",
        "accepted",
        "612 + 188 tokens",
        "$0.001552",
        "version 2, sha256",
        "all supported",
        "prose",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
}
