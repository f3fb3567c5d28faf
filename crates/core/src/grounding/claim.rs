//! Finds every claim in a text: each numeral that says how much or how many.
//!
//! Takes: text, and the vocabulary of its alert type.
//! Gives: [`Claim`]s in the order of the text, none overlapping another.
//! Never: knows what the prompt said, or whether a claim is true.

use std::ops::Range;

use super::aside::Place;
use super::digits::Numeral;
use super::numeral::{self, Reading};
use super::subject::Subject;
use super::token::{Token, Tokens};
use super::vocabulary::{Unit, Vocabulary};
use super::words::{
    AFTER_RATIOS, BEFORE_THE_FACTS, BEFORE_THINGS, CURRENCIES, END_WORDS, FACT_NOUNS, FUNCTION_WORDS,
    HEDGED_LIMITS, HEDGES, HEDGING_BY, OUT_OF_WHAT, SMALL, Words,
};

/// A numeral that says something, with what it is said of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    /// Its bytes: sign, number, and the unit if one follows.
    pub(super) span: Range<usize>,
    pub(super) numeral: Numeral,
    pub(super) unit: Option<Unit>,
    pub(super) form: Form,
    /// Whose value it is said to be, if that is said right before it.
    pub(super) subject: Option<Subject>,
    /// `about` and the like admit a round number.
    pub(super) hedged: bool,
    /// It is said to be an end of a scale.
    pub(super) is_end: bool,
    /// It counts things that have no unit here: `14 tutors`.
    pub(super) counts_things: bool,
    /// The places of its first token and of the one after it.
    pub(super) places: Range<usize>,
}

impl Claim {
    /// The claim with another number in its place.
    pub(super) fn with_value(&self, value: f64) -> Self {
        Self { numeral: Numeral::whole(value), ..self.clone() }
    }
}

/// How a claim uses its number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// `65`.
    Plain,
    /// `65/100`, `65 out of 100`: the number that it is a part of.
    OutOf(f64),
    /// A ratio, a rate or a number of entities, which no prompt says: `5-fold`, `5 times the usual`, `4:1`, `six to
    /// one`, `55% of families`, `12 students`.
    Foreign,
    /// `the 60s`.
    Decade,
    /// `two warning signs`: the facts themselves, counted.
    Facts,
}

/// Words between a number and a noun for the facts.
const BEFORE_FACT_NOUN_MAX: usize = 2;
/// Words between `out of` and a number.
const OUT_OF_WORDS_MAX: usize = 3;
/// Words between a word for an end of a scale and the number.
const BEFORE_END_MAX: usize = 3;

/// Every claim of a text.
pub(super) fn read(text: &str, vocabulary: &Vocabulary) -> Vec<Claim> {
    read_tokens(&Tokens::read(text), vocabulary, false)
}

/// Every claim of a text in tokens; with the asides that follow no rule of the language, if they are wanted.
pub(super) fn read_tokens(tokens: &Tokens<'_>, vocabulary: &Vocabulary, with_asides: bool) -> Vec<Claim> {
    let reader = Reader { tokens, vocabulary, with_asides };
    let mut claims = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        place = match numeral::at(tokens, place) {
            None => place + 1,
            Some((Reading::Nothing, next)) => next,
            Some((Reading::Numeral(numeral), next)) => match reader.claim(numeral, place, next) {
                None => next,
                Some(claim) => {
                    let next = claim.places.end;
                    claims.push(claim);
                    next
                }
            },
        };
    }
    reader.join_ranges(&mut claims);
    claims
}

struct Reader<'a, 't> {
    tokens: &'a Tokens<'t>,
    vocabulary: &'a Vocabulary,
    with_asides: bool,
}

impl Reader<'_, '_> {
    fn claim(&self, numeral: Numeral, number: usize, number_end: usize) -> Option<Claim> {
        let (sign, first) = self.sign_before(number);
        let currency =
            self.tokens.back(number, 1).and_then(currency).filter(|_| self.tokens.glued(number).is_some());
        let (form, mut unit, next) = self.after(numeral, number, number_end);
        let first = if currency.is_some() { number.saturating_sub(1) } else { first };
        unit = currency.or(unit);
        let place =
            Place { tokens: self.tokens, vocabulary: self.vocabulary, first: number, next: number_end };
        let is_aside =
            place.is_part_of_id() || unit.is_none() && form == Form::Plain && place.is_aside(numeral);
        if is_aside && !self.with_asides {
            return None;
        }
        let start = self.tokens.get(first)?.start;
        let end = self.tokens.back(next, 1)?.end();
        Some(Claim {
            span: start..end,
            numeral: Numeral { value: sign * numeral.value, ..numeral },
            counts_things: unit.is_none() && form == Form::Plain && self.thing_at(next),
            subject: self.vocabulary.names().subject_of(self.tokens, first, next, unit.is_some()),
            unit,
            form,
            hedged: self.is_hedged(first, next),
            is_end: self.is_end(first, next),
            places: first..next,
        })
    }

    /// A minus, and the token at which the claim starts. A hyphen that opens a line is a bullet.
    fn sign_before(&self, number: usize) -> (f64, usize) {
        let minus =
            self.tokens.back(number, 1).filter(|_| self.tokens.glued(number).is_some()).filter(|mark| {
                let free = mark.spaced && !mark.opens_line
                    || self.tokens.back(number, 2).is_some_and(|t| t.text == "(");
                mark.text == "\u{2212}" || mark.text == "-" && free
            });
        if minus.is_some() { (-1.0, number.saturating_sub(1)) } else { (1.0, number) }
    }

    /// What follows a number and belongs to it, and the place after that.
    fn after(&self, numeral: Numeral, number: usize, next: usize) -> (Form, Option<Unit>, usize) {
        let glued = |at: usize, text: &str| self.tokens.glued(at).is_some_and(|token| token.is(text));
        let spaced = |at: usize, text: &str| self.tokens.spaced_word(at).is_some_and(|token| token.is(text));
        let ratio_follows =
            |at: usize| self.tokens.spaced_word(at).is_some_and(|token| token.is_in(&AFTER_RATIOS));
        if glued(next, "x") || glued(next, "×") {
            return (if ratio_follows(next + 1) { Form::Foreign } else { Form::Plain }, None, next + 1);
        }
        if self.tokens.glued(next).is_some_and(Token::is_hyphen) && glued(next + 1, "fold") {
            return (Form::Foreign, None, next + 2);
        }
        // Nobody calls 4.6 times.
        if spaced(next, "times") && (numeral.value.fract() != 0.0 || ratio_follows(next + 1)) {
            return (Form::Foreign, None, next + 1);
        }
        if glued(next, ":") && self.tokens.glued(next + 1).is_some_and(Token::is_digits) {
            return (Form::Foreign, None, next + 2);
        }
        if glued(next, "s") && numeral.value < 100.0 && numeral.value % 10.0 == 0.0 {
            return (Form::Decade, None, next + 1);
        }
        if let Some((unit, next)) = self.vocabulary.unit_after(self.tokens, next) {
            let is_rate = unit.is_percent() && self.is_part_of_things(next);
            return (if is_rate { Form::Foreign } else { Form::Plain }, Some(unit), next);
        }
        let to_one = spaced(next, "to") && spaced(next + 1, "one");
        let from = self.tokens.back(number, 1).is_some_and(|word| word.is("from"));
        let entities =
            numeral.value > 1.0 && self.tokens.get(next).is_some_and(|word| self.vocabulary.is_entity(word));
        if to_one && !from || entities {
            return (Form::Foreign, None, next);
        }
        if let Some((whole, next)) = self.out_of(next) {
            return (Form::OutOf(whole), None, next);
        }
        let form = if self.stands_for_facts(numeral, number, next) { Form::Facts } else { Form::Plain };
        (form, None, next)
    }

    /// `/100`, `of 100`, `out of a possible 100`.
    fn out_of(&self, next: usize) -> Option<(f64, usize)> {
        let number = |at: usize| match numeral::at(self.tokens, at)? {
            (Reading::Numeral(numeral), next) => Some((numeral.value, next)),
            (Reading::Nothing, _) => None,
        };
        if self.tokens.get(next)?.text == "/" {
            return number(next + 1);
        }
        let of = next + usize::from(self.tokens.spaced_word(next)?.is("out"));
        self.tokens.spaced_word(of).filter(|word| word.is("of"))?;
        for at in of + 1..=of + 1 + OUT_OF_WORDS_MAX {
            if let Some((whole, next)) = number(at) {
                return Some((whole, next)).filter(|_| self.vocabulary.is_end(whole));
            }
            self.tokens.spaced_word(at).filter(|word| word.is_in(&OUT_OF_WHAT))?;
        }
        None
    }

    /// `two warning signs`, `the two together`.
    fn stands_for_facts(&self, numeral: Numeral, number: usize, next: usize) -> bool {
        if numeral.value.fract() != 0.0 || numeral.value < 2.0 {
            return false;
        }
        for at in next..=next + BEFORE_FACT_NOUN_MAX {
            match self.tokens.spaced_word(at) {
                Some(word) if word.is_in(&FACT_NOUNS) => return true,
                Some(word) if !FUNCTION_WORDS.has(word.text) && !word.ends_in_s() => {}
                _ => break,
            }
        }
        let introduced = self.tokens.back(number, 1).is_some_and(|word| word.is_in(&BEFORE_THE_FACTS));
        let in_words = self.tokens.get(number).is_some_and(|word| word.is_in(&SMALL));
        introduced && in_words && !self.thing_at(next)
    }

    /// `of all families`; not `of its maximum`.
    fn is_part_of_things(&self, next: usize) -> bool {
        let Some(word) = self.tokens.spaced_word(next + 1) else { return false };
        let is_of = self.tokens.spaced_word(next).is_some_and(|of| of.is("of"));
        let thing = next + 1 + usize::from(word.is_in(&BEFORE_THINGS));
        is_of && !word.is_in(&OUT_OF_WHAT) && self.thing_at(thing)
    }

    /// Whether a noun in the plural follows, perhaps after one more word.
    fn thing_at(&self, next: usize) -> bool {
        let word = |at: usize| self.tokens.spaced_word(at).filter(|word| !FUNCTION_WORDS.has(word.text));
        let Some(first) = word(next) else { return false };
        first.ends_in_s() || word(next + 1).is_some_and(Token::ends_in_s)
    }

    /// `the maximum of 100 points`, `a 100-point scale`.
    fn is_end(&self, first: usize, next: usize) -> bool {
        let is_end = |token: Option<&Token<'_>>| token.is_some_and(|word| word.is_in(&END_WORDS));
        is_end(self.tokens.get(next))
            || (1..=BEFORE_END_MAX).any(|back| is_end(self.tokens.back(first, back)))
    }

    fn is_hedged(&self, first: usize, next: usize) -> bool {
        let back = |places: usize, list: &Words| {
            self.tokens.back(first, places).is_some_and(|word| word.is_in(list))
        };
        let or_so = self.tokens.get(next).is_some_and(|word| word.is("or"))
            && self.tokens.get(next + 1).is_some_and(|word| word.is("so"));
        back(1, &HEDGES) || back(1, &HEDGED_LIMITS) && back(2, &HEDGING_BY) || or_so
    }

    /// The first end of a range is in the unit of the second; a range from end to end is the scale itself.
    fn join_ranges(&self, claims: &mut [Claim]) {
        for at in 1..claims.len() {
            let Some([from, to]) = claims.get_mut(at - 1..=at) else { continue };
            let link = self.tokens.get(from.places.end).filter(|_| from.places.end + 1 == to.places.start);
            let between = self.tokens.back(from.places.start, 1).is_some_and(|word| word.is("between"));
            let joins = |token: &Token<'_>| {
                token.is_hyphen()
                    || matches!(token.text, "–" | "—" | "to" | "or")
                    || token.text == "and" && between
            };
            if !link.is_some_and(joins) {
                continue;
            }
            if from.form == Form::Plain && from.unit.is_none() {
                from.unit.clone_from(&to.unit);
                from.counts_things = to.counts_things;
            }
            if from.numeral.value == 0.0 && self.vocabulary.is_end(to.numeral.value) {
                (from.is_end, to.is_end) = (true, true);
            }
        }
    }
}

fn currency(mark: &Token<'_>) -> Option<Unit> {
    let (_, unit) = CURRENCIES.iter().find(|(sign, _)| mark.text == *sign)?;
    Some(Unit::new(unit))
}
