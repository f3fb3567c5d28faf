//! Cases of answers that are used again.

use std::time::Duration;

use portend_core::insight::{SecondOpinion, Verification};
use portend_core::model::Model;
use portend_core::number::Number;
use portend_core::store::{AnswerKey, Store, StoredAnswer};
use portend_core::time::Timestamp;

use crate::model::ScriptedModel;
use crate::play::start;

/// The question with this prompt to a model.
pub(crate) fn question(prompt: &str) -> AnswerKey {
    let model = ScriptedModel::answering("first", "");
    AnswerKey::new(prompt, (&model).spec())
}

/// An answer of this run, given at this time and retained for a day.
pub(crate) fn answer(run: &str, now: Timestamp) -> StoredAnswer {
    let expires_at = now.plus(Duration::from_hours(24));
    StoredAnswer {
        reply: format!("{{\"explanation\": \"\u{201c}{run}\u{201d}\", \"risk_score\": 72}}"),
        model_id: "first-id-2026".into(),
        run: run.into(),
        answered_at: now,
        cost_usd: Number::new(0.001_552),
        second_opinion: None,
        expires_at: Timestamp::from_secs(expires_at.as_secs()),
    }
}

/// An answer is read back as it was stored, and only for its own question.
pub async fn an_answer_reads_back_as_it_was_stored(store: &impl Store) {
    let (key, now) = (question("1f"), start());
    assert_eq!(store.answer(&key, now).await.unwrap(), None);
    let free = StoredAnswer { cost_usd: None, ..answer("run 1", now) };
    let mut opinion = SecondOpinion::new(3, [70, 72, 90].map(Number::from).to_vec());
    opinion.verification = Some(Verification::between(Number::from(72), "second", Number::from(60)));
    let several = StoredAnswer { second_opinion: Some(opinion), ..answer("run 1", now) };
    for stored in [answer("run 1", now), free, several, answer("run 2", now.plus(Duration::from_mins(1)))] {
        for _ in 0..2 {
            store.store_answer(&key, &stored).await.unwrap();
        }
        assert_eq!(store.answer(&key, now).await.unwrap().as_ref(), Some(&stored));
        assert_eq!(store.answer(&question("20"), now).await.unwrap(), None);
    }
}

/// An answer that has expired is absent, whether it has been deleted or not, and a new one takes its place.
pub async fn an_answer_expires(store: &impl Store) {
    let (key, now) = (question("1f"), start());
    let stored = answer("run 1", now);
    store.store_answer(&key, &stored).await.unwrap();
    let last = Timestamp::from_secs(stored.expires_at.as_secs());
    assert_eq!(store.answer(&key, last).await.unwrap(), Some(stored));
    let past = last.plus(Duration::from_secs(1));
    assert_eq!(store.answer(&key, past).await.unwrap(), None);
    let anew = answer("run 2", past);
    store.store_answer(&key, &anew).await.unwrap();
    assert_eq!(store.answer(&key, past).await.unwrap(), Some(anew));
}
