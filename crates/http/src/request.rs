//! Reads the parts of a request: its path, its parameters, its body and its cursor.
//!
//! Never: ignores a parameter that the route does not know, or has more of a body in memory than its limit.

use std::pin::pin;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use futures_util::future::{Either, select};
use http::request::Parts;
use http::{HeaderMap, Uri, header};
use http_body_util::BodyExt;
use portend_core::clock::Clock;
use portend_core::limits::PAGE_MAX;
use portend_core::number::Number;
use portend_core::store::Cursor;
use portend_core::time::Timestamp;

use crate::app::App;
use crate::engine::Engine;
use crate::limits::{BODY_BYTES_MAX, CURSOR_BYTES_MAX, PAGE_DEFAULT, REQUEST_TIME_MAX};
use crate::problem::Problem;

/// Of a body that is too large, this much is read, so that the caller gets the response and not a broken connection.
const DISCARDED_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// The last part of the path, decoded.
#[derive(Debug)]
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| {
            Problem::bad("bad_path", "the id in the path is not UTF-8", "percent-encode the id as UTF-8")
        })
    }
}

/// The parameters of the query.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        query.map(|Query(pairs)| Self(pairs)).map_err(|_| {
            Problem::bad("bad_query", "the query cannot be read", "write it as name=value&name=value")
        })
    }
}

impl Params {
    /// The parameters of an address; none if they cannot be read.
    pub(crate) fn of(uri: &Uri) -> Self {
        Self(Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default())
    }

    /// The fields of a form that a page sends.
    pub(crate) fn of_form(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let uri = Uri::builder().path_and_query(format!("/?{}", text.trim())).build();
        uri.map_or_else(|_| Self(Vec::new()), |uri| Self::of(&uri))
    }

    /// Refuses a parameter that is not one of these.
    pub(crate) fn only(self, known: &[&str]) -> Result<Self, Problem> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(self),
            Some((name, _)) => Err(Problem::bad(
                "unknown_parameter",
                format!("unknown parameter `{}`", shortened(name)),
                if known.is_empty() {
                    "this route has no parameters".to_owned()
                } else {
                    format!("use {}", known.join(", "))
                },
            )),
        }
    }

    /// The value of a parameter, unless it is absent or empty. Of several, the last holds.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().rev().find(|(each, _)| each == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    fn read<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| {
            let detail = format!("`{name}` is not valid: `{}`", shortened(text));
            Problem::bad("bad_parameter", detail, format!("write {expected}"))
        })
    }

    /// A count up to `most`; 0 if it is absent.
    pub(crate) fn number(&self, name: &'static str, most: u64) -> Result<u64, Problem> {
        let number = self.read(name, &format!("a number from 0 to {most}"), |text| {
            text.parse().ok().filter(|number| *number <= most)
        })?;
        Ok(number.unwrap_or(0))
    }

    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let limit = self.read("limit", &format!("a number from 1 to {PAGE_MAX}"), |text| {
            text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit))
        })?;
        Ok(limit.unwrap_or(PAGE_DEFAULT))
    }

    pub(crate) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        self.read(name, "a time such as 2025-01-01T12:00:00Z", time_of)
    }

    pub(crate) fn risk(&self, name: &'static str) -> Result<Option<Number>, Problem> {
        self.read(name, "a number from 0 to 100", |text| {
            Number::from_decimal(text).filter(|score| (0.0..=100.0).contains(&score.get()))
        })
    }

    pub(crate) fn one_of<T: Copy>(
        &self,
        name: &'static str,
        values: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let names: Vec<_> = values.iter().map(|(value, _)| *value).collect();
        self.read(name, &format!("one of {}", names.join(", ")), |text| {
            values.iter().find(|(value, _)| *value == text).map(|(_, value)| *value)
        })
    }

    pub(crate) fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        cursor_of(text).map(Some).ok_or_else(|| {
            let fix = "use the `cursor` of the page before, or omit it for the first page";
            Problem::bad("bad_cursor", "the cursor is not one that this server returned", fix)
        })
    }
}

/// A time, also where the plus of an offset was not percent-encoded.
pub(crate) fn time_of(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|_| Timestamp::parse(&text.replace(' ', "+"))).ok()
}

/// The cursor as it is in a response and in a link.
pub(crate) fn cursor_text(cursor: &Cursor) -> String {
    hex::encode(format!("{}|{}", cursor.time.as_millis(), cursor.id))
}

/// Reads what [`cursor_text`] wrote.
pub(crate) fn cursor_of(text: &str) -> Option<Cursor> {
    if text.len() > 2 * CURSOR_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
    let (millis, id) = text.split_once('|')?;
    Some(Cursor { time: Timestamp::from_millis(millis.parse().ok()?), id: id.to_owned() })
}

/// A text of the caller, as an error quotes it.
fn shortened(text: &str) -> String {
    const QUOTED_CHARS_MAX: usize = 60;
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(QUOTED_CHARS_MAX).collect();
    if text.chars().count() > QUOTED_CHARS_MAX {
        short.push('…');
    }
    short
}

/// A whole body, within the limits of size and time.
#[derive(Debug)]
pub(crate) struct WholeBody(pub(crate) Vec<u8>);

impl<E: Engine> FromRequest<App<E>> for WholeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App<E>) -> Result<Self, Problem> {
        let whole = pin!(read(request.into_body()));
        match select(whole, pin!(app.engine.clock().sleep(REQUEST_TIME_MAX))).await {
            Either::Left((bytes, _)) => bytes.map(Self),
            Either::Right(((), _)) => Err(Problem::too_slow()),
        }
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, Problem> {
    let (mut bytes, mut read_bytes) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::bad("body_incomplete", "the body ended too early", "send the request again")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        read_bytes += data.len();
        if read_bytes <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&data);
        } else if read_bytes > DISCARDED_BYTES_MAX {
            break;
        }
    }
    if read_bytes > BODY_BYTES_MAX { Err(Problem::too_large()) } else { Ok(bytes) }
}

/// Whether a body of this type has one value on each line.
pub(crate) fn is_lines(content_type: &str) -> bool {
    ["application/x-ndjson", "application/ndjson", "application/jsonl"].contains(&content_type)
}

/// The content type, in lower case and without its parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use portend_core::store::Cursor;
    use portend_core::time::Timestamp;

    use super::{cursor_of, cursor_text};

    #[test]
    fn a_cursor_reads_back_as_itself_and_anything_else_is_refused() {
        for id in ["a", "", "supply_demand_imbalance_C#|é_1"] {
            let cursor = Cursor { time: Timestamp::from_millis(1_735_732_800_123), id: id.into() };
            assert_eq!(cursor_of(&cursor_text(&cursor)), Some(cursor));
        }
        for text in ["", "x", "zz", "00", "7c", "617c62", &"61".repeat(2000)] {
            assert_eq!(cursor_of(text), None, "{text}");
        }
    }
}
