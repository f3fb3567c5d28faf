//! A reply whose numbers have been checked.
//!
//! Takes: a reply.
//! Gives: a [`Grounded`], the only form in which a model's answer can become an insight.
//! Never: lets a reply through unchecked; it is made by [`Ground::ground`] alone.

use super::{Ground, Grounding};
use crate::reply::Reply;

/// A reply, and what was found of its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounded {
    reply: Reply,
    grounding: Grounding,
}

impl Ground {
    /// Checks a reply's explanation and its drivers' reasons.
    pub fn ground(&self, reply: Reply) -> Grounded {
        let becauses: Vec<&str> = reply.drivers().iter().map(|driver| driver.because.as_str()).collect();
        let grounding = self.check(reply.explanation(), &becauses, reply.risk_score());
        Grounded { reply, grounding }
    }
}

impl Grounded {
    /// The reply.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// What was found of its numbers.
    pub fn grounding(&self) -> &Grounding {
        &self.grounding
    }
}
