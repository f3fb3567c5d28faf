//! Reads what happened from a file: JSON Lines, or CSV with a heading, compressed or not. A line that is refused is reported and skipped.

use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::outcome::OutcomeRow;
use portend_core::time::Timestamp;
use portend_http::limits::OUTCOME_PROBLEMS_MAX;
use portend_http::{BoundedLines, OutcomeProblem, read_outcome_rows};

use crate::gzip::MaybeGzip;
use crate::show::output::{WrongUsage, note};
use crate::show::text::{counted, shown, shown_lines};

/// The most refused lines that are reported one by one.
const REFUSED_SHOWN_MAX: u64 = 20;

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
    reader: Box<dyn BufRead>,
    path: &Path,
    mut each: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut lines = BoundedLines::new(reader);
    while let Some((number, line)) = lines.next_line().with_context(|| not_read_on(path))? {
        each(number, line)?;
    }
    Ok(())
}

/// What was read of a file.
pub(crate) struct ReadOutcomes {
    pub(crate) rows: Vec<OutcomeRow>,
    /// How many lines were refused.
    pub(crate) refused: u64,
    /// Why: the first of them.
    pub(crate) problems: Vec<OutcomeProblem>,
}

/// Reads the rows of a file.
pub(crate) fn read(path: &Path, types: &AlertTypes, now: Timestamp) -> Result<ReadOutcomes> {
    let reader = open(path, "outcomes as JSON Lines or CSV")?;
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    let mut refused = RefusedLines::of(path);
    read_outcome_rows(reader, types, now, |line, row| match row {
        Ok(row) => rows.push(row),
        Err(refusal) => {
            refused.add(line, &refusal.to_string());
            if problems.len() < OUTCOME_PROBLEMS_MAX {
                problems.push(OutcomeProblem::new(line, &refusal));
            }
        }
    })
    .with_context(|| not_read_on(path))?;
    refused.end();
    Ok(ReadOutcomes { rows, refused: refused.count, problems })
}

fn not_read_on(path: &Path) -> String {
    format!("cannot read {} any further; check the file or its disk", path.display())
}
