//! The base URL of an endpoint: https, or http for this machine.
//!
//! Never: contains a user, a password, a query or a fragment.

use std::net::IpAddr;

use http::Uri;

use crate::settings::SettingsError;

/// The resources that the program adds to a base URL.
const RESOURCES: [&str; 3] = ["chat/completions", "responses", "completions"];

/// A base URL without a slash at its end.
#[derive(Debug)]
pub(super) struct BaseUrl(String);

impl BaseUrl {
    /// Checks a URL. `setting` returns the name of its setting, for the error.
    pub(super) fn parse(text: &str, setting: impl Fn() -> String) -> Result<Self, SettingsError> {
        let text = text.trim().trim_end_matches('/');
        let bad = || SettingsError::BadBaseUrl { setting: setting() };
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(bad()) };
        // The parser ignores a fragment.
        if authority.as_str().contains('@')
            || uri.query().is_some()
            || text.contains('#')
            || uri.host() == Some("")
        {
            return Err(bad());
        }
        if let Some(resource) = RESOURCES.into_iter().find(|resource| text.ends_with(&format!("/{resource}")))
        {
            return Err(SettingsError::BaseUrlWithResource { setting: setting(), resource });
        }
        match scheme {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_this_machine(authority.host()) => Ok(Self(text.to_owned())),
            "http" => Err(SettingsError::PlainBaseUrl { setting: setting() }),
            _ => Err(bad()),
        }
    }

    /// Whether the endpoint is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let uri: Option<Uri> = self.0.parse().ok();
        uri.as_ref().and_then(Uri::host).is_some_and(is_this_machine)
    }

    /// The URL of a resource below the base URL.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.0)
    }

    /// Scheme, host and port, which are one server whatever the path.
    fn server(&self) -> Option<String> {
        let uri: Uri = self.0.parse().ok()?;
        let scheme = uri.scheme_str()?;
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        Some(format!("{scheme}://{}:{port}", uri.host()?.to_ascii_lowercase()))
    }

    /// The base URL as text.
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// The server of a base URL: scheme, host and port. `None` if the text is not a base URL, so that nothing is sent there.
pub fn server_of(base_url: &str) -> Option<String> {
    BaseUrl::parse(base_url, String::new).ok()?.server()
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_scheme_host_and_port() {
        for (text, server) in [
            ("https://Example.com/v1", Some("https://example.com:443")),
            ("https://example.com:443", Some("https://example.com:443")),
            ("https://example.com:8443/v1/", Some("https://example.com:8443")),
            ("http://localhost/v1", Some("http://localhost:80")),
            ("http://[::1]:8080/v1", Some("http://[::1]:8080")),
            ("https://a@example.com/v1", None),
            ("http://example.com/v1", None),
            ("nonsense", None),
        ] {
            assert_eq!(server_of(text).as_deref(), server, "{text}");
        }
    }

    #[test]
    fn a_base_url_is_https_or_on_this_machine() {
        for (text, joined) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/x"),
            ("https://example.com", "https://example.com/x"),
            (" https://example.com:8443/openai/v1// ", "https://example.com:8443/openai/v1/x"),
            ("http://localhost:11434/v1", "http://localhost:11434/v1/x"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"),
            ("http://127.8.9.1/v1", "http://127.8.9.1/v1/x"),
            ("http://[::1]:8080/v1", "http://[::1]:8080/v1/x"),
        ] {
            let base = BaseUrl::parse(text, String::new).unwrap();
            assert_eq!(base.join("x"), joined);
        }
        for text in [
            "http://example.com/v1",
            "http://10.0.0.1/v1",
            "http://localhost.example.com/v1",
            "http://127.0.0.1.example.com",
        ] {
            let error = BaseUrl::parse(text, String::new).unwrap_err();
            assert_eq!(error, SettingsError::PlainBaseUrl { setting: String::new() }, "{text}");
        }
        for (text, ending) in [
            ("https://example.com/v1/chat/completions", "chat/completions"),
            ("http://localhost:8080/v1/responses/", "responses"),
        ] {
            let error = BaseUrl::parse(text, || "URL".to_owned()).unwrap_err();
            let sentence = format!("URL ends in /{ending}; remove that ending, because the program adds it");
            assert_eq!(error.to_string(), sentence);
        }
        for (text, expected) in
            [("http://[::1]:8080/v1", true), ("https://localhost/v1", true), ("https://example.com", false)]
        {
            assert_eq!(BaseUrl::parse(text, String::new).unwrap().is_loopback(), expected, "{text}");
        }
        for text in [
            "",
            "example.com/v1",
            "/v1",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://user:pass@example.com/v1",
            "http://localhost@example.com/v1",
            "https://example.com/v1?key=1",
            "https://example.com/v1#x",
            "https://exa mple.com",
            "https://",
        ] {
            let error = BaseUrl::parse(text, String::new).unwrap_err();
            assert_eq!(error, SettingsError::BadBaseUrl { setting: String::new() }, "{text}");
        }
    }
}
