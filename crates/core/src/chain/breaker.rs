//! One model's circuit breaker, as pure steps.
//!
//! Never: lets two probes go at once, or hides a configuration's fault behind a transient failure.
//!
//! ```text
//! closed ── a configuration or quota error, or 5 transient failures in a row ──▶ open
//!   ▲                                                                           │  ▲
//!   │                                                    after 30 s, or 5 min ──┤  │
//!   └────────────────── any response ◀── one probe ◀── half-open ◀──────────────┘  │
//!                                            └─── a failure ───────────────────────┘
//! ```

use crate::limits::{CONFIGURATION_PROBE_PAUSE, TRANSIENT_FAILURES_MAX, TRANSIENT_PROBE_PAUSE};
use crate::model::ConfigurationFault;
use crate::time::Timestamp;

/// Whether a model may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Circuit {
    /// It may.
    Closed,
    /// One call may be made, to see whether it works again.
    HalfOpen,
    /// It may not: it failed lately, or another call is just seeing whether it works again.
    Open {
        /// What is wrong with its configuration, if that is the reason. Whoever skips the model for it says
        /// so.
        fault: Option<ConfigurationFault>,
    },
}

/// The breaker's state.
#[derive(Debug)]
pub(super) enum Breaker {
    Closed { failures: u32 },
    Open { fault: Option<ConfigurationFault>, until: Timestamp, probe: Option<Probe> },
}

/// One probe, so that a late one cannot be taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Probe(pub(super) u64);

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether the model may be called now.
    pub(super) fn circuit(&self, now: Timestamp) -> Circuit {
        match self {
            Self::Closed { .. } => Circuit::Closed,
            Self::Open { until, probe: None, .. } if *until <= now => Circuit::HalfOpen,
            Self::Open { fault, .. } => Circuit::Open { fault: fault.clone() },
        }
    }

    /// Notes that `probe` is under way.
    pub(super) fn start(&mut self, started: Probe) {
        if let Self::Open { probe, .. } = self {
            *probe = Some(started);
        }
    }

    /// Notes that `ended` is no longer under way. Returns whether it was.
    pub(super) fn end(&mut self, ended: Option<Probe>) -> bool {
        match self {
            Self::Open { probe, .. } if probe.is_some() && *probe == ended => {
                *probe = None;
                true
            }
            Self::Open { .. } | Self::Closed { .. } => false,
        }
    }

    /// The model has responded, whatever the response is worth.
    pub(super) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// It has failed in a way that may pass. While the breaker is open only its probe counts: what was under
    /// way before says nothing new. A probe's transient failure does not show that a configuration is fixed.
    pub(super) fn fail(&mut self, was_probe: bool, now: Timestamp) {
        match self {
            Self::Closed { failures } if *failures + 1 < TRANSIENT_FAILURES_MAX => *failures += 1,
            Self::Closed { .. } => {
                *self = Self::Open { fault: None, until: now.plus(TRANSIENT_PROBE_PAUSE), probe: None };
            }
            Self::Open { until, .. } if was_probe => *until = now.plus(TRANSIENT_PROBE_PAUSE),
            Self::Open { .. } => {}
        }
    }

    /// It has failed in a way that only a person can fix (`fault`), or only much time (its quota).
    pub(super) fn trip(&mut self, fault: Option<ConfigurationFault>, now: Timestamp) {
        *self = Self::Open { fault, until: now.plus(CONFIGURATION_PROBE_PAUSE), probe: None };
    }
}
