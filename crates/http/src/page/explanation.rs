//! An explanation whose numbers lead to their facts. A number that no fact supports is marked.

use maud::{Markup, html};
use portend_core::alert_type::{AlertType, Fact, FactValue};
use portend_core::grounding::{UnsupportedClaim, unsupported_spans};
use portend_core::insight::StoredInsight;

use super::text::shown;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Plain(&'t str),
    /// A number that is the value of this fact.
    OfFact(&'t str, String),
    /// A number that no fact supports, and why.
    Unsupported(&'t str, String),
}

/// How near a word of a fact's name must be to its number, in bytes.
const NEAR_BYTES: usize = 48;

/// The text, with links to the facts on the same page.
pub(crate) fn linked(text: &str, insight: &StoredInsight, alert_type: Option<&AlertType>) -> Markup {
    html! {
        @for piece in pieces(text, insight, alert_type) {
            @match piece {
                Piece::Plain(text) => (shown(text)),
                Piece::OfFact(text, fact) => {
                    a.fact href={ "#fact-" (fact) } title={ "Fact: " (label(alert_type, &fact)) } { (shown(text)) }
                },
                Piece::Unsupported(text, reason) => {
                    mark title=(reason) { (shown(text)) } span.small { " (not supported)" }
                },
            }
        }
    }
}

/// The label of a fact, or its id if the type does not have it.
pub(crate) fn label(alert_type: Option<&AlertType>, fact: &str) -> String {
    let label = alert_type.and_then(|alert_type| alert_type.fact(fact)).map(Fact::label);
    shown(label.unwrap_or(fact))
}

/// What an unsupported number is said to be, and why it is not supported.
fn why(quote: &str, unsupported: &[UnsupportedClaim]) -> String {
    let claim = unsupported.iter().find(|claim| claim.claim == quote && !claim.reason.is_empty());
    claim.map_or_else(|| "No fact supports this number".to_owned(), reason_of)
}

/// The reason of an unsupported number, with its role.
pub(crate) fn reason_of(claim: &UnsupportedClaim) -> String {
    let role = claim.role.map_or_else(String::new, |role| format!("as {}: ", role.words()));
    let reason = if claim.reason.is_empty() { "no fact supports it" } else { &claim.reason };
    format!("{role}{}", shown(reason))
}

fn pieces<'t>(text: &'t str, insight: &StoredInsight, alert_type: Option<&AlertType>) -> Vec<Piece<'t>> {
    let grounding = insight.current().and_then(|fields| fields.grounding.as_ref());
    let unsupported = grounding.map(|grounding| grounding.unsupported.as_slice()).unwrap_or_default();
    let wrong = unsupported_spans(text, unsupported);
    let mut pieces = Vec::new();
    let mut end = 0;
    let mut push = |pieces: &mut Vec<Piece<'t>>, start: usize, stop: usize, piece: Piece<'t>| {
        pieces.extend(text.get(end..start).filter(|plain| !plain.is_empty()).map(Piece::Plain));
        pieces.push(piece);
        end = stop;
    };
    let mut wrong = wrong.into_iter().peekable();
    let mut at = 0;
    while at < text.len() {
        if let Some(span) = wrong.next_if(|span| span.start <= at) {
            let quote = text.get(span.clone()).unwrap_or_default();
            push(&mut pieces, span.start, span.end, Piece::Unsupported(quote, why(quote, unsupported)));
            at = span.end.max(at + 1);
            continue;
        }
        let next_wrong = wrong.peek().map_or(text.len(), |span| span.start);
        match number_at(text, at) {
            Some(stop) if stop <= next_wrong => {
                let number = text.get(at..stop).unwrap_or_default();
                if let Some(fact) = fact_of(number, text, at, stop, insight, alert_type) {
                    push(&mut pieces, at, stop, Piece::OfFact(number, fact));
                }
                at = stop;
            }
            _ => at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8),
        }
    }
    pieces.extend(text.get(end..).filter(|plain| !plain.is_empty()).map(Piece::Plain));
    pieces
}

/// The end of the number that begins here, if one does.
fn number_at(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let follows_word = at
        .checked_sub(1)
        .and_then(|before| bytes.get(before))
        .is_some_and(|before| before.is_ascii_alphanumeric() || matches!(before, b'_' | b'.' | b'-' | b'#'));
    if !is_digit(at) || follows_word {
        return None;
    }
    let mut stop = at;
    while is_digit(stop) || (bytes.get(stop) == Some(&b'.') && is_digit(stop + 1)) {
        stop += 1;
    }
    Some(stop)
}

/// The fact with this value; of several, the one with a word of its name nearest to the number.
fn fact_of(
    number: &str,
    text: &str,
    start: usize,
    stop: usize,
    insight: &StoredInsight,
    alert_type: Option<&AlertType>,
) -> Option<String> {
    let value: f64 = number.parse().ok()?;
    let facts = &insight.current()?.facts;
    let has_value = |fact: &FactValue| match fact {
        FactValue::Number(number) => (number.get() - value).abs() < 1e-9,
        FactValue::Flag(_) | FactValue::Word(_) => false,
    };
    let candidates = facts.iter().filter(|(_, fact)| has_value(fact)).map(|(id, _)| id);
    let from = text.floor_char_boundary(start.saturating_sub(NEAR_BYTES));
    let to = text.floor_char_boundary((stop + NEAR_BYTES).min(text.len()));
    let before = text.get(from..start).unwrap_or_default().to_lowercase();
    let after = text.get(stop..to).unwrap_or_default().to_lowercase();
    let distance = |fact: &str| {
        let name = label(alert_type, fact).to_lowercase();
        let words: Vec<&str> =
            name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3).collect();
        let ahead = words.iter().filter_map(|word| after.find(word)).min();
        let behind = words.iter().filter_map(|word| before.rfind(word).map(|at| before.len() - at)).min();
        ahead.into_iter().chain(behind).min()
    };
    // A number with no word of the fact near it may be a window, such as "in the last 7 days".
    candidates
        .filter_map(|fact| distance(fact).map(|distance| (distance, fact)))
        .min()
        .map(|(_, fact)| fact.to_owned())
}
