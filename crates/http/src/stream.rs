//! `GET /v1/stream`: insights as they are stored, as server-sent events.
//!
//! The id of an event is the place of its insight, so a stream resumes after `Last-Event-ID`. An insight is stored a
//! moment after the time that it carries, and other processes store insights too. So a stream looks back a little at each
//! look, and remembers what it has sent.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::pin::pin;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::future::select;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header};
use portend_core::clock::Clock;
use portend_core::insight::StoredInsight;
use portend_core::store::{Cursor, InsightQuery, Queries, StoreError};
use portend_core::time::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::engine::Engine;
use crate::limits::{HEARTBEAT, STREAM_LOOK_BACK, STREAM_PAGE, STREAM_PAUSE};
use crate::problem::Problem;
use crate::request::{Params, cursor_of, cursor_text};

/// The pause before a browser connects again, in milliseconds.
const RETRY_MS: u32 = 2000;

/// Follow insights as they are stored.
///
/// Each event is named `insight`, and its data is the insight as JSON. A heartbeat is sent every 15 seconds.
#[utoipa::path(
    get,
    path = "/v1/stream",
    tag = "insights",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received")),
    responses(
        (status = 200, description = "Server-sent events", body = String, content_type = "text/event-stream"),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stream<E: Engine>(
    State(app): State<App<E>>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = params.only(&["last_event_id"])?;
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| Problem::busy())?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let last = last.or_else(|| params.get("last_event_id"));
    let from = match last {
        None => Cursor { time: app.now(), id: String::new() },
        Some(id) => cursor_of(id).ok_or_else(|| {
            let fix = "send the id of an event of this stream, or none";
            Problem::bad("bad_event_id", "the last event id is not one of this stream", fix)
        })?,
    };
    let mut feed = Feed::new(from, app.now(), permit);
    feed.look(&app).await?;
    let events = stream::unfold((app, feed), |(app, mut feed)| async move {
        let text = feed.next(&app).await?;
        Some((Ok::<_, Infallible>(text), (app, feed)))
    });
    Ok(event_stream(Body::from_stream(events)))
}

/// A response of server-sent events.
pub(crate) fn event_stream(body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// One open stream.
struct Feed {
    /// Where the stream has begun.
    from: Cursor,
    /// The time of the latest insight that it has sent.
    latest: Timestamp,
    /// What it has sent in the time that it looks back.
    sent: BTreeSet<Cursor>,
    is_begun: bool,
    ready: VecDeque<String>,
    beat_at: Timestamp,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    fn new(from: Cursor, now: Timestamp, permit: OwnedSemaphorePermit) -> Self {
        Self {
            latest: from.time,
            from,
            sent: BTreeSet::new(),
            is_begun: false,
            ready: VecDeque::from([format!("retry: {RETRY_MS}\n: connected\n\n")]),
            beat_at: now.plus(HEARTBEAT),
            _permit: permit,
        }
    }

    /// The next piece of the stream; `None` at its end.
    async fn next<E: Engine>(&mut self, app: &App<E>) -> Option<String> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                self.beat_at = app.now().plus(HEARTBEAT);
                return Some(text);
            }
            if app.is_closing() || !app.engine.streams() {
                return None;
            }
            if app.now() >= self.beat_at {
                self.ready.push_back(": heartbeat\n\n".to_owned());
                continue;
            }
            let news = app.engine.news().notified();
            select(pin!(news), pin!(app.engine.clock().sleep(STREAM_PAUSE))).await;
            // If the store fails, the stream goes on, and looks again.
            let _ = self.look(app).await;
        }
    }

    /// Finds what is new, oldest first.
    async fn look<E: Engine>(&mut self, app: &App<E>) -> Result<(), StoreError> {
        let since = self.latest.minus(STREAM_LOOK_BACK);
        let mut query = InsightQuery { since: Some(since), limit: STREAM_PAGE, ..InsightQuery::default() };
        let mut found: Vec<StoredInsight> = Vec::new();
        loop {
            let page = app.engine.store().insights(&query, app.now()).await?;
            found.extend(page.insights);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        found.reverse();
        for insight in found {
            let place = query.place(&insight);
            let is_before = !self.is_begun && place <= self.from;
            if self.sent.insert(place.clone()) && !is_before {
                self.latest = self.latest.max(place.time);
                self.ready.push_back(event(&place, &insight));
            }
        }
        self.is_begun = true;
        let kept_from = self.latest.minus(STREAM_LOOK_BACK);
        self.sent.retain(|place| place.time >= kept_from);
        Ok(())
    }
}

fn event(place: &Cursor, insight: &StoredInsight) -> String {
    let json = serde_json::to_string(insight).unwrap_or_default();
    format!("id: {}\nevent: insight\ndata: {json}\n\n", cursor_text(place))
}
