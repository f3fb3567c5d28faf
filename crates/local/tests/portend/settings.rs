//! Tests the settings: a flag goes before the environment, and the environment before `portend.toml`.

use std::process::Command;

use super::alerts::{SAMPLE, student};
use super::harness::{Home, Run};

fn run(command: &mut Command) -> Run {
    Run::of(command.output().unwrap())
}

#[test]
fn a_flag_goes_before_the_environment_and_both_before_the_file() {
    let home = Home::new();
    home.write("portend.toml", "store = \"file.db\"\n");
    for (flag, environment, file) in [
        (None, None, "file.db"),
        (None, Some("environment.db"), "environment.db"),
        (Some("flag.db"), Some("environment.db"), "flag.db"),
        (Some("other.db"), None, "other.db"),
    ] {
        let mut command = home.portend(&["explain", SAMPLE]);
        command.args(flag.iter().flat_map(|flag| ["--store", flag]));
        command.envs(environment.iter().map(|store| ("PORTEND_STORE", store)));
        assert!(!home.path(file).exists(), "{file}");
        run(&mut command).exits(0);
        assert!(home.path(file).exists(), "{file}");
    }
    assert!(!home.store().exists());
}

#[test]
fn alert_types_are_set_in_the_same_three_ways() {
    let home = Home::new();
    let missing =
        |command: &mut Command, folder: &str| run(command).complains(2, folder, "name the folder that has");
    home.write("portend.toml", "alert_types = \"of_the_file\"\n");
    missing(&mut home.portend(&["types"]), "of_the_file");
    missing(home.portend(&["types"]).env("ALERT_TYPES_DIR", "of_the_environment"), "of_the_environment");
    let with_flag = ["types", "--alert-types", "of_the_flag"];
    missing(home.portend(&with_flag).env("ALERT_TYPES_DIR", "of_the_environment"), "of_the_flag");
}

#[test]
fn the_settings_file_is_named_or_in_this_folder_or_in_the_users_folder() {
    let home = Home::new();
    let used = |command: &mut Command| {
        let err = run(command).exits(1).err;
        err.split_whitespace().find(|word| word.contains(".db")).unwrap().to_owned()
    };
    assert_eq!(used(&mut home.portend(&["ledger"])), home.store().display().to_string());
    std::fs::create_dir_all(home.in_home(".config/portend")).unwrap();
    std::fs::write(home.in_home(".config/portend/portend.toml"), "store = \"user.db\"\n").unwrap();
    // A path in a file is relative to the file's folder.
    assert_eq!(
        used(&mut home.portend(&["ledger"])),
        home.in_home(".config/portend/user.db").display().to_string()
    );
    home.write("portend.toml", "store = \"here.db\"\n");
    assert_eq!(used(&mut home.portend(&["ledger"])), "here.db");
    home.write("other/settings.toml", "store = \"named.db\"\n");
    assert_eq!(
        used(home.portend(&["ledger"]).env("PORTEND_CONFIG", "other/settings.toml")),
        "other/named.db"
    );
    home.write("flag.toml", "store = \"/flagged.db\"\n");
    let mut flagged = home.portend(&["--config", "flag.toml", "ledger"]);
    assert_eq!(used(flagged.env("PORTEND_CONFIG", "other/settings.toml")), "/flagged.db");
}

#[test]
fn the_users_folders_can_be_moved() {
    let home = Home::new();
    let moved = |args: &[&str]| {
        let mut command = home.portend(args);
        command.env("XDG_DATA_HOME", home.path("data")).env("XDG_CONFIG_HOME", home.path("config"));
        run(&mut command)
    };
    moved(&["explain", SAMPLE]).exits(0);
    assert!(home.path("data/portend/portend.db").exists());
    home.write("config/portend/portend.toml", "store = \"moved.db\"\n");
    moved(&["explain", SAMPLE]).exits(0);
    assert!(home.path("config/portend/moved.db").exists());
}

#[test]
fn a_wrong_setting_is_named_with_its_line_and_a_fix() {
    let home = Home::new();
    for (text, place, fix) in [
        ("store = \"a.db\"\nstor = 1\n", "portend.toml:2: unknown field `stor`", "; "),
        ("[nonsense]\nurl = 1\n", "portend.toml:1: unknown field `nonsense`", "; "),
        ("\n\nstore = 5\n", "portend.toml:3: ", "; "),
        ("alert_types = \"x\nstore = \"y\"\n", "portend.toml:1: ", "; "),
        ("store = \"a.db\"\nstore = \"b.db\"\n", "portend.toml:2: ", "; "),
        ("store = \"\"\n", "portend.toml", "store"),
    ] {
        home.write("portend.toml", text);
        home.write("alert.json", student("stu_1").to_string());
        for line in ["ledger", "insights", "explain alert.json", "parked", "types"] {
            home.run(line).complains(2, place, fix);
        }
    }
    home.write("portend.toml", b"store = \"\xff\"\n");
    home.run("ledger").complains(2, "portend.toml", "use --config to name a file that you may read");
}

#[test]
fn a_named_settings_file_must_exist() {
    let home = Home::new();
    let fix = "use --config to name a file that you may read";
    home.run("ledger --config none.toml").complains(2, "none.toml", fix);
    run(home.portend(&["ledger"]).env("PORTEND_CONFIG", "none.toml")).complains(2, "none.toml", fix);
    home.run("ledger --config ..").complains(2, "..", fix);
}

#[test]
fn an_empty_setting_in_the_environment_counts_as_unset() {
    let home = Home::new();
    for name in ["PORTEND_STORE", "ALERT_TYPES_DIR", "PORTEND_CONFIG"] {
        let explained = run(home.portend(&["explain", SAMPLE]).env(name, ""));
        assert_eq!(explained.code, Some(0), "{name}: {}", explained.err);
    }
}

#[test]
fn settings_go_before_or_after_the_command() {
    let home = Home::new();
    home.run_args(&["--store", "a.db", "explain", SAMPLE]).exits(0);
    home.run("--store a.db insights").exits(0);
    home.run("insights --store a.db").exits(0);
    home.run("parked list --store a.db").exits(0);
}
