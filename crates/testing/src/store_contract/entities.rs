//! Entities and feedback: written with the insights, changed by one person at a time, listed while they are open.

use std::time::Duration;

use super::answers::{answer, question};
use crate::clock::StoppedClock;
use crate::play::{
    self, alert, all, all_of, event, first_event, insight, lease, request, run, start, status, store_one,
};
use crate::random::Random;
use portend_core::alert::{Reason, Refusal};
use portend_core::alert_type::AlertTypes;
use portend_core::entity::{
    CurrentJudgement, EntityKey, EntityRow, EntityState, FeedbackAction, FeedbackEntry, FeedbackOutcome,
    FeedbackRequest,
};
use portend_core::insight::StoredInsight;
use portend_core::limits::RETENTION;
use portend_core::number::Number;
use portend_core::store::{
    CommitRequest, Document, Documents, ForgetCounts, ForgetRequest, Parked, Store, StoredAnswer, drivers_pk,
};
use portend_core::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);

fn student(id: &str) -> EntityKey {
    EntityKey::new("student", id)
}

async fn row(store: &impl Store, id: &str) -> EntityRow {
    store.entity(&student(id), start()).await.unwrap().unwrap()
}

fn feedback(row: &EntityRow, id: &str, action: FeedbackAction) -> FeedbackRequest {
    let entry = FeedbackEntry {
        alert_id: row.judgements.values().next().unwrap().alert_id.clone(),
        at: start(),
        id: id.into(),
        by: id.into(),
        action,
        note: Some("'; DROP TABLE entity; --".into()),
    };
    FeedbackRequest {
        entity: row.key.clone(),
        entry,
        expected_version: Some(row.version),
        expires_at: row.expires_at,
        now: start(),
    }
}

/// One row for each entity, with its latest judgement, and the judgement before.
pub async fn a_commit_writes_the_row_of_its_entity(store: &impl Store) {
    store_one(store, &first_event(), false, None, start()).await;
    let first = row(store, "stu_1").await;
    assert_eq!((first.state, first.worst, first.version), (EntityState::New, Number::from(63), 1));
    store_one(store, &event("stu_1", 8, 65, "2025-01-01T13:00:00Z"), false, None, start()).await;
    let second = row(store, "stu_1").await;
    assert_eq!((second.worst, second.version, second.judgements.len()), (Number::from(73), 2, 1));
    let judgement = second.judgements.values().next().unwrap();
    assert_eq!(judgement.previous.as_ref().unwrap().risk_score, Number::from(63));
    // An older alert that is delivered late is not the current one, nor the one before it.
    store_one(store, &event("stu_1", 3, 90, "2025-01-01T11:00:00Z"), false, None, start()).await;
    let third = row(store, "stu_1").await;
    let late = third.judgements.values().next().unwrap();
    assert_eq!((&late.alert_id, &late.previous), (&judgement.alert_id, &judgement.previous));
    assert_eq!((late.scores.len(), third.version, third.worst), (3, 3, second.worst));
    assert_eq!(store.entity(&student("stu_2"), start()).await.unwrap(), None);
    let past = start().plus(RETENTION + DAY);
    assert_eq!(store.entity(&student("stu_1"), past).await.unwrap(), None);
    assert_eq!(store.open_entities(None, 9, past).await.unwrap(), []);
}

/// What the row of an entity says about its alerts, without what depends on the entity's id.
fn history(row: &EntityRow) -> Vec<String> {
    let judgement = |(alert_type, each): (&String, &CurrentJudgement)| {
        let previous = each.previous.as_ref().map(|previous| (previous.alert_timestamp, previous.risk_score));
        format!("{alert_type} {} {} {previous:?} {:?}", each.alert_timestamp, each.risk_score, each.scores)
    };
    let row_itself = format!("{:?} {} {} {:?}", row.state, row.worst, row.opened_at, row.returned);
    [row_itself].into_iter().chain(row.judgements.iter().map(judgement)).collect()
}

/// Alerts that arrive together are judged side by side, so they are committed in any order.
pub async fn the_order_of_commits_does_not_change_the_row_of_an_entity(store: &impl Store) {
    let mut random = Random::new(7);
    let mut histories = Vec::new();
    for order in 0..8 {
        let student = format!("stu_{order}");
        let mut events = alerts_of_two_types(&student);
        while let Some(last) = events.len().checked_sub(1) {
            // The first student's are in the order of their alerts.
            let at = if order == 0 { 0 } else { random.index(last + 1) };
            store_one(store, &events.remove(at), false, None, start()).await;
        }
        histories.push(history(&row(store, &student).await));
    }
    let clock = StoppedClock::at(start());
    let events = alerts_of_two_types("together");
    let workers = events.iter().map(|event| Box::pin(run(store, &clock, event))).collect();
    for outcome in all_of(workers).await {
        assert_eq!(status(&outcome), "stored", "{outcome:?}");
    }
    histories.push(history(&row(store, "together").await));
    for (order, each) in histories.iter().enumerate() {
        assert_eq!(each, &histories[0], "order {order}");
    }
}

/// Alerts of one student, a minute apart.
fn alerts_of_two_types(student: &str) -> Vec<Vec<u8>> {
    let alert = |(minute, (calls, health)): (usize, (u32, u32))| {
        let event = event(student, calls, health, &format!("2025-01-01T11:5{minute}:00Z"));
        if minute.is_multiple_of(2) {
            return event;
        }
        let event = String::from_utf8(event).unwrap().replace("high_ib_call_frequency", "low_health_score");
        event.replace("\"details\":{", "\"details\":{\"sessions_7d\":1,").into_bytes()
    };
    [(5, 65), (8, 65), (2, 20), (3, 60), (9, 40)].into_iter().enumerate().map(alert).collect()
}

/// Otherwise the list would show the scorecard's score after a model's.
pub async fn an_upgrade_writes_the_row_too(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let done = store_one(store, &first_event(), true, None, start()).await;
    let upgraded = insight(&alert, &done.insight_key, "run 2", false, start().plus(DAY));
    let request = CommitRequest { lease: &done, insight: &upgraded, todo: None, now: start() };
    for _ in 0..2 {
        store.commit_upgrade(&request).await.unwrap();
        let row = row(store, "stu_1").await;
        let judgement = row.judgements.values().next().unwrap();
        assert_eq!((row.version, judgement.timestamp), (2, start().plus(DAY)));
        assert_eq!(judgement.previous, None);
    }
}

/// The same commit again is not another judgement.
pub async fn a_commit_whose_response_was_lost_writes_no_row_again(store: &impl Store) {
    let types = AlertTypes::built_in();
    let alert = alert(&types, &first_event());
    let lease = lease(store, &request(&alert, "a", start())).await;
    let made = insight(&alert, &lease.insight_key, "run", false, start());
    let commit = CommitRequest { lease: &lease, insight: &made, todo: None, now: start() };
    for _ in 0..3 {
        store.commit(&commit).await.unwrap();
        assert_eq!(row(store, "stu_1").await.version, 1);
    }
}

/// The highest score first, in pages, without those that are closed.
pub async fn open_entities_are_paged_by_their_score(store: &impl Store) {
    let students: [(&str, u32, u32); 6] = [
        ("stu_1", 5, 65),
        ("stu_2", 3, 90),
        ("stu_3", 9, 20),
        ("stu_4", 5, 65),
        ("stu_5", 9, 20),
        ("stu_6", 2, 90),
    ];
    for (id, calls, health) in students {
        store_one(store, &event(id, calls, health, "2025-01-01T12:00:00Z"), false, None, start()).await;
    }
    let done = row(store, "stu_4").await;
    store.give_feedback(&feedback(&done, "1", FeedbackAction::Done)).await.unwrap();
    let expected = ["stu_3", "stu_5", "stu_1", "stu_2", "stu_6"];
    for limit in 1..=6 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.open_entities(after.as_ref(), limit, start()).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.place());
            found.extend(page.into_iter().map(|row| row.key.entity_id));
        }
        assert_eq!(found, expected, "in pages of {limit}");
    }
}

/// Whoever decided on what is no longer so must look again.
pub async fn of_two_people_one_wins_and_the_other_learns_of_whom(store: &impl Store) {
    store_one(store, &first_event(), false, None, start()).await;
    let seen = row(store, "stu_1").await;
    let ana = feedback(&seen, "ana", FeedbackAction::Done);
    let bo = feedback(&seen, "bo", FeedbackAction::Assign { assignee: "bo".into() });
    let FeedbackOutcome::Recorded(after) = store.give_feedback(&ana).await.unwrap() else {
        panic!("a conflict")
    };
    assert_eq!((after.state, after.version), (EntityState::Done, 2));
    let FeedbackOutcome::Conflict(change) = store.give_feedback(&bo).await.unwrap() else {
        panic!("no conflict")
    };
    assert_eq!((change.by.as_str(), change.at), ("ana", start()));
    let ahead = FeedbackRequest { expected_version: Some(3), ..feedback(&seen, "dee", FeedbackAction::Done) };
    assert_eq!(store.give_feedback(&ahead).await.unwrap(), FeedbackOutcome::UnknownVersion(2));
    // The response was lost: nothing is written again.
    let again = store.give_feedback(&ana).await.unwrap();
    assert_eq!(again, FeedbackOutcome::Recorded(after.clone()));
    let useful = FeedbackRequest { expected_version: None, ..feedback(&seen, "cy", FeedbackAction::Useful) };
    assert_eq!(store.give_feedback(&useful).await.unwrap(), FeedbackOutcome::Recorded(after.clone()));
    assert_eq!(row(store, "stu_1").await, *after);
    let entries = store.feedback(&[ana.entry.alert_id.clone(), "other".into()], start()).await.unwrap();
    assert_eq!(entries, [ana.entry, useful.entry]);
    let late = store
        .feedback(std::slice::from_ref(&bo.entry.alert_id), start().plus(RETENTION + DAY))
        .await
        .unwrap();
    assert_eq!(late, []);
}

/// An alert at the same moment as a person's change loses nothing.
pub async fn a_row_is_written_only_over_the_version_before(store: &impl Store) {
    store_one(store, &first_event(), false, None, start()).await;
    let first = row(store, "stu_1").await;
    let quiet = first.judgements.values().next().unwrap().quiet_at;
    let recovered = first.recovered(quiet).unwrap();
    store_one(store, &event("stu_1", 8, 65, "2025-01-01T13:00:00Z"), false, None, start()).await;
    assert!(!store.write_entity(&recovered, start()).await.unwrap());
    let second = row(store, "stu_1").await;
    let recovered = second.recovered(quiet.plus(DAY)).unwrap();
    for _ in 0..2 {
        assert!(store.write_entity(&recovered, start()).await.unwrap());
    }
    assert_eq!(row(store, "stu_1").await, recovered);
    assert_eq!(store.open_entities(None, 9, start()).await.unwrap(), []);
}

/// Feedback about nobody makes nobody.
pub async fn feedback_about_an_unknown_entity_is_not_stored(store: &impl Store) {
    store_one(store, &first_event(), false, None, start()).await;
    let known = row(store, "stu_1").await;
    let other = FeedbackRequest { entity: student("stu_2"), ..feedback(&known, "1", FeedbackAction::Done) };
    assert_eq!(store.give_feedback(&other).await.unwrap(), FeedbackOutcome::NoEntity);
    assert_eq!(store.feedback(&[other.entry.alert_id], Timestamp::EPOCH).await.unwrap(), []);
}

/// Everything about one student is deleted, and nothing of another whose id begins in the same way.
pub async fn a_forgotten_entity_leaves_nothing_and_is_not_accepted_again(store: &(impl Store + Documents)) {
    let clock = StoppedClock::at(start());
    let (event, other) = (first_event(), event("stu_12", 5, 65, "2025-01-01T12:00:00Z"));
    for event in [&event, &other] {
        assert_eq!(status(&run(store, &clock, event).await), "stored");
    }
    let refusal = Refusal::new(Reason::NotJson, "it is not JSON");
    for event in [&b"{ \"entity_id\": \"stu_1\""[..], b"{ \"entity_id\": \"stu_12\""] {
        store.park(&Parked::new(event, &refusal, start()), "owner").await.unwrap();
    }
    let row = row(store, "stu_1").await;
    store.give_feedback(&feedback(&row, "1", FeedbackAction::Useful)).await.unwrap();
    let alert_id = row.judgements.values().next().unwrap().alert_id.clone();
    let document = |pk: &str, body: &str| Document {
        pk: pk.to_owned(),
        sk: "place".into(),
        body: body.to_owned(),
        expires_at: start().plus(Duration::from_hours(24)),
    };
    let body = |id: &str| format!("{{\"entity_type\":\"student\",\"entity_id\":\"{id}\"}}");
    let documents = [
        document("outcome#student#stu_1", "{}"),
        document("evaluation#a#2025-01", &body("stu_1")),
        document(&drivers_pk(&alert_id), "{}"),
        document("outcome#student#stu_12", "{}"),
        document("evaluation#b#2025-01", &body("stu_12")),
    ];
    store.put_documents(&documents).await.unwrap();
    let alert_types = vec!["high_ib_call_frequency".to_owned(), "low_health_score".to_owned()];
    let its_run = store.find(&alert_id, start()).await.unwrap().unwrap().run().to_owned();
    let naming = |id: &str| StoredAnswer { reply: format!("{id} is safe"), ..answer("another", start()) };
    let answers = [("1", answer(&its_run, start())), ("2", naming("stu_1")), ("3", naming("stu_12"))];
    for (prompt, answer) in &answers {
        store.store_answer(&question(prompt), answer).await.unwrap();
    }
    let request = ForgetRequest { entity: student("stu_1"), alert_types, now: start() };
    assert_eq!(store.forgotten_at(&student("stu_2"), start()).await.unwrap(), None);
    let counts = ForgetCounts { insights: 1, claims: 1, feedback: 1, parked: 1, waiting: 0, others: 6 };
    assert_eq!(store.forget(&request).await.unwrap(), counts);
    assert_eq!(store.forget(&request).await.unwrap(), ForgetCounts::default());
    assert_eq!(store.entity(&student("stu_1"), start()).await.unwrap(), None);
    for ((prompt, _), is_left) in answers.iter().zip([false, false, true]) {
        let found = store.answer(&question(prompt), start()).await.unwrap();
        assert_eq!(found.is_some(), is_left, "answer {prompt}");
    }
    for (document, is_left) in documents.iter().zip([false, false, false, true, true]) {
        let found = store.documents(&document.pk, start()).await.unwrap();
        assert_eq!(found.len(), usize::from(is_left), "{document:?}");
    }
    let left = all(store, start()).await;
    assert_eq!(left.iter().map(StoredInsight::entity_id).collect::<Vec<_>>(), ["stu_12"]);
    assert_eq!(store.feedback(&[alert_id], start()).await.unwrap(), []);
    // A process that has read the list of forgotten entities reads it again a while later.
    clock.advance(Duration::from_mins(6));
    let parked = run(store, &clock, &event).await;
    assert_eq!(status(&parked), "parked", "{parked:?}");
    let items = store.parked(None, 9, start()).await.unwrap().events;
    let kept: Vec<_> = items.iter().map(|item| (item.reason.as_str(), item.event.len())).collect();
    assert_eq!(kept, [("forgotten", 0), ("not_json", 23)]);
    // What is said later is new.
    let later = play::event("stu_1", 5, 65, "2025-01-01T12:01:00Z");
    assert_eq!(status(&run(store, &clock, &later).await), "stored");
}
