//! Has every limit of the routes, with its unit and its reason.
//!
//! Never: repeated as a literal in another file.

use std::time::Duration;

/// The size of a request's body, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The longest line of a file of outcomes, in bytes. The rest of a longer one is not read, and it is refused.
pub const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// Refused rows of what happened that are named at most.
pub const OUTCOME_PROBLEMS_MAX: usize = 100;
/// The size of a request's head, in bytes.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The time in which a request's head, and then its body, must arrive.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// Open connections from one address.
pub const CONNECTIONS_PER_PEER_MAX: usize = 256;
/// Open connections in all.
pub const CONNECTIONS_MAX: usize = 1024;
/// Requests that are answered at the same time. More get 503 and are worth a retry.
pub const REQUESTS_MAX: usize = 256;
/// Open live streams.
pub const STREAMS_MAX: usize = 128;
/// The pause that a shed request is asked to make, in seconds.
pub const RETRY_AFTER_SECS: u32 = 1;

/// The shortest token of a server that other machines can reach, in characters.
pub const TOKEN_CHARS_MIN: usize = 16;

/// How old a signature may be, and how far in the future its time.
pub const SIGNATURE_AGE_MAX: Duration = Duration::from_mins(5);

/// Insights or parked events on a page, if the request does not say how many.
pub const PAGE_DEFAULT: usize = 50;
/// Insights that one request reads at most, newest first, to sort them or to find those that pass a filter.
pub const FILTER_READ_MAX: usize = 10_000;
/// Insights, the newest first, whose entities are looked up to count those that are done.
pub const DONE_READ_MAX: usize = 1_000;
/// The bytes of a cursor.
pub const CURSOR_BYTES_MAX: usize = 1024;

/// The pause between two heartbeats of a live stream.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// The pause after which a live stream looks for insights that other processes stored.
pub const STREAM_PAUSE: Duration = Duration::from_secs(1);
/// How far a stream looks back. An insight is stored a moment after the time that it carries.
pub const STREAM_LOOK_BACK: Duration = Duration::from_secs(30);
/// Insights that one look of a stream reads.
pub const STREAM_PAGE: usize = 200;

/// How long the totals of the original dashboard are reused.
pub const TOTALS_RETENTION: Duration = Duration::from_mins(1);
/// Different questions whose totals are reused.
pub const TOTALS_MAX: usize = 64;
/// The latest insights in the stream of the original dashboard.
pub const ORIGINAL_STREAM_INSIGHTS: usize = 10;

/// Open entities that the worklist reads at most, the highest risk first. So its time does not grow with the store.
pub const WORKLIST_READ_MAX: usize = 500;
/// Open entities that are read at most to find some by name or by state.
pub const SEARCH_READ_MAX: usize = 2000;
/// Entities on the first page of the console.
pub const WORKLIST_ROWS: usize = 30;
/// Insights of an entity in its timeline.
pub const TIMELINE_INSIGHTS: usize = 100;
/// How old the figures of the page of quality may be. They are computed from everything that is stored.
pub const FIGURES_AGE_MAX: Duration = Duration::from_mins(1);
/// Figures that take long to compute are used for so many times as long, up to [`FIGURES_OLDEST`].
pub const FIGURES_AGE_TIMES: u32 = 20;
/// How old such figures may be at most.
pub const FIGURES_OLDEST: Duration = Duration::from_mins(10);
/// How long a response about one insight waits for the figures, to say why the insight has no probability.
pub const FIGURES_WAIT_MAX: Duration = Duration::from_secs(1);
