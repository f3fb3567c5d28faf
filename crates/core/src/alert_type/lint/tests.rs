//! Tests each rule of the lint with a file that breaks only that rule.

use crate::alert_type::{AlertType, FactValue};
use crate::number::Number;

const VALID: &str = r#"id = "late_delivery"
title = "Late delivery"
entity = "order"
entity_id = "token"
predicts = "complaint"
question = "How likely is a complaint?"
horizon_days = 7
repeat_window = "24h"
[scale]
0 = "none"
100 = "certain"
[[fact]]
id = "days_late"
label = "Days late"
meaning = "Days since the promised day."
type = "integer"
min = 0
max = 365
unit = "days"
step = 1
worse = "higher"
healthy = 0
[[fact]]
id = "stage"
label = "Stage"
meaning = "Where the order is."
type = "enum"
values = [{ id = "packed", meaning = "in the house" }, { id = "sent", meaning = "under way" }]
worse = "by value"
healthy = "sent"
[scorecard]
base = 10
[[scorecard.points]]
fact = "days_late"
add = [{ from = 1, points = 20 }, { from = 3, points = 60 }]
advice = "Write to the customer."
[[scorecard.points]]
fact = "stage"
add = [{ value = "packed", points = 30 }]
advice = "Send it today."
"#;

/// Replaces one part of the valid file and returns the findings as lines.
fn lint(from: &str, to: &str) -> Vec<String> {
    assert!(from.is_empty() || VALID.contains(from), "the valid file has no {from:?}");
    let text = if from.is_empty() { format!("{VALID}{to}") } else { VALID.replacen(from, to, 1) };
    match AlertType::read("alert.toml", "late_delivery", &text) {
        Ok(_) => Vec::new(),
        Err(findings) => findings.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_valid_file_has_no_findings() {
    assert_eq!(lint("", ""), Vec::<String>::new());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_broken_rule_is_reported_with_its_line() {
    let cases = [
        (
            "id = \"late_delivery\"",
            "id = \"other\"",
            "alert.toml:1: the id is `other`, but the folder is `late_delivery`; give both the same name",
        ),
        ("id = \"late_delivery\"", "id = \"Late\"", "alert.toml:1: the type's id `Late` is not a valid id"),
        ("title = \"Late delivery\"", "title = \" \"", "alert.toml:2: `title` is blank"),
        (
            "entity_id = \"token\"",
            "entity_id = \"all\"",
            "alert.toml:4: `entity_id` is `all`, not one of token, name, any; write one of them",
        ),
        ("a complaint?", "a complaint.", "alert.toml:6: `question` is not a question"),
        ("horizon_days = 7", "horizon_days = 0", "alert.toml:7: `horizon_days` is out of range"),
        ("\"24h\"", "\"a day\"", "alert.toml:8: `repeat_window` is `a day`"),
        ("\"24h\"", "\"200d\"", "alert.toml:8: `repeat_window` is `200d`"),
        ("\"24h\"", "\"24h\"\nstale_after = \"soon\"", "alert.toml:9: `stale_after` is `soon`"),
        ("\"24h\"", "\"24h\"\nanswer_reuse = \"5000d\"", "not a duration of at most 3650 days"),
        ("\"24h\"", "\"24h\"\nquiet_after = \"0s\"", "alert.toml:9: `quiet_after` is zero"),
        ("\"24h\"", "\"24h\"\nsamples = 6", "alert.toml:9: `samples` is out of range"),
        ("max = 365", "max = 365\nat_stake = true", "`days_late` cannot say what is at stake"),
        (
            "[scorecard]",
            "[[recommendation]]\nid = \"days_late\"\ntext = \"Call.\"\n[scorecard]",
            "the id `days_late` is taken, by a fact or by another recommendation",
        ),
        ("[scorecard]", "[[recommendation]]\nid = \"call\"\ntext = \" \"\n[scorecard]", "`text` is blank"),
        ("\"24h\"", "\"24h\"\n[dashboard]\ncategory = \"Churn\"", "`category` `Churn` is not a valid id"),
        ("100 = \"certain\"", "90 = \"certain\"", "the scale has no meaning for 0 or for 100"),
        ("100 = \"certain\"", "100 = \"certain\"\n101 = \"more\"", "alert.toml:12: `101` is not a score"),
        ("label = \"Days late\"\n", "", "the fact `days_late` has no `label`"),
        (
            "meaning = \"Days since the promised day.\"\n",
            "",
            "alert.toml:12: the fact `days_late` has no `meaning`",
        ),
        ("unit = \"days\"\n", "", "the fact `days_late` has no `unit`"),
        ("min = 0\n", "", "the fact `days_late` has no `min`"),
        ("max = 365\n", "", "the fact `days_late` has no `max`"),
        ("max = 365\n", "max = 1.5\n", "has no `max` that is a whole number"),
        ("max = 365", "max = 0", "the range of `days_late` is empty"),
        ("step = 1", "step = 0", "the step of `days_late` is too small"),
        ("worse = \"higher\"\n", "", "the fact `days_late` does not say which direction is worse"),
        ("healthy = 0", "healthy = -1", "alert.toml:22: `healthy` of `days_late` is outside its range"),
        ("healthy = \"sent\"", "healthy = \"lost\"", "`healthy` of `stage` is not one of its values"),
        ("id = \"stage\"", "id = \"days_late\"", "the fact `days_late` is defined twice"),
        (
            "{ id = \"packed\", meaning = \"in the house\" }, ",
            "",
            "the enum `stage` has no set of distinct values",
        ),
        ("meaning = \"in the house\"", "meaning = \"\"", "the enum `stage` has no set of distinct values"),
        ("worse = \"by value\"", "worse = \"higher\"", "the enum `stage` has a direction"),
        ("healthy = \"sent\"", "min = 3", "the enum `stage` has `min`"),
        ("base = 10", "base = -1", "`base` is out of range"),
        ("base = 10", "base = 11", "`base` and the most points of each fact add up to 101"),
        ("fact = \"stage\"", "fact = \"size\"", "the fact `size` is not defined"),
        ("fact = \"stage\"", "fact = \"days_late\"", "`days_late` has points twice"),
        ("from = 1,", "below = 1,", "a row of `days_late` has no valid condition"),
        ("from = 1,", "from = 1, value = \"x\",", "a row of `days_late` has no valid condition"),
        ("from = 3,", "from = 366,", "a row of `days_late` has no valid condition"),
        ("from = 3,", "from = 1,", "two rows of `days_late` have the same condition"),
        ("points = 60", "points = 10", "a worse `days_late` adds fewer points"),
        ("value = \"packed\"", "value = \"lost\"", "a row of `stage` has no valid condition"),
        ("\"Send it today.\"", "\"Write to the customer.\"", "fewer than two different lines of advice"),
        ("\"Send it today.\"", "\"\"", "`advice` is blank"),
        ("base = 10", "base = 10\nceiling = 3", "unknown field `ceiling`"),
        ("unit = \"days\"", "unit = \"days\"\nphrase = \"late\"", "`phrase` has no `{value}`"),
        ("step = 1", "step = 2", "the step 2 of `days_late` hides the threshold 1"),
        ("from = 3,", "from = 1.5,", "the step 1 of `days_late` hides the threshold 1.5"),
        ("points = 30 }", "points = 30, advice = \" \" }", "`advice` is blank"),
        ("advice = \"Send it today.\"", "", "`stage` has rows without advice"),
        (
            "points = 20 }",
            "points = 20, advice = \"Send it today.\" }",
            "fewer than two different lines of advice",
        ),
        (
            "advice = \"Send it today.\"",
            "advice = \"Send it today.\"\nunknown = 5",
            "`stage` has points for `unknown`, but it is always known",
        ),
        ("healthy = 0\n", "healthy = 0\noptional = true\n", ""),
        ("type = \"enum\"", "type = \"text\"", "the text `stage` has `values`"),
        (
            "type = \"enum\"",
            "type = \"boolean\"",
            "the boolean `stage` does not say what true and false mean",
        ),
        (
            "[scorecard]",
            "[[conflict]]\nwhen = \"days_late\"\nsentence = \"x\"\n[scorecard]",
            "alert.toml:32: `days_late` in `when` is not a comparison",
        ),
        (
            "[scorecard]",
            "[[conflict]]\nwhen = \"late > 3\"\nsentence = \"x\"\n[scorecard]",
            "`late` in `when` is not a fact",
        ),
        (
            "[scorecard]",
            "[[conflict]]\nwhen = \"days_late > soon\"\nsentence = \"x\"\n[scorecard]",
            "`days_late` cannot be compared with `soon`",
        ),
        (
            "[scorecard]",
            "[[conflict]]\nwhen = \"stage < sent\"\nsentence = \"x\"\n[scorecard]",
            "compare it by = or != with one of its values",
        ),
        (
            "[scorecard]",
            "[[conflict]]\nwhen = \"stage = sent\"\nsentence = \" \"\n[scorecard]",
            "`sentence` is blank",
        ),
        ("title = \"Late delivery\"", "title = ", "alert.toml:2:"),
    ];
    for (from, to, expected) in cases {
        let findings = lint(from, to);
        assert!(
            expected.is_empty() && findings.is_empty()
                || findings.iter().any(|each| !expected.is_empty() && each.contains(expected)),
            "{to:?}: {findings:#?} lacks {expected:?}"
        );
    }
}

#[test]
fn all_findings_of_a_file_are_reported_at_once_in_the_order_of_lines() {
    let findings = lint("unit = \"days\"\nstep = 1\nworse = \"higher\"\n", "");
    assert_eq!(findings.len(), 2, "{findings:#?}");
}

#[test]
fn keys_of_the_wrong_kind_and_unknown_keys_are_reported_at_once_in_words() {
    let text = VALID
        .replace("title =", "titel =")
        .replace("horizon_days = 7", "horizon_days = \"7\"")
        .replace("0 = \"none\"", "0 = 5")
        .replace("min = 0", "min = \"0\"")
        .replace("type = \"integer\"", "type = \"int\"")
        .replace("base = 10", "base = 10\notherwise = [1]\nceiling = 3")
        .replace("from = 3,", "from = 3, because = 1,")
        .replace("fact = \"stage\"\n", "");
    let findings = AlertType::read("alert.toml", "late_delivery", &text).unwrap_err();
    let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let expected = [
        "alert.toml:1: the file has no `title`; add title = \"...\"",
        "alert.toml:2: unknown field `titel`; write `title`",
        "alert.toml:7: `horizon_days` is a text, not a whole number; write horizon_days = 1, a whole number",
        "alert.toml:10: `0` of [scale] is a whole number, not a text; put it in quotes",
        "alert.toml:16: `type` is `int`, not one of integer, number, boolean, enum, text; write one of them",
        "alert.toml:17: `min` in [[fact]] is a text, not a number; write min = 1, a number without quotes",
        "alert.toml:33: a line of `otherwise` is a whole number, not a text; put it in quotes",
        "alert.toml:34: unknown field `ceiling` in [scorecard]; use one of base, points, otherwise",
        "alert.toml:37: unknown field `because` in [[scorecard.points.add]]; use one of from, below, value, points, advice",
        "alert.toml:39: [[scorecard.points]] has no `fact`; add fact = \"...\"",
    ];
    assert_eq!(findings, expected);
    let unknown = lint("unit = \"days\"", "uint = \"days\"");
    assert!(unknown[0].contains("has no `unit`") && unknown[1].contains("write `unit`"), "{unknown:#?}");
    let broken = lint("title = \"Late delivery\"\nentity = \"order\"", "title = Late\nentity = order");
    assert!(broken[0].starts_with("alert.toml:2: this is not TOML: "), "{broken:#?}");
    assert!(broken.iter().any(|each| each.starts_with("alert.toml:3: ")), "{broken:#?}");
}

#[test]
fn the_version_of_its_facts_changes_with_them_and_with_no_text_or_point() {
    let version = |text: &str| AlertType::read("alert.toml", "late_delivery", text).unwrap().facts_version();
    let before = version(VALID);
    assert_eq!(before.len(), 8);
    for (from, to, is_same) in [
        ("title = \"Late delivery\"", "title = \"A late delivery\"", true),
        ("question = \"How likely", "question = \"Tell me: how likely", true),
        ("max = 365", "max = 300", false),
        ("max = 365", "max = 366", false),
        ("worse = \"higher\"", "worse = \"higher\"\noptional = true", false),
        ("repeat_window = \"24h\"", "repeat_window = \"12h\"", false),
    ] {
        let changed = VALID.replacen(from, to, 1);
        assert_ne!(changed, VALID, "{from}");
        assert_eq!(version(&changed) == before, is_same, "{to}");
    }
}

#[test]
fn the_handling_of_alerts_has_defaults_and_is_read_as_written() {
    let handling = |text: &str| {
        let text = VALID.replacen("repeat_window = \"24h\"", text, 1);
        AlertType::read("alert.toml", "late_delivery", &text).unwrap().handling().clone()
    };
    let hours = |hours: u64| std::time::Duration::from_secs(hours * 3600);
    let default = handling("repeat_window = \"24h\"");
    assert_eq!((default.stale_after().get(), default.answer_reuse()), (hours(168), hours(24)));
    assert_eq!((default.quiet_after(), default.samples(), default.verify()), (None, 1, false));
    assert_eq!(default.dashboard_category(), "late_delivery");
    let written = handling(
        "repeat_window = \"24h\"\nstale_after = \"2d\"\nanswer_reuse = \"0s\"\nquiet_after = \"72h\"\nsamples = 3
        verify = true\n[dashboard]\ncategory = \"lateness\"",
    );
    assert_eq!((written.stale_after().get(), written.answer_reuse()), (hours(48), hours(0)));
    assert_eq!((written.quiet_after(), written.samples(), written.verify()), (Some(hours(72)), 3, true));
    assert_eq!(written.dashboard_category(), "lateness");
}

#[test]
fn a_boolean_and_an_optional_fact_and_a_text_are_read() {
    let text = VALID
        .replace("type = \"enum\"", "type = \"boolean\"")
        .replace("{ id = \"packed\",", "{ id = true,")
        .replace("{ id = \"sent\",", "{ id = \"false\",")
        .replace("healthy = \"sent\"", "healthy = false\noptional = true")
        .replace("value = \"packed\"", "value = true")
        .replace(
            "[scorecard]",
            "[[fact]]\nid = \"note\"\nlabel = \"Note\"\nmeaning = \"A note.\"\ntype = \"text\"\n[scorecard]",
        );
    let alert_type = AlertType::read("alert.toml", "late_delivery", &text).unwrap();
    let stage = alert_type.fact("stage").unwrap();
    assert_eq!(stage.is_healthy(&FactValue::Flag(false)), Some(true));
    assert_eq!(stage.meaning_of(&FactValue::Flag(true)), Some("in the house"));
    assert_eq!(alert_type.points_table().points_of("stage", Some(&FactValue::Flag(true))), Some(30));
    assert!(stage.is_optional() && !alert_type.fact("note").unwrap().is_in_prompt());
}

#[test]
fn what_is_at_stake_is_in_no_prompt_and_a_named_recommendation_has_its_id() {
    let advice = "Call the customer.";
    let text = VALID.replace(
        "[scorecard]",
        &format!(
            "[[fact]]\nid = \"value\"\nlabel = \"Revenue\"\nmeaning = \"What they pay.\"\ntype = \"number\"\nmin = 0\n\
             max = 9000\nunit = \"dollars\"\nworse = \"higher\"\noptional = true\n\
             [[recommendation]]\nid = \"call\"\ntext = \"{advice}\"\n[scorecard]"
        ),
    );
    let alert_type = AlertType::read("alert.toml", "late_delivery", &text).unwrap();
    let template = crate::prompt::PromptTemplate::new(&alert_type);
    let schema = template.schema().bounded().to_string();
    assert!(alert_type.fact("value").unwrap().is_at_stake());
    let other = text.replace("optional = true\n", "optional = true\nat_stake = false\n");
    let other = AlertType::read("alert.toml", "late_delivery", &other).unwrap();
    assert!(other.fact("value").unwrap().is_in_prompt(), "a type may say that its value is an ordinary fact");
    assert!(!template.system().contains("Revenue") && !template.system().contains("`value`"));
    assert!(!schema.contains("\"value\""), "{schema}");
    let first = alert_type.recommendations().remove(0);
    assert_eq!((first.id.as_str(), first.text.as_str()), ("call", advice));
}

#[test]
fn a_value_without_a_phrase_is_written_with_its_unit() {
    for (unit, value, expected) in [
        ("days", 3.0, "Days late: 3 days"),
        ("days", 1.0, "Days late: 1 day"),
        ("%", 65.0, "Days late: 65%"),
        ("percent", 1.0, "Days late: 1 percent"),
        ("ms", 1.0, "Days late: 1 ms"),
        ("loss", 1.0, "Days late: 1 loss"),
    ] {
        let text = VALID.replace("unit = \"days\"", &format!("unit = \"{unit}\""));
        let alert_type = AlertType::read("alert.toml", "late_delivery", &text).unwrap();
        let value = FactValue::Number(Number::new(value).unwrap());
        assert_eq!(alert_type.fact("days_late").unwrap().describe(&value), expected);
    }
}

#[test]
fn the_meaning_of_a_score_is_that_of_the_nearest_point_of_the_scale() {
    let text = VALID.replace("0 = \"none\"", "0 = \"none\"\n50 = \"even\"");
    let alert_type = AlertType::read("alert.toml", "late_delivery", &text).unwrap();
    for (score, expected) in
        [(0.0, "none"), (24.9, "none"), (25.0, "even"), (74.0, "even"), (76.0, "certain"), (100.0, "certain")]
    {
        assert_eq!(alert_type.meaning_of(Number::new(score).unwrap()), expected, "{score}");
    }
}
