//! Writes standard output on a separate thread, so that a slow reader blocks neither events nor signals.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use tokio::sync::{mpsc, oneshot};

/// The most pieces in the thread's queue: one to write next, while it writes another.
const QUEUE_PIECES: usize = 1;
/// The most bytes that wait for the thread. No more events are started until the reader continues.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Writes text in order.
pub(crate) struct OutputWriter {
    sender: mpsc::Sender<Vec<u8>>,
    /// The text that waits for the thread. It becomes one piece.
    waiting: Vec<u8>,
    failure: Arc<Mutex<Option<io::Error>>>,
    done: oneshot::Receiver<()>,
}

impl OutputWriter {
    /// Starts the thread. It hides the bar, which shares the terminal with the output, while it writes a piece.
    pub(crate) fn start(bar: ProgressBar) -> Result<Self> {
        let (sender, mut pieces) = mpsc::channel::<Vec<u8>>(QUEUE_PIECES);
        let (finished, done) = oneshot::channel();
        let failure = Arc::new(Mutex::new(None));
        let failed = Arc::clone(&failure);
        let work = move || {
            let mut output = anstream::stdout();
            while let Some(piece) = pieces.blocking_recv() {
                let mut write = || output.write_all(&piece).and_then(|()| output.flush());
                let written = if bar.is_hidden() { write() } else { bar.suspend(write) };
                if let Err(error) = written {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    break;
                }
            }
            drop(pieces);
            // The receiver may have been dropped.
            let _ = finished.send(());
        };
        thread::Builder::new()
            .name("output".into())
            .spawn(work)
            .context("cannot start the thread that writes the output")?;
        Ok(Self { sender, waiting: Vec::new(), failure, done })
    }

    /// Adds text to the end.
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.waiting.extend_from_slice(text);
    }

    /// Whether text waits for the thread.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether more events may be started.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_BYTES_MAX
    }

    /// Passes the waiting text to the thread as soon as its queue has space. Dropping the future loses nothing.
    pub(crate) async fn hand_over(&mut self) -> Result<()> {
        let Ok(permit) = self.sender.reserve().await else { return Err(self.failure()) };
        permit.send(mem::take(&mut self.waiting));
        Ok(())
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(mut self) -> Result<()> {
        while self.is_waiting() {
            self.hand_over().await?;
        }
        let Self { sender, failure, done, .. } = self;
        drop(sender);
        // The thread ends after its last piece or after an error.
        let _ = done.await;
        match failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    fn failure(&self) -> anyhow::Error {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.unwrap_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe)).into()
    }
}
