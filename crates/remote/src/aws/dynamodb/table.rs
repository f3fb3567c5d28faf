//! What the table is, beside what it should be: a finding for each part, with how to fix it.
//!
//! Never: changes the table.

use std::collections::BTreeSet;

use super::DynamoDb;
use super::attribute::TTL;
use super::request::{DescribeTable, DescribeTimeToLive, KeyPart, TableDescription};

/// An index: its name, its partition and sort key, and whether its readers need every attribute.
type Index = (&'static str, &'static str, Option<&'static str>, bool);

const INDEXES: [Index; 4] = [
    ("PredictionTypeIndex", "prediction_type", Some("timestamp"), true),
    ("RiskScoreIndex", "prediction_type", Some("risk_score"), true),
    ("AlertIdIndex", "alert_id", None, false),
    ("TodoIndex", "todo_day", Some("timestamp"), false),
];

/// What a look at the table asks, on behalf of a person.
const LOOKING_ACTIONS: &str = "dynamodb:DescribeTable and dynamodb:DescribeTimeToLive";

/// What was found of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFinding {
    /// `table`, `keys`, an index's name, `ttl`.
    pub part: String,
    /// What is wrong, and how to fix it.
    pub problem: Option<String>,
}

impl TableFinding {
    fn new(part: &str, problem: Option<String>) -> Self {
        Self { part: part.to_owned(), problem }
    }
}

impl DynamoDb {
    /// Looks at the table, its keys, its indexes and its time to live: a finding for each, the table itself first.
    pub async fn describe(&self) -> Vec<TableFinding> {
        let table = match self.call(&DescribeTable { table_name: &self.table }).await {
            Ok(described) => described.table,
            Err(failure) => {
                return vec![TableFinding::new("table", Some(failure.of_a_look("table", LOOKING_ACTIONS)))];
            }
        };
        let is_right = names(&table.key_schema) == key_names("pk", Some("sk"));
        let problem = "its keys are not pk and sk; make a table with these, or name another";
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
                let problem = "nothing is ever deleted; switch time to live on, with the attribute ttl";
                (!is_on || ttl.attribute_name != TTL).then(|| problem.to_owned())
            }
            Err(failure) => Some(failure.of_a_look("table", LOOKING_ACTIONS)),
        };
        TableFinding::new("ttl", problem)
    }
}

fn of_index(&(name, partition, sort, needs_all): &Index, table: &TableDescription) -> TableFinding {
    let by = sort.map_or_else(|| partition.to_owned(), |sort| format!("{partition} and {sort}"));
    let index = table.global_secondary_indexes.iter().find(|index| index.index_name == name);
    let problem = match index {
        None => {
            let holds = if needs_all { "all attributes" } else { "keys only" };
            Some(format!("it is missing; add it with the keys {by} and {holds}"))
        }
        Some(index) if names(&index.key_schema) != key_names(partition, sort) => {
            Some(format!("it has other keys than {by}; make it again with these"))
        }
        Some(index) if needs_all && index.projection.projection_type != "ALL" => {
            Some("it does not hold all attributes; make it again with all".to_owned())
        }
        Some(index) if index.index_status != "ACTIVE" => {
            Some("it is still being made; wait until it is active".to_owned())
        }
        Some(_) => None,
    };
    TableFinding::new(name, problem)
}

/// The attributes of a key, each with its kind.
fn names(schema: &[KeyPart]) -> BTreeSet<(&str, &str)> {
    schema.iter().map(|part| (part.key_type.as_str(), part.attribute_name.as_str())).collect()
}

fn key_names<'a>(partition: &'a str, sort: Option<&'a str>) -> BTreeSet<(&'a str, &'a str)> {
    [Some(("HASH", partition)), sort.map(|sort| ("RANGE", sort))].into_iter().flatten().collect()
}
