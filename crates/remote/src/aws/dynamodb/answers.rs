//! Answers that are used again, one item for each question. Nothing is lost with an answer, so a read may lag behind, which
//! costs half as much.

use portend_core::number::Number;
use portend_core::store::{AnswerKey, StoreError, StoredAnswer};
use portend_core::time::Timestamp;

use super::DynamoDb;
use super::attribute::{Attribute, Item, TTL, is_live, number_of, secs, text, text_of, time_of};
use super::request::{Get, Update, item_key};

/// The item key of a question's answer.
fn answer_item_key(key: &AnswerKey) -> Item {
    item_key(format!("answer#{}", key.as_str()), "answer")
}

pub(super) async fn answer(
    store: &DynamoDb,
    key: &AnswerKey,
    now: Timestamp,
) -> Result<Option<StoredAnswer>, StoreError> {
    let get = Get { table_name: store.table.clone(), key: answer_item_key(key), consistent_read: false };
    let found = store.call(&get).await.map_err(|failure| store.error(&failure))?;
    let item = found.item.filter(|item| is_live(item, now));
    Ok(item.and_then(|item| store.readable(answer_of(&item))))
}

pub(super) async fn store_answer(
    store: &DynamoDb,
    key: &AnswerKey,
    answer: &StoredAnswer,
) -> Result<(), StoreError> {
    let cost = answer.cost_usd.map_or(Attribute::Null(true), |cost| Attribute::N(cost.to_string()));
    let opinion = answer.second_opinion.as_ref().and_then(|opinion| serde_json::to_string(opinion).ok());
    let opinion = opinion.map_or(Attribute::Null(true), text);
    let update = Update::new(
        &store.table,
        answer_item_key(key),
        "SET reply = :reply, model_id = :model_id, #run = :run, answered_at = :at, cost_usd = :cost, second_opinion = :opinion, #ttl = :ttl",
    );
    let update = update
        .with(":reply", text(&answer.reply))
        .with(":model_id", text(&answer.model_id))
        .with(":run", text(&answer.run))
        .with(":at", text(answer.answered_at.to_string()))
        .with(":cost", cost)
        .with(":opinion", opinion)
        .with(":ttl", secs(answer.expires_at));
    store.update(&update).await.map(drop)
}

fn answer_of(item: &Item) -> Option<StoredAnswer> {
    Some(StoredAnswer {
        reply: text_of(item, "reply")?.to_owned(),
        model_id: text_of(item, "model_id")?.to_owned(),
        run: text_of(item, "run")?.to_owned(),
        answered_at: time_of(item, "answered_at")?,
        cost_usd: number_of(item, "cost_usd").and_then(Number::new),
        second_opinion: text_of(item, "second_opinion").and_then(|text| serde_json::from_str(text).ok()),
        expires_at: Timestamp::from_secs(number_of(item, TTL)?),
    })
}
