//! What changed since a time, each entity once: who is new, back, worse, better or recovered.
//!
//! A digest that is sent begins where the one before ended, so nothing is said twice. Its end is a document of the store.
//!
//! Never: sends; a channel does.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use portend_core::alert_type::AlertTypes;
use portend_core::entity::{EntityRow, EntityState};
use portend_core::limits::{PAGE_MAX, RETENTION};
use portend_core::number::Number;
use portend_core::store::{
    Document, Documents, Entities, Queries, StoreError, entity_of_insights, longest_silence, recent_entities,
};
use portend_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits::DAY;

/// What changed in a time, each entity in one section.
#[derive(Debug, Clone, Serialize)]
pub struct Digest {
    /// From this time.
    pub since: Timestamp,
    /// Until this time.
    pub until: Timestamp,
    /// The sections that are not empty.
    pub sections: Vec<DigestSection>,
    /// Entities to look at that have not changed.
    pub unchanged: usize,
}

/// One kind of change.
#[derive(Debug, Clone, Serialize)]
pub struct DigestSection {
    /// `New`, `Back`, `Worse`, `Better` or `Recovered`.
    pub title: &'static str,
    /// The highest score first.
    pub lines: Vec<DigestLine>,
}

/// What changed about one entity.
#[derive(Debug, Clone, Serialize)]
pub struct DigestLine {
    /// The type.
    pub entity_type: String,
    /// The id.
    pub entity_id: String,
    /// The score before; absent if the entity was not on the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Number>,
    /// The score now; absent if it has recovered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<Number>,
    /// The title of the worst alert type.
    pub title: String,
    /// What to do first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// The sections, in their order.
const TITLES: [&str; 5] = ["New", "Back", "Worse", "Better", "Recovered"];
/// The partition and sort key of the document with the end of the last digest that was sent.
const SENT: (&str, &str) = ("digest", "sent");

/// The end of the last digest that was sent.
#[derive(Serialize, Deserialize)]
struct SentDigest {
    until: Timestamp,
}

impl DigestLine {
    /// The change of the score, in words.
    pub fn score(&self) -> String {
        match (self.before, self.risk_score) {
            (Some(before), Some(now)) => format!("{before} → {now}"),
            (None, Some(now)) => now.to_string(),
            (Some(before), None) => format!("{before} → ok"),
            (None, None) => "ok".to_owned(),
        }
    }
}

impl Digest {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// What is said at the end.
    pub fn foot(&self) -> String {
        match (self.is_empty(), self.unchanged) {
            (true, 0) => "Nothing changed, and nobody needs a look.".to_owned(),
            (true, unchanged) => format!("Nothing changed. Still to look at: {unchanged}."),
            (false, unchanged) => format!("Unchanged, and still to look at: {unchanged}."),
        }
    }

    /// As plain text, with times in UTC. `plain` makes names and advice safe for where the text is shown.
    pub(crate) fn plain_text(&self, plain: impl Fn(&str) -> String) -> String {
        let mut text = format!(
            "Changes from {} to {}\n",
            self.since.to_seconds_string(),
            self.until.to_seconds_string()
        );
        // Writing to a string cannot fail.
        for section in &self.sections {
            let _ = writeln!(text, "\n{} ({})", section.title, section.lines.len());
            for line in &section.lines {
                let _ =
                    writeln!(text, "• {}  {} · {}", line.score(), plain(&line.entity_id), plain(&line.title));
                if let Some(advice) = &line.advice {
                    let _ = writeln!(text, "   {}", plain(advice));
                }
            }
        }
        let _ = write!(text, "\n{}\n", self.foot());
        text
    }
}

/// The digest from `since` until now.
pub async fn digest_now(
    store: &(impl Queries + Entities),
    types: &AlertTypes,
    since: Timestamp,
    now: Timestamp,
) -> Result<Digest, StoreError> {
    let rows = rows_now(store, types, since, now).await?;
    digest_of_rows(store, types, &rows, (since, now), now).await
}

/// The digest since the last one that was sent, and notes that it is the last one now. Without one before, it is of the last
/// day. If nobody gets it, [`unsend_digest`] takes the note back.
pub async fn next_digest(
    store: &(impl Queries + Entities + Documents),
    types: &AlertTypes,
    now: Timestamp,
) -> Result<Digest, StoreError> {
    let sent = store.documents(SENT.0, now).await?;
    let last = sent.iter().find_map(|document| serde_json::from_str::<SentDigest>(&document.body).ok());
    let since = last.map_or(now.minus(DAY), |last| last.until.min(now));
    let digest = digest_now(store, types, since, now).await?;
    store.put_documents(&[note_of(now, now)]).await?;
    Ok(digest)
}

/// Takes back the note of a digest that nobody got, so that the next one contains what it said.
pub async fn unsend_digest(store: &impl Documents, digest: &Digest) -> Result<(), StoreError> {
    store.put_documents(&[note_of(digest.since, digest.until)]).await
}

fn note_of(until: Timestamp, now: Timestamp) -> Document {
    Document {
        pk: SENT.0.to_owned(),
        sk: SENT.1.to_owned(),
        body: serde_json::to_string(&SentDigest { until }).unwrap_or_default(),
        expires_at: now.plus(RETENTION),
    }
}

/// The open entities, and those that have recovered since.
async fn rows_now(
    store: &(impl Queries + Entities),
    types: &AlertTypes,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<EntityRow>, StoreError> {
    let (mut rows, mut known, mut after) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let page = store.open_entities(after.as_ref(), PAGE_MAX, now).await?;
        let is_last = page.len() < PAGE_MAX;
        after = page.last().map(EntityRow::place);
        known.extend(page.iter().map(|row| row.key.clone()));
        rows.extend(page);
        if is_last {
            break;
        }
    }
    for key in recent_entities(store, since.minus(longest_silence(types)), now, usize::MAX).await? {
        if known.contains(&key) {
            continue;
        }
        let row = store.entity(&key, now).await?;
        rows.extend(row.filter(|row| {
            row.state == EntityState::Recovered && row.recovered_at.is_some_and(|at| at > since)
        }));
    }
    Ok(rows)
}

/// The digest of these entities, as they are at the end of the time.
pub async fn digest_of_rows(
    store: &impl Queries,
    types: &AlertTypes,
    rows: &[EntityRow],
    (since, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Digest, StoreError> {
    let mut lines: [Vec<DigestLine>; 5] = Default::default();
    let mut unchanged = 0;
    let [new, back, worse, better, recovered] = &mut lines;
    for row in rows {
        if row.state == EntityState::Recovered || row.is_recovered(until) {
            // Who had recovered before was in an earlier digest.
            let was_open = row.recovered_at.is_none_or(|at| at > since);
            recovered.extend(recovered_line(row, types, since).filter(|_| was_open));
            continue;
        }
        if !row.is_listed(until) {
            continue;
        }
        let before = if row.latest_alert() < since {
            Some(row.clone())
        } else {
            entity_of_insights(store, types, &row.key, since, now).await?
        };
        let before = before.and_then(|before| score(&before, since));
        let Some(line) = line(row, types, until, before) else { continue };
        match (before, line.risk_score) {
            (None, _) if row.opened_at < since || row.returned.is_some() => back.push(line),
            (None, _) => new.push(line),
            (Some(before), Some(present)) if present > before => worse.push(line),
            (Some(before), Some(present)) if present < before => better.push(line),
            (Some(_), _) => unchanged += 1,
        }
    }
    let mut sections = Vec::new();
    for (title, mut lines) in TITLES.into_iter().zip(lines) {
        let order = |line: &DigestLine| line.risk_score.or(line.before).map_or(0.0, Number::get);
        lines.sort_by(|one, other| order(other).total_cmp(&order(one)));
        if !lines.is_empty() {
            sections.push(DigestSection { title, lines });
        }
    }
    Ok(Digest { since, until, sections, unchanged })
}

/// The worst score at a time; `None` if none is current.
fn score(row: &EntityRow, at: Timestamp) -> Option<Number> {
    row.worst_judgement(at).map(|(_, judgement)| judgement.risk_score)
}

/// The line of an entity that has recovered: with the score at that time, or the one before its healthy facts.
fn recovered_line(row: &EntityRow, types: &AlertTypes, since: Timestamp) -> Option<DigestLine> {
    let worst = row.worst_judgement(since).map(|(alert_type, judgement)| (alert_type, judgement.risk_score));
    let healthy = row.judgements.iter().filter(|(_, judgement)| judgement.healthy);
    let healthy = healthy.filter_map(|(alert_type, judgement)| {
        Some((alert_type.as_str(), judgement.previous.as_ref()?.risk_score))
    });
    let (alert_type, before) = worst.or(healthy.max_by(|one, other| one.1.get().total_cmp(&other.1.get())))?;
    Some(DigestLine {
        entity_type: row.key.entity_type.clone(),
        entity_id: row.key.entity_id.clone(),
        before: Some(before),
        risk_score: None,
        title: types.get(alert_type).map_or(alert_type, |each| each.title()).to_owned(),
        advice: None,
    })
}

fn line(row: &EntityRow, types: &AlertTypes, at: Timestamp, before: Option<Number>) -> Option<DigestLine> {
    let (alert_type, judgement) = row.worst_judgement(at)?;
    Some(DigestLine {
        entity_type: row.key.entity_type.clone(),
        entity_id: row.key.entity_id.clone(),
        before,
        risk_score: Some(judgement.risk_score),
        title: types.get(alert_type).map_or(alert_type, |each| each.title()).to_owned(),
        advice: judgement.advice.clone(),
    })
}
