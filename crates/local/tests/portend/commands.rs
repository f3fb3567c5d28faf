//! Tests the command line itself: its help, completions and manual pages.

use super::harness::{Home, Run, skip};

/// Every command and subcommand that the program's own help lists.
fn commands(home: &Home) -> Vec<String> {
    let below = |command: &str| -> Vec<String> {
        let line = format!("{command} --help");
        let help = home.run(line.trim()).exits(0).out;
        let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
        let list = list.lines().take_while(|line| !line.is_empty());
        let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        names.map(|name| format!("{command} {name}").trim().to_owned()).collect()
    };
    let commands = below("");
    commands.iter().cloned().chain(commands.iter().flat_map(|command| below(command))).collect()
}

#[test]
fn every_command_has_help() {
    let home = Home::new();
    let commands = commands(&home);
    for expected in [
        "explain",
        "insights",
        "insight",
        "parked show",
        "parked replay",
        "ledger",
        "types check",
        "simulate",
        "completions",
        "man",
    ] {
        assert!(commands.iter().any(|command| command == expected), "{expected} is not in {commands:?}");
    }
    for command in commands {
        for help in ["--help", "-h"] {
            let run = home.run(&format!("{command} {help}")).exits(0);
            assert!(
                run.err.is_empty() && run.out.contains(&format!("Usage: portend {command}")),
                "{command}: {}",
                run.out
            );
        }
    }
    assert!(home.run("--version").exits(0).out.starts_with("portend "));
}

#[test]
fn wrong_usage_prints_the_usage() {
    let home = Home::new();
    for line in [
        "frobnicate",
        "parked frobnicate",
        "types show",
        "simulate --entities 0",
        "simulate --days 366",
        "completions tcl",
    ] {
        let run = home.run(line).exits(2);
        assert!(run.out.is_empty() && !run.err.is_empty(), "{line}: {run:?}");
    }
    assert!(Run::of(home.portend(&[]).output().unwrap()).exits(2).err.contains("Usage: portend"));
    home.run("man frobnicate").complains(2, "frobnicate", "see portend --help");
}

#[test]
fn every_command_has_a_manual_page() {
    let home = Home::new();
    assert!(home.run("man").exits(0).out.contains(".TH portend 1"));
    for command in commands(&home).iter().filter(|command| !command.contains(' ')) {
        let page = home.run(&format!("man {command}")).exits(0).out;
        assert!(page.contains(".SH NAME") && page.contains(command), "{page}");
    }
}

#[test]
fn each_shell_can_read_its_completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let run = home.run(&format!("completions {shell}")).exits(0);
        for word in ["explain", "insights", "parked", "alert-types"] {
            assert!(run.out.contains(word), "{word} is not in the completions for {shell}");
        }
        home.write(shell, &run.out);
        match home.program(shell, &["-n", shell]).env("PATH", "/usr/bin:/bin").output() {
            Ok(output) => assert!(Run::of(output).exits(0).err.is_empty(), "{shell}"),
            Err(_) => skip(&format!("this machine has no {shell}")),
        }
    }
}
