//! Insights in their table: put once, counted, found, upgraded.
//!
//! Takes: an open connection, within a transaction where it writes.
//! Gives: what the store's contract asks of insights.
//! Never: shows a row that has expired.

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::{Fields, Insight, StoredInsight};
use portend_core::number::Number;
use portend_core::store::{Cursor, Due, Page, Query, Repeat, Todo};
use portend_core::time::Timestamp;
use rusqlite::types::{FromSqlError, ToSql};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

/// What a row holds of an insight.
const COLUMNS: &str = "body, occurrences, last_seen";

/// Puts it, in place of an expired one if there is such. Gives the one that is there, if that is live.
pub(crate) fn put(
    connection: &Connection,
    insight: &Insight,
    todo: Option<Todo>,
    now: Timestamp,
) -> rusqlite::Result<Option<StoredInsight>> {
    let existing = get(connection, insight.key(), now)?;
    if existing.is_none() {
        write(connection, insight, insight, todo)?;
    }
    Ok(existing)
}

/// Replaces a degraded one. Gives what is stored then.
pub(crate) fn upgrade(
    connection: &Connection,
    insight: &Insight,
    todo: Option<Todo>,
    now: Timestamp,
) -> rusqlite::Result<Option<StoredInsight>> {
    let stored = get(connection, insight.key(), now)?;
    if let Some(degraded) = stored.as_ref().filter(|stored| stored.is_degraded()) {
        let upgraded = degraded.upgraded(insight);
        let sql = "SELECT todo FROM insight WHERE entity_id = ?1 AND sk = ?2";
        let key = insight.key();
        let before: Option<String> = connection
            .prepare_cached(sql)?
            .query_row(params![key.entity_id(), key.sk()], |row| row.get(0))?;
        let untold = before.as_deref().and_then(Todo::from_code).filter(|todo| *todo == Todo::Tell);
        write(connection, insight, &upgraded, todo.or(untold))?;
        return Ok(Some(upgraded));
    }
    Ok(stored)
}

/// Writes these fields under the insight's keys.
fn write(
    connection: &Connection,
    keys: &Insight,
    fields: &Fields,
    todo: Option<Todo>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO insight (entity_id, sk, alert_id, alert_type, alert_key, risk_score, alert_timestamp,
             timestamp, occurrences, last_seen, degraded, todo, expires_at, body)
         VALUES (:entity_id, :sk, :alert_id, :alert_type, :alert_key, :risk_score, :alert_timestamp,
             :timestamp, :occurrences, :last_seen, :degraded, :todo, :expires_at, :body)",
    )?;
    let key = keys.key();
    let to_json = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    statement.execute(named_params! {
        ":entity_id": key.entity_id(),
        ":sk": key.sk(),
        ":alert_id": fields.alert_id,
        ":alert_type": fields.prediction_type,
        ":alert_key": keys.alert_key().as_bytes(),
        ":risk_score": fields.risk_score.get(),
        ":alert_timestamp": key.alert_timestamp().as_millis(),
        ":timestamp": fields.timestamp.as_millis(),
        ":occurrences": fields.occurrences.unwrap_or(1),
        ":last_seen": fields.last_seen.unwrap_or(key.alert_timestamp()).as_millis(),
        ":degraded": fields.degraded == Some(true),
        ":todo": todo.map(Todo::code),
        ":expires_at": fields.expires_at.unwrap_or(fields.timestamp).as_secs(),
        ":body": serde_json::to_string(fields).map_err(to_json)?,
    })?;
    Ok(())
}

/// Counts a repeat if it is later than the last one. Gives what is stored either way.
pub(crate) fn repeat(
    connection: &Connection,
    key: &InsightKey,
    seen: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Option<Repeat>> {
    let mut statement = connection.prepare_cached(
        "UPDATE insight SET occurrences = occurrences + 1, last_seen = ?3
         WHERE entity_id = ?1 AND sk = ?2 AND last_seen < ?3 AND expires_at >= ?4",
    )?;
    statement.execute(params![key.entity_id(), key.sk(), seen.as_millis(), now.as_secs()])?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, todo FROM insight WHERE entity_id = ?1 AND sk = ?2 AND expires_at >= ?3"
    ))?;
    let repeat = |row: &Row<'_>| {
        let todo: Option<String> = row.get("todo")?;
        Ok(Repeat { insight: stored(row)?, todo: todo.as_deref().and_then(Todo::from_code) })
    };
    statement.query_row(params![key.entity_id(), key.sk(), now.as_secs()], repeat).optional()
}

/// What is left once this is done: the upgrade of a degraded insight that was told, or nothing.
pub(crate) fn clear_todo(
    connection: &Connection,
    key: &InsightKey,
    run: &str,
    todo: Todo,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE insight SET todo = CASE WHEN degraded THEN ?4 END
         WHERE entity_id = ?1 AND sk = ?2 AND todo = ?3 AND body ->> 'run' = ?5",
    )?;
    let after = todo.after(true).map(Todo::code);
    statement.execute(params![key.entity_id(), key.sk(), todo.code(), after, run])?;
    Ok(())
}

pub(crate) fn due(
    connection: &Connection,
    now: Timestamp,
    after: Option<&Cursor>,
    limit: usize,
) -> rusqlite::Result<Vec<Due>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, entity_id, sk, alert_key, todo FROM insight
         WHERE todo IS NOT NULL AND expires_at >= ?1 AND (?2 IS NULL OR (timestamp, alert_id) > (?2, ?3))
         ORDER BY timestamp, alert_id LIMIT ?4"
    ))?;
    let (time, id) = after.map(|after| (after.time.as_millis(), &after.id)).unzip();
    let rows = statement.query_map(params![now.as_secs(), time, id, limit], |row| {
        let pk = format!("insight#{}", row.get::<_, String>("entity_id")?);
        let key =
            InsightKey::from_item(&pk, &row.get::<_, String>("sk")?).ok_or(FromSqlError::InvalidType)?;
        let todo = Todo::from_code(&row.get::<_, String>("todo")?).ok_or(FromSqlError::InvalidType)?;
        Ok(Due { insight: stored(row)?, key, alert_key: AlertKey::from_bytes(row.get("alert_key")?), todo })
    })?;
    rows.collect()
}

pub(crate) fn get(
    connection: &Connection,
    key: &InsightKey,
    now: Timestamp,
) -> rusqlite::Result<Option<StoredInsight>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM insight WHERE entity_id = ?1 AND sk = ?2 AND expires_at >= ?3"
    ))?;
    statement.query_row(params![key.entity_id(), key.sk(), now.as_secs()], stored).optional()
}

pub(crate) fn find(
    connection: &Connection,
    alert_id: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<StoredInsight>> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM insight WHERE alert_id = ?1 AND expires_at >= ?2"))?;
    statement.query_row(params![alert_id, now.as_secs()], stored).optional()
}

/// One page: the filters that are set, after the cursor, newest first.
pub(crate) fn page(connection: &Connection, query: &Query, now: Timestamp) -> rusqlite::Result<Page> {
    let time = if query.entity_id.is_some() { "alert_timestamp" } else { "timestamp" };
    let (now, limit) = (now.as_secs(), query.limit + 1);
    let risk_min = query.risk_min.map(Number::get);
    let since = query.since.map(Timestamp::as_millis);
    let after = query.after.as_ref().map(|after| (after.time.as_millis(), &after.id));
    let mut conditions = vec!["expires_at >= :now".to_owned()];
    let mut values: Vec<(&str, &dyn ToSql)> = vec![(":now", &now), (":limit", &limit)];
    let mut filter = |condition: String, name, value: Option<_>| {
        if let Some(value) = value {
            conditions.push(condition);
            values.push((name, value));
        }
    };
    filter(
        "entity_id = :entity_id".into(),
        ":entity_id",
        query.entity_id.as_ref().map(|id| id as &dyn ToSql),
    );
    filter(
        "alert_type = :alert_type".into(),
        ":alert_type",
        query.alert_type.as_ref().map(|id| id as &dyn ToSql),
    );
    filter("risk_score >= :risk_min".into(), ":risk_min", risk_min.as_ref().map(|score| score as &dyn ToSql));
    filter("timestamp >= :since".into(), ":since", since.as_ref().map(|since| since as &dyn ToSql));
    if let Some((after_time, after_id)) = &after {
        conditions.push(format!("({time}, alert_id) < (:after_time, :after_id)"));
        values.extend([(":after_time", after_time as &dyn ToSql), (":after_id", after_id as &dyn ToSql)]);
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM insight WHERE {} ORDER BY {time} DESC, alert_id DESC LIMIT :limit",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(values.as_slice(), stored)?.collect::<Result<_, _>>()?;
    Ok(query.page(found))
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredInsight> {
    let body: String = row.get("body")?;
    let insight: StoredInsight =
        serde_json::from_str(&body).map_err(|error| FromSqlError::Other(Box::new(error)))?;
    let occurrences = row.get("occurrences")?;
    Ok(insight.seen(occurrences, Timestamp::from_millis(row.get("last_seen")?)))
}
