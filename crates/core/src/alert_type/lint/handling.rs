//! Checks the keys that say how alerts of a type are handled, and makes a [`Handling`] from them.

use std::time::Duration;

use toml::Spanned;

use super::super::handling::{Dashboard, Handling, WrittenDuration};
use super::super::wire::AlertTypeToml;
use super::Lint;
use crate::limits::{ANSWER_REUSE, ANSWER_SAMPLES_MAX, HANDLING_DURATION_MAX, STALE_AFTER};

impl Lint<'_> {
    pub(super) fn handling(&mut self, written: &AlertTypeToml) -> Handling {
        let stale_after = self.duration_or("stale_after", written.stale_after.as_ref(), STALE_AFTER);
        let answer_reuse = self.duration_or("answer_reuse", written.answer_reuse.as_ref(), ANSWER_REUSE);
        let quiet_after = written.quiet_after.as_ref().map(|quiet_after| {
            let quiet_after = self.written_duration("quiet_after", quiet_after, HANDLING_DURATION_MAX);
            if quiet_after.duration.is_zero() {
                let at = written.quiet_after.as_ref().map_or(0..0, Spanned::span);
                self.report(at, "`quiet_after` is zero", "write a duration such as `72h`, or remove the key");
            }
            quiet_after
        });
        let samples = written.samples.as_ref().map_or(1, |samples| {
            let known = u8::try_from(*samples.get_ref()).ok();
            known.filter(|samples| (1..=ANSWER_SAMPLES_MAX).contains(samples)).unwrap_or_else(|| {
                self.report(samples.span(), "`samples` is out of range", "use 1 to 5 answers");
                1
            })
        });
        let category = written.dashboard.as_ref().map_or(&written.id, |dashboard| &dashboard.category);
        if category.get_ref() != written.id.get_ref() {
            self.id(category, "`category`");
        }
        Handling {
            stale_after,
            answer_reuse,
            quiet_after,
            samples,
            verify: written.verify.unwrap_or(false),
            dashboard: Dashboard { category: category.get_ref().clone() },
        }
    }

    fn duration_or(
        &mut self,
        key: &str,
        written: Option<&Spanned<String>>,
        (text, duration): (&str, Duration),
    ) -> WrittenDuration {
        match written {
            Some(written) => self.written_duration(key, written, HANDLING_DURATION_MAX),
            None => WrittenDuration { text: text.into(), duration },
        }
    }

    fn written_duration(&mut self, key: &str, written: &Spanned<String>, max: Duration) -> WrittenDuration {
        WrittenDuration { text: written.get_ref().clone(), duration: self.duration(key, written, max) }
    }

    /// Reads a duration of whole seconds, at most `max`.
    pub(super) fn duration(&mut self, key: &str, written: &Spanned<String>, max: Duration) -> Duration {
        let days_are_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
        let parsed = written.get_ref().parse::<jiff::Span>().ok();
        let duration = parsed.and_then(|span| span.to_duration(days_are_24_hours).ok());
        let duration = duration.and_then(|signed| Duration::try_from(signed).ok());
        duration.filter(|each| each.subsec_nanos() == 0 && *each <= max).unwrap_or_else(|| {
            let days = max.as_secs() / (24 * 3600);
            let message =
                format!("`{key}` is `{}`, not a duration of at most {days} days", written.get_ref());
            self.report(written.span(), message, "write a duration such as `24h`, `90m`, `7d` or `0s`");
            Duration::ZERO
        })
    }
}
