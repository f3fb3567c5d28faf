//! The checksum of each insight, so that a damaged or changed row is noticed.

use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};

/// The columns that a checksum covers: all of them, except for `todo`.
pub(crate) struct ChecksumInput<'a> {
    pub(crate) texts: [&'a str; 5],
    pub(crate) alert_key: [u8; 32],
    pub(crate) numbers: [i64; 4],
    pub(crate) risk_score: f64,
}

impl ChecksumInput<'_> {
    pub(crate) fn sum(&self) -> [u8; 8] {
        let Self { texts, alert_key, numbers, risk_score } = self;
        let mut hash = Sha256::new();
        for text in texts {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        hash.update(alert_key);
        for number in numbers {
            hash.update(number.to_be_bytes());
        }
        hash.update(risk_score.to_be_bytes());
        let mut sum = [0; 8];
        sum.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        sum
    }
}

fn sum_of(row: &Row<'_>, body: &str) -> rusqlite::Result<[u8; 8]> {
    let text = |column| row.get::<_, String>(column);
    let number = |column| row.get::<_, i64>(column);
    let (entity_id, alert_type, digits, alert_id) =
        (text("entity_id")?, text("alert_type")?, text("digits")?, text("alert_id")?);
    let checked = ChecksumInput {
        texts: [&entity_id, &alert_type, &digits, &alert_id, body],
        alert_key: row.get("alert_key")?,
        numbers: [
            number("alert_timestamp")?,
            number("timestamp")?,
            number("degraded")?,
            number("expires_at")?,
        ],
        risk_score: row.get("risk_score")?,
    };
    Ok(checked.sum())
}

/// Whether the row matches its checksum.
pub(crate) fn is_sound(row: &Row<'_>, body: &str) -> rusqlite::Result<bool> {
    Ok(row.get::<_, [u8; 8]>("checksum")? == sum_of(row, body)?)
}

/// The alert ids of the rows that do not match their checksum.
pub(crate) fn damaged(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT * FROM insight ORDER BY timestamp, alert_id")?;
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()? {
        let is_sound = row.get::<_, String>("body").and_then(|body| is_sound(row, &body)).unwrap_or(false);
        if !is_sound {
            damaged.push(row.get("alert_id")?);
        }
    }
    Ok(damaged)
}

/// Writes the checksum of each row that an earlier version wrote without one.
pub(crate) fn write_checksums(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT rowid, * FROM insight WHERE length(checksum) = 0")?;
    let mut rows = statement.query([])?;
    let mut write = connection.prepare("UPDATE insight SET checksum = ?2 WHERE rowid = ?1")?;
    while let Some(row) = rows.next()? {
        let body: String = row.get("body")?;
        write.execute(params![row.get::<_, i64>("rowid")?, sum_of(row, &body)?])?;
    }
    Ok(())
}
