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
/// Fractions. `two thirds` is not a claim.
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
/// Words that make two numbers with a slash after them a date.
pub(super) static BEFORE_DATES: WordList = WordList::new("after before by from on since until");
/// Words that make a number of four digits after them a year.
pub(super) static BEFORE_YEARS: WordList = WordList::new(
    "in since until till by during before after early late mid year spring summer autumn fall winter",
);

/// Units that are known without a fact, in their canonical form.
pub(super) const GENERAL_UNITS: &[&str] = &[
    "second",
    "minute",
    "hour",
    DAY,
    WEEK,
    "fortnight",
    MONTH,
    "year",
    "dollar",
    "euro",
    "pound",
    "cent",
    PERCENT,
    POINT,
];
/// The unit of shares.
pub(super) const PERCENT: &str = "percent";
/// The unit of days.
pub(super) const DAY: &str = "day";
/// The unit of weeks.
pub(super) const WEEK: &str = "week";
/// The unit of months.
pub(super) const MONTH: &str = "month";
/// The units of time, each with its length in days. A month has 28 to 31 days.
pub(super) const DAYS: &[(&str, f64)] = &[
    ("second", 1.0 / 86_400.0),
    ("minute", 1.0 / 1440.0),
    ("hour", 1.0 / 24.0),
    (DAY, 1.0),
    (WEEK, 7.0),
    ("fortnight", 14.0),
    (MONTH, 30.0),
    ("year", 365.0),
];
/// The unit of risk scores, and of most other scores.
pub(super) const POINT: &str = "point";
/// Short forms of units.
pub(super) const SHORT_UNITS: &[(&str, &str)] = &[
    ("wk", WEEK),
    ("hr", "hour"),
    ("min", "minute"),
    ("sec", "second"),
    ("mo", MONTH),
    ("yr", "year"),
    ("pt", POINT),
    ("%", PERCENT),
    ("pct", PERCENT),
    ("pp", PERCENT),
    ("usd", "dollar"),
    ("eur", "euro"),
    ("gbp", "pound"),
];
/// Other words for the units of facts, both in the singular. A word counts only for an alert type with that unit.
pub(super) const UNIT_SYNONYMS: &[(&str, &str)] = &[
    ("lesson", "session"),
    ("class", "session"),
    ("complaint", "ticket"),
    ("req", "request"),
    ("err", "error"),
    ("msg", "message"),
    ("millisecond", "ms"),
    ("incident", "alert"),
];
/// Verbs that say what the fact with a unit counts: `contacted support 5 times`. Like [`UNIT_SYNONYMS`], they count only
/// for an alert type with that unit, and only if one fact has it.
pub(super) const UNIT_VERBS: &[(&str, &str)] = &[
    ("contacted", "call"),
    ("contacting", "call"),
    ("dialed", "call"),
    ("dialled", "call"),
    ("phoned", "call"),
    ("phoning", "call"),
    ("got in touch", "call"),
    ("rang", "call"),
    ("reached out", "call"),
    ("reaching out", "call"),
    ("telephoned", "call"),
    ("attended", "session"),
    ("attending", "session"),
    ("fired", "event"),
    ("logged", "event"),
    ("observed", "event"),
    ("occurred", "event"),
    ("recorded", "event"),
    ("seen", "event"),
    ("triggered", "event"),
];
/// Units of facts whose values are parts of a whole, so that 0.2 is 20 percent.
pub(super) static RATIO_UNITS: WordList = WordList::new("fraction proportion ratio share");
/// Units of time before the parenthesis that ends a remark: `calls (14d) 5`.
pub(super) static WINDOW_UNITS: WordList = WordList::new("d day days w wk week weeks");
/// Words of other languages for units of time. A unit of a script without spaces is the start of a longer run.
pub(super) const FOREIGN_DURATIONS: &[(&str, &str)] = &[
    ("día", DAY),
    ("días", DAY),
    ("dia", DAY),
    ("dias", DAY),
    ("tag", DAY),
    ("tage", DAY),
    ("tagen", DAY),
    ("jour", DAY),
    ("jours", DAY),
    ("giorno", DAY),
    ("giorni", DAY),
    ("dag", DAY),
    ("dagen", DAY),
    ("dagar", DAY),
    ("dage", DAY),
    ("dager", DAY),
    ("dzień", DAY),
    ("dni", DAY),
    ("päivää", DAY),
    ("gün", DAY),
    ("hari", DAY),
    ("ngày", DAY),
    ("день", DAY),
    ("дня", DAY),
    ("дней", DAY),
    ("днів", DAY),
    ("يوم", DAY),
    ("يوما", DAY),
    ("يومًا", DAY),
    ("أيام", DAY),
    ("दिन", DAY),
    ("दिनों", DAY),
    ("วัน", DAY),
    ("日間", DAY),
    ("日", DAY),
    ("天", DAY),
    ("일", DAY),
    ("semana", WEEK),
    ("semanas", WEEK),
    ("woche", WEEK),
    ("wochen", WEEK),
    ("semaine", WEEK),
    ("semaines", WEEK),
    ("settimana", WEEK),
    ("settimane", WEEK),
    ("weken", WEEK),
    ("veckor", WEEK),
    ("uger", WEEK),
    ("uker", WEEK),
    ("tydzień", WEEK),
    ("tygodnie", WEEK),
    ("tygodni", WEEK),
    ("viikkoa", WEEK),
    ("hafta", WEEK),
    ("minggu", WEEK),
    ("tuần", WEEK),
    ("неделя", WEEK),
    ("недели", WEEK),
    ("недель", WEEK),
    ("أسابيع", WEEK),
    ("أسبوع", WEEK),
    ("सप्ताह", WEEK),
    ("週間", WEEK),
    ("周", WEEK),
    ("週", WEEK),
    ("个星期", WEEK),
    ("주", WEEK),
    ("mes", MONTH),
    ("meses", MONTH),
    ("monat", MONTH),
    ("monate", MONTH),
    ("monaten", MONTH),
    ("mois", MONTH),
    ("mese", MONTH),
    ("mesi", MONTH),
    ("mês", MONTH),
    ("maand", MONTH),
    ("maanden", MONTH),
    ("månader", MONTH),
    ("miesiąc", MONTH),
    ("miesiące", MONTH),
    ("miesięcy", MONTH),
    ("месяц", MONTH),
    ("месяца", MONTH),
    ("месяцев", MONTH),
    ("か月", MONTH),
    ("ヶ月", MONTH),
    ("个月", MONTH),
    ("個月", MONTH),
    ("개월", MONTH),
    ("महीने", MONTH),
    ("شهر", MONTH),
    ("أشهر", MONTH),
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
pub(super) static HEDGES: WordList = WordList::new(
    "about around roughly approximately approx nearly almost nearing approaching circa some ~ ≈",
);
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
pub(super) static END_WORDS: WordList = WordList::new(
    "best bottom ceiling floor full highest lowest max maximum min minimum perfect possible record scale top worst",
);
/// Words between `55% of` and the noun that makes it a rate.
pub(super) static BEFORE_THINGS: WordList = WordList::new("all such these those similar comparable");
/// Words between `out of` and the end of a scale.
pub(super) static AFTER_OUT_OF: WordList = WordList::new("a the its possible maximum max total full perfect");
/// Words and signs between a subject and its value, or a limit of the value.
pub(super) static LINKS: WordList = WordList::new(
    "of at is was are were stands stand sits remains only just still currently now well far above below over \
     under than more less about around roughly approximately nearly almost reached reaches hit hits : = ( ~ ≈ > \
     < ≥ ≤ ` * \"",
);
/// The links that lead from a counted noun to its number.
pub(super) static STRONG_LINKS: WordList = WordList::new("is was are were : = (");
/// The links that lead from `risk` to its number.
pub(super) static WORD_LINKS: WordList = WordList::new("of at is was : = (");
/// Words before a name that make the number after it part of a comparison: `twice supply: 88`.
pub(super) static BEFORE_COMPARED: WordList =
    WordList::new("above against below double half minus of over than twice under versus vs");
/// The links for which [`BEFORE_COMPARED`] makes a comparison.
pub(super) static COMPARING_LINKS: WordList = WordList::new("is was are were : =");
/// Words some tokens before a name that make the number a distance: `the gap between demand and supply is 46.5`.
pub(super) static GAP_WORDS: WordList =
    WordList::new("between combined difference distance gap margin ratio spread sum together");
/// Words and signs between two numbers, each of which may belong to either of two names.
pub(super) static SIDE_BY_SIDE: WordList = WordList::new("vs versus to against / - – < >");
/// Nouns for the facts themselves. An explanation may count the facts in its prompt.
pub(super) static FACT_NOUNS: WordList = WordList::new(
    "facts factors signals signs indicators metrics scores measures figures values reasons drivers \
     concerns inputs things flags elements aspects numbers criteria dimensions parameters variables",
);
/// Words between `two of` and a noun for the facts that end other noun phrases.
pub(super) static OWNERS: WordList =
    WordList::new("all her his its our that the their these this those your");
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

/// Ratios in one word, each with its value.
pub(super) const RATIO_WORDS: &[(&str, f64)] = &[
    ("twice", 2.0),
    ("double", 2.0),
    ("doubled", 2.0),
    ("thrice", 3.0),
    ("triple", 3.0),
    ("tripled", 3.0),
    ("quadruple", 4.0),
    ("quadrupled", 4.0),
    ("half", 0.5),
    ("halved", 0.5),
];
/// Words for a number of times that are not a ratio if nothing is compared: `called twice`.
pub(super) const TIMES_WORDS: &[(&str, f64)] = &[("twice", 2.0), ("thrice", 3.0)];
/// Nouns after a number of times.
pub(super) static TIMES: WordList = WordList::new("occasions times");
/// Words before `twice` that make it an idiom: `think twice`.
pub(super) static BEFORE_IDIOMS: WordList = WordList::new("think thinking thought check checked once");
/// Verbs after `none` whose subject it is: `none were held`.
pub(super) static NONE_VERBS: WordList = WordList::new("came happened occurred took was were");
/// Words for a value whose fact is not named: `a reading of 97.3`.
pub(super) static GENERIC_VALUES: WordList = WordList::new("figure measurement metric reading value");
/// Words before a period that is over: `in the last month`.
pub(super) static BEFORE_PERIODS: WordList = WordList::new("across during for in of over throughout within");
/// Words after a ratio that make it one of two windows: `in twice the time`.
pub(super) static TIME_NOUNS: WordList = WordList::new("long period span time window");
/// Words before `half` that make it a part of a place or a time: `in the upper half`.
pub(super) static BEFORE_HALVES: WordList =
    WordList::new("upper lower first second other top bottom better worse latter better-off one");
/// Words after `twice` or `double` that do not make it a ratio: `twice a week`, `double lesson`.
pub(super) static RATIO_OBJECTS: WordList = WordList::new(
    "as the its their his her what that of those usual normal average typical expected last previous",
);
/// Words that can be before a unit after `no`, but then say nothing about the whole number: `no further calls`.
pub(super) static NOT_ALL: WordList =
    WordList::new("additional additionally extra fewer further less longer more new other such");
/// Words after a number of nothing or one that make it a supposition: `no calls would be normal`.
pub(super) static SUPPOSITIONS: WordList = WordList::new("would could should might may can more");

/// Words for what is usual or wanted. The prompt has no such number.
pub(super) static NORMS: WordList = WordList::new(
    "alarm average averages baseline benchmark cutoff expected goal limit limits mean median norm normal \
     normally norms peer peers recommended standard target targets threshold thresholds typical typically \
     usual usually",
);
/// Words of [`NORMS`] that can be right after their number: `the 85 threshold`.
pub(super) static NORM_NOUNS: WordList =
    WordList::new("alarm average baseline benchmark cutoff limit median norm target threshold");
/// Words for what is good, which name a wanted number only right before it: `a healthy 85`, `a healthy level of 85`.
pub(super) static GOOD_LEVELS: WordList = WordList::new("acceptable comfortable healthy ideal optimal safe");
/// Words between a word of [`GOOD_LEVELS`] and its number.
pub(super) static LEVEL_NOUNS: WordList =
    WordList::new("at band cutoff is level limit line mark of range starts threshold value");
/// Words for an earlier time.
pub(super) static EARLIER: WordList =
    WordList::new("earlier former formerly originally previous previously prior yesterday");
/// Periods after `last`, `past` or `this`, each with its length in days.
pub(super) const PERIODS: &[(&str, f64)] = &[
    ("hour", 1.0 / 24.0),
    (DAY, 1.0),
    (WEEK, 7.0),
    ("fortnight", 14.0),
    (MONTH, 30.0),
    ("quarter", 91.0),
    ("year", 365.0),
    ("term", 0.0),
    ("semester", 0.0),
    ("time", 0.0),
    ("review", 0.0),
    ("period", 0.0),
];
/// Verbs and nouns of a change. The number after them is a change or an earlier value, which the prompt does not have.
pub(super) static CHANGES: WordList = WordList::new(
    "climb climbed decline declined decrease decreased dip dipped down drop dropped dropping fall fallen \
     falling fell gain gained grew grow growing grown growth increase increased jump jumped lost reduced \
     reduction rise risen rising rose sank sunk shrank slipped surge surged up",
);
/// Words after `fall` that make it a place, and not a change: `falling in the middle range`, `fall a bit short`.
pub(super) static PLACES: WordList = WordList::new("at between in inside into on outside short under within");
/// Words for a group of entities. What is said of a group is not said of the alert.
pub(super) static GROUPS: WordList = WordList::new(
    "accounts cases clients customers families households learners most others parents peers people \
     pupils students subjects users",
);
/// Names of the risk score.
pub(super) static CHANCE_NAMES: WordList = WordList::new("risk likelihood probability chance odds");
/// Words for the chance that the score measures.
pub(super) static CHANCES: WordList =
    WordList::new("chance chances churn likelihood likely odds probability risk");
/// Words for leaving, and for what a question asks in general. A duration beside them is the horizon.
pub(super) static LEAVING: WordList = WordList::new(
    "cancel cancels churn churns depart departs disengage drop leave leaves leaving likely lose losing lost \
     quit quits risk stop stops stopping wait waits will",
);
/// Words before a duration that lies ahead.
pub(super) static AHEAD: WordList = WordList::new("ahead coming following horizon next upcoming");
/// Words before a duration that is over.
pub(super) static PAST: WordList = WordList::new("last past preceding previous prior recent since");
/// Words that make a duration neither a window nor a horizon: `every 3 days`, `3 days ago`.
pub(super) static NEVER_WINDOWS: WordList = WordList::new("each");
/// Words before the unit of time of a rate: `5 calls a day`.
pub(super) static BEFORE_RATES: WordList = WordList::new("a an each every per");
/// Words that name a distance after a number.
pub(super) static DISTANCE_WORDS: WordList = WordList::new(
    "above ahead apart away behind below better beyond fewer greater higher less lower more short shy worse",
);
/// Words that name a distance after a number of points only.
pub(super) static POINT_DISTANCES: WordList = WordList::new("from off over under");
/// Words after a distance that say between what it is: `53 points lie between them`.
pub(super) static BETWEEN: WordList = WordList::new("between separate separated separates separating");
/// Nouns for a distance.
pub(super) static GAPS: WordList = WordList::new(
    "deficit difference differ distance gap headroom lead margin shortfall slack spread surplus uncovered unmet within",
);
/// Words after which a number is less than the value.
pub(super) static ABOVE: WordList = WordList::new("above beyond exceed exceeding exceeds over >");
/// Words after which a number is more than the value.
pub(super) static BELOW: WordList = WordList::new("below under <");
/// Words before `of` and a number that is less than the value: `in excess of 60`.
pub(super) static ABOVE_OF: WordList = WordList::new("excess north upwards");
/// Words before `of` and a number that is more than the value: `just shy of 60`.
pub(super) static BELOW_OF: WordList = WordList::new("short shy south");
/// Words for what is wanted, after a number: `the 30 that is needed`.
pub(super) static NEEDS: WordList = WordList::new("desired expected necessary needed required");
/// The first words of `more than`.
pub(super) static MORE: WordList = WordList::new("better greater higher larger more");
/// The first words of `less than`.
pub(super) static LESS: WordList = WordList::new("fewer less lower smaller worse");
/// Words before a unit that make its things others than those that a fact counts, unless they are words of the type.
pub(super) static CONTRARY: WordList = WordList::new(
    "booked canceled cancelled declined failed missed outbound planned postponed remaining scheduled skipped \
     unanswered unused upcoming",
);
/// Verbs in the form that looks like a plural noun: `65 suggests`.
pub(super) static VERBS: WordList = WordList::new(
    "adds alarms appears bears belongs compares counts covers demands deserves drops exceeds follows lags leads meets reaches requires separates \
     sounds argues calls confirms contributes drives earns ends equals falls feels fits gives goes helps hints hovers \
     illustrates implies invites justifies merits motivates \
     indicates is keeps leaves lies looks lowers makes matters means mirrors needs places pleads points puts \
     raises reads reflects remains represents reveals says seems shows signals sits speaks stands suggests \
     stays supports tells tempers times translates triggers turns underlines underscores warrants was weighs worries",
);
/// Nouns for things that are counted, after which a reference to another fact is wrong: `{health_score} sessions`.
pub(super) static THINGS: WordList = WordList::new(
    "absences alerts appointments bookings cancellations chats classes clients complaints contacts conversations \
     customers emails errors events families guests hours incidents interactions invoices items lessons logins mails \
     meetings messages minutes orders parents payments people purchases refunds requests reviews sales sessions \
     students subjects tickets tutors users visits",
);
/// Verbs whose subject is a noun in the plural.
pub(super) static PLURAL_VERBS: WordList = WordList::new("are had have were");
/// Words for what is missing of a whole: `67% is gone`.
pub(super) static GONE: WordList = WordList::new("gone lost missing");
/// Words that end a part of a sentence.
pub(super) static CONJUNCTIONS: WordList =
    WordList::new("although and because but despite however so though versus vs whereas while with yet");

/// Common words of English texts.
pub(super) static ENGLISH: WordList = WordList::new(
    "a about above after all alone already also an and any are as at be because been before below both but by \
     call calls can close could days demand do does down each even family few for from has have health high \
     higher if in into is it its just last likely low lower made makes more most much nearly no not nothing of \
     on one only or out over per risk score session sessions so still student students suggest suggests \
     supply than that the their them there these they this times to too two under up very was week weeks well \
     were what when which while who will with within without would",
);
/// Common words of other languages that are not English words.
pub(super) static OTHER_LANGUAGES: WordList = WordList::new(
    "aan auf aus avec bei beim ce cette con dans das dei dem den der des di durch e é ein eine einem \
     einen einer el en és es est et für fue gibt haben hat het hubo il ist jest kein keine la las le les letzten los más mit na nach \
     nel nicht nie nur och og oraz para pas però por pour qui que se sehr seit sich sind sobre som sono sont \
     su sur tra um un una und une uno van ve veces von wir wurde wurden y zu zum zur är",
);

/// Words for a change over time.
pub(super) static TRENDS: WordList = WordList::new(
    "accelerating climbed climbing declined declines declining decreased decreasing deteriorated \
     deteriorating diminished diminishing dipped dipping doubled downward dropped dropping dwindled dwindling eroded \
     eroding escalated escalating faded fading fallen falling fell grew growing grown halved improved improving \
     increased increasing intensified intensifying plummeted plummeting plunged rebounded rising risen rose shrank \
     shrinking sank sinking slid sliding slipped slipping slowing slumped soared soaring spiked spiking steadily surged surging tapering \
     trending tripled tumbled upward waned waning weakened weakening worsened worsening",
);
/// Nouns for a change over time, whatever follows them.
pub(super) static TREND_NOUNS: WordList =
    WordList::new("deterioration downtrend downturn uptick upturn uptrend slump");
/// Nouns for a change over time if they say of what, or how: `a drop in sessions`, `a drop-off`. Some are also verbs.
pub(super) static CHANGE_NOUNS: WordList =
    WordList::new("climb decline decrease dip drop fall growth increase jump reduction rise spike surge");
/// Verbs of moving, which name a change before `up` or `down`: `calls have gone up`.
pub(super) static MOVES: WordList =
    WordList::new("came come coming crept creeping edged edging going gone inched moved moving went");
/// The directions of [`MOVES`].
pub(super) static WAYS: WordList = WordList::new("down downhill up uphill");
/// Nouns for a share of things: `a 68% attendance rate`.
pub(super) static RATE_NOUNS: WordList = WordList::new("rate ratio share");
/// Verbs that begin a change or keep it going: `continues to worsen`, `keeps getting worse`.
pub(super) static CHANGE_STARTS: WordList =
    WordList::new("began begins begun continued continues continuing started starting starts");
/// Verbs of a change, after one of [`CHANGE_STARTS`] and `to`.
pub(super) static CHANGE_VERBS: WordList = WordList::new(
    "climb decline decrease deteriorate diminish drop dwindle erode escalate fade fall grow improve increase \
     intensify rise shrink slide slip slow surge wane weaken worsen",
);
/// Forms of `become`, which make a comparative after them a change: `has become less active`.
pub(super) static BECOMING: WordList =
    WordList::new("became becoming become becomes getting got gotten grew growing grown turned");
/// Comparatives that name a change after a word of [`BECOMING`].
pub(super) static COMPARATIVES: WordList =
    WordList::new("better fewer less lower more quieter rarer scarcer stronger weaker worse");
/// Words for an earlier time after `than`: `fewer than before`.
pub(super) static BEFORE_NOW: WordList = WordList::new("before earlier previously");
/// Words that make what follows a supposition.
pub(super) static MODALS: WordList =
    WordList::new("can could if may might perhaps possible possibly should to whether will would");
/// Words of [`MODALS`] that make a cause some words after them a supposition: `they may ask for a refund`.
pub(super) static SUPPOSING: WordList =
    WordList::new("can could if may might perhaps possible possibly unless whether would");
/// Words that begin a reason. What is denied before them is not the reason: `not there because of an illness`.
pub(super) static CAUSAL: WordList = WordList::new("after because due from owing since through");
/// Words that make a clause a condition.
pub(super) static CONDITIONS: WordList = WordList::new("if unless until whether");
/// Words that deny what follows.
pub(super) static NEGATIONS: WordList = WordList::new("cannot isn't isn’t never no not without");
/// Words for a value near the lower end of its range.
pub(super) static LOW_WORDS: WordList =
    WordList::new("dismal few insufficient low meagre minimal negligible poor scarce thin tiny weak");
/// Words for a value near the upper end of its range.
pub(super) static HIGH_WORDS: WordList =
    WordList::new("abundant ample excellent good great healthy high huge plentiful robust strong");
/// Words for a small count.
pub(super) static FEW_WORDS: WordList =
    WordList::new("few infrequent low minimal negligible rare scarce small tiny");
/// Words for a large count.
pub(super) static MANY_WORDS: WordList = WordList::new(
    "abundant countless excessive frequent high huge large lot lots many numerous plentiful plenty",
);
/// Words before `of` and a name that make it a count: `a high number of calls`.
pub(super) static QUANTITY_NOUNS: WordList = WordList::new("amount count frequency level number rate volume");
/// Words before `a few` that make it few.
pub(super) static ONLY_WORDS: WordList = WordList::new("just merely only very");
/// Words that grade a word after them.
pub(super) static DEGREES: WordList = WordList::new(
    "alarmingly already also comparatively critically dangerously especially exceedingly exceptionally extremely \
     fairly incredibly notably particularly pretty quite rather really relatively remarkably seriously severely so \
     somewhat too unusually very worryingly",
);
/// Words between a name and a word that says how large its value is.
pub(super) static DIRECTION_LINKS: WordList = WordList::new(
    "about appear appears are around as at be been being clearly considered count current currently \
     deemed far frequency has have hence is judged just level levels look looks nearly now of only rated \
     read reads remain remains roughly score scores seem seems sit sits stand stands stay stays still \
     such that therefore thus volume was were which ~ ≈ ` * \"",
);
/// Nouns after a word for the size of a value: `92, a very low value`.
pub(super) static VALUE_NOUNS: WordList =
    WordList::new("figure level mark number rating reading result score value");
/// Units that can be between a number and a word for its size.
pub(super) static VALUE_UNITS: WordList = WordList::new("% percent point points pts");
/// Words that make a word for an end of a range, soon after them, what a value is compared with.
pub(super) static BEFORE_COMPARED_ENDS: WordList =
    WordList::new("above against below beyond from over than to toward towards under versus vs");
/// Words before a status that deny it or compare with it.
pub(super) static STATUS_DENIALS: WordList = WordList::new("from instead neither nor than unlike");
/// Words that are the values of many enums, and that also have other uses: `a balanced plan`.
pub(super) static EVERYDAY_STATUSES: WordList = WordList::new(
    "active alarm available bad balanced big busy calm cancelled clear closed cold complete critical debug done down dropped early \
     empty ended error expired failed fair false fast fine free full gold good great healthy hot idle inactive info late lost \
     mild moderate negative neutral none normal off ok okay open overdue paid partial passed paused pending poor \
     positive premium quiet ready safe sample severe short silver slow stable standard steady strong trial true unknown \
     unstable urgent warm warning weak",
);
/// Words between a subject and its status.
pub(super) static STATUS_LINKS: WordList =
    WordList::new("appears are as be being is looks remain remains seems shows stays was were : =");
/// Words for what has a status.
pub(super) static STATUS_SUBJECTS: WordList =
    WordList::new("both everything it market picture situation they things this which");
/// Prepositions before a noun that has no status itself: `the plan for the subject`.
pub(super) static STATUS_OBJECTS: WordList = WordList::new("about by for in on to with");
/// Nouns after a status that only say that it is one: `in a balanced state`.
pub(super) static STATUS_NOUNS: WordList =
    WordList::new("condition market picture position situation state status");
/// Words after a status that are not what it describes: `the market is balanced overall`.
pub(super) static AFTER_STATUSES: WordList =
    WordList::new("again altogether currently enough overall today together");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_in_two_opposing_lists() {
        for (one, other) in [
            (&LOW_WORDS, &HIGH_WORDS),
            (&FEW_WORDS, &MANY_WORDS),
            (&ABOVE, &BELOW),
            (&MORE, &LESS),
            (&AHEAD, &PAST),
            (&MODALS, &NEGATIONS),
            (&ENGLISH, &OTHER_LANGUAGES),
            (&NORMS, &GOOD_LEVELS),
            (&VERBS, &CONTRARY),
        ] {
            let both: Vec<_> = one.iter().filter(|word| other.has(word)).collect();
            assert!(both.is_empty(), "{both:?}");
        }
    }

    #[test]
    fn a_word_has_one_value() {
        for table in [FOREIGN_DURATIONS, SHORT_UNITS, UNIT_SYNONYMS] {
            for (at, (word, unit)) in table.iter().enumerate() {
                let again = table.iter().skip(at + 1).find(|(other, _)| other == word);
                assert_eq!(again, None, "{word} {unit}");
            }
        }
    }
}
