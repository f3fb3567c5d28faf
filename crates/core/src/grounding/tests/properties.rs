//! Properties that hold for every text.

use proptest::prelude::*;
use proptest::sample::select;

use super::Given::{self, Balance, Calls, Health};
use crate::alert_type::AlertTypes;
use crate::grounding::unsupported_spans;
use crate::number::Number;

/// Pieces of text that together cover everything that the reader knows.
const PIECES: &[&str] = &[
    "5", "65", "14", "0", "100", "92.5", "1,200", "2025", "-", "–", "/", ":", ".", ",", "%", " ", " ", " ",
    "\n", "(", ")", "$", "#", "~", "'", "’", "x", "k", "s", "d", "th", "calls", "days", "weeks", "points",
    "one", "two", "five", "twenty", "a", "dozen", "hundred", "half", "out", "of", "to", "and", "between",
    "times", "the", "risk", "score", "Health", "May", "Algebra", "pm", "T", "@", "://", "é", "🙂",
    "\u{fe0f}", "\u{a0}", "²", "５", "_", "24/7", "+",
];

fn given() -> impl Strategy<Value = Given> {
    let whole = |max: u16| (0..=max).prop_map(f64::from);
    let score = || (0..=200_u16).prop_map(|halves| f64::from(halves) / 2.0);
    prop_oneof![
        (whole(10_000), score()).prop_map(|(calls, health)| Calls(calls, health)),
        (score(), whole(1000), whole(10_000))
            .prop_map(|(health, sessions, calls)| Health(health, sessions, calls)),
        (select(vec!["balanced", "high_demand"]), score(), score())
            .prop_map(|(status, demand, supply)| Balance(status, demand, supply)),
    ]
}

/// Sentences whose numbers the prompt supports.
fn supported(given: Given, risk: u8) -> Vec<String> {
    let types = AlertTypes::built_in();
    let alert_type = types.get(given.alert_type()).unwrap();
    let facts = given.facts();
    let mut sentences = vec![
        format!(
            "The risk score is {risk}, on a scale from 0 to 100, for the next {} days",
            alert_type.horizon_days()
        ),
        format!("I see a {risk}% chance, or {risk} out of 100, that it comes so"),
        "On 5 March 2025 at 9:30 nobody knew it".to_owned(),
    ];
    let mut in_points = Vec::new();
    for fact in alert_type.facts() {
        let value = facts.get(fact.id()).unwrap();
        sentences.push(fact.describe(value));
        let Some(range) = fact.range() else { continue };
        let words = value.to_words();
        let number: f64 = words.parse().unwrap();
        sentences.push(format!("It stands at {words} {}, which is {words}", range.unit));
        sentences.push(format!("{}: {words}", fact.label()));
        sentences.push(format!("It is {number:.0} when rounded"));
        sentences.push(format!("It is {} {} away from the best", range.max.get() - number, range.unit));
        if range.unit == "points" {
            sentences.push(format!("That is {words}% of the most, or {words}/100"));
            in_points.push(number);
        }
    }
    if let [one, other] = in_points.as_slice() {
        sentences.push(format!("They differ by {} points", (one - other).abs()));
    }
    sentences
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_checker_never_panics(given in given(), pieces in prop::collection::vec(select(PIECES), 0..60), chance in any::<String>()) {
        let checker = given.checker();
        for text in [pieces.concat(), pieces.join(" "), format!("{chance}{}", pieces.concat()), chance] {
            let grounding = checker.report(&text, &[("health_score", &text)], Number::from(72));
            prop_assert!(grounding.unsupported.len() <= grounding.numbers);
            prop_assert!(grounding.unsupported.iter().all(|claim| text.contains(&claim.claim)));
            let mut end = 0;
            for span in unsupported_spans(&text, &grounding.unsupported) {
                prop_assert!(end <= span.start && span.start < span.end);
                prop_assert!(text.get(span.clone()).is_some());
                end = span.end;
            }
        }
    }

    #[test]
    fn the_numbers_of_the_prompt_are_supported(given in given(), risk in 0..=100_u8, chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..8)) {
        let sentences = supported(given, risk);
        let text = chosen.iter().map(|index| index.get(&sentences).as_str()).collect::<Vec<_>>().join(". ");
        let grounding = given.checker().report(&text, &[], Number::from(risk));
        prop_assert_eq!(grounding.quotes(), Vec::<&str>::new(), "{} {:?}", text, grounding);
    }

    #[test]
    fn an_invented_number_among_them_is_reported(given in given(), risk in 0..=100_u8, at in any::<prop::sample::Index>(),
        invented in 20_000..1_000_000_u32, form in select(vec!["{}", "{}%", "{} calls", "{} days", "{}/100", "{}.5", "{}x"]))
    {
        let mut sentences = supported(given, risk);
        let quote = form.replace("{}", &invented.to_string());
        sentences.insert(at.index(sentences.len()), format!("In all there are {quote}"));
        let grounding = given.checker().report(&sentences.join(". "), &[], Number::from(risk));
        let expected = if matches!(given, Balance(..)) { quote.replace(" calls", "") } else { quote };
        prop_assert_eq!(grounding.quotes(), [expected]);
    }
}

#[test]
fn a_text_of_ten_thousand_characters_is_read_to_its_end() {
    let checker = Calls(5.0, 65.0).checker();
    for piece in PIECES {
        let text: String = piece.chars().cycle().take(10_000).collect();
        checker.report(&text, &[], Number::from(72));
        let spaced = format!("{piece} ").repeat(10_000 / (piece.chars().count() + 1));
        checker.report(&format!("{spaced}7"), &[], Number::from(72));
    }
}
