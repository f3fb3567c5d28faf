//! Measures how often a swapped number, an invented reference value and a right number are marked, over many alerts.

use super::Given::{self, Balance, Calls, Health};
use super::check;

/// Alerts, each with its risk score.
const ALERTS: &[(Given, f64)] = &[
    (Calls(5.0, 65.0), 72.0),
    (Calls(9.0, 33.5), 91.0),
    (Calls(2.0, 88.0), 21.0),
    (Calls(7.0, 54.0), 79.0),
    (Health(38.0, 1.0, 3.0), 76.0),
    (Health(52.5, 2.0, 6.0), 68.0),
    (Health(21.0, 4.0, 8.0), 93.0),
    (Balance("high_demand", 92.5, 20.0), 85.0),
    (Balance("high_demand", 81.0, 36.5), 74.0),
    (Balance("balanced", 55.0, 48.0), 33.0),
];

/// Sentences about a student's calls (`C`), health score (`H`) and risk (`R`), and about sessions (`S`).
const STUDENT: &[&str] = &[
    "The family made C support calls in 14 days, and the health score is H.",
    "The family called C times; health is at H out of 100, which puts the risk at R.",
    "C calls and a health score of H point to a risk of R.",
    "With a health score of H points and C calls, the risk score is R.",
    "Health (H) and calls (C) together explain a risk of R.",
    "A risk score of R follows from C inbound support calls and a health score of H/100.",
    "Calls: C. Health score: H. Risk: R.",
    "There were C calls in the last 14 days while the health score stood at H.",
    "At H, the health score is a concern, and the family made C calls.",
];
/// Sentences with sessions as well.
const SESSIONS: &[&str] = &[
    "S sessions were held in 7 days, C calls came in, and health is H.",
    "The student held S sessions, the family made C calls, and the health score is H.",
    "Sessions: S. Calls: C. Health: H. Risk: R.",
    "With S sessions in the last 7 days and a health score of H, the risk is R.",
];
/// Sentences about demand (`D`), supply (`S`) and risk (`R`).
const SUBJECT: &[&str] = &[
    "Demand is at D and supply at S, so the risk is R.",
    "A demand score of D meets a supply score of S.",
    "Demand (D) and supply (S) are what the risk of R rests on.",
    "Demand of D out of 100 meets supply of S out of 100.",
    "With demand at D and supply at only S, the risk score is R.",
    "The demand score, D, compares with a supply score of S.",
    "Supply is S while demand is D.",
    "Demand: D/100, supply: S/100, risk: R/100.",
    "Demand and supply are D and S.",
];
/// Sentences about a value that no prompt has, `N`.
const INVENTED: &[&str] = &[
    "That is above the threshold of N.",
    "The average is N.",
    "A typical value is N.",
    "The usual level is N, so this is a concern.",
    "Last month it was N.",
    "It was N previously.",
    "It is up from N.",
    "It fell from N within weeks.",
    "The target is N.",
    "Normal would be N.",
    "The limit of N has been crossed.",
    "This compares with an average of N.",
    "The norm is N for such cases.",
    "The benchmark is N.",
];

/// The values of an alert by their letter in the sentences.
fn values(given: Given, risk: f64) -> Vec<(char, f64)> {
    match given {
        Calls(calls, health) => vec![('C', calls), ('H', health), ('R', risk)],
        Health(health, sessions, calls) => vec![('C', calls), ('H', health), ('S', sessions), ('R', risk)],
        Balance(_, demand, supply) => vec![('D', demand), ('S', supply), ('R', risk)],
    }
}

fn sentences(given: Given) -> Vec<&'static str> {
    match given {
        Calls(..) => STUDENT.to_vec(),
        Health(..) => [STUDENT, SESSIONS].concat(),
        Balance(..) => SUBJECT.to_vec(),
    }
}

/// A sentence with values in place of its letters, each of which is a word of its own.
fn write(sentence: &str, values: &[(char, f64)]) -> String {
    let mut text = String::new();
    let mut chars = sentence.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let alone = !before.is_alphanumeric() && !chars.peek().is_some_and(|next| next.is_alphanumeric());
        match values.iter().find(|(letter, _)| alone && *letter == c) {
            Some((_, value)) => text.push_str(&value.to_string()),
            None => text.push(c),
        }
        before = c;
    }
    text
}

/// How many of all are as expected.
#[derive(Default)]
struct Rate {
    all: f64,
    right: f64,
}

impl Rate {
    fn count(&mut self, is_right: bool, text: &str) {
        self.all += 1.0;
        self.right += f64::from(u8::from(is_right));
        if !is_right {
            println!("{text}");
        }
    }

    fn value(&self) -> f64 {
        self.right / self.all
    }
}

#[test]
fn right_swapped_and_invented_numbers_are_told_apart() {
    let (mut right, mut swapped, mut invented) = (Rate::default(), Rate::default(), Rate::default());
    for &(given, risk) in ALERTS {
        let values = values(given, risk);
        for sentence in sentences(given) {
            let text = write(sentence, &values);
            right.count(check(given, risk, &text).unsupported.is_empty(), &text);
            for (at, one) in values.iter().enumerate() {
                for other in values.iter().skip(at + 1) {
                    let swap = |(letter, value): &(char, f64)| match *letter {
                        letter if letter == one.0 => (letter, other.1),
                        letter if letter == other.0 => (letter, one.1),
                        letter => (letter, *value),
                    };
                    let exchanged: Vec<_> = values.iter().map(swap).collect();
                    let wrong = write(sentence, &exchanged);
                    if wrong != text {
                        swapped.count(!check(given, risk, &wrong).unsupported.is_empty(), &wrong);
                    }
                }
            }
        }
        for sentence in INVENTED {
            // A value of the alert, and one that is not.
            for number in [values[0].1, values[1].1, 17.0] {
                let text =
                    format!("{} {}", write(sentences(given)[0], &values), write(sentence, &[('N', number)]));
                invented.count(!check(given, risk, &text).unsupported.is_empty(), &text);
            }
        }
    }
    println!("right {} of {}", right.right, right.all);
    println!("swapped {:.3} of {}", swapped.value(), swapped.all);
    println!("invented {:.3} of {}", invented.value(), invented.all);
    assert!(right.value() >= 1.0, "{} of {}", right.right, right.all);
    assert!(swapped.value() >= 0.99, "{}", swapped.value());
    assert!(invented.value() >= 0.99, "{}", invented.value());
}
