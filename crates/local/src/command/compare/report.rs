//! What `portend compare` says: the report, and its sentences.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portend_core::insight::InsightFields;
use portend_eval::compare::{ComparisonFigures, ScorePair};
use serde::Serialize;

use super::Args;
use super::worse::WorseFacts;
use crate::command::question::Questioner;
use crate::show::output::{STRONG, paint};
use crate::show::text::{counted, shown};

/// What would change.
#[derive(Debug, Serialize)]
pub(super) struct ComparisonReport {
    /// The label of the model that was asked.
    with: String,
    /// The file with other rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    /// `complete`, or `budget` if not every alert was asked about.
    pub(super) status: &'static str,
    questions: usize,
    calls: usize,
    cost_usd: f64,
    cost_per_question: Option<f64>,
    /// The mean time of an answer, in milliseconds, new and old.
    latency_ms: [Option<f64>; 2],
    /// The share of questions without a usable answer.
    unusable: Option<f64>,
    /// Why, with the number of questions.
    failures: BTreeMap<String, u32>,
    /// The share of answers with a number that no fact supports, new and old.
    unsupported: [Option<f64>; 2],
    #[serde(flatten)]
    figures: ComparisonFigures,
    /// The questions with one fact worse, if they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    worse: Option<WorseFacts>,
    /// What a change to this model makes necessary.
    redo: Vec<&'static str>,
}

const REDO: [&str; 3] = [
    "fit a new map with portend calibrate when outcomes are known, because a new model has none",
    "judge the new model with portend eval apart from the old one",
    "choose again the scores at which somebody is notified, if alerts moved across them",
];

/// Counts of the answers.
#[derive(Debug, Default)]
pub(super) struct AnswerTally {
    answers: u32,
    unusable: u32,
    failures: BTreeMap<String, u32>,
    unsupported: u32,
    ms: u64,
    old: u32,
    old_models: u32,
    old_unsupported: u32,
    old_ms: u64,
}

fn has_unsupported(fields: &InsightFields) -> u32 {
    u32::from(fields.grounding.as_ref().is_some_and(|report| !report.unsupported.is_empty()))
}

impl AnswerTally {
    pub(super) fn answered(&mut self, fields: &InsightFields) {
        self.answers += 1;
        self.unsupported += has_unsupported(fields);
        self.ms += fields.attempts.iter().map(|attempt| attempt.ms).sum::<u64>();
    }

    pub(super) fn failed(&mut self, reason: String) {
        self.unusable += 1;
        *self.failures.entry(reason).or_default() += 1;
    }

    pub(super) fn old(&mut self, fields: &InsightFields) {
        self.old += 1;
        self.old_models += u32::from(fields.model_id.is_some());
        self.old_unsupported += has_unsupported(fields);
        self.old_ms += fields.attempts.iter().map(|attempt| attempt.ms).sum::<u64>();
    }
}

impl ComparisonReport {
    /// What the pairs and the answers show.
    pub(super) fn new(
        args: &Args,
        questioner: &Questioner,
        tally: &AnswerTally,
        pairs: &[ScorePair],
        worse: Option<WorseFacts>,
        status: &'static str,
    ) -> Self {
        let ratio = |part: f64, whole: u32| (whole > 0).then(|| part / f64::from(whole));
        let asked = tally.answers + tally.unusable;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^53")]
        let ms = |ms: u64| ms as f64;
        Self {
            with: questioner.label().to_owned(),
            prompt: args.prompt.as_ref().map(|file| file.display().to_string()),
            status,
            questions: asked as usize,
            calls: questioner.calls,
            cost_usd: questioner.spent,
            cost_per_question: ratio(questioner.spent, asked),
            latency_ms: [ratio(ms(tally.ms), tally.answers), ratio(ms(tally.old_ms), tally.old_models)],
            unusable: ratio(tally.unusable.into(), asked),
            failures: tally.failures.clone(),
            unsupported: [
                ratio(tally.unsupported.into(), tally.answers),
                ratio(tally.old_unsupported.into(), tally.old_models),
            ],
            figures: ComparisonFigures::of(pairs),
            worse,
            redo: REDO.to_vec(),
        }
    }

    /// The report in sentences.
    pub(super) fn text(&self) -> String {
        let figures = &self.figures;
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        let percent = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", 100.0 * value))
        };
        let mut text =
            format!("{}\n", paint(STRONG, &format!("Stored scores and those of {}", shown(&self.with))));
        let mut line = |sentence: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{sentence}");
        };
        line(format!(
            "{} with both scores; {} calls, ${:.4}.",
            counted(figures.n as u64, "alert"),
            self.calls,
            self.cost_usd
        ));
        if self.status == "budget" {
            line("The budget ended the comparison early; raise --budget to ask about all.".to_owned());
        }
        line(format!(
            "  Shift      {} points on average ({} to {}); {} moved by more than 10.",
            number(figures.mean_shift),
            number(figures.mean_shift_low),
            number(figures.mean_shift_high),
            percent(figures.over_10)
        ));
        line(format!(
            "  Order      Spearman {}, Kendall {}; {} of the highest tenth stay in it.",
            number(figures.spearman),
            number(figures.kendall_tau_b),
            percent(figures.top_overlap)
        ));
        line(format!("  Meaning    {} move to another meaning of the scale.", percent(figures.moved)));
        if let (Some(noise), Some(within)) = (figures.noise, figures.within_noise) {
            let verdict = if within {
                "the shift is within the model's own noise"
            } else {
                "the shift is more than the model's own noise"
            };
            line(format!("  Noise      asked twice, its two scores are {noise:.1} points apart: {verdict}."));
        }
        match &self.worse {
            Some(WorseFacts { asked, lower, facts }) => {
                let named: Vec<String> =
                    facts.iter().map(|(fact, count)| format!("{} {count}", shown(fact))).collect();
                let named = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
                line(format!(
                    "  Direction  {lower} of {} with one fact worse have a lower score{named}.",
                    counted((*asked).into(), "question")
                ));
            }
            None => {
                line("  Direction  not checked; --worse asks each question with one fact worse.".to_owned());
            }
        }
        let [new_unsupported, old_unsupported] = self.unsupported;
        line(format!(
            "  Replies    {} unusable; {} with an unsupported number ({} before).",
            percent(self.unusable),
            percent(new_unsupported),
            percent(old_unsupported)
        ));
        for (reason, count) in &self.failures {
            line(format!(
                "             {} without a usable answer: {reason}.",
                counted((*count).into(), "question")
            ));
        }
        let [new_ms, old_ms] = self.latency_ms;
        line(format!("  Time       {} ms ({} ms before).", number(new_ms), number(old_ms)));
        match &figures.outcomes {
            Some(of) if of.auc_difference.is_some() => line(format!(
                "  Outcomes   on {} with a known outcome, AUC {:+.3} (p {}), Brier {:+.4}.",
                counted(of.n as u64, "alert"),
                of.auc_difference.unwrap_or_default(),
                number(of.p),
                of.brier_difference.unwrap_or_default()
            )),
            _ => line("  Outcomes   too few are known to say which is better.".to_owned()),
        }
        line("If you change to it:".to_owned());
        for redo in &self.redo {
            line(format!("  • {redo}"));
        }
        text
    }
}
