//! Starts the function again and again between services that answer at once, and beside it a bare loop that makes the
//! same HTTP exchanges: `make bench-lambda`.
//!
//! Takes: the two programs, in `PORTEND_LAMBDA` and `BARE_LOOP`.
//! Gives: the time to the first request for work, of the first and of warm invocations; CPU time per alert; peak memory;
//! each beside the bare loop's, as a ratio, from one run in which the two take turns.
//! Never: decides whether that is good.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement prints, times, and counts little"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Times that each program is started.
const STARTS: usize = 40;
/// Invocations of each process after its first.
const WARM: usize = 250;
/// Clock ticks in a second, as `/proc` counts CPU time.
const TICKS: f64 = 100.0;

fn main() {
    let programs = ["PORTEND_LAMBDA", "BARE_LOOP"].map(|name| {
        let path = std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run make bench-lambda"));
        (name, path)
    });
    let fakes = Fakes::start();
    let mut measured = [Measured::default(), Measured::default()];
    for start in 0..STARTS {
        for ((_, path), measured) in programs.iter().zip(&mut measured) {
            one(path, start, &fakes, measured);
        }
    }
    let [function, bare] = measured;
    println!("{STARTS} starts of each, in turns; {WARM} warm invocations each; 8 exchanges an alert");
    println!("{:<28} {:>12} {:>12} {:>8}", "", "function", "bare loop", "ratio");
    let row = |name: &str, unit: &str, ours: f64, bare: f64| {
        println!("{name:<28} {ours:>9.3} {unit:<2} {bare:>9.3} {unit:<2} {:>8.2}", ours / bare);
    };
    for (name, times) in [
        ("init", [&function.init, &bare.init]),
        ("first invocation", [&function.first, &bare.first]),
        ("warm invocation", [&function.warm, &bare.warm]),
    ] {
        for (share, p) in [(0.5, "p50"), (0.99, "p99")] {
            let [ours, theirs] = times.map(|times| millis(percentile(times, share)));
            row(&format!("{name} {p}"), "ms", ours, theirs);
        }
    }
    row("CPU per alert", "ms", function.cpu_ms(), bare.cpu_ms());
    row("peak memory", "MB", function.peak_mb, bare.peak_mb);
}

#[derive(Default)]
struct Measured {
    init: Vec<Duration>,
    first: Vec<Duration>,
    warm: Vec<Duration>,
    cpu_ticks: f64,
    peak_mb: f64,
}

impl Measured {
    fn cpu_ms(&self) -> f64 {
        self.cpu_ticks / TICKS * 1000.0 / self.warm.len() as f64
    }
}

/// Starts a program, and gives it its invocations.
fn one(path: &str, start: usize, fakes: &Fakes, measured: &mut Measured) {
    let (api, work) = RuntimeApi::start();
    let begun = Instant::now();
    let child = Command::new(path)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", &api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "portend")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_ENDPOINT_URL_DYNAMODB", &fakes.dynamodb)
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &fakes.bedrock)
        .env("AWS_ENDPOINT_URL", &fakes.bus)
        .env("DYNAMODB_TABLE_NAME", "insights")
        .env("EVENT_BUS_NAME", "bus")
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut process = Process(child);
    let asked = work.asked.recv().expect("it asks for work");
    measured.init.push(asked - begun);
    let mut invoke = |number: usize| {
        let begun = Instant::now();
        work.give.send(alert(start * (WARM + 1) + number)).expect("it takes work");
        let done = work.done.recv().expect("it answers");
        let _ = work.asked.recv().expect("it asks for more");
        done - begun
    };
    measured.first.push(invoke(0));
    let before = process.cpu_ticks();
    measured.warm.extend((1..=WARM).map(&mut invoke));
    measured.cpu_ticks += process.cpu_ticks() - before;
    measured.peak_mb = measured.peak_mb.max(process.peak_mb());
    process.end();
}

struct Process(Child);

impl Process {
    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).expect("it lives")
    }

    /// User and system time, of all threads.
    fn cpu_ticks(&self) -> f64 {
        let stat = self.read("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum()
    }

    fn peak_mb(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An event of the producer's, about a student of this number.
fn alert(number: usize) -> Vec<u8> {
    format!(
        r#"{{"version":"0","id":"event","detail-type":"high_ib_call_frequency","source":"iops-dashboard.processor",
        "account":"123456789012","time":"2025-01-01T12:00:00Z","region":"us-east-1","resources":[],
        "detail":{{"alert_type":"high_ib_call_frequency","severity":"warning","entity_id":"stu_{number}",
        "entity_type":"student","details":{{"ib_calls_14d":5,"health_score":65}},
        "message":"Student has 5 IB calls in 14 days","timestamp":"2025-01-01T12:00:00Z"}}}}"#
    )
    .into_bytes()
}

/// What the driver and the Runtime API say to one another.
struct Work {
    asked: Receiver<Instant>,
    give: Sender<Vec<u8>>,
    done: Receiver<Instant>,
}

/// The Runtime API of one process.
struct RuntimeApi;

impl RuntimeApi {
    fn start() -> (String, Work) {
        let (asks, asked) = channel();
        let (give, given) = channel::<Vec<u8>>();
        let (finishes, done) = channel();
        let given = Mutex::new(given);
        let (asks, finishes) = (Mutex::new(asks), Mutex::new(finishes));
        let url = serve(move |request| {
            if request.path.ends_with("/next") {
                let _ = asks.lock().expect("one at a time").send(Instant::now());
                let payload = given.lock().expect("one at a time").recv().ok()?;
                Some((
                    payload,
                    "lambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n",
                ))
            } else {
                let _ = finishes.lock().expect("one at a time").send(Instant::now());
                Some((b"{}".to_vec(), ""))
            }
        });
        (url.replace("http://", ""), Work { asked, give, done })
    }
}

/// Services that answer at once.
struct Fakes {
    dynamodb: String,
    bedrock: String,
    bus: String,
}

impl Fakes {
    fn start() -> Self {
        let completion = COMPLETION.as_bytes().to_vec();
        let taken = br#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#.to_vec();
        Self {
            dynamodb: serve(|request| Some((item(&request.body), ""))),
            bedrock: serve(move |_| Some((completion.clone(), ""))),
            bus: serve(move |_| Some((taken.clone(), ""))),
        }
    }
}

/// A reply of Claude's.
const COMPLETION: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"{\"drivers\":[{\"fact\":\"ib_calls_14d\",\"effect\":\"raises\",\"because\":\"5 calls in 14 days.\"}],\"explanation\":\"5 calls in 14 days, with a health score of 65.\",\"recommendations\":[\"Call the family.\",\"Go through the last sessions with the tutor.\"],\"risk_score\":72}"}]}},"stopReason":"end_turn","usage":{"inputTokens":612,"outputTokens":188,"totalTokens":800},"metrics":{"latencyMs":1}}"#;

/// What DynamoDB answers to a write that succeeds.
fn item(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let value = |name: &str| -> Option<String> {
        let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
        rest.split_inclusive('}').next().map(str::to_owned)
    };
    let claim = || {
        let names = [
            ("owner", ":owner"),
            ("lease_until", ":until"),
            ("insight_pk", ":pk"),
            ("insight_sk", ":sk"),
            ("ttl", ":ttl"),
        ];
        let given = names.iter().map(|(name, from)| Some(format!("\"{name}\":{}", value(from)?)));
        let given = given.collect::<Option<Vec<_>>>()?.join(",");
        let zero = r#"{"N":"0"}"#;
        let rest =
            format!(r#""state":{{"S":"CLAIMED"}},"fence":{{"N":"1"}},"calls":{zero},"upgrades":{zero}"#);
        Some(format!(r#"{{"Attributes":{{{given},{rest}}}}}"#))
    };
    let answer = if text.contains("calls = calls") {
        r#"{"Attributes":{"calls":{"N":"1"}}}"#.to_owned()
    } else {
        claim().unwrap_or_else(|| "{}".to_owned())
    };
    answer.into_bytes()
}

struct Request {
    path: String,
    body: Vec<u8>,
}

/// A server that keeps its connections and answers 200; a handler without an answer closes.
fn serve<'h>(handler: impl Fn(&Request) -> Option<(Vec<u8>, &'h str)> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let handler = Arc::new(handler);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handler = Arc::clone(&handler);
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut stream = BufReader::new(stream);
                while let Some(request) = receive(&mut stream) {
                    let Some((body, headers)) = handler(&request) else { return };
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
                        body.len()
                    );
                    let mut answer = head.into_bytes();
                    answer.extend_from_slice(&body);
                    if stream.get_mut().write_all(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

fn receive(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(Request { path, body })
}

fn percentile(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let place = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
