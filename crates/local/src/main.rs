//! `portend`: the command line. It works on one machine, without an account and without a network.
//!
//! Exit codes: 0 done; 1 something was parked, failed or not found; 2 wrong usage; 130 stopped by the user.

mod config;
mod show;
mod any_store;
mod moment;
mod short_id;
mod gzip;
mod input;
mod outcome_file;
mod evidence;
mod drift;
mod calibration;
mod evaluation;
mod advice;
mod changed_types;
mod runner;
mod inbox;
mod listener;
mod command;
mod cli;

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use command::{
    calibrate, compare, demo, digest, doctor, drivers, entity, eval, explain, feedback, fit, forget,
    insights, ledger, outcomes, parked, recommendations, serve, simulate, today, types, upgrade,
};
use config::Config;
use tokio::signal::unix::{SignalKind, signal};

use show::output::{self, CommandOutcome, WrongUsage};

/// The signal of a file that grows past its limit (`ulimit -f`), on Linux and on macOS.
const SIGXFSZ: i32 = 25;

/// The error of a process that has reached its limit of open files, on Linux and on macOS.
const EMFILE: i32 = 24;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(CommandOutcome::Done) => ExitCode::SUCCESS,
        Ok(CommandOutcome::Incomplete) => ExitCode::from(1),
        Ok(CommandOutcome::Interrupted) => ExitCode::from(130),
        // The reader closed the output, which is not an error.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(if error.is::<WrongUsage>() { 2 } else { 1 })
        }
    }
}

fn run(cli: Cli) -> Result<CommandOutcome> {
    let settings = cli.settings.clone();
    let config = || Config::read(settings).map_err(WrongUsage::from);
    match cli.command {
        Command::Explain(args) => in_runtime(explain::run(args, config()?)),
        Command::Insights(args) => in_runtime(insights::list(args, config()?)),
        Command::Insight(args) => in_runtime(insights::one(args, config()?)),
        Command::Today(args) => in_runtime(today::run(args, config()?)),
        Command::Digest(args) => in_runtime(digest::run(args, config()?)),
        Command::Entity(args) => in_runtime(entity::run(args, config()?)),
        Command::Feedback(args) => in_runtime(feedback::run(args, config()?)),
        Command::Forget(args) => in_runtime(forget::forget(args, config()?)),
        Command::Export(args) => in_runtime(forget::export(args, config()?)),
        Command::Parked(args) => in_runtime(parked::run(args, config()?)),
        Command::Ledger(args) => in_runtime(ledger::run(args, config()?)),
        Command::Upgrade(args) => in_runtime(upgrade::run(args, config()?)),
        Command::Doctor(args) => in_runtime(doctor::run(args, config()?)),
        Command::Serve(args) => in_runtime(serve::run(args, config()?)),
        Command::Types(args) => in_runtime(types::run(args, config()?)),
        Command::Simulate(args) => simulate::run(&args).map(|()| CommandOutcome::Done),
        Command::Eval(args) => in_runtime(eval::run(args, config()?)),
        Command::Outcomes(args) => in_runtime(outcomes::run(args, config()?)),
        Command::Recommendations(args) => in_runtime(recommendations::run(args, config()?)),
        Command::Calibrate(args) => in_runtime(calibrate::run(args, config()?)),
        Command::Drift(args) => in_runtime(command::drift::run(args, config()?)),
        Command::Drivers(args) => in_runtime(drivers::run(args, config()?)),
        Command::Compare(args) => {
            let settings = match &args.with {
                Some(name) => cli.settings.with_model(name),
                None => cli.settings,
            };
            in_runtime(compare::run(args, Config::read(settings).map_err(WrongUsage::from)?))
        }
        Command::Fit(args) => in_runtime(fit::run(args, config()?)),
        Command::Demo(args) => in_runtime(demo::run(args, config()?)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "portend", &mut script);
            io::stdout().lock().write_all(&script)?;
            Ok(CommandOutcome::Done)
        }
        Command::Man { command } => output::manual_page(Cli::command(), command.as_deref()),
    }
}

fn in_runtime(work: impl Future<Output = Result<CommandOutcome>>) -> Result<CommandOutcome> {
    check_open_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the program's runtime")?.block_on(async {
        // A signal with a handler does not end the program. The write fails, and the store reports why.
        let _file_too_large = signal(SignalKind::from_raw(SIGXFSZ));
        work.await
    })
}

/// Checks that the process may open enough files for the store, its log and the inputs.
fn check_open_files() -> Result<()> {
    const OPEN_FILES_MIN: usize = 32;
    let open = |_| File::open("/dev/null");
    match (0..OPEN_FILES_MIN).map(open).collect::<io::Result<Vec<File>>>() {
        Err(error) if error.raw_os_error() == Some(EMFILE) => {
            bail!("too few files may be open at once; raise the limit to 256 or more (ulimit -n 256)")
        }
        _ => Ok(()),
    }
}
