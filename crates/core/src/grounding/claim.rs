//! Finds the claims in a text: the numerals that say how much or how many.
//!
//! Returns: claims in the order of the text. They do not overlap.
//! Never: knows the evidence, or whether a claim is supported.

use std::ops::Range;

use super::digits::Numeral;
use super::non_claim::{self, NumeralContext};
use super::numeral::{self, NumeralReading};
use super::subject::ClaimSubject;
use super::token::{Token, TokenKind, Tokens};
use super::vocabulary::{ClaimUnit, Vocabulary};
use super::words::{
    AFTER_OUT_OF, AFTER_RATIOS, CHANGES, CURRENCIES, END_WORDS, HEDGED_LIMITS, HEDGES, HEDGING_BY,
    PLURAL_VERBS, THINGS, VERBS, WordList,
};

mod thing;

/// A numeral that says how much or how many, with its unit and its subject.
#[expect(clippy::struct_excessive_bools, reason = "each is about other words around the number")]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NumberClaim {
    /// Its byte range: the sign, the number, and the unit if one follows.
    pub(super) span: Range<usize>,
    pub(super) numeral: Numeral,
    pub(super) unit: Option<ClaimUnit>,
    pub(super) form: ClaimForm,
    /// The subject whose value it is, if the text names it right before the number.
    pub(super) subject: Option<ClaimSubject>,
    /// Whether a hedge such as `about` allows a round number.
    pub(super) hedged: bool,
    /// Whether the text calls it an end of a scale.
    pub(super) is_end: bool,
    /// Whether it counts things that are not a unit: `14 tutors`.
    pub(super) counts_things: bool,
    /// Whether it is written in dozens, so that a hedge allows a multiple of 12.
    pub(super) in_dozens: bool,
    /// Whether `in`, `last` or `past` is before it, so that it may be a window without its unit.
    pub(super) after_in: bool,
    /// The range of its tokens.
    pub(super) tokens: Range<usize>,
}

impl NumberClaim {
    /// The same claim about another number.
    pub(super) fn with_value(&self, value: f64) -> Self {
        Self { numeral: Numeral::whole(value), ..self.clone() }
    }

    pub(super) fn is_percent(&self) -> bool {
        self.unit.as_ref().is_some_and(ClaimUnit::is_percent)
    }
}

/// How a claim uses its number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ClaimForm {
    /// `65`.
    Plain,
    /// `65/100`, `65 out of 100`. The value is the whole that the number is a part of.
    OutOf(f64),
    /// How many times as large as another one a number is: `5-fold`, `5 times supply`, `4:1`, `six to one`, `twice`.
    Ratio,
    /// A part or a number of entities or other things: `55% of families`, `12 students`.
    Things,
    /// `the 60s`.
    Decade,
    /// A count of the facts themselves: `two warning signs`.
    Facts,
}

/// The most words between `out of` and a number.
const OUT_OF_WORDS_MAX: usize = 3;
/// The most words between a word for an end of a scale and the number.
const BEFORE_END_MAX: usize = 3;

/// Which numerals are claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimScope {
    /// All but those that [`NumeralContext`] rejects.
    English,
    /// Those in names too, because other languages write other words with a capital: `in 14 Tagen 5 Anrufe`.
    OtherLanguage,
    /// All.
    EveryNumeral,
}

/// Reads every claim of a text.
pub(super) fn read(text: &str, vocabulary: &Vocabulary) -> Vec<NumberClaim> {
    read_tokens(&Tokens::read(text), vocabulary, ClaimScope::English)
}

/// Reads every claim of a text in tokens.
pub(super) fn read_tokens(
    tokens: &Tokens<'_>,
    vocabulary: &Vocabulary,
    scope: ClaimScope,
) -> Vec<NumberClaim> {
    let with_non_claims = scope == ClaimScope::EveryNumeral;
    let markers = if with_non_claims { Vec::new() } else { non_claim::inline_markers(tokens) };
    let reader = ClaimReader { tokens, vocabulary, scope, markers };
    let mut claims = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if reader.markers.contains(&index) {
            index += 1;
            continue;
        }
        if let Some(next) = reader.part_of_facts(index).filter(|_| !with_non_claims) {
            index = next;
            continue;
        }
        if let Some(claim) = reader.word_claim(index) {
            index = claim.tokens.end;
            claims.push(claim);
            continue;
        }
        index = match numeral::at(tokens, index) {
            None => index + 1,
            Some((NumeralReading::NonClaim, next)) => next,
            Some((NumeralReading::Numeral(numeral), next)) => match reader.claim(numeral, index, next) {
                None => next,
                Some(claim) => {
                    let next = claim.tokens.end;
                    claims.push(claim);
                    next
                }
            },
        };
    }
    reader.join_ranges(&mut claims);
    claims
}

/// The end of a noun for other things after a claim: `5 sessions` where no fact counts sessions. `None` if the word may
/// be a verb: `5 triggers concern`.
pub(super) fn things_after(text: &str, claim: &NumberClaim, vocabulary: &Vocabulary) -> Option<usize> {
    let tokens = Tokens::read(text);
    let thing = |at: usize| {
        let word = tokens.spaced_word(at).filter(|word| word.ends_in_s() && !word.is_in(&VERBS))?;
        let is_subject = tokens.spaced_word(at + 1).is_some_and(|verb| verb.is_in(&PLURAL_VERBS));
        let is_thing = is_subject || word.is_in(&THINGS) || vocabulary.describes(word);
        is_thing.then(|| word.end())
    };
    let next = claim.tokens.end;
    let described = || tokens.spaced_word(next).is_some_and(|first| vocabulary.describes(first));
    // `5 tutoring sessions`, but not `5 about sessions`.
    thing(next)
        .or_else(|| thing(next + 1).filter(|_| described()))
        .filter(|_| claim.counts_things || described())
}

/// A number with what follows it.
struct AfterNumber {
    /// The number, or the ratio that it begins.
    value: f64,
    form: ClaimForm,
    unit: Option<ClaimUnit>,
    /// The index of the token after it.
    next: usize,
}

pub(super) struct ClaimReader<'a, 't> {
    pub(super) tokens: &'a Tokens<'t>,
    pub(super) vocabulary: &'a Vocabulary,
    scope: ClaimScope,
    /// The indices of the numbers of inline lists: `1. Calls. 2. Health.`
    markers: Vec<usize>,
}

impl ClaimReader<'_, '_> {
    fn claim(&self, numeral: Numeral, number: usize, number_end: usize) -> Option<NumberClaim> {
        let (sign, first) = self.sign_before(number);
        let currency =
            self.tokens.back(number, 1).and_then(currency).filter(|_| self.tokens.glued(number).is_some());
        let AfterNumber { value, form, mut unit, next } = self.after(numeral, number, number_end);
        let first = if currency.is_some() { number.saturating_sub(1) } else { first };
        unit = currency.or(unit);
        let context = NumeralContext {
            tokens: self.tokens,
            vocabulary: self.vocabulary,
            first: number,
            next: number_end,
            has_names: self.scope == ClaimScope::English,
        };
        let is_non_claim = context.is_part_of_id()
            || unit.is_none() && form == ClaimForm::Plain && context.is_non_claim(numeral)
            || context.is_day_of_month() && unit.is_none();
        if is_non_claim && self.scope != ClaimScope::EveryNumeral {
            return None;
        }
        let start = self.tokens.get(first)?.start;
        let end = self.tokens.back(next, 1)?.end();
        Some(NumberClaim {
            span: start..end,
            numeral: Numeral { value: sign * value, ..numeral },
            counts_things: unit.is_none() && form == ClaimForm::Plain && self.counts_things(next),
            subject: self.vocabulary.names().subject_of(self.tokens, first, next, unit.is_some()),
            unit,
            form,
            hedged: self.is_hedged(first, next),
            after_in: self.is_after_in(first),
            in_dozens: (first..next).any(|at| self.tokens.get(at).is_some_and(|word| word.is("dozen"))),
            is_end: self.is_end(first, next),
            tokens: first..next,
        })
    }

    /// Returns the sign of a number, and the index of the token at which its claim starts. A hyphen that opens a line
    /// is a bullet.
    fn sign_before(&self, number: usize) -> (f64, usize) {
        let minus =
            self.tokens.back(number, 1).filter(|_| self.tokens.glued(number).is_some()).filter(|mark| {
                let free = mark.spaced && !mark.opens_line
                    || self.tokens.back(number, 2).is_some_and(|t| t.text == "(");
                mark.text == "\u{2212}" || mark.text == "-" && free
            });
        if minus.is_some() { (-1.0, number.saturating_sub(1)) } else { (1.0, number) }
    }

    /// Reads what follows a number and belongs to it.
    fn after(&self, numeral: Numeral, number: usize, next: usize) -> AfterNumber {
        if let Some((value, next)) = self.ratio(numeral, number, next) {
            return AfterNumber { value, form: ClaimForm::Ratio, unit: None, next };
        }
        let read = |form, unit, next| AfterNumber { value: numeral.value, form, unit, next };
        if self.glued(next, "x") || self.glued(next, "×") {
            return read(ClaimForm::Plain, None, next + 1);
        }
        if self.glued(next, "s") && numeral.value < 100.0 && numeral.value % 10.0 == 0.0 {
            return read(ClaimForm::Decade, None, next + 1);
        }
        if let Some((unit, next)) = self.vocabulary.unit_after(self.tokens, next) {
            let is_rate = unit.is_percent() && self.is_part_of_things(next);
            return read(if is_rate { ClaimForm::Things } else { ClaimForm::Plain }, Some(unit), next);
        }
        if numeral.value > 1.0 && self.tokens.get(next).is_some_and(|word| self.vocabulary.is_entity(word)) {
            return read(ClaimForm::Things, None, next);
        }
        if let Some((whole, next)) = self.out_of(next) {
            return read(ClaimForm::OutOf(whole), None, next);
        }
        let form = if self.counts_facts(numeral, number, next) { ClaimForm::Facts } else { ClaimForm::Plain };
        read(form, None, next)
    }

    /// Reads a ratio, `5-fold`, `5x the usual`, `4.6 times supply`, `4:1` or `six to one`. Returns its value and the
    /// index of the token after it.
    fn ratio(&self, numeral: Numeral, number: usize, next: usize) -> Option<(f64, usize)> {
        let compares = |at: usize| {
            self.tokens.spaced_word(at).is_some_and(|token| {
                token.is_in(&AFTER_RATIOS) || self.vocabulary.names().starts_at(self.tokens, at)
            })
        };
        let is_fraction = numeral.value.fract() != 0.0;
        if self.glued(next, "x") || self.glued(next, "×") {
            return (is_fraction || compares(next + 1)).then_some((numeral.value, next + 1));
        }
        if self.tokens.glued(next).is_some_and(Token::is_hyphen) && self.glued(next + 1, "fold") {
            return Some((numeral.value, next + 2));
        }
        // A fraction is not a count: `4.6 times` is a ratio.
        if self.spaced(next, "times") {
            return (is_fraction || compares(next + 1)).then_some((numeral.value, next + 1));
        }
        let one_to = |whole: f64, next| (whole > 0.0).then(|| (numeral.value / whole, next));
        if self.glued(next, ":")
            && let TokenKind::Digits(whole) = self.tokens.glued(next + 1)?.kind
        {
            return one_to(whole.value, next + 2);
        }
        let from = self.tokens.back(number, 1).is_some_and(|word| word.is("from"));
        (self.spaced(next, "to") && self.spaced(next + 1, "one") && !from).then_some((numeral.value, next))
    }

    fn glued(&self, at: usize, text: &str) -> bool {
        self.tokens.glued(at).is_some_and(|token| token.is(text))
    }

    fn spaced(&self, at: usize, text: &str) -> bool {
        self.tokens.spaced_word(at).is_some_and(|token| token.is(text))
    }

    /// Reads the whole of a part, `/100`, `of 100` or `out of a possible 100`, and the index of the token after it.
    fn out_of(&self, next: usize) -> Option<(f64, usize)> {
        let number = |at: usize| match numeral::at(self.tokens, at)? {
            (NumeralReading::Numeral(numeral), next) => Some((numeral.value, next)),
            (NumeralReading::NonClaim, _) => None,
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
            self.tokens.spaced_word(at).filter(|word| word.is_in(&AFTER_OUT_OF))?;
        }
        None
    }

    /// Whether the text calls the number an end of a scale: `the maximum of 100 points`, `a 100-point scale`.
    fn is_end(&self, first: usize, next: usize) -> bool {
        let is_end = |token: Option<&Token<'_>>| token.is_some_and(|word| word.is_in(&END_WORDS));
        let is = |back: usize, text: &str| self.tokens.back(first, back).is_some_and(|word| word.is(text));
        // `65 (out of 100)`, and `35 points from 100`, but not `fell from 100 to 65`.
        let from = is(1, "from")
            && !self.tokens.back(first, 2).is_some_and(|word| word.is_in(&CHANGES))
            && !self.spaced(next, "to");
        if is(1, "of") && is(2, "out") || from {
            return true;
        }
        is_end(self.tokens.get(next))
            || (1..=BEFORE_END_MAX).any(|back| is_end(self.tokens.back(first, back)))
    }

    /// Whether the number may be a window without its unit: `4 sessions in 7`, `over the last 14`.
    fn is_after_in(&self, first: usize) -> bool {
        let is = |text: &str| self.tokens.back(first, 1).is_some_and(|word| word.is(text));
        is("in") || is("last") || is("past")
    }

    fn is_hedged(&self, first: usize, next: usize) -> bool {
        let back = |count: usize, list: &WordList| {
            self.tokens.back(first, count).is_some_and(|word| word.is_in(list))
        };
        let or_so = self.tokens.get(next).is_some_and(|word| word.is("or"))
            && self.tokens.get(next + 1).is_some_and(|word| word.is("so"));
        back(1, &HEDGES) || back(1, &HEDGED_LIMITS) && back(2, &HEDGING_BY) || or_so
    }

    /// Assigns the unit of the second end of a range to the first, and the unit of the second of two durations. A range
    /// between the ends of a scale is the scale itself.
    fn join_ranges(&self, claims: &mut [NumberClaim]) {
        for at in 1..claims.len() {
            let Some([from, to]) = claims.get_mut(at - 1..=at) else { continue };
            let link = self.tokens.get(from.tokens.end).filter(|_| from.tokens.end + 1 == to.tokens.start);
            let between = self.tokens.back(from.tokens.start, 1).is_some_and(|word| word.is("between"));
            let joins = |token: &Token<'_>| {
                token.is_hyphen()
                    || matches!(token.text, "–" | "—" | "to" | "or")
                    || token.is("and")
                        && (between || to.unit.as_ref().is_some_and(|unit| unit.days().is_some()))
            };
            let is_part = link.is_some_and(|token| token.is("of")) && from.unit.is_none();
            from.counts_things |= is_part && to.counts_things;
            if !link.is_some_and(joins) {
                continue;
            }
            if from.form == ClaimForm::Plain && from.unit.is_none() {
                from.unit.clone_from(&to.unit);
                from.counts_things = to.counts_things;
            }
            if from.numeral.value == 0.0 && self.vocabulary.is_end(to.numeral.value) {
                (from.is_end, to.is_end) = (true, true);
            }
        }
    }
}

fn currency(mark: &Token<'_>) -> Option<ClaimUnit> {
    let (_, unit) = CURRENCIES.iter().find(|(sign, _)| mark.text == *sign)?;
    Some(ClaimUnit::new(unit))
}
