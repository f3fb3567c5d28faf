//! Tests how the program makes, refuses and replaces the store's file.

use std::fs;

use rusqlite::Connection;

use super::alerts::{SAMPLE, student, students};
use super::harness::Home;

/// The commands that read the store, so they must refuse a file that is not a store.
const READERS: [&str; 5] = [
    "insights --store FILE",
    "insight x --store FILE",
    "parked --store FILE",
    "parked replay --store FILE",
    "ledger --store FILE",
];
const WRITER: &str = "explain alert.json --store FILE";

/// A home with an alert to explain.
fn home() -> Home {
    let home = Home::new();
    home.write("alert.json", student("stu_1").to_string());
    home
}

#[test]
fn a_store_is_made_with_its_parent_folders() {
    let home = home();
    for file in ["portend.db", "new/folders/portend.db", "a name with spaces.db", "ä.db"] {
        home.run_args(&["explain", "alert.json", "--store", file]).exits(0);
        assert_eq!(
            home.run_args(&["insights", "--json", "--store", file]).exits(0).json().len(),
            1,
            "{file}"
        );
    }
}

#[test]
fn a_reader_does_not_make_a_store() {
    let home = home();
    for line in READERS {
        let line = line.replace("FILE", "none.db");
        home.run(&line).complains(1, "none.db", "run portend explain FILE to create one");
    }
    assert!(!home.path("none.db").exists());
}

#[test]
fn a_file_that_is_not_a_store_is_named_and_not_changed() {
    let home = home();
    fs::create_dir(home.path("folder.db")).unwrap();
    home.write(
        "text.db",
        "these are notes, and longer than the header of a database, which has 100 bytes, and so on",
    );
    Connection::open(home.path("theirs.db")).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    for (file, what) in [("folder.db", ""), ("text.db", "not a database"), ("theirs.db", "another program")] {
        let before = fs::read(home.path(file)).ok();
        for line in READERS.iter().chain([&WRITER]) {
            let run = home.run(&line.replace("FILE", file));
            assert!(run.err.contains(what), "{line}: {}", run.err);
            run.complains(1, file, "name another --store");
        }
        assert_eq!(fs::read(home.path(file)).ok(), before, "{file}");
    }
}

#[test]
fn a_store_of_a_newer_program_is_refused_and_not_changed() {
    let home = home();
    home.run("explain alert.json --store newer.db").exits(0);
    let connection = Connection::open(home.path("newer.db")).unwrap();
    connection.execute_batch("INSERT INTO migration VALUES (8, '2030-01-01T00:00:00.000Z')").unwrap();
    drop(connection);
    let before = fs::read(home.path("newer.db")).unwrap();
    for line in READERS.iter().chain([&WRITER]) {
        let run = home.run(&line.replace("FILE", "newer.db"));
        assert!(run.err.contains("version 8"), "{line}: {}", run.err);
        run.complains(1, "newer.db", "use the newer program, or name another --store");
    }
    assert_eq!(fs::read(home.path("newer.db")).unwrap(), before);
}

#[test]
fn a_damaged_store_is_named() {
    let home = home();
    home.run("explain alert.json --store whole.db").exits(0);
    let whole = fs::read(home.path("whole.db")).unwrap();
    let overwritten = [&whole[..4096], &vec![0x5a; whole.len() - 4096]].concat();
    for (file, bytes) in [("overwritten.db", &overwritten[..]), ("cut.db", &whole[..5000])] {
        home.write(file, bytes);
        for line in READERS.iter().chain([&WRITER]) {
            home.run(&line.replace("FILE", file)).complains(1, file, "name another --store");
        }
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let home = home();
    home.write("empty.db", "");
    let run = home.run("insights --store empty.db");
    assert!(!run.err.contains("another program"), "{}", run.err);
    home.run("explain alert.json --store empty.db").exits(0);
    assert_eq!(home.run("insights --json --store empty.db").exits(0).json().len(), 1);
}

#[test]
fn a_stored_insight_can_be_read_back_or_the_name_is_refused() {
    let home = home();
    for file in [":memory:", "file:x?mode=memory", "file:x.db", "x?y#z%20.db"] {
        let explained = home.run_args(&["explain", "--json", "alert.json", "--store", file]);
        if explained.code == Some(2) {
            continue;
        }
        assert_eq!(explained.exits(0).outcomes(), ["stored"], "{file}");
        assert!(home.path(file).is_file(), "there is no file {file}");
        let read = home.run_args(&["insights", "--json", "--store", file]).exits(0);
        assert_eq!(read.json().len(), 1, "{file}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let home = home();
    home.run("explain alert.json --store alert.json/portend.db").complains(
        1,
        "alert.json/portend.db",
        "--store",
    );
    home.run("explain alert.json --store /proc/none/portend.db").complains(
        1,
        "/proc/none/portend.db",
        "--store",
    );
}

#[test]
fn a_deleted_store_is_made_again() {
    let home = home();
    for _ in 0..2 {
        assert_eq!(home.run_args(&["explain", "--json", SAMPLE]).exits(0).outcomes(), ["stored"]);
        fs::remove_file(home.store()).unwrap();
        let store = home.store().display().to_string();
        home.run("insights").complains(1, &store, "run portend explain FILE to create one");
    }
}

#[test]
fn a_store_that_was_interrupted_during_a_transaction_can_be_read() {
    let home = home();
    home.run("explain alert.json --store made.db").exits(0);
    // The program makes a store in transactions with a journal. This copies the files in the middle of one.
    let other = Connection::open(home.path("made.db")).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; CREATE TABLE more (x)")
        .unwrap();
    for _ in 0..20 {
        other
            .execute_batch("INSERT INTO more VALUES (zeroblob(5000)); UPDATE claim SET occurrences = 7")
            .unwrap();
    }
    for end in ["", "-journal"] {
        fs::copy(home.path(&format!("made.db{end}")), home.path(&format!("cut.db{end}"))).unwrap();
    }
    let read = home.run("insights --json --store cut.db").exits(0);
    assert_eq!(read.json()[0]["occurrences"], 1);
    home.run("ledger --store cut.db").exits(0);
}

/// A damaged insight hides no other one, and stops no command. The doctor names it, and its own fix works.
#[test]
fn one_damaged_insight_stops_nothing() {
    let home = Home::new();
    home.write("alerts.jsonl", students(3));
    home.run("explain alerts.jsonl").exits(0);
    let id = home.insights()[0]["alert_id"].as_str().unwrap().to_owned();
    let file = Connection::open(home.store()).unwrap();
    file.execute("UPDATE insight SET risk_score = 5 WHERE alert_id = ?1", [&id]).unwrap();
    let listed = home.run("insights --json");
    assert_eq!(listed.json().len(), 2);
    assert!(listed.err.contains("1 stored items were skipped"), "{}", listed.err);
    home.run_args(&["insight", &id]).complains(1, "does not match its checksum", "delete this item");
    let again = home.run("explain --json alerts.jsonl").exits(1);
    assert_eq!((again.count("repeated"), again.count("failed")), (2, 1));
    let doctor = home.run("doctor").exits(1);
    assert!(doctor.out.contains(&format!("1 damaged insight: {id}")), "{}", doctor.out);
    file.execute("DELETE FROM insight WHERE alert_id = ?1", [&id]).unwrap();
    home.run("doctor").exits(0);
}
