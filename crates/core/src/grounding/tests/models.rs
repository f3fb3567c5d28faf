//! A fourth set of explanations, one or more for each way of writing that models have and the other sets lack.
//!
//! Never: a label that was changed to satisfy the checker.

use serde_json::json;

use super::Case;
use super::Given::{Balance, Calls, Health};
use super::checker;
use crate::alert_type::AlertType;
use crate::number::Number;

pub(super) const SENTENCES: &[Case] = &[
    // The window of a fact that has a number already.
    (
        Health(41.0, 0.0, 4.0),
        66.0,
        "No session took place in the last 7 days, and the family called four times.",
        &[],
    ),
    (
        Health(41.0, 0.0, 4.0),
        66.0,
        "No session took place in the last 14 days, and the family called four times.",
        &["14 days"],
    ),
    // Verbs for what a fact counts.
    (Health(41.0, 2.0, 4.0), 66.0, "Two sessions were held, and support was contacted 4 times.", &[]),
    (
        Health(41.0, 2.0, 4.0),
        66.0,
        "Four sessions, and the family reached out 2 times.",
        &["Four sessions", "2"],
    ),
    (
        Health(41.0, 2.0, 4.0),
        66.0,
        "The student attended two sessions in a week and the family phoned four times in the last two weeks.",
        &[],
    ),
    // How many times.
    (Health(41.0, 2.0, 4.0), 66.0, "The family called twice.", &["twice"]),
    (Health(41.0, 2.0, 2.0), 66.0, "The family called twice in two weeks.", &[]),
    (Health(41.0, 2.0, 4.0), 66.0, "It pays to think twice: health is at 41.", &[]),
    (Health(41.0, 1.0, 4.0), 66.0, "Twice as many calls as sessions are a bad sign.", &["Twice"]),
    (Health(41.0, 2.0, 4.0), 66.0, "Twice as many calls as sessions are a bad sign.", &[]),
    // Nothing.
    (Health(41.0, 2.0, 4.0), 66.0, "Calls: none. Sessions: 2.", &["none"]),
    (Health(41.0, 0.0, 4.0), 66.0, "As for sessions, none were held.", &[]),
    (Health(41.0, 2.0, 4.0), 66.0, "The family did not make any calls.", &["any calls"]),
    (Health(41.0, 2.0, 0.0), 30.0, "The family did not make any calls.", &[]),
    (Health(41.0, 2.0, 4.0), 66.0, "It helps if they do not make any calls.", &[]),
    (Health(41.0, 0.0, 4.0), 66.0, "There hasn't been a single session.", &[]),
    (Health(41.0, 3.0, 4.0), 66.0, "There wasn't a single session.", &["a single session"]),
    // A period without a number makes the number before it one of another time.
    (Calls(6.0, 61.0), 50.0, "The family called six times over the past month.", &["six"]),
    (Calls(6.0, 61.0), 50.0, "The family called six times this month.", &["six"]),
    (Health(41.0, 1.0, 4.0), 66.0, "One session was held in the past week.", &[]),
    // A window without its unit, and two that share one.
    (Calls(6.0, 61.0), 50.0, "There were six calls in the last 14.", &[]),
    (Calls(6.0, 61.0), 50.0, "There were six calls in the last 9.", &["9"]),
    (Health(41.0, 1.0, 4.0), 66.0, "1 session and 4 calls came in the past 7 and 14 days.", &[]),
    (Health(41.0, 1.0, 4.0), 66.0, "1 session and 4 calls came in the past 5 and 14 days.", &["5"]),
    // Comparisons in signs, with a score that is not named, and with the chance.
    (Health(41.0, 1.0, 4.0), 66.0, "Sessions ≤ 1, calls ≥ 4, health <= 41.", &[]),
    (Health(41.0, 1.0, 4.0), 66.0, "Sessions ≥ 2, calls ≤ 3.", &["2", "3"]),
    (
        Health(72.0, 3.0, 1.0),
        20.0,
        "The score of 72 is above 70, calls are rare, and sessions take place.",
        &[],
    ),
    (
        Health(72.0, 3.0, 1.0),
        20.0,
        "The score of 72 is above 75, calls are rare, and sessions take place.",
        &["75"],
    ),
    (Health(72.0, 3.0, 1.0), 20.0, "The chance of leaving is under 30%.", &[]),
    (Health(72.0, 3.0, 1.0), 20.0, "The chance of leaving is over 30%.", &["30%"]),
    (Health(72.0, 3.0, 1.0), 20.0, "The score is 28 points short of the maximum; 3 sessions help.", &[]),
    // Besides, and not more than.
    (Health(72.0, 2.0, 1.0), 25.0, "Beyond the two sessions, nothing is known.", &[]),
    (Health(72.0, 2.0, 1.0), 25.0, "Two sessions fall somewhat short of what was agreed.", &[]),
    // Hedges to the nearest five.
    (Calls(6.0, 61.0), 50.0, "Health is around 60, calls are at 6.", &[]),
    (Calls(6.0, 64.0), 50.0, "Health is around 65, calls are at 6.", &[]),
    (Calls(6.0, 61.0), 50.0, "Health is around 65, calls are at about 5.", &["65", "5"]),
    // Numbers in a part of the sentence that names nothing.
    (Calls(6.0, 61.0), 50.0, "A low health score matters less than it seems: it is 61, with 6 calls.", &[]),
    (Calls(6.0, 61.0), 50.0, "There were 6 calls, and 61 deserves a look.", &[]),
    (Calls(6.0, 61.0), 50.0, "There were 6 calls, and 67 deserves a look.", &["67"]),
    (
        Balance("balanced", 52.0, 49.0),
        14.0,
        "A status of balanced and similar scores (52 and 49) are fine.",
        &[],
    ),
    (
        Balance("balanced", 52.0, 49.0),
        14.0,
        "A status of balanced and similar scores (52 and 59) are fine.",
        &["59"],
    ),
    // Two facts, of which each has a number.
    (Balance("oversupplied", 35.0, 80.0), 6.0, "Supply is ample at 80, demand is at 35.", &[]),
    (Balance("oversupplied", 35.0, 80.0), 6.0, "Supply is ample at 35, demand is at 80.", &["35", "80"]),
    (Balance("oversupplied", 35.0, 80.0), 6.0, "Supply is 45 points ahead of demand.", &[]),
    // It is the distance of demand from 0, and not that of the two.
    (Balance("oversupplied", 35.0, 80.0), 6.0, "Supply is 35 points ahead of demand.", &["35 points"]),
    (Balance("oversupplied", 35.0, 80.0), 6.0, "Supply exceeds demand by 80.", &["80"]),
    (Balance("high_demand", 80.0, 40.0), 70.0, "More tutors would close the gap between 80 and 40.", &[]),
    (
        Balance("high_demand", 80.0, 40.0),
        70.0,
        "Supply would have to rise from 40 to meet a demand of 80.",
        &["40"],
    ),
    (Balance("high_demand", 80.0, 40.0), 70.0, "It takes a double from 40 to be level.", &[]),
    // A window beside a number of a fact that is not named.
    (
        Health(41.0, 1.0, 5.0),
        66.0,
        "One session was held in a week, and they wrote or spoke five times in 14 days.",
        &[],
    ),
    (Health(41.0, 1.0, 5.0), 66.0, "One lesson in seven days, and they rang five times in fourteen.", &[]),
    (
        Health(41.0, 1.0, 5.0),
        66.0,
        "One lesson in fourteen days, and they rang five times.",
        &["fourteen days"],
    ),
    // A number in parentheses is that of what is named before them.
    (Health(41.0, 1.0, 5.0), 66.0, "The session count (5) and the call count (1) matter.", &["5", "1"]),
    (Health(41.0, 1.0, 5.0), 66.0, "The session count (1) and the call count (5) matter.", &[]),
    // Two numbers without names.
    (Balance("balanced", 52.0, 49.0), 14.0, "52 versus 49: demand is hardly ahead.", &[]),
    (Balance("balanced", 52.0, 49.0), 14.0, "52 versus 46: demand is hardly ahead.", &["46"]),
    // A part of the range.
    (Health(47.0, 1.0, 5.0), 66.0, "Health is at less than half of the scale.", &[]),
    (Health(57.0, 1.0, 5.0), 66.0, "Health is at less than half of the scale.", &["half"]),
    (Health(47.0, 1.0, 5.0), 66.0, "Health is at half of the usual value.", &["half"]),
    // Arithmetic with two facts.
    (Balance("high_demand", 80.0, 40.0), 70.0, "Demand is 80% higher than supply.", &["80%"]),
    (Balance("high_demand", 80.0, 40.0), 70.0, "The scores say it all (80 > 40): demand is higher.", &[]),
    // A period in one word, and one before another.
    (Health(47.0, 1.0, 5.0), 66.0, "Five calls in a one-week span.", &["one-week"]),
    (Health(47.0, 1.0, 5.0), 66.0, "One session in a one-week span.", &[]),
    (Health(47.0, 1.0, 5.0), 66.0, "One session, against 5 in the week before.", &["5"]),
    // What a number counts without its unit.
    (Health(47.0, 1.0, 5.0), 66.0, "Health is at 47, and support heard from them 5 times.", &[]),
    (Health(47.0, 1.0, 5.0), 66.0, "A low score; support heard from them 47 times in two weeks.", &["47"]),
    (Health(47.0, 1.0, 5.0), 66.0, "They wrote on five occasions within fourteen days.", &[]),
    (Health(47.0, 1.0, 5.0), 66.0, "One session, and 47 support requests in 14 days.", &["47"]),
    (Health(47.0, 3.0, 1.0), 66.0, "Sessions are regular (47 within 7 days).", &["47"]),
    (Health(47.0, 3.0, 11.0), 66.0, "There were many calls, and few sessions, just 11.", &["11"]),
    (Health(47.0, 3.0, 11.0), 66.0, "There were many calls, and few sessions, just 3.", &[]),
    // The end of a scale beside a value of the fact that is named.
    (Balance("high_demand", 80.0, 25.0), 70.0, "At 25 out of 100, demand is high.", &["25 out of 100"]),
    (Balance("high_demand", 80.0, 25.0), 70.0, "Demand, at 25, is near the top, and supply is low.", &["25"]),
    (Balance("high_demand", 80.0, 25.0), 70.0, "Demand, at 80, is near the top, and supply is low.", &[]),
    // Limits in other words, and a score that opens a text.
    (Calls(6.0, 59.0), 54.0, "Health is just shy of 60, calls are in excess of 5.", &[]),
    (Calls(6.0, 59.0), 54.0, "Health is just shy of 70, calls are in excess of 8.", &["70", "8"]),
    (Calls(6.0, 59.0), 54.0, "Health is at 59, though 70 would be needed.", &["70"]),
    (Calls(6.0, 59.0), 54.0, "54. That is fair for a student with 6 calls.", &[]),
    (Calls(6.0, 59.0), 54.0, "64. That is fair for a student with 6 calls.", &["64"]),
    (Balance("high_demand", 80.0, 25.0), 70.0, "25 of 80 requests are open.", &["25", "80"]),
    // A share of things that no fact is about.
    (Balance("high_demand", 80.0, 30.0), 70.0, "30% of the tutors have time.", &["30%"]),
    (Balance("high_demand", 80.0, 30.0), 70.0, "Supply is at 30% of the points, or 30% of its range.", &[]),
    (Calls(6.0, 59.0), 54.0, "A 59% completion rate is poor.", &["59%"]),
    (Calls(6.0, 59.0), 54.0, "A 59% health score is poor.", &[]),
    // Windows in parentheses, and one without its unit beside another number.
    (Health(47.0, 1.0, 5.0), 66.0, "sessions (7d) 1, calls (14d) 5", &[]),
    (Health(47.0, 1.0, 5.0), 66.0, "sessions (7d) 5, calls (14d) 1", &["5", "1"]),
    (Health(47.0, 1.0, 0.0), 50.0, "One session in 7 days, no calls in 14, and 47 points.", &[]),
    (Health(47.0, 1.0, 0.0), 50.0, "One session in 7 days, no calls in 12, and 47 points.", &["12"]),
    // Limits with a rate, and with a unit but no name.
    (Calls(9.0, 44.0), 76.0, "More than 8 calls per fortnight and less than 50 points are bad.", &[]),
    (
        Calls(9.0, 44.0),
        76.0,
        "More than 9 calls per fortnight and less than 40 points are bad.",
        &["9 calls", "40 points"],
    ),
    // Other things after an adjective, and a distance that is between.
    (Calls(9.0, 44.0), 76.0, "There were 9 unresolved tickets.", &["9"]),
    (
        Balance("high_demand", 80.0, 30.0),
        70.0,
        "Demand is at 80, supply at 30; 50 points separate them.",
        &[],
    ),
    (
        Balance("high_demand", 80.0, 30.0),
        70.0,
        "Demand is at 80, supply at 30; 40 points separate them.",
        &["40 points"],
    ),
    // Nouns with a capital are no names where all nouns have one.
    (Calls(6.0, 61.0), 50.0, "Die Familie hat in den letzten 14 Tagen Support 9 Mal angerufen.", &["9"]),
    (Health(41.0, 1.0, 4.0), 66.0, "Hubo 9 llamadas en 14 días y la puntuación es 41.", &["9"]),
    (Health(41.0, 1.0, 4.0), 66.0, "Hubo 4 llamadas en 14 días y la puntuación es 41.", &[]),
];

const ALARM: &str = r#"
id = "alarm"
title = "Alarm of a monitor"
entity = "alarm"
entity_id = "any"
predicts = "incident"
question = "How likely is an incident within one day?"
horizon_days = 1
repeat_window = "1h"
[scale]
0 = "noise"
100 = "an incident"
[[fact]]
id = "before"
label = "State before"
meaning = "The state before the alarm."
phrase = "an alarm whose state before was {value}"
type = "enum"
values = [{ id = "OK", meaning = "within its threshold" }, { id = "ALARM", meaning = "on already" }]
worse = "by value"
[[fact]]
id = "datapoint"
label = "Latest datapoint"
meaning = "The latest value of the metric."
type = "number"
min = -1e9
max = 1e9
unit = "in the unit of the metric"
step = 0.01
worse = "higher"
optional = true
[[fact]]
id = "threshold"
label = "Threshold"
meaning = "The threshold of the alarm."
type = "number"
min = -1e9
max = 1e9
unit = "in the unit of the metric"
step = 0.01
worse = "lower"
[[fact]]
id = "events"
label = "Events so far"
meaning = "How many events there were."
type = "integer"
min = 0
max = 1000000
unit = "events"
step = 1
worse = "higher"
optional = true
[scorecard]
base = 0
otherwise = ["Look at it.", "Wait."]
[[scorecard.points]]
fact = "before"
add = [{ value = "OK", points = 10 }]
advice = "Look."
"#;

/// Facts whose names are words for a norm, for an event, or for the entity itself, and an optional fact that is missing.
#[test]
fn a_threshold_that_is_a_fact_is_no_invented_one() {
    let alert_type = AlertType::read("alarm", "alarm", ALARM).unwrap();
    let whole = json!({ "before": "OK", "datapoint": 8.4, "threshold": 7, "events": 40 });
    let part = json!({ "before": "OK", "threshold": 7 });
    for (facts, text, quotes, unsaid) in [
        (&whole, "The datapoint of 8.4 exceeds the threshold of 7 by 1.4.", &[][..], &[][..]),
        (&whole, "The datapoint of 8.4 exceeds the threshold of 8 by 1.4.", &["8"], &[]),
        (&whole, "The datapoint (8.4) is 1.2 times the threshold (7).", &[], &[]),
        (&whole, "The datapoint of 8.4 is twice the threshold.", &["twice"], &[]),
        (&whole, "A reading of 8.4 is above the threshold.", &[], &[]),
        (&whole, "A reading of 9.4 is above the threshold.", &["9.4"], &[]),
        (&whole, "Its latest value reached 8.4, against an average of 5.", &["5"], &[]),
        (&whole, "It was triggered 40 times so far; the alarm needs a look.", &[], &[]),
        (&whole, "It was triggered 50 times in 3 days.", &["50", "3 days"], &[]),
        (&whole, "40 events were seen in the last hour.", &["40 events"], &[]),
        (&whole, "The state before was alarm.", &[], &["alarm"]),
        (&part, "The datapoint of 8.4 is over the threshold of 7.", &["8.4"], &[]),
        (&part, "The datapoint is above 7.", &["7"], &[]),
    ] {
        let checker = checker(&alert_type, &serde_json::from_value(facts.clone()).unwrap());
        let report = checker.report(text, &[], Number::from(60));
        assert_eq!(report.quotes(), quotes, "{text}: {report:?}");
        let said: Vec<_> = report.unsaid.iter().map(|claim| claim.text.as_str()).collect();
        assert_eq!(said, unsaid, "{text}");
    }
}
