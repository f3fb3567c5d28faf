//! Who may send a request: the token, the names of this server, and where the original dashboard's routes are open.

use std::collections::HashMap;
use std::net::IpAddr;

use http::{HeaderMap, Method, Uri, header};
use sha2::{Digest, Sha256};

use crate::base64::decoded;
use crate::limits::TOKEN_CHARS_MIN;

/// A secret that a caller must send. Only its hash is in memory.
#[derive(Clone)]
pub struct AccessToken([u8; 32]);

impl AccessToken {
    /// The token; white space at its ends is not part of it. `None` if nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(Sha256::digest(text.as_bytes()).into()))
    }

    /// Whether a token is so short that others could guess it. Then it is only good for a server that nobody else can reach.
    pub fn is_guessable(text: &str) -> bool {
        text.trim().chars().count() < TOKEN_CHARS_MIN
    }

    /// Whether this is the token. The time that it takes does not depend on the text.
    fn is(&self, text: &[u8]) -> bool {
        let hash: [u8; 32] = Sha256::digest(text).into();
        self.0.iter().zip(hash).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// The rules of one server.
#[derive(Clone, Default)]
pub struct Access {
    /// The token, if one is needed.
    pub token: Option<AccessToken>,
    /// The names by which this server is called; `None` if the network before it checks the name.
    pub hosts: Option<Vec<String>>,
    /// Whether the original dashboard's routes exist. They need no token.
    pub original_api: bool,
    /// The origins of the original dashboard's front ends. An empty list accepts every origin.
    pub origins: Vec<String>,
    /// The secrets of sources whose payloads are signed, by the name of the source.
    pub hook_secrets: HashMap<String, String>,
    /// Whether cookies are sent over HTTPS only.
    pub secure_cookies: bool,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { token, hosts, original_api, origins, .. } = self;
        f.debug_struct("Access")
            .field("token", token)
            .field("hosts", hosts)
            .field("original_api", original_api)
            .field("origins", origins)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Whether the `Host` is a name of this server. An address is always one: DNS rebinding needs a name.
    pub(crate) fn is_our_host(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some(hosts) = &self.hosts else { return true };
        let from_header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = uri.authority().map(http::uri::Authority::as_str).or(from_header) else {
            return false;
        };
        let name = host_name(host);
        name.eq_ignore_ascii_case("localhost")
            || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
            || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether the request carries the token, or needs none.
    pub(crate) fn has_token(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        if cookie(headers, TOKEN_COOKIE)
            .and_then(|value| hex::decode(value).ok())
            .is_some_and(|text| token.is(&text))
        {
            return true;
        }
        let Some(value) = headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes) else {
            return false;
        };
        let split = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, credentials) = value.split_at(split);
        let credentials = credentials.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"bearer") {
            return token.is(credentials);
        }
        // The password of a browser's own dialog.
        scheme.eq_ignore_ascii_case(b"basic")
            && decoded(credentials).is_some_and(|pair| {
                let colon = pair.iter().position(|byte| *byte == b':');
                colon.and_then(|at| pair.get(at + 1..)).is_some_and(|password| token.is(password))
            })
    }
}

impl Access {
    /// The cookies that remember the token and the name of a person; `None` if the token is wrong.
    pub(crate) fn cookies(&self, token: &str, name: &str) -> Option<[String; 2]> {
        let token = token.trim();
        if !self.token.as_ref()?.is(token.as_bytes()) {
            return None;
        }
        let rules = if self.secure_cookies { "; Secure" } else { "" };
        let cookie = |key, value: &str| {
            format!("{key}={}; Path=/; HttpOnly; SameSite=Strict{rules}", hex::encode(value.trim()))
        };
        Some([cookie(TOKEN_COOKIE, token), cookie(NAME_COOKIE, name)])
    }
}

const TOKEN_COOKIE: &str = "portend_token";
const NAME_COOKIE: &str = "portend_name";

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Whether another site sent a request that changes something.
///
/// A page with the policy `no-referrer` sends the origin `null`, also to its own site. So where the browser says whose
/// request it is, that counts; otherwise `null` passes only with a credential that no other site can send.
pub(crate) fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return false;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return !["same-origin", "none"].contains(&site);
    }
    let Some(origin) = text("origin") else { return false };
    if origin == "null" {
        let is_bearer =
            text("authorization").is_some_and(|value| value.to_ascii_lowercase().starts_with("bearer "));
        return !is_bearer && cookie(headers, TOKEN_COOKIE).is_none();
    }
    let host = text("host").unwrap_or_default();
    origin.split_once("://").is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(host))
}

/// Who sends the request: the name with which a person has signed in, which is not checked.
pub(crate) fn user_of(headers: &HeaderMap) -> String {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let pair = value
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let pair =
        pair.and_then(|(_, credentials)| String::from_utf8(decoded(credentials.trim().as_bytes())?).ok());
    let signed_in = || String::from_utf8(hex::decode(cookie(headers, NAME_COOKIE)?).ok()?).ok();
    let user = pair.and_then(|pair| pair.split_once(':').map(|(user, _)| user.trim().to_owned()));
    user.or_else(signed_in).filter(|user| !user.is_empty()).unwrap_or_else(|| "console".to_owned())
}

/// The host of an authority, without its port.
fn host_name(authority: &str) -> &str {
    match authority.rfind(']') {
        Some(end) => authority.get(..=end).unwrap_or(authority),
        None => authority.split_once(':').map_or(authority, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

    use super::{Access, AccessToken, is_cross_site};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_our_names_and_addresses_are_our_host() {
        let access = Access { hosts: Some(vec!["portend.example".into()]), ..Access::default() };
        for (host, is_ours) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("10.1.2.3", true),
            ("portend.example", true),
            ("portend.example:443", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let found = access.is_our_host(&headers(&[("host", host)]), &Uri::from_static("/"));
            assert_eq!(found, is_ours, "{host}");
        }
        assert!(!access.is_our_host(&HeaderMap::new(), &Uri::from_static("/")), "a request without a host");
    }

    #[test]
    fn the_token_is_a_bearer_or_the_password_of_the_browser() {
        let access = Access { token: AccessToken::new(" open sesame\n"), ..Access::default() };
        for (authorization, has_token) in [
            ("Bearer open sesame", true),
            ("bearer open sesame", true),
            ("Basic dXNlcjpvcGVuIHNlc2FtZQ==", true),
            ("Basic Om9wZW4gc2VzYW1l", true),
            ("Basic b3BlbiBzZXNhbWU=", false),
            ("Basic ?", false),
            ("Bearer open sesame!", false),
            ("Bearer", false),
            ("Digest open sesame", false),
            ("open sesame", false),
            ("", false),
        ] {
            let found = access.has_token(&headers(&[("authorization", authorization)]));
            assert_eq!(found, has_token, "{authorization}");
        }
        assert!(!access.has_token(&HeaderMap::new()));
        assert!(Access::default().has_token(&HeaderMap::new()), "no token is needed");
        assert!(AccessToken::new(" \n").is_none());
        for (token, is_guessable) in [("0123456789abcde\n", true), ("0123456789abcdef", false)] {
            assert_eq!(AccessToken::is_guessable(token), is_guessable, "{token}");
        }
    }

    #[test]
    fn another_site_may_read_and_not_change() {
        let post = Method::POST;
        for (method, pairs, is_refused) in [
            (&post, &[][..], false),
            (&post, &[("sec-fetch-site", "same-origin")], false),
            (&post, &[("sec-fetch-site", "none")], false),
            (&post, &[("sec-fetch-site", "cross-site")], true),
            (&post, &[("sec-fetch-site", "same-site")], true),
            (&post, &[("host", "localhost:1"), ("origin", "http://localhost:1")], false),
            (&post, &[("host", "localhost:1"), ("origin", "http://localhost:2")], true),
            (&post, &[("host", "localhost:1"), ("origin", "null")], true),
            (&post, &[("sec-fetch-site", "same-origin"), ("origin", "null")], false),
            (&post, &[("cookie", "portend_token=00"), ("origin", "null")], false),
            (&post, &[("authorization", "Bearer x"), ("origin", "null")], false),
            (&post, &[("authorization", "Basic x"), ("origin", "null")], true),
            (&Method::DELETE, &[("host", "localhost:1"), ("origin", "https://evil.example")], true),
            (&Method::GET, &[("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(is_cross_site(method, &headers(pairs)), is_refused, "{method} {pairs:?}");
        }
    }
}
