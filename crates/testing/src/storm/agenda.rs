//! What is planned for when, and responses that somebody waits for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use portend_core::time::Timestamp;

/// What is planned for when. Of two at one time, the first that was planned comes first.
#[derive(Debug)]
pub(super) struct Agenda<H> {
    heap: BinaryHeap<Reverse<Appointment<H>>>,
    planned: u64,
}

#[derive(Debug)]
struct Appointment<H> {
    at: Timestamp,
    number: u64,
    happening: H,
}

impl<H> Default for Agenda<H> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), planned: 0 }
    }
}

impl<H> Agenda<H> {
    pub(super) fn plan(&mut self, at: Timestamp, happening: H) {
        self.planned += 1;
        self.heap.push(Reverse(Appointment { at, number: self.planned, happening }));
    }

    pub(super) fn next(&mut self) -> Option<(Timestamp, H)> {
        let Reverse(Appointment { at, happening, .. }) = self.heap.pop()?;
        Some((at, happening))
    }
}

impl<H> Ord for Appointment<H> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<H> PartialOrd for Appointment<H> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<H> PartialEq for Appointment<H> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<H> Eq for Appointment<H> {}

/// Where a response arrives.
#[derive(Debug)]
pub(super) struct Slot<T>(Mutex<SlotState<T>>);

#[derive(Debug)]
struct SlotState<T> {
    value: Option<T>,
    has_arrived: bool,
    waker: Option<Waker>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(SlotState { value: None, has_arrived: false, waker: None }))
    }
}

impl<T> Slot<T> {
    /// Puts the response in. Nobody sees it before it arrives.
    pub(super) fn fill(&self, value: T) {
        self.lock().value = Some(value);
    }

    fn lock(&self) -> MutexGuard<'_, SlotState<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot of any type.
pub(super) trait Arrive: Send + Sync {
    /// The response is there; whoever waits for it is woken.
    fn arrive(&self);
}

impl<T: Send> Arrive for Slot<T> {
    fn arrive(&self) {
        let mut state = self.lock();
        state.has_arrived = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

/// A response to wait for.
#[derive(Debug)]
pub(super) struct PendingResponse<T>(Arc<Slot<T>>);

impl<T> PendingResponse<T> {
    pub(super) fn of(slot: Arc<Slot<T>>) -> Self {
        Self(slot)
    }
}

impl<T> Future for PendingResponse<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.lock();
        let arrived = if state.has_arrived { state.value.take() } else { None };
        arrived.map_or_else(
            || {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            },
            Poll::Ready,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_two_the_first_planned() {
        let mut agenda = Agenda::default();
        for (millis, name) in [(5, "b"), (9, "d"), (5, "c"), (1, "a")] {
            agenda.plan(Timestamp::from_millis(millis), name);
        }
        let names: Vec<_> = std::iter::from_fn(|| agenda.next()).map(|(_, name)| name).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_response_is_ready_when_it_has_arrived() {
        let slot = Arc::new(Slot::default());
        let mut response = PendingResponse::of(Arc::clone(&slot));
        let mut context = Context::from_waker(Waker::noop());
        slot.fill(7);
        assert!(Pin::new(&mut response).poll(&mut context).is_pending(), "it is on its way");
        slot.arrive();
        assert_eq!(Pin::new(&mut response).poll(&mut context), Poll::Ready(7));
    }
}
