//! Every bound of the core, in one place, each with its unit and its reason.
//!
//! Takes: nothing.
//! Gives: constants.
//! Never: a bound that some other file repeats as a literal.

use std::time::Duration;

/// An event, or one record's body of a batch: the size of the largest event that is read, in bytes. It is
/// also as much of a refused event as is kept.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Levels of `{` and `[` in an event.
pub const EVENT_DEPTH_MAX: usize = 32;
/// A whole batch of records, or a JSON document of several lines. Queues hand over at most 6 MB at once.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Characters of an `entity_id` that is a token (`stu_4532`).
pub const ENTITY_TOKEN_CHARS_MAX: usize = 64;
/// Characters of an `entity_id` that is a name (`AP Calculus AB`).
pub const ENTITY_NAME_CHARS_MAX: usize = 128;
/// Characters of a `severity`.
pub const SEVERITY_CHARS_MAX: usize = 32;
/// Characters of an offending value that a refusal quotes.
pub const QUOTED_CHARS_MAX: usize = 60;
/// The first year that an alert's timestamp can have; an earlier one is a producer's zero value.
pub const TIMESTAMP_YEAR_MIN: i16 = 2000;
/// How far an alert's timestamp may lie after its receipt. Clocks differ; a day covers a wrong zone.
pub const TIMESTAMP_AHEAD_MAX: Duration = Duration::from_hours(24);

/// The size of one `alert.toml`, in bytes.
pub const ALERT_TYPE_BYTES_MAX: usize = 256 * 1024;
/// Facts of one alert type.
pub const FACTS_MAX: usize = 32;
/// Steps in a fact's range: above 2^53 a whole number no longer fits the numbers of JSON.
pub const FACT_STEPS_MAX: f64 = 9_007_199_254_740_992.0;
/// The longest `repeat_window`. Past the claim's own life a repeat could not be known as one.
pub const REPEAT_WINDOW_MAX: Duration = Duration::from_hours(90 * 24);

/// The ends of the scale on which every risk score stands.
pub const RISK_SCORE_MIN: f64 = 0.0;
/// See [`RISK_SCORE_MIN`].
pub const RISK_SCORE_MAX: f64 = 100.0;
/// Recommendations of an insight, at least.
pub const RECOMMENDATIONS_MIN: usize = 2;
/// Recommendations of an insight, at most.
pub const RECOMMENDATIONS_MAX: usize = 3;

/// How long an insight, its claim and a parked event are retained.
pub const RETENTION: Duration = Duration::from_hours(90 * 24);
/// The time from receipt to the end of work for one event, where the surroundings give none.
pub const EVENT_DEADLINE: Duration = Duration::from_mins(1);
/// The longest time that any program has for one event: Lambda's own limit.
pub const EVENT_DEADLINE_MAX: Duration = Duration::from_mins(15);
/// How far a lease outlives its holder's deadline, so that two holders never overlap by a slow clock.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);
/// How long a lease can last. One that ends later was taken under a clock that is ahead, and is not honoured.
pub const LEASE_MAX: Duration = EVENT_DEADLINE_MAX.saturating_add(LEASE_MARGIN);
/// Model calls of one claim, all models and all runs together.
pub const CALLS_MAX: u32 = 5;
/// Model calls of one upgrade.
pub const UPGRADE_CALLS_MAX: u32 = 2;
/// Upgrades that may be tried for one degraded insight.
pub const UPGRADES_MAX: u32 = 2;
/// Times that one store operation is tried.
pub const STORE_TRIES_MAX: u32 = 3;
/// The pause before the first retry of a store operation; it doubles.
pub const STORE_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The first pause while another worker holds the claim; it doubles.
pub const BUSY_PAUSE_MIN: Duration = Duration::from_millis(5);
/// The longest pause while another worker holds the claim.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_millis(250);
/// How old an untold insight must be before a repeat tells it; until then, whoever made it is at it.
pub const NOTIFY_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The time that must be left to tell of an insight; else the sweep tells.
pub const NOTIFY_TIME_MIN: Duration = Duration::from_secs(2);
/// Insights that one sweep works on at once.
pub const SWEEP_CONCURRENCY: usize = 8;
/// Insights that a sweep reads at once.
pub const SWEEP_PAGE: usize = 100;
/// Failures to tell that end a sweep: the bus is down.
pub const NOTIFY_FAILURES_MAX: usize = 3;
/// The step in which things expire.
pub const EXPIRY_GRANULARITY: Duration = Duration::from_secs(1);
/// Insights or parked events on one page of a query.
pub const PAGE_MAX: usize = 1000;

/// Bytes of an accepted reply that its insight keeps.
pub const REPLY_STORED_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a refused reply that its attempt keeps.
pub const REJECTED_REPLY_STORED_BYTES_MAX: usize = 2 * 1024;
/// The pause before a failed upgrade may be tried again.
pub const UPGRADE_PAUSE: Duration = Duration::from_mins(15);
/// A reply's text, in bytes. An answer needs some 2 KiB; the rest is for reasoning before it.
pub const REPLY_BYTES_MAX: usize = 256 * 1024;
/// Levels of `{` and `[` in a reply. It bounds the parser's recursion, so that no reply overflows the stack.
pub const REPLY_DEPTH_MAX: usize = 64;
/// Characters of an `explanation`, white space at its ends not counted.
pub const EXPLANATION_CHARS_MAX: usize = 10_000;
/// How often an `explanation` can say one sentence.
pub const SENTENCE_REPEATS_MAX: usize = 2;
/// Characters of one recommendation, white space at its ends not counted.
pub const RECOMMENDATION_CHARS_MAX: usize = 2_000;
/// Characters of a driver's `because`. With a driver for each fact of a type, an accepted answer still fits
/// [`REPLY_BYTES_MAX`] when all its characters are escaped, so that it can be read again.
pub const BECAUSE_CHARS_MAX: usize = 500;

/// Calls to one model for one alert, those that only learn that it needs the prompt alone not counted.
pub const MODEL_CALLS_MAX: usize = 2;
/// The time of one attempt, the response's body included.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// The time that must be left for a call to start.
pub const ATTEMPT_TIME_MIN: Duration = Duration::from_secs(5);
/// What an attempt leaves the next model: the least time for a call, and a second to count it in the store.
pub const NEXT_MODEL_TIME: Duration = ATTEMPT_TIME_MIN.saturating_add(Duration::from_secs(1));
/// The part of an event's time that is reserved to store its insight.
pub const STORE_RESERVE: Duration = Duration::from_secs(3);
/// The shortest pause before a model is tried again that did not say how long to wait.
pub const RETRY_PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest such pause. The pauses between are equally likely, so that callers do not come back together.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Output tokens that are asked for at first. An answer has about 200.
pub const OUTPUT_TOKENS: u32 = 1000;
/// Output tokens that are asked for after a reply was cut off.
pub const OUTPUT_TOKENS_LONGER: u32 = 4000;
/// Transient failures in a row that open a model's breaker.
pub const TRANSIENT_FAILURES_MAX: u32 = 5;
/// The time from a transient failure that opened a breaker, or kept it open, to the next probe.
pub const TRANSIENT_PROBE_PAUSE: Duration = Duration::from_secs(30);
/// The time from a configuration or quota error to the next probe. A person has to act first.
pub const CONFIGURATION_PROBE_PAUSE: Duration = Duration::from_mins(5);
/// How long it is remembered that a model refuses the native schema.
pub const SCHEMA_REFUSAL_RETENTION: Duration = Duration::from_hours(24);
/// How long it is remembered that the native schema took too long. A vendor compiles a new one within
/// minutes, so this is short; without it each alert of those minutes would lose an attempt's time.
pub const SCHEMA_TIMEOUT_RETENTION: Duration = Duration::from_mins(5);
/// Bytes that are kept of a reply that was not accepted, and quoted back to the model. A longer one is no
/// answer.
pub const REJECTED_TEXT_BYTES_MAX: usize = 8 * 1024;
