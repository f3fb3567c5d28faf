//! The store's contract on a real file, and what only a file can do.

use std::future::Future;
use std::path::{Path, PathBuf};

use portend_core::clock::StoppedClock;
use portend_core::store::{Store, StoreError};
use portend_core::store_contract::play;
use portend_core::time::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::Sqlite;

/// A store in a folder of its own, which goes with the second.
fn fresh() -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("new/folder/portend.db"), play::start()).unwrap();
    (store, folder)
}

fn run<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case)
}

portend_core::store_contract!(run, fresh());

fn path_in(folder: &TempDir) -> PathBuf {
    folder.path().join("portend.db")
}

fn open(path: &Path) -> Result<Sqlite, StoreError> {
    Sqlite::open(path, play::start())
}

#[test]
fn what_was_stored_is_there_after_opening_the_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = StoppedClock::at(play::start());
    let event = play::first_event();
    run(async {
        let first = play::run(&open(&path_in(&folder)).unwrap(), &clock, &event).await;
        let again = play::run(&open(&path_in(&folder)).unwrap(), &clock, &event).await;
        play::assert_statuses(&[first, again], &["stored", "repeated"]);
        let read_only = Sqlite::open_read_only(&path_in(&folder)).unwrap();
        assert_eq!(play::all(&read_only, play::start()).await.len(), 1);
        let refused = read_only.sweep(play::start()).await.unwrap_err();
        assert_eq!(refused.code(), "store_read_only", "{refused}");
    });
}

#[test]
fn a_file_that_is_not_a_store_is_refused_and_left_as_it_is() {
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
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert_eq!(std::fs::read(path).unwrap(), before);
    }
}

#[test]
fn a_store_of_a_newer_program_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    drop(open(&path).unwrap());
    let newer = "INSERT INTO migration VALUES (7, '2030-01-01T00:00:00.000Z')";
    Connection::open(&path).unwrap().execute_batch(newer).unwrap();
    for error in [open(&path).unwrap_err(), Sqlite::open_read_only(&path).unwrap_err()] {
        assert!(matches!(error, StoreError::Newer { found: 7, known: 1, .. }), "{error}");
    }
}

#[test]
fn a_damaged_row_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(&folder);
    let clock = StoppedClock::at(play::start());
    run(async {
        let store = open(&path).unwrap();
        play::run(&store, &clock, &play::first_event()).await;
        Connection::open(&path).unwrap().execute_batch("UPDATE insight SET body = '{'").unwrap();
        let outcome = play::run(&store, &clock, &play::first_event()).await;
        assert_eq!(outcome.reason().as_deref(), Some("store_unusable"), "{outcome:?}");
    });
}

#[test]
fn the_sweep_deletes_what_has_expired_and_nothing_else() {
    let (store, _folder) = fresh();
    run(async {
        play::store_one(&store, &play::first_event(), false, None, play::start()).await;
        let later = Timestamp::parse("2025-03-01T00:00:00Z").unwrap();
        let second = play::event("stu_2", 5, 65, "2025-02-28T12:00:00Z");
        play::store_one(&store, &second, false, None, later).await;
        assert_eq!(store.sweep(play::start()).await.unwrap(), 0);
        let past = Timestamp::parse("2025-04-02T00:00:00Z").unwrap();
        assert_eq!(store.sweep(past).await.unwrap(), 2, "an insight and its claim");
        assert_eq!(play::all(&store, past).await.len(), 1);
        assert_eq!(store.due(past, None, 1).await.unwrap(), []);
    });
}

#[test]
fn one_failed_write_does_not_undo_its_neighbours() {
    let (store, _folder) = fresh();
    run(async {
        let refused =
            store.write(|connection| connection.execute("INSERT INTO claim (state) VALUES ('x')", []));
        let entry = super::Entry { received_at: play::start(), alert_type: None };
        let (refused, accepted, again) = tokio::join!(refused, store.receive(&entry), store.receive(&entry));
        assert!(refused.is_err());
        accepted.unwrap();
        again.unwrap();
        let ledger = store.ledger().await.unwrap();
        assert_eq!(ledger.iter().map(|row| (row.received, row.unfinished)).collect::<Vec<_>>(), [(2, 2)]);
    });
}

/// A file that another process is making is not somebody else's.
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
