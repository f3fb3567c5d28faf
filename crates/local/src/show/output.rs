//! Where the program speaks: data on standard output, everything else on standard error.
//!
//! Takes: lines, tables, errors.
//! Gives: output that honours `NO_COLOR`, pipes and the terminal's width.
//! Never: mixes the two streams.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::show::text::{self, SafeJson};

/// How a command ended, as its exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All of it was done.
    Done,
    /// Something was parked, failed, refused or not found; it has been said.
    Incomplete,
    /// The user stopped it.
    Interrupted,
}

/// What was typed or set cannot be meant.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(crate) struct WrongUsage(anyhow::Error);

impl From<anyhow::Error> for WrongUsage {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();

/// The widest that text is set; longer lines are hard to read.
const WIDTH_MAX: usize = 100;

/// Columns that text may take.
pub(crate) fn width() -> usize {
    textwrap::termwidth().clamp(40, WIDTH_MAX)
}

/// Says what went wrong. Text that others wrote may be part of it.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut said = String::new();
    // An error of the system that stands alone is the output's: every other names what it is about.
    if error.is::<io::Error>() || error.is::<csv::Error>() || error.is::<serde_json::Error>() {
        said.push_str("cannot write the output; see whether its disk is full");
    }
    for cause in error.chain().map(ToString::to_string) {
        // A sentence that holds its cause already is not followed by it.
        if !said.contains(&cause) {
            said += if said.is_empty() { "" } else { ": " };
            said += &cause;
        }
    }
    note(&format!("{}: {}", paint(RED, "portend"), text::shown_lines(&said)));
}

/// A line on standard error. If nobody can read it, nobody needs it.
pub(crate) fn note(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// One line of JSON.
pub(crate) fn json_line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    let mut line = Vec::with_capacity(2048);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut line, SafeJson))?;
    line.push(b'\n');
    out.write_all(&line)?;
    Ok(())
}

/// A table without lines: its headings, where numbers stand to the right, and its rows.
pub(crate) fn table(
    headings: &[&str],
    right: &[usize],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Whether the error is that nobody reads the output any more.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| {
        let in_json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        let in_csv = cause.downcast_ref::<csv::Error>().and_then(|error| {
            if let csv::ErrorKind::Io(error) = error.kind() { Some(error.kind()) } else { None }
        });
        in_json.or(in_csv).or_else(|| cause.downcast_ref::<io::Error>().map(io::Error::kind))
    });
    kinds.into_iter().any(|kind| kind == io::ErrorKind::BrokenPipe)
}

/// Prints the manual page of the program, or of one of its commands.
pub(crate) fn manual_page(program: clap::Command, command: Option<&str>) -> Result<Answer> {
    let mut program = program;
    program.build();
    let page = match command {
        None => program,
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .with_context(|| format!("no command `{name}`; see portend --help"))
            .map_err(WrongUsage::from)?,
    };
    clap_mangen::Man::new(page).render(&mut io::stdout().lock())?;
    Ok(Answer::Done)
}
