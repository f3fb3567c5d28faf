//! A key, and where it comes from.
//!
//! Takes: a key that the settings hold, or something that can read one.
//! Gives: the key to the one adapter that sends it; read again, once, when it was refused.
//! Never: shows a key in debug output, an error or a log; [`Secret`] has no way to print itself.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderValue;
use portend_core::model::ModelError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::limits::KEY_KEPT;

/// A key. White space at its ends, as a file leaves it, is not part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a key.
    pub fn new(key: &str) -> Self {
        Self(key.trim().into())
    }

    /// The value of the header that carries it, if one can.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let value = self.fits_a_header().then(|| format!("Bearer {}", self.0))?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The body of a response without the key: a server may repeat what it received, as its error's code or its model's
    /// id. A very short key is a word, such as the `ollama` that a local server takes.
    pub(crate) fn masked(&self, body: Vec<u8>) -> Vec<u8> {
        const WORD_BYTES_MAX: usize = 7;
        let key = &*self.0;
        if key.len() <= WORD_BYTES_MAX {
            return body;
        }
        match String::from_utf8(body) {
            Ok(text) if text.contains(key) => text.replace(key, "***").into_bytes(),
            Ok(text) => text.into_bytes(),
            // What is not text is not read.
            Err(error) => error.into_bytes(),
        }
    }

    /// Whether a header can carry it: visible ASCII, and at least one character of it.
    pub(crate) fn fits_a_header(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Where the key of an endpoint comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The endpoint needs none, as a local server.
    None,
    /// The settings hold it.
    Given(Secret),
    /// It is read when first needed, kept for [`KEY_KEPT`], and read again when it is refused.
    Read(KeyReader),
}

impl KeySource {
    /// The key to send, if the endpoint needs one.
    pub(crate) async fn current(&self) -> Result<Option<Secret>, ModelError> {
        match self {
            Self::None => Ok(None),
            Self::Given(key) => Ok(Some(key.clone())),
            Self::Read(reader) => reader.current().await.map(Some),
        }
    }

    /// Another key than the one refused, if reading again gives one. The same key would be refused again.
    pub(crate) async fn instead_of(&self, refused: &Secret) -> Result<Option<Secret>, ModelError> {
        match self {
            Self::None | Self::Given(_) => Ok(None),
            Self::Read(reader) => reader.instead_of(refused).await,
        }
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<Secret, ModelError>> + Send>>;

/// Something that can read a key, and the key that it read last. Clones share both.
#[derive(Clone)]
pub struct KeyReader {
    read: Arc<dyn Fn() -> Reading + Send + Sync>,
    /// Held while reading, so that many alerts at once read once.
    last: Arc<Mutex<Option<(Secret, Instant)>>>,
}

impl KeyReader {
    /// Reads with `read`, which gives [`ModelError`] in the sense of the model that the key is for.
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
            Some((key, read_at)) if read_at.elapsed() < KEY_KEPT => Ok(key.clone()),
            Some(_) | None => {
                let key = (self.read)().await?;
                *last = Some((key.clone(), Instant::now()));
                Ok(key)
            }
        }
    }

    async fn instead_of(&self, refused: &Secret) -> Result<Option<Secret>, ModelError> {
        let mut last = self.last.lock().await;
        let key = match &*last {
            // Another alert has met the same refusal, and has read it already.
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

    /// A reader of `keys`, one after the other and then the last for ever, and how often it was asked.
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
    fn a_secret_shows_nothing_of_itself() {
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
    fn a_header_carries_visible_ascii_alone() {
        for (key, fits) in [("sk-1_A", true), (" sk-1\n", true), ("", false), ("a b", false), ("kéy", false)]
        {
            assert_eq!(Secret::new(key).fits_a_header(), fits, "{key:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_read_once_and_kept_for_five_minutes() {
        let (reader, reads) = reader(&["first", "second"]);
        for _ in 0..3 {
            assert_eq!(reader.current().await, Ok(Secret::new("first")));
        }
        tokio::time::advance(KEY_KEPT.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(reader.current().await, Ok(Secret::new("first")));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(reader.current().await, Ok(Secret::new("second")));
        assert_eq!(reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_refused_key_is_read_again_once_by_however_many() {
        let (reader, reads) = reader(&["old", "new"]);
        let old = reader.current().await.unwrap();
        assert_eq!(reader.instead_of(&old).await, Ok(Some(Secret::new("new"))));
        assert_eq!(reader.instead_of(&old).await, Ok(Some(Secret::new("new"))));
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        assert_eq!(reader.instead_of(&Secret::new("new")).await, Ok(None), "the same key again is no other");
    }
}
