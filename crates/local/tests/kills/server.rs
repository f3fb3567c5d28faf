//! Kills `portend serve` at random moments while events are posted to it, and starts it again on the same store. What was
//! answered with 202 must have one insight and one row in the ledger at the end; what got no response may have them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use portend_testing::http::Server;
use portend_testing::random::Random;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Calls, counting_model, insights_by_entity, now, sleep};

/// The events that are posted to each server.
const EVENTS: u64 = 60;
/// The events of one request.
const EVENTS_PER_REQUEST: u64 = 5;
/// The events that a server works on at once.
const CONCURRENCY: u64 = 8;
/// The longest time that the last server needs.
const FINISH_TIME_MAX: Duration = Duration::from_mins(2);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The result of all kills.
#[derive(Debug, Default)]
pub(super) struct ServerReport {
    kills: u64,
    accepted: u64,
    /// Events whose request got no response.
    unanswered: u64,
    lost: u64,
    twice: u64,
    /// The number of calls beyond one for each insight.
    extra_calls: u64,
    unexplained: Vec<String>,
}

impl ServerReport {
    pub(super) fn is_sound(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.unexplained.is_empty()
    }
}

impl std::fmt::Display for ServerReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for what in &self.unexplained {
            writeln!(f, "{what}")?;
        }
        let Self { kills, accepted, unanswered, lost, twice, extra_calls, .. } = self;
        write!(
            f,
            "server kills: {kills} kills, {accepted} events accepted, {unanswered} without a response, {lost} lost, \
             {twice} twice, {extra_calls} extra calls"
        )
    }
}

/// The outcomes of the posted events, by their numbers.
#[derive(Debug, Default)]
struct Posted {
    accepted: BTreeSet<u64>,
    unanswered: BTreeSet<u64>,
}

/// One store and one model, with the random moments of the kills.
pub(super) struct ServerKills {
    folder: tempfile::TempDir,
    model: Server,
    calls: Calls,
    random: Random,
}

impl ServerKills {
    pub(super) fn new(seed: u64) -> Self {
        let (model, calls) = counting_model(seed);
        Self { folder: tempfile::tempdir().unwrap(), model, calls, random: Random::of(seed, 3) }
    }

    pub(super) fn run(mut self, kills: u64) -> ServerReport {
        let mut all = Posted::default();
        // How long a server takes to start and to finish its events. A kill comes at a random moment within that time.
        let started = now();
        let (server, posting) = self.start(0);
        all.add(posting.join().unwrap());
        self.until_finished();
        let whole = started.elapsed();
        kill(server);
        for round in 1..=kills {
            let (server, posting) = self.start(round);
            sleep(Duration::from_micros(self.random.below(u64::try_from(whole.as_micros()).unwrap().max(1))));
            kill(server);
            all.add(posting.join().unwrap());
        }
        let (server, posting) = self.start(kills + 1);
        all.add(posting.join().unwrap());
        self.until_finished();
        kill(server);
        self.compare(kills, &all)
    }

    /// Starts a server, and a thread that posts the events of a round to it as soon as it listens.
    fn start(&self, round: u64) -> (Child, JoinHandle<Posted>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portend"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--models", "openai,scorecard"]);
        command.current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("OPENAI_BASE_URL", format!("{}/v1", self.model.url())).env("OPENAI_MODEL", "model");
        command.env("OPENAI_CONCURRENCY", CONCURRENCY.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        (child, std::thread::spawn(move || post_round(lines, round)))
    }

    /// Waits until every accepted event has an outcome.
    fn until_finished(&self) {
        let (started, connection) = (now(), Connection::open(self.store()).unwrap());
        let waiting = || connection.query_row("SELECT count(*) FROM inbox", [], |row| row.get::<_, u64>(0));
        while waiting().unwrap() > 0 {
            assert!(started.elapsed() < FINISH_TIME_MAX, "the server does not finish its inbox");
            sleep(POLL_INTERVAL);
        }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join(".local/share/portend/portend.db")
    }

    /// Compares the store with what was posted, and the calls with the kills.
    fn compare(self, kills: u64, all: &Posted) -> ServerReport {
        let mut report = ServerReport {
            kills,
            accepted: all.accepted.len() as u64,
            unanswered: all.unanswered.len() as u64,
            ..ServerReport::default()
        };
        let insights = insights_by_entity(&self.store());
        let count = |number: &u64| insights.get(&student(*number)).copied().unwrap_or_default();
        report.lost = all.accepted.iter().filter(|number| count(number) == 0).count() as u64;
        report.twice =
            all.accepted.iter().chain(&all.unanswered).filter(|number| count(number) > 1).count() as u64;
        let stored: u64 = insights.values().sum();
        let connection = Connection::open(self.store()).unwrap();
        let sql = "SELECT count(*), count(*) FILTER (WHERE outcome = 'stored') FROM intake";
        let (received, settled): (u64, u64) =
            connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        if (received, settled) != (stored, stored) {
            report.unexplained.push(format!(
                "the ledger counts {received} events, of which {settled} were stored, and the store has {stored} insights"
            ));
        }
        let calls = self.calls.lock().unwrap();
        report.extra_calls = calls.values().map(|calls| calls - 1).sum();
        // A kill wastes at most the calls that are in flight.
        if report.extra_calls > kills * CONCURRENCY {
            report.unexplained.push(format!("{kills} kills explain no {} extra calls", report.extra_calls));
        }
        report
    }
}

impl Posted {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.unanswered.extend(other.unanswered);
    }
}

fn kill(mut server: Child) {
    server.kill().unwrap();
    server.wait().unwrap();
}

fn student(number: u64) -> String {
    format!("stu_{number}")
}

/// Posts the events of a round to the server that says its address on these lines. The rest is not sent once it is killed.
fn post_round(lines: impl Iterator<Item = std::io::Result<String>> + Send + 'static, round: u64) -> Posted {
    let (said, address) = mpsc::channel();
    // The lines are read to their end, so that the server never waits for a reader.
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("listening on http://") {
                let _ = said.send(address.to_owned());
            }
        }
    });
    let mut posted = Posted::default();
    // It may be killed before it listens.
    let Ok(address) = address.recv() else { return posted };
    let first = round * EVENTS;
    for request in 0..EVENTS / EVENTS_PER_REQUEST {
        let start = first + request * EVENTS_PER_REQUEST;
        let numbers = start..start + EVENTS_PER_REQUEST;
        let body: String = numbers.clone().map(event).collect();
        if accepts(&address, &body) {
            posted.accepted.extend(numbers);
        } else {
            posted.unanswered.extend(numbers);
            break;
        }
    }
    posted
}

/// An event with facts that no other event has, so that a call shows which event it is about.
fn event(number: u64) -> String {
    let details = json!({ "ib_calls_14d": number / 100, "health_score": number % 100 });
    let alert = json!({
        "alert_type": "high_ib_call_frequency", "severity": "warning", "entity_type": "student",
        "entity_id": student(number), "timestamp": "2025-01-01T12:00:00Z", "details": details,
    });
    format!("{alert}\n")
}

/// Whether the server has answered that all events of the body are durable.
fn accepts(address: &str, body: &str) -> bool {
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        let length = body.len();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\n\
             content-length: {length}\r\n\r\n{body}"
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        Ok(response)
    };
    let Ok(response) = exchange() else { return false };
    let Some((head, body)) = response.split_once("\r\n\r\n") else { return false };
    // A response that was cut off does not count.
    let Ok(body) = serde_json::from_str::<Value>(body) else { return false };
    if !head.starts_with("HTTP/1.1 202") {
        return false;
    }
    assert_eq!((&body["accepted"], &body["rejected"]), (&json!(EVENTS_PER_REQUEST), &json!(0)), "{body}");
    true
}
