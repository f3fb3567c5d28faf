//! Corrects this machine's clock for signatures, because AWS refuses a request whose time is five minutes off.
//!
//! Never: corrects any other time. A store whose conditions contain the time refuses to work meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portend_core::time::Timestamp;
use tokio::time::Instant;

use super::error::error_type;
use crate::limits::{CLOCK_SKEW_MIN_MILLIS, CLOCK_SKEW_RETENTION};
use crate::response::Response;

/// The correction that is added to this machine's time: none until AWS refuses a request because of the time, and none
/// after [`CLOCK_SKEW_RETENTION`], because somebody may have set the clock.
#[derive(Debug, Default)]
pub(super) struct Skew {
    learned: Mutex<Option<(i64, Instant)>>,
}

/// The codes with which AWS refuses a request because of its time. The last three can have other reasons too.
const REFUSALS: [&str; 6] = [
    "RequestTimeTooSkewed",
    "RequestExpired",
    "RequestInTheFuture",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
];

impl Skew {
    /// The time to sign with.
    pub(super) fn correct(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis().saturating_add(self.millis().unwrap_or(0)))
    }

    /// By how much the clock is wrong, if it is known to be.
    pub(super) fn wrong_by(&self) -> Option<Duration> {
        self.millis().map(|millis| Duration::from_millis(millis.unsigned_abs()))
    }

    fn millis(&self) -> Option<i64> {
        let learned = *self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.filter(|(_, at)| at.elapsed() < CLOCK_SKEW_RETENTION).map(|(millis, _)| millis)
    }

    /// Adopts the time of a refusal if it is far from the time at which the request was signed. Returns whether it did:
    /// if so, the same request may succeed with a new signature.
    pub(super) fn learn(&self, response: &Response, now: Timestamp, signed: Timestamp) -> bool {
        let Some(date) = response.time("date") else { return false };
        if date.as_millis().abs_diff(signed.as_millis()) < CLOCK_SKEW_MIN_MILLIS {
            return false;
        }
        let body = response.json().unwrap_or_default();
        let is_about_time = error_type(response, &body).is_some_and(|code| REFUSALS.contains(&code));
        if is_about_time {
            let millis = date.as_millis().saturating_sub(now.as_millis());
            *self.learned.lock().unwrap_or_else(PoisonError::into_inner) = Some((millis, Instant::now()));
        }
        is_about_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_corrected_once() {
        let now = Timestamp::parse("2026-11-01T12:00:00Z").unwrap();
        let response =
            |code, date| Response::scripted(400, &[("x-amzn-errortype", code), ("date", date)], "");
        for (code, date, corrected) in [
            ("RequestTimeTooSkewed", "Sun, 01 Nov 2026 12:10:00 GMT", Some("2026-11-01T12:10:00Z")),
            ("InvalidSignatureException", "Sun, 01 Nov 2026 11:40:00 GMT", Some("2026-11-01T11:40:00Z")),
            ("SignatureDoesNotMatch", "Sun, 01 Nov 2026 12:00:01 GMT", None),
            ("RequestTimeTooSkewed", "yesterday", None),
            ("AccessDeniedException", "Sun, 01 Nov 2026 12:10:00 GMT", None),
        ] {
            let skew = Skew::default();
            assert_eq!(skew.learn(&response(code, date), now, now), corrected.is_some(), "{code} {date}");
            let expected = corrected.map_or(now, |time| Timestamp::parse(time).unwrap());
            assert_eq!(skew.correct(now), expected, "{code} {date}");
            let again = skew.learn(&response(code, date), now, skew.correct(now));
            assert_eq!(skew.wrong_by().is_some(), corrected.is_some(), "{code} {date}");
            assert!(!again, "the corrected time cannot be the reason of a refusal");
        }
    }
}
