//! The English words that grounding knows, as lists.
//!
//! Never: the words of one alert type. They are in its labels and units.

use std::sync::OnceLock;

/// A list of words and signs.
pub(super) struct WordList {
    text: &'static str,
    /// The words, split at first use, because every word of a text is looked up.
    list: OnceLock<Vec<&'static str>>,
}

impl WordList {
    const fn new(text: &'static str) -> Self {
        Self { text, list: OnceLock::new() }
    }

    /// Whether the list has the word, in any case.
    pub(super) fn has(&self, word: &str) -> bool {
        self.position(word).is_some()
    }

    /// The index of the word in the list, from 0.
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

/// Zero to nineteen. The index of each word is its value.
pub(super) static SMALL: WordList = WordList::new(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
     sixteen seventeen eighteen nineteen",
);
/// Twenty to ninety, in tens.
pub(super) static TENS: WordList = WordList::new("twenty thirty forty fifty sixty seventy eighty ninety");
/// Magnitudes, each with the factor by which it multiplies the number before it.
pub(super) const MAGNITUDES: &[(&str, f64)] =
    &[("dozen", 12.0), ("hundred", 100.0), ("thousand", 1e3), ("million", 1e6), ("billion", 1e9)];
/// Ordinals after tens. `twenty-first` is not a claim.
pub(super) static ORDINALS: WordList =
    WordList::new("first second third fourth fifth sixth seventh eighth ninth");
/// Endings that make digits an ordinal.
pub(super) static ORDINAL_ENDINGS: WordList = WordList::new("st nd rd th");
/// Fractions. `two thirds` is not a claim, and neither is `half`.
pub(super) static FRACTIONS: WordList = WordList::new(
    "half halves third thirds quarter quarters fourths fifth fifths sixths eighths tenth tenths",
);
/// Idioms. Their numerals are not claims.
pub(super) static IDIOMS: WordList = WordList::new(
    "24/7 50/50 50-50 fifty-fifty 1:1 1-on-1 1-to-1 9-to-5 nine-to-five two-way two-sided 360-degree",
);

/// Months. In a date, they have a capital.
pub(super) static MONTHS: WordList = WordList::new(
    "January February March April May June July August September October November December Jan Feb Mar \
     Apr Jun Jul Aug Sep Sept Oct Nov Dec",
);
/// Words that make the number before them a time of day, like `a.m.` and `p.m.`.
pub(super) static AFTER_HOURS: WordList = WordList::new("am pm o'clock o’clock");
/// Words that make a number of four digits after them an amount.
pub(super) static BEFORE_AMOUNTS: WordList =
    WordList::new("to of by at than over under above below nearly about");
/// Words that make a number of four digits after them a year.
pub(super) static BEFORE_YEARS: WordList = WordList::new(
    "in since until till by during before after early late mid year spring summer autumn fall winter",
);

/// Units that are known without a fact, in their canonical form.
pub(super) const GENERAL_UNITS: &[&str] = &[
    "second", "minute", "hour", DAY, WEEK, "month", "year", "dollar", "euro", "pound", "cent", PERCENT, POINT,
];
/// The unit of shares.
pub(super) const PERCENT: &str = "percent";
/// The unit of days.
pub(super) const DAY: &str = "day";
/// The unit of weeks. It is the only unit that is converted, to and from days.
pub(super) const WEEK: &str = "week";
/// The unit of risk scores, and of most other scores.
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
/// Units of one letter, which count only if they are attached to their number.
pub(super) const LETTER_UNITS: &[(&str, &str)] = &[("d", DAY), ("w", WEEK), ("h", "hour")];
/// Units of two words that mean percent.
pub(super) const PERCENT_PAIRS: &[(&str, &str)] =
    &[("per", "cent"), ("percentage", "point"), ("percentage", "points")];
/// Signs of money, each with its unit.
pub(super) const CURRENCIES: &[(&str, &str)] = &[("$", "dollar"), ("€", "euro"), ("£", "pound")];

/// Words that end a noun phrase or cannot be part of one. None of them can be between a number and its unit.
pub(super) static FUNCTION_WORDS: WordList = WordList::new(
    "a about above across after against all alongside although amid among an and any are around as at be \
     because been before below besides between both but by can could despite did do does down each even \
     ever every for from had has have he her here his how i if in into is it its just last like may might \
     must near never next no nor not now of off on one only or our out over past per plus she should \
     since so some still such than that the their then there these they this those though through to too \
     under unless until up upon versus very via vs was we were what when where which while who whose will \
     with within without would yet you your",
);
/// Words that can be between a number and its unit, like the words of a label.
pub(super) static MODIFIERS: WordList = WordList::new(
    "additional calendar consecutive different extra fewer full further less more new other recent \
     separate total working",
);
/// Words that are not part of a name even if they have a capital, at the start of a sentence or in a title.
pub(super) static NOT_NAMES: WordList = WordList::new(
    "almost approximately approx another exactly having nearly roughly score scores risk total overall \
     just last given seeing merely barely currently",
);

/// Hedges: words before a number that say that it is rounded.
pub(super) static HEDGES: WordList =
    WordList::new("about around roughly approximately approx nearly almost circa some ~ ≈");
/// Words that are a hedge after one of [`HEDGING_BY`]. Alone, they compare with a limit, which the prompt must contain.
pub(super) static HEDGED_LIMITS: WordList = WordList::new("under over above below to");
/// Words that make one of [`HEDGED_LIMITS`] after them a hedge.
pub(super) static HEDGING_BY: WordList = WordList::new("just slightly marginally barely close");

/// Words after `times` or `x` that make the number a ratio, and not a count.
pub(super) static AFTER_RATIOS: WordList = WordList::new(
    "as the its their more less higher lower greater larger fewer what that than normal usual average \
     baseline increase rise jump growth decrease drop surge spike",
);
/// Words that make the number before them a distance, and not the value of its subject.
pub(super) static AFTER_DISTANCES: WordList = WordList::new(
    "above ahead apart away behind below better beyond down fewer from greater higher larger less lower \
     more off over short shy smaller than times under up worse",
);
/// Words around a number that call it an end of a scale.
pub(super) static END_WORDS: WordList =
    WordList::new("best full highest lowest max maximum min minimum perfect possible scale top worst");
/// Words between `55% of` and the noun that makes it a rate.
pub(super) static BEFORE_THINGS: WordList = WordList::new("all such these those similar comparable");
/// Words between `out of` and the end of a scale.
pub(super) static AFTER_OUT_OF: WordList = WordList::new("a the its possible maximum max total full perfect");
/// Words and signs between a subject and its value, or a limit of the value.
pub(super) static LINKS: WordList = WordList::new(
    "of at is was are were stands sits remains only just still currently now well far above below over \
     under than more less about around roughly approximately nearly almost : = ( ~ ≈ > < ≥ ≤ ` * \"",
);
/// The links that lead from a counted noun to its number.
pub(super) static STRONG_LINKS: WordList = WordList::new("is was are were : = (");
/// The links that lead from `risk` to its number.
pub(super) static WORD_LINKS: WordList = WordList::new("of at is was");
/// Words before a name that make the number after it part of a comparison: `twice supply: 88`.
pub(super) static BEFORE_COMPARED: WordList =
    WordList::new("above against below double half minus of over than twice under versus vs");
/// The links for which [`BEFORE_COMPARED`] makes a comparison.
pub(super) static COMPARING_LINKS: WordList = WordList::new("is was are were : =");
/// Words some tokens before a name that make the number a distance: `the gap between demand and supply is 46.5`.
pub(super) static GAP_WORDS: WordList =
    WordList::new("between combined difference distance gap margin ratio spread sum together");
/// Words and signs between two numbers, each of which may belong to either of two names.
pub(super) static SIDE_BY_SIDE: WordList = WordList::new("vs versus to against / - –");
/// Nouns for the facts themselves. An explanation may count the facts in its prompt.
pub(super) static FACT_NOUNS: WordList = WordList::new(
    "facts factors signals signs indicators metrics scores measures figures values reasons drivers \
     concerns inputs things flags elements aspects numbers",
);
/// Words before a number word without a noun that make it a count of the facts.
pub(super) static BEFORE_THE_FACTS: WordList = WordList::new("the these those all");
/// The words of a label that people omit when they name its fact: `demand` for the demand score.
pub(super) static DISPENSABLE: WordList = WordList::new("score index rating level");
/// Words before the marker of an inline list. After another word, a number in parentheses is the value of a noun.
pub(super) static BEFORE_MARKERS: WordList =
    WordList::new("and or because are is that by namely for to with both since as");
/// Words that can be joined to a number with a hyphen: `mid-60s`, `sub-50`.
pub(super) static NUMBER_PREFIXES: WordList =
    WordList::new("mid low high sub top over under near pre post early late upper lower");
