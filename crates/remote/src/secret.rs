//! An endpoint's key and its source: the settings, or a reader that reads it when it is needed and again when it is
//! refused.
//!
//! Never: shows a key in debug output, an error or a log; [`Secret`] cannot be printed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderValue;
use portend_core::model::ModelError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::limits::KEY_CACHE_TIME;

/// A key. White space at its ends is removed, because a file often ends with a line break.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a key.
    pub fn new(key: &str) -> Self {
        Self(key.trim().into())
    }

    /// The text itself, to be compared, or to sign or send with. It is never shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of the authorization header; `None` if a header cannot contain the key.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let value = self.fits_a_header().then(|| format!("Bearer {}", self.0))?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Removes the key from the body of a response, because a server may repeat what it received, for example as an
    /// error's code. A very short key is a word, such as the `ollama` that a local server takes; it is not removed.
    pub(crate) fn masked(&self, body: Vec<u8>) -> Vec<u8> {
        const WORD_BYTES_MAX: usize = 7;
        let key = &*self.0;
        if key.len() <= WORD_BYTES_MAX {
            return body;
        }
        match String::from_utf8(body) {
            Ok(text) if text.contains(key) => text.replace(key, "***").into_bytes(),
            Ok(text) => text.into_bytes(),
            // A body that is not text is never read.
            Err(error) => error.into_bytes(),
        }
    }

    /// Whether a header can contain the key: one or more characters, all of them visible ASCII.
    pub(crate) fn fits_a_header(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The source of an endpoint's key.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The endpoint, such as a local server, needs no key.
    None,
    /// The settings contain the key.
    Given(Secret),
    /// The key is read when it is first needed, used for [`KEY_CACHE_TIME`], and read again when it is refused.
    Read(KeyReader),
}

impl KeySource {
    /// The key to send; `None` if the endpoint needs no key.
    pub(crate) async fn current(&self) -> Result<Option<Secret>, ModelError> {
        match self {
            Self::None => Ok(None),
            Self::Given(key) => Ok(Some(key.clone())),
            Self::Read(reader) => reader.current().await.map(Some),
        }
    }

    /// Reads the key again after a refusal. `None` if the key is still the refused one.
    pub(crate) async fn replacement_for(&self, refused: &Secret) -> Result<Option<Secret>, ModelError> {
        match self {
            Self::None | Self::Given(_) => Ok(None),
            Self::Read(reader) => reader.replacement_for(refused).await,
        }
    }
}

type KeyFuture = Pin<Box<dyn Future<Output = Result<Secret, ModelError>> + Send>>;

/// Reads a key and caches it. Clones share the cache.
#[derive(Clone)]
pub struct KeyReader {
    read: Arc<dyn Fn() -> KeyFuture + Send + Sync>,
    /// Locked while reading, so that concurrent alerts cause one read.
    last: Arc<Mutex<Option<(Secret, Instant)>>>,
}

impl KeyReader {
    /// A reader that calls `read`. Its errors are reported as errors of the model that needs the key.
    pub fn new<R, F>(read: R) -> Self
    where
        R: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Secret, ModelError>> + Send + 'static,
    {
        Self { read: Arc::new(move || Box::pin(read())), last: Arc::default() }
    }

    async fn current(&self) -> Result<Secret, ModelError> {
        let mut last = self.last.lock().await;
        match &*last {
            Some((key, read_at)) if read_at.elapsed() < KEY_CACHE_TIME => Ok(key.clone()),
            Some(_) | None => {
                let key = (self.read)().await?;
                *last = Some((key.clone(), Instant::now()));
                Ok(key)
            }
        }
    }

    async fn replacement_for(&self, refused: &Secret) -> Result<Option<Secret>, ModelError> {
        let mut last = self.last.lock().await;
        let key = match &*last {
            // Another alert had the same refusal, and has read the new key already.
            Some((key, _)) if key != refused => key.clone(),
            Some(_) | None => {
                let key = (self.read)().await?;
                *last = Some((key.clone(), Instant::now()));
                key
            }
        };
        Ok(Some(key).filter(|key| key != refused))
    }
}

impl fmt::Debug for KeyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyReader")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// A reader that returns `keys` in turn and then the last one again and again, with a counter of the reads.
    fn reader(keys: &'static [&'static str]) -> (KeyReader, Arc<AtomicUsize>) {
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&reads);
        let read = move || {
            let index = counter.fetch_add(1, Ordering::SeqCst).min(keys.len() - 1);
            std::future::ready(Ok(Secret::new(keys[index])))
        };
        (KeyReader::new(read), reads)
    }

    #[test]
    fn debug_output_never_contains_a_secret() {
        let key = KeySource::Given(Secret::new(" sk-canary\n"));
        assert_eq!(format!("{key:?} {key:#?}").matches("sk-canary").count(), 0);
    }

    #[test]
    fn a_response_that_repeats_the_key_does_not_say_it() {
        let masked = |key: &str, body: &str| {
            String::from_utf8(Secret::new(key).masked(body.as_bytes().to_vec())).unwrap()
        };
        let body = r#"{"error": {"code": "canary_canary", "param": "canary_canary"}}"#;
        assert_eq!(masked("canary_canary", body), r#"{"error": {"code": "***", "param": "***"}}"#);
        assert_eq!(masked("another_key", body), body);
        assert_eq!(masked("ollama", "ollama"), "ollama");
        assert_eq!(Secret::new("canary_canary").masked(b"\xffcanary_canary".to_vec())[0], 0xff);
    }

    #[test]
    fn a_header_can_contain_only_visible_ascii() {
        for (key, fits) in [("sk-1_A", true), (" sk-1\n", true), ("", false), ("a b", false), ("kéy", false)]
        {
            assert_eq!(Secret::new(key).fits_a_header(), fits, "{key:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_read_once_in_five_minutes() {
        let (reader, reads) = reader(&["first", "second"]);
        for _ in 0..3 {
            assert_eq!(reader.current().await, Ok(Secret::new("first")));
        }
        tokio::time::advance(KEY_CACHE_TIME.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(reader.current().await, Ok(Secret::new("first")));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(reader.current().await, Ok(Secret::new("second")));
        assert_eq!(reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_refused_key_is_read_again_once_for_all_callers() {
        let (reader, reads) = reader(&["old", "new"]);
        let old = reader.current().await.unwrap();
        assert_eq!(reader.replacement_for(&old).await, Ok(Some(Secret::new("new"))));
        assert_eq!(reader.replacement_for(&old).await, Ok(Some(Secret::new("new"))));
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        assert_eq!(reader.replacement_for(&Secret::new("new")).await, Ok(None), "the key has not changed");
    }
}
