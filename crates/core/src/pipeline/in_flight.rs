//! The questions that are being asked in this process: alerts that ask the same at the same time wait for one answer.
//!
//! Never: holds its lock across a wait, or lets an alert wait for a question that nobody asks any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::lock::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::limits::FRESH_ANSWER_TIME;
use crate::store::{AnswerKey, StoredAnswer};
use crate::time::Timestamp;

/// The questions that are being asked, by that to the first model of the chain.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashMap<AnswerKey, AskedQuestion>>);

/// An answer that another alert has just received.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FreshAnswer {
    /// The name of the model that was asked.
    pub(super) model: String,
    pub(super) answer: StoredAnswer,
}

/// Locked by whoever asks. Afterwards it has the answer, if that can be used again.
type AnswerCell = Arc<AsyncMutex<Option<FreshAnswer>>>;

#[derive(Debug)]
struct AskedQuestion {
    cell: AnswerCell,
    /// `None` while it is being asked.
    answered_at: Option<Timestamp>,
}

/// Whether an alert asks its question, or another one does already.
#[derive(Debug)]
pub(super) enum Turn<'p> {
    /// The alert asks.
    Ask(Asking<'p>),
    /// Another alert asks, or has just asked.
    Wait(AnswerWait),
}

/// The right to ask a question for all alerts that wait for its answer. Dropped without an answer, it lets each of them
/// ask for itself.
#[derive(Debug)]
pub(super) struct Asking<'p> {
    in_flight: &'p InFlight,
    key: Option<AnswerKey>,
    cell: OwnedMutexGuard<Option<FreshAnswer>>,
}

/// The wait for an answer that another alert asks for, or has just received.
#[derive(Debug)]
pub(super) struct AnswerWait {
    cell: AnswerCell,
    /// Whether it is being asked for at the moment.
    pub(super) is_asked_now: bool,
}

impl InFlight {
    /// Whether to ask this question, or to wait for its answer.
    pub(super) fn turn(&self, key: &AnswerKey, now: Timestamp) -> Turn<'_> {
        let mut asked = self.lock();
        asked.retain(|_, each| each.answered_at.is_none_or(|at| now < at.plus(FRESH_ANSWER_TIME)));
        if let Some(question) = asked.get(key) {
            let is_asked_now = question.answered_at.is_none();
            return Turn::Wait(AnswerWait { cell: Arc::clone(&question.cell), is_asked_now });
        }
        let cell = AnswerCell::default();
        let Some(locked) = cell.try_lock_owned() else {
            return Turn::Wait(AnswerWait { cell, is_asked_now: true });
        };
        asked.insert(key.clone(), AskedQuestion { cell, answered_at: None });
        Turn::Ask(Asking { in_flight: self, key: Some(key.clone()), cell: locked })
    }

    /// A panic under the lock leaves a map that was true at some moment.
    fn lock(&self) -> MutexGuard<'_, HashMap<AnswerKey, AskedQuestion>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking<'_> {
    /// Gives the answer to the alerts that wait for it. It is remembered for a moment, until a store shows it to all.
    pub(super) fn answered(mut self, answer: FreshAnswer, now: Timestamp) {
        let Some(key) = self.key.take() else { return };
        *self.cell = Some(answer);
        if let Some(question) = self.in_flight.lock().get_mut(&key) {
            question.answered_at = Some(now);
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.in_flight.lock().remove(&key);
        }
    }
}

impl AnswerWait {
    /// The answer; `None` if it cannot be used again.
    pub(super) async fn answer(self) -> Option<FreshAnswer> {
        self.cell.lock().await.clone()
    }
}
