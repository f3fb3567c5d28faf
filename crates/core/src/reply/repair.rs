//! The liberties that the reader takes, each lossless and each noted.
//!
//! Takes: the reader's notes while it reads.
//! Gives: [`Repair`]s with stable codes, sorted, each once.
//! Never: a repair that closes, inserts or changes a value; there is no code for it.

use serde::{Deserialize, Serialize};

/// A liberty that the reader took with a reply's text. It serialises as its [`code`](Repair::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// Reasoning before the answer was dropped.
    ReasoningBlock,
    /// The answer stood in a Markdown fence.
    Fence,
    /// There was other text, another object or a copy of the answer around it.
    Prose,
    /// The answer stood in an array of one, an envelope, a tool call or a JSON string.
    Wrapper,
    /// A comma stood before a closing bracket or brace.
    TrailingComma,
    /// A comment stood between two tokens.
    Comment,
    /// A string stood in single, typographic or back quotes.
    Quotes,
    /// A key stood without quotes.
    BareKey,
    /// `None`, `True`, `False` or `undefined` stood for a literal of JSON.
    Literal,
    /// A string held a raw line break or tab.
    RawControl,
    /// A string held `\'`.
    Escape,
    /// A key was not written exactly, as `Risk Score`.
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

    /// The stable name, for logs, metrics and the insight.
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

/// The repairs noted so far: one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Repairs(u16);

impl Repairs {
    pub(super) fn note(&mut self, repair: Repair) {
        self.0 |= 1 << (repair as u16);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn list(self) -> Vec<Repair> {
        Repair::ALL.into_iter().filter(|each| self.0 & (1 << (*each as u16)) != 0).collect()
    }
}
