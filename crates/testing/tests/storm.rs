//! The program `storm`: its last line, its exit status, and what it says of a violation.
#![expect(clippy::unwrap_used, reason = "a panic is how a test reports a failure")]

use std::process::{Command, Output};

fn storm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_storm")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_storm_without_violations_is_one_line() {
    let output = storm(&["--alerts", "300", "--seed", "2"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let line = text(&output.stdout).strip_prefix("storm: 300 alerts, ").unwrap();
    let (crashes, rest) = line.split_once(' ').unwrap();
    assert!(crashes.parse::<u32>().unwrap() > 20, "{line}");
    assert_eq!(rest, "crashes, 0 lost, 0 twice, 0 unexplained calls\n");
}

#[test]
fn a_violation_is_explained_and_can_be_played_again() {
    let arguments = ["--alerts", "300", "--seed", "2", "--bug", "early-acknowledgement"];
    let output = storm(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(stdout.starts_with("storm: 300 alerts, ") && !stdout.contains(" 0 lost"), "{stdout}");
    for expected in [
        "was deleted from the queue at",
        "everything that happened to alert",
        "receives the event",
        "Crashes",
        "again: storm --alerts 300 --seed 2 --bug early-acknowledgement",
    ] {
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    }
    assert_eq!(storm(&arguments).stderr, output.stderr);
}

#[test]
fn a_command_line_that_is_not_understood_is_refused() {
    for (arguments, problem) in [
        (&["--alert", "1"][..], "storm: unknown argument `--alert`; see storm --help\n"),
        (&["--alerts"], "storm: --alerts needs a value; see storm --help\n"),
        (&["--seed", "-1"], "storm: --seed needs a whole number, got `-1`; see storm --help\n"),
        (&["--bug", "typo"], "storm: unknown bug `typo`; see storm --help\n"),
    ] {
        let output = storm(arguments);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), problem));
    }
    let help = storm(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("--bug NAME") && text(&help.stdout).contains("  no-fence\n"));
}
