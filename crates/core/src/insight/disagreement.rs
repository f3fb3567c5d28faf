//! When a model and the scorecard disagree about an alert.

use serde::{Deserialize, Serialize};

use super::Grade;
use super::judgement::Judged;
use crate::limits::DISAGREEMENT_MIN;
use crate::number::Number;

/// The scores of a model and of the scorecard, which differ by [`DISAGREEMENT_MIN`] or more. One of the two may have
/// overlooked something, so a person should look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The model's score.
    pub model: Number,
    /// The scorecard's score.
    pub table: Number,
    /// The difference, always positive.
    pub gap: Number,
}

impl Disagreement {
    pub(super) fn between(judged: &Judged) -> Option<Self> {
        match judged.grade {
            Grade::Model | Grade::Doubted => Self::new(judged.risk_score, judged.baseline.risk_score),
            Grade::Scorecard => None,
        }
    }

    /// `None` if the scores are close.
    pub fn new(model: Number, table: Number) -> Option<Self> {
        let gap = Number::new((model.get() - table.get()).abs())?;
        (gap.get() >= DISAGREEMENT_MIN).then_some(Self { model, table, gap })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_disagree_from_thirty_points_on() {
        for (model, table, gap) in
            [(72, 63, None), (72, 43, None), (72, 42, Some(30)), (0, 67, Some(67)), (100, 0, Some(100))]
        {
            let found = Disagreement::new(Number::from(model), Number::from(table)).map(|found| found.gap);
            assert_eq!(found, gap.map(Number::from), "{model} {table}");
        }
    }
}
