//! How far this machine's clock is from AWS's, which refuses a request that was signed five minutes off.

use std::sync::atomic::{AtomicI64, Ordering};

use portend_core::time::Timestamp;

use super::error::error_type;
use crate::limits::CLOCK_SKEW_MIN_MILLIS;
use crate::response::Response;

/// What is added to this machine's time. Nothing, until AWS refuses a request because of it.
#[derive(Debug, Default)]
pub(super) struct Skew {
    millis: AtomicI64,
}

/// What AWS says of a request that was signed at another time. The last three can also mean what they say.
const REFUSALS: [&str; 6] = [
    "RequestTimeTooSkewed",
    "RequestExpired",
    "RequestInTheFuture",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
];

impl Skew {
    /// The time to sign with, by the machine's.
    pub(super) fn correct(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis().saturating_add(self.millis.load(Ordering::Relaxed)))
    }

    /// Takes the time of a refusal for right, if it is far from when the request was signed. Returns whether it is: then
    /// the same request, signed anew, may be accepted.
    pub(super) fn learn(&self, response: &Response, now: Timestamp, signed: Timestamp) -> bool {
        let Some(date) = response.time("date") else { return false };
        if date.as_millis().abs_diff(signed.as_millis()) < CLOCK_SKEW_MIN_MILLIS {
            return false;
        }
        let body = response.json().unwrap_or_default();
        let is_why = error_type(response, &body).is_some_and(|code| REFUSALS.contains(&code));
        if is_why {
            self.millis.store(date.as_millis().saturating_sub(now.as_millis()), Ordering::Relaxed);
        }
        is_why
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_corrected_once() {
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
            assert!(!again, "signed with the corrected time, the time is not what is wrong");
        }
    }
}
