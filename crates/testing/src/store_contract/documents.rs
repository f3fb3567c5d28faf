//! Cases of documents: outcomes, evaluation rows and maps.

use std::time::Duration;

use portend_core::outcome::{OutcomeAct, OutcomeEvent, OutcomeFact, OutcomeRow};
use portend_core::store::{Document, Documents, Outcomes};
use portend_core::time::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn event(entity_id: &str, happened: Option<&str>, until: Option<&str>) -> OutcomeRow {
    OutcomeRow {
        entity_type: "student".into(),
        entity_id: Some(entity_id.into()),
        fact: OutcomeFact::Event(OutcomeEvent {
            outcome: "churn".into(),
            at: happened.map(at),
            followed_until: until.map(at),
        }),
    }
}

/// Rows read back as they were stored, of their own entity only, and a row in the same place replaces the earlier one.
pub async fn outcomes_are_read_by_entity_and_replace_each_other_by_place(store: &impl Documents) {
    let now = at("2025-06-01T00:00:00Z");
    let first = event("stu_1", Some("2025-01-03T09:50:26Z"), None);
    let early = event("stu_1", None, Some("2025-02-01T00:00:00Z"));
    let later = event("stu_1", None, Some("2025-04-01T00:00:00Z"));
    let act = OutcomeRow {
        fact: OutcomeFact::Act(OutcomeAct { acted: "called".into(), at: now, alert_id: Some("a".into()) }),
        ..first.clone()
    };
    let census = OutcomeRow::census("student", "churn", now);
    let rows = [
        first.clone(),
        early,
        act.clone(),
        event("stu_2", None, Some("2025-04-01T00:00:00Z")),
        census.clone(),
    ];
    for _ in 0..2 {
        store.put_outcomes(&rows, now).await.unwrap();
    }
    store.put_outcomes(std::slice::from_ref(&later), now).await.unwrap();
    let read = store.outcomes_of("student", Some("stu_1"), now).await.unwrap();
    assert_eq!(read, [act, later.clone(), first.clone()]);
    assert_eq!(store.outcomes_of("student", None, now).await.unwrap(), [census]);
    assert!(store.retract_outcome(&first, now).await.unwrap());
    assert!(!store.retract_outcome(&first, now).await.unwrap());
    let read = store.outcomes_of("student", Some("stu_1"), now).await.unwrap();
    assert!(read.iter().all(|row| *row != first) && read.len() == 2, "{read:?}");
    let two_years = now.plus(Duration::from_hours(24 * 731));
    assert_eq!(store.outcomes_of("student", Some("stu_1"), two_years).await.unwrap(), []);
}

/// Documents of one key are in the order of their places, however many there are.
pub async fn documents_are_in_the_order_of_their_places(store: &impl Documents) {
    let now = at("2025-06-01T00:00:00Z");
    let document = |number: u32| Document {
        pk: "calibration".into(),
        sk: format!("{:04}", number * 37 % 60),
        body: r#"{"a":[1,2.5,null],"b":"é"}"#.into(),
        expires_at: now.plus(Duration::from_hours(1)),
    };
    let documents: Vec<Document> = (0..60).map(document).collect();
    store.put_documents(&documents).await.unwrap();
    let read = store.documents("calibration", now).await.unwrap();
    assert_eq!(read.len(), 60);
    assert!(read.is_sorted_by(|a, b| a.sk < b.sk));
    assert_eq!(read[0].body, document(0).body);
    assert_eq!(store.documents("other", now).await.unwrap(), []);
}
