//! The command line: every command, flag and help text. The completions and the manual page are generated from it.

use clap::{Parser, Subcommand};

use crate::command::{
    calibrate, compare, demo, digest, doctor, drift, drivers, entity, eval, explain, feedback, fit, forget,
    insights, ledger, outcomes, parked, recommendations, serve, simulate, today, types, upgrade,
};
use crate::config::Flags;

/// Say what an alert portends: how bad it is, why, and what to do.
///
/// Portend turns each operational alert into one insight: a risk score from 0 to 100, an explanation with the facts
/// that drive it, and two or three recommendations. It works without an account and without a network: a scorecard
/// scores the alerts, and insights are stored in one file for 90 days.
#[derive(Debug, Parser)]
#[command(
    name = "portend",
    version,
    propagate_version = true,
    after_help = "Try it, in a store of its own:\n  export PORTEND_STORE=demo.db\n  portend simulate --limit 100 | portend explain -\n  portend insights --min-risk 70\n  portend ledger"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Flags,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Explain(explain::Args),
    Insights(insights::InsightsArgs),
    Insight(insights::InsightArgs),
    Today(today::Args),
    Digest(digest::Args),
    Entity(entity::Args),
    Feedback(feedback::Args),
    Forget(forget::ForgetArgs),
    Export(forget::ExportArgs),
    Parked(parked::Args),
    Ledger(ledger::Args),
    Serve(serve::Args),
    Upgrade(upgrade::Args),
    Doctor(doctor::Args),
    Types(types::Args),
    Simulate(simulate::Args),
    Outcomes(outcomes::Args),
    Eval(eval::Args),
    Recommendations(recommendations::Args),
    Calibrate(calibrate::Args),
    Fit(fit::Args),
    Drift(drift::Args),
    Compare(compare::Args),
    Drivers(drivers::Args),
    Demo(demo::Args),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program or of a command: `portend man | man -l -`.
    Man {
        /// The command.
        command: Option<String>,
    },
}
