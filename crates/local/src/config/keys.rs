//! Decides which keys of the environment may be sent to which server.
//!
//! A settings file that is only found in the current folder may come from anybody, for example with a cloned repository. It
//! may choose models and servers, but a key of the environment goes only to a server that the user's own settings name:
//! a flag, the environment, the file of `--config`, or the file in the user's settings folder.
//!
//! Never: reads a variable of AWS as a key, or lets a found file choose a secret of the user's AWS account.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use portend_remote::secret::Secret;
use portend_remote::server_of;
use portend_remote::settings::OpenAiSettings;

use super::file::SettingsFile;

/// The variable with the key of `openai`. It may always be sent to OpenAI itself.
pub(super) const OPENAI_API_KEY: &str = "OPENAI_API_KEY";

/// The beginning of the names of AWS's own variables.
const AWS_PREFIX: &str = "AWS_";

/// Which servers may receive a key of the environment.
#[derive(Debug)]
pub(super) struct KeyRule {
    /// The settings file of the current folder, if it is in use and nobody has named it.
    found: Option<PathBuf>,
    /// The servers in the user's own settings. Without a found file, every server is.
    own: BTreeSet<String>,
}

impl KeyRule {
    /// The rule for these settings. `base_url` is the one of a flag or the environment. If the file in use was found in
    /// the current folder, the user's own file is read for the servers that it names.
    pub(super) fn new(base_url: Option<&str>, file: &SettingsFile) -> Result<Self> {
        let found = file.found_path().map(ToOwned::to_owned);
        let own_file = if found.is_some() { SettingsFile::of_user()? } else { SettingsFile::default() };
        let own = base_url.into_iter().chain(own_file.base_urls()).filter_map(server_of).collect();
        Ok(Self { found, own })
    }

    /// Why this server may not receive the key in this variable; `None` if it may.
    pub(super) fn refusal(&self, variable: &str, base_url: Option<&str>) -> Option<String> {
        if variable.to_ascii_uppercase().starts_with(AWS_PREFIX) {
            return Some(format!(
                "{variable} belongs to AWS and is never sent as a key; put the key into another variable"
            ));
        }
        let found = self.found.as_ref()?;
        let is_openai = OpenAiSettings::is_vendor(base_url);
        if is_openai && variable == OPENAI_API_KEY {
            return None;
        }
        let server = server_of(base_url.unwrap_or(OpenAiSettings::VENDOR_URL));
        // What is not a URL is refused with its own sentence, and nothing is sent to it.
        let server = server.filter(|server| !self.own.contains(server))?;
        Some(format!(
            "{variable} is not sent to {server}, because only {} names this server; if you trust that file, use --config {}",
            shown_path(found),
            found.display()
        ))
    }

    /// Why the secret of Secrets Manager that the file names may not be read; `None` if it may.
    pub(super) fn secret_refusal(&self) -> Option<String> {
        let found = self.found.as_ref()?;
        Some(format!(
            "{} names a secret of your AWS account, which a settings file that nobody has named may not do; set OPENAI_API_KEY_SECRET, or use --config {}",
            shown_path(found),
            found.display()
        ))
    }
}

/// The path of a found file, with the folder.
pub(super) fn shown_path(found: &std::path::Path) -> String {
    format!("./{}", found.display())
}

/// Reads a key from the environment. An empty variable counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is part of reading the settings")]
pub(super) fn key_in_environment(variable: &str) -> Option<Secret> {
    std::env::var(variable).ok().filter(|key| !key.trim().is_empty()).map(|key| Secret::new(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(found: bool, own: &[&str]) -> KeyRule {
        KeyRule {
            found: found.then(|| PathBuf::from("portend.toml")),
            own: own.iter().filter_map(|url| server_of(url)).collect(),
        }
    }

    #[test]
    fn a_key_goes_only_to_a_server_of_the_users_own_settings() {
        let own: &[&str] = &["https://vllm.example.com/v1", "http://localhost:11434/v1"];
        for (found, variable, base_url, is_sent) in [
            // The user's own settings may send any key anywhere.
            (false, "VLLM_KEY", Some("https://anywhere.example"), true),
            (false, "VLLM_KEY", None, true),
            (false, "OPENAI_API_KEY", None, true),
            // A found file: the server must be the user's own, whatever the path.
            (true, "VLLM_KEY", Some("https://vllm.example.com/v1"), true),
            (true, "VLLM_KEY", Some("https://VLLM.example.com:443/another/path/"), true),
            (true, "OPENAI_API_KEY", Some("http://localhost:11434"), true),
            (true, "OPENAI_API_KEY", None, true),
            (true, "OPENAI_API_KEY", Some("https://api.openai.com/v1"), true),
            (true, "OPENAI_API_KEY", Some("https://evil.example/v1"), false),
            (true, "OPENAI_API_KEY", Some("https://api.openai.com.evil.example/v1"), false),
            (true, "OPENAI_API_KEY", Some("https://api.openai.com:8443/v1"), false),
            (true, "OPENAI_API_KEY", Some("http://localhost:11435/v1"), false),
            (true, "VLLM_KEY", Some("https://vllm.example.com.evil.example/v1"), false),
            (true, "VLLM_KEY", Some("https://vllm.example.com:8443/v1"), false),
            (true, "VLLM_KEY", Some("http://127.0.0.1:11434/v1"), false),
            // Another key is not OpenAI's, unless the user says so.
            (true, "GITHUB_TOKEN", None, false),
            (true, "GITHUB_TOKEN", Some("https://api.openai.com/v1"), false),
            // What belongs to AWS goes to nobody.
            (false, "AWS_SECRET_ACCESS_KEY", Some("https://vllm.example.com/v1"), false),
            (false, "AWS_BEARER_TOKEN_BEDROCK", None, false),
            (false, "aws_session_token", None, false),
            (true, "AWS_SECRET_ACCESS_KEY", Some("https://vllm.example.com/v1"), false),
        ] {
            let refusal = rule(found, own).refusal(variable, base_url);
            assert_eq!(refusal.is_none(), is_sent, "{found} {variable} {base_url:?}: {refusal:?}");
        }
    }

    #[test]
    fn a_found_file_may_not_choose_a_secret() {
        assert_eq!(rule(false, &[]).secret_refusal(), None);
        let refusal = rule(true, &["https://vllm.example.com/v1"]).secret_refusal().unwrap();
        assert!(refusal.contains("./portend.toml") && refusal.contains("; set OPENAI_API_KEY_SECRET"));
    }
}
