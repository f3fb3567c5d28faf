//! What a channel says when an entity has recovered.
//!
//! Never: lets a name change the form of what is sent.

use portend_core::alert_type::AlertTypes;
use portend_core::entity::EntityRow;
use serde_json::{Value, json};

use super::template::{clip, line, slack};

/// The longest name in a message of Slack, in characters.
const NAME_CHARS_MAX: usize = 120;

/// An entity's recovery, in the words of each kind of channel.
pub(super) struct RecoveryText<'r> {
    row: &'r EntityRow,
    /// The titles of the alert types that were its trouble.
    titles: Vec<&'r str>,
}

impl<'r> RecoveryText<'r> {
    pub(super) fn new(row: &'r EntityRow, types: &'r AlertTypes) -> Self {
        let title = |id: &'r String| types.get(id).map_or(id.as_str(), |each| each.title());
        Self { row, titles: row.judgements.keys().map(title).collect() }
    }

    /// The id by which a receiver recognizes a repeated request.
    pub(super) fn id(&self) -> String {
        let EntityRow { key, version, .. } = self.row;
        format!("recovered_{}_{}_{version}", key.entity_type, key.entity_id)
    }

    pub(super) fn subject(&self) -> String {
        format!("Recovered: {}", self.row.key.entity_id)
    }

    /// For a webhook.
    pub(super) fn webhook(&self) -> Value {
        json!({
            "type": "recovered",
            "entity_type": self.row.key.entity_type,
            "entity_id": self.row.key.entity_id,
            "recovered_at": self.row.recovered_at,
            "alert_types": self.row.judgements.keys().collect::<Vec<_>>(),
        })
    }

    /// For a webhook of Slack's form.
    pub(super) fn slack(&self) -> Value {
        let text = format!(
            "Recovered: {} · {}",
            clip(&line(&self.row.key.entity_id), NAME_CHARS_MAX),
            clip(&self.titles.join(", "), NAME_CHARS_MAX)
        );
        json!({ "text": slack(&text) })
    }

    /// For mail.
    pub(super) fn mail(&self) -> String {
        let since = self.row.recovered_at.map(|at| format!(" since {at}")).unwrap_or_default();
        format!(
            "{} has recovered{since}.\n\nIt was on the list because of: {}.\nNothing needs to be done.\n",
            line(&self.row.key.entity_id),
            self.titles.join(", ")
        )
    }
}
