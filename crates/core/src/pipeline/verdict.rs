//! What a completion is worth: unusable, usable with unsupported numbers, or accepted.

use super::prepared::PreparedType;
use crate::chain::Verdict;
use crate::grounding::{Checker, GroundedReply};
use crate::model::Completion;
use crate::reply::Reply;

/// A reply that can be used.
#[derive(Debug)]
pub(super) struct UsableReply {
    pub(super) grounded: GroundedReply,
    pub(super) text: String,
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
    let report = grounded.report();
    let count = report.unsupported.len();
    if count == 0 {
        return Verdict::Accepted(UsableReply { grounded, text: completion.text.clone() });
    }
    let violations = grounded.violations();
    let answer = UsableReply { grounded, text: completion.text.clone() };
    Verdict::Unsupported { answer, count, violations }
}
