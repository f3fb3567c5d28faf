//! Measures the checker's precision and recall on explanations that were labelled by hand.
//!
//! Never: a label that was changed to satisfy the checker.

mod claims;
mod invented;
mod later;
mod latest;
mod misses;
mod models;
mod non_claims;
mod properties;
mod rates;
mod roles;
mod unsaid;
mod values;
mod words;

use std::sync::LazyLock;

use serde_json::json;

use super::claim::{self, NumberClaim};
use super::reference::RenderedText;
use super::subject::ClaimSubject;
use super::vocabulary::Vocabulary;
use super::{Checker, CheckerTemplate, GroundingReport, unsupported_spans};
use crate::alert::Facts;
use crate::alert_type::{AlertType, AlertTypes};
use crate::number::Number;

/// Facts, risk score, explanation, and the quotes of its unsupported claims.
type Case = (Given, f64, &'static str, &'static [&'static str]);

/// The facts of an alert. Each variant is of one alert type.
#[derive(Debug, Clone, Copy)]
enum Given {
    /// `high_ib_call_frequency`: calls, health score.
    Calls(f64, f64),
    /// `low_health_score`: health score, sessions, calls.
    Health(f64, f64, f64),
    /// `supply_demand_imbalance`: status, demand score, supply score.
    Balance(&'static str, f64, f64),
}

impl Given {
    fn alert_type(self) -> &'static str {
        match self {
            Self::Calls(..) => "high_ib_call_frequency",
            Self::Health(..) => "low_health_score",
            Self::Balance(..) => "supply_demand_imbalance",
        }
    }

    fn facts(self) -> Facts {
        let json = match self {
            Self::Calls(calls, health) => json!({ "ib_calls_14d": calls, "health_score": health }),
            Self::Health(health, sessions, calls) => {
                json!({ "health_score": health, "sessions_7d": sessions, "ib_calls_14d": calls })
            }
            Self::Balance(status, demand, supply) => {
                json!({ "balance_status": status, "demand_score": demand, "supply_score": supply })
            }
        };
        serde_json::from_value(json).unwrap()
    }

    fn checker(self) -> Checker<'static> {
        static TYPES: LazyLock<AlertTypes> = LazyLock::new(AlertTypes::built_in);
        let alert_type = TYPES.get(self.alert_type()).unwrap();
        checker(alert_type, &self.facts())
    }
}

/// A checker that lives as long as the test run.
fn checker(alert_type: &AlertType, facts: &Facts) -> Checker<'static> {
    let alert_type: &AlertType = Box::leak(Box::new(alert_type.clone()));
    let facts = Box::leak(Box::new(facts.clone()));
    Box::leak(Box::new(CheckerTemplate::new(alert_type))).checker(alert_type, facts)
}

impl Checker<'_> {
    /// Checks an explanation and then reasons of drivers, each with its fact, without references.
    fn report(&self, explanation: &str, becauses: &[(&str, &str)], risk_score: Number) -> GroundingReport {
        let mut report = GroundingReport::default();
        let plain = |text: &str| RenderedText { text: text.to_owned(), values: Vec::new() };
        self.check_text(&plain(explanation), None, risk_score, &mut report);
        for (fact, because) in becauses {
            let fact = self.alert_type.facts().iter().position(|each| each.id() == *fact);
            self.check_text(&plain(because), fact.map(ClaimSubject::Fact), risk_score, &mut report);
        }
        report
    }
}

fn check(given: Given, risk_score: f64, text: &str) -> GroundingReport {
    given.checker().report(text, &[], Number::new(risk_score).unwrap())
}

const TABLES: &[&[Case]] = &[
    values::PLAIN,
    values::SCORE,
    values::ROUNDING,
    values::SHARES,
    values::DIFFERENCES,
    values::WRONG_FACT,
    values::OUT_OF,
    words::WORDS,
    words::COUNTS_OF_FACTS,
    words::RANGES,
    words::NEGATIONS,
    words::UNITS,
    words::GLUED,
    words::DAYS_AND_WEEKS,
    non_claims::DATES,
    non_claims::ORDINALS,
    non_claims::LISTS,
    non_claims::NAMES,
    non_claims::IDIOMS,
    invented::SOUND,
    invented::INVENTED,
    later::STUDENTS,
    later::SUBJECTS,
    latest::SENTENCES,
    models::SENTENCES,
    roles::FAULTS,
    roles::REFERENCE_VALUES,
    roles::SWAPPED,
    roles::WINDOWS,
    roles::COMPARISONS,
    roles::RATIOS,
    roles::COUNTED,
    roles::LANGUAGES,
    roles::RIGHT,
];

/// Counts the reports that are right, those that are wrong, and the unsupported claims that are not reported.
#[derive(Default)]
struct Tally {
    right: f64,
    wrong: f64,
    missed: f64,
}

impl Tally {
    fn count(&mut self, case: &Case) {
        let (given, risk_score, text, expected) = *case;
        let report = check(given, risk_score, text);
        let mut reported: Vec<_> = report.unsupported.into_iter().collect();
        for claim in expected {
            if let Some(index) = reported.iter().position(|each| each.claim == *claim) {
                reported.remove(index);
                self.right += 1.0;
            } else {
                println!("missed {claim:?} in {text:?} ({given:?}, {risk_score})");
                self.missed += 1.0;
            }
        }
        for claim in reported {
            let claim = (&claim.claim, claim.role, &claim.reason);
            println!("wrongly reported {claim:?} in {text:?} ({given:?}, {risk_score})");
            self.wrong += 1.0;
        }
    }

    fn precision(&self) -> f64 {
        self.right / (self.right + self.wrong)
    }

    fn recall(&self) -> f64 {
        self.right / (self.right + self.missed)
    }
}

#[test]
fn the_checker_is_right_about_nearly_every_claim() {
    let mut tally = Tally::default();
    TABLES.iter().copied().flatten().for_each(|case| tally.count(case));
    let cases: usize = TABLES.iter().map(|table| table.len()).sum();
    let (precision, recall) = (tally.precision(), tally.recall());
    println!("{cases} explanations, {} unsupported claims", tally.right + tally.missed);
    println!("precision {precision:.4}, recall {recall:.4}");
    assert!(cases >= 300, "{cases} cases");
    assert!(precision >= 0.99 && recall >= 0.99, "precision {precision:.4}, recall {recall:.4}");
}

#[test]
fn the_known_misses_are_still_misses() {
    for (given, risk_score, text, reported) in misses::KNOWN {
        assert_eq!(check(*given, *risk_score, text).quotes(), *reported, "{text}");
    }
}

/// No number by reference can be wrong, whatever the text says around it.
#[test]
fn a_number_by_reference_is_the_value_of_its_fact() {
    for text in [
        "{ib_calls_14d} in 14 days and a health score of {health_score} make a risk of {risk_score}.",
        "Health is at {health_score}, and {ib_calls_14d} came in.",
        "{health_score} is low, {ib_calls_14d} is a lot: {risk_score}.",
        "The family called {ib_calls_14d} times.",
        "At {health_score}, health suffers from {ib_calls_14d} calls.",
    ] {
        let reply = json!({
            "explanation": text,
            "recommendations": ["Call.", "Check that {health_score} holds."],
            "drivers": [{ "fact": "health_score", "effect": "raises", "because": "{ib_calls_14d} and {health_score}." }],
            "risk_score": 72,
        });
        let vocabulary = crate::reply::ReplyVocabulary::new(&["ib_calls_14d", "health_score"], &[]);
        let reply = crate::reply::Reply::read(&reply.to_string(), &vocabulary).unwrap();
        let grounded = Given::Calls(5.0, 65.0).checker().check(reply).unwrap();
        assert_eq!(grounded.report().quotes(), Vec::<&str>::new(), "{text}");
        assert!(!grounded.explanation().contains('{'), "{}", grounded.explanation());
        assert_eq!(grounded.becauses(), ["5 calls and 65 out of 100."]);
        assert_eq!(grounded.recommendations()[1], "Check that 65 out of 100 holds.");
    }
}

#[test]
fn a_claim_is_a_numeral_that_says_how_much_or_how_many() {
    let types = AlertTypes::built_in();
    let vocabulary = Vocabulary::new(types.get("high_ib_call_frequency").unwrap());
    let mut wrong = Vec::new();
    for (text, expected) in claims::CLAIMS {
        let quote = |claim: NumberClaim| text.get(claim.span).unwrap();
        let found: Vec<_> = claim::read(text, &vocabulary).into_iter().map(quote).collect();
        if found != *expected {
            wrong.push(format!("{text:?}: expected {expected:?}, got {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_because_of_a_driver_is_checked_like_the_explanation() {
    let checker = Given::Calls(5.0, 65.0).checker();
    let becauses = [
        ("ib_calls_14d", "Five calls in 14 days are too many."),
        ("health_score", "65 is 10 points below average, and 12 is worse."),
    ];
    let grounding = checker.report("Six calls.", &becauses, Number::from(72));
    assert_eq!(grounding.quotes(), ["Six calls", "10 points", "12"]);
    assert_eq!(grounding.numbers, 6);
}

/// An alert type of another business, with days, stars, percent, and a balance that can be negative.
const HOTEL: &str = r#"
id = "hotel"
title = "Guests who may not return"
entity = "guest"
entity_id = "token"
predicts = "loss"
question = "How likely is it that this guest does not return within 90 days?"
horizon_days = 90
repeat_window = "24h"
[scale]
0 = "returns"
100 = "is lost"
[[fact]]
id = "away"
label = "Time since the last stay"
meaning = "Days since the last check-out, counted over 3 years."
type = "integer"
min = 0
max = 1095
unit = "days"
worse = "higher"
healthy = 30
[[fact]]
id = "rating"
label = "Rating"
meaning = "The guest's last rating."
type = "number"
min = 0
max = 10
unit = "stars"
step = 1
worse = "lower"
healthy = 9
[[fact]]
id = "cancelled"
label = "Cancelled bookings"
meaning = "The part of all bookings that the guest cancelled."
type = "number"
min = 0
max = 50
unit = "%"
step = 1
worse = "higher"
healthy = 0
[[fact]]
id = "balance"
label = "Balance"
meaning = "What the guest has paid less what is owed."
type = "number"
min = -1000
max = 1000
unit = "EUR"
step = 10
worse = "lower"
healthy = 0
[scorecard]
base = 0
otherwise = ["Write to the guest.", "Wait."]
[[scorecard.points]]
fact = "away"
add = [{ from = 30, points = 10 }]
advice = "Write."
"#;

#[test]
fn units_and_ranges_are_those_of_the_alert_type() {
    let alert_type = AlertType::read("hotel", "hotel", HOTEL).unwrap();
    let facts = json!({ "away": 21, "rating": 7.4, "cancelled": 12.5, "balance": -20 });
    let checker = checker(&alert_type, &serde_json::from_value(facts).unwrap());
    let cases: &[(&str, &[&str])] = &[
        ("Away for 21 days, or three weeks, or 3 weeks. It may not return within 90 days.", &[]),
        ("Away for 20 days, or two weeks, of 80 days.", &["20 days", "two weeks", "80 days"]),
        ("Rating: 7.4/10, or 7.4 stars, 2.6 stars below the best, 74% of the maximum.", &[]),
        ("Rating: 7/10, on a scale from 0 to 10.", &[]),
        ("Rating: 8/10, or 74/100, or 4 stars.", &["8/10", "74/100", "4 stars"]),
        ("12.5% cancelled, 12.5 percent, 13%; a quarter (25%) of what is counted.", &[]),
        ("Cancelled: 12.5%. Cancelled bookings of 25%.", &["25%"]),
        ("The balance is -20 EUR; the guest owes €20, 20 euros.", &[]),
        ("The balance is -21 EUR; the guest owes €21, $20.", &["-21 EUR", "€21", "$20"]),
        ("Guests like this one are lost in 3 years.", &["3 years"]),
        ("21 guests are lost.", &["21"]),
        ("Cancelled 12 stays, 8 nights, 90 meals.", &["8", "90"]),
    ];
    let mut wrong = 0;
    for (text, unsupported) in cases {
        let report = checker.report(text, &[], Number::from(72));
        if report.quotes() != *unsupported {
            println!("{text}: {report:?}");
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0);
}

/// Units of a type that are said in other words: a ratio in percent, and the noun at the end of `short`.
#[test]
fn a_ratio_can_be_said_in_percent_and_a_unit_by_its_short_noun() {
    let toml = HOTEL
        .replace("unit = \"EUR\"", "unit = \"ratio\"")
        .replace("unit = \"days\"", "unit = \"days\"\nshort = \"{value} nights\"");
    let alert_type = AlertType::read("hotel", "hotel", &toml).unwrap();
    let facts = json!({ "away": 21, "rating": 7.4, "cancelled": 12.5, "balance": 2 });
    let checker = checker(&alert_type, &serde_json::from_value(facts).unwrap());
    for (text, unsupported) in [
        ("The balance is 200%, a ratio of 2.", &[][..]),
        ("The balance is 210%.", &["210%"]),
        ("21 nights have passed since the last stay.", &[]),
        ("22 nights have passed since the last stay.", &["22 nights"]),
    ] {
        let report = checker.report(text, &[], Number::from(72));
        assert_eq!(report.quotes(), unsupported, "{text}: {report:?}");
    }
}

#[test]
fn a_re_ask_quotes_the_sentence_of_each_claim() {
    let checker = Given::Calls(5.0, 65.0).checker();
    let text = "Health is at 65. The family called 9 times, up from 2 last month! It is 2.5 times the norm";
    let rendered = RenderedText { text: text.to_owned(), values: Vec::new() };
    let mut report = GroundingReport::default();
    let sentences = checker.check_text(&rendered, None, Number::from(72), &mut report);
    let (first, last) = ("The family called 9 times, up from 2 last month!", "It is 2.5 times the norm");
    assert_eq!(sentences, [first, first, last]);
    let violations = report.violations(&sentences);
    assert!(violations.contains("`9` (value): ib_calls_14d is 5 calls; `2`"), "{violations}");
    assert!(violations.contains(&format!(", in \"{first}\"; `2.5 times`")), "{violations}");
    assert!(violations.contains(&format!(", in \"{last}\". Leave each out")), "{violations}");
}

#[test]
fn only_the_unsupported_claims_are_found_in_the_text() {
    let text =
        "In 12 weeks, 12 of 5 calls (not 12 calls) cost 3% or 30 points; see Algebra 12 and 2012-12-12.";
    let unsupported = check(Given::Calls(5.0, 65.0), 72.0, text).unsupported;
    let spans = unsupported_spans(text, &unsupported);
    let marked: Vec<_> = spans.into_iter().map(|span| &text[span]).collect();
    assert_eq!(marked, ["12 weeks", "12", "12 calls", "3%", "30 points"]);
}

#[test]
fn the_unsupported_claims_of_every_case_are_found_in_the_text() {
    for (given, risk_score, text, _) in TABLES.iter().copied().flatten() {
        let unsupported = check(*given, *risk_score, text).unsupported;
        let spans = unsupported_spans(text, &unsupported);
        let marked: Vec<_> = spans.into_iter().map(|span| &text[span]).collect();
        let quotes: Vec<_> = unsupported.iter().map(|claim| claim.claim.as_str()).collect();
        assert_eq!(marked, quotes, "{text}");
    }
}
