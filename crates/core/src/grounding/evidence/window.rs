//! Whether the prompt supports a duration, or a number in each of some days.

use super::{Evidence, KnownFact, Unsupported};
use crate::grounding::claim::NumberClaim;
use crate::grounding::digits::{EPSILON, same};
use crate::grounding::report::ClaimRole;
use crate::grounding::role::{NO_WINDOW, WindowTime};
use crate::grounding::subject::ClaimSubject;

/// The shortest and the longest month, in days.
const MONTH_DAYS: std::ops::RangeInclusive<f64> = 28.0..=31.0;

impl Evidence {
    pub(super) fn window(
        &self,
        claim: &NumberClaim,
        subject: Option<ClaimSubject>,
        time: WindowTime,
    ) -> Option<Unsupported> {
        let unit = claim.unit.as_ref()?;
        let days = unit.days()?;
        let lasts = |window: f64| {
            claim.repeats(window / days)
                || unit.is_month() && MONTH_DAYS.contains(&(window / claim.numeral.value.max(EPSILON)))
        };
        let own: Vec<f64> = match subject.and_then(|subject| self.fact(subject)) {
            Some(fact) => fact.windows.clone(),
            None => self.known().flat_map(|fact| fact.windows.iter().copied()).collect(),
        };
        // The value of a fact may be a duration itself.
        let is_value = |fact: &KnownFact| fact.unit.days().is_some_and(|days| lasts(fact.value * days));
        if self.known().any(is_value) {
            return None;
        }
        let is_own = own.iter().any(|window| lasts(*window));
        let is_horizon = lasts(self.horizon_days);
        let supported = match time {
            WindowTime::Past => is_own,
            WindowTime::Ahead => is_horizon,
            WindowTime::Either => is_own || is_horizon,
        };
        let reason = match (time, own.as_slice()) {
            (WindowTime::Ahead, _) => format!("the horizon is {} days", self.horizon_days),
            (WindowTime::Past, [days]) => format!("the fact covers {days} days"),
            (WindowTime::Past | WindowTime::Either, _) => NO_WINDOW.to_owned(),
        };
        (!supported).then_some((ClaimRole::Window, reason))
    }

    /// A rate is supported only if it is the value itself: `2 sessions a week` of a fact that covers 7 days.
    pub(super) fn rate(
        &self,
        claim: &NumberClaim,
        subject: Option<ClaimSubject>,
        days: f64,
    ) -> Option<Unsupported> {
        let is_value = |fact: &KnownFact| {
            claim.repeats(fact.value) && fact.windows.iter().any(|window| same(*window, days))
        };
        let supported = match subject.and_then(|subject| self.fact(subject)) {
            Some(fact) => is_value(fact),
            None => self.known().any(is_value),
        };
        (!supported).then(|| (ClaimRole::Ratio, "the facts do not have this rate".to_owned()))
    }
}
