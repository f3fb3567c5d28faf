//! The English words that grounding knows, in one place.
//!
//! Takes: nothing.
//! Gives: lists of words, to look one up in.
//! Never: a word of one alert type; those come from its labels and units.

use std::sync::OnceLock;

/// Words and signs, with white space between them.
pub(super) struct Words {
    text: &'static str,
    /// The text taken apart, at its first use: words are looked up for every word of a text.
    list: OnceLock<Vec<&'static str>>,
}

impl Words {
    const fn new(text: &'static str) -> Self {
        Self { text, list: OnceLock::new() }
    }

    /// Whether the word is one of them, in whatever case.
    pub(super) fn has(&self, word: &str) -> bool {
        self.position(word).is_some()
    }

    /// At which place the word stands, from 0.
    pub(super) fn position(&self, word: &str) -> Option<u8> {
        let position = self.list().iter().position(|each| each.eq_ignore_ascii_case(word))?;
        u8::try_from(position).ok()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.list().iter().copied()
    }

    fn list(&self) -> &[&'static str] {
        self.list.get_or_init(|| self.text.split_ascii_whitespace().collect())
    }
}

/// Zero to nineteen, each at its own place.
pub(super) static SMALL: Words = Words::new(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
     sixteen seventeen eighteen nineteen",
);
/// Twenty to ninety, in tens.
pub(super) static TENS: Words = Words::new("twenty thirty forty fifty sixty seventy eighty ninety");
/// What a number before it is multiplied by.
pub(super) const MAGNITUDES: &[(&str, f64)] =
    &[("dozen", 12.0), ("hundred", 100.0), ("thousand", 1e3), ("million", 1e6), ("billion", 1e9)];
/// `twenty-first` is an ordinal and claims nothing.
pub(super) static ORDINALS: Words = Words::new("first second third fourth fifth sixth seventh eighth ninth");
/// What makes digits an ordinal.
pub(super) static ORDINAL_ENDINGS: Words = Words::new("st nd rd th");
/// `two thirds` is a fraction, which claims nothing, like `half`.
pub(super) static FRACTIONS: Words =
    Words::new("half halves third thirds quarter quarters fourths fifth fifths sixths eighths tenth tenths");
/// Idioms, in which numerals count nothing.
pub(super) static SAYINGS: Words = Words::new(
    "24/7 50/50 50-50 fifty-fifty 1:1 1-on-1 1-to-1 9-to-5 nine-to-five two-way two-sided 360-degree",
);

/// Months, as they stand in dates, with a capital.
pub(super) static MONTHS: Words = Words::new(
    "January February March April May June July August September October November December Jan Feb Mar \
     Apr Jun Jul Aug Sep Sept Oct Nov Dec",
);
/// After a number, they make it a time of day; so do `a.m.` and `p.m.`.
pub(super) static AFTER_HOURS: Words = Words::new("am pm o'clock o’clock");
/// Before a number of four digits, they make it an amount.
pub(super) static BEFORE_AMOUNTS: Words = Words::new("to of by at than over under above below nearly about");
/// Before a number of four digits, they make it a year.
pub(super) static BEFORE_YEARS: Words = Words::new(
    "in since until till by during before after early late mid year spring summer autumn fall winter",
);

/// Units that need no fact to be known, in their canonical form.
pub(super) const GENERAL_UNITS: &[&str] = &[
    "second", "minute", "hour", DAY, WEEK, "month", "year", "dollar", "euro", "pound", "cent", PERCENT, POINT,
];
/// The unit of shares.
pub(super) const PERCENT: &str = "percent";
/// See [`WEEK`].
pub(super) const DAY: &str = "day";
/// The one unit that is converted, to days and back.
pub(super) const WEEK: &str = "week";
/// The unit of risk scores, and of most others.
pub(super) const POINT: &str = "point";
/// Short forms of units.
pub(super) const SHORT_UNITS: &[(&str, &str)] = &[
    ("wk", WEEK),
    ("hr", "hour"),
    ("min", "minute"),
    ("sec", "second"),
    ("mo", "month"),
    ("yr", "year"),
    ("pt", POINT),
    ("%", PERCENT),
    ("pct", PERCENT),
    ("pp", PERCENT),
    ("usd", "dollar"),
    ("eur", "euro"),
    ("gbp", "pound"),
];
/// Units of one letter, which count only where they are glued to their number.
pub(super) const LETTER_UNITS: &[(&str, &str)] = &[("d", DAY), ("w", WEEK), ("h", "hour")];
/// Units of two words that mean percent.
pub(super) const PERCENT_PAIRS: &[(&str, &str)] =
    &[("per", "cent"), ("percentage", "point"), ("percentage", "points")];
/// Signs of money, each with its unit.
pub(super) const CURRENCIES: &[(&str, &str)] = &[("$", "dollar"), ("€", "euro"), ("£", "pound")];

/// Words that end a noun phrase or cannot stand within one. None of them stands between a number and its unit.
pub(super) static FUNCTION_WORDS: Words = Words::new(
    "a about above across after against all alongside although amid among an and any are around as at be \
     because been before below besides between both but by can could despite did do does down each even \
     ever every for from had has have he her here his how i if in into is it its just last like may might \
     must near never next no nor not now of off on one only or our out over past per plus she should \
     since so some still such than that the their then there these they this those though through to too \
     under unless until up upon versus very via vs was we were what when where which while who whose will \
     with within without would yet you your",
);
/// Like the words of a label, they may stand between a number and its unit.
pub(super) static MODIFIERS: Words = Words::new(
    "additional calendar consecutive different extra fewer full further less more new other recent \
     separate total working",
);
/// With a capital, at the start of a sentence or in a title, they are no part of a name.
pub(super) static NOT_NAMES: Words = Words::new(
    "almost approximately approx another exactly having nearly roughly score scores risk total overall \
     just last given seeing merely barely currently",
);

/// Before a number, they admit that it is a round one.
pub(super) static HEDGES: Words =
    Words::new("about around roughly approximately approx nearly almost circa some ~ ≈");
/// With one of [`HEDGING_BY`] before it, each is a hedge. Alone it compares with a limit, which the prompt must have
/// shown.
pub(super) static HEDGED_LIMITS: Words = Words::new("under over above below to");
/// See [`HEDGED_LIMITS`].
pub(super) static HEDGING_BY: Words = Words::new("just slightly marginally barely close");

/// After `times` or `x`, they make a number a ratio, which is never the number of something.
pub(super) static AFTER_RATIOS: Words = Words::new(
    "as the its their more less higher lower greater larger fewer what that than normal usual average \
     baseline increase rise jump growth decrease drop surge spike",
);
/// After a number, they make it a distance from something, not the value of its subject.
pub(super) static AFTER_DISTANCES: Words = Words::new(
    "above ahead apart away behind below better beyond down fewer from greater higher larger less lower \
     more off over short shy smaller than times under up worse",
);
/// Around a number, they say that it is an end of a scale.
pub(super) static END_WORDS: Words =
    Words::new("best full highest lowest max maximum min minimum perfect possible scale top worst");
/// Between `55% of` and a noun that makes it a rate.
pub(super) static BEFORE_THINGS: Words = Words::new("all such these those similar comparable");
/// Between `out of` and the end of a scale.
pub(super) static OUT_OF_WHAT: Words = Words::new("a the its possible maximum max total full perfect");
/// Between a subject and its value, or a limit of that.
pub(super) static LINKS: Words = Words::new(
    "of at is was are were stands sits remains only just still currently now well far above below over \
     under than more less about around roughly approximately nearly almost : = ( ~ ≈ > < ≥ ≤ ` * \"",
);
/// The links that lead from a counted noun to its number.
pub(super) static STRONG_LINKS: Words = Words::new("is was are were : = (");
/// The links that lead from `risk` to its number.
pub(super) static WORD_LINKS: Words = Words::new("of at is was");
/// Before a name that leads to a number by a colon or `is`, they make it a comparison's: `twice supply: 88`.
pub(super) static BEFORE_COMPARED: Words =
    Words::new("above against below double half minus of over than twice under versus vs");
/// The links after which a name with one of [`BEFORE_COMPARED`] before it is a comparison's.
pub(super) static COMPARING_LINKS: Words = Words::new("is was are were : =");
/// Some way before a name, they make the number a distance: `the gap between demand and supply is 46.5`.
pub(super) static GAP_WORDS: Words =
    Words::new("between combined difference distance gap margin ratio spread sum together");
/// Between two numbers, each of which may belong to either of two names.
pub(super) static SIDE_BY_SIDE: Words = Words::new("vs versus to against / - –");
/// Nouns for the facts themselves. An explanation may count the facts that it was given.
pub(super) static FACT_NOUNS: Words = Words::new(
    "facts factors signals signs indicators metrics scores measures figures values reasons drivers \
     concerns inputs things flags elements aspects numbers",
);
/// Before a number word that stands alone, they make it stand for the facts.
pub(super) static BEFORE_THE_FACTS: Words = Words::new("the these those all");
/// The words of a label that people leave out when they name its fact: `demand` for the demand score.
pub(super) static DISPENSABLE: Words = Words::new("score index rating level");
/// Before the number of an inline list, where a number in parentheses would be the value of a noun.
pub(super) static BEFORE_MARKERS: Words =
    Words::new("and or because are is that by namely for to with both since as");
/// Before a hyphen, they leave the number after it a number: `mid-60s`, `sub-50`.
pub(super) static NUMBER_PREFIXES: Words =
    Words::new("mid low high sub top over under near pre post early late upper lower");
