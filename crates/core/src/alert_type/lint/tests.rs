//! Tests each rule of the lint with a file that breaks only that rule.

use crate::alert_type::AlertType;

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
fn each_broken_rule_is_reported_with_its_line() {
    let cases = [
        (
            "id = \"late_delivery\"",
            "id = \"other\"",
            "alert.toml:1: the id is `other`, but the folder is `late_delivery`; give both the same name",
        ),
        ("id = \"late_delivery\"", "id = \"Late\"", "alert.toml:1: the type's id `Late` is not a valid id"),
        ("title = \"Late delivery\"", "title = \" \"", "alert.toml:2: `title` is blank"),
        ("entity_id = \"token\"", "entity_id = \"any\"", "alert.toml:4: unknown variant `any`"),
        ("a complaint?", "a complaint.", "alert.toml:6: `question` is not a question"),
        ("horizon_days = 7", "horizon_days = 0", "alert.toml:7: `horizon_days` is out of range"),
        ("\"24h\"", "\"a day\"", "alert.toml:8: `repeat_window` is `a day`"),
        ("\"24h\"", "\"200d\"", "alert.toml:8: `repeat_window` is `200d`"),
        ("\"24h\"", "\"24h\"\nstale_after = \"soon\"", "alert.toml:9: `stale_after` is `soon`"),
        ("\"24h\"", "\"24h\"\nanswer_reuse = \"5000d\"", "not a duration of at most 3650 days"),
        ("\"24h\"", "\"24h\"\nquiet_after = \"0s\"", "alert.toml:9: `quiet_after` is zero"),
        ("\"24h\"", "\"24h\"\nsamples = 6", "alert.toml:9: `samples` is out of range"),
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
        ("title = \"Late delivery\"", "title = ", "alert.toml:2:"),
    ];
    for (from, to, expected) in cases {
        let findings = lint(from, to);
        assert!(
            findings.iter().any(|each| each.contains(expected)),
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
fn the_version_of_its_facts_changes_with_them_and_with_no_text_or_point() {
    let version = |text: &str| AlertType::read("alert.toml", "late_delivery", text).unwrap().facts_version();
    let before = version(VALID);
    assert_eq!(before.len(), 8);
    for (from, to, is_same) in [
        ("title = \"Late delivery\"", "title = \"A late delivery\"", true),
        ("question = \"How likely", "question = \"Tell me: how likely", true),
        ("max = 365", "max = 300", false),
        ("step = 1", "step = 2", false),
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
