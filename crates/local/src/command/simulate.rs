//! `portend simulate`: writes the alerts of a simulated marketplace as JSON Lines, or puts them on an event bus.

mod bus;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::value_parser;
use portend_simulator::{DAYS_MAX, ENTITIES_MAX, EntityOutcome, Planted, Settings, Simulation};

use crate::show::output::note;
use crate::show::text::thousands;
use bus::BusWriter;

/// Simulate a tutoring marketplace, and write its alerts as JSON Lines.
///
/// The alerts are in time order, as on an event bus, and most of them repeat earlier ones, as those of the producer do.
/// Some students leave, and some subjects run out of tutors; the alerts are signs of it, but not certain ones.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The number of students.
    ///
    /// There is one subject for every 25 students, and at least three. A student's history does not depend on the
    /// number of students.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = value_parser!(u32).range(1..=i64::from(ENTITIES_MAX)))]
    pub(crate) entities: u32,

    /// The number of days to simulate, starting on 2025-01-01.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    pub(crate) days: u32,

    /// The seed of all random numbers. The same seed produces the same bytes on any machine.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Stop after this many alerts.
    ///
    /// The outcomes still cover all the days.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// Put the alerts on this event bus in place of standard output.
    ///
    /// Each alert is an event with the source `iops-dashboard.processor` and its alert type as detail-type.
    #[arg(long, value_name = "NAME")]
    pub(crate) bus: Option<String>,

    /// Also write the outcome of each student and subject to this file, as JSON Lines.
    ///
    /// `portend outcomes import` reads it. `outcome` is churn of a student and `unmet_demand` of a subject; `at` is a time,
    /// or null if it did not happen before `followed_until`, which is 30 days after the last day of alerts. An existing
    /// file is overwritten.
    #[arg(long, value_name = "FILE")]
    pub(crate) outcomes: Option<PathBuf>,

    /// Plant acts: the chance, in percent, that somebody calls a student's family on the day after an alert.
    ///
    /// The calls are in the outcome file. Nobody is called twice within 14 days.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u8).range(0..=100), help_heading = "Planted effects")]
    pub(crate) acts: u8,

    /// How many points a call takes from a student's dissatisfaction, which is 0 to 1000; 0 for calls without an effect.
    #[arg(long, value_name = "POINTS", default_value_t = 300, value_parser = value_parser!(u16).range(0..=1000), help_heading = "Planted effects")]
    pub(crate) act_effect: u16,

    /// Plant a drift: from this day on, grievances are four times as likely.
    #[arg(long, value_name = "DAY", help_heading = "Planted effects")]
    pub(crate) drift_day: Option<u32>,

    /// Plant a report lag: the events of this many days at the end are missing from the outcome file.
    #[arg(long, value_name = "DAYS", default_value_t = 0, help_heading = "Planted effects")]
    pub(crate) report_lag: u32,

    /// Write every shortage of a subject to the outcome file, and not only the first.
    #[arg(long, help_heading = "Planted effects")]
    pub(crate) repeated_shortages: bool,
}

/// The size in bytes of the pieces in which alerts are written to standard output.
const PIECE_BYTES: usize = 64 * 1024;

impl Args {
    fn simulation(&self) -> Simulation {
        let planted = Planted {
            act_percent: self.acts,
            act_effect: self.act_effect,
            drift_day: self.drift_day,
            report_lag_days: self.report_lag,
            repeated_shortages: self.repeated_shortages,
        };
        Simulation::new(Settings { entities: self.entities, days: self.days, seed: self.seed })
            .planting(planted)
    }

    fn limit(&self) -> usize {
        self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    }
}

/// Writes the alerts to the bus if one is named, otherwise to standard output.
pub(crate) fn run(args: &Args) -> Result<()> {
    // The file is created first, so that a wrong path is reported at once.
    let outcome_file = args.outcomes.as_deref().map(create).transpose()?;
    let mut simulation = args.simulation();
    match &args.bus {
        None => write_alerts(&mut simulation, args.limit(), &mut io::stdout().lock())?,
        Some(name) => {
            let published = BusWriter::open(name)?.publish(simulation.by_ref().take(args.limit()))?;
            note(&format!("{} alerts were put on the event bus {name}", thousands(published)));
        }
    }
    match (outcome_file, &args.outcomes) {
        (Some(file), Some(path)) => {
            let full = || {
                format!("cannot write the outcome file {}; check whether its disk is full", path.display())
            };
            write_outcomes(simulation.outcomes(), BufWriter::new(file)).with_context(full)
        }
        _ => Ok(()),
    }
}

/// Writes a line for each alert. It is not an error if the reader closes the pipe early.
fn write_alerts(simulation: &mut Simulation, limit: usize, out: &mut dyn Write) -> Result<()> {
    let mut out = BufWriter::with_capacity(PIECE_BYTES, out);
    let mut write = || -> io::Result<()> {
        for alert in simulation.by_ref().take(limit) {
            writeln!(out, "{}", alert.to_json())?;
        }
        out.flush()
    };
    match write() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // The buffered rest cannot be written any more.
            let _ = out.into_parts();
            Ok(())
        }
        written => written.context("cannot write the alerts; check whether the disk of the output is full"),
    }
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| {
        format!(
            "cannot create the outcome file {}; name a file in an existing folder that you may write to",
            path.display()
        )
    })
}

fn write_outcomes(outcomes: impl Iterator<Item = EntityOutcome>, mut file: impl Write) -> io::Result<()> {
    for outcome in outcomes {
        serde_json::to_writer(&mut file, &outcome)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulation() -> Simulation {
        Simulation::new(Settings { entities: 200, days: 60, seed: 1 })
    }

    /// An output that fails with `kind` after `takes` bytes.
    struct Failing {
        kind: ErrorKind,
        takes: usize,
    }

    impl Write for Failing {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            let taken = piece.len().min(self.takes);
            self.takes -= taken;
            if taken == 0 { Err(self.kind.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_closes_the_pipe_ends_the_run_without_an_error() {
        let mut closed = Failing { kind: ErrorKind::BrokenPipe, takes: 10_000 };
        write_alerts(&mut simulation(), usize::MAX, &mut closed).expect("a closed pipe is not an error");
    }

    #[test]
    fn errors_name_the_file_and_how_to_fix_it() {
        let mut full = Failing { kind: ErrorKind::StorageFull, takes: 10_000 };
        let error =
            write_alerts(&mut simulation(), usize::MAX, &mut full).expect_err("a full disk is an error");
        assert!(error.to_string().contains("disk"), "{error:#}");
        let error = create(Path::new("/no-such-folder/outcomes.jsonl")).expect_err("there is no such folder");
        assert!(error.to_string().contains("/no-such-folder/outcomes.jsonl"), "{error:#}");
    }
}
