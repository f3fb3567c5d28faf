//! What an insight is made of: a model's or the scorecard's judgement, and how it came about.

use super::{AttemptRecord, Grade, SecondOpinion};
use crate::alert::Facts;
use crate::driver::Driver;
use crate::grounding::{GroundedReply, GroundingReport};
use crate::limits::REPLY_STORED_BYTES_MAX;
use crate::number::Number;
use crate::prompt::{self, Prompt};
use crate::reply::Repair;
use crate::scorecard::{Baseline, Scored};
use crate::text::first_bytes;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Who judged an alert, and how. The scorecard's judgement is also beside a model's, as its baseline.
#[derive(Debug, Clone)]
pub enum Judgement {
    /// A model, whose reply was checked.
    Model {
        /// The reply, with what was found of its numbers.
        grounded: Box<GroundedReply>,
        /// Which model answered which question.
        source: Box<AnswerSource>,
        /// The scorecard's judgement of the same alert.
        baseline: Scored,
    },
    /// The scorecard: no model is configured, or none answered.
    Scorecard(Scored),
}

/// Which model answered which question.
#[derive(Debug, Clone)]
pub struct AnswerSource {
    /// What `model_used` says: the model's label, with `-fallback` if it is not the first in the chain.
    pub label: String,
    /// The model that answered, as the response says; otherwise the one that was asked.
    pub model_id: String,
    /// The question.
    pub prompt: PromptRef,
    /// The reply as received.
    pub reply: String,
    /// The further answers to the same question, if its type asks for them.
    pub second_opinion: Option<SecondOpinion>,
}

/// Which prompt was asked.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptRef {
    /// The version of its words.
    pub version: u32,
    /// The sha256 of everything that was asked.
    pub sha256: String,
    /// The sha256 of everything that was asked but the facts, which is the same for all alerts of a type. Absent from
    /// insights of an earlier program.
    pub template: Option<String>,
}

impl PromptRef {
    /// Which prompt this is.
    pub fn of(prompt: &Prompt<'_>) -> Self {
        Self { version: prompt::VERSION, sha256: prompt.sha256(), template: Some(prompt.template_sha256()) }
    }
}

/// How an insight came about.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// A random id, which the log lines of this run carry.
    pub run: String,
    /// Every model call that was made for it.
    pub attempts: Vec<AttemptRecord>,
    /// Why a configured model should have answered and did not, if that is so.
    pub degraded: Option<DegradedBy>,
    /// The time.
    pub now: Timestamp,
}

/// Why a configured model should have answered and did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DegradedBy {
    /// A model failed, or was skipped, for a reason that time fixes.
    Transient,
    /// A model cannot work as configured.
    Configuration,
    /// Every reply of every model that was asked was unusable. Asking again helps only once a model has changed.
    Unusable,
    /// The alert's calls or its time ended before any model could be asked.
    Budget,
}

impl DegradedBy {
    /// As in the insight's JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Configuration => "configuration",
            Self::Unusable => "unusable",
            Self::Budget => "budget",
        }
    }
}

/// The part of an insight's fields that the judgement decides.
pub(super) struct Judged {
    pub(super) risk_score: Number,
    pub(super) explanation: String,
    pub(super) recommendations: Vec<String>,
    pub(super) drivers: Vec<Driver>,
    pub(super) baseline: Baseline,
    pub(super) second_opinion: Option<SecondOpinion>,
    pub(super) grade: Grade,
    pub(super) model_used: String,
    pub(super) model_id: Option<String>,
    pub(super) grounding: Option<GroundingReport>,
    pub(super) repairs: Option<Vec<Repair>>,
    pub(super) prompt: Option<PromptRef>,
    pub(super) reply: Option<String>,
}

impl Judgement {
    pub(super) fn into_judged(self, facts: &Facts) -> Judged {
        match self {
            Self::Scorecard(scored) => Judged {
                risk_score: scored.baseline().risk_score,
                explanation: scored.explanation().into(),
                recommendations: scored.recommendations().to_vec(),
                drivers: scored.drivers().to_vec(),
                baseline: scored.baseline().clone(),
                second_opinion: None,
                grade: Grade::Scorecard,
                model_used: "scorecard".into(),
                model_id: None,
                grounding: None,
                repairs: None,
                prompt: None,
                reply: None,
            },
            Self::Model { grounded, source, baseline } => {
                let reply = grounded.reply();
                let drivers =
                    reply.drivers().iter().zip(grounded.becauses()).filter_map(|(driver, because)| {
                        let value = facts.get(&driver.fact)?.clone();
                        Some(Driver {
                            fact: driver.fact.clone(),
                            value,
                            effect: driver.effect,
                            because: because.clone(),
                        })
                    });
                Judged {
                    risk_score: reply.risk_score(),
                    explanation: grounded.explanation().into(),
                    recommendations: grounded.recommendations().to_vec(),
                    drivers: drivers.collect(),
                    baseline: baseline.baseline().clone(),
                    grade: match &source.second_opinion {
                        Some(opinion) if opinion.is_doubted() => Grade::Doubted,
                        _ => Grade::Model,
                    },
                    second_opinion: source.second_opinion,
                    model_used: source.label,
                    model_id: Some(source.model_id),
                    grounding: Some(grounded.report().clone()),
                    repairs: Some(reply.repairs().to_vec()),
                    prompt: Some(source.prompt),
                    reply: Some(first_bytes(&source.reply, REPLY_STORED_BYTES_MAX).to_owned()),
                }
            }
        }
    }
}
