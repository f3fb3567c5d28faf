//! The repairs that the reader makes. Each is lossless, and each is recorded.
//!
//! Never: has a repair that closes, inserts or changes a value.

use serde::{Deserialize, Serialize};

/// A repair that a reply needed. It serialises as its [`code`](Repair::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// Reasoning before the answer was dropped.
    ReasoningBlock,
    /// The answer was in a Markdown fence.
    Fence,
    /// Other text, another object or a copy of the answer was around it.
    Prose,
    /// The answer was in an array of one, an envelope, a tool call or a JSON string, or a vendor's markers were around it.
    Wrapper,
    /// A comma was before a closing bracket or brace.
    TrailingComma,
    /// A comment was between two tokens.
    Comment,
    /// A string was in single, typographic or back quotes.
    Quotes,
    /// A key had no quotes.
    BareKey,
    /// A literal was `None`, `True`, `False` or `undefined`.
    Literal,
    /// A string had a raw line break or tab.
    RawControl,
    /// A string had `\'`.
    Escape,
    /// A key had another form, as `Risk Score`.
    KeyForm,
    /// The risk score was a string, as `"72%"`.
    NumberString,
    /// `drivers` was not a list of drivers, or differed between copies of the answer, and was ignored.
    DriversIgnored,
}

impl Repair {
    /// Every repair, sorted.
    pub const ALL: [Self; 14] = [
        Self::ReasoningBlock,
        Self::Fence,
        Self::Prose,
        Self::Wrapper,
        Self::TrailingComma,
        Self::Comment,
        Self::Quotes,
        Self::BareKey,
        Self::Literal,
        Self::RawControl,
        Self::Escape,
        Self::KeyForm,
        Self::NumberString,
        Self::DriversIgnored,
    ];

    /// The stable code for logs, metrics and the insight.
    pub fn code(self) -> &'static str {
        match self {
            Self::ReasoningBlock => "reasoning-block",
            Self::Fence => "fence",
            Self::Prose => "prose",
            Self::Wrapper => "wrapper",
            Self::TrailingComma => "trailing-comma",
            Self::Comment => "comment",
            Self::Quotes => "quotes",
            Self::BareKey => "bare-key",
            Self::Literal => "literal",
            Self::RawControl => "raw-control",
            Self::Escape => "escape",
            Self::KeyForm => "key-form",
            Self::NumberString => "number-string",
            Self::DriversIgnored => "drivers-ignored",
        }
    }
}

/// A set of repairs, one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Repairs(u16);

impl Repairs {
    /// Adds one repair.
    pub(super) fn record(&mut self, repair: Repair) {
        self.0 |= 1 << (repair as u16);
    }

    /// Adds all repairs of another set.
    pub(super) fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The repairs, sorted.
    pub(super) fn list(self) -> Vec<Repair> {
        Repair::ALL.into_iter().filter(|each| self.0 & (1 << (*each as u16)) != 0).collect()
    }
}
