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

/// Changes in other words than a single verb, and places that look like one.
const TRENDS: &[UnsaidCase] = &[
    (
        Calls(5.0, 65.0),
        "Health keeps falling and continues to erode.",
        &[("falling", Trend), ("continues to erode", Trend)],
    ),
    (Calls(5.0, 65.0), "A recent drop in health is the reason.", &[("drop", Trend)]),
    (
        Calls(5.0, 65.0),
        "There was an uptick, and then a drop-off.",
        &[("uptick", Trend), ("drop-off", Trend)],
    ),
    (
        Calls(5.0, 65.0),
        "The trend is downward: things are getting worse.",
        &[("downward", Trend), ("getting worse", Trend)],
    ),
    (Calls(5.0, 65.0), "The family has become less patient.", &[("become less patient", Trend)]),
    (Calls(5.0, 65.0), "They call more than before.", &[("than before", Trend)]),
    (
        Calls(5.0, 65.0),
        "Health is on the decline; calls have gone up, and may go up again.",
        &[("decline", Trend), ("gone up", Trend)],
    ),
    (Calls(5.0, 65.0), "To increase in health, or to prevent a drop, call them.", &[]),
    (Calls(5.0, 65.0), "Calls might start to rise if it could get worse.", &[]),
    (Calls(5.0, 65.0), "Falling in the middle range, the health score says little.", &[]),
    (Calls(5.0, 65.0), "An increase in risk is likely.", &[]),
    (Calls(5.0, 65.0), "It followed two no-shows.", &[("no-shows", Cause)]),
    (Calls(5.0, 65.0), "They might soon come to ask for a refund.", &[]),
    (Calls(5.0, 65.0), "It is down to 65 because of illness.", &[("illness", Cause)]),
    (Calls(5.0, 65.0), "There is no sign of any kind of illness.", &[]),
    (Calls(5.0, 65.0), "The student did not attend because of an illness.", &[("illness", Cause)]),
    (Calls(5.0, 65.0), "There is no reason to wait; the illness is serious.", &[("illness", Cause)]),
];

/// Words for the size of a value, after its number, or for a count.
const DIRECTIONS: &[UnsaidCase] = &[
    (
        Calls(5.0, 92.0),
        "The health score of 92 is very low.",
        &[("health score of 92 is very low", Direction)],
    ),
    (
        Calls(5.0, 92.0),
        "The health score of 92/100 is really quite low.",
        &[("health score of 92/100 is really quite low", Direction)],
    ),
    (
        Calls(5.0, 92.0),
        "The health score, at 92 out of 100, still looks very low.",
        &[("health score, at 92 out of 100, still looks very low", Direction)],
    ),
    (Calls(5.0, 92.0), "Health score: 92 (very low).", &[("Health score: 92 (very low", Direction)]),
    (Calls(5.0, 92.0), "Health (92 points): low.", &[("Health (92 points): low", Direction)]),
    (
        Calls(5.0, 92.0),
        "Health is at ninety-two, which is low.",
        &[("Health is at ninety-two, which is low", Direction)],
    ),
    (Calls(5.0, 92.0), "The health score is very low at 92.", &[("health score is very low", Direction)]),
    (Calls(5.0, 92.0), "The health score of 92 is not low, and a low health score would be a sign.", &[]),
    (
        Calls(5.0, 92.0),
        "Health is 92, few calls came, and (92) low risk follows.",
        &[("few calls", Direction)],
    ),
    (Calls(5.0, 92.0), "The health score of 92 is well above low.", &[]),
    (Calls(5.0, 75.0), "The health score of 75 is somewhat low.", &[]),
    (Calls(5.0, 92.0), "Health: 92 - low risk. Health: low-risk families stay.", &[]),
    (
        Balance("high_demand", 97.0, 20.0),
        "The demand score of 97 is very low.",
        &[("demand score of 97 is very low", Direction)],
    ),
    (
        Balance("high_demand", 97.0, 20.0),
        "Demand is at 97 out of 100 and supply, at 20, is ample.",
        &[("supply, at 20, is ample", Direction)],
    ),
    (
        Calls(5.0, 92.0),
        "The health score stands at 92, a very low value.",
        &[("health score stands at 92, a very low", Direction)],
    ),
    (
        Calls(5.0, 92.0),
        "The health score is 92 and therefore very low.",
        &[("health score is 92 and therefore very low", Direction)],
    ),
    (Calls(0.0, 92.0), "Health is 92 and low call volume confirms it, a low risk.", &[]),
    (Calls(0.0, 92.0), "Health: 92, so low concern. At 92, health is a low priority.", &[]),
    (Calls(5.0, 92.0), "If the health score of this student were low, one would worry.", &[]),
    (Calls(5.0, 30.0), "Health is at 30, well below a healthy level, and good tutors could help.", &[]),
    (Balance("high_demand", 97.0, 20.0), "Demand of 97 is far above low supply of 20.", &[]),
    (Balance("high_demand", 97.0, 20.0), "Supply of 20 is far from a healthy supply score.", &[]),
    (Calls(0.0, 65.0), "There are very many calls.", &[("many calls", Direction)]),
    (
        Calls(1.0, 65.0),
        "A high number of support calls came in.",
        &[("high number of support calls", Direction)],
    ),
    (Calls(0.0, 65.0), "The calls are numerous.", &[("calls are numerous", Direction)]),
    (Calls(0.0, 65.0), "There are very few calls. Many calls would be a sign.", &[]),
    (Calls(0.0, 65.0), "There are a lot of calls.", &[("lot of calls", Direction)]),
    (Calls(0.0, 65.0), "The call volume is very high.", &[("call volume is very high", Direction)]),
    (Calls(50.0, 65.0), "There are very few of these calls.", &[("few of these calls", Direction)]),
    (Calls(50.0, 65.0), "After 50 calls few families stay.", &[]),
    (Calls(50.0, 65.0), "There are very few calls.", &[("few calls", Direction)]),
    (
        Calls(50.0, 65.0),
        "Only a few inbound support calls came in.",
        &[("few inbound support calls", Direction)],
    ),
    (Calls(50.0, 65.0), "There are many calls, and quite a few calls were long.", &[]),
    (Calls(2.0, 65.0), "There are few calls.", &[]),
    (Calls(2.0, 65.0), "There are many calls.", &[]),
    (Health(38.0, 0.0, 9.0), "Many sessions were held.", &[("Many sessions", Direction)]),
    (Health(38.0, 1.0, 9.0), "Few sessions were held, after many calls.", &[]),
    (Health(38.0, 9.0, 9.0), "Few sessions were held.", &[("Few sessions", Direction)]),
    (Health(38.0, 3.0, 3.0), "Few sessions were held, and many calls came in.", &[]),
];

/// Statuses without a word of the enum's id.
const STATUSES: &[UnsaidCase] = &[
    (Balance("high_demand", 90.0, 20.0), "The marketplace is balanced.", &[("balanced", Status)]),
    (Balance("high_demand", 90.0, 20.0), "The subject is oversupplied.", &[("oversupplied", Status)]),
    (Balance("high_demand", 90.0, 20.0), "Tutors are oversupplied.", &[("oversupplied", Status)]),
    (Balance("high_demand", 90.0, 20.0), "Balance of demand and supply: balanced.", &[("balanced", Status)]),
    (Balance("high_demand", 90.0, 20.0), "It is still fairly balanced overall.", &[("balanced", Status)]),
    (Balance("high_demand", 90.0, 20.0), "Demand and supply are well balanced.", &[("balanced", Status)]),
    (Balance("high_demand", 90.0, 20.0), "This is a balanced marketplace.", &[("balanced", Status)]),
    (Balance("high_demand", 90.0, 20.0), "The subject appears balanced.", &[("balanced", Status)]),
    (Balance("high_demand", 90.0, 20.0), "The subject is in a balanced state.", &[("balanced", Status)]),
    (
        Balance("balanced", 50.0, 50.0),
        "Balance of demand and supply: high demand.",
        &[("high demand", Status)],
    ),
    (Balance("high_demand", 90.0, 20.0), "If the subject were oversupplied, tutors would wait.", &[]),
    (Balance("balanced", 50.0, 50.0), "The alert says high_demand.", &[("high_demand", Status)]),
    (Balance("high_demand", 90.0, 20.0), "A balanced plan for the marketplace helps the subject.", &[]),
    (Balance("high_demand", 90.0, 20.0), "The plan for the subject is balanced.", &[]),
    (Balance("high_demand", 90.0, 20.0), "The workload of tutors is balanced, and hours are balanced.", &[]),
    (Balance("high_demand", 90.0, 20.0), "The marketplace is far from balanced.", &[]),
    (Balance("high_demand", 90.0, 20.0), "The subject is neither balanced nor oversupplied.", &[]),
    (Balance("high_demand", 90.0, 20.0), "The marketplace may become balanced, the subject is not.", &[]),
    (Balance("high_supply", 20.0, 90.0), "The subject is oversupplied.", &[]),
    (Balance("balanced", 92.0, 20.0), "The subject has high demand and low supply.", &[]),
    (Balance("balanced", 50.0, 50.0), "The marketplace is balanced.", &[]),
];

#[test]
fn what_is_claimed_without_a_number_is_listed() {
    let mut wrong = 0;
    for (given, text, expected) in [CASES, TRENDS, DIRECTIONS, STATUSES].concat() {
        let report = check(given, 72.0, text);
        let found: Vec<_> = report.unsaid.iter().map(|each| (each.text.as_str(), each.kind)).collect();
        if found != expected {
            println!("{text:?}: {found:?}, expected {expected:?}");
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0);
}

/// The sentences of the labelled explanations whose numbers are right also have no word for a wrong end or status.
#[test]
fn right_explanations_have_no_wrong_direction_or_status() {
    let right =
        super::TABLES.iter().copied().flatten().filter(|(_, _, _, unsupported)| unsupported.is_empty());
    let mut count = 0;
    for (given, risk_score, text, _) in right {
        let mut unsaid = check(*given, *risk_score, text).unsaid;
        unsaid.retain(|each| matches!(each.kind, Direction | Status));
        assert_eq!(unsaid, [], "{text} ({given:?})");
        count += 1;
    }
    assert!(count >= 300, "{count} explanations");
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
        (Calls(5.0, 65.0), "health_score", Lowers, true),
        (Calls(5.0, 71.0), "health_score", Lowers, true),
        (Calls(5.0, 85.0), "health_score", Lowers, false),
        (Calls(1.0, 71.0), "ib_calls_14d", Lowers, false),
        (Calls(2.0, 71.0), "ib_calls_14d", Lowers, true),
        (Health(65.0, 3.0, 0.0), "sessions_7d", Lowers, false),
        (Health(65.0, 2.0, 0.0), "sessions_7d", Lowers, true),
        (Balance("high_demand", 55.0, 70.0), "balance_status", Lowers, true),
        (Balance("balanced", 55.0, 70.0), "balance_status", Lowers, false),
        // The value needs no attention, and yet adds points: both can be said.
        (Balance("balanced", 55.0, 55.0), "supply_score", Lowers, false),
        (Balance("balanced", 55.0, 55.0), "supply_score", Raises, false),
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
