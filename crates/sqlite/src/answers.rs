//! Answers that are used again, one row for each question.

use portend_core::number::Number;
use portend_core::store::{AnswerKey, Answers, StoreError, StoredAnswer};
use portend_core::time::Timestamp;
use rusqlite::{OptionalExtension, Row, named_params, params};

use crate::Sqlite;

impl Answers for Sqlite {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<StoredAnswer>, StoreError> {
        let key = key.clone();
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM answer WHERE question = ?1 AND expires_at >= ?2")?;
            statement.query_row(params![key.as_str(), now.as_secs()], read).optional()
        })
        .await
    }

    async fn store_answer(&self, key: &AnswerKey, answer: &StoredAnswer) -> Result<(), StoreError> {
        let (key, answer) = (key.clone(), answer.clone());
        self.write(move |connection| {
            let opinion = answer.second_opinion.as_ref().and_then(|each| serde_json::to_string(each).ok());
            let mut statement = connection.prepare_cached(
                "INSERT OR REPLACE INTO answer (question, reply, model_id, run, answered_at, cost_usd, expires_at,
                    second_opinion)
                 VALUES (:question, :reply, :model_id, :run, :answered_at, :cost_usd, :expires_at, :second_opinion)",
            )?;
            statement.execute(named_params! {
                ":question": key.as_str(),
                ":reply": answer.reply,
                ":model_id": answer.model_id,
                ":run": answer.run,
                ":answered_at": answer.answered_at.as_millis(),
                ":cost_usd": answer.cost_usd.map(Number::get),
                ":expires_at": answer.expires_at.as_secs(),
                ":second_opinion": opinion,
            })?;
            Ok(())
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredAnswer> {
    Ok(StoredAnswer {
        reply: row.get("reply")?,
        model_id: row.get("model_id")?,
        run: row.get("run")?,
        answered_at: Timestamp::from_millis(row.get("answered_at")?),
        cost_usd: row.get::<_, Option<f64>>("cost_usd")?.and_then(Number::new),
        second_opinion: row
            .get::<_, Option<String>>("second_opinion")?
            .and_then(|text| serde_json::from_str(&text).ok()),
        expires_at: Timestamp::from_secs(row.get("expires_at")?),
    })
}
