//! A JSON value as a model wrote it.
//!
//! Takes: nothing; the parser makes it.
//! Gives: a tree, and the comparison of keys without case, `_`, `-` and space.
//! Never: drops a member, or the second of two with one key.

/// A JSON value. Its depth is bounded by the parser, so it can be compared and dropped on any stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ReplyValue {
    Null,
    Bool(bool),
    /// Never NaN; an infinity stands for a number that is too large.
    Number(f64),
    Text(String),
    /// A string that holds a NUL or half of a surrogate pair.
    Unfit,
    List(Vec<ReplyValue>),
    Object(ReplyObject),
}

/// An object's members in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ReplyObject(pub(super) Vec<ReplyMember>);

/// A key as it was written, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReplyMember {
    pub(super) key: String,
    pub(super) value: ReplyValue,
}

impl ReplyObject {
    /// The first member whose key is `name`, however it is written.
    pub(super) fn get(&self, name: &str) -> Option<&ReplyValue> {
        self.all(name).next()
    }

    /// All members whose key is `name`, however it is written.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &ReplyValue> {
        self.0.iter().filter(move |member| is_key(&member.key, name)).map(|member| &member.value)
    }
}

/// Whether a key that a model wrote is the key `name`.
pub(super) fn is_key(written: &str, name: &str) -> bool {
    letters(written).eq(letters(name))
}

/// A key without case, `_`, `-` and space.
pub(super) fn letters(key: &str) -> impl Iterator<Item = char> {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase())
}
