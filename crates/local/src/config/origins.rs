//! Where each setting's value comes from, and variables of the environment whose names are nearly those of settings.
//!
//! Never: shows the value of a key.

use std::ffi::OsStr;

/// A setting, as `portend doctor` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingOrigin {
    /// Its name in the settings file.
    pub(crate) name: &'static str,
    /// Its value, unless that is secret, and where the value comes from.
    pub(crate) says: String,
}

/// A setting that can be in all three places: its names, and its value in each.
pub(super) struct SettingPlaces<'a> {
    pub(super) name: &'static str,
    pub(super) variable: &'static str,
    /// The value of the flag, or of the variable.
    pub(super) given: Option<&'a OsStr>,
    pub(super) in_file: Option<&'a OsStr>,
    pub(super) default: &'static str,
}

impl SettingPlaces<'_> {
    pub(super) fn origin(&self) -> SettingOrigin {
        let Self { name, variable, given, in_file, default } = *self;
        let is_variables = given.is_some() && value_of(variable).as_deref() == given;
        let is_path = matches!(name, "store" | "alert_types");
        let shown =
            |value: &OsStr| if is_path { value.to_string_lossy().into_owned() } else { public(value) };
        let says = match (given, in_file) {
            (Some(value), _) if is_variables => format!("{}, from {variable}", shown(value)),
            (Some(value), _) => format!("{}, from the flag", shown(value)),
            (None, Some(value)) => format!("{}, from the settings file", shown(value)),
            (None, None) => format!("{default}, the default"),
        };
        SettingOrigin { name, says }
    }
}

/// A value without a user, a password and a query, which may be in the address of a server. What may be a key in the
/// wrong setting is not shown: OpenAI's keys start with `sk-`, and no name of a model or a table contains a space.
fn public(value: &OsStr) -> String {
    let text = value.to_string_lossy();
    if text.trim_start().starts_with("sk-") || text.contains(char::is_whitespace) {
        return "not shown, because it may be a key".to_owned();
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.rsplit('@').next().unwrap_or_default().to_owned();
    };
    let address = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = address.split_once('/').unwrap_or((address, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let slash = if path.is_empty() { "" } else { "/" };
    format!("{scheme}://{host}{slash}{path}")
}

#[expect(clippy::disallowed_methods, reason = "this is part of reading the settings")]
fn value_of(variable: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(variable)
}

/// The variables that Portend or AWS's own settings read.
const VARIABLES: [&str; 22] = [
    "ALERT_TYPES_DIR",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "BEDROCK_MODEL_ID",
    "DYNAMODB_TABLE_NAME",
    "EVENT_BUS_NAME",
    "HOLDOUT",
    "MODELS",
    "OPENAI_API_KEY",
    "OPENAI_API_KEY_SECRET",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "PORTEND_CONFIG",
    "PORTEND_STORE",
    "USE_BEDROCK",
];
/// Names that other programs, or people, have for a setting.
const OTHER_NAMES: [(&str, &str); 4] = [
    ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
    ("OPENAI_KEY", "OPENAI_API_KEY"),
    ("DYNAMODB_TABLE", "DYNAMODB_TABLE_NAME"),
    ("PORTEND_ALERT_TYPES", "ALERT_TYPES_DIR"),
];
/// Names that are shorter than this are too often the names of something else.
const NAME_CHARS_MIN: usize = 5;

/// The variables of the environment that Portend does not read, each with the one that may be meant.
pub(super) fn misspelt() -> Vec<(String, &'static str)> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut found: Vec<_> = names.filter_map(|name| meant(&name).map(|meant| (name, meant))).collect();
    found.sort();
    found
}

/// The variable that this name may mean; `None` if it is one, or is like none.
fn meant(name: &str) -> Option<&'static str> {
    let known = || VARIABLES.into_iter();
    if known().any(|variable| variable == name) {
        return None;
    }
    let upper = name.to_ascii_uppercase();
    let other = OTHER_NAMES.into_iter().find(|(other, _)| *other == upper).map(|(_, variable)| variable);
    let unprefixed = upper.strip_prefix("PORTEND_").unwrap_or(&upper);
    other.or_else(|| known().find(|variable| *variable == unprefixed)).or_else(|| nearest(&upper, known()))
}

/// The nearest of these texts, if one is near enough to be meant.
pub(crate) fn nearest<'t>(text: &str, texts: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let near_max = if text.len() < 2 * NAME_CHARS_MIN { 1 } else { 2 };
    let near = texts.map(|each| (distance(text, each), each));
    let near = near.filter(|(distance, _)| *distance <= near_max && text.len() >= NAME_CHARS_MIN);
    near.min().map(|(_, each)| each)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (line, letter) in one.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, theirs) in other.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&row, column) + usize::from(letter != *theirs);
            let changed = (at(&row, column + 1) + 1).min(at(&next, column) + 1).min(replaced);
            let is_swapped = column > 0
                && last == Some(*theirs)
                && other.get(column - 1) == Some(&letter)
                && !before.is_empty();
            next.push(if is_swapped { changed.min(at(&before, column - 1) + 1) } else { changed });
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_recognized_and_others_are_left_alone() {
        for (name, variable) in [
            ("OPENAI_MODLE", Some("OPENAI_MODEL")),
            ("OPENAI_MODELS", Some("OPENAI_MODEL")),
            ("OPENAI_BASEURL", Some("OPENAI_BASE_URL")),
            ("OPENAI_API_BASE", Some("OPENAI_BASE_URL")),
            ("PORTEND_MODELS", Some("MODELS")),
            ("PORTEND_USE_BEDROCK", Some("USE_BEDROCK")),
            ("PORTEND_STROE", Some("PORTEND_STORE")),
            ("MODEL", Some("MODELS")),
            ("openai_api_key", Some("OPENAI_API_KEY")),
            ("AWS_REGOIN", Some("AWS_REGION")),
            ("BEDROCK_MODEL", None),
            ("OPENAI_MODEL", None),
            ("USE_BEDROCK", None),
            ("MODE", None),
            ("PATH", None),
            ("HOSTNAME", None),
            ("OPENAI_ORG_ID", None),
        ] {
            assert_eq!(meant(name), variable, "{name}");
        }
    }
}
