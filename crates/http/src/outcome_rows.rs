//! Reads rows of what happened: JSON Lines, or CSV with a heading.
//!
//! It is CSV if the first line has `entity_type` or `entity_id` as a cell. Otherwise each line is a JSON object. Spreadsheets
//! may write semicolons for commas, and dates without a time.
//!
//! Never: lets a bad line make another one lost, or holds more of a line than [`LINE_BYTES_MAX`].

use std::io::{BufRead, Read};

use portend_core::alert::Refusal;
use portend_core::alert_type::AlertTypes;
use portend_core::limits::EVENT_BYTES_MAX;
use portend_core::outcome::OutcomeRow;
use portend_core::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::limits::LINE_BYTES_MAX;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why a row was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomeProblem {
    /// Its line in the request, or its place in the array, from 1.
    line: u64,
    /// The reason code, such as `missing:$.at`.
    reason: String,
    /// The reason, in a sentence.
    message: String,
}

impl OutcomeProblem {
    /// The problem of a line.
    pub fn new(line: u64, refusal: &Refusal) -> Self {
        Self { line, reason: refusal.reason().to_string(), message: refusal.message().to_owned() }
    }
}

/// The lines that are not blank, with their numbers, without a byte order mark. The rest of a line that is too long is
/// passed over.
#[derive(Debug)]
pub struct BoundedLines<R> {
    reader: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> BoundedLines<R> {
    /// Begins at line 1.
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0, line: Vec::new() }
    }

    /// The next line; `None` after the last.
    pub fn next_line(&mut self) -> std::io::Result<Option<(u64, &[u8])>> {
        loop {
            self.line.clear();
            let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            if self.line.last() != Some(&b'\n') && read as u64 == LINE_BYTES_MAX {
                self.reader.skip_until(b'\n')?;
            }
            self.number += 1;
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some((self.number, &self.line)));
            }
        }
    }
}

/// Calls `each` with every row and its line.
pub fn read_outcome_rows(
    reader: impl BufRead,
    types: &AlertTypes,
    now: Timestamp,
    mut each: impl FnMut(u64, Result<OutcomeRow, Refusal>),
) -> std::io::Result<()> {
    let mut lines = BoundedLines::new(reader);
    let Some((number, first)) = lines.next_line()? else { return Ok(()) };
    if !is_heading(first) {
        each(number, OutcomeRow::read(first, types, now));
        while let Some((number, line)) = lines.next_line()? {
            each(number, OutcomeRow::read(line, types, now));
        }
        return Ok(());
    }
    let delimiter = delimiter(first);
    let headings = cells(first, delimiter).unwrap_or_default();
    let row_of = |text: &[u8]| object(&headings, &cells(text, delimiter)?);
    let mut csv_row = |line: u64, text: &[u8]| match row_of(text) {
        Some(row) => each(line, OutcomeRow::read(Value::Object(row).to_string().as_bytes(), types, now)),
        // The reader of rows refuses what is not UTF-8.
        None => each(line, OutcomeRow::read(text, types, now)),
    };
    let mut open = OpenRecord::default();
    while let Some((number, line)) = lines.next_line()? {
        open.add(number, line);
        if let Some((number, record)) = open.closed() {
            csv_row(number, &record);
        } else if open.bytes > EVENT_BYTES_MAX {
            open.take_lines().into_iter().for_each(|(number, line)| csv_row(number, &line));
        }
    }
    open.take_lines().into_iter().for_each(|(number, line)| csv_row(number, &line));
    Ok(())
}

/// The lines of a CSV record, as far as they are read. A cell in quotes may have several lines. If a quote is never closed, it
/// is a mistake in its line alone, and the lines after it are records of their own.
#[derive(Default)]
struct OpenRecord {
    lines: Vec<(u64, Vec<u8>)>,
    bytes: usize,
    /// Whether its end is in a cell with quotes.
    is_quoted: bool,
}

impl OpenRecord {
    fn add(&mut self, number: u64, line: &[u8]) {
        self.lines.push((number, line.to_vec()));
        self.bytes += line.len();
        self.is_quoted = line.iter().fold(self.is_quoted, |quoted, byte| quoted ^ (*byte == b'"'));
    }

    /// The record and its first line, if every quote is closed.
    fn closed(&mut self) -> Option<(u64, Vec<u8>)> {
        if self.is_quoted {
            return None;
        }
        let lines = self.take_lines();
        let number = lines.first()?.0;
        Some((number, lines.into_iter().flat_map(|(_, line)| line).collect()))
    }

    fn take_lines(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(self).lines
    }
}

/// What separates the cells of a file with this heading.
fn delimiter(heading: &[u8]) -> u8 {
    if heading.contains(&b';') && !heading.contains(&b',') { b';' } else { b',' }
}

/// The cells of a record, without the white space around them.
fn cells(record: &[u8], delimiter: u8) -> Option<csv::ByteRecord> {
    let mut csv = csv::ReaderBuilder::new();
    csv.has_headers(false).flexible(true).trim(csv::Trim::All).delimiter(delimiter);
    csv.from_reader(record).byte_records().next()?.ok()
}

/// Whether a line is the heading of a CSV file of rows.
fn is_heading(line: &[u8]) -> bool {
    let cells = cells(line, delimiter(line));
    cells.is_some_and(|cells| cells.iter().any(|cell| cell == b"entity_type" || cell == b"entity_id"))
}

/// A CSV record as the object that a JSON line would be; `None` if it is not UTF-8. An empty cell is absent; an empty `at`
/// is null, and a date without a time is its midnight, UTC.
fn object(headings: &csv::ByteRecord, record: &csv::ByteRecord) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for (heading, cell) in headings.iter().zip(record) {
        let (heading, cell) = (std::str::from_utf8(heading).ok()?, std::str::from_utf8(cell).ok()?);
        match (heading, cell) {
            ("at", "" | "null") => object.insert(heading.to_owned(), Value::Null),
            (_, "") => None,
            ("at" | "followed_until", date) if is_date(date) => {
                object.insert(heading.to_owned(), format!("{date}T00:00:00Z").into())
            }
            (_, cell) => object.insert(heading.to_owned(), Value::String(cell.to_owned())),
        };
    }
    Some(object)
}

/// Whether a cell has the form `2025-01-03`. The reader of rows checks that there is such a day.
fn is_date(cell: &str) -> bool {
    let is_form =
        |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    cell.len() == 10 && cell.bytes().enumerate().all(is_form)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of each row, or why it is refused, with its line.
    fn read(text: &[u8]) -> Vec<(u64, String)> {
        let now = Timestamp::parse("2025-06-01T00:00:00Z").unwrap();
        let mut rows = Vec::new();
        read_outcome_rows(text, &AlertTypes::built_in(), now, |line, row| {
            let says = row.map_or_else(
                |refusal| refusal.reason().to_string(),
                |row| format!("{}#{}", row.entity_id.as_ref().unwrap(), row.place()),
            );
            rows.push((line, says));
        })
        .unwrap();
        rows
    }

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expected: &[(u64, &str)]) {
        let expected: Vec<(u64, String)> =
            expected.iter().map(|(line, says)| (*line, (*says).to_owned())).collect();
        assert_eq!(read(text.as_ref()), expected, "{}", String::from_utf8_lossy(text.as_ref()));
    }

    #[test]
    fn what_a_spreadsheet_writes_is_read() {
        let lines = [A, (3, "b#churn#2025-01-04T00:00:00.000Z"), (4, "invalid:$.at")];
        check(
            "entity_type;entity_id;outcome;at\nstudent;a;churn;2025-01-03\nstudent;b;churn;2025-01-04\n\
             student;c;churn;2025-02-31\n",
            &lines,
        );
    }

    const AT: &str = "2025-01-03T00:00:00Z";
    const A: (u64, &str) = (2, "a#churn#2025-01-03T00:00:00.000Z");

    #[test]
    fn the_first_line_says_whether_the_rows_are_csv_and_no_bad_line_loses_another() {
        let good = format!(r#"{{"entity_type":"student","entity_id":"a","outcome":"churn","at":"{AT}"}}"#);
        let heading = "entity_type,entity_id,outcome,at,followed_until";
        let row = format!("student,a,churn,{AT}");
        check("", &[]);
        check("\u{feff}\n\n", &[]);
        check(heading, &[]);
        check(format!("nope\n{good}\n{good}"), &[(1, "not_json"), A, (3, A.1)]);
        check(format!("a,b\n{good}\r\n"), &[(1, "not_json"), A]);
        check(format!("\u{feff}{good}\n{good}"), &[(1, A.1), A]);
        check(format!("entity_type student\n{good}"), &[(1, "not_json"), A]);
        check(format!("{heading}\n{row}\n"), &[A]);
        check(format!("\u{feff}{heading}\r\n{row}\r\n{row}\r\n"), &[A, (3, A.1)]);
        check(format!("{heading}\r\n\r\nstudent,a,churn,\"{AT}\"\r\n"), &[(3, A.1)]);
        check(format!("\n\n{heading}\n{row}"), &[(4, A.1)]);
        check(format!("{heading}\n\nstudent,a\n{row},,,\n"), &[(3, "missing:$.outcome"), (4, A.1)]);
        check(format!("at,\"entity_id\" , entity_type,outcome\n{AT},a,student,churn"), &[A]);
        check("outcome,entity_id\nchurn,a", &[(2, "missing:$.entity_type")]);
        check(
            format!("{heading}\nstudent,b,churn,,{AT}\nstudent,b,churn,null,{AT}"),
            &[(2, "b#churn#"), (3, "b#churn#")],
        );
    }

    #[test]
    fn a_quoted_cell_may_have_several_lines_and_a_quote_that_stays_open_loses_no_line() {
        let heading = "note,entity_type,entity_id,outcome,at";
        let row = format!("-,student,a,churn,{AT}");
        let of_two = format!("\"one, \"\"two\"\"\r\nthree\",student,a,churn,{AT}\r\n");
        check(format!("{heading}\r\n{of_two}{row}"), &[A, (4, A.1)]);
        let open = format!("{heading}\n\"{row}\n{row}\n{row}\n");
        check(&open, &[(2, "missing:$.entity_type"), (3, A.1), (4, A.1)]);
        let many = open + &format!("{row}\n").repeat(5_000);
        let rows = read(many.as_bytes());
        assert_eq!(rows.len(), 5_003);
        assert_eq!(rows.iter().filter(|(_, says)| says == A.1).count(), 5_002);
        assert!(rows.iter().map(|(line, _)| *line).eq(2..=5_004));
    }

    #[test]
    fn a_cell_that_is_not_utf8_and_a_line_that_is_too_long_are_refused_alone() {
        let row = format!("student,a,churn,{AT}\n");
        let heading = "entity_type,entity_id,outcome,at\n";
        let csv = [heading.as_bytes(), b"student,\xff,churn,\n", row.as_bytes()].concat();
        check(csv, &[(2, "not_utf8"), (3, A.1)]);
        let good = format!(r#"{{"entity_type":"student","entity_id":"a","outcome":"churn","at":"{AT}"}}"#);
        let long = "x".repeat(2 * 1024 * 1024 + 1);
        check(format!("{long}\n{good}"), &[(1, "too_large"), A]);
    }
}
