//! Documents that outlive insights, one row for each.

use portend_core::store::{Document, Documents, StoreError};
use portend_core::time::Timestamp;
use rusqlite::{Row, params};

use crate::{Sqlite, prefix_end};

impl Sqlite {
    /// The documents whose `pk` begins with this text, in the order of their keys.
    pub async fn documents_below(&self, prefix: &str, now: Timestamp) -> Result<Vec<Document>, StoreError> {
        let (from, until) = (prefix.to_owned(), prefix_end(prefix));
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT pk, sk, body, expires_at FROM document
                 WHERE pk >= ?1 AND pk < ?2 AND expires_at >= ?3 ORDER BY pk, sk",
            )?;
            statement.query_map(params![from, until, now.as_secs()], read)?.collect()
        })
        .await
    }
}

impl Documents for Sqlite {
    async fn put_documents(&self, documents: &[Document]) -> Result<(), StoreError> {
        let documents = documents.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO document (pk, sk, body, expires_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (pk, sk) DO UPDATE SET body = excluded.body, expires_at = excluded.expires_at",
            )?;
            for Document { pk, sk, body, expires_at } in &documents {
                statement.execute(params![pk, sk, body, expires_at.as_secs()])?;
            }
            Ok(())
        })
        .await
    }

    async fn remove_document(&self, pk: &str, sk: &str, now: Timestamp) -> Result<bool, StoreError> {
        let (pk, sk) = (pk.to_owned(), sk.to_owned());
        self.write(move |connection| {
            let sql = "DELETE FROM document WHERE pk = ?1 AND sk = ?2 AND expires_at >= ?3";
            Ok(connection.prepare_cached(sql)?.execute(params![pk, sk, now.as_secs()])? > 0)
        })
        .await
    }

    async fn documents(&self, pk: &str, now: Timestamp) -> Result<Vec<Document>, StoreError> {
        let pk = pk.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT pk, sk, body, expires_at FROM document WHERE pk = ?1 AND expires_at >= ?2 ORDER BY sk",
            )?;
            statement.query_map(params![pk, now.as_secs()], read)?.collect()
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        pk: row.get("pk")?,
        sk: row.get("sk")?,
        body: row.get("body")?,
        expires_at: Timestamp::from_secs(row.get("expires_at")?),
    })
}
