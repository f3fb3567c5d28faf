//! The findings about a table that `portend doctor` shows.

use portend_remote::TableFinding;

use crate::store::{run, store_at};
use portend_testing::table::{Table, endpoint};

fn problems(findings: &[TableFinding]) -> Vec<(&str, &str)> {
    let findings = findings.iter();
    findings.filter_map(|each| Some((each.part.as_str(), each.problem.as_deref()?))).collect()
}

#[test]
fn a_table_of_the_stack_has_no_problem() {
    run(async {
        let table = Table::create();
        let report = store_at(&endpoint(), &table.name).describe().await;
        assert_eq!(problems(&report), []);
        let parts: Vec<_> = report.iter().map(|each| each.part.as_str()).collect();
        let indexes = ["PredictionTypeIndex", "RiskScoreIndex", "AlertIdIndex", "TodoIndex", "WorklistIndex"];
        assert_eq!(parts, [&["table", "keys"][..], &indexes, &["ttl"]].concat());
    });
}

#[test]
fn each_missing_index_is_named() {
    run(async {
        let table = Table::create_with(&["PredictionTypeIndex", "RiskScoreIndex"]);
        let report = store_at(&endpoint(), &table.name).describe().await;
        assert_eq!(
            problems(&report).iter().map(|(part, _)| *part).collect::<Vec<_>>(),
            ["AlertIdIndex", "TodoIndex", "WorklistIndex"]
        );
    });
}

#[test]
fn a_missing_table_is_reported_as_such() {
    run(async {
        let report = store_at(&endpoint(), "no-such-table").describe().await;
        assert!(matches!(problems(&report).as_slice(), [("table", what)] if what.contains("does not exist")));
    });
}
