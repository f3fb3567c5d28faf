//! An HTTP server that follows a script: a [`Script`] for each request in order, or a function of the request. It logs
//! the requests, and how often a client hung up.
//!
//! Never: needs a runtime, sleeps, speaks TLS, or serves two requests on one connection.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What to do with one request, once it has been read.
#[derive(Debug, Clone)]
pub struct Script {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    manner: Manner,
    pause: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Manner {
    Whole,
    CutAfter(usize),
    OneByteEvery(Duration),
    Hang,
    Close,
}

impl Script {
    /// Answers with JSON. Length and type are stated truly, unless [`Self::header`] says otherwise.
    pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.into(), manner: Manner::Whole, pause: Duration::ZERO }
    }

    /// Answers only after this time.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Reads the request and says nothing until the client hangs up.
    pub fn hang() -> Self {
        Self { manner: Manner::Hang, ..Self::answer(200, "") }
    }

    /// Reads the request and closes the connection.
    pub fn close() -> Self {
        Self { manner: Manner::Close, ..Self::answer(200, "") }
    }

    /// With a header, instead of any of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Closes after so many bytes of the body.
    #[must_use]
    pub fn cut_after(self, bytes: usize) -> Self {
        Self { manner: Manner::CutAfter(bytes), ..self }
    }

    /// Sends the body one byte at a time.
    #[must_use]
    pub fn one_byte_every(self, pause: Duration) -> Self {
        Self { manner: Manner::OneByteEvery(pause), ..self }
    }

    fn head(&self) -> Vec<u8> {
        let first = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", self.status);
        let length = ("content-length".to_owned(), self.body.len().to_string());
        let stated = self.headers.iter().any(|(name, _)| *name == length.0);
        let headers = self.headers.iter().chain((!stated).then_some(&length));
        let lines = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
        let head: String = std::iter::once(first).chain(lines).chain(["\r\n".to_owned()]).collect();
        head.into_bytes()
    }
}

/// A request as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `POST`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Lossily, if it is not UTF-8.
    pub body: String,
}

impl Request {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether a text is anywhere in it but in the header `authorization`.
    pub fn shows(&self, text: &str) -> bool {
        let hidden = |name: &str| name == "authorization";
        let in_headers = self.headers.iter().any(|(name, value)| !hidden(name) && value.contains(text));
        in_headers || self.path.contains(text) || self.body.contains(text)
    }
}

#[derive(Default)]
struct Log {
    requests: Vec<Request>,
    hung_up: usize,
}

struct Shared {
    answer: Box<dyn Fn(&Request) -> Script + Send + Sync>,
    log: Mutex<Log>,
    stopped: AtomicBool,
}

/// The server, on a free port of this machine, until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Starts it. Where no script is left, it closes the connection; the request is logged all the same.
    pub fn start<I>(scripts: I) -> Self
    where
        I: IntoIterator<Item = Script, IntoIter: Send + 'static>,
    {
        let scripts = Mutex::new(scripts.into_iter());
        Self::answering(move |_| lock(&scripts).next().unwrap_or_else(Script::close))
    }

    /// Starts it, to do with each request what that one asks for.
    pub fn answering(answer: impl Fn(&Request) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            log: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was received so far.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).requests.clone()
    }

    /// How many clients hung up before their answer was out.
    pub fn hung_up(&self) -> usize {
        lock(&self.shared.log).hung_up
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts. If that fails, it is gone already.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        let Ok(request) = receive(stream) else { return };
        lock(&self.log).requests.push(request.clone());
        let script = (self.answer)(&request);
        if play(&script, stream).is_err() {
            lock(&self.log).hung_up += 1;
        }
    }
}

fn receive(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(ErrorKind::InvalidData.into());
    };
    let mut request = Request { method, path, ..Request::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(request)
}

/// Fails if the client hangs up first.
fn play(script: &Script, mut stream: &TcpStream) -> std::io::Result<()> {
    if !script.pause.is_zero() {
        while_listening(stream, Some(script.pause))?;
    }
    match script.manner {
        Manner::Close => Ok(()),
        Manner::Hang => while_listening(stream, None),
        Manner::Whole => {
            stream.write_all(&script.head())?;
            stream.write_all(&script.body)
        }
        Manner::CutAfter(bytes) => {
            stream.write_all(&script.head())?;
            stream.write_all(script.body.get(..bytes).unwrap_or(&script.body))
        }
        Manner::OneByteEvery(pause) => {
            stream.write_all(&script.head())?;
            for byte in script.body.chunks(1) {
                stream.write_all(byte)?;
                while_listening(stream, Some(pause))?;
            }
            Ok(())
        }
    }
}

/// Waits for so long, or for ever, while the client stays.
fn while_listening(mut stream: &TcpStream, time: Option<Duration>) -> std::io::Result<()> {
    stream.set_read_timeout(time)?;
    match stream.read(&mut [0; 1]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// A panic in one test does not cause another in the server's threads.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
