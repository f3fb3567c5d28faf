//! Finds the insight that a person means: by its alert id, a unique beginning of it, its eight digits, or its entity.

use anyhow::Result;
use portend_core::alert_type::{AlertType, AlertTypes};
use portend_core::entity::EntityKey;
use portend_core::insight::StoredInsight;
use portend_core::store::{Entities, InsightQuery, Queries};
use portend_core::time::Timestamp;

use crate::any_store::AnyStore;
use crate::show::output::{CommandOutcome, note};
use crate::show::text::{short_id, shown};

/// The fewest characters of a shortened id. Fewer would nearly always match several.
const SHORT_CHARS_MIN: usize = 4;
/// The most matches that are named.
const MATCHES_MAX: usize = 4;

/// The insight that a person means.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// This one.
    Insight(Box<StoredInsight>),
    /// None is known by that text.
    Nothing,
    /// One of these ids, or of more.
    Several(Vec<String>),
}

impl Resolved {
    /// Says why there is no insight, and how to name one.
    pub(crate) fn complain(&self, text: &str) -> CommandOutcome {
        let text = shown(text);
        note(&match self {
            Self::Insight(_) | Self::Nothing => {
                format!("there is no insight {text}; portend insights lists them")
            }
            Self::Several(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| short_id(id)).collect();
                format!("several insights match {text}: {}; write more of the id", ids.join(", "))
            }
        });
        CommandOutcome::Incomplete
    }
}

/// The entity types of these alert types.
pub(crate) fn entity_types(types: &AlertTypes) -> Vec<&str> {
    let mut entities: Vec<_> = types.iter().map(AlertType::entity).collect();
    entities.sort_unstable();
    entities.dedup();
    entities
}

/// Finds the insight. Of an entity, it is the one of the worst current judgement, or else the newest.
pub(crate) async fn resolve(
    store: &AnyStore,
    types: &AlertTypes,
    text: &str,
    now: Timestamp,
) -> Result<Resolved> {
    let found = |insight: StoredInsight| Ok(Resolved::Insight(Box::new(insight)));
    if let Some(insight) = store.find(text, now).await? {
        return found(insight);
    }
    for entity_type in entity_types(types) {
        let row = store.entity(&EntityKey::new(entity_type, text), now).await?;
        let worst = row.as_ref().and_then(|row| row.worst_judgement(now));
        if let Some((_, judgement)) = worst
            && let Some(insight) = store.find(&judgement.alert_id, now).await?
        {
            return found(insight);
        }
    }
    let newest = InsightQuery { entity_id: Some(text.to_owned()), limit: 1, ..InsightQuery::default() };
    if let Some(insight) = store.insights(&newest, now).await?.insights.pop() {
        return found(insight);
    }
    if text.chars().count() < SHORT_CHARS_MIN {
        return Ok(Resolved::Nothing);
    }
    let mut ids = store.ids_like(text, MATCHES_MAX, now).await?;
    match (ids.pop(), ids.is_empty()) {
        (None, _) => Ok(Resolved::Nothing),
        (Some(id), true) => match store.find(&id, now).await? {
            Some(insight) => found(insight),
            None => Ok(Resolved::Nothing),
        },
        (Some(id), false) => {
            ids.push(id);
            Ok(Resolved::Several(ids))
        }
    }
}
