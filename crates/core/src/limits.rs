//! Every limit of the core, with its unit and its reason.
//!
//! Never: repeated as a literal in another file.

use std::time::Duration;

/// The size of an event, or of the body of one record in a batch, in bytes. Of a larger event, this much is parked.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Nesting levels of `{` and `[` in an event.
pub const EVENT_DEPTH_MAX: usize = 32;
/// The size of a batch of records, or of a JSON document of several lines, in bytes. A queue delivers at most 6 MB at
/// once.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Characters of an `entity_id` that is a token (`stu_4532`).
pub const ENTITY_TOKEN_CHARS_MAX: usize = 64;
/// Characters of an `entity_id` that is a name (`AP Calculus AB`).
pub const ENTITY_NAME_CHARS_MAX: usize = 128;
/// Characters of an `entity_id` of any form (an alarm's name, an ARN).
pub const ENTITY_ANY_CHARS_MAX: usize = 512;
/// Bytes of such an `entity_id`. An `alert_id` contains it, and a key of an index in DynamoDB has at most 2,048 bytes.
pub const ENTITY_ANY_BYTES_MAX: usize = 1800;
/// Bytes of a fact that is a text.
pub const FACT_TEXT_BYTES_MAX: usize = 256;
/// Bytes of each field of an event's envelope that are kept.
pub const ORIGIN_BYTES_MAX: usize = 256;
/// Characters of a `severity`.
pub const SEVERITY_CHARS_MAX: usize = 32;
/// Characters of an invalid value that a refusal quotes.
pub const QUOTED_CHARS_MAX: usize = 60;
/// Characters of what was done about an entity, such as `called`.
pub const ACTED_CHARS_MAX: usize = 64;
/// Characters of the id of an insight, as somebody writes it.
pub const ALERT_ID_CHARS_MAX: usize = 512;
/// How long outcomes and evaluation rows are retained: two years.
pub const OUTCOME_RETENTION: Duration = Duration::from_hours(2 * 365 * 24);
/// Insights whose evaluation rows are written at once.
pub const EVALUATION_PAGE: usize = 100;
/// The time in which insights were made whose evaluation rows are written before the progress is stored.
pub const EVALUATION_STEP: Duration = Duration::from_hours(24);
/// How old the maps of a store may be in a program that runs for long.
pub const MAPS_AGE_MAX: Duration = Duration::from_mins(10);
/// How long a program waits for the maps of its store before it works without them.
pub const MAPS_WAIT_MAX: Duration = Duration::from_millis(500);
/// The earliest year of an alert's timestamp. An earlier one is the zero value of a producer.
pub const TIMESTAMP_YEAR_MIN: i16 = 2000;
/// How long after its receipt an alert's timestamp can be. Clocks differ, and a day covers a wrong time zone.
pub const TIMESTAMP_AHEAD_MAX: Duration = Duration::from_hours(24);

/// The size of one `alert.toml`, in bytes.
pub const ALERT_TYPE_BYTES_MAX: usize = 256 * 1024;
/// Facts of one alert type.
pub const FACTS_MAX: usize = 32;
/// Steps in a fact's range. Above 2^53, a JSON number cannot hold every whole number exactly.
pub const FACT_STEPS_MAX: f64 = 9_007_199_254_740_992.0;
/// The longest `repeat_window`. A claim is retained this long, and a later repeat would not be recognized.
pub const REPEAT_WINDOW_MAX: Duration = Duration::from_hours(90 * 24);
/// The default of `stale_after`, as it is written and as a duration: an older alert is marked as stale.
pub const STALE_AFTER: (&str, Duration) = ("7d", Duration::from_hours(7 * 24));
/// The default of `answer_reuse`, as it is written and as a duration.
pub const ANSWER_REUSE: (&str, Duration) = ("24h", Duration::from_hours(24));
/// How long an answer is looked for, or stored, before a run goes on without it.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// How long a process remembers a fresh answer itself. A table may show it to a reader only a moment later.
pub const FRESH_ANSWER_TIME: Duration = Duration::from_secs(5);
/// The longest `stale_after`, `answer_reuse` and `quiet_after`: ten years.
pub const HANDLING_DURATION_MAX: Duration = Duration::from_hours(3650 * 24);
/// The most answers of a model for one alert (`samples`).
pub const ANSWER_SAMPLES_MAX: u8 = 5;

/// How long a producer must be silent about an entity until it counts as recovered, if the alert type does not say so.
pub const QUIET_AFTER: Duration = Duration::from_hours(7 * 24);
/// A risk is worse than the one before if it is higher by this many points.
pub const RISK_STEP: f64 = 5.0;
/// A risk is worse than the one before if it passes one of these scores.
pub const RISK_THRESHOLDS: [f64; 2] = [60.0, 80.0];
/// The parts of the worklist's index. One part would take all writes of a large table.
pub const WORKLIST_SHARDS: u8 = 16;
/// Characters of a note, an assignee or a name in a piece of feedback.
pub const FEEDBACK_CHARS_MAX: usize = 1000;
/// Tries of a write to an entity's row that another writer changes at the same time.
pub const ENTITY_TRIES_MAX: usize = 5;

/// The lowest risk score.
pub const RISK_SCORE_MIN: f64 = 0.0;
/// The highest risk score.
pub const RISK_SCORE_MAX: f64 = 100.0;
/// The minimum number of recommendations of an insight.
pub const RECOMMENDATIONS_MIN: usize = 2;
/// The maximum number of recommendations of an insight.
pub const RECOMMENDATIONS_MAX: usize = 3;

/// How long an insight, its claim and a parked event are retained.
pub const RETENTION: Duration = Duration::from_hours(90 * 24);
/// The time to process one event, from its receipt, if the environment sets no deadline.
pub const EVENT_DEADLINE: Duration = Duration::from_mins(1);
/// The longest time to process one event, in any program: Lambda's limit.
pub const EVENT_DEADLINE_MAX: Duration = Duration::from_mins(15);
/// How long a lease lasts after its owner's deadline, so that a slow clock does not let two owners overlap.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);
/// The longest duration of a lease. A lease that expires later was taken with a clock that is ahead, and is ignored.
pub const LEASE_MAX: Duration = EVENT_DEADLINE_MAX.saturating_add(LEASE_MARGIN);
/// Model calls for one claim, over all models and all runs.
pub const CALLS_MAX: u32 = 5;
/// Model calls for one upgrade.
pub const UPGRADE_CALLS_MAX: u32 = 2;
/// Upgrade attempts for one degraded insight.
pub const UPGRADES_MAX: u32 = 2;
/// Attempts at one store operation, the first one included.
pub const STORE_TRIES_MAX: u32 = 3;
/// The time of one try of a store operation. No retry starts with less.
pub const STORE_TRY_TIME: Duration = Duration::from_secs(1);
/// The backoff before the first retry of a store operation. It doubles with each retry.
pub const STORE_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The first pause while another worker holds the claim. It doubles each time.
pub const BUSY_PAUSE_MIN: Duration = Duration::from_millis(5);
/// The longest pause while another worker holds the claim.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_millis(250);
/// The age at which a repeat publishes an unpublished insight. Before that, the worker that made the insight is still
/// about to publish it.
pub const NOTIFY_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The minimum time left to publish a notification. With less, the next sweep publishes it.
pub const NOTIFY_TIME_MIN: Duration = Duration::from_secs(2);
/// Insights that one sweep processes concurrently.
pub const SWEEP_CONCURRENCY: usize = 8;
/// Entities that are read at the same time, where many are.
pub const ENTITIES_READ_AT_ONCE: usize = 16;
/// Insights that a sweep reads in one page.
pub const SWEEP_PAGE: usize = 100;
/// Failed notifications that end a sweep, because the bus is down.
pub const NOTIFY_FAILURES_MAX: usize = 3;
/// The granularity of expiry times.
pub const EXPIRY_GRANULARITY: Duration = Duration::from_secs(1);
/// Insights or parked events on one page of a query.
pub const PAGE_MAX: usize = 1000;
/// The latest scores of an alert type that an entity's row has, for a small chart of it.
pub const SCORES_MAX: usize = 12;

/// Bytes of an accepted reply that are stored with its insight.
pub const REPLY_STORED_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a rejected reply that are stored with its attempt.
pub const REJECTED_REPLY_STORED_BYTES_MAX: usize = 2 * 1024;
/// The pause before a failed upgrade is retried. It is shorter than [`LEASE_MAX`] by more than clocks differ, so that
/// every worker respects it, and shorter than the time between two sweeps.
pub const UPGRADE_PAUSE: Duration = Duration::from_mins(10);
/// The size of a reply's text, in bytes. An answer needs about 2 KiB. The rest leaves room for reasoning before it.
pub const REPLY_BYTES_MAX: usize = 256 * 1024;
/// Nesting levels of `{` and `[` in a reply. This bounds the recursion of the parser, so that no reply overflows the
/// stack.
pub const REPLY_DEPTH_MAX: usize = 64;
/// Characters of an `explanation`, without white space at its ends.
pub const EXPLANATION_CHARS_MAX: usize = 10_000;
/// How often an `explanation` can repeat a sentence, the first time included.
pub const SENTENCE_REPEATS_MAX: usize = 2;
/// Characters of one recommendation, without white space at its ends.
pub const RECOMMENDATION_CHARS_MAX: usize = 2_000;
/// Characters of a driver's `because`. Even with a driver for each fact and every character escaped, an accepted answer
/// fits into [`REPLY_BYTES_MAX`], so that it can be read again.
pub const BECAUSE_CHARS_MAX: usize = 500;

/// Calls to one model for one alert. A call that only reveals that the model refuses the native schema is not counted.
pub const MODEL_CALLS_MAX: usize = 2;
/// The default timeout of one attempt, including the body of the response.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// Calls to one model at the same time, if its settings do not say it.
pub const MODEL_CONCURRENCY: usize = 64;
/// The minimum time left to start a call.
pub const ATTEMPT_TIME_MIN: Duration = Duration::from_secs(5);
/// The time that an attempt leaves for the next model: the minimum for a call, and a second to count the call in the
/// store.
pub const NEXT_MODEL_TIME: Duration = ATTEMPT_TIME_MIN.saturating_add(Duration::from_secs(1));
/// The part of an event's time that is reserved for storing its insight.
pub const STORE_RESERVE: Duration = Duration::from_secs(3);
/// The shortest backoff before a retry, if the model did not say how long to wait.
pub const RETRY_PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest such backoff. The backoff is drawn uniformly between the two, so that callers do not retry in step.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// The limit of output tokens in a first call. An answer has about 200.
pub const OUTPUT_TOKENS: u32 = 1000;
/// The limit of output tokens in a call after a truncated reply.
pub const OUTPUT_TOKENS_LONGER: u32 = 4000;
/// Consecutive transient failures that open a model's breaker.
pub const TRANSIENT_FAILURES_MAX: u32 = 5;
/// The time from a transient failure that opened a breaker, or reopened it, to the next probe.
pub const TRANSIENT_PROBE_PAUSE: Duration = Duration::from_secs(30);
/// The time from a configuration or quota error to the next probe. It is longer because a person has to act first.
pub const CONFIGURATION_PROBE_PAUSE: Duration = Duration::from_mins(5);
/// How long the chain remembers that a model refuses the native schema.
pub const SCHEMA_REFUSAL_RETENTION: Duration = Duration::from_hours(24);
/// How long the chain remembers that a call with the native schema timed out. It is short because a vendor compiles a
/// new schema within minutes. Until then, each alert would otherwise lose the time of one attempt.
pub const SCHEMA_TIMEOUT_RETENTION: Duration = Duration::from_mins(5);
/// How long the chain remembers that a model accepted the native schema, and then gave no usable reply.
pub const SCHEMA_USELESS_RETENTION: Duration = Duration::from_hours(24);
/// Bytes of a rejected reply that are quoted back to the model in the re-ask. A longer reply is not an answer.
pub const REJECTED_TEXT_BYTES_MAX: usize = 8 * 1024;
/// Characters of an `explanation` in the bounded schema. With the two below, a reply has at most about 450 tokens, also
/// of a small model that would not end by itself.
pub const SCHEMA_EXPLANATION_CHARS_MAX: usize = 500;
/// The tokens of the longest reply that the bounded schema allows, about.
pub const SCHEMA_REPLY_TOKENS: u64 = 450;
/// Characters of a `because` in the bounded schema.
pub const SCHEMA_BECAUSE_CHARS_MAX: usize = 140;
/// Characters of a recommendation in the bounded schema.
pub const SCHEMA_RECOMMENDATION_CHARS_MAX: usize = 140;
/// The difference of a model's and the scorecard's score from which an insight says that they disagree, in points.
pub const DISAGREEMENT_MIN: f64 = 30.0;
/// The difference from which the higher of the two scores decides whether an insight is listed, in points.
pub const DISAGREEMENT_LISTED_MIN: f64 = 40.0;
