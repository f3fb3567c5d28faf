//! A server that delays each response, and counts the requests that are open at once. The delay depends on the number
//! of the request, or lasts until enough requests are open.
//!
//! Never: answers two requests on one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The delay of the response to each request, by the number of the request.
type Pace = fn(usize) -> Duration;

/// How long the server waits for enough requests.
const GATHER_MAX: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Log {
    bodies: Vec<String>,
    open: usize,
    most_open: usize,
}

struct Shared {
    answer: String,
    pace: Pace,
    /// The number of requests that must be open before the server answers any.
    gathered: usize,
    log: Mutex<Log>,
    opened: Condvar,
    stopped: AtomicBool,
}

/// The server, which listens on a free local port until it is dropped.
pub(super) struct Paced {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Paced {
    /// Starts a server that answers each request after its delay.
    pub(super) fn start(answer: String, pace: Pace) -> Self {
        Self::new(answer, pace, 0)
    }

    /// Starts a server that answers when `gathered` requests have been open at once, or after two seconds.
    pub(super) fn gathering(answer: String, gathered: usize) -> Self {
        Self::new(answer, |_| Duration::from_millis(1), gathered)
    }

    fn new(answer: String, pace: Pace, gathered: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (log, opened, stopped) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        let shared = Arc::new(Shared { answer, pace, gathered, log, opened, stopped });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                // A client that has closed its connection needs no response.
                thread::spawn(move || drop(shared.serve(&stream)));
            }
        });
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT/v1`.
    pub(super) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The bodies of the requests so far.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.shared.log().bodies.clone()
    }

    /// The most requests that were open at once.
    pub(super) fn most_open(&self) -> usize {
        self.shared.log().most_open
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts connections. If that fails, the thread has ended already.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn serve(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let body = receive(stream)?;
        let number = {
            let mut log = self.log();
            log.bodies.push(body);
            log.open += 1;
            log.most_open = log.most_open.max(log.open);
            let number = log.bodies.len() - 1;
            self.opened.notify_all();
            let waits = |log: &mut Log| log.most_open < self.gathered;
            drop(self.opened.wait_timeout_while(log, GATHER_MAX, waits));
            number
        };
        // The client sends nothing more, so this read waits for the delay, or until the client closes.
        stream.set_read_timeout(Some((self.pace)(number)))?;
        let _ = stream.read(&mut [0; 1]);
        self.log().open -= 1;
        let answer = &self.answer;
        let head = format!("content-type: application/json\r\ncontent-length: {}", answer.len());
        write!(stream, "HTTP/1.1 200 Paced\r\nconnection: close\r\n{head}\r\n\r\n{answer}")
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the body of a request.
fn receive(stream: &TcpStream) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            // The request line has no colon in these tests. The last line of the head is empty.
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    Ok(body)
}
