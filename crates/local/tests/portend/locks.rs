//! Tests a store that another process has locked.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use rusqlite::Connection;

use super::alerts::{SAMPLE, student};
use super::harness::{Home, Run, has_open, skip, until};

/// A home with a store, and an alert to explain.
fn home() -> Home {
    let home = Home::new();
    home.write("alert.json", student("stu_1").to_string());
    home.run_args(&["explain", SAMPLE]).exits(0);
    home
}

/// Locks the store, as a process does while it writes.
fn locked(home: &Home) -> Connection {
    let other = Connection::open(home.store()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    other
}

#[test]
fn a_writer_waits_for_a_lock_and_a_reader_does_not() {
    let home = home();
    let other = locked(&home);
    for line in ["insights", "parked", "ledger"] {
        home.run(line).exits(0);
    }
    if !Path::new("/proc/self/fd").exists() {
        return skip("this machine has no /proc, which shows that a process waits");
    }
    let mut waiting = home.portend(&["explain", "--json", "alert.json"]).spawn().unwrap();
    let log = home.store().with_extension("db-wal");
    until("the store is open", || has_open(&waiting, &log));
    // The process has the store open and cannot have written, so it waits.
    assert!(waiting.try_wait().unwrap().is_none());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(Run::end(waiting).exits(0).outcomes(), ["stored"]);
}

/// The slowest test, because the program waits for ten seconds. One process waits at its start, and another in the
/// middle of its work.
#[test]
fn a_lock_that_stays_is_reported_with_a_fix_and_no_alert_is_lost() {
    let home = home();
    let mut running = home.portend(&["explain", "--json", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = running.stdin.take().unwrap();
    let mut out = BufReader::new(running.stdout.take().unwrap());
    let mut send = |id: &str| writeln!(stdin, "{}", student(id)).unwrap();
    let mut line = String::new();
    send("stu_before");
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with(r#"{"status":"stored""#), "{line}");
    let other = locked(&home);
    send("stu_during");
    let store = home.store().display().to_string();
    home.run("explain alert.json").complains(1, &store, "other processes use it too: try again in a moment");
    line.clear();
    out.read_line(&mut line).unwrap();
    assert!(line.contains(r#""status":"failed","reason":"store_busy""#), "{line}");
    other.execute_batch("COMMIT").unwrap();
    send("stu_during");
    drop(stdin);
    line.clear();
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with(r#"{"status":"stored""#), "{line}");
    assert_eq!(running.wait().unwrap().code(), Some(1));
    assert_eq!(home.insights().len(), 3);
}
