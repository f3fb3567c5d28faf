//! Disks that are full or cannot be written, each mounted for one test alone.

use super::alerts::{student, students};
use super::harness::{Home, PORTEND, Run, skip};

const ALERTS: usize = 600;

/// A home with a store, if this machine lets a test mount something where nobody else sees it.
fn home() -> Option<Home> {
    let home = Home::new();
    home.write("alert.json", student("stu_1").to_string());
    home.run("explain alert.json --store disk/portend.db").exits(0);
    let may_mount = mounted(&home, "mount -t tmpfs none disk").is_some_and(|run| run.code == Some(0));
    if !may_mount {
        skip("nothing can be mounted here");
    }
    may_mount.then_some(home)
}

/// Runs a script that mounts, with the program as `$PORTEND`. Its mounts go with it.
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
fn a_folder_that_cannot_be_written_is_named_with_the_mend() {
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
fn a_full_disk_costs_no_alert() {
    let Some(home) = home() else { return };
    home.write("alerts.jsonl", students(ALERTS));
    let script = "mount -t tmpfs -o size=400k none disk
        \"$PORTEND\" explain --json alert.json --store disk/portend.db
        code=0; \"$PORTEND\" explain --json alerts.jsonl --store disk/portend.db || code=$?
        mkdir room; cp disk/portend.db* room
        exit $code";
    let full = mounted(&home, script).unwrap().exits(1);
    assert_eq!(full.json().len(), 1 + ALERTS, "each event has an answer");
    let (stored, failed) = (full.count("stored"), full.count("failed"));
    // The one alert that was stored before is the second of the many.
    assert_eq!(stored + failed + full.count("repeated"), 1 + ALERTS);
    assert!(stored > 0 && failed > 0, "{stored} stored, {failed} failed");
    for line in full.json().iter().filter(|line| line["status"] == "failed") {
        assert_eq!(line["reason"], "store_full", "{line}");
        assert!(line["message"].as_str().unwrap().contains("make room on its disk"), "{line}");
    }
    // On a disk with room, and after the leases that the full one could not give back.
    std::fs::create_dir_all(home.store().parent().unwrap()).unwrap();
    for end in ["db", "db-wal"] {
        let kept = home.path("room/portend").with_extension(end);
        // The last process folds the log into the file, if the disk has room for that.
        if kept.exists() {
            std::fs::copy(kept, home.store().with_extension(end)).unwrap();
        }
    }
    assert_eq!(home.insights().len(), stored, "what was said to be stored is there");
    home.end_leases();
    let again = home.run("explain --json alerts.jsonl").exits(0);
    assert_eq!((again.count("stored"), again.count("repeated")), (ALERTS - stored, stored));
    assert_eq!(home.insights().len(), ALERTS);
}
