//! What the table is, beside what it should be: a [`Finding`] for each part, from the table's own description.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;

use super::attribute::TTL;
use super::{DynamoDb, STORE};

/// An index: its name, and its partition and sort key.
type Index = (&'static str, &'static str, Option<&'static str>);

const INDEXES: [Index; 4] = [
    ("PredictionTypeIndex", "prediction_type", Some("timestamp")),
    ("RiskScoreIndex", "prediction_type", Some("risk_score")),
    ("AlertIdIndex", "alert_id", None),
    ("TodoIndex", "todo_day", Some("timestamp")),
];

/// What a look at the table asks, on behalf of a person.
const LOOKING_ACTIONS: &str = "dynamodb:DescribeTable and dynamodb:DescribeTimeToLive";

/// What was found of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `table`, `keys`, an index's name, `ttl`.
    pub part: String,
    /// Nothing, or what is wrong with the mend.
    pub wrong: Option<String>,
}

impl Finding {
    fn new(part: &str, wrong: Option<String>) -> Self {
        Self { part: part.to_owned(), wrong }
    }
}

impl DynamoDb {
    /// Looks at the table, its keys, its indexes and its time to live: a finding for each, the table itself first.
    pub async fn describe(&self) -> Vec<Finding> {
        let table = json!({ "TableName": self.table });
        match self.caller.call("DescribeTable", &table, STORE).await {
            Ok(Described { table }) => {
                let mut findings = vec![Finding::new("table", None)];
                let right = keys_of(&table.key_schema) == [("HASH", "pk"), ("RANGE", "sk")];
                let mend = "its keys are not pk and sk; make a table with these, or name another";
                findings.push(Finding::new("keys", (!right).then(|| mend.to_owned())));
                findings.extend(INDEXES.iter().map(|index| of_index(index, &table)));
                findings.push(self.time_to_live().await);
                findings
            }
            Err(failure) => vec![Finding::new("table", Some(failure.of_a_look("table", LOOKING_ACTIONS)))],
        }
    }

    async fn time_to_live(&self) -> Finding {
        let table = json!({ "TableName": self.table });
        let wrong = match self.caller.call("DescribeTimeToLive", &table, STORE).await {
            Ok(TimeToLive { time_to_live_description: ttl }) => {
                let is_on = ttl.attribute_name.as_deref() == Some(TTL)
                    && matches!(ttl.time_to_live_status.as_deref(), Some("ENABLED" | "ENABLING"));
                let mend = "nothing is ever deleted; switch time to live on, with the attribute ttl";
                (!is_on).then(|| mend.to_owned())
            }
            Err(failure) => Some(failure.of_a_look("table", LOOKING_ACTIONS)),
        };
        Finding::new("ttl", wrong)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    table: Description,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    key_schema: Vec<Key>,
    #[serde(default)]
    global_secondary_indexes: Vec<IndexDescription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexDescription {
    index_name: String,
    key_schema: Vec<Key>,
    projection: Projection,
    index_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projection {
    projection_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    time_to_live_description: TimeToLiveDescription,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLiveDescription {
    attribute_name: Option<String>,
    time_to_live_status: Option<String>,
}

fn of_index(&(name, partition, sort): &Index, table: &Description) -> Finding {
    let found = table.global_secondary_indexes.iter().find(|index| index.index_name == name);
    let mut wanted = HashMap::from([("HASH", partition)]);
    wanted.extend(sort.map(|sort| ("RANGE", sort)));
    let by = sort.map_or_else(|| partition.to_owned(), |sort| format!("{partition} and {sort}"));
    let wrong = match found {
        None => Some(format!("it is missing; add it with the keys {by} and all attributes")),
        Some(index) if keys_of(&index.key_schema).into_iter().collect::<HashMap<_, _>>() != wanted => {
            Some(format!("it has other keys than {by}; make it again with these"))
        }
        Some(index) if index.projection.projection_type != "ALL" => {
            Some("it does not hold all attributes; make it again with all".to_owned())
        }
        Some(index) if index.index_status != "ACTIVE" => {
            Some("it is still being made; wait until it is active".to_owned())
        }
        Some(_) => None,
    };
    Finding::new(name, wrong)
}

fn keys_of(schema: &[Key]) -> Vec<(&str, &str)> {
    schema.iter().map(|key| (key.key_type.as_str(), key.attribute_name.as_str())).collect()
}
