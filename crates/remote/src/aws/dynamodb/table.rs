//! Compares the table with the one that this program needs. Each part gets a finding, with how to fix it.
//!
//! Never: changes the table.

use std::collections::BTreeSet;

use super::DynamoDb;
use super::attribute::TTL;
use super::request::{DescribeTable, DescribeTimeToLive, KeyPart, TableDescription};

/// An index: its name, its partition and sort key, and whether its readers need every attribute.
type Index = (&'static str, &'static str, Option<&'static str>, bool);

const INDEXES: [Index; 5] = [
    ("PredictionTypeIndex", "prediction_type", Some("timestamp"), true),
    ("RiskScoreIndex", "prediction_type", Some("risk_score"), true),
    ("AlertIdIndex", "alert_id", None, false),
    ("TodoIndex", "todo_day", Some("timestamp"), false),
    ("WorklistIndex", "open_shard", Some("worst"), true),
];

/// The IAM actions that describing the table needs.
const DESCRIBE_ACTIONS: &str = "dynamodb:DescribeTable and dynamodb:DescribeTimeToLive";

/// The state of one part of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFinding {
    /// `table`, `keys`, the name of an index, or `ttl`.
    pub part: String,
    /// What is wrong and how to fix it; `None` if the part is as it should be.
    pub problem: Option<String>,
}

impl TableFinding {
    fn new(part: &str, problem: Option<String>) -> Self {
        Self { part: part.to_owned(), problem }
    }
}

impl DynamoDb {
    /// Checks the table, its keys, its indexes and its time to live. Returns a finding for each, the table itself
    /// first.
    pub async fn describe(&self) -> Vec<TableFinding> {
        let table = match self.call(&DescribeTable { table_name: &self.table }).await {
            Ok(described) => described.table,
            Err(failure) => {
                return vec![TableFinding::new(
                    "table",
                    Some(failure.when_describing("table", DESCRIBE_ACTIONS)),
                )];
            }
        };
        let is_right = names(&table.key_schema) == key_names("pk", Some("sk"));
        let problem = "its keys are not pk and sk; create a table with these keys, or name another table";
        let mut findings = vec![
            TableFinding::new("table", None),
            TableFinding::new("keys", (!is_right).then(|| problem.to_owned())),
        ];
        findings.extend(INDEXES.iter().map(|index| of_index(index, &table)));
        findings.push(self.time_to_live().await);
        findings
    }

    async fn time_to_live(&self) -> TableFinding {
        let problem = match self.call(&DescribeTimeToLive { table_name: &self.table }).await {
            Ok(described) => {
                let ttl = described.time_to_live_description;
                let is_on = ["ENABLED", "ENABLING"].contains(&ttl.time_to_live_status.as_str());
                let problem = "expired items are not deleted; enable time to live with the attribute ttl";
                (!is_on || ttl.attribute_name != TTL).then(|| problem.to_owned())
            }
            Err(failure) => Some(failure.when_describing("table", DESCRIBE_ACTIONS)),
        };
        TableFinding::new("ttl", problem)
    }
}

fn of_index(&(name, partition, sort, needs_all): &Index, table: &TableDescription) -> TableFinding {
    let by = sort.map_or_else(|| partition.to_owned(), |sort| format!("{partition} and {sort}"));
    let index = table.global_secondary_indexes.iter().find(|index| index.index_name == name);
    let problem = match index {
        None => {
            let projection = if needs_all { "all attributes" } else { "only the keys" };
            Some(format!("it is missing; create it by {by}, projecting {projection}"))
        }
        Some(index) if names(&index.key_schema) != key_names(partition, sort) => {
            Some(format!("its keys are wrong; create it again by {by}"))
        }
        Some(index) if needs_all && index.projection.projection_type != "ALL" => {
            Some("it does not project all attributes; create it again with all of them".to_owned())
        }
        Some(index) if index.index_status != "ACTIVE" => {
            Some("it is not active yet; wait until it is".to_owned())
        }
        Some(_) => None,
    };
    TableFinding::new(name, problem)
}

/// The attributes of a key, each with its type (`HASH` or `RANGE`).
fn names(schema: &[KeyPart]) -> BTreeSet<(&str, &str)> {
    schema.iter().map(|part| (part.key_type.as_str(), part.attribute_name.as_str())).collect()
}

fn key_names<'a>(partition: &'a str, sort: Option<&'a str>) -> BTreeSet<(&'a str, &'a str)> {
    [Some(("HASH", partition)), sort.map(|sort| ("RANGE", sort))].into_iter().flatten().collect()
}
