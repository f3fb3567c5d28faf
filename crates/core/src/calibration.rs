//! Turns a risk score into a probability, by a map that was fitted to outcomes.
//!
//! A map is only applied here; it is fitted elsewhere. It is strictly increasing, so it never changes an order.
//!
//! Never: changes a risk score, or applies the map of another model or prompt.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::number::Number;
use crate::time::Timestamp;

/// The 97.5 % point of the normal distribution, for an interval of 95 %.
const Z_95: f64 = 1.959_963_984_540_054;
/// A score's share of 100 is moved at least this far from 0 and 1 before its logarithm is taken.
pub const BETA_MARGIN: f64 = 0.005;

/// Which scores a map is for. Maps of different models or prompts are never mixed.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ScoreSource {
    /// The alert type.
    pub alert_type: String,
    /// The label of the model, or `scorecard`.
    pub model_used: String,
    /// The model that answered; `None` for the scorecard.
    pub model_id: Option<String>,
    /// The hash of the prompt without the facts; for the scorecard, of its table of points.
    pub prompt: Option<String>,
}

/// A fitted map with its evidence.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationMap {
    /// Which scores it is for.
    #[serde(flatten)]
    pub source: ScoreSource,
    /// Grows with each map of the same scores, from 1.
    pub version: u32,
    /// The function.
    #[serde(flatten)]
    pub curve: CalibrationCurve,
    /// The rows that it was fitted to.
    pub rows: u64,
    /// Those of them with the event.
    pub events: u64,
    /// The lowest and the highest score of the rows. A map of an earlier version does not have them.
    #[serde(default)]
    pub scores: Option<[f64; 2]>,
    /// The time of their first alert.
    pub from: Timestamp,
    /// The time of their last alert.
    pub until: Timestamp,
    /// The share of rows with the event.
    pub base_rate: f64,
    /// How it did on later rows that it was not fitted to.
    pub figures: MapFigures,
}

/// How a map did on rows that it was not fitted to: mean negative log likelihoods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MapFigures {
    /// The rows.
    pub rows: u64,
    /// Those of them with the event.
    pub events: u64,
    /// Of the map's probabilities.
    pub log_loss: f64,
    /// Of the raw score, read as a percentage.
    pub log_loss_raw: f64,
    /// Of the base rate.
    pub log_loss_base_rate: f64,
}

/// The function of a map: a linear function of one or two features of the score, as log-odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationCurve {
    /// Which features.
    pub method: CalibrationMethod,
    /// The intercept, then a slope for each feature. No slope is negative, and one is positive.
    pub parameters: Vec<f64>,
    /// The covariance matrix of the parameters, for the interval.
    pub covariance: Vec<Vec<f64>>,
}

/// The features of a score that a map uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationMethod {
    /// The score's share of 100 (Platt).
    Platt,
    /// The logarithms of the share and of the rest, negated (beta calibration).
    Beta,
}

/// What a map makes of a score, as an insight shows it.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibratedScore {
    /// The probability of the event within the horizon.
    pub probability: Number,
    /// The lower end of its interval of 95 %.
    pub low: Number,
    /// The upper end.
    pub high: Number,
    /// The version of the map, such as `v3`.
    pub map: String,
    /// The rows that the map was fitted to.
    pub rows: u64,
    /// Those of them with the event.
    pub events: u64,
    /// `true` if no score of the rows was as high, or as low.
    #[serde(default)]
    pub extrapolated: Option<bool>,
}

impl CalibrationMethod {
    /// The features of a score from 0 to 100.
    pub fn features(self, score: f64) -> Vec<f64> {
        let share = score / 100.0;
        match self {
            Self::Platt => vec![share],
            Self::Beta => {
                // Shrunk and not clipped, so that different scores stay different.
                let inside = BETA_MARGIN + (1.0 - 2.0 * BETA_MARGIN) * share;
                vec![inside.ln(), -(-inside).ln_1p()]
            }
        }
    }
}

impl CalibrationCurve {
    /// The probability for a score from 0 to 100.
    pub fn probability(&self, score: f64) -> f64 {
        sigmoid(self.logit_and_error(score).0)
    }

    /// The log-odds and their standard error.
    fn logit_and_error(&self, score: f64) -> (f64, f64) {
        let mut features = vec![1.0];
        features.extend(self.method.features(score));
        let logit = features.iter().zip(&self.parameters).map(|(x, weight)| x * weight).sum();
        let variance: f64 = features
            .iter()
            .zip(&self.covariance)
            .map(|(x, line)| x * features.iter().zip(line).map(|(y, each)| y * each).sum::<f64>())
            .sum();
        (logit, variance.max(0.0).sqrt())
    }
}

impl CalibrationMap {
    /// Whether it is the same as one that was stored, but for the version.
    pub fn is_same_as(&self, stored: &Self) -> bool {
        let map = Self { version: stored.version, ..self.clone() };
        // The last bit of a number may change when it is written and read.
        let text = serde_json::to_string(&map).unwrap_or_default();
        serde_json::from_str(&text).is_ok_and(|map: Self| map == *stored)
    }

    /// What the map makes of a score. `None` if its parameters are not numbers.
    pub fn apply(&self, score: Number) -> Option<CalibratedScore> {
        let (logit, error) = self.curve.logit_and_error(score.get());
        let probability = |shift: f64| Number::new(sigmoid(logit + shift * Z_95 * error));
        let is_beyond = self.scores.is_some_and(|[low, high]| score.get() < low || high < score.get());
        Some(CalibratedScore {
            probability: probability(0.0)?,
            low: probability(-1.0)?,
            high: probability(1.0)?,
            map: format!("v{}", self.version),
            rows: self.rows,
            events: self.events,
            extrapolated: is_beyond.then_some(true),
        })
    }
}

impl CalibratedScore {
    /// The share that had the event, from how many scores, as a sentence. No share is 0 or 100 %. `count` writes a number.
    pub fn sentence(&self, predicts: &str, horizon_days: u32, count: impl Fn(u64) -> String) -> String {
        let percent = |share: Number| format!("{:.0}", (100.0 * share.get()).clamp(1.0, 99.0));
        let days = if horizon_days == 1 { "day" } else { "days" };
        let (event, share) = (predicts.replace('_', " "), percent(self.probability));
        let begin = if self.extrapolated == Some(true) {
            format!("No such score was followed yet; the others suggest about {share} % with {event}")
        } else {
            format!("Of those with such a score, about {share} % had {event}")
        };
        format!(
            "{begin} within {horizon_days} {days} (likely {} to {} %; from {} scores, {} with it).",
            percent(self.low),
            percent(self.high),
            count(self.rows),
            count(self.events)
        )
    }
}

/// Maps by what they are for. Of two maps for the same scores, the later one in the list counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CalibrationMaps(Vec<CalibrationMap>);

impl CalibrationMaps {
    /// Takes maps. Of two for the same scores, the later version counts.
    pub fn new(maps: impl IntoIterator<Item = CalibrationMap>) -> Self {
        let mut all: Vec<CalibrationMap> = maps.into_iter().collect();
        all.sort_by(|a, b| (&a.source, a.version).cmp(&(&b.source, b.version)));
        Self(all)
    }

    /// These maps, and others that count before them.
    #[must_use]
    pub fn followed_by(self, others: impl IntoIterator<Item = CalibrationMap>) -> Self {
        let Self(mut all) = self;
        all.extend(Self::new(others).0);
        Self(all)
    }

    /// The map for these scores.
    pub fn get(&self, source: &ScoreSource) -> Option<&CalibrationMap> {
        self.0.iter().rev().find(|map| map.source == *source)
    }

    /// All maps, also replaced ones.
    pub fn iter(&self) -> impl Iterator<Item = &CalibrationMap> {
        self.0.iter()
    }
}

fn sigmoid(logit: f64) -> f64 {
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let odds = logit.exp();
        odds / (1.0 + odds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(version: u32, method: CalibrationMethod, parameters: Vec<f64>) -> CalibrationMap {
        let size = parameters.len();
        CalibrationMap {
            source: ScoreSource {
                alert_type: "t".into(),
                model_used: "scorecard".into(),
                ..ScoreSource::default()
            },
            version,
            curve: CalibrationCurve { method, parameters, covariance: vec![vec![0.01; size]; size] },
            rows: 412,
            events: 95,
            scores: None,
            from: Timestamp::EPOCH,
            until: Timestamp::EPOCH,
            base_rate: 0.23,
            figures: MapFigures {
                rows: 100,
                events: 20,
                log_loss: 0.4,
                log_loss_raw: 0.6,
                log_loss_base_rate: 0.5,
            },
        }
    }

    #[test]
    fn both_methods_keep_the_order_of_every_score() {
        for (method, parameters) in
            [(CalibrationMethod::Platt, vec![-3.0, 4.0]), (CalibrationMethod::Beta, vec![-1.0, 0.4, 0.6])]
        {
            let map = map(1, method, parameters);
            let of = |tenths: u16| map.apply(Number::new(f64::from(tenths) / 10.0).unwrap()).unwrap();
            let all: Vec<f64> = (0..=1000).map(|tenths| of(tenths).probability.get()).collect();
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{method:?}");
            let middle = of(500);
            assert!(middle.low < middle.probability && middle.probability < middle.high);
        }
    }

    #[test]
    fn the_latest_map_of_the_same_scores_counts() {
        let first = map(1, CalibrationMethod::Platt, vec![0.0, 1.0]);
        let second = map(2, CalibrationMethod::Platt, vec![0.0, 2.0]);
        let maps = CalibrationMaps::new([second.clone(), first.clone()]);
        assert_eq!(maps.get(&first.source), Some(&second));
        let other = ScoreSource { prompt: Some("x".into()), ..first.source };
        assert_eq!(maps.get(&other), None);
    }

    #[test]
    fn a_probability_is_said_with_what_it_rests_on_and_is_never_certain() {
        let calibrated = CalibratedScore {
            probability: Number::new(0.234).unwrap(),
            low: Number::new(0.001).unwrap(),
            high: Number::new(0.999).unwrap(),
            map: "v1".into(),
            rows: 4120,
            events: 950,
            extrapolated: None,
        };
        assert_eq!(
            calibrated.sentence("late_payment", 30, |number| format!("<{number}>")),
            "Of those with such a score, about 23 % had late payment within 30 days (likely 1 to 99 %; from <4120> scores, \
             <950> with it)."
        );
        let beyond = CalibratedScore { extrapolated: Some(true), ..calibrated };
        assert_eq!(
            beyond.sentence("churn", 1, |number| number.to_string()),
            "No such score was followed yet; the others suggest about 23 % with churn within 1 day (likely 1 to 99 %; from \
             4120 scores, 950 with it)."
        );
    }

    #[test]
    fn a_score_beyond_those_of_the_map_is_marked() {
        let map = CalibrationMap {
            scores: Some([20.0, 60.0]),
            ..map(1, CalibrationMethod::Platt, vec![-3.0, 4.0])
        };
        for (score, expected) in [(19, Some(true)), (20, None), (60, None), (61, Some(true))] {
            assert_eq!(map.apply(Number::from(score)).unwrap().extrapolated, expected, "{score}");
        }
    }

    #[test]
    fn a_map_is_written_and_read_alike() {
        let map = map(3, CalibrationMethod::Beta, vec![0.1, 0.2, 0.3]);
        let text = serde_json::to_string(&map).unwrap();
        assert!(text.contains(r#""method":"beta","parameters":[0.1,0.2,0.3]"#), "{text}");
        let read = serde_json::from_str::<CalibrationMap>(&text).unwrap();
        assert_eq!(read, map);
        assert!(CalibrationMap { version: 4, ..map.clone() }.is_same_as(&read));
        assert!(!CalibrationMap { rows: 413, ..map }.is_same_as(&read));
    }
}
