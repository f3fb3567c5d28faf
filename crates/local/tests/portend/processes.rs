//! Tests several processes at once: on one store, and connected by a pipe.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::{Value, json};

use super::alerts::{lines, student, students};
use super::harness::{Home, Run};

/// Starts `count` processes with the same arguments at once, and waits for all of them.
fn side_by_side(home: &Home, count: usize, args: &[&str]) -> Vec<Run> {
    let children: Vec<_> = (0..count).map(|_| home.portend(args).spawn().unwrap()).collect();
    std::thread::scope(|scope| {
        let ends: Vec<_> = children.into_iter().map(|child| scope.spawn(|| Run::end(child))).collect();
        ends.into_iter().map(|end| end.join().unwrap()).collect()
    })
}

#[test]
fn eight_processes_on_one_store_make_one_insight_for_each_alert() {
    let home = Home::new();
    home.write("alerts.jsonl", students(1000));
    // The store does not exist yet, so the processes also race to make it.
    let runs = side_by_side(&home, 8, &["explain", "--json", "alerts.jsonl"]);
    let count = |status| runs.iter().map(|run| run.count(status)).sum::<usize>();
    assert_eq!((count("stored"), count("repeated"), count("parked"), count("failed")), (1000, 7000, 0, 0));
    for run in runs {
        assert_eq!(run.exits(0).err, "");
    }
    let insights = home.insights();
    let ids: BTreeSet<_> = insights.iter().map(|insight| insight["alert_id"].as_str().unwrap()).collect();
    assert_eq!((insights.len(), ids.len()), (1000, 1000));
    assert!(
        insights.iter().all(|insight| insight["occurrences"] == 1),
        "an alert at the same instant does not add to the count"
    );
    let ledger = home.ledger();
    let counts = ["received", "stored", "repeated", "unfinished"].map(|name| ledger[name].as_u64().unwrap());
    assert_eq!(counts, [8000, 1000, 7000, 0]);
}

#[test]
fn processes_that_park_the_same_event_store_it_once() {
    let home = Home::new();
    home.write("events.jsonl", lines((0..100).map(|number| json!({ "number": number }))));
    for run in side_by_side(&home, 4, &["explain", "--json", "events.jsonl"]) {
        assert_eq!(run.exits(1).count("parked"), 100);
    }
    assert_eq!(home.parked().len(), 100);
    assert_eq!(home.ledger()["parked"], 400);
}

#[test]
fn the_ledger_counts_every_simulated_alert_that_is_piped_into_explain() {
    let home = Home::new();
    let mut market = home.portend(&["simulate", "--seed", "7", "--limit", "2500"]).spawn().unwrap();
    let alerts = Stdio::from(market.stdout.take().unwrap());
    let run = Run::end(home.portend(&["explain", "--json", "-"]).stdin(alerts).spawn().unwrap()).exits(0);
    assert!(market.wait().unwrap().success());
    assert_eq!((run.json().len(), run.err.as_str()), (2500, ""));
    let ledger = home.ledger();
    let counts =
        ["received", "stored", "repeated", "parked", "failed"].map(|name| ledger[name].as_u64().unwrap());
    assert_eq!(counts, [2500, run.count("stored") as u64, run.count("repeated") as u64, 0, 0]);
    let insights = home.insights();
    assert_eq!(insights.len(), run.count("stored"));
    let rows = home.run("ledger --json").exits(0).json();
    let types: BTreeSet<_> = rows.iter().filter_map(|row| row["alert_type"].as_str()).collect();
    assert_eq!(types.len(), 3, "{rows:?}");
    let sum = |name: &str| {
        rows.iter()
            .filter(|row| row.get("total").is_none())
            .map(|row| row[name].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("received"), sum("stored")), (2500, insights.len() as u64));
}

#[test]
fn the_same_seed_simulates_the_same_bytes() {
    let home = Home::new();
    let simulate = |seed: u32| {
        home.run(&format!(
            "simulate --seed {seed} --entities 50 --days 20 --limit 500 --outcomes {seed}.jsonl"
        ))
        .exits(0)
    };
    let first = simulate(1);
    let outcomes = std::fs::read(home.path("1.jsonl")).unwrap();
    assert_eq!(first.json().len(), 500);
    assert_eq!(simulate(1).out, first.out);
    assert_eq!(std::fs::read(home.path("1.jsonl")).unwrap(), outcomes);
    assert_ne!(simulate(2).out, first.out);
    assert_ne!(std::fs::read(home.path("2.jsonl")).unwrap(), outcomes);
    let of_one: Value =
        serde_json::from_slice(outcomes.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert!(of_one["followed_until"].is_string(), "{of_one}");
}

#[test]
fn a_ledger_that_adds_up_says_so_in_its_exit_code_and_counts_by_type() {
    let home = Home::new();
    home.explain(format!("{}nonsense\n{}\n", students(3), student("stu_0"))).exits(1);
    let table = home.run("ledger").exits(0);
    assert_eq!(table.err, "");
    let rows: Vec<Vec<&str>> =
        table.out.lines().map(|line| line.split_whitespace().skip(1).collect()).collect();
    assert_eq!(rows[1], ["(unknown)", "1", "0", "0", "1", "0", "0"]);
    assert_eq!(rows[2], ["high_ib_call_frequency", "4", "3", "1", "0", "0", "0"]);
    assert_eq!(rows[3], ["5", "3", "1", "1", "0", "0"]);
}
