//! How many calls a model gets at the same time: those that are too many wait in line.
//!
//! Never: lets a later caller pass an earlier one, or holds its lock across a wait. Dropping a wait leaves the line.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The slots of one model.
#[derive(Debug)]
pub(super) struct CallSlots(Mutex<Line>);

/// The free slots, and who waits for one.
#[derive(Debug)]
struct Line {
    free: usize,
    /// The tickets in their order, the first first.
    waiting: VecDeque<(u64, Waker)>,
    tickets: u64,
}

/// The right to one call. Dropped, it is the next caller's.
#[derive(Debug)]
pub(super) struct CallSlot(Arc<CallSlots>);

/// The wait for a slot.
#[derive(Debug)]
pub(super) struct CallSlotWait {
    slots: Arc<CallSlots>,
    ticket: Option<u64>,
}

impl CallSlots {
    /// So many slots, and at least one.
    pub(super) fn new(count: usize) -> Self {
        Self(Mutex::new(Line { free: count.max(1), waiting: VecDeque::new(), tickets: 0 }))
    }

    /// Waits for a slot.
    pub(super) fn wait(self: &Arc<Self>) -> CallSlotWait {
        CallSlotWait { slots: Arc::clone(self), ticket: None }
    }

    /// A panic under the lock leaves a line that was true at some moment.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Wakes the first in the line, if there is a slot for it.
    fn wake_first(&self) {
        if let Some((_, waker)) = self.waiting.front().filter(|_| self.free > 0) {
            waker.wake_by_ref();
        }
    }
}

impl Future for CallSlotWait {
    type Output = CallSlot;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CallSlot> {
        let slots = Arc::clone(&self.slots);
        let mut line = slots.line();
        let ticket = *self.ticket.get_or_insert_with(|| {
            line.tickets += 1;
            line.tickets
        });
        let is_first = line.waiting.front().is_none_or(|(first, _)| *first == ticket);
        if is_first && line.free > 0 {
            line.waiting.retain(|(each, _)| *each != ticket);
            line.free -= 1;
            line.wake_first();
            self.ticket = None;
            return Poll::Ready(CallSlot(Arc::clone(&slots)));
        }
        match line.waiting.iter_mut().find(|(each, _)| *each == ticket) {
            Some((_, waker)) => waker.clone_from(context.waker()),
            None => line.waiting.push_back((ticket, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for CallSlotWait {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut line = self.slots.line();
        line.waiting.retain(|(each, _)| *each != ticket);
        line.wake_first();
    }
}

impl Drop for CallSlot {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.free += 1;
        line.wake_first();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn calls_wait_in_line_for_a_slot() {
        let slots = Arc::new(CallSlots::new(2));
        let free = || slots.wait().now_or_never();
        let (one, two) = (free().unwrap(), free().unwrap());
        let (mut third, mut fourth) = (slots.wait(), slots.wait());
        assert!(third.by_ref_now().is_none() && fourth.by_ref_now().is_none());
        drop(one);
        assert!(free().is_none(), "the slot is the third's");
        assert!(fourth.by_ref_now().is_none());
        let three = third.by_ref_now().unwrap();
        drop(two);
        drop(fourth);
        let four = free().expect("the fourth has left the line");
        assert!(free().is_none());
        drop((three, four));
        assert!(free().is_some());
        assert!(Arc::new(CallSlots::new(0)).wait().now_or_never().is_some());
    }

    impl CallSlotWait {
        /// The slot, if it is free now.
        fn by_ref_now(&mut self) -> Option<CallSlot> {
            match Pin::new(self).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(slot) => Some(slot),
                Poll::Pending => None,
            }
        }
    }
}
