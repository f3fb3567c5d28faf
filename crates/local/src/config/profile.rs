//! The profile that `AWS_PROFILE` names, as far as it is missing from AWS's own files.

use std::fs;
use std::path::PathBuf;

/// A profile that no file has.
#[derive(Debug)]
pub(crate) struct AwsProfile {
    /// Its name.
    pub(crate) name: String,
    /// Where it was looked for.
    pub(crate) files: Vec<PathBuf>,
    /// The profiles that are there.
    pub(crate) profiles: Vec<String>,
}

impl AwsProfile {
    /// The profile that `AWS_PROFILE` names, if it is not in AWS's files.
    pub(crate) fn missing() -> Option<Self> {
        let name = variable("AWS_PROFILE")?;
        let in_home = |file: &str| etcetera::home_dir().ok().map(|home| home.join(".aws").join(file));
        let path = |name, file| variable(name).map(PathBuf::from).or_else(|| in_home(file));
        let files = [path("AWS_CONFIG_FILE", "config"), path("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
        let files: Vec<PathBuf> = files.into_iter().flatten().collect();
        let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
        let profiles: Vec<String> = texts.flat_map(|text| profiles(&text)).collect();
        (!profiles.contains(&name)).then_some(Self { name, files, profiles })
    }
}

/// The profiles of a file: `[profile NAME]` in the one, `[NAME]` in the other.
fn profiles(text: &str) -> Vec<String> {
    let sections = text.lines().filter_map(|line| line.trim().strip_prefix('[')?.split_once(']'));
    let names = sections.filter_map(|(section, _)| {
        let section = section.trim();
        let name = section.strip_prefix("profile ").unwrap_or(section).trim();
        let is_other = section.starts_with("sso-session ") || section.starts_with("services ");
        (!is_other).then(|| name.to_owned())
    });
    names.collect()
}

#[expect(clippy::disallowed_methods, reason = "this is part of reading the settings")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::profiles;

    #[test]
    fn the_profiles_of_both_kinds_of_file_are_found() {
        let text =
            "[default]\nregion = x\n[profile work]\n# [no]\n[ profile  spaced ]\n[sso-session s]\n[plain]\n";
        assert_eq!(profiles(text), ["default", "work", "spaced", "plain"]);
    }
}
