//! Reads and writes insights. The claim counts an insight's repeats, and a read joins the two rows.
//!
//! Never: returns a row that does not match its checksum.

use std::sync::atomic::Ordering;

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::{Insight, InsightFields, StoredInsight};
use portend_core::limits::DISAGREEMENT_LISTED_MIN;
use portend_core::number::Number;
use portend_core::store::{
    Cursor, DueInsight, InsightPage, InsightQuery, Insights, Queries, StoreError, Todo,
};
use portend_core::time::Timestamp;
use rusqlite::types::{FromSqlError, ToSql};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::checksum::{ChecksumInput, is_sound};
use crate::error::is_of_a_row;
use crate::{Sqlite, prefix_end};

/// Insights with the repeats that their claims count.
const JOINED: &str =
    "SELECT insight.*, occurrences, last_seen FROM insight LEFT JOIN claim USING (alert_key)";
/// The condition that selects one key.
const BY_KEY: &str = "insight.entity_id = ?1 AND insight.alert_timestamp = ?2 AND insight.alert_type = ?3
    AND insight.digits = ?4 AND insight.expires_at >= ?5";

impl Insights for Sqlite {
    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        let (key, now) = (key.clone(), self.expiry_time(now));
        self.read(move |connection| get(connection, &key, now)).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        let (key, run) = (key.clone(), run.to_owned());
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE insight SET todo = CASE WHEN degraded THEN ?6 END
                 WHERE entity_id = ?1 AND alert_timestamp = ?2 AND alert_type = ?3 AND digits = ?4
                     AND todo = ?5 AND body ->> 'run' = ?7",
            )?;
            let after = todo.after(true).map(Todo::code);
            let (entity_id, at, alert_type, digits) = columns(&key);
            statement.execute(params![entity_id, at, alert_type, digits, todo.code(), after, run])?;
            Ok(())
        })
        .await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        let (after, now) = (after.cloned(), self.expiry_time(now));
        let due = self
            .read(move |connection| {
                let mut statement = connection.prepare_cached(&format!(
                    "{JOINED} WHERE todo IS NOT NULL AND insight.expires_at >= ?1
                         AND (?2 IS NULL OR (timestamp, alert_id) > (?2, ?3))
                     ORDER BY timestamp, alert_id LIMIT ?4"
                ))?;
                read_rows(after, limit, |after, limit| {
                    let (time, id) = after.map(|after| (after.time.as_millis(), &after.id)).unzip();
                    let mut found = FoundRows::new();
                    let mut rows = statement.query(params![now.as_secs(), time, id, limit])?;
                    while let Some(row) = rows.next()? {
                        found.add(row, "timestamp", read_due(row))?;
                    }
                    Ok(found)
                })
            })
            .await?;
        Ok(self.counted(due))
    }
}

impl Queries for Sqlite {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        let (alert_id, now) = (alert_id.to_owned(), self.expiry_time(now));
        self.read(move |connection| {
            let sql = format!("{JOINED} WHERE alert_id = ?1 AND insight.expires_at >= ?2");
            connection.prepare_cached(&sql)?.query_row(params![alert_id, now.as_secs()], read).optional()
        })
        .await
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        let (query, now) = (query.clone(), self.expiry_time(now));
        let (limit, after) = (query.limit + 1, query.after.clone());
        let place = if query.entity_id.is_some() { "alert_timestamp" } else { "timestamp" };
        let filter = query.clone();
        let found = self
            .read(move |connection| {
                read_rows(after, limit, |after, limit| page(connection, &filter, after, limit, place, now))
            })
            .await?;
        Ok(query.page(self.counted(found)))
    }
}

impl Sqlite {
    /// The number of damaged insights that pages skipped. A damaged insight does not hide the others.
    pub fn unreadable(&self) -> usize {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// The readable rows; counts the others.
    fn counted<T>(&self, found: FoundRows<T>) -> Vec<T> {
        self.unreadable.fetch_add(found.damaged, Ordering::Relaxed);
        found.readable
    }
}

/// The rows of a page, without those that are damaged.
struct FoundRows<T> {
    readable: Vec<T>,
    damaged: usize,
    /// The place of the last row, damaged or not.
    last: Option<Cursor>,
}

impl<T> FoundRows<T> {
    fn new() -> Self {
        Self { readable: Vec::new(), damaged: 0, last: None }
    }

    /// Adds what was read from a row, or counts the row if it is damaged. `time` is the column of its place.
    fn add(&mut self, row: &Row<'_>, time: &str, read: rusqlite::Result<T>) -> rusqlite::Result<()> {
        self.last = Some(Cursor { time: Timestamp::from_millis(row.get(time)?), id: row.get("alert_id")? });
        match read {
            Ok(item) => self.readable.push(item),
            Err(error) if is_of_a_row(&error) => self.damaged += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Reads `limit` readable rows after a place, or all. Reads further rows in place of those that are damaged.
fn read_rows<T>(
    mut after: Option<Cursor>,
    limit: usize,
    mut read: impl FnMut(Option<&Cursor>, usize) -> rusqlite::Result<FoundRows<T>>,
) -> rusqlite::Result<FoundRows<T>> {
    let mut all = FoundRows::new();
    loop {
        let found = read(after.as_ref(), limit - all.readable.len())?;
        let is_short = found.damaged > 0;
        all.readable.extend(found.readable);
        all.damaged += found.damaged;
        if !is_short || found.last.is_none() || all.readable.len() >= limit {
            return Ok(all);
        }
        after = found.last;
    }
}

impl Sqlite {
    /// The ids of insights that begin with this text, or whose digits do; at most `limit`.
    pub async fn ids_like(
        &self,
        text: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let (text, now) = (text.to_owned(), self.expiry_time(now));
        self.read(move |connection| {
            let end = prefix_end(&text);
            let mut statement = connection.prepare_cached(
                "SELECT alert_id FROM insight
                 WHERE expires_at >= ?3 AND ((alert_id >= ?1 AND alert_id < ?2) OR (digits >= ?1 AND digits < ?2))
                 ORDER BY timestamp DESC LIMIT ?4",
            )?;
            statement.query_map(params![text, end, now.as_secs(), limit], |row| row.get(0))?.collect()
        })
        .await
    }
}

/// The insight that is stored under this key.
pub(crate) fn get(
    connection: &Connection,
    key: &InsightKey,
    now: Timestamp,
) -> rusqlite::Result<Option<StoredInsight>> {
    let (entity_id, at, alert_type, digits) = columns(key);
    let mut statement = connection.prepare_cached(&format!("{JOINED} WHERE {BY_KEY}"))?;
    statement.query_row(params![entity_id, at, alert_type, digits, now.as_secs()], read).optional()
}

/// Reads an insight, and what is left to do with it, if it belongs to this alert. If the keys of two alerts begin with the
/// same digits, the second insight has a longer key.
pub(crate) fn get_of(
    connection: &Connection,
    key: &InsightKey,
    owner: AlertKey,
    now: Timestamp,
) -> rusqlite::Result<Option<(StoredInsight, Option<Todo>)>> {
    let (entity_id, at, alert_type, digits) = columns(key);
    // With the owner among the conditions, SQLite prepares the statement again for each owner, because it joins by it.
    let mut statement = connection.prepare_cached(&format!("{JOINED} WHERE {BY_KEY}"))?;
    let found = statement.query_row(params![entity_id, at, alert_type, digits, now.as_secs()], |row| {
        if AlertKey::from_bytes(row.get("alert_key")?) != owner {
            return Ok(None);
        }
        let todo: Option<String> = row.get("todo")?;
        Ok(Some((read(row)?, todo.as_deref().and_then(Todo::from_code))))
    });
    found.optional().map(Option::flatten)
}

/// The alert key of the insight that is stored under this key.
pub(crate) fn alert_key(
    connection: &Connection,
    key: &InsightKey,
    now: Timestamp,
) -> rusqlite::Result<Option<AlertKey>> {
    let (entity_id, at, alert_type, digits) = columns(key);
    let mut statement =
        connection.prepare_cached(&format!("SELECT alert_key FROM insight WHERE {BY_KEY}"))?;
    let bytes = statement
        .query_row(params![entity_id, at, alert_type, digits, now.as_secs()], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(AlertKey::from_bytes))
}

/// Writes these fields under the insight's keys, with their checksum.
pub(crate) fn write(
    connection: &Connection,
    insight: &Insight,
    fields: &InsightFields,
    todo: Option<Todo>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO insight (entity_id, alert_timestamp, alert_type, digits, alert_id, alert_key,
             risk_score, timestamp, degraded, todo, expires_at, body, checksum)
         VALUES (:entity_id, :alert_timestamp, :alert_type, :digits, :alert_id, :alert_key,
             :risk_score, :timestamp, :degraded, :todo, :expires_at, :body, :checksum)",
    )?;
    let (entity_id, alert_timestamp, alert_type, digits) = columns(insight.key());
    let (risk_score, timestamp) = (fields.risk_score.get(), fields.timestamp.as_millis());
    let expires_at = fields.expires_at.as_secs();
    let to_json = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    let body = serde_json::to_string(fields).map_err(to_json)?;
    let checked = ChecksumInput {
        texts: [entity_id, alert_type, digits, &fields.alert_id, &body],
        alert_key: *insight.alert_key().as_bytes(),
        numbers: [alert_timestamp, timestamp, i64::from(fields.degraded), expires_at],
        risk_score,
    };
    statement.execute(named_params! {
        ":entity_id": entity_id,
        ":alert_timestamp": alert_timestamp,
        ":alert_type": alert_type,
        ":digits": digits,
        ":alert_id": fields.alert_id,
        ":alert_key": insight.alert_key().as_bytes(),
        ":risk_score": risk_score,
        ":timestamp": timestamp,
        ":degraded": fields.degraded,
        ":todo": todo.map(Todo::code),
        ":expires_at": expires_at,
        ":checksum": checked.sum(),
        ":body": body,
    })?;
    Ok(())
}

/// Insights after a place that match every filter, newest first. `place` is the column by which they are sorted.
fn page(
    connection: &Connection,
    query: &InsightQuery,
    after: Option<&Cursor>,
    limit: usize,
    place: &str,
    now: Timestamp,
) -> rusqlite::Result<FoundRows<StoredInsight>> {
    let (time, now) = (format!("insight.{place}"), now.as_secs());
    let risk_min = query.risk_min.map(Number::get);
    let since = query.since.map(Timestamp::as_millis);
    let after = after.map(|after| (after.time.as_millis(), &after.id));
    let mut conditions = vec!["insight.expires_at >= :now".to_owned()];
    let mut values: Vec<(&str, &dyn ToSql)> = vec![(":now", &now), (":limit", &limit)];
    let mut filter = |condition: &str, name, value: Option<_>| {
        if let Some(value) = value {
            conditions.push(condition.to_owned());
            values.push((name, value));
        }
    };
    filter(
        "insight.entity_id = :entity_id",
        ":entity_id",
        query.entity_id.as_ref().map(|id| id as &dyn ToSql),
    );
    filter(
        "insight.alert_type = :alert_type",
        ":alert_type",
        query.alert_type.as_ref().map(|id| id as &dyn ToSql),
    );
    filter(&listed_score(), ":risk_min", risk_min.as_ref().map(|score| score as &dyn ToSql));
    filter("timestamp >= :since", ":since", since.as_ref().map(|since| since as &dyn ToSql));
    if query.disagree {
        conditions.push(
            "iif(json_valid(body), json_extract(body, '$.disagreement.gap') IS NOT NULL, 0)".to_owned(),
        );
    }
    if let Some((after_time, after_id)) = &after {
        conditions.push(format!("({time}, alert_id) < (:after_time, :after_id)"));
        values.extend([(":after_time", after_time as &dyn ToSql), (":after_id", after_id as &dyn ToSql)]);
    }
    let sql = format!(
        "{JOINED} WHERE {} ORDER BY {time} DESC, alert_id DESC LIMIT :limit",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut found = FoundRows::new();
    while let Some(row) = rows.next()? {
        found.add(row, place, read(row))?;
    }
    Ok(found)
}

/// The condition that the score which decides whether an insight is listed is high enough: the scorecard's where it is
/// much higher than the model's. A body that is not JSON is found later, by its checksum.
fn listed_score() -> String {
    let table = "iif(json_valid(body), json_extract(body, '$.baseline.risk_score'), 0)";
    format!(
        "max(risk_score, iif({table} - risk_score >= {DISAGREEMENT_LISTED_MIN}, {table}, risk_score)) >= :risk_min"
    )
}

fn columns(key: &InsightKey) -> (&str, i64, &str, &str) {
    (key.entity_id(), key.alert_timestamp().as_millis(), key.alert_type(), key.digits())
}

/// The insight key in a row of the insight table or of the claim table.
pub(crate) fn read_key(row: &Row<'_>) -> rusqlite::Result<InsightKey> {
    let alert_timestamp = Timestamp::from_millis(row.get("alert_timestamp")?);
    let key = InsightKey::from_parts(
        row.get("entity_id")?,
        alert_timestamp,
        row.get("alert_type")?,
        row.get("digits")?,
    );
    key.ok_or_else(|| FromSqlError::InvalidType.into())
}

fn read_due(row: &Row<'_>) -> rusqlite::Result<DueInsight> {
    let todo: String = row.get("todo")?;
    Ok(DueInsight {
        insight: read(row)?,
        key: read_key(row)?,
        alert_key: AlertKey::from_bytes(row.get("alert_key")?),
        todo: Todo::from_code(&todo).ok_or(FromSqlError::InvalidType)?,
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredInsight> {
    let body: String = row.get("body")?;
    if !is_sound(row, &body)? {
        return Err(FromSqlError::Other(Box::new(DamagedInsight(row.get("alert_id")?))).into());
    }
    let fields: Box<InsightFields> =
        serde_json::from_str(&body).map_err(|error| FromSqlError::Other(Box::new(error)))?;
    // An earlier version may have committed the insight, and somebody may have deleted its claim by hand.
    let occurrences = row.get::<_, Option<u64>>("occurrences")?.unwrap_or(1);
    let last_seen = row.get::<_, Option<i64>>("last_seen")?.map(Timestamp::from_millis);
    Ok(StoredInsight::Current(fields).with_repeats(occurrences, last_seen))
}

/// A row that does not match its checksum.
#[derive(Debug, thiserror::Error)]
#[error("the insight `{0}` does not match its checksum: the file is damaged, or another program changed it")]
struct DamagedInsight(String);
