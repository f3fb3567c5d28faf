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
