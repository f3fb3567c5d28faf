//! Every bound of the adapters, with its unit and its reason.
//!
//! Never: defines a bound that another file repeats as a literal.

use std::time::Duration;

/// The time to open a connection: DNS, TCP and TLS. It does not count as part of the exchange, because a slow machine
/// connects only once.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an unused connection to AWS stays open in a program that is never frozen. A model's call takes up to 20 s,
/// and the next request to the table should not have to connect again.
pub const UNFROZEN_CONNECTION_IDLE_MAX: Duration = Duration::from_mins(1);
/// How long any other unused connection stays open. AWS freezes a Lambda between events; by the time it wakes, the other end
/// has closed older connections.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(20);
/// The size of a response from a model, the bus or a secret. Even the longest reply is far smaller.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The time to fetch AWS credentials. A `credential_process` may have to renew them first.
pub const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long before their expiry credentials are fetched again.
pub const CREDENTIALS_REFRESH: Duration = Duration::from_mins(1);
/// How long credentials without an expiry are used before they are fetched again, because they may have been rotated.
pub const CREDENTIALS_CACHE_TIME: Duration = Duration::from_mins(15);
/// The smallest clock error, in milliseconds, that can be the reason for a refused signature. AWS allows five minutes.
pub const CLOCK_SKEW_MIN_MILLIS: u64 = 60_000;

/// How long a clock error is remembered. Then the machine's own time is tried again.
pub const CLOCK_SKEW_RETENTION: Duration = Duration::from_mins(5);

/// The time for one operation on the table, without connecting. Most take 5 ms. Three tries fit into the time that an
/// event reserves for storing its insight.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(1);
/// The size of a response from the table: 16 MB of items, written as JSON.
pub const TABLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The time to put one event on the bus. The sweep publishes it later if this is too short.
pub const NOTIFY_TIMEOUT: Duration = Duration::from_secs(1);
/// The insights of which a process remembers who has received them while somebody else has not.
pub const PARTLY_SENT_MAX: usize = 1_000;
/// The time to send one message to a channel for people.
pub const CHANNEL_TIMEOUT: Duration = Duration::from_secs(3);
/// The steps that a template may take for one message. Those of the program take some hundreds.
pub const TEMPLATE_FUEL: u64 = 50_000;
/// The most events in one request to the bus: EventBridge's own limit.
pub const EVENTS_AT_ONCE: usize = 10;
/// The time to read the secret that contains a key.
pub const SECRET_TIMEOUT: Duration = Duration::from_secs(3);
/// The time to read one page of the table: up to 1 MB, or 16 MB of parked events.
pub const PAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most tries to read a page. The pipeline retries writes, but no caller retries a page.
pub const PAGE_TRIES_MAX: usize = 4;
/// The pause before the first retry of a page. It doubles with each retry.
pub const PAGE_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The most items that one request reads by key: DynamoDB's own limit.
pub const ITEMS_AT_ONCE: usize = 100;
/// The most parked events that one request reads; each is up to 64 KiB.
pub const EVENTS_READ_AT_ONCE: usize = 10;
/// The fewest items that one page of a query asks for.
pub const QUERY_PAGE_MIN: usize = 25;
/// The most partitions that are read at once. A partition is an alert type or a day.
pub const PARTITIONS_READ_AT_ONCE: usize = 8;
/// The most tries to claim an alert whose claim other workers change at the same time.
pub const CLAIM_TRIES_MAX: usize = 3;
/// How long a process uses the list of forgotten entities before it reads it again.
pub const FORGOTTEN_CACHE_TIME: Duration = Duration::from_mins(5);
/// The length of a day's partition.
pub const DAY: Duration = Duration::from_hours(24);

/// How long a key is used before it is read again, because it may have been rotated.
pub const KEY_CACHE_TIME: Duration = Duration::from_mins(5);

/// The output tokens that are added to the limit for a model that may think first. A thought that is cut off leaves no
/// reply, and unused tokens cost nothing; but a small server refuses a limit that exceeds its context.
pub const THINKING_TOKENS: u32 = 2000;
/// The limit of output tokens for an unknown model. Some models refuse a higher one.
pub const UNKNOWN_OUTPUT_TOKENS_MAX: u32 = 4096;

/// How long a parameter that a model refused is not sent to it.
pub const PARAMETER_REFUSAL_RETENTION: Duration = Duration::from_hours(24);
/// The shortest time limit of a model's call in the settings.
pub const TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// The longest such limit. Two calls fit into the longest time of an event, 15 minutes.
pub const TIMEOUT_MAX: Duration = Duration::from_mins(7);
/// The most calls to one model at the same time in the settings.
pub const CONCURRENCY_MAX: usize = 1024;
/// The timeout of one call to a model on this machine. It has no other users, and its processor is slow.
pub const LOOPBACK_TIMEOUT: Duration = Duration::from_mins(2);
/// Calls at the same time to a model on this machine.
pub const LOOPBACK_CONCURRENCY: usize = 2;
/// The pause before a server on this machine that still loads its model is asked again.
pub const LOADING_PAUSE: Duration = Duration::from_secs(1);
/// The time to ask a server on this machine for the size of its context.
pub const CONTEXT_TIME_MAX: Duration = Duration::from_secs(3);
/// The bytes of a plain text that are read as an error.
pub const ERROR_TEXT_BYTES_MAX: usize = 4096;
/// Bytes of a prompt per token, to estimate whether it is long enough for the vendor's prompt cache.
pub const BYTES_PER_TOKEN: usize = 4;

/// The length of a vendor's error code or stop reason. Anything longer is text, which is never repeated.
pub const CODE_CHARS_MAX: usize = 64;
/// The length of a model id in the settings or in a response. The longest ARN is shorter.
pub const MODEL_ID_CHARS_MAX: usize = 2048;
/// The length of a label that is derived from a model id.
pub const LABEL_CHARS_MAX: usize = 80;
/// Documents of one batch that are stored at the same time.
pub(crate) const DOCUMENTS_PUT_AT_ONCE: usize = 8;
