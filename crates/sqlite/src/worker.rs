//! One thread that works on one connection: it receives operations over a channel, and responds over others. Of a write,
//! it responds after the commit. Writes that are waiting share one commit.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::{io, thread};

use rusqlite::{Connection, Error};
use tokio::sync::oneshot;

use crate::error::Failed;

/// Writes that share one commit at most. More would not be faster, and would hold the file longer.
const WRITES_PER_COMMIT_MAX: usize = 512;

/// The thread. It ends, and closes its connection, with its owner.
#[derive(Debug)]
pub(crate) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

enum Job {
    Read(Box<dyn FnOnce(&Connection) + Send>),
    Write(Write),
}

/// Takes the connection, or why there will be no commit.
type Write = Box<dyn FnOnce(Result<&Connection, Error>) -> Written + Send>;

/// A write that has been done and not yet committed.
struct Written {
    failed: Option<Error>,
    /// Responds to the caller, with why there was no commit if there was none.
    respond: Box<dyn FnOnce(Option<Failed>) + Send>,
}

/// The file as it was opened. What is written to a file that was removed or replaced is lost with it.
struct OpenFile {
    path: PathBuf,
    id: FileId,
}

/// What distinguishes a file from another of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = path.metadata()?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }

    /// Elsewhere an open file cannot be removed or replaced.
    #[cfg(not(unix))]
    fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|_| Self(0, 0))
    }
}

impl OpenFile {
    fn is_in_place(&self) -> bool {
        FileId::of(&self.path).is_ok_and(|id| id == self.id)
    }
}

impl Worker {
    /// Starts it on a connection to this file.
    pub(crate) fn start(connection: Connection, path: &Path) -> Result<Self, Failed> {
        let file = OpenFile { path: path.to_owned(), id: FileId::of(path)? };
        let (jobs, queue) = mpsc::channel();
        let thread =
            thread::Builder::new().name("store".into()).spawn(move || work(&connection, &queue, &file))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    fn send(&self, job: Job) -> Result<(), Failed> {
        let jobs = self.jobs.as_ref().ok_or(Failed::Ended)?;
        jobs.send(job).map_err(|_| Failed::Ended)
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let (sender, receiver) = oneshot::channel();
        // A caller that has gone away needs no response.
        let job = Job::Read(Box::new(move |connection| drop(sender.send(operation(connection)))));
        self.send(job)?;
        Ok(receiver.await.map_err(|_| Failed::Ended)??)
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let (sender, receiver) = oneshot::channel();
        let job = Job::Write(Box::new(move |connection| {
            let result = connection.and_then(operation);
            let failed = result.as_ref().err().map(again);
            let respond = move |uncommitted: Option<Failed>| {
                drop(sender.send(uncommitted.map_or_else(|| result.map_err(Failed::from), Err)));
            };
            Written { failed, respond: Box::new(respond) }
        }));
        self.send(job)?;
        receiver.await.map_err(|_| Failed::Ended)?
    }
}

impl Drop for Worker {
    /// Waits for the connection to be closed: the last one folds the log into the file.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A worker that has panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

fn work(connection: &Connection, queue: &mpsc::Receiver<Job>, file: &OpenFile) {
    while let Ok(first) = queue.recv() {
        let mut writes = Vec::new();
        let waiting = std::iter::once(first).chain(queue.try_iter().take(WRITES_PER_COMMIT_MAX - 1));
        for job in waiting {
            match job {
                Job::Read(read) => read(connection),
                Job::Write(write) => writes.push(write),
            }
        }
        if !writes.is_empty() {
            commit(connection, writes, file);
        }
    }
}

/// Does the writes in one transaction. One that fails is undone alone. If there is no transaction, if the commit fails, if
/// SQLite gives the whole transaction up (a full disk), or if the file is no longer in its place, all of them have failed.
fn commit(connection: &Connection, writes: Vec<Write>, file: &OpenFile) {
    let mut fault = connection.execute_batch("BEGIN IMMEDIATE").err();
    let mut done = Vec::with_capacity(writes.len());
    for write in writes {
        done.push(match &fault {
            Some(error) => write(Err(again(error))),
            None => one(connection, write, &mut fault),
        });
    }
    let fault = fault.or_else(|| connection.execute_batch("COMMIT").err());
    if fault.is_some() && !connection.is_autocommit() {
        // If even this fails, the next BEGIN fails too, with the reason.
        let _ = connection.execute_batch("ROLLBACK");
    }
    let is_in_place = file.is_in_place();
    for written in done {
        (written.respond)(match &fault {
            Some(error) => Some(Failed::Sqlite(again(error))),
            None if !is_in_place => Some(Failed::Gone),
            None => None,
        });
    }
}

/// Does one write within the transaction; sets `fault` if the transaction is lost.
fn one(connection: &Connection, write: Write, fault: &mut Option<Error>) -> Written {
    let statement = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    if let Err(error) = statement("SAVEPOINT one") {
        let written = write(Err(again(&error)));
        *fault = Some(error);
        return written;
    }
    let written = write(Ok(connection));
    *fault = match &written.failed {
        Some(error) if connection.is_autocommit() => Some(again(error)),
        Some(_) => statement("ROLLBACK TO one").and_then(|_| statement("RELEASE one")).err(),
        None => statement("RELEASE one").err(),
    };
    written
}

/// The same error for one more caller: errors of SQLite cannot be cloned.
fn again(error: &Error) -> Error {
    let code = error.sqlite_error().copied();
    let code = code.unwrap_or_else(|| rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR));
    Error::SqliteFailure(code, Some(error.to_string()))
}
