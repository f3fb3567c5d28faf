//! Plays a storm of faults against the pipeline, and says what it lost, did twice, or paid without a reason.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the program is for")]

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::thread;

use portend_testing::storm::{Bug, Storm, StormReport};

const USAGE: &str = "\
Plays a storm of faults against the pipeline in a simulated world.

Usage: storm [--alerts N] [--seed S] [--bug NAME]

  --alerts N  send so many alerts (default: 10000)
  --seed S    the number that everything follows from (default: 1)
  --bug NAME  plant a bug, to see that it is found
  --help      print this text, and the names of the bugs

The exit status is 0 if nothing is wrong, 1 if something is, and 2 if the
command line is not understood.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        let bugs: Vec<_> = Bug::ALL.iter().map(|bug| format!("  {}", bug.name())).collect();
        println!("{USAGE}\n\nBugs:\n{}", bugs.join("\n"));
        return ExitCode::SUCCESS;
    }
    match read(&arguments) {
        Ok(storm) => run(&storm),
        Err(problem) => {
            eprintln!("storm: {problem}; see storm --help");
            ExitCode::from(2)
        }
    }
}

fn read(arguments: &[String]) -> Result<Storm, String> {
    let mut storm = Storm { alerts: 10_000, seed: 1, bug: None };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        if !["--alerts", "--seed", "--bug"].contains(&flag.as_str()) {
            return Err(format!("unknown argument `{flag}`"));
        }
        let value = rest.next().ok_or_else(|| format!("{flag} needs a value"))?;
        let number =
            || value.parse::<u64>().map_err(|_| format!("{flag} needs a whole number, got `{value}`"));
        match flag.as_str() {
            "--alerts" => storm.alerts = number()?,
            "--seed" => storm.seed = number()?,
            _ => storm.bug = Some(Bug::from_name(value).ok_or_else(|| format!("unknown bug `{value}`"))?),
        }
    }
    Ok(storm)
}

fn run(storm: &Storm) -> ExitCode {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let is_terminal = stderr().is_terminal();
    let report = storm.run(threads, |report| {
        if is_terminal {
            eprint!("\r{report}");
        }
    });
    if is_terminal {
        eprintln!();
    }
    if !report.violations.is_empty() {
        print_failure(storm, &report);
    }
    println!("{report}");
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_failure(storm: &Storm, report: &StormReport) {
    for violation in report.violations.iter().take(20) {
        eprintln!("alert {}: {}", violation.alert, violation.what);
    }
    if let Some(violation) = report.violations.first() {
        eprintln!("\neverything that happened to alert {}:", violation.alert);
        for line in storm.trace(report, violation) {
            eprintln!("{line}");
        }
    }
    let bug = storm.bug.map_or_else(String::new, |bug| format!(" --bug {}", bug.name()));
    eprintln!("\nagain: storm --alerts {} --seed {}{bug}", storm.alerts, storm.seed);
}
