//! Tests that the program prints what the README shows.

use super::harness::Home;

const README: &str = include_str!("../../../../README.md");

/// The first block of the README in this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("```{language}\n")).unwrap();
    rest.split("```").next().unwrap()
}

#[test]
fn the_alert_in_the_readme_makes_the_insight_in_the_readme() {
    let home = Home::new();
    home.write("alert.json", block("json"));
    let run = home.run("explain alert.json").exits(0);
    assert_eq!(run.out.trim_end(), block("text").trim_end());
}
