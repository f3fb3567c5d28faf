//! A running `portend serve`, and the simplest client of HTTP that can also misbehave.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::Home;

/// Far above what a test waits for.
const READ_TIME_MAX: Duration = Duration::from_secs(30);

/// A running server. Dropping it kills it.
pub(super) struct TestServer {
    child: Child,
    address: String,
}

/// A response.
#[derive(Debug)]
pub(super) struct HttpReply {
    pub(super) status: u16,
    /// The head in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

impl TestServer {
    /// Starts a server on a free port.
    pub(super) fn start(home: &Home, args: &[&str]) -> Self {
        Self::start_with(home, args, &[])
    }

    /// Starts a server with these variables in its environment.
    pub(super) fn start_with(home: &Home, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let all: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"].iter().chain(args).copied().collect();
        let mut command = home.portend(&all);
        command.envs(variables.iter().copied()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("the server names its address") }
    }

    /// Opens a connection.
    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(READ_TIME_MAX)).unwrap();
        stream
    }

    /// Sends bytes, and reads until the server closes the connection.
    pub(super) fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may close before it has read everything.
        let _ = stream.write_all(request);
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        String::from_utf8_lossy(&response).into_owned()
    }

    /// Sends a request with these headers.
    pub(super) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> HttpReply {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            let _ = write!(head, "host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n", body.len());
        HttpReply::read(&self.exchange(&[head.as_bytes(), body].concat()))
    }

    pub(super) fn get(&self, path: &str) -> HttpReply {
        self.send("GET", path, &[], b"")
    }

    pub(super) fn post_json(&self, path: &str, body: &str) -> HttpReply {
        self.send("POST", path, &[("content-type", "application/json")], body.as_bytes())
    }

    pub(super) fn post_lines(&self, body: &str) -> HttpReply {
        self.send("POST", "/v1/events", &[("content-type", "application/x-ndjson")], body.as_bytes())
    }

    /// Sends a form as a page of this server does.
    pub(super) fn post_form(&self, path: &str, form: &str) -> HttpReply {
        // With the policy `no-referrer`, a browser does not say its origin.
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("origin", "null"),
        ];
        self.send("POST", path, &headers, form.as_bytes())
    }

    /// The totals of the ledger, with the events that wait.
    pub(super) fn ledger(&self) -> Value {
        self.get("/v1/ledger").json()
    }

    /// Waits until every accepted event has an outcome.
    pub(super) fn until_idle(&self) {
        crate::harness::until("the inbox is empty", || self.ledger()["waiting"] == 0);
    }

    /// Ends the server as the system would, without a chance to finish.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the server to stop, and waits for its end.
    pub(super) fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl HttpReply {
    #[track_caller]
    pub(super) fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let head = head.to_lowercase();
        let body =
            if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
        Self { status, head, body }
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(prefix.as_str()))
    }

    #[track_caller]
    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// A problem with this status and code, which says what is wrong and how to fix it.
    #[track_caller]
    pub(super) fn fails(self, status: u16, code: &str) {
        let reply = self.is(status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
        let problem = reply.json();
        assert_eq!((problem["code"].as_str(), problem["status"].as_u64()), (Some(code), Some(status.into())));
        for text in ["title", "detail", "fix"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text} of {problem}");
        }
    }
}

/// The body of a chunked response.
fn unchunked(body: &str) -> String {
    let (mut text, mut rest) = (String::new(), body);
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        text.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    text
}

/// An alert about a student.
pub(super) fn alert(student: &str, calls: u32, health: u32, at: &str) -> String {
    format!(
        r#"{{"alert_type":"high_ib_call_frequency","severity":"warning","entity_id":"{student}","entity_type":"student","details":{{"ib_calls_14d":{calls},"health_score":{health}}},"message":"m","timestamp":"{at}"}}"#
    )
}

/// The time now, as a producer writes it.
#[expect(clippy::disallowed_methods, reason = "the server under test uses the machine's clock too")]
pub(super) fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    portend_core::time::Timestamp::from_millis(since.as_millis().try_into().unwrap()).to_string()
}
