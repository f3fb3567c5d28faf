//! Reads events from files and standard input. An input is a JSON document, JSON Lines, or an array of objects, and may
//! be compressed with gzip.
//!
//! If the first line is a complete JSON value, or the input is not a JSON document, each line is an event. Otherwise
//! the input is one document on several lines. Each record of a batch, and each object of an array, is an event.
//!
//! Never: has more than one document, line or element in memory, or loses valid lines because of an invalid one.

mod array;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use flate2::bufread::MultiGzDecoder;
use portend_core::alert::Delivery;
use portend_core::alert_type::AlertTypes;
use portend_core::limits::BATCH_BYTES_MAX;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::gzip::MaybeGzip;

/// The most events in the queue.
const QUEUE_EVENTS: usize = 128;
/// The most bytes of events that have been read and are not finished. One event alone may have more.
const WAITING_BYTES_MAX: u32 = 32 * 1024 * 1024;

/// An event that was read from an input.
#[derive(Debug)]
pub(crate) struct Event {
    /// The bytes of the event. If it is longer than a batch may be, these are only its beginning.
    pub(crate) bytes: Vec<u8>,
    /// The location of the event in its input.
    pub(crate) location: EventLocation,
    /// The bytes of the input that have been read up to this event.
    pub(crate) read_bytes: u64,
    /// The event's share of [`WAITING_BYTES_MAX`].
    pub(crate) bytes_permit: Option<OwnedSemaphorePermit>,
}

/// The location of an event: its input, line and record.
#[derive(Debug, Clone)]
pub(crate) struct EventLocation {
    input: Arc<str>,
    line: Option<u64>,
    record: Option<Arc<str>>,
}

impl EventLocation {
    /// The location of an event that is a whole input.
    pub(crate) fn of(input: &str) -> Self {
        Self { input: input.into(), line: None, record: None }
    }
}

impl fmt::Display for EventLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of {}", self.input)?,
            None => f.write_str(&self.input)?,
        }
        match &self.record {
            Some(record) => write!(f, ", record {record}"),
            None => Ok(()),
        }
    }
}

/// An open input.
pub(crate) struct Input {
    name: Arc<str>,
    reader: Box<dyn Read + Send>,
    /// The size in bytes, if the input is a regular file.
    pub(crate) size: Option<u64>,
}

impl Input {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            let reader = Box::new(MaybeGzip::new(io::stdin()));
            return Ok(Self { name: "standard input".into(), reader, size: None });
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file"));
        }
        let size = metadata.is_file().then_some(metadata.len());
        let name = path.display().to_string().into();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
            // The size of what is read is not known before it is decompressed.
            let reader = Box::new(MultiGzDecoder::new(BufReader::new(file)));
            return Ok(Self { name, reader, size: None });
        }
        Ok(Self { name, reader: Box::new(MaybeGzip::new(file)), size })
    }
}

/// Reads all inputs on a separate thread, as fast as the events are received. If an input cannot be read any further,
/// the error is its last item.
pub(crate) fn read(
    inputs: Vec<Input>,
    types: AlertTypes,
) -> mpsc::Receiver<Result<Event, (PathBuf, io::Error)>> {
    let (sender, receiver) = mpsc::channel(QUEUE_EVENTS);
    let waiting = Arc::new(Semaphore::new(WAITING_BYTES_MAX as usize));
    let runtime = Handle::current();
    thread::spawn(move || {
        for input in inputs {
            let name = PathBuf::from(&*input.name);
            let mut reader = EventLines::new(input, &types);
            while let Some(mut event) = reader.next_event().transpose() {
                if let Ok(event) = &mut event {
                    let bytes = u32::try_from(event.bytes.len()).unwrap_or(u32::MAX).min(WAITING_BYTES_MAX);
                    event.bytes_permit =
                        runtime.block_on(Arc::clone(&waiting).acquire_many_owned(bytes)).ok();
                }
                let failed = event.is_err();
                let gone = sender.blocking_send(event.map_err(|error| (name.clone(), error))).is_err();
                if gone {
                    return;
                }
                if failed {
                    break;
                }
            }
        }
    });
    receiver
}

/// One input, line by line.
struct EventLines<'t> {
    types: &'t AlertTypes,
    name: Arc<str>,
    reader: BufReader<Box<dyn Read + Send>>,
    read_bytes: u64,
    line: u64,
    /// Bytes that have been read and belong to the next line.
    ahead: Vec<u8>,
    /// Whether the next bytes are elements of an array of objects.
    is_in_array: bool,
    /// Whether the input ended inside an array.
    is_cut_off: bool,
    /// Whether a line that is not blank has been read.
    started: bool,
    /// Events that have been read but not yet returned.
    ready: std::collections::VecDeque<Event>,
}

impl<'t> EventLines<'t> {
    fn new(input: Input, types: &'t AlertTypes) -> Self {
        let reader = BufReader::with_capacity(64 * 1024, input.reader);
        Self {
            types,
            name: input.name,
            reader,
            read_bytes: 0,
            line: 0,
            ahead: Vec::new(),
            is_in_array: false,
            is_cut_off: false,
            started: false,
            ready: std::collections::VecDeque::new(),
        }
    }

    fn next_event(&mut self) -> io::Result<Option<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.is_in_array || self.starts_array()? {
                self.next_element()?;
                continue;
            }
            if self.is_cut_off {
                let message = "the input ends inside an array, so some of it may be missing";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            let Some(line) = self.next_line()? else { return Ok(None) };
            if is_blank(&line) {
                continue;
            }
            let first = !std::mem::replace(&mut self.started, true);
            if first && !is_json(&line) {
                self.document_or_lines(line)?;
            } else {
                self.push(&line, Some(self.line));
            }
        }
    }

    /// Reads on after a first line that is not a JSON value. It is either the beginning of a document or an invalid
    /// line.
    fn document_or_lines(&mut self, first: Vec<u8>) -> io::Result<()> {
        let mut text = first;
        let start_line = self.line;
        let mut ends = vec![text.len()];
        // No line of a document is an event, so an event on one line means that the input is JSON Lines.
        let mut is_lines = false;
        while text.len() <= BATCH_BYTES_MAX {
            let Some(line) = self.next_line()? else { break };
            is_lines |= is_event(&line);
            text.push(b'\n');
            text.extend(line);
            ends.push(text.len());
        }
        if text.len() <= BATCH_BYTES_MAX {
            // The text is one document, or several in a row.
            let values = serde_json::Deserializer::from_slice(&text).into_iter::<&RawValue>();
            if let Ok(values) = values.collect::<Result<Vec<_>, _>>() {
                for value in values {
                    self.push(value.get().as_bytes(), None);
                }
                return Ok(());
            }
            if !is_lines {
                let line = (ends.len() == 1).then_some(start_line);
                self.push(&text, line);
                return Ok(());
            }
        }
        let mut start = 0;
        for (number, end) in (start_line..).zip(ends) {
            self.push(text.get(start..end).unwrap_or_default(), Some(number));
            start = end + 1;
        }
        Ok(())
    }

    fn push(&mut self, text: &[u8], line: Option<u64>) {
        if is_blank(text) {
            return;
        }
        let read_bytes = self.read_bytes;
        let location = |record: Option<&str>| EventLocation {
            input: Arc::clone(&self.name),
            line,
            record: record.map(Arc::from),
        };
        match Delivery::read(text, self.types) {
            Delivery::One(bytes) => {
                self.ready.push_back(Event {
                    bytes: bytes.to_vec(),
                    location: location(None),
                    read_bytes,
                    bytes_permit: None,
                });
            }
            Delivery::Batch(records) | Delivery::Several(records) => {
                self.ready.extend(records.into_iter().map(|record| Event {
                    location: location(Some(record.message_id.as_str()).filter(|id| !id.is_empty())),
                    bytes: record.body,
                    read_bytes,
                    bytes_permit: None,
                }));
            }
        }
    }

    /// The next line without its line break. If the line is longer than any batch, only its beginning is returned,
    /// which is enough to refuse it.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = std::mem::take(&mut self.ahead);
        let before = line.len();
        self.line += line.split(|byte| *byte == b'\n').skip(1).count() as u64;
        let read = (&mut self.reader).take(BATCH_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 && before == 0 {
            return Ok(None);
        }
        self.read_bytes += read as u64;
        self.line += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > BATCH_BYTES_MAX {
            self.read_bytes += self.reader.skip_until(b'\n')? as u64;
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }
}

fn is_blank(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    text.iter().all(u8::is_ascii_whitespace)
}

/// Whether the text is an object with a key that only events have.
fn is_event(text: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Keys {
        alert_type: Option<IgnoredAny>,
        detail: Option<IgnoredAny>,
        #[serde(rename = "Records")]
        records: Option<IgnoredAny>,
    }
    let keys = serde_json::from_slice::<Keys>(text);
    keys.is_ok_and(|keys| keys.alert_type.is_some() || keys.detail.is_some() || keys.records.is_some())
}

fn is_json(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events in a text, with their lines.
    fn events(text: &str) -> Vec<(Option<u64>, String)> {
        let input =
            Input { name: "x".into(), reader: Box::new(io::Cursor::new(text.to_owned())), size: None };
        let types = AlertTypes::built_in();
        let mut lines = EventLines::new(input, &types);
        let next = || lines.next_event().unwrap();
        std::iter::from_fn(next)
            .map(|event| (event.location.line, String::from_utf8(event.bytes).unwrap()))
            .collect()
    }

    fn lines(expected: &[(u64, &str)]) -> Vec<(Option<u64>, String)> {
        expected.iter().map(|(line, text)| (Some(*line), (*text).to_owned())).collect()
    }

    #[test]
    fn each_line_is_an_event_if_the_first_line_is_a_value() {
        assert_eq!(
            events("{\"a\":1}\n\n{\"a\":\r\n{\"b\":2}"),
            lines(&[(1, "{\"a\":1}"), (3, "{\"a\":"), (4, "{\"b\":2}")])
        );
        assert_eq!(events("{}"), lines(&[(1, "{}")]));
    }

    #[test]
    fn a_document_on_several_lines_is_one_event() {
        let document = "{\n  \"a\": 1\n}";
        assert_eq!(events(document), [(None, document.to_owned())]);
        assert_eq!(events("[\n1,\n2]\n"), [(None, "[\n1,\n2]".to_owned())]);
        let two = format!("{document}\n{document}\n");
        assert_eq!(events(&two), [(None, document.to_owned()), (None, document.to_owned())]);
    }

    #[test]
    fn an_invalid_first_line_does_not_hide_the_others() {
        assert_eq!(
            events("{\"a\":\n {\"detail\":2}\n{\"c\":3}\n"),
            lines(&[(1, "{\"a\":"), (2, " {\"detail\":2}"), (3, "{\"c\":3}")])
        );
        assert_eq!(events("{\"a\":"), lines(&[(1, "{\"a\":")]));
    }

    #[test]
    fn each_object_of_an_array_is_an_event() {
        let objects = [(Some(1), "{\"a\":1}".to_owned()), (Some(1), "{\"b\":\"]}\\\"\"}".to_owned())];
        for text in ["[{\"a\":1},{\"b\":\"]}\\\"\"}]", "\u{feff}[ {\"a\":1} , {\"b\":\"]}\\\"\"} ]\n\n"] {
            assert_eq!(events(text), objects, "{text}");
        }
        assert_eq!(
            events("[\n  {\n    \"a\": 1\n  },\n  {}\n]\n[{}]\n{\"c\":3}\n"),
            [
                (Some(2), "{\n    \"a\": 1\n  }".to_owned()),
                (Some(5), "{}".into()),
                (Some(7), "{}".into()),
                (Some(8), "{\"c\":3}".into())
            ]
        );
    }

    #[test]
    fn what_is_wrong_in_an_array_is_an_event_and_all_objects_are_read() {
        for (text, expected) in [
            ("[{}, 5, {\"a\":1}]", &["{}", "5", "{\"a\":1}"][..]),
            ("[{}, \"a,]\" , [1, {}], {}]", &["{}", "\"a,]\"", "[1, {}]", "{}"]),
            ("[{} {}]", &["{}", "{}"]),
            ("[{}, x y, {}]", &["{}", "x y", "{}"]),
            ("[{}] x", &["{}", "x"]),
        ] {
            let expected: Vec<_> = expected.iter().map(|each| (1, *each)).collect();
            assert_eq!(events(text), lines(&expected), "{text}");
        }
        for text in ["[]", "[1,{}]", "[[{}]]", "[", "[ "] {
            assert_eq!(events(text), lines(&[(1, text)]), "{text}");
        }
        // What an array that is cut off has is read, and then the input fails.
        for (text, count) in [("[{},", 1), ("[{}, {\"a\":", 2), ("[{}", 1)] {
            let input =
                Input { name: "x".into(), reader: Box::new(io::Cursor::new(text.to_owned())), size: None };
            let types = AlertTypes::built_in();
            let mut lines = EventLines::new(input, &types);
            let read = std::iter::from_fn(|| lines.next_event().ok().flatten()).count();
            assert_eq!((read, lines.next_event().is_err()), (count, true), "{text}");
        }
    }

    #[test]
    fn an_empty_or_blank_input_contains_no_event() {
        for text in ["", "\n", " \r\n\t\n"] {
            assert_eq!(events(text), []);
        }
    }

    #[test]
    fn the_records_of_a_batch_are_events_of_one_line() {
        let batch = r#"{"Records":[{"messageId":"1","body":"{}"},{"messageId":"2","body":"x"}]}"#;
        assert_eq!(events(batch), lines(&[(1, "{}"), (1, "x")]));
    }

    #[test]
    fn a_line_longer_than_any_batch_is_cut_and_the_next_line_is_complete() {
        let text = format!("{{}}\n{}\n{{}}\n", "x".repeat(BATCH_BYTES_MAX + 10));
        let read = events(&text);
        let sizes: Vec<_> = read.iter().map(|(line, text)| (line.unwrap(), text.len())).collect();
        assert_eq!(sizes, [(1, 2), (2, BATCH_BYTES_MAX + 1), (3, 2)]);
    }
}
