//! What a completion is worth: unusable, usable with unsupported numbers, or accepted.

use super::prepared::PreparedType;
use crate::chain::Verdict;
use crate::grounding::{Checker, GroundedReply};
use crate::model::Completion;
use crate::number::Number;
use crate::reply::Reply;

/// A reply that can be used.
#[derive(Debug)]
pub(super) struct UsableReply {
    pub(super) grounded: GroundedReply,
    pub(super) text: String,
}

impl UsableReply {
    pub(super) fn risk_score(&self) -> Number {
        self.grounded.reply().risk_score()
    }

    /// How many of its numbers no fact supports.
    pub(super) fn unsupported(&self) -> usize {
        self.grounded.report().unsupported.len()
    }

    /// The same reply with the median of several answers' scores, checked again: a reference to the score becomes the
    /// median, and another score in its texts is unsupported.
    pub(super) fn with_score(self, score: Number, checker: &Checker<'_>) -> Self {
        if score == self.risk_score() {
            return self;
        }
        let again = checker.check(self.grounded.reply().clone().with_median_score(score));
        // A score has no effect on whether a reference is known.
        Self { grounded: again.unwrap_or(self.grounded), text: self.text }
    }
}

/// Whether a reply is usable, and whether its numbers are the prompt's.
pub(super) fn verdict(
    completion: &Completion,
    checker: &Checker<'_>,
    prepared: &PreparedType,
) -> Verdict<UsableReply> {
    let reply = match Reply::read(&completion.text, &prepared.vocabulary) {
        Ok(reply) => reply,
        Err(unusable) => {
            return Verdict::Unusable { code: unusable.code(), violations: unusable.to_string() };
        }
    };
    let grounded = match checker.check(reply) {
        Ok(grounded) => grounded,
        Err(error) => return Verdict::Unusable { code: error.code(), violations: error.to_string() },
    };
    let answer = UsableReply { grounded, text: completion.text.clone() };
    let count = answer.unsupported();
    if count == 0 {
        return Verdict::Accepted(answer);
    }
    let violations = answer.grounded.violations();
    Verdict::Unsupported { answer, count, violations }
}
