//! `make bench-lambda`: measures the function, and a bare loop that makes the same HTTP exchanges, between fake
//! services that respond at once. The two programs are in `PORTEND_LAMBDA` and `BARE_LOOP`; they run in turns.
//!
//! Prints, for both and as a ratio: the time of the start, of the first invocation and of warm ones; CPU time per
//! alert; and peak memory. It does not judge the results.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, reads the clock, and has small counts"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How often each program is started.
const STARTS: usize = 40;
/// The invocations of each process after the first.
const WARM: usize = 250;
/// Clock ticks per second, in which `/proc` counts CPU time.
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
    println!(
        "{STARTS} starts of each program, in turns; {WARM} warm invocations each; 8 exchanges per alert"
    );
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

/// Starts a program, invokes it, and adds its measurements.
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
    let ready = work.ready.recv().expect("the program asks for an invocation");
    measured.init.push(ready - begun);
    let mut invoke = |number: usize| {
        let begun = Instant::now();
        work.invoke.send(alert(start * (WARM + 1) + number)).expect("the Runtime API is running");
        let done = work.done.recv().expect("the program responds");
        let _ = work.ready.recv().expect("the program asks for the next invocation");
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
        std::fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).expect("the process is running")
    }

    /// The user and system time of all threads.
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

/// An event of the producer about the student with this number.
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

/// The channels between the benchmark and the Runtime API.
struct Work {
    /// When the program asked for an invocation.
    ready: Receiver<Instant>,
    /// The payload of the next invocation.
    invoke: Sender<Vec<u8>>,
    /// When the program responded.
    done: Receiver<Instant>,
}

/// The Runtime API of one process.
struct RuntimeApi;

impl RuntimeApi {
    fn start() -> (String, Work) {
        let (ready_sender, ready) = channel();
        let (invoke, payloads) = channel::<Vec<u8>>();
        let (done_sender, done) = channel();
        let payloads = Mutex::new(payloads);
        let (ready_sender, done_sender) = (Mutex::new(ready_sender), Mutex::new(done_sender));
        let url = serve(move |request| {
            if request.path.ends_with("/next") {
                let _ = ready_sender.lock().expect("no thread panics").send(Instant::now());
                let payload = payloads.lock().expect("no thread panics").recv().ok()?;
                Some((
                    payload,
                    "lambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n",
                ))
            } else {
                let _ = done_sender.lock().expect("no thread panics").send(Instant::now());
                Some((b"{}".to_vec(), ""))
            }
        });
        (url.replace("http://", ""), Work { ready, invoke, done })
    }
}

/// Services that respond at once.
struct Fakes {
    dynamodb: String,
    bedrock: String,
    bus: String,
}

impl Fakes {
    fn start() -> Self {
        let completion = COMPLETION.as_bytes().to_vec();
        let accepted = br#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#.to_vec();
        Self {
            dynamodb: serve(|request| Some((item(&request.body), ""))),
            bedrock: serve(move |_| Some((completion.clone(), ""))),
            bus: serve(move |_| Some((accepted.clone(), ""))),
        }
    }
}

/// A response of Claude.
const COMPLETION: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"{\"drivers\":[{\"fact\":\"ib_calls_14d\",\"effect\":\"raises\",\"because\":\"5 calls in 14 days.\"}],\"explanation\":\"5 calls in 14 days, with a health score of 65.\",\"recommendations\":[\"Call the family.\",\"Go through the last sessions with the tutor.\"],\"risk_score\":72}"}]}},"stopReason":"end_turn","usage":{"inputTokens":612,"outputTokens":188,"totalTokens":800},"metrics":{"latencyMs":1}}"#;

/// DynamoDB's response to a successful write.
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
        let values = names.iter().map(|(name, from)| Some(format!("\"{name}\":{}", value(from)?)));
        let values = values.collect::<Option<Vec<_>>>()?.join(",");
        let zero = r#"{"N":"0"}"#;
        let rest =
            format!(r#""state":{{"S":"CLAIMED"}},"fence":{{"N":"1"}},"calls":{zero},"upgrades":{zero}"#);
        Some(format!(r#"{{"Attributes":{{{values},{rest}}}}}"#))
    };
    let response = if text.contains("calls = calls") {
        r#"{"Attributes":{"calls":{"N":"1"}}}"#.to_owned()
    } else {
        claim().unwrap_or_else(|| "{}".to_owned())
    };
    response.into_bytes()
}

struct Request {
    path: String,
    body: Vec<u8>,
}

/// Starts a server that responds with 200 and keeps its connections open. It closes a connection if the handler returns
/// `None`.
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
                    let mut response = head.into_bytes();
                    response.extend_from_slice(&body);
                    if stream.get_mut().write_all(&response).is_err() {
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
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of a list")]
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
