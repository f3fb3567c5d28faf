//! The program as a process, at home in a folder of its own.
//!
//! Takes: a command line, and what goes to standard input.
//! Gives: a [`Run`]: the exit code and both outputs.
//! Never: lets the machine's environment, settings or store into a test, or waits for anything but a condition.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PORTEND: &str = env!("CARGO_BIN_EXE_portend");

/// Far above anything that a test waits for.
const WAIT_MAX: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A user's home and working folder.
pub(crate) struct Home(TempDir);

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    /// A path in the working folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("work").join(name)
    }

    /// The store that is used if no setting names another.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.path().join("home/.local/share/portend/portend.db")
    }

    /// A path in the user's home.
    pub(crate) fn in_home(&self, name: &str) -> PathBuf {
        self.0.path().join("home").join(name)
    }

    /// Writes a file in the working folder, and the folders on the way to it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A program in the clean environment, nothing on its standard input.
    pub(crate) fn program(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("HOME", self.0.path().join("home")).current_dir(self.path(""));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn portend(&self, args: &[&str]) -> Command {
        self.program(PORTEND, args)
    }

    /// Runs a command line, its arguments apart by one space.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_args(&split(line))
    }

    pub(crate) fn run_args(&self, args: &[&str]) -> Run {
        Run::of(self.portend(args).output().unwrap())
    }

    /// Runs a command line that reads `input` from standard input.
    pub(crate) fn feed(&self, line: &str, input: impl AsRef<[u8]>) -> Run {
        let mut child = self.portend(&split(line)).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        // Beside the reading of its output: either pipe may fill up. A program that reads no more is no failure here.
        let feeding = thread::spawn(move || drop(stdin.write_all(&input)));
        let run = Run::end(child);
        feeding.join().unwrap();
        run
    }

    /// `portend explain --json -`.
    pub(crate) fn explain(&self, input: impl AsRef<[u8]>) -> Run {
        self.feed("explain --json -", input)
    }

    /// The ledger's last line: the totals.
    pub(crate) fn ledger(&self) -> Value {
        let run = self.run("ledger --json");
        let total = run.json().pop().unwrap();
        assert_eq!(run.code, Some(i32::from(total["adds_up"] != true)), "{total}");
        total
    }

    /// Every stored insight.
    pub(crate) fn insights(&self) -> Vec<Value> {
        self.run("insights --json --limit 0").exits(0).json()
    }

    /// Every parked event.
    pub(crate) fn parked(&self) -> Vec<Value> {
        self.run("parked --json --limit 0").exits(0).json()
    }

    /// As if the time had come at which every lease has ended, since it is too long for a test to wait for.
    pub(crate) fn end_leases(&self) {
        let connection = Connection::open(self.store()).unwrap();
        connection.execute("UPDATE claim SET lease_until = 0", []).unwrap();
    }
}

fn split(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

impl Run {
    /// Whatever is asked of it, the program never panics and never writes what is not text.
    #[track_caller]
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!run.err.contains("panicked"), "{run:?}");
        run
    }

    /// Waits for the end of a process.
    #[track_caller]
    pub(crate) fn end(child: Child) -> Self {
        Self::of(child.wait_with_output().unwrap())
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails with one sentence on standard error that names `what`, once, and holds `mend`.
    #[track_caller]
    pub(crate) fn complains(self, code: i32, what: &str, mend: &str) {
        let run = self.exits(code);
        assert_eq!(run.out, "", "standard output is for data");
        assert!(run.err.starts_with("portend: ") && run.err.lines().count() == 1, "{}", run.err);
        assert!(run.err.contains(mend), "no {mend:?} in {}", run.err);
        assert_eq!(run.err.matches(what).count(), 1, "{what:?} once in {}", run.err);
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(line).collect()
    }

    /// What came of each event: `stored`, `repeated`, or else the reason code.
    #[track_caller]
    pub(crate) fn outcomes(&self) -> Vec<String> {
        let outcome =
            |line: &Value| line.get("reason").unwrap_or(&line["status"]).as_str().unwrap().to_owned();
        self.json().iter().map(outcome).collect()
    }

    #[track_caller]
    pub(crate) fn count(&self, status: &str) -> usize {
        self.json().iter().filter(|line| line["status"] == status).count()
    }
}

/// Waits until it is so.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "another process is waited for, which no clock of ours can hurry"
)]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < WAIT_MAX, "waited in vain until {what}");
        thread::sleep(LOOK_AGAIN);
    }
}

/// Whether the process has the file open.
pub(crate) fn has_open(child: &Child, file: &Path) -> bool {
    let links = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
    links.filter_map(|link| fs::read_link(link.path()).ok()).any(|open| open == file)
}

/// Says why a test cannot be made here.
#[expect(clippy::print_stderr, reason = "a test that was not made must not look like one that was")]
pub(crate) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}
