//! Tests full and read-only disks. Each disk is mounted for one test only.

use super::alerts::{student, students};
use super::harness::{Home, PORTEND, Run, skip};

const ALERTS: usize = 600;

/// A home with a store, or `None` if this machine does not allow a private mount.
fn home() -> Option<Home> {
    let home = Home::new();
    home.write("alert.json", student("stu_1").to_string());
    home.run("explain alert.json --store disk/portend.db").exits(0);
    let may_mount = mounted(&home, "mount -t tmpfs none disk").is_some_and(|run| run.code == Some(0));
    if !may_mount {
        skip("this machine does not allow a private mount");
    }
    may_mount.then_some(home)
}

/// Runs a script that mounts disks, with the program as `$PORTEND`. The mounts end with the script.
fn mounted(home: &Home, script: &str) -> Option<Run> {
    let args = ["--mount", "--map-root-user", "sh", "-euc", script];
    let mut command = home.program("unshare", &args);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("PORTEND", PORTEND);
    Some(Run::of(command.output().ok()?))
}

fn read_only(home: &Home, path: &str, line: &str) -> Run {
    let bind = format!("mount --bind {path} {path}; mount -o remount,bind,ro {path}");
    mounted(home, &format!("{bind}; exec \"$PORTEND\" {line}")).unwrap()
}

#[test]
fn a_store_that_cannot_be_written_can_be_read() {
    let Some(home) = home() else { return };
    let file = "disk/portend.db";
    for line in ["explain alert.json", "parked replay"] {
        let run = read_only(&home, file, &format!("{line} --store {file}"));
        run.complains(1, file, "give write access to the file and its folder, or name another --store");
    }
    let read = read_only(&home, file, &format!("insights --json --store {file}")).exits(0);
    assert_eq!(read.json().len(), 1);
    read_only(&home, file, &format!("ledger --store {file}")).exits(0);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_a_fix() {
    let Some(home) = home() else { return };
    for file in ["disk/portend.db", "disk/new.db", "disk/new/portend.db"] {
        let run = read_only(&home, "disk", &format!("explain alert.json --store {file}"));
        run.complains(1, file, "give write access to the file and its folder, or name another --store");
    }
    for line in ["insights", "ledger", "parked"] {
        let run = read_only(&home, "disk", &format!("{line} --store disk/portend.db"));
        assert!(run.code == Some(0) || run.err.contains("give write access"), "{line}: {run:?}");
    }
}

#[test]
fn a_full_disk_loses_no_alert() {
    let Some(home) = home() else { return };
    home.write("alerts.jsonl", students(ALERTS));
    let script = "mount -t tmpfs -o size=400k none disk
        \"$PORTEND\" explain --json alert.json --store disk/portend.db
        code=0; \"$PORTEND\" explain --json alerts.jsonl --store disk/portend.db || code=$?
        mkdir copy; cp disk/portend.db* copy
        exit $code";
    let full = mounted(&home, script).unwrap().exits(1);
    assert_eq!(full.json().len(), 1 + ALERTS, "each event has a line");
    let (stored, failed) = (full.count("stored"), full.count("failed"));
    // One alert was stored before this run, so it is a repeat.
    assert_eq!(stored + failed + full.count("repeated"), 1 + ALERTS);
    assert!(stored > 0 && failed > 0, "{stored} stored, {failed} failed");
    for line in full.json().iter().filter(|line| line["status"] == "failed") {
        assert_eq!(line["reason"], "store_full", "{line}");
        assert!(line["message"].as_str().unwrap().contains("make room on its disk"), "{line}");
    }
    // The second run has space on its disk, and begins after the leases that the full disk could not release.
    std::fs::create_dir_all(home.store().parent().unwrap()).unwrap();
    for end in ["db", "db-wal"] {
        let copy = home.path("copy/portend").with_extension(end);
        // The last process merges the log into the file, if the disk has space for it.
        if copy.exists() {
            std::fs::copy(copy, home.store().with_extension(end)).unwrap();
        }
    }
    assert_eq!(home.insights().len(), stored, "every insight that was reported as stored is in the store");
    home.end_leases();
    let again = home.run("explain --json alerts.jsonl").exits(0);
    assert_eq!((again.count("stored"), again.count("repeated")), (ALERTS - stored, stored));
    assert_eq!(home.insights().len(), ALERTS);
}
