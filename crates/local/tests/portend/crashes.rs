//! Stops the program in the middle of its work: by a signal, by a closed output, and by a kill.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use portend_testing::http::{Script, Server};
use portend_testing::table::{Plug, Proxy, Table};
use serde_json::Value;

use super::alerts::{later, lines, student, students};
use super::harness::{Home, PORTEND, Run, until};

/// Reads `count` lines of the output of a process.
fn read_lines(child: &mut Child, count: usize) -> BufReader<std::process::ChildStdout> {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..count {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(line.starts_with("{\"status\":\""), "{line}");
    }
    out
}

/// Runs `alerts.jsonl` with a model that never answers, and returns the run and the model once eight alerts are in
/// progress. Their facts are the same, so they would share one call.
fn eight_in_progress(home: &Home) -> (Child, Server) {
    let model = Server::start(std::iter::repeat_with(Script::hang));
    let flags = ["--models", "openai", "--no-reuse", "--concurrency", "8"];
    let mut run = home.portend(&[&["explain", "--json"], &flags[..], &["alerts.jsonl"]].concat());
    run.env("OPENAI_BASE_URL", format!("{}/v1", model.url())).env("OPENAI_MODEL", "slow");
    let run = run.spawn().unwrap();
    until("eight calls are made", || model.requests().len() == 8);
    (run, model)
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn after_a_kill_the_next_run_finishes_all_other_alerts_at_once() {
    let home = Home::new();
    home.write("alerts.jsonl", students(20));
    let mut killed = eight_in_progress(&home).0;
    killed.kill().unwrap();
    killed.wait().unwrap();
    // The leases of eight alerts last a minute. They delay no other alert, and hold no permit.
    let mut again =
        home.portend(&["explain", "--json", "--concurrency", "8", "alerts.jsonl"]).spawn().unwrap();
    until("the other twelve are stored", || home.run("insights --json --limit 0").json().len() == 12);
    again.kill().unwrap();
    again.wait().unwrap();
}

/// Alerts that wait for another process hold back no other alert, however many there are.
#[test]
fn after_a_kill_many_times_the_concurrency_is_finished_at_once() {
    let home = Home::new();
    home.write("alerts.jsonl", students(100));
    let mut killed = eight_in_progress(&home).0;
    killed.kill().unwrap();
    killed.wait().unwrap();
    // Eight alerts wait at the head of the input. Four times the concurrency is less than what is waiting and done.
    let mut again =
        home.portend(&["explain", "--json", "--concurrency", "1", "alerts.jsonl"]).spawn().unwrap();
    until("the other 92 are stored", || home.run("insights --json --limit 0").json().len() == 92);
    again.kill().unwrap();
    again.wait().unwrap();
}

#[test]
fn a_second_interrupt_ends_the_run_at_once_and_releases_its_leases() {
    let home = Home::new();
    home.write("alerts.jsonl", students(20));
    let (mut run, _model) = eight_in_progress(&home);
    let mut errors = BufReader::new(run.stderr.take().unwrap());
    signal(&run, "INT");
    let mut said = String::new();
    errors.read_line(&mut said).unwrap();
    assert!(said.contains("stop again to end at once"), "{said}");
    signal(&run, "INT");
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let again = home.run("explain --json alerts.jsonl").exits(0);
    assert_eq!((again.count("stored"), again.err.as_str()), (20, ""));
}

/// The table accepts eight claims, and then responds to nothing.
#[test]
fn a_second_interrupt_ends_the_run_although_the_table_hangs() {
    let home = Home::new();
    home.write("alerts.jsonl", students(20));
    let (table, proxy) = (Table::create(), Proxy::start());
    let model = Server::start(std::iter::repeat_with(Script::hang));
    let store = format!("dynamodb:{}", table.name);
    let flags = ["--models", "openai", "--no-reuse", "--concurrency", "8"];
    let mut run = home.portend(&[&["explain", "--store", &store], &flags[..]].concat());
    run.arg("alerts.jsonl").env("OPENAI_BASE_URL", format!("{}/v1", model.url())).env("OPENAI_MODEL", "slow");
    run.env("AWS_ENDPOINT_URL_DYNAMODB", proxy.url()).env("AWS_REGION", "us-east-1");
    run.env("AWS_ACCESS_KEY_ID", "AKIACANARY").env("AWS_SECRET_ACCESS_KEY", "canary");
    let mut run = run.spawn().unwrap();
    until("eight calls are made", || model.requests().len() == 8);
    proxy.pull("*", Plug::Hang);
    let mut errors = BufReader::new(run.stderr.take().unwrap());
    signal(&run, "INT");
    let mut said = String::new();
    errors.read_line(&mut said).unwrap();
    signal(&run, "INT");
    until("the program ends", || run.try_wait().unwrap().is_some());
    assert_eq!(run.wait().unwrap().code(), Some(130));
}

#[test]
fn an_interrupted_upgrade_releases_its_lease() {
    let home = Home::new();
    home.write("alert.json", student("stu_1").to_string());
    let failing = Server::start(std::iter::repeat_with(|| Script::answer(500, "")));
    let with = |arguments: &[&str], model: &Server| {
        let mut run = home.portend(arguments);
        run.env("OPENAI_BASE_URL", format!("{}/v1", model.url())).env("OPENAI_MODEL", "slow");
        run.spawn().unwrap()
    };
    let models = ["--models", "openai,scorecard"];
    let explained = with(&[&["explain"], &models[..], &["alert.json"]].concat(), &failing);
    assert_eq!(explained.wait_with_output().unwrap().status.code(), Some(0));
    let hanging = Server::start(std::iter::repeat_with(Script::hang));
    let upgrade = with(&[&["upgrade"], &models[..]].concat(), &hanging);
    until("a call is made", || hanging.requests().len() == 1);
    signal(&upgrade, "INT");
    let ended = upgrade.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    let file = rusqlite::Connection::open(home.store()).unwrap();
    let claim = file.query_row("SELECT owner, upgrades FROM claim", [], |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(claim.unwrap(), (String::new(), 0));
}

#[test]
fn after_a_kill_the_ledger_counts_unfinished_events_and_the_same_input_finishes_them() {
    const STUDENTS: usize = 1250;
    let home = Home::new();
    // Each student has four alerts in one window, so one insight with four occurrences.
    let alerts = (0..4).flat_map(|round| {
        (0..STUDENTS).map(move |number| later(&student(&format!("stu_{number}")), 60 * round))
    });
    home.write("alerts.jsonl", lines(alerts));
    let mut killed = eight_in_progress(&home).0;
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = home.ledger();
    assert_eq!((&before["received"], &before["unfinished"]), (&8.into(), &8.into()), "{before}");
    assert_eq!(before["adds_up"], false, "{before}");
    let ledger = home.run("ledger").exits(1);
    assert!(
        ledger.err.contains("it does not add up") && ledger.err.contains("run the input again"),
        "{}",
        ledger.err
    );

    home.end_leases();
    let again = home.run("explain --json alerts.jsonl").exits(0);
    assert_eq!(again.count("stored") + again.count("repeated"), 4 * STUDENTS);
    let insights = home.insights();
    let ids: BTreeMap<&str, &Value> =
        insights.iter().map(|one| (one["entity_id"].as_str().unwrap(), one)).collect();
    assert_eq!((ids.len(), insights.len()), (STUDENTS, STUDENTS));
    for insight in insights {
        assert_eq!((&insight["occurrences"], &insight["risk_score"]), (&4.into(), &63.into()), "{insight}");
        assert_eq!(insight["alert_timestamp"], "2025-01-01T12:00:00.000Z", "{insight}");
        assert_eq!(insight["last_seen"], "2025-01-01T12:03:00.000Z", "{insight}");
    }
    let after = home.ledger();
    assert_eq!(
        after["received"].as_u64(),
        before["received"].as_u64().map(|count| count + 4 * STUDENTS as u64)
    );
    assert_eq!(after["unfinished"], 8, "the second run left nothing unfinished");
}

#[test]
fn after_an_interrupt_the_run_finishes_the_events_in_progress_and_reads_no_more() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        let mut child = home.portend(&["explain", "--json", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // This input never ends.
        let feeding = thread::spawn(move || {
            let mut number = 0;
            while stdin.write_all(format!("{}\n", student(&format!("stu_{number}"))).as_bytes()).is_ok() {
                number += 1;
            }
        });
        let mut out = read_lines(&mut child, 300);
        self::signal(&child, signal);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let answered = 300 + rest.lines().count();
        let run = Run::end(child).exits(130);
        feeding.join().unwrap();
        assert!(run.err.contains("stopped after the events in progress: "), "{}", run.err);
        assert!(
            rest.ends_with('\n') && rest.lines().all(|line| line.starts_with("{\"status\":\"stored\"")),
            "{rest}"
        );
        let ledger = home.ledger();
        assert_eq!(
            (&ledger["received"], &ledger["stored"]),
            (&answered.into(), &answered.into()),
            "{ledger}"
        );
        assert_eq!(ledger["adds_up"], true);
    }
}

#[test]
fn a_closed_output_ends_the_run_without_an_error_and_leaves_nothing_unfinished() {
    // Far more alerts than can be in progress before the program writes the first line.
    const ALERTS: usize = 20_000;
    for line in ["explain --json alerts.jsonl", "explain alerts.jsonl"] {
        let home = Home::new();
        home.write("alerts.jsonl", students(ALERTS));
        let mut child = home.portend(&line.split(' ').collect::<Vec<_>>()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        drop(out);
        // The exit code is 1 because the run did not read the whole input.
        let run = Run::end(child).exits(1);
        assert_eq!(run.err, "");
        let ledger = home.ledger();
        assert_eq!(ledger["unfinished"], 0, "{line}: {ledger}");
        assert!(ledger["received"].as_u64().unwrap() < ALERTS as u64, "{line}: {ledger}");
    }
}

/// Nobody reads the output, so the pipe is full. The program still works on the alerts, and a signal stops it.
#[test]
fn a_paused_reader_delays_neither_the_work_nor_a_signal() {
    const ALERTS: usize = 2000;
    let home = Home::new();
    home.write("alerts.jsonl", students(ALERTS));
    let mut child = home.portend(&["explain", "--json", "alerts.jsonl"]).spawn().unwrap();
    until("every alert is stored", || {
        let ledger = home.run("ledger --json").json().pop();
        ledger.is_some_and(|ledger| ledger["stored"] == ALERTS)
    });
    signal(&child, "TERM");
    // The test reads the output only after the process has ended.
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let run = Run::end(child);
    assert!(run.err.contains("the rest of it is lost"), "{}", run.err);
}

/// The shell's `ulimit` sets the limit.
#[test]
fn the_error_names_the_systems_limit_and_no_alert_is_lost() {
    let home = Home::new();
    home.write("alerts.jsonl", students(2000));
    let limited = |limit: &str| {
        let script = format!("ulimit {limit}; exec {PORTEND} explain --json alerts.jsonl");
        Run::of(home.program("sh", &["-c", &script]).output().unwrap())
    };
    limited("-n 12").complains(1, "too few files may be open at once", "ulimit -n 256");
    // The store's file reaches its limit in the middle of the run.
    let run = limited("-f 1000").exits(1);
    let last = run.json().pop().unwrap();
    assert_eq!((&last["status"], &last["reason"]), (&"failed".into(), &"store_full".into()), "{last}");
    assert!(last["message"].as_str().unwrap().contains("ulimit -f"), "{last}");
    home.end_leases();
    let again = home.run("explain --json alerts.jsonl").exits(0);
    assert_eq!(again.count("stored") + again.count("repeated"), 2000);
    assert_eq!(home.insights().len(), 2000);
}
