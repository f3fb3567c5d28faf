//! Tests `portend types`, with valid and invalid folders of alert types.

use std::fs;
use std::path::Path;

use super::alerts::{ALERT_TYPES, student};
use super::harness::Home;

const IDS: [&str; 3] = ["high_ib_call_frequency", "low_health_score", "supply_demand_imbalance"];

/// A home with a copy of the built-in folder.
fn home() -> Home {
    let home = Home::new();
    for id in IDS {
        let folder = Path::new(ALERT_TYPES).join(id);
        home.write(&format!("types/{id}/alert.toml"), fs::read(folder.join("alert.toml")).unwrap());
        for sample in fs::read_dir(folder.join("samples")).unwrap() {
            let sample = sample.unwrap();
            let name = sample.file_name().into_string().unwrap();
            for file in fs::read_dir(sample.path()).unwrap() {
                let file = file.unwrap();
                let path = format!("types/{id}/samples/{name}/{}", file.file_name().display());
                home.write(&path, fs::read(file.path()).unwrap());
            }
        }
    }
    home
}

#[test]
fn the_built_in_folder_is_valid() {
    let run = Home::new().run_args(&["types", "check", ALERT_TYPES]).exits(0);
    assert!(
        run.err.is_empty() && run.out.starts_with("3 alert types and ") && run.out.ends_with(" are valid\n"),
        "{run:?}"
    );
    for id in IDS {
        Home::new().run_args(&["types", "check", &format!("{ALERT_TYPES}/{id}")]).exits(0);
    }
}

#[test]
fn types_are_listed_and_shown_in_full() {
    let home = home();
    for folder in ["", " --alert-types types"] {
        let listed = home.run(&format!("types{folder}")).exits(0);
        assert_eq!(listed.out, home.run(&format!("types list{folder}")).exits(0).out);
        let ids: Vec<_> =
            listed.out.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(ids, IDS);
        let json = home.run(&format!("types list --json{folder}")).exits(0).json();
        assert_eq!(json.iter().map(|each| each["id"].as_str().unwrap()).collect::<Vec<_>>(), IDS);
        for (id, whole) in IDS.iter().zip(json) {
            assert_eq!(home.run(&format!("types show --json {id}{folder}")).exits(0).json()[0], whole);
            let sheet = home.run(&format!("types show {id}{folder}")).exits(0).out;
            for part in [&whole["title"], &whole["question"]] {
                assert!(sheet.contains(part.as_str().unwrap()), "{part} is not in {sheet}");
            }
        }
    }
    home.run("types show nope").complains(1, "nope", "portend types lists them");
}

#[test]
fn a_broken_type_is_named_by_file_and_line_with_a_fix() {
    let text = fs::read_to_string(Path::new(ALERT_TYPES).join("high_ib_call_frequency/alert.toml")).unwrap();
    // The text to replace, its replacement, a part of the line that the finding names, and a part of the finding.
    for (from, to, line, part) in [
        ("title         = ", "titel         = ", "titel", "unknown field `titel`"),
        ("title         = \"Frequent", "title         = Frequent", "title", "; "),
        (
            "id            = \"high_ib_call_frequency\"",
            "id            = \"other\"",
            "\"other\"",
            "give both the same name",
        ),
        ("30 days?", "30 days", "question", "end it with a question mark"),
        ("horizon_days  = 30", "horizon_days  = 0", "horizon_days", "use 1 to 3650 days"),
        (
            "repeat_window = \"24h\"",
            "repeat_window = \"91d\"",
            "repeat_window",
            "write a duration such as `24h`",
        ),
        ("100 = \"has in", "101 = \"has in", "[scale]", "define what 0 and 100 mean"),
        ("unit       = \"calls\"\n", "", "[[fact]]", "add unit = \"...\""),
        ("meaning = \"How", "meaning = \"\" # \"How", "meaning = \"\"", "write a text"),
        ("worse      = \"higher\"\n", "", "[[fact]]", "add worse = \"higher\" or worse = \"lower\""),
        ("max        = 10000", "max        = 0", "[[fact]]", "make `min` less than `max`"),
        ("step       = 1", "step       = 0", "step       = 0", "use a larger step"),
        ("healthy    = 0", "healthy    = -1", "healthy    = -1", "use a value from `min` to `max`"),
        ("{value} inbound", "many inbound", "many inbound", "write `{value}` where the value belongs"),
        ("base = 10", "base = 50", "[scorecard]", "lower them until they add up to at most 100"),
        ("points = 22", "points = 5", "[[scorecard.points]]", "give worse values at least as many points"),
        ("from = 3, points", "below = 3, points", "below = 3", "write from = a number from 0 to 10000"),
        ("fact   = \"ib_calls_14d\"", "fact   = \"calls\"", "fact   = \"calls\"", "define it with [[fact]]"),
    ] {
        let home = home();
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        home.write("types/high_ib_call_frequency/alert.toml", &broken);
        let number = broken.lines().position(|each| each.contains(line)).unwrap() + 1;
        let place = format!("types/high_ib_call_frequency/alert.toml:{number}: ");
        let check = home.run("types check types").exits(1);
        let found = check.out.lines().find(|finding| finding.starts_with(&place));
        let found = found.unwrap_or_else(|| panic!("{to:?}: {place} is not in {}", check.out));
        assert!(found.contains(part) && found.contains("; "), "{to:?}: {found}");
        home.write("alert.json", student("stu_1").to_string());
        for refused in ["explain alert.json", "insights", "types list"] {
            let run = home.run(&format!("{refused} --alert-types types")).exits(2);
            assert!(run.out.is_empty() && run.err.contains(found), "{refused}: {run:?}");
        }
        assert!(!home.store().exists());
    }
}

#[test]
fn every_broken_type_is_reported_at_once() {
    let home = home();
    for (id, from, to) in
        [(IDS[0], "30 days?", "30 days"), (IDS[1], "base = 10", "base = 90"), (IDS[2], "14 days?", "14 days")]
    {
        let file = format!("types/{id}/alert.toml");
        let text = fs::read_to_string(home.path(&file)).unwrap();
        home.write(&file, text.replacen(from, to, 1).replacen("unit", "uint", usize::from(id == IDS[2])));
    }
    let check = home.run("types check types").exits(1);
    for id in IDS {
        assert!(check.out.contains(&format!("types/{id}/alert.toml:")), "{}", check.out);
    }
}

#[test]
fn a_folder_without_types_is_refused_with_a_fix() {
    let home = home();
    fs::create_dir(home.path("empty")).unwrap();
    fs::create_dir_all(home.path("hollow/some_type")).unwrap();
    home.write("latin/some_type/alert.toml", b"title = \"\xe4\"");
    home.write("large/some_type/alert.toml", "#".repeat(300 * 1024));
    home.write("alert.json", student("stu_1").to_string());
    for (folder, what, fix) in [
        ("none", "none", "name the folder that has one subfolder per alert type"),
        ("alert.json", "alert.json", "name the folder that has one subfolder per alert type"),
        ("empty", "empty", "add a subfolder with an alert.toml for each alert type"),
        ("hollow", "hollow/some_type/alert.toml", "each subfolder needs an alert.toml"),
        ("latin", "latin/some_type/alert.toml", "in UTF-8"),
        ("large", "large/some_type/alert.toml", "at most 256 KiB"),
    ] {
        home.run(&format!("types check {folder}")).complains(2, what, fix);
        let args = ["explain", "alert.json", "--alert-types", folder];
        home.run_args(&args).complains(2, what, fix);
    }
}

#[test]
fn a_sample_with_another_insight_is_reported_and_can_be_rewritten() {
    let home = home();
    let file = "types/low_health_score/samples/02-extreme/insight.json";
    let right = fs::read_to_string(home.path(file)).unwrap();
    home.write(file, right.replacen("\"risk_score\": ", "\"risk_score\": 1", 1));
    fs::remove_file(home.path("types/low_health_score/samples/03-mild/insight.json")).unwrap();
    let check = home.run("types check types").exits(1);
    let findings: Vec<&str> = check.out.lines().collect();
    assert_eq!(findings.len(), 2, "{}", check.out);
    assert!(findings[0].starts_with(&format!("{file}: expected risk_score to be ")), "{}", findings[0]);
    assert!(findings.iter().all(|finding| finding.contains("--write-insights")), "{findings:?}");
    home.run("types check types --write-insights").exits(0);
    home.run("types check types").exits(0);
    let written = fs::read_to_string(home.path(file)).unwrap();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(value(&written), value(&right));
}

#[test]
fn a_sample_that_is_not_an_alert_is_reported_with_the_others() {
    let home = home();
    let samples = "types/low_health_score/samples";
    home.write(&format!("{samples}/01-typical/alert.json"), "{");
    fs::remove_file(home.path(&format!("{samples}/02-extreme/alert.json"))).unwrap();
    fs::remove_file(home.path(&format!("{samples}/03-mild/insight.json"))).unwrap();
    let check = home.run("types check types").exits(1);
    for file in ["01-typical/alert.json", "02-extreme/alert.json", "03-mild/insight.json"] {
        assert!(check.out.contains(&format!("{samples}/{file}: ")), "{file} is not in {check:?}");
    }
}

#[test]
fn the_scorecard_of_an_added_type_scores_its_alerts() {
    let home = home();
    let text = fs::read_to_string(home.path("types/high_ib_call_frequency/alert.toml")).unwrap();
    let other = text
        .replace("high_ib_call_frequency", "other_type")
        .replace("from = 5, points = 35", "from = 5, points = 45");
    home.write("types/other_type/alert.toml", other);
    let alert = student("stu_1").to_string().replace("high_ib_call_frequency", "other_type");
    let run = home.feed("explain --json --alert-types types -", alert).exits(0);
    assert_eq!(run.json()[0]["insight"]["risk_score"], 73);
    // Without the folder, the stored insight can still be read.
    assert_eq!(home.insights()[0]["prediction_type"], "other_type");
    let id = home.insights()[0]["alert_id"].as_str().unwrap().to_owned();
    assert!(home.run(&format!("insight {id}")).exits(0).out.contains("other_type"));
}

#[test]
fn a_type_whose_facts_have_changed_is_reported_at_the_start_and_by_the_doctor() {
    let home = home();
    home.write("alert.json", student("stu_1").to_string());
    let folder = ["--alert-types", "types"];
    assert_eq!(home.run("explain alert.json --alert-types types").exits(0).err, "");
    let path = "types/high_ib_call_frequency/alert.toml";
    let text = fs::read_to_string(home.path(path)).unwrap();
    home.write(path, text.replacen("max        = 10000", "max        = 9000", 1));
    let run = home.run("explain --json alert.json --alert-types types").exits(0);
    assert!(run.err.contains("the facts of high_ib_call_frequency changed"), "{}", run.err);
    assert_eq!(run.outcomes(), ["repeated"], "its facts are in the same steps");
    let doctor = home.run_args(&[&["doctor"][..], &folder].concat());
    assert!(
        doctor.out.contains("warning  alert types: the facts of high_ib_call_frequency changed"),
        "{}",
        doctor.out
    );
}
