//! Reads what happened from a file: JSON Lines, or CSV with a heading, compressed or not. A line that is refused is reported and skipped.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::outcome::OutcomeRow;
use portend_core::time::Timestamp;
use serde_json::{Map, Value};

use crate::gzip::MaybeGzip;
use crate::show::output::{WrongUsage, note};
use crate::show::text::{counted, shown, shown_lines};

/// The most refused lines that are reported one by one.
const REFUSED_SHOWN_MAX: u64 = 20;
/// The longest line, in bytes. The rest of a longer one is not read, and it is refused.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Lines that were refused, reported as they come.
pub(crate) struct RefusedLines {
    name: String,
    pub(crate) count: u64,
}

impl RefusedLines {
    pub(crate) fn of(path: &Path) -> Self {
        Self { name: shown(&path.display().to_string()), count: 0 }
    }

    /// Reports a line with its reason.
    pub(crate) fn add(&mut self, line: u64, reason: &str) {
        self.count += 1;
        if self.count <= REFUSED_SHOWN_MAX {
            note(&format!("line {line} of {}: {}", self.name, shown_lines(reason)));
        }
    }

    /// Reports how many there were.
    pub(crate) fn end(&self) {
        if self.count > 0 {
            note(&format!("{} of {} refused", counted(self.count, "line"), self.name));
        }
    }
}

/// Opens a file for reading, compressed or not; `-` is standard input.
pub(crate) fn open(path: &Path, expected: &str) -> Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(MaybeGzip::new(std::io::stdin()))));
    }
    let not_read =
        || format!("cannot read {}; give a file with {expected}, or - for standard input", path.display());
    let file = std::fs::File::open(path).with_context(not_read).map_err(WrongUsage::from)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        let folder = anyhow!("{} is a folder; give a file with {expected}", path.display());
        return Err(WrongUsage::from(folder).into());
    }
    Ok(Box::new(BufReader::with_capacity(64 * 1024, MaybeGzip::new(file))))
}

/// Calls `each` with every line that is not blank, and its number. A line that is too long is cut.
pub(crate) fn lines(
    mut reader: Box<dyn BufRead>,
    path: &Path,
    mut each: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let failed = || format!("cannot read {} any further; check the file or its disk", path.display());
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).with_context(failed)?;
        if read == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && read as u64 == LINE_BYTES_MAX {
            reader.skip_until(b'\n').with_context(failed)?;
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            each(number, &line)?;
        }
    }
    Ok(())
}

/// The rows of a file, and how many lines were refused.
pub(crate) fn read(path: &Path, types: &AlertTypes, now: Timestamp) -> Result<(Vec<OutcomeRow>, u64)> {
    let mut reader = open(path, "outcomes as JSON Lines or CSV")?;
    let mut rows = Vec::new();
    let mut refused = RefusedLines::of(path);
    let mut take =
        |refused: &mut RefusedLines, number: u64, text: &[u8]| match OutcomeRow::read(text, types, now) {
            Ok(row) => rows.push(row),
            Err(refusal) => refused.add(number, &refusal.to_string()),
        };
    let failed = || format!("cannot read {} any further; check the file or its disk", path.display());
    let first = reader.fill_buf().with_context(failed)?.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_json = first.is_none_or(|first| matches!(first, b'{' | b'[' | 0xEF));
    if is_json {
        lines(reader, path, |number, line| {
            take(&mut refused, number, line);
            Ok(())
        })?;
    } else {
        let mut csv = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(reader);
        let headings = csv.headers().with_context(failed)?.clone();
        if !headings.iter().any(|heading| heading == "entity_type") {
            refused.add(
                1,
                "it is neither a JSON object nor the heading of a CSV file with a column entity_type",
            );
        }
        for (number, record) in (2_u64..).zip(csv.records()) {
            let record = record.with_context(failed)?;
            let line = record.position().map_or(number, csv::Position::line);
            take(&mut refused, line, Value::Object(object(&headings, &record)).to_string().as_bytes());
        }
    }
    refused.end();
    Ok((rows, refused.count))
}

/// A CSV record as the object that a JSON line would be. An empty cell is absent; an empty `at` is null.
fn object(headings: &csv::StringRecord, record: &csv::StringRecord) -> Map<String, Value> {
    let mut object = Map::new();
    for (heading, cell) in headings.iter().zip(record) {
        match (heading, cell) {
            ("at", "" | "null") => object.insert(heading.to_owned(), Value::Null),
            (_, "") => None,
            (_, cell) => object.insert(heading.to_owned(), Value::String(cell.to_owned())),
        };
    }
    object
}
