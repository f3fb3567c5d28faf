//! Runs the program in a clean environment with two scripted vendors, and describes how an alert ended in one line.
//!
//! Never: accepts a leaked canary. After each run, no request and no error contains one, and neither the output nor the
//! store contains a key.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use portend_testing::http::{Request, Script, Server};
use portend_testing::vendor::{BOTH, Vendor};

/// The word in every secret, id, message and unknown field of these tests.
pub(super) const CANARY: &str = "canary";
pub(super) const KEY: &str = "sk-canary-5f02c1";
pub(super) const AWS_KEY_ID: &str = "AKIAcanary";
pub(super) const AWS_SECRET: &str = "canary/aws+secret";

/// Far longer than any wait in these tests.
const WAIT_MAX: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// An alert whose id, message and unknown field contain canaries. Each number makes a different alert.
pub(super) fn alert(number: usize) -> String {
    alert_of(number, 5)
}

/// The same alert with another number of calls.
pub(super) fn alert_of(number: usize, calls: usize) -> String {
    json!({
        "alert_type": "high_ib_call_frequency",
        "severity": "warning",
        "entity_id": format!("stu_canary_{number}"),
        "entity_type": "student",
        "details": { "ib_calls_14d": calls, "health_score": 65, "note": "canary field" },
        "message": "canary message",
        "timestamp": "2025-01-01T12:00:00Z",
    })
    .to_string()
}

/// A folder with a store, two scripted vendors, and the settings of the program.
pub(super) struct Scene {
    folder: TempDir,
    bedrock: Server,
    openai: Server,
    settings: Vec<(String, Option<String>)>,
    inputs: AtomicUsize,
}

impl Scene {
    /// A scene with the response of each vendor to each request.
    pub(super) fn new<B, O>(bedrock: B, openai: O) -> Self
    where
        B: IntoIterator<Item = Script, IntoIter: Send + 'static>,
        O: IntoIterator<Item = Script, IntoIter: Send + 'static>,
    {
        let (bedrock, openai) = (Server::start(bedrock), Server::start(openai));
        let scene = Self {
            folder: TempDir::new().expect("a folder"),
            settings: Vec::new(),
            inputs: AtomicUsize::new(0),
            bedrock,
            openai,
        };
        let (bedrock_url, openai_url) = (scene.bedrock.url(), scene.openai_url());
        let (home, store) = (scene.path("home"), scene.path("portend.db"));
        scene
            .set("HOME", home.to_string_lossy())
            .set("PORTEND_STORE", store.to_string_lossy())
            .set("RUST_LOG", "trace")
            .set("AWS_REGION", "us-east-1")
            .set("AWS_EC2_METADATA_DISABLED", "true")
            .set("AWS_ACCESS_KEY_ID", AWS_KEY_ID)
            .set("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
            .set("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock_url)
            .set("OPENAI_API_KEY", KEY)
            .set("OPENAI_BASE_URL", openai_url)
            .set("OPENAI_MODEL", "llama3.2")
    }

    /// A scene whose chain is `first`, the other vendor and the scorecard.
    pub(super) fn in_order<I>(first: Vendor, scripts: I, others: Vec<Script>) -> Self
    where
        I: IntoIterator<Item = Script, IntoIter: Send + 'static>,
    {
        let scene = match first {
            Vendor::Bedrock => Self::new(scripts, others),
            Vendor::OpenAi => Self::new(others, scripts),
        };
        scene.models(&format!("{},{},scorecard", first.name(), first.other().name()))
    }

    /// A scene whose chain is `provider` alone.
    pub(super) fn alone<I>(provider: Vendor, scripts: I) -> Self
    where
        I: IntoIterator<Item = Script, IntoIter: Send + 'static>,
    {
        Self::in_order(provider, scripts, Vec::new()).models(provider.name())
    }

    /// Sets a variable of the environment.
    pub(super) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), Some(value.into())));
        self
    }

    /// Removes a variable of the environment.
    pub(super) fn unset(mut self, name: &str) -> Self {
        self.settings.push((name.to_owned(), None));
        self
    }

    /// Sets the chain.
    pub(super) fn models(self, models: &str) -> Self {
        self.set("MODELS", models)
    }

    /// Writes `portend.toml`, and replaces `OPENAI` and `BEDROCK` with the addresses of the vendors.
    pub(super) fn file(self, text: &str) -> Self {
        let text = text.replace("OPENAI", &self.openai_url());
        let text = text.replace("BEDROCK", &self.bedrock.url());
        fs::write(self.path("portend.toml"), text).expect("a settings file");
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of the endpoint that is compatible with OpenAI.
    pub(super) fn openai_url(&self) -> String {
        format!("{}/v1", self.openai.url())
    }

    /// The requests to a vendor so far.
    pub(super) fn requests(&self, provider: Vendor) -> Vec<Request> {
        match provider {
            Vendor::Bedrock => self.bedrock.requests(),
            Vendor::OpenAi => self.openai.requests(),
        }
    }

    /// The number of requests to each vendor so far.
    pub(super) fn asked(&self) -> [usize; 2] {
        BOTH.map(|provider| self.requests(provider).len())
    }

    /// A command that runs the program with these arguments.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portend"));
        command.args(arguments).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, value) in &self.settings {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Runs the program to its end.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        let run = Run::of(&self.command(arguments).output().expect("the program runs"));
        self.look_for_canaries(&run);
        run
    }

    /// Runs `count` processes of the program at the same time.
    pub(super) fn run_together(&self, count: usize, arguments: &[&str]) -> Vec<Run> {
        let one = || Run::of(&self.command(arguments).output().expect("the program runs"));
        let runs: Vec<_> = thread::scope(|scope| {
            let processes: Vec<_> = (0..count).map(|_| scope.spawn(one)).collect();
            processes.into_iter().map(|process| process.join().expect("the process ends")).collect()
        });
        for run in &runs {
            self.look_for_canaries(run);
        }
        runs
    }

    /// Runs `portend explain --json` on a file with one event on each line. Each event calls the model, also about facts
    /// that an earlier one had.
    pub(super) fn explain(&self, events: &[String]) -> Run {
        self.run(&["explain", "--json", "--no-reuse", &self.input(events)])
    }

    /// Writes a file with one event on each line, and returns its path.
    pub(super) fn input(&self, events: &[String]) -> String {
        let number = self.inputs.fetch_add(1, Ordering::SeqCst);
        let path = self.path(&format!("{number}.jsonl"));
        fs::write(&path, events.join("\n") + "\n").expect("an input file");
        path.to_string_lossy().into_owned()
    }

    /// Describes how the one alert of a run ended, for example `1:throttled 1:accepted => 1`. A number is the position
    /// of a model in the chain, and `alarm 1` means that the program reported a model that cannot work. Checks the exit
    /// code and the number of requests too.
    pub(super) fn ending(&self, first: Vendor, run: &Run) -> String {
        let line = run.line();
        let position = |name: &str| if name == first.name() { "1" } else { "2" };
        let mut ending = String::new();
        let insight = &line["insight"];
        let attempts = insight["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
        for attempt in attempts {
            let (model, outcome) = (text(&attempt["model"]), text(&attempt["outcome"]));
            write!(ending, "{}:{outcome} ", position(model)).expect("a string can grow");
        }
        if insight.is_null() {
            write!(ending, "=> {} {}", text(&line["status"]), text(&line["reason"]))
                .expect("a string can grow");
        } else {
            let used = text(&insight["model_used"]);
            let used = used.replace(first.label(), "1").replace(first.other().label(), "2");
            let grade = if used == "scorecard" { "scorecard" } else { "model" };
            assert_eq!(insight["grade"], grade, "{line}");
            write!(ending, "=> {used}").expect("a string can grow");
            if insight["degraded"] == true {
                ending.push_str(" degraded");
            }
            let counted =
                BOTH.map(|each| attempts.iter().filter(|attempt| attempt["model"] == each.name()).count());
            assert_eq!(self.asked(), counted, "the attempts differ from the requests: {line}");
        }
        for provider in [first, first.other()] {
            if run.errors.contains(&format!("the model {} cannot work", provider.name())) {
                write!(ending, ", alarm {}", position(provider.name())).expect("a string can grow");
            }
        }
        let code = i32::from(insight.is_null());
        assert_eq!(run.code, code, "{line}");
        ending
    }

    /// Runs a statement on the store, to do at once what would take time.
    pub(super) fn change_store(&self, sql: &str) {
        let store = rusqlite::Connection::open(self.path("portend.db")).expect("the store opens");
        store.execute(sql, []).expect("the store changes");
    }

    /// Reads a number from the store.
    pub(super) fn count(&self, sql: &str) -> usize {
        let store = rusqlite::Connection::open(self.path("portend.db")).expect("the store opens");
        store.query_row(sql, [], |row| row.get(0)).expect("a number")
    }

    fn look_for_canaries(&self, run: &Run) {
        for provider in BOTH {
            for request in self.requests(provider) {
                assert!(!request.shows(CANARY), "{request:?}");
                let authorization = request.header("authorization").unwrap_or_default();
                let is_right = match provider {
                    Vendor::Bedrock => {
                        let signed = format!("AWS4-HMAC-SHA256 Credential={AWS_KEY_ID}/");
                        authorization.starts_with(&signed) && !authorization.contains(AWS_SECRET)
                    }
                    Vendor::OpenAi => ["", &format!("Bearer {KEY}")].contains(&authorization),
                };
                assert!(is_right, "{authorization}");
            }
        }
        assert!(!run.errors.contains(CANARY), "{}", run.errors);
        for secret in [KEY, AWS_KEY_ID, AWS_SECRET] {
            assert!(!run.output.contains(secret), "{}", run.output);
            for file in fs::read_dir(self.folder.path()).expect("the folder").flatten() {
                if file.file_name().to_string_lossy().starts_with("portend.db") {
                    let bytes = fs::read(file.path()).unwrap_or_default();
                    assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{secret} is in the store");
                }
            }
        }
    }
}

/// The exit code and the output of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) code: i32,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Run {
    pub(super) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let errors = text(&output.stderr);
        assert!(!errors.contains("panicked"), "{errors}");
        let code = output.status.code().expect("the program ends without a signal");
        Self { code, output: text(&output.stdout), errors }
    }

    /// The output as JSON Lines.
    pub(super) fn lines(&self) -> Vec<Value> {
        let line =
            |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}; {}", self.errors));
        self.output.lines().map(line).collect()
    }

    /// The only line of the output, as JSON.
    pub(super) fn line(&self) -> Value {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines.remove(0)
    }

    /// The insight in the only line of the output.
    pub(super) fn insight(&self) -> Value {
        let insight = self.line()["insight"].clone();
        assert!(insight.is_object(), "{self:?}");
        insight
    }
}

/// The text of a JSON string.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}

/// The strings under `key` of the objects in a list.
pub(super) fn texts<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().map(|each| text(&each[key])).collect()
}

/// Waits until the condition is true, for at most 10 seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the test waits for another process, whose clock it cannot set"
)]
pub(super) fn until(mut is_true: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_true() {
        if start.elapsed() > WAIT_MAX {
            return false;
        }
        thread::sleep(POLL_INTERVAL);
    }
    true
}

/// The number of rows that run at once. Most rows wait about a second before a retry.
const ROWS_AT_ONCE: usize = 12;

/// Checks every row, and fails with all rows that are wrong.
pub(super) fn each<T: Sync>(rows: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..ROWS_AT_ONCE.min(rows.len()) {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(what) = check(row) {
                        wrong.lock().expect("no thread panicked").push(what);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no thread panicked");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Compares two values, and describes the difference.
pub(super) fn equal<T: PartialEq + std::fmt::Debug>(
    name: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{name}\n     found {found:?}\n  expected {expected:?}"))
}
