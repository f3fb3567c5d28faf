//! The properties of the reader, on generated answers in allowed noise and on mutations of them.
//!
//! Never: saves a failing text to a file. It belongs in a table, under a name.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::bounds::STEPS_PER_BYTE_MAX;
use super::generated::{GeneratedReply, PIECES, STRICT, answer, dialect, edit, json, mutated, noise, write};
use super::{REST, VOCABULARY, assert_reads_itself};
use crate::reply::Reply;
use crate::reply::cursor::is_padding;

/// Checks what is true of every text.
fn assert_nothing_invented(text: &str) {
    let (reply, steps) = Reply::read_counting(text, &VOCABULARY);
    assert!(steps <= STEPS_PER_BYTE_MAX * text.len(), "{steps} steps for {} bytes", text.len());
    let Ok(reply) = reply else { return };
    let once = unescaped(text);
    let readings = [text, &once, &unescaped(&once)];
    let is_score = |token: &str| token.parse() == Ok(reply.risk_score().get());
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let tokens = readings.iter().flat_map(|text| text.split(|c| !is_part(c)));
    assert!(tokens.into_iter().any(is_score), "{} in {text}", reply.risk_score().get());
    let because = reply.drivers().iter().map(|driver| driver.because.as_str());
    for part in reply.recommendations().iter().map(String::as_str).chain([reply.explanation()]).chain(because)
    {
        assert!(readings.iter().any(|text| text.contains(part)), "{part:?} in {text}");
    }
    assert_reads_itself(&reply);
    if reply.repairs().is_empty() {
        let inner = text.trim_matches(is_padding);
        let strict: serde_json::Value = serde_json::from_str(inner).expect("no repair, so it is strict JSON");
        assert_eq!(strict["risk_score"].as_f64().map(f64::abs), Some(reply.risk_score().get()), "{text}");
        assert_eq!(
            strict["explanation"].as_str().map(|text| text.trim_matches(is_padding)),
            Some(reply.explanation())
        );
    }
}

/// A text with all its escapes replaced, wherever they are.
fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let escaped = after.chars().next().filter(|_| c == '\\');
        let unit = escaped.and_then(|escape| match escape {
            'u' => {
                after.get(1..5).and_then(|digits| u16::from_str_radix(digits, 16).ok()).map(|unit| (unit, 5))
            }
            'n' => Some((10, 1)),
            't' => Some((9, 1)),
            'r' => Some((13, 1)),
            'b' => Some((8, 1)),
            'f' => Some((12, 1)),
            '"' | '\'' | '/' | '\\' => Some((escape as u16, 1)),
            _ => None,
        });
        if let Some((unit, bytes)) = unit {
            units.push(unit);
            rest = &after[bytes..];
        } else {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            rest = after;
        }
    }
    String::from_utf16_lossy(&units)
}

/// The number of cases, unless `PROPTEST_CASES` sets another one, as `make mutations` does.
fn config(cases: u32) -> ProptestConfig {
    let default_cases = 256;
    let set = Some(ProptestConfig::default().cases).filter(|set| *set != default_cases);
    ProptestConfig { cases: set.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn an_answer_in_allowed_noise_is_read_with_its_repairs(a in answer(), d in dialect(), n in noise()) {
        let GeneratedReply { text, repairs, .. } = write(&a, &d, &n);
        let reply = Reply::read(&text, &VOCABULARY).map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
        prop_assert!(reply.risk_score().get().total_cmp(&a.score.1).is_eq());
        prop_assert_eq!(reply.explanation(), a.explanation);
        prop_assert_eq!(reply.recommendations(), a.recommendations);
        prop_assert_eq!(reply.repairs(), repairs);
        assert_nothing_invented(&text);
    }

    #[test]
    fn nothing_is_invented_in_a_mutated_reply(a in answer(), strictly in any::<bool>(), d in dialect(), n in noise(),
        edits in prop::collection::vec(edit(), 1..5))
    {
        let written = write(&a, if strictly { &STRICT } else { &d }, &n);
        assert_nothing_invented(&mutated(&written.text, &edits));
    }

    #[test]
    fn nothing_is_invented_in_random_pieces(pieces in prop::collection::vec(select(PIECES), 0..40), chance in any::<String>()) {
        let text = pieces.concat();
        assert_nothing_invented(&text);
        assert_nothing_invented(&format!("{{{text}}}"));
        assert_nothing_invented(&format!("{text}{{{chance}\"risk_score\": 72, {REST}, {text}}}{chance}"));
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn no_prefix_before_the_answers_last_brace_is_accepted(a in answer(), d in dialect(), n in noise(),
        cuts in prop::collection::vec(any::<Index>(), 24))
    {
        let GeneratedReply { text, last_brace, .. } = write(&a, &d, &n);
        let by_chance = cuts.iter().map(|cut| cut.index(last_brace + 1));
        for cut in by_chance.chain(last_brace.saturating_sub(8)..=last_brace) {
            if let Some(prefix) = text.get(..cut) {
                prop_assert!(Reply::read(prefix, &VOCABULARY).is_err(), "{}", prefix);
            }
        }
    }

    #[test]
    fn the_first_accepted_prefix_ends_where_something_closes(a in answer(), d in dialect(), n in noise(),
        edits in prop::collection::vec(edit(), 0..4))
    {
        let text = mutated(&write(&a, &d, &n).text, &edits);
        let mut prefixes = text.char_indices().map(|(at, c)| (c, &text[..at + c.len_utf8()]));
        if let Some((last, prefix)) = prefixes.find(|(_, prefix)| Reply::read(prefix, &VOCABULARY).is_ok()) {
            prop_assert!(matches!(last, '}' | ']' | '"' | '>'), "{}", prefix);
        }
    }

    #[test]
    fn strict_json_needs_no_repair(note in json(), explanation in "\\PC{1,40}") {
        let explanation = serde_json::to_string(&format!("x{explanation}")).unwrap();
        let text = format!(
            r#"{{"risk_score": 72, "explanation": {explanation}, "recommendations": ["a", "b"], "note": {note}}}"#
        );
        let reply = Reply::read(&text, &VOCABULARY).map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
        prop_assert_eq!(reply.repairs(), []);
    }
}
