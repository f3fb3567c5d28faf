//! Kills `portend serve`, and then `portend explain`, on SQLite at a random moment and starts it again, many times on one
//! store. At the end, this check compares the store with the model's own record of its calls.
//!
//! `KILLS=200 SEED=7 cargo test -p portend-local --test kills` runs 200 kills of each; the default is 5 of the server and
//! 20 of `explain`. The last two lines of the output are the results. The exit code is 1 if an insight is lost or stored
//! twice, or if no kill explains a call.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a check that does not find a value must fail"
)]

mod server;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portend_testing::http::{Request, Server};
use portend_testing::random::Random;
use portend_testing::vendor::{Vendor, answer_that};
use rusqlite::Connection;
use serde_json::{Value, json};

use server::ServerKills;

const KILLS: u64 = 20;
const SERVER_KILLS: u64 = 5;
const SEED: u64 = 1;
/// The number of alerts in each killed run.
const ALERTS: u64 = 15;
/// The number of alerts that a run works on at once.
const CONCURRENCY: u64 = 4;
/// The range of the time that the model takes, in milliseconds.
const MODEL_MILLIS: std::ops::Range<u64> = 0..12;

fn main() -> ExitCode {
    // A test runner asks for the list of tests, and for the list of ignored tests.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if has("--list") {
        if !has("--ignored") {
            println!("kills: test");
        }
        return ExitCode::SUCCESS;
    }
    let seed = number("SEED", SEED);
    let of_server = ServerKills::new(seed).run(number("KILLS", SERVER_KILLS));
    println!("{of_server}");
    let report = Kills::new(seed).run(number("KILLS", KILLS));
    println!("{report}");
    if of_server.is_sound() && report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads a number from the environment.
#[expect(clippy::disallowed_methods, reason = "a person sets the number of kills there")]
fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, got `{text}`")),
        Err(_) => default,
    }
}

/// The result of all kills.
#[derive(Debug, Default)]
struct Report {
    kills: u64,
    alerts: u64,
    lost: u64,
    twice: u64,
    /// The number of calls beyond one for each alert.
    extra_calls: u64,
    /// Says which calls no kill explains, and how the ledger differs from the store.
    unexplained: Vec<String>,
}

impl Report {
    fn is_sound(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.unexplained.is_empty()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for what in &self.unexplained {
            writeln!(f, "{what}")?;
        }
        let Self { kills, alerts, lost, twice, extra_calls, .. } = self;
        write!(
            f,
            "kills: {kills} kills, {alerts} alerts, {lost} lost, {twice} twice, {extra_calls} extra calls"
        )
    }
}

/// How many calls the model received about each set of facts.
type Calls = Arc<Mutex<BTreeMap<String, u64>>>;

/// A model that counts its calls, and takes a while for each.
fn counting_model(seed: u64) -> (Server, Calls) {
    let calls = Calls::default();
    let counted = Arc::clone(&calls);
    let pauses = Mutex::new(Random::of(seed, 1));
    let model = Server::answering(move |request| {
        *counted.lock().unwrap().entry(facts_of(request)).or_default() += 1;
        Vendor::OpenAi
            .says(&answer_that("The family calls often."))
            .after(pauses.lock().unwrap().millis(MODEL_MILLIS))
    });
    (model, calls)
}

/// One store and one model, with the random moments of the kills.
struct Kills {
    folder: tempfile::TempDir,
    model: Server,
    calls: Calls,
    random: Random,
}

impl Kills {
    fn new(seed: u64) -> Self {
        let (model, calls) = counting_model(seed);
        Self { folder: tempfile::tempdir().unwrap(), model, calls, random: Random::of(seed, 2) }
    }

    fn run(mut self, kills: u64) -> Report {
        let mut report = Report::default();
        // How long a whole run takes on this machine. A kill comes at a random moment within that time.
        let whole = self.whole_run(0);
        for round in 1..=kills {
            self.write_alerts(round);
            let mut run = self.start();
            let acknowledged = self.kill_at_random(&mut run, whole);
            self.end_leases();
            let missing = acknowledged.iter().filter(|id| !self.is_stored(id)).count();
            report.lost += missing as u64;
            let end = self.start().wait_with_output().unwrap();
            assert!(end.status.success(), "round {round}: {end:?}");
            report.kills += 1;
        }
        self.compare(kills, report)
    }

    /// Runs all alerts of a round without a kill.
    fn whole_run(&self, round: u64) -> Duration {
        self.write_alerts(round);
        let start = now();
        let end = self.start().wait_with_output().unwrap();
        assert!(end.status.success(), "{end:?}");
        start.elapsed()
    }

    fn start(&self) -> Child {
        let concurrency = CONCURRENCY.to_string();
        self.spawn(&[
            "explain",
            "--json",
            "--models",
            "openai",
            "--concurrency",
            &concurrency,
            "alerts.jsonl",
        ])
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portend"));
        command.args(args).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("OPENAI_BASE_URL", format!("{}/v1", self.model.url())).env("OPENAI_MODEL", "model");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Kills the run at a random moment. Returns the ids of the alerts that the run reported as stored before that.
    fn kill_at_random(&mut self, run: &mut Child, whole: Duration) -> Vec<String> {
        let micros = self.random.below(u64::try_from(whole.as_micros()).unwrap().max(1));
        sleep(Duration::from_micros(micros));
        // The run may have ended already.
        let _ = run.kill();
        run.wait().unwrap();
        let lines = BufReader::new(run.stdout.take().unwrap()).lines().map_while(Result::ok);
        // The last line may be cut off.
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        lines.filter_map(|line| Some(line["alert_id"].as_str()?.to_owned())).collect()
    }

    /// Ends every lease at once, because a test cannot wait for that.
    fn end_leases(&self) {
        if let Ok(connection) = Connection::open(self.store()) {
            // A program that was killed early has not created the tables yet.
            let _ = connection.execute("UPDATE claim SET lease_until = 0", []);
        }
    }

    fn is_stored(&self, alert_id: &str) -> bool {
        let connection = Connection::open(self.store()).unwrap();
        let sql = "SELECT count(*) FROM insight WHERE alert_id = ?1";
        connection.query_row(sql, [alert_id], |row| row.get::<_, u64>(0)).unwrap() == 1
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join(".local/share/portend/portend.db")
    }

    /// Writes the alerts of a round. Each alert has different facts, so that a call shows which alert it is about.
    fn write_alerts(&self, round: u64) {
        let alerts = (0..ALERTS).map(|number| {
            let number = round * ALERTS + number;
            let details = json!({ "ib_calls_14d": number / 100, "health_score": number % 100 });
            let alert = json!({
                "alert_type": "high_ib_call_frequency", "severity": "warning", "entity_type": "student",
                "entity_id": format!("stu_{number}"), "timestamp": "2025-01-01T12:00:00Z", "details": details,
            });
            format!("{alert}\n")
        });
        fs::write(self.folder.path().join("alerts.jsonl"), alerts.collect::<String>()).unwrap();
    }

    /// Compares the store with the alerts that were sent, and the calls with the kills.
    fn compare(self, kills: u64, mut report: Report) -> Report {
        report.alerts = kills * ALERTS;
        let insights = insights_by_entity(&self.store());
        for number in 0..(kills + 1) * ALERTS {
            match insights.get(&format!("stu_{number}")).copied().unwrap_or_default() {
                0 => report.lost += 1,
                1 => {}
                _ => report.twice += 1,
            }
        }
        let ledger = self.spawn(&["ledger", "--json"]).wait_with_output().unwrap().stdout;
        let total = String::from_utf8(ledger).unwrap();
        let total: Value = serde_json::from_str(total.lines().last().unwrap()).unwrap();
        if total["stored"] != insights.values().sum::<u64>() {
            report.unexplained.push(format!(
                "the ledger counts {} stored insights, which is not the number in the store",
                total["stored"]
            ));
        }
        for (facts, calls) in &*self.calls.lock().unwrap() {
            report.extra_calls += calls - 1;
            // One kill can come between a call and its commit. The next run is not killed.
            if *calls > 2 {
                report.unexplained.push(format!("{calls} calls for the facts {facts}"));
            }
        }
        report
    }
}

/// Counts the insights of each entity.
fn insights_by_entity(store: &Path) -> BTreeMap<String, u64> {
    let connection = Connection::open(store).unwrap();
    let mut statement =
        connection.prepare("SELECT entity_id, count(*) FROM insight GROUP BY entity_id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The last message of a request, which holds the facts. Only this part differs between alerts.
fn facts_of(request: &Request) -> String {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    body["messages"].as_array().unwrap().last().unwrap()["content"].to_string()
}

#[expect(clippy::disallowed_methods, reason = "the process that this check kills runs in real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the process that this check kills runs in real time")]
fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}
