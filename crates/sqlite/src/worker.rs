//! One thread that works on one connection, asked and answering over channels.
//!
//! Takes: operations, from any number of callers.
//! Gives: their answers; of a write, after its commit alone.
//! Never: lets two writes of this process wait for each other's disk: whatever is waiting shares one commit.

use std::sync::mpsc;
use std::thread;

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

/// Is given the connection, or why there will be no commit.
type Write = Box<dyn FnOnce(Result<&Connection, Error>) -> Written + Send>;

/// A write that has been done and not yet committed.
struct Written {
    failed: Option<Error>,
    /// Answers the caller, with the commit's error if there is one.
    answer: Box<dyn FnOnce(Option<Error>) + Send>,
}

impl Worker {
    pub(crate) fn start(connection: Connection) -> Self {
        let (jobs, queue) = mpsc::channel();
        let thread = thread::spawn(move || work(&connection, &queue));
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    fn send(&self, job: Job) -> Result<(), Failed> {
        let jobs = self.jobs.as_ref().ok_or(Failed::Ended)?;
        jobs.send(job).map_err(|_| Failed::Ended)
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let (answer, answered) = oneshot::channel();
        // A caller that has gone away needs no answer.
        let job = Job::Read(Box::new(move |connection| drop(answer.send(operation(connection)))));
        self.send(job)?;
        Ok(answered.await.map_err(|_| Failed::Ended)??)
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let (answer, answered) = oneshot::channel();
        let job = Job::Write(Box::new(move |connection| {
            let result = connection.and_then(operation);
            let failed = result.as_ref().err().map(again);
            let answer = move |uncommitted: Option<Error>| drop(answer.send(uncommitted.map_or(result, Err)));
            Written { failed, answer: Box::new(answer) }
        }));
        self.send(job)?;
        Ok(answered.await.map_err(|_| Failed::Ended)??)
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

fn work(connection: &Connection, queue: &mpsc::Receiver<Job>) {
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
            commit(connection, writes);
        }
    }
}

/// Does the writes in one transaction. One that fails is undone alone. If there is no transaction, if the commit fails, or
/// if SQLite gives the whole transaction up (a full disk), every one of them has failed, and hears why.
fn commit(connection: &Connection, writes: Vec<Write>) {
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
        // If even this fails, the next BEGIN does too, and says so.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for written in done {
        (written.answer)(fault.as_ref().map(again));
    }
}

/// Does one write within the transaction; says in `fault` if that is lost.
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
