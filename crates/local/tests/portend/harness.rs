//! Runs the program as a process with a home folder of its own, and returns the exit code and both outputs as a
//! [`Run`].
//!
//! Never: uses the environment, settings or store of the machine, or waits without a condition.

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

/// Far longer than any wait in these tests.
const WAIT_MAX: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A user's home folder and working folder.
pub(crate) struct Home(TempDir);

/// The exit code and output of a run that has ended.
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

    /// The store that the program uses unless a setting names another.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.path().join("home/.local/share/portend/portend.db")
    }

    /// A path in the home folder.
    pub(crate) fn in_home(&self, name: &str) -> PathBuf {
        self.0.path().join("home").join(name)
    }

    /// Writes a file in the working folder, and makes its parent folders.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A command that runs a program in a clean environment, with an empty standard input.
    pub(crate) fn program(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("HOME", self.0.path().join("home")).current_dir(self.path(""));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn portend(&self, args: &[&str]) -> Command {
        self.program(PORTEND, args)
    }

    /// Runs a command line, whose arguments are separated by one space.
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
        // Another thread writes the input, because either pipe may fill up. The program may stop reading early.
        let feeding = thread::spawn(move || drop(stdin.write_all(&input)));
        let run = Run::end(child);
        feeding.join().unwrap();
        run
    }

    /// Runs `portend explain --json -` on `input`.
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

    /// Ends every lease at once, because a test cannot wait for that.
    pub(crate) fn end_leases(&self) {
        let connection = Connection::open(self.store()).unwrap();
        connection.execute("UPDATE claim SET lease_until = 0", []).unwrap();
    }
}

fn split(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

impl Run {
    /// Reads the output of a run, and checks that the program did not panic and wrote only UTF-8.
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

    /// Checks that the run failed with one sentence on standard error that names `what` once and contains `fix`.
    #[track_caller]
    pub(crate) fn complains(self, code: i32, what: &str, fix: &str) {
        let run = self.exits(code);
        assert_eq!(run.out, "", "standard output is for data");
        assert!(run.err.starts_with("portend: ") && run.err.lines().count() == 1, "{}", run.err);
        assert!(run.err.contains(fix), "{fix:?} is not in {}", run.err);
        assert_eq!(run.err.matches(what).count(), 1, "expected {what:?} once in {}", run.err);
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(line).collect()
    }

    /// The outcome of each event: `stored`, `repeated`, or else the reason code.
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

/// Waits until the condition is true.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "the test waits for another process, whose clock it cannot set"
)]
pub(crate) fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < WAIT_MAX, "gave up waiting until {what}");
        thread::sleep(POLL_INTERVAL);
    }
}

/// Whether the process has the file open.
pub(crate) fn has_open(child: &Child, file: &Path) -> bool {
    let links = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
    links.filter_map(|link| fs::read_link(link.path()).ok()).any(|open| open == file)
}

/// Says why a test cannot run on this machine.
#[expect(clippy::print_stderr, reason = "a skipped test must not look like one that passed")]
pub(crate) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}
