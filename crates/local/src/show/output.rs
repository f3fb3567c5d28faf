//! Writes data to standard output and everything else to standard error. Both respect `NO_COLOR`, pipes and the
//! terminal's width.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use portend_core::alert_type::FolderError;
use portend_core::help::Help;
use portend_core::pipeline::Failure;
use portend_core::store::StoreError;
use serde::Serialize;

use super::text::{self, SafeJson};

/// How a command ended. It determines the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandOutcome {
    /// Everything was done.
    Done,
    /// Something was parked, failed, refused or not found. The output says what.
    Incomplete,
    /// The user stopped the command.
    Interrupted,
}

/// An argument or a setting that cannot work. The user is at fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(String);

impl From<anyhow::Error> for WrongUsage {
    fn from(error: anyhow::Error) -> Self {
        Self(with_help(&error))
    }
}

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();

/// The most columns of text, because longer lines are hard to read.
const WIDTH_MAX: usize = 100;

/// The columns for text.
pub(crate) fn width() -> usize {
    textwrap::termwidth().clamp(40, WIDTH_MAX)
}

/// Prints an error with its causes and how to fix it. The text is made safe, because it may contain parts of the input.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut sentence = String::new();
    // A bare I/O error concerns the output, because all others have a context, which comes first in the chain.
    let is_bare = error.chain().next().is_some_and(|first| {
        first.is::<io::Error>() || first.is::<csv::Error>() || first.is::<serde_json::Error>()
    });
    if is_bare {
        sentence.push_str("cannot write the output; check whether its disk is full");
    }
    if !sentence.is_empty() {
        sentence.push_str(": ");
    }
    sentence.push_str(&with_help(error));
    note(&format!("{}: {}", paint(RED, "portend"), text::shown_lines(&sentence)));
}

/// The error with its causes and how to fix it.
pub(crate) fn with_help(error: &anyhow::Error) -> String {
    match help_of(error) {
        Some(help) => format!("{error:#}; {help}"),
        None => format!("{error:#}"),
    }
}

/// How to fix the error, from the first cause that knows.
fn help_of(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let store = cause.downcast_ref::<StoreError>().and_then(Help::help);
        let failure = || cause.downcast_ref::<Failure>().and_then(Help::help);
        let folder = || cause.downcast_ref::<FolderError>().and_then(Help::help);
        store.or_else(failure).or_else(folder)
    })
}

/// Writes a line to standard error. A failure to write it is ignored.
pub(crate) fn note(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Formats text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes a line of JSON.
pub(crate) fn json_line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    let mut line = Vec::with_capacity(2048);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut line, SafeJson))?;
    line.push(b'\n');
    out.write_all(&line)?;
    Ok(())
}

/// Formats a table without borders. `right` lists the columns that are aligned to the right.
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

/// Whether the error means that the reader closed the output.
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

/// Prints the manual page of the program or of one command.
pub(crate) fn manual_page(program: clap::Command, command: Option<&str>) -> Result<CommandOutcome> {
    let mut program = program;
    program.build();
    let page = match command {
        None => program,
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .with_context(|| format!("unknown command `{name}`; see portend --help"))
            .map_err(WrongUsage::from)?,
    };
    clap_mangen::Man::new(page).render(&mut io::stdout().lock())?;
    Ok(CommandOutcome::Done)
}
