//! Text as it is cut to a bound.

/// The text's beginning, of at most this many bytes, cut between two characters.
pub(crate) fn first_bytes(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}
