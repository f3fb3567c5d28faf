//! The recommendations that an alert type knows, each with an id that stays when its text is reworded.
//!
//! An id is written in `[[recommendation]]`, or it is the place of the advice in the scorecard: `ib_calls_14d` for the
//! advice of a fact, `ib_calls_14d.from.3` for that of a row, `otherwise.1` for the first line of `otherwise`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{AlertType, PointsCondition};

/// One thing to do about an alert of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recommendation {
    /// Its id, which is stored with what people did.
    pub id: String,
    /// What to do, in a sentence.
    pub text: String,
}

impl AlertType {
    /// Everything that it knows to recommend: what it names itself first, then the advice of the scorecard.
    pub fn recommendations(&self) -> Vec<Recommendation> {
        let mut list = self.recommendations.clone();
        let mut known: BTreeSet<String> = list.iter().map(|each| each.text.trim().to_owned()).collect();
        let mut add = |id: String, text: &str| {
            let text = text.trim();
            if known.insert(text.to_owned()) {
                list.push(Recommendation { id, text: text.to_owned() });
            }
        };
        for points in &self.points_table.points {
            for row in &points.add {
                if let Some(advice) = &row.advice {
                    add(format!("{}.{}", points.fact, place(&row.when)), advice);
                }
            }
            if let Some(advice) = &points.advice {
                add(points.fact.clone(), advice);
            }
        }
        for (number, advice) in (1..).zip(&self.points_table.otherwise) {
            add(format!("otherwise.{number}"), advice);
        }
        list
    }
}

/// The condition of a row, as a part of an id.
fn place(when: &PointsCondition) -> String {
    match when {
        PointsCondition::From(from) => format!("from.{from}"),
        PointsCondition::Below(below) => format!("below.{below}"),
        PointsCondition::Value(value) => format!("value.{}", value.id().unwrap_or_default()),
    }
}
