//! One alert's history, from its first entry to its last, against the invariants.

use portend_core::limits::{CALLS_MAX, LEASE_MAX, UPGRADE_CALLS_MAX, UPGRADES_MAX};
use portend_core::time::Timestamp;

use super::{EXPIRY_TOLERANCE, Violation, ViolationKind, WILD_EXPIRY_TOLERANCE};
use crate::storm::history::{ClaimView, HistoryEntry, InsightView, Requester, Rows, What};
use crate::storm::scenario::{Scenario, WorstClock};
use crate::storm::world::World;

/// What is known of an alert at one point of its history.
#[derive(Debug)]
pub(super) struct Replay<'w> {
    world: &'w World,
    scenario: &'w Scenario,
    alert: usize,
    clock: WorstClock,
    claim: Option<ClaimView>,
    leases: Vec<GrantedLease>,
    /// How often a claim was made anew.
    lives: u32,
    pub(super) insights: Vec<PutInsight>,
    published: Vec<u64>,
    calls: u32,
    /// The numbers of those calls.
    calls_made: Vec<usize>,
    calls_max: u32,
    pub(super) violations: Vec<Violation>,
}

/// An insight that was put; an upgrade takes the place of what it replaces.
#[derive(Debug)]
pub(super) struct PutInsight {
    pub(super) at: Timestamp,
    /// The claim's life in which it was put.
    life: u32,
    pub(super) view: InsightView,
}

/// A lease that the store granted.
#[derive(Debug)]
struct GrantedLease {
    fence: u64,
    run: u64,
    /// Calls that the claim counted under it, and calls that were made under it.
    counted: u32,
    made: u32,
    last_call: Option<usize>,
    /// Whether it is an upgrade's, of an insight that is not degraded.
    is_needless: bool,
}

impl<'w> Replay<'w> {
    pub(super) fn new(world: &'w World, scenario: &'w Scenario, alert: usize) -> Self {
        Self {
            world,
            scenario,
            alert,
            clock: world.clocks[alert],
            claim: None,
            leases: Vec::new(),
            lives: 0,
            insights: Vec::new(),
            published: Vec::new(),
            calls: 0,
            calls_made: Vec::new(),
            calls_max: 0,
            violations: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) {
        for entry in &self.world.history.alerts[self.alert] {
            let HistoryEntry { at, requester, what } = entry;
            match what {
                What::Written { before, after } => self.written(*at, *requester, before, after),
                What::ClaimExpired => self.claim = None,
                What::Called { call } => self.called(*at, *requester, *call),
                What::Published { by } => self.published.push(*by),
                What::Parked { .. } => {}
                What::BeganLate { operation } => self.check(false, ViolationKind::Unexplained, || {
                    format!("{operation} of run {} began at {at}, after its deadline", requester.run)
                }),
            }
        }
        self.published_in_the_end();
        self.counted_once();
    }

    /// Notes a violation unless this holds, or a wild worker has touched the alert.
    fn check(&mut self, holds: bool, kind: ViolationKind, what: impl FnOnce() -> String) {
        if self.clock == WorstClock::Fair {
            self.check_always(holds, kind, what);
        }
    }

    /// Notes a violation unless this holds, whatever the clocks.
    fn check_always(&mut self, holds: bool, kind: ViolationKind, what: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(Violation { kind, alert: self.alert, what: what() });
        }
    }

    fn written(&mut self, at: Timestamp, requester: Requester, before: &Rows, after: &Rows) {
        let Some(claim) = after.claim else {
            self.claim = None;
            return self.check(false, ViolationKind::Unexplained, || {
                format!("the claim was deleted at {at}, with the calls that it counted")
            });
        };
        let granted = claim.owner != 0
            && before.claim.is_none_or(|row| row.fence != claim.fence || row.owner != claim.owner);
        if granted {
            self.granted(at, requester, before.claim, &claim, after.insight);
        } else if let Some(row) = before.claim {
            self.changed(at, &row, &claim);
        }
        // The put is under the lease that the claim had before it.
        if let Some(insight) = after.insight {
            self.insight_written(at, requester, insight);
        }
        self.claim = Some(claim);
        let is_there = after.insight.is_some_and(|insight| insight.is_retained(at.minus(EXPIRY_TOLERANCE)));
        let was_done = before.claim.is_some_and(|row| row.is_done);
        self.check(!claim.is_done || was_done || is_there, ViolationKind::Lost, || {
            format!("the claim was done at {at}, without an insight")
        });
    }

    /// A lease was granted.
    fn granted(
        &mut self,
        at: Timestamp,
        requester: Requester,
        before: Option<ClaimView>,
        claim: &ClaimView,
        insight: Option<InsightView>,
    ) {
        let Requester { run, now, .. } = requester;
        let live = before.filter(|row| !row.expires_at.is_past(now));
        if let Some(row) = before {
            self.check(claim.fence > row.fence, ViolationKind::Twice, || {
                format!("run {run} took the lease over at {at}, and the fence is still {}", row.fence)
            });
        }
        if let Some(row) = live {
            let is_held = now <= row.lease_until && row.lease_until <= now.plus(LEASE_MAX);
            self.check(!is_held, ViolationKind::Unexplained, || {
                format!("run {run} took the lease over at {at}, before its end at {}", row.lease_until)
            });
        }
        self.lives += u32::from(live.is_none());
        let is_upgrade = claim.is_done;
        self.check(
            !is_upgrade || live.is_some_and(|row| row.upgrades < UPGRADES_MAX),
            ViolationKind::Unexplained,
            || format!("run {run} began an upgrade at {at}, after {UPGRADES_MAX} that failed"),
        );
        self.calls_max += match (is_upgrade, live) {
            (true, _) => UPGRADE_CALLS_MAX,
            (false, None) => CALLS_MAX,
            (false, Some(_)) => 0,
        };
        let counted = claim.calls.saturating_sub(live.map_or(0, |row| row.calls));
        let is_needless = is_upgrade && insight.is_some_and(|insight| !insight.is_degraded);
        let fence = claim.fence;
        self.leases.push(GrantedLease { fence, run, counted, made: 0, last_call: None, is_needless });
    }

    /// The claim changed under its lease, or after it.
    fn changed(&mut self, at: Timestamp, before: &ClaimView, after: &ClaimView) {
        let Some(lease) = self.leases.iter_mut().rev().find(|lease| lease.fence == after.fence) else {
            return;
        };
        lease.counted += after.calls.saturating_sub(before.calls);
        let given_back = before.calls.saturating_sub(after.calls);
        let has_ended = after.owner == 0 || (after.is_done && !before.is_done);
        let is_unused = has_ended && given_back <= lease.counted.saturating_sub(lease.made);
        lease.counted = lease.counted.saturating_sub(given_back);
        self.check(given_back == 0 || is_unused, ViolationKind::Unexplained, || {
            format!("the claim forgot a call at {at} that was made")
        });
    }

    /// I1, I5: an insight is the only one of its alert until it expires, and only an upgrade of a degraded one replaces it.
    fn insight_written(&mut self, at: Timestamp, requester: Requester, view: InsightView) {
        let run = requester.run;
        // In a storm every alert asks a question of its own, so an answer that is used again is one to an earlier call.
        let calls = &self.world.history.calls;
        let is_answered = self.calls_made.iter().any(|call| calls.get(*call) == Some(&Some(true)));
        self.check_always(!view.is_reused || is_answered, ViolationKind::Unexplained, || {
            format!("run {run} used an earlier answer at {at}, which no call gave")
        });
        let known = self.insights.iter().rposition(|each| each.view.key == view.key);
        if known.is_some_and(|index| self.insights[index].view == view) {
            return;
        }
        // An upgrade leaves the insight's end as it is, in whatever life of the claim.
        let is_replaced =
            |old: &PutInsight| old.view.expires_at == view.expires_at || self.is_retained(old, at);
        if let Some(index) = known.filter(|index| is_replaced(&self.insights[*index])) {
            let old = std::mem::replace(&mut self.insights[index].view, view);
            let is_upgrade = old.is_degraded && !view.is_degraded && old.expires_at == view.expires_at;
            self.check_always(is_upgrade, ViolationKind::Twice, || {
                format!("run {run} replaced the insight of {} at {at}", old.made_at)
            });
            return;
        }
        let is_second = self.insights.iter().any(|each| self.is_retained(each, at));
        self.check_always(!is_second, ViolationKind::Twice, || {
            format!("run {run} put a second insight at {at}")
        });
        let holder = self.claim.and_then(|claim| self.lease(claim.fence)).map(|lease| lease.run);
        self.check(holder == Some(run), ViolationKind::Twice, || {
            format!("run {run} put the insight at {at} under a lease that was run {holder:?}'s")
        });
        self.published_in_the_end();
        self.insights.push(PutInsight { at, life: self.lives, view });
    }

    /// Whether an insight is certainly retained at this time. A worker that is lost in time may begin a new life of the
    /// claim too early; in each life there is one insight all the same.
    fn is_retained(&self, insight: &PutInsight, at: Timestamp) -> bool {
        match self.clock {
            WorstClock::Fair => insight.view.is_retained(at.plus(EXPIRY_TOLERANCE)),
            WorstClock::Wild => insight.view.is_retained(at.plus(WILD_EXPIRY_TOLERANCE)),
            WorstClock::Lost => insight.life == self.lives,
        }
    }

    fn lease(&self, fence: u64) -> Option<&GrantedLease> {
        self.leases.iter().rev().find(|lease| lease.fence == fence)
    }

    /// I3, I4, I6: a call has a live lease of its requester, is counted before, and has a reason.
    fn called(&mut self, at: Timestamp, requester: Requester, call: usize) {
        self.calls += 1;
        self.calls_made.push(call);
        let (calls, calls_max) = (self.calls, self.calls_max);
        self.check_always(calls <= calls_max, ViolationKind::Unexplained, || {
            format!("call {call} at {at} is the alert's {calls}th, of at most {calls_max}")
        });
        let is_fair = self.clock == WorstClock::Fair;
        let mut unexplained = |what: &str| {
            if is_fair {
                let what = format!("call {call} of run {} at {at} {what}", requester.run);
                self.violations.push(Violation { kind: ViolationKind::Unexplained, alert: self.alert, what });
            }
        };
        if requester.now > requester.deadline {
            unexplained("is after its deadline");
        }
        let claim = self.claim.filter(|claim| claim.owner != 0 && requester.now <= claim.lease_until);
        let mut leases = self.leases.iter_mut().rev();
        let lease = claim.and_then(|claim| leases.find(|lease| lease.fence == claim.fence));
        let Some(lease) = lease.filter(|lease| lease.run == requester.run) else {
            return unexplained("has no live lease");
        };
        lease.made += 1;
        if lease.made > lease.counted {
            unexplained("was not counted before");
        }
        if lease.is_needless {
            unexplained("is for an insight that is not degraded");
        }
        let calls = &self.world.history.calls;
        let earlier = lease.last_call.replace(call).map(|earlier| calls[earlier]);
        if earlier == Some(Some(true)) {
            unexplained("follows one that was accepted");
        }
    }

    /// The last insight so far was published as it is.
    fn published_in_the_end(&mut self) {
        let Some(insight) = self.insights.last().filter(|_| self.scenario.has_bus) else {
            return;
        };
        let is_published = self.published.contains(&insight.view.by);
        let made_at = insight.view.made_at;
        self.check(is_published, ViolationKind::Lost, || {
            format!("the insight of {made_at} was never published")
        });
    }

    /// No event counts twice.
    fn counted_once(&mut self) {
        let (events, occurrences) =
            (self.scenario.alerts[self.alert].events, self.claim.map_or(0, |claim| claim.occurrences));
        self.check(occurrences <= events, ViolationKind::Twice, || {
            format!("{events} events count as {occurrences} occurrences")
        });
    }
}
