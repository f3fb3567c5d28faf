//! What the table is, beside what it should be.
//!
//! Takes: the table's own description.
//! Gives: a [`Finding`] for each part that is there, and for each that is not, the mend.
//! Never: changes the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    IndexStatus, KeySchemaElement, KeyType, ProjectionType, TableDescription, TimeToLiveStatus,
};

use super::DynamoDb;
use super::attribute::TTL;
use crate::aws::error::Failure;

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
        let sent = self.client().await.describe_table().table_name(&self.table).send().await;
        match sent {
            Ok(answer) => {
                let table = answer.table.unwrap_or_else(|| TableDescription::builder().build());
                let mut findings = vec![Finding::new("table", None)];
                let keys = keys_of(table.key_schema());
                let right = keys == [("HASH".into(), "pk".into()), ("RANGE".into(), "sk".into())];
                let mend = "its keys are not pk and sk; make a table with these, or name another";
                findings.push(Finding::new("keys", (!right).then(|| mend.to_owned())));
                findings.extend(INDEXES.iter().map(|index| of_index(index, &table)));
                findings.push(self.time_to_live().await);
                findings
            }
            Err(error) => {
                vec![Finding::new("table", Some(Failure::of(&error).of_a_look("table", LOOKING_ACTIONS)))]
            }
        }
    }

    async fn time_to_live(&self) -> Finding {
        let sent = self.client().await.describe_time_to_live().table_name(&self.table).send().await;
        let wrong = match sent {
            Ok(answer) => {
                let ttl = answer.time_to_live_description;
                let is_on = ttl.is_some_and(|ttl| {
                    ttl.attribute_name() == Some(TTL)
                        && matches!(
                            ttl.time_to_live_status(),
                            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
                        )
                });
                let mend = "nothing is ever deleted; switch time to live on, with the attribute ttl";
                (!is_on).then(|| mend.to_owned())
            }
            Err(error) => Some(Failure::of(&error).of_a_look("table", LOOKING_ACTIONS)),
        };
        Finding::new("ttl", wrong)
    }
}

fn of_index(&(name, partition, sort): &Index, table: &TableDescription) -> Finding {
    let found = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(name));
    let mut wanted = HashMap::from([("HASH".to_owned(), partition.to_owned())]);
    wanted.extend(sort.map(|sort| ("RANGE".to_owned(), sort.to_owned())));
    let by = sort.map_or_else(|| partition.to_owned(), |sort| format!("{partition} and {sort}"));
    let wrong = match found {
        None => Some(format!("it is missing; add it with the keys {by} and all attributes")),
        Some(index) if keys_of(index.key_schema()).into_iter().collect::<HashMap<_, _>>() != wanted => {
            Some(format!("it has other keys than {by}; make it again with these"))
        }
        Some(index)
            if index.projection().and_then(|all| all.projection_type()) != Some(&ProjectionType::All) =>
        {
            Some("it does not hold all attributes; make it again with all".to_owned())
        }
        Some(index) if index.index_status() != Some(&IndexStatus::Active) => {
            Some("it is still being made; wait until it is active".to_owned())
        }
        Some(_) => None,
    };
    Finding::new(name, wrong)
}

fn keys_of(schema: &[KeySchemaElement]) -> Vec<(String, String)> {
    schema
        .iter()
        .map(|key| {
            let kind = if *key.key_type() == KeyType::Hash { "HASH" } else { "RANGE" };
            (kind.to_owned(), key.attribute_name().to_owned())
        })
        .collect()
}
