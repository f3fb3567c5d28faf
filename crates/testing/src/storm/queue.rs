//! A queue as SQS is: at least once, with a visibility timeout, and a dead-letter queue after too many receives.

use std::collections::VecDeque;

use portend_core::time::Timestamp;

/// Receives after which a message goes to the dead-letter queue.
const RECEIVES_MAX: u32 = 5;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) messages: Vec<QueueMessage>,
    visible: VecDeque<usize>,
    /// Messages that are neither deleted nor dead.
    open: usize,
}

#[derive(Debug)]
pub(super) struct QueueMessage {
    pub(super) event: usize,
    receives: u32,
    pub(super) end: Option<MessageEnd>,
}

/// Where a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageEnd {
    /// A worker deleted it at this time.
    Deleted(Timestamp),
    /// It was received too often.
    DeadLetter,
}

/// One delivery. A later one of the same message makes its timeout void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueueDelivery {
    pub(super) message: usize,
    receive: u32,
}

impl Queue {
    pub(super) fn send(&mut self, event: usize) {
        self.visible.push_back(self.messages.len());
        self.messages.push(QueueMessage { event, receives: 0, end: None });
        self.open += 1;
    }

    /// The next visible message. It is invisible until it [appears](Self::appear) again.
    pub(super) fn receive(&mut self) -> Option<QueueDelivery> {
        while let Some(message) = self.visible.pop_front() {
            let QueueMessage { receives, end, .. } = &mut self.messages[message];
            if end.is_none() {
                *receives += 1;
                return Some(QueueDelivery { message, receive: *receives });
            }
        }
        None
    }

    /// Delivers a message once more while it is worked on.
    pub(super) fn duplicate(&mut self, message: usize) {
        self.visible.push_back(message);
    }

    /// The delivery's timeout is over: if it was the last one, its message is visible again, or dead.
    pub(super) fn appear(&mut self, delivery: QueueDelivery) {
        let QueueMessage { receives, end, .. } = &mut self.messages[delivery.message];
        if end.is_some() || *receives != delivery.receive {
            return;
        }
        if *receives < RECEIVES_MAX {
            self.visible.push_back(delivery.message);
        } else {
            *end = Some(MessageEnd::DeadLetter);
            self.open -= 1;
        }
    }

    pub(super) fn delete(&mut self, message: usize, now: Timestamp) {
        let end = &mut self.messages[message].end;
        match end {
            None => self.open -= 1,
            // It is not in this queue any more.
            Some(MessageEnd::DeadLetter) => return,
            Some(MessageEnd::Deleted(_)) => {}
        }
        *end = Some(MessageEnd::Deleted(now));
    }

    /// Moves what is dead back. Returns whether there was anything.
    pub(super) fn redrive(&mut self) -> bool {
        let mut is_any = false;
        for (index, message) in self.messages.iter_mut().enumerate() {
            if message.end == Some(MessageEnd::DeadLetter) {
                (message.receives, message.end) = (0, None);
                self.visible.push_back(index);
                self.open += 1;
                is_any = true;
            }
        }
        is_any
    }

    /// Whether every message is deleted or dead.
    pub(super) fn is_drained(&self) -> bool {
        self.open == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_delivered_until_it_is_deleted_or_dead() {
        let mut queue = Queue::default();
        queue.send(7);
        let first = queue.receive().unwrap();
        assert_eq!(queue.receive(), None, "it is invisible");
        queue.appear(first);
        let mut last = queue.receive().unwrap();
        queue.appear(first);
        assert_eq!(queue.receive(), None, "only the last delivery's timeout counts");
        for _ in 2..RECEIVES_MAX {
            queue.appear(last);
            last = queue.receive().unwrap();
        }
        assert!(!queue.is_drained());
        queue.appear(last);
        assert!(queue.is_drained());
        assert_eq!(queue.messages[0].end, Some(MessageEnd::DeadLetter));
        assert!(queue.redrive() && !queue.redrive());
        let again = queue.receive().unwrap();
        queue.duplicate(again.message);
        assert_eq!(queue.receive().map(|delivery| delivery.message), Some(0));
        queue.delete(0, Timestamp::EPOCH);
        queue.appear(again);
        assert!(queue.is_drained() && queue.receive().is_none());
    }
}
