//! Every limit of the evaluation, with its unit and its reason.

/// The fewest events, and the fewest rows without one, for an AUC and for a calibration map. With fewer, the interval
/// covers almost every value.
pub const CLASS_ROWS_MIN: usize = 10;
/// The fewest rows for a calibration error, which are ten in each of ten bins.
pub const ECE_ROWS_MIN: usize = 100;
/// The bins of the reliability table.
pub const BINS: u8 = 10;
/// Probabilities are at least this, and at most one minus this, where a logarithm is taken of them. A single score of
/// 0 or 100 that was wrong would otherwise decide the whole figure.
pub const PROBABILITY_MIN: f64 = 0.005;
/// The 97.5 % point of the normal distribution, for intervals of 95 %.
pub const Z_95: f64 = 1.959_963_984_540_054;
/// Steps of Newton's method. It needs about ten if there is a solution.
pub const NEWTON_STEPS_MAX: usize = 100;
/// The largest logit of a fitted coefficient. A larger one means that there is no finite solution.
pub const COEFFICIENT_MAX: f64 = 1e4;
/// The fewest events for beta calibration, which has one parameter more than Platt's.
pub const BETA_EVENTS_MIN: usize = 100;
/// The ridge on the standardized slope of Platt's curve.
pub const PLATT_RIDGE: f64 = 4.0;
/// The least slope of a curve that rises.
pub const SLOPE_MIN: f64 = 1e-6;
/// The share of the rows, from the earliest on, that a map is fitted to before it is judged on the rest.
pub const MAP_LEARN_SHARE: f64 = 0.7;
/// The fewest rows with the event, and the fewest without, for a fitted table.
pub const FIT_CLASS_ROWS_MIN: usize = 50;
/// Quantiles of all rows, and as many of the rows with the event, at which a fact is first divided.
pub const PREBINS: u8 = 20;
/// Rows of points for one fact.
pub const POINT_ROWS_MAX: usize = 5;
/// The least share of the rows that a row of points is about.
pub const POINT_ROW_SHARE_MIN: f64 = 0.01;
/// Rows of the fact's mean that are added to each value of an enum, so that a rare value does not get extreme points.
pub const PSEUDO_ROWS: f64 = 20.0;
/// The fewest points, before rounding, that a fact must add at most to stay in the table.
pub const FACT_POINTS_MIN: f64 = 1.5;
/// The ridge of a fitted table, and of the logistic regression beside it.
pub const FIT_RIDGE: f64 = 1.0;
/// The share of the rows that a table is not fitted to, so that it can be judged on them.
pub const HELD_OUT_SHARE: f64 = 0.3;
/// Two facts whose rank correlation is beyond this say the same.
pub const SAME_FACT_CORRELATION: f64 = 0.95;
/// The fewest entities in each sample for a test of drift.
pub const DRIFT_ENTITIES_MIN: usize = 50;
/// The probability of a false alarm, over all facts of an alert type together.
pub const DRIFT_LEVEL: f64 = 0.01;
/// The least population stability index that matters.
pub const DRIFT_PSI_MIN: f64 = 0.1;
/// A score that moved by more points than this has moved much.
pub const SHIFT_LARGE: f64 = 10.0;
/// The share of the alerts with the highest scores that somebody looks at first.
pub const TOP_SHARE: f64 = 0.1;
