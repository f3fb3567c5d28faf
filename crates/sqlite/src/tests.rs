//! Runs the store's contract on a real file, and tests what only a file can do: damage, versions, permissions, clocks.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portend_core::alert::{Alert, Reason, Refusal};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::EntityKey;
use portend_core::help::explained;
use portend_core::number::Number;
use portend_core::pipeline::Pipeline;
use portend_core::store::{
    Claim, Claims, Entities, InsightQuery, Insights, Parked, Parking, Queries, StoreError, Todo,
};
use portend_core::time::Timestamp;
use portend_testing::clock::StoppedClock;
use portend_testing::compare::compare;
use portend_testing::faults::{Fault, FaultyStore, Operation};
use portend_testing::memory::MemoryStore;
use portend_testing::play;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::migrations::{APPLICATION_ID, MIGRATIONS};
use crate::{ClockJump, Sqlite, parking};

/// A store in a new folder. Dropping the second value deletes the folder.
fn fresh() -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("new/folder/portend.db"), play::start()).unwrap();
    (store, folder)
}

/// A store of a simulation, whose clock jumps.
fn simulated() -> (Sqlite, TempDir) {
    let (store, folder) = fresh();
    (store.trusting_clock(), folder)
}

fn run<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case)
}

portend_testing::store_contract!(run, simulated());

fn path_in(folder: &TempDir) -> PathBuf {
    folder.path().join("portend.db")
}

fn open(path: &Path) -> Result<Sqlite, StoreError> {
    Sqlite::open(path, play::start())
}

#[test]
fn a_stored_insight_is_found_after_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = StoppedClock::at(play::start());
    let event = play::first_event();
    run(async {
        let first = play::run(&open(&path_in(&folder)).unwrap(), &clock, &event).await;
        let again = play::run(&open(&path_in(&folder)).unwrap(), &clock, &event).await;
        play::assert_statuses(&[first, again], &["stored", "repeated"]);
        let read_only = Sqlite::open_read_only(&path_in(&folder), play::start()).unwrap();
        assert_eq!(play::all(&read_only, play::start()).await.len(), 1);
        let refused = read_only.sweep(play::start()).await.unwrap_err();
        assert_eq!(refused.code(), "store_read_only", "{refused}");
    });
}

#[test]
fn a_file_that_is_not_a_store_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "these are notes, and longer than the header of a database, which has 100 bytes, and so on",
    )
    .unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    for path in [&text, &other] {
        let before = std::fs::read(path).unwrap();
        let error = open(path).unwrap_err();
        assert_eq!(error.code(), "store_unusable", "{error}");
        assert!(explained(&error).contains(&path.display().to_string()), "{error}");
        assert_eq!(std::fs::read(path).unwrap(), before);
    }
}

#[test]
fn a_store_of_a_newer_program_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    drop(open(&path).unwrap());
    let newer = "INSERT INTO migration VALUES (8, '2030-01-01T00:00:00.000Z')";
    Connection::open(&path).unwrap().execute_batch(newer).unwrap();
    for error in [open(&path).unwrap_err(), Sqlite::open_read_only(&path, play::start()).unwrap_err()] {
        assert!(matches!(error, StoreError::Newer { found: 8, known: 7, .. }), "{error}");
    }
}

/// The signature is used up in the transaction that accepts the events, and forgotten when it is too old.
#[test]
fn the_events_of_a_signed_request_are_accepted_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let now = play::start();
    let end = now.plus(Duration::from_mins(5));
    run(async {
        let store = open(&path).unwrap();
        let accept = async |store: &Sqlite, signature: u8, events: &[&str]| {
            let events = events.iter().map(|event| event.as_bytes().to_vec()).collect();
            store.accept(events, Some(([signature; 32], end)), now).await.unwrap()
        };
        assert!(accept(&store, 1, &["one", "two"]).await);
        assert!(accept(&store, 2, &[]).await);
        drop(store);
        let store = open(&path).unwrap();
        for (signature, is_used) in [(1, true), (2, true), (3, false)] {
            assert_eq!(store.is_signature_used([signature; 32]).await.unwrap(), is_used, "{signature}");
            assert_eq!(accept(&store, signature, &["again"]).await, !is_used, "{signature}");
        }
        assert_eq!(store.inbox_count().await.unwrap(), 3);
        assert_eq!(store.sweep(end).await.unwrap(), 0);
        assert_eq!(store.sweep(end.plus(Duration::from_secs(1))).await.unwrap(), 3);
        assert_eq!(store.inbox_count().await.unwrap(), 3);
    });
}

#[test]
fn a_damaged_row_causes_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let clock = StoppedClock::at(play::start());
    run(async {
        let store = open(&path).unwrap();
        play::run(&store, &clock, &play::first_event()).await.unwrap();
        Connection::open(&path).unwrap().execute_batch("UPDATE insight SET body = '{'").unwrap();
        let outcome = play::run(&store, &clock, &play::first_event()).await;
        assert_eq!(play::status(&outcome), "item_damaged", "{outcome:?}");
    });
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn the_sweep_deletes_expired_rows_and_nothing_else() {
    let (store, _folder) = fresh();
    run(async {
        play::store_one(&store, &play::first_event(), false, None, play::start()).await;
        let later = at("2025-03-01T00:00:00Z");
        let second = play::event("stu_2", 5, 65, "2025-02-28T12:00:00Z");
        play::store_one(&store, &second, false, None, later).await;
        // A store that is in use observes the time often, so no step of the clock is a jump.
        for week in 0..13 {
            let now = play::start().plus(Duration::from_hours(7 * 24 * week));
            assert_eq!(store.sweep(now).await.unwrap(), 0, "week {week}");
        }
        let past = at("2025-04-02T00:00:00Z");
        assert_eq!(
            store.sweep(past).await.unwrap(),
            4,
            "an insight, its claim, its entity and its ledger row"
        );
        assert_eq!(play::all(&store, past).await.len(), 1);
        assert_eq!(store.due(past, None, 1).await.unwrap(), []);
    });
}

#[test]
fn row_09_a_clock_that_is_far_ahead_deletes_nothing_until_it_is_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    run(async {
        let store = open(&path).unwrap();
        play::store_one(&store, &play::first_event(), false, None, play::start()).await;
        drop(store);
        let ahead = play::start().plus(Duration::from_hours(95 * 24));
        for _ in 0..3 {
            let store = Sqlite::open(&path, ahead).unwrap();
            assert_eq!(store.clock_jump(), Some(ClockJump::Ahead { latest: play::start() }));
            assert_eq!(store.sweep(ahead).await.unwrap(), 0);
            let clock = StoppedClock::at(ahead);
            let other = play::event("stu_2", 5, 65, "2025-04-01T12:00:00Z");
            play::run(&store, &clock, &other).await.unwrap();
            // Nothing expires by the jump either: there is no second insight, and no second call.
            let again = play::run(&store, &clock, &play::first_event()).await;
            assert_eq!(play::status(&again), "repeated");
            assert_eq!(play::all(&store, ahead).await.len(), 2);
        }
        let store = open(&path).unwrap();
        assert_eq!(store.clock_jump(), None);
        assert_eq!(play::all(&store, play::start()).await.len(), 2, "no insight is deleted");
        store.confirm_clock(ahead).await.unwrap();
        let store = Sqlite::open(&path, ahead).unwrap();
        assert_eq!((store.clock_jump(), store.sweep(ahead).await.unwrap()), (None, 4));
        let behind = open(&path).unwrap();
        assert_eq!(behind.clock_jump(), Some(ClockJump::Behind { latest: ahead }));
        assert_eq!(behind.sweep(play::start()).await.unwrap(), 0);
    });
}

/// The file that now has the name does not contain the last write.
#[test]
fn row_22b_a_file_that_was_removed_or_replaced_is_noticed_before_anything_is_acknowledged() {
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let replace = |path: &Path| {
        let other = path.with_extension("new");
        std::fs::copy(path, &other).unwrap();
        std::fs::rename(other, path).unwrap();
    };
    let remove_log = |path: &Path| std::fs::remove_file(path.with_extension("db-wal")).unwrap();
    for pull in [&remove as &dyn Fn(&Path), &replace, &remove_log] {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(&folder);
        run(async {
            let store = open(&path).unwrap();
            let clock = StoppedClock::at(play::start());
            play::run(&store, &clock, &play::first_event()).await.unwrap();
            pull(&path);
            let second = play::event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
            let result = play::run(&store, &clock, &second).await;
            assert_eq!(play::status(&result), "store_gone", "{result:?}");
            assert_eq!(store.probe().await.unwrap_err().code(), "store_gone");
        });
    }
}

#[test]
fn a_score_that_was_changed_in_the_file_is_never_returned() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let second = play::event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
    run(async {
        let store = open(&path).unwrap();
        let now = play::start();
        for event in [&play::first_event(), &second] {
            play::store_one(&store, event, true, Some(Todo::Upgrade), now).await;
        }
        assert_eq!(store.damaged_insights().await.unwrap(), Vec::<String>::new());
        let first = play::all(&store, now).await.pop().unwrap();
        let query = InsightQuery { limit: 1, ..InsightQuery::default() };
        for (number, change) in [
            "risk_score = 5",
            "risk_score = 63, body = replace(body, '\"risk_score\":63', '\"risk_score\":93')",
            "degraded = 0",
            "expires_at = expires_at + 1",
        ]
        .iter()
        .enumerate()
        {
            let changed = Connection::open(&path).unwrap();
            let sql = format!("UPDATE insight SET {change} WHERE alert_id = ?1");
            assert_eq!(changed.execute(&sql, [first.alert_id()]).unwrap(), 1);
            // A damaged insight does not hide the others, and is counted.
            let others = store.insights(&query, now).await.unwrap();
            assert_eq!(others.insights.len(), 1, "{change}");
            assert_ne!(others.insights[0].alert_id(), first.alert_id(), "{change}");
            assert_eq!(store.due(now, None, 1).await.unwrap().len(), 1, "{change}");
            assert!(store.unreadable() > number, "{change}");
            let error = store.find(first.alert_id(), now).await.unwrap_err();
            assert_eq!(error.code(), "item_damaged", "{change}");
            assert!(explained(&error).contains(first.alert_id()), "{}", explained(&error));
            assert_eq!(store.damaged_insights().await.unwrap(), [first.alert_id()]);
        }
    });
}

/// The file records the time once a minute, so that a later start does not take the time in between for a jump; and a
/// jump is noticed while the store is in use.
#[test]
fn row_09_a_jump_is_noticed_while_the_store_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let day = |days: u64| play::start().plus(Duration::from_hours(24 * days));
    let refusal = Refusal::new(Reason::NotJson, "it is not JSON");
    run(async {
        let store = open(&path).unwrap();
        let park = async |event: &[u8], at| {
            store.park(&Parked::new(event, &refusal, at), "owner").await.unwrap();
        };
        park(b"first", play::start()).await;
        play::store_one(&store, &play::first_event(), false, None, play::start()).await;
        for days in [10, 20] {
            park(b"later", day(days)).await;
        }
        let other = Sqlite::open_read_only(&path, day(25)).unwrap();
        assert_eq!(other.clock_jump(), None, "the file has recorded day 20");
        let far = day(120);
        assert_eq!(play::all(&store, far).await.len(), 1, "nothing expires by a jump");
        assert_eq!(store.parked(None, 9, far).await.unwrap().events.len(), 2);
        assert_eq!(store.clock_jump(), Some(ClockJump::Ahead { latest: day(20) }));
        store.confirm_clock(far).await.unwrap();
        assert_eq!((store.clock_jump(), play::all(&store, far).await.len()), (None, 0));
    });
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_a_new_file_and_its_log() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let store = open(&path).unwrap();
    run(async { play::store_one(&store, &play::first_event(), false, None, play::start()).await });
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn parked_events_are_bounded_and_the_oldest_are_deleted() {
    let (store, _folder) = fresh();
    let refusal = Refusal::new(Reason::NotJson, "it is not JSON");
    run(async {
        for number in 0..10_u8 {
            let received_at = play::start().plus(Duration::from_secs(number.into()));
            let parked = Parked::new(&[b'x', number], &refusal, received_at);
            store.park(&parked, &format!("owner {number}")).await.unwrap();
            // The same event again updates its row, and takes no more space.
            store.park(&parked, &format!("again {number}")).await.unwrap();
        }
        let bound = |events, bytes| {
            store.write(move |connection| parking::make_room(connection, play::start(), events, bytes))
        };
        let numbers = async || {
            let events = store.parked(None, 99, play::start()).await.unwrap().events;
            events.iter().rev().map(|item| item.event[1]).collect::<Vec<_>>()
        };
        bound(10, 20).await.unwrap();
        assert_eq!((numbers().await.len(), store.parked_dropped().await.unwrap()), (10, 0));
        bound(8, 20).await.unwrap();
        assert_eq!((numbers().await, store.parked_dropped().await.unwrap()), ((2..10).collect(), 2));
        bound(8, 5).await.unwrap();
        assert_eq!((numbers().await, store.parked_dropped().await.unwrap()), (vec![8, 9], 8));
    });
}

/// The store's transactions write the ledger too, so the two cannot differ.
#[test]
fn the_ledger_has_one_row_for_each_event_and_its_outcome() {
    let (store, _folder) = fresh();
    let clock = StoppedClock::at(play::start());
    run(async {
        for event in [&play::first_event()[..], &play::first_event(), b"{", b"["] {
            play::run(&store, &clock, event).await.unwrap();
        }
        let other = play::event("stu_2", 5, 65, "2025-01-01T12:00:00Z");
        let killed = [(Operation::Commit, Fault::KillBefore)];
        assert!(play::run_with(&store, &clock, &other, &killed).await.is_none());
        let ledger = store.ledger().await.unwrap();
        let rows: Vec<_> = ledger
            .iter()
            .map(|row| {
                (
                    row.alert_type.as_deref(),
                    row.received,
                    row.stored,
                    row.repeated,
                    row.parked,
                    row.unfinished,
                )
            })
            .collect();
        assert_eq!(rows, [(None, 2, 0, 0, 2, 0), (Some("high_ib_call_frequency"), 3, 1, 1, 0, 1)]);
    });
}

/// Version 1 stored DynamoDB's sort keys, counted repeats on the insight, and numbered the rows of `intake`.
#[test]
fn a_file_of_version_1_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let types = AlertTypes::built_in();
    let (done, open_claim) = (play::first_event(), play::event("stu_2", 5, 65, "2025-01-01T12:00:00.5Z"));
    let alerts = [&done, &open_claim].map(|event| play::alert(&types, event));
    let [first, second] = &alerts;
    let made = play::insight(first, &first.insight_key(), "run", false, play::start());
    {
        let file = Connection::open(&path).unwrap();
        file.execute_batch(MIGRATIONS[0]).unwrap();
        file.execute_batch(
            "CREATE TABLE migration (version INTEGER NOT NULL PRIMARY KEY, applied_at TEXT NOT NULL) STRICT;
             INSERT INTO migration VALUES (1, '2025-01-01T00:00:00.000Z');
             INSERT INTO intake (received_at, day, alert_type, outcome)
                 VALUES (1735732802114, '2025-01-01', 'high_ib_call_frequency', 'stored')",
        )
        .unwrap();
        file.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        let sk = |alert: &Alert<'_>| {
            let key = alert.insight_key();
            format!("{}#{}#{}", key.alert_timestamp(), key.alert_type(), key.digits())
        };
        let expires_at = made.fields().expires_at.as_secs();
        file.execute(
            "INSERT INTO insight VALUES (?1, ?2, ?3, ?4, ?5, 63, ?6, ?7, 3, ?6 + 60000, 0, 'tell', ?8, ?9)",
            rusqlite::params![
                "stu_1",
                sk(first),
                made.fields().alert_id,
                "high_ib_call_frequency",
                first.key().as_bytes(),
                first.timestamp().as_millis(),
                play::start().as_millis(),
                expires_at,
                serde_json::to_string(made.fields()).unwrap(),
            ],
        )
        .unwrap();
        // An expired insight of the same alert, which was not deleted yet.
        file.execute(
            "INSERT INTO insight SELECT entity_id, replace(sk, '2025', '2024'), alert_id, alert_type, alert_key, 1,
                 alert_timestamp - 1000, timestamp - 1, 9, last_seen, 0, NULL, 0, body FROM insight",
            [],
        )
        .unwrap();
        for (alert, state, student) in [(first, "DONE", "stu_1"), (second, "CLAIMED", "stu_2")] {
            file.execute(
                "INSERT INTO claim VALUES (?1, ?2, 'owner', 1, 0, 2, 0, ?3, ?4, ?5)",
                rusqlite::params![
                    alert.key().as_bytes(),
                    state,
                    format!("insight#{student}"),
                    sk(alert),
                    expires_at
                ],
            )
            .unwrap();
        }
    }
    run(async {
        let store = Sqlite::open_read_only(&path, play::start()).unwrap();
        let last_seen = first.timestamp().plus(Duration::from_mins(1));
        let expected = made.to_stored().with_repeats(3, Some(last_seen));
        assert_eq!(play::all(&store, play::start()).await, [expected]);
        let due = store.due(play::start(), None, 9).await.unwrap();
        assert_eq!(
            due.iter().map(|due| (&due.key, due.todo)).collect::<Vec<_>>(),
            [(made.key(), Todo::Notify)]
        );
        assert_eq!(store.ledger().await.unwrap()[0].stored, 1);
        drop(store);
        let store = open(&path).unwrap();
        let claim = store.claim(&play::request(first, "a", play::start())).await.unwrap();
        assert_eq!(claim, Claim::Done(first.insight_key()));
        let taken = play::lease(&store, &play::request(second, "a", play::start())).await;
        assert_eq!((taken.fence, taken.insight_key), (2, second.insight_key()));
        // The first sweep makes the row of the entity, which version 1 did not have.
        let student = EntityKey::new("student", "stu_1");
        assert!(!store.are_entities_complete().await.unwrap());
        assert_eq!(store.entity(&student, play::start()).await.unwrap(), None);
        let clock = StoppedClock::at(play::start());
        let pipeline = Pipeline::new(AlertTypes::built_in(), FaultyStore::new(&store, &[]), &clock);
        for _ in 0..2 {
            pipeline.run(clock.now().plus(Duration::from_mins(1))).sweep(|_| {}).await.unwrap();
            let row = store.entity(&student, play::start()).await.unwrap().unwrap();
            assert_eq!((row.worst, row.version), (Number::from(63), 1));
            assert!(store.are_entities_complete().await.unwrap());
        }
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        assert_eq!(store.damaged_insights().await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_failed_write_does_not_roll_back_others_of_its_commit() {
    let (store, _folder) = fresh();
    run(async {
        let refused =
            store.write(|connection| connection.execute("INSERT INTO claim (state) VALUES ('x')", []));
        let receipt = |owner: &str| super::Receipt {
            owner: owner.into(),
            received_at: play::start(),
            alert_type: None,
        };
        let (refused, accepted, again) =
            tokio::join!(refused, store.receive(receipt("a")), store.receive(receipt("b")));
        assert!(refused.is_err());
        accepted.unwrap();
        again.unwrap();
        let ledger = store.ledger().await.unwrap();
        assert_eq!(ledger.iter().map(|row| (row.received, row.unfinished)).collect::<Vec<_>>(), [(2, 2)]);
    });
}

/// A file that another process is just creating must not be taken for another program's.
#[test]
fn a_new_file_can_be_opened_by_many_at_once() {
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(&folder);
        let start = std::sync::Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    start.wait();
                    open(&path).unwrap();
                });
            }
        });
    }
}

/// Plays random operations of this seed on a file and on the reference.
fn compare_with_the_reference(seed: u64) {
    let (store, _folder) = simulated();
    run(compare(&MemoryStore::new(), &store, seed, 250));
}

/// With colliding keys, stale leases and a clock that jumps.
#[test]
fn a_file_responds_as_the_reference_does() {
    for seed in 0..24 {
        compare_with_the_reference(seed);
    }
}
