//! `portend feedback`: says whether an insight helped, and who does what about its entity.

use anyhow::{Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::{Clock, random_name};
use portend_core::entity::{
    EntityKey, EntityRow, EntityState, FeedbackAction, FeedbackEntry, FeedbackOutcome, FeedbackRequest,
};
use portend_core::insight::StoredInsight;
use portend_core::limits::{FEEDBACK_CHARS_MAX, RETENTION};
use portend_core::recommendation::{InsightRecommendation, act_of, recommendations_of};
use portend_core::store::{Entities, Feedback, Outcomes, entity_of_insights};
use portend_core::time::Timestamp;
use portend_remote::SystemClock;

use super::insights::open_for_changes;
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::moment::{Direction, moment};
use crate::short_id::{Resolved, resolve};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::{minute, shown, zone};

/// Say whether an insight helped, and who does what about its student or subject.
///
/// Feedback expires with its insight. The last action sets the state: `seen`, `assign`, `snooze`, `done`, or `reopen`. A
/// snoozed student or subject is on the list again at the time, or as soon as the risk rises by 5 or passes 60 or 80; one that
/// is done, if the risk rises so, or if it comes back after a recovery.
///
/// Exit code: 1 if there is no such insight, or somebody else was first.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The insight: its alert id, a unique beginning of it, its eight digits in a list, or its student or subject.
    #[arg(value_name = "ALERT")]
    alert: String,

    /// What to say.
    #[arg(value_name = "ACTION", value_enum)]
    action: ActionName,

    /// With snooze: until a date (2025-01-31), a time (2025-01-31T09:00:00Z) or for a duration (90m, 24h, 7d).
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// With assign: who takes care of it [default: the person of --by].
    #[arg(long, value_name = "NAME")]
    to: Option<String>,

    /// With done or skip: only this recommendation of the insight, by its number (1, 2, 3) or its id.
    ///
    /// What was done is also stored as an act, so that `portend recommendations` and `portend eval` can say what followed.
    #[arg(long, value_name = "N")]
    recommendation: Option<String>,

    /// A note in your own words.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// Who you are.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "somebody")]
    by: String,

    /// The version that you saw, as `portend today --json` prints it. If somebody has changed the state since, nothing is
    /// stored.
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,

    /// Print the student or subject as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What a person says or does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ActionName {
    /// The insight helped.
    Useful,
    /// The insight is wrong.
    Wrong,
    /// Only your --note is to be stored.
    Note,
    /// You have looked at it.
    Seen,
    /// Somebody takes care of it.
    Assign,
    /// It can wait.
    Snooze,
    /// It is dealt with; with --recommendation, that one was done.
    Done,
    /// With --recommendation: that one is not done.
    Skip,
    /// It is to be on the list again.
    Reopen,
}

impl Args {
    /// The action, if it is about one recommendation of the insight.
    fn about_recommendation(
        &self,
        insight: &StoredInsight,
        types: &AlertTypes,
    ) -> Result<Option<FeedbackAction>> {
        let Some(named) = &self.recommendation else { return Ok(None) };
        let list = recommendations_of(insight, types.get(insight.prediction_type()), &[]);
        let by_number = named.parse().ok().and_then(|number: usize| list.get(number.checked_sub(1)?));
        let found = by_number.or_else(|| list.iter().find(|each| each.id == *named));
        let Some(InsightRecommendation { id, .. }) = found else {
            let ids: Vec<_> = list.iter().map(|each| each.id.as_str()).collect();
            return Err(anyhow!(
                "the insight has no recommendation `{named}`; use 1 to {}, or one of {}",
                ids.len(),
                ids.join(", ")
            ));
        };
        let recommendation = id.clone();
        match self.action {
            ActionName::Done => Ok(Some(FeedbackAction::RecommendationDone { recommendation })),
            ActionName::Skip => Ok(Some(FeedbackAction::RecommendationSkipped { recommendation })),
            ActionName::Useful
            | ActionName::Wrong
            | ActionName::Note
            | ActionName::Seen
            | ActionName::Assign
            | ActionName::Snooze
            | ActionName::Reopen => Err(anyhow!("--recommendation is only for done and skip; omit it")),
        }
    }

    fn action(&self, now: Timestamp) -> Result<FeedbackAction> {
        if self.until.is_some() && self.action != ActionName::Snooze {
            return Err(anyhow!("--until is only for snooze; omit it"));
        }
        if self.to.is_some() && self.action != ActionName::Assign {
            return Err(anyhow!("--to is only for assign; omit it"));
        }
        for (name, text) in [("--note", &self.note), ("--to", &self.to), ("--by", &Some(self.by.clone()))] {
            if text.as_ref().is_some_and(|text| text.chars().count() > FEEDBACK_CHARS_MAX) {
                return Err(anyhow!("{name} is too long; write at most {FEEDBACK_CHARS_MAX} characters"));
            }
        }
        Ok(match self.action {
            ActionName::Useful => FeedbackAction::Useful,
            ActionName::Wrong => FeedbackAction::Wrong,
            ActionName::Note if self.note.is_none() => {
                return Err(anyhow!("there is no note; write it with --note TEXT"));
            }
            ActionName::Note => FeedbackAction::Note,
            ActionName::Seen => FeedbackAction::Seen,
            ActionName::Done => FeedbackAction::Done,
            ActionName::Skip => {
                return Err(anyhow!("skip needs --recommendation, such as --recommendation 1"));
            }
            ActionName::Reopen => FeedbackAction::Reopen,
            ActionName::Assign => {
                FeedbackAction::Assign { assignee: self.to.clone().unwrap_or_else(|| self.by.clone()) }
            }
            ActionName::Snooze => {
                let missing = || anyhow!("snooze needs a time; add --until, such as --until 7d");
                let until = self.until.as_deref().ok_or_else(missing)?;
                let until = moment("--until", until, Direction::Future, now)?;
                if until <= now {
                    return Err(anyhow!("--until is in the past; write a later time, or 7d for seven days"));
                }
                FeedbackAction::Snooze { until }
            }
        })
    }
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let whole =
        if args.recommendation.is_none() { Some(args.action(now).map_err(WrongUsage::from)?) } else { None };
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let store = open_for_changes(&config).await?;
    let insight = match resolve(&store, &types, &args.alert, now).await? {
        Resolved::Insight(insight) => insight,
        unresolved @ (Resolved::Nothing | Resolved::Several(_)) => {
            return Ok(unresolved.complain(&args.alert));
        }
    };
    let action = match whole {
        Some(action) => Some(action),
        None => args.about_recommendation(&insight, &types).map_err(WrongUsage::from)?,
    };
    let action = action.unwrap_or(FeedbackAction::Seen);
    let Some(entity) = insight.entity_key() else {
        note(
            "the original handler made this insight, so its state is not stored; give feedback about a newer one",
        );
        return Ok(CommandOutcome::Incomplete);
    };
    let row = match store.entity(&entity, now).await? {
        Some(row) => Some(row),
        None => rebuilt(&store, &types, &entity, now).await?,
    };
    let request = FeedbackRequest {
        entity: entity.clone(),
        entry: FeedbackEntry {
            alert_id: insight.alert_id().to_owned(),
            at: now,
            id: random_name(&SystemClock),
            by: args.by.clone(),
            action,
            note: args.note.clone(),
        },
        expected_version: args.if_version.or(row.map(|row| row.version)),
        expires_at: insight.expires_at().unwrap_or(now.plus(RETENTION)),
        now,
    };
    match store.give_feedback(&request).await? {
        FeedbackOutcome::Recorded(row) => {
            if let Some(act) = act_of(&entity, &request.entry) {
                store.put_outcomes(&[act], now).await?;
            }
            if args.json {
                json_line(&mut std::io::stdout().lock(), &*row)?;
            } else {
                note(&sentence(&insight, &row, &request.entry.action));
            }
            Ok(CommandOutcome::Done)
        }
        FeedbackOutcome::Conflict(change) => {
            note(&format!(
                "{} changed {} at {} {}; nothing is stored. Look again, and repeat the command if it is still right.",
                shown(&change.by),
                shown(&entity.entity_id),
                minute(change.at),
                zone()
            ));
            Ok(CommandOutcome::Incomplete)
        }
        FeedbackOutcome::UnknownVersion(current) => {
            note(&format!(
                "{} has never had that version; nothing is stored. Its version is {current}: look again, and repeat the \
                 command with it if it is still right.",
                shown(&entity.entity_id)
            ));
            Ok(CommandOutcome::Incomplete)
        }
        FeedbackOutcome::NoEntity => {
            note(
                "the insight has expired, so there is nothing to change; portend today lists what is current",
            );
            Ok(CommandOutcome::Incomplete)
        }
    }
}

/// Writes the row of an entity that a program of an earlier version did not.
async fn rebuilt(
    store: &AnyStore,
    types: &AlertTypes,
    key: &EntityKey,
    now: Timestamp,
) -> Result<Option<EntityRow>> {
    let Some(row) = entity_of_insights(store, types, key, Timestamp::from_millis(i64::MAX), now).await?
    else {
        return Ok(None);
    };
    store.write_entity(&row, now).await?;
    Ok(store.entity(key, now).await?)
}

fn sentence(insight: &StoredInsight, row: &EntityRow, action: &FeedbackAction) -> String {
    let entity = shown(insight.entity_id());
    let state = match row.state {
        EntityState::Assigned => {
            format!("{entity} is assigned to {}", shown(row.assignee.as_deref().unwrap_or("somebody")))
        }
        EntityState::Snoozed => {
            let until =
                row.until.map(|until| format!(" until {} {}", minute(until), zone())).unwrap_or_default();
            format!("{entity} is snoozed{until}, or until its risk rises")
        }
        EntityState::Done => format!("{entity} is done, and off the list until it gets worse or relapses"),
        EntityState::New => format!("{entity} is on the list again"),
        EntityState::Seen => format!("{entity} is seen"),
        EntityState::Recovered => format!("{entity} is recovered"),
    };
    match action {
        FeedbackAction::RecommendationDone { recommendation } => {
            format!("noted that {recommendation} was done; {state}")
        }
        FeedbackAction::RecommendationSkipped { recommendation } => {
            format!("noted that {recommendation} is skipped; {state}")
        }
        FeedbackAction::Useful | FeedbackAction::Wrong => format!("noted as {}; {state}", action.code()),
        FeedbackAction::Note => format!("the note is stored; {state}"),
        FeedbackAction::Seen
        | FeedbackAction::Done
        | FeedbackAction::Assign { .. }
        | FeedbackAction::Snooze { .. }
        | FeedbackAction::Reopen => state,
    }
}
