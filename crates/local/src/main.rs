//! `portend`: the command line. It works on one machine, without an account and without a network.
//!
//! Exit codes: 0 done; 1 something was parked, failed or not found; 2 wrong usage; 130 stopped by the user.

mod config;
mod show;
mod any_store;
mod input;
mod runner;
mod command;
mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use command::{doctor, explain, insights, ledger, parked, simulate, types, upgrade};
use config::Config;
use show::output::{self, CommandOutcome, WrongUsage};

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
    let config = || Config::read(cli.settings).map_err(WrongUsage::from);
    match cli.command {
        Command::Explain(args) => in_runtime(explain::run(args, config()?)),
        Command::Insights(args) => in_runtime(insights::list(args, config()?)),
        Command::Insight(args) => in_runtime(insights::one(args, config()?)),
        Command::Parked(args) => in_runtime(parked::run(args, config()?)),
        Command::Ledger(args) => in_runtime(ledger::run(args, config()?)),
        Command::Upgrade(args) => in_runtime(upgrade::run(args, config()?)),
        Command::Doctor(args) => in_runtime(doctor::run(args, config()?)),
        Command::Types(args) => in_runtime(types::run(args, config()?)),
        Command::Simulate(args) => simulate::run(&args).map(|()| CommandOutcome::Done),
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .context("cannot start the program's runtime; check the system's limit on open files (ulimit -n)")?
        .block_on(work)
}
