//! Every bound of the adapters, in one place, each with its unit and its reason.
//!
//! Never: a bound that some other file repeats as a literal.

use std::time::Duration;

/// To open a connection: name, TCP and TLS. It counts apart from the exchange, since a slow machine needs it once.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an unused connection is kept. A Lambda is frozen between events, and wakes with connections that the
/// other end has long closed.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(20);
/// The body of a response of a model, the bus or a secret. A reply of the largest ceiling that is asked for is far
/// below it.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// To fetch AWS credentials. A program that prints them may have to renew them first.
pub const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long before they expire credentials are fetched anew.
pub const CREDENTIALS_REFRESH: Duration = Duration::from_mins(1);
/// How long credentials that do not expire are used, so that rotated ones are noticed.
pub const CREDENTIALS_KEPT: Duration = Duration::from_mins(15);
/// The least that a clock is off to be why a signature is refused: a minute. AWS allows five.
pub const CLOCK_SKEW_MIN_MILLIS: u64 = 60_000;

/// One operation on the table, from when a connection takes the request. Most take 5 ms; three tries fit what is kept
/// of an event's time to store its insight.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(1);
/// The body of a response of the table: 16 MB of items, as JSON writes them.
pub const TABLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// One event put on the bus. Nobody waits longer to notify; the sweep notifies of what is left.
pub const TELL_TIMEOUT: Duration = Duration::from_secs(1);
/// Events of one request to the bus: EventBridge's own limit.
pub const EVENTS_AT_ONCE: usize = 10;
/// One reading of the secret that holds a key.
pub const SECRET_TIMEOUT: Duration = Duration::from_secs(3);
/// One page that is read of the table, which can be 1 MB, or 16 MB of parked events.
pub const PAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Times that a page is tried. A write is tried again by the pipeline; nobody else tries a page again.
pub const PAGE_TRIES_MAX: u32 = 4;
/// The pause before a page is tried again; it doubles.
pub const PAGE_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// Items that are read from the table by key at once: DynamoDB's own limit.
pub const ITEMS_AT_ONCE: usize = 100;
/// Parked events that are read at once, of up to 64 KiB each.
pub const EVENTS_READ_AT_ONCE: usize = 10;
/// Items of one page of a query of the table, at least.
pub const QUERY_PAGE_MIN: usize = 25;
/// Days of which what is due is read at once.
pub const DAYS_AT_ONCE: usize = 8;
/// Looks at a claim that other workers change between the looks.
pub const LOOKS_MAX: usize = 3;
/// A day, as partitions are named.
pub const DAY: Duration = Duration::from_hours(24);

/// How long a key is used before it is read again, so that a rotated one is noticed.
pub const KEY_KEPT: Duration = Duration::from_mins(5);

/// Tokens beyond the ceiling asked for, where a model may think first. A thought cut short answers nothing, and
/// what is not thought is not paid for; but a small server refuses more than its context holds.
pub const THINKING_TOKENS: u32 = 2000;
/// The ceiling for a model of which nothing is known: more than some take would be refused.
pub const UNKNOWN_OUTPUT_TOKENS_MAX: u32 = 4096;

/// Characters of a vendor's error code or stop reason; a longer one is text, and text is not repeated.
pub const CODE_CHARS_MAX: usize = 64;
/// Characters of a model id, as configured or as a response says. The longest ARN is shorter.
pub const MODEL_ID_CHARS_MAX: usize = 2048;
/// Characters of a label that is made from a model id.
pub const LABEL_CHARS_MAX: usize = 80;
