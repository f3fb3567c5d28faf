//! What texts say without a number.

use super::Given::{self, Balance, Calls, Health};
use super::check;
use crate::grounding::UnsaidKind::{self, Cause, Direction, Status, Trend};

/// Facts, a text, and what it says that the facts do not.
type UnsaidCase = (Given, &'static str, &'static [(&'static str, UnsaidKind)]);

const CASES: &[UnsaidCase] = &[
    (Calls(5.0, 65.0), "Health is declining.", &[("declining", Trend)]),
    (
        Calls(5.0, 65.0),
        "Calls have doubled and health worsens steadily.",
        &[("doubled", Trend), ("steadily", Trend)],
    ),
    (Calls(5.0, 65.0), "The situation is worsening.", &[("worsening", Trend)]),
    (Calls(5.0, 65.0), "Health could decline, and calls may be increasing soon.", &[]),
    (Calls(5.0, 65.0), "The increased risk of churn is clear, and the risk is rising.", &[]),
    (Calls(5.0, 65.0), "There is no declining trend.", &[]),
    (
        Calls(5.0, 65.0),
        "The family asked for a refund after missed payments.",
        &[("refund", Cause), ("missed payments", Cause)],
    ),
    (Calls(5.0, 65.0), "It may be a refund.", &[]),
    (Calls(5.0, 92.0), "A very low health score is the reason.", &[("low health score", Direction)]),
    (Calls(5.0, 92.0), "The health score is very low.", &[("health score is very low", Direction)]),
    (Calls(5.0, 92.0), "The health score is not low.", &[]),
    (Calls(5.0, 92.0), "A high health score speaks for the student.", &[]),
    (Calls(5.0, 20.0), "The health score is strong.", &[("health score is strong", Direction)]),
    (Calls(5.0, 50.0), "The health score is low.", &[]),
    (Health(20.0, 0.0, 5.0), "Health is good.", &[("Health is good", Direction)]),
    (Balance("high_demand", 90.0, 20.0), "Supply is high.", &[("Supply is high", Direction)]),
    (Balance("high_demand", 90.0, 20.0), "Supply is low and demand is high.", &[]),
    (Balance("high_demand", 90.0, 20.0), "The status is balanced.", &[("balanced", Status)]),
    (Balance("high_demand", 90.0, 20.0), "The status is high demand.", &[]),
    (Balance("balanced", 55.0, 45.0), "The status shows high demand.", &[("high demand", Status)]),
    (Balance("high_demand", 20.0, 90.0), "The marketplace status of high demand is misleading.", &[]),
    (Balance("oversupplied", 20.0, 90.0), "The status is oversupplied, not balanced.", &[]),
];

#[test]
fn what_is_claimed_without_a_number_is_listed() {
    let mut wrong = 0;
    for (given, text, expected) in CASES {
        let report = check(*given, 72.0, text);
        let found: Vec<_> = report.unsaid.iter().map(|each| (each.text.as_str(), each.kind)).collect();
        if found != *expected {
            println!("{text:?}: {found:?}, expected {expected:?}");
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0);
}

#[test]
fn a_driver_whose_effect_contradicts_its_fact_is_listed() {
    use crate::driver::Effect::{Lowers, Raises};
    use crate::reply::ReplyDriver;
    for (given, fact, effect, is_wrong) in [
        (Calls(0.0, 65.0), "ib_calls_14d", Raises, true),
        (Calls(8.0, 65.0), "ib_calls_14d", Lowers, true),
        (Calls(8.0, 65.0), "ib_calls_14d", Raises, false),
        (Calls(0.0, 65.0), "ib_calls_14d", Lowers, false),
        (Calls(5.0, 92.0), "health_score", Raises, true),
        (Calls(5.0, 30.0), "health_score", Lowers, true),
        (Calls(5.0, 71.0), "health_score", Lowers, false),
    ] {
        let checker = given.checker();
        let driver = ReplyDriver { fact: fact.into(), effect, because: "It matters.".into() };
        let found = crate::grounding::unsaid::wrong_effects(&[driver], checker.alert_type, checker.facts);
        assert_eq!(!found.is_empty(), is_wrong, "{given:?} {fact} {effect:?}");
    }
}

#[test]
fn a_text_in_an_unknown_language_is_never_reported_as_checked() {
    for text in ["La familia llamó 5 veces en 14 días y está muy molesta.", "14日間に5回の電話がありました。"]
    {
        let report = check(Calls(5.0, 65.0), 72.0, text);
        assert!(report.language.is_some(), "{text}");
        assert!(report.unsupported.is_empty(), "{text} {report:?}");
        assert_eq!(report.numbers, 2, "{text}");
    }
}
