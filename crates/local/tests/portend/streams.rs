//! Tests standard output and standard error: pipes, terminals, closed outputs and full disks.

use std::fs::OpenOptions;
use std::process::Stdio;

use super::alerts::{ALERT_TYPES, SAMPLE, students};
use super::harness::{Home, PORTEND, Run, skip};

/// A home whose store has insights and a parked event, and the commands that show them.
fn home() -> (Home, Vec<Vec<String>>) {
    let home = Home::new();
    home.write("alerts.jsonl", format!("{}nonsense\n", students(300)));
    home.run("explain alerts.jsonl").exits(1);
    let insight = home.insights()[0]["alert_id"].as_str().unwrap().to_owned();
    let parked = home.parked()[0]["sha256"].as_str().unwrap().to_owned();
    let lines = "explain alerts.jsonl|explain --json alerts.jsonl|insights|insights --json|insights --csv|insight INSIGHT|insight --json INSIGHT|parked|parked --json|parked show PARKED|parked show --json PARKED|parked replay|parked replay --json|ledger|ledger --json|types|types list --json|types show low_health_score|types show --json low_health_score|types check TYPES|simulate|completions bash|completions zsh|completions fish|man|man explain";
    let line = |line: &str| {
        line.split(' ')
            .map(|word| {
                word.replace("INSIGHT", &insight).replace("PARKED", &parked).replace("TYPES", ALERT_TYPES)
            })
            .collect()
    };
    let lines = lines.split('|').map(line).collect();
    (home, lines)
}

fn args(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

#[test]
fn a_pipe_gets_no_escape_codes() {
    let (home, lines) = home();
    for line in lines {
        let run = home.run_args(&args(&line));
        assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "{line:?}: {run:?}");
    }
}

#[test]
fn a_terminal_gets_colour_unless_no_color_is_set() {
    let home = Home::new();
    let on_terminal = |name: &str, value: &str| {
        let line = format!("{PORTEND} explain {SAMPLE}");
        let mut command = home.program("script", &["--quiet", "--return", "--command", &line, "/dev/null"]);
        let run = Run::of(command.env("TERM", "xterm").env(name, value).output().ok()?);
        run.out.contains("stu_4532").then_some(run.out)
    };
    let Some(coloured) = on_terminal("X", "1") else {
        return skip("this machine cannot run a command on a terminal");
    };
    // Bold or a colour. The progress bar uses codes that only move the cursor.
    let is_coloured = |out: &str| out.contains("\u{1b}[1m") || out.contains("\u{1b}[33m");
    assert!(is_coloured(&coloured), "{coloured:?}");
    let plain = on_terminal("NO_COLOR", "1").unwrap();
    assert!(!is_coloured(&plain), "{plain:?}");
}

#[test]
fn a_closed_output_is_not_an_error() {
    let (home, lines) = home();
    for line in lines {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home.portend(&args(&line)).stdout(Stdio::from(writer)).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line:?}");
        // `explain` fails because it could not print the whole outcome. All other commands succeed.
        let code = i32::from(line.first().is_some_and(|command| command == "explain"));
        assert_eq!(output.status.code(), Some(code), "{line:?}");
    }
    for line in ["--help", "--version", "help", "explain --help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            home.portend(&line.split(' ').collect::<Vec<_>>()).stdout(Stdio::from(writer)).output().unwrap();
        assert!(output.stderr.is_empty(), "{line}: {output:?}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_reported_as_a_failure() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        return skip("this machine has no /dev/full");
    };
    let (home, lines) = home();
    for line in lines {
        let full = full.try_clone().unwrap();
        let output = home.portend(&args(&line)).stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line:?}: {err}");
        assert!(err.starts_with("portend: ") && err.contains("output"), "{line:?}: {err}");
    }
    assert_eq!(home.ledger()["unfinished"], 0, "every event that began is finished");
}
