//! Logistic regression with a ridge and with slopes that may have to be positive, by Newton's method.
//!
//! Never: returns coefficients that have not converged.
#![expect(
    clippy::indexing_slicing,
    reason = "every index is below the size of the matrix that the loop is over"
)]

use crate::limits::{COEFFICIENT_MAX, NEWTON_STEPS_MAX};
use crate::math::{log1p_exp, sigmoid};

/// The relative error of a loss that is summed over many rows.
const LOSS_RESOLUTION: f64 = 1e-10;

/// Rows with the same features.
#[derive(Debug, Clone)]
pub(crate) struct LogisticRow {
    /// The features that are not zero, by number, in ascending order.
    pub(crate) features: Vec<(usize, f64)>,
    pub(crate) rows: f64,
    pub(crate) events: f64,
}

/// What holds for one slope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlopeRule {
    /// `ridge / 2` times the square of the slope is added to the loss.
    pub(crate) ridge: f64,
    pub(crate) non_negative: bool,
}

impl SlopeRule {
    pub(crate) const FREE: Self = Self { ridge: 0.0, non_negative: false };
}

/// A fitted model: `logit = intercept + slopes * features`.
#[derive(Debug, Clone)]
pub(crate) struct LogisticFit {
    pub(crate) intercept: f64,
    pub(crate) slopes: Vec<f64>,
    /// The inverse of the Hessian over the intercept and the slopes. The rows of slopes that are held at zero are zero.
    pub(crate) covariance: Vec<Vec<f64>>,
}

/// The loss and its derivatives at one point. Number 0 is the intercept.
struct Derivatives {
    loss: f64,
    gradient: Vec<f64>,
    hessian: Vec<Vec<f64>>,
}

/// Minimizes the logistic loss. `None` if there is no finite minimum: one class, separated classes or collinear features.
pub(crate) fn fit(rows: &[LogisticRow], rules: &[SlopeRule]) -> Option<LogisticFit> {
    let size = rules.len() + 1;
    let (total, events): (f64, f64) =
        rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.rows, sum.1 + row.events));
    if events <= 0.0 || events >= total {
        return None;
    }
    let mut at = vec![0.0; size];
    at[0] = (events / (total - events)).ln();
    let is_held = |index: usize, at: &[f64], gradient: &[f64]| {
        index > 0 && rules[index - 1].non_negative && at[index] <= 0.0 && gradient[index] >= 0.0
    };
    for _ in 0..NEWTON_STEPS_MAX {
        let now = derivatives(rows, rules, &at);
        let free: Vec<usize> = (0..size).filter(|index| !is_held(*index, &at, &now.gradient)).collect();
        let reduced: Vec<Vec<f64>> =
            free.iter().map(|row| free.iter().map(|column| now.hessian[*row][*column]).collect()).collect();
        let factor = cholesky(&reduced)?;
        let direction: Vec<f64> = free.iter().map(|index| -now.gradient[*index]).collect();
        let direction = solve(&factor, &direction);
        // Where the classes are separated, the gradient vanishes but the steps do not.
        if free.iter().zip(&direction).all(|(index, step)| step.abs() <= 1e-9 * (1.0 + at[*index].abs())) {
            let covariance = inverse(&factor, &free, size);
            return Some(LogisticFit { intercept: at[0], slopes: at[1..].to_vec(), covariance });
        }
        at = stepped(rows, rules, &at, &free, &direction, &now)?;
        if at.iter().any(|value| !value.is_finite() || value.abs() > COEFFICIENT_MAX) {
            return None;
        }
    }
    None
}

/// The inverse of the matrix with this factor, with zeros for the coefficients that are not free.
fn inverse(factor: &[Vec<f64>], free: &[usize], size: usize) -> Vec<Vec<f64>> {
    let mut covariance = vec![vec![0.0; size]; size];
    for (column, index) in free.iter().enumerate() {
        let mut unit = vec![0.0; free.len()];
        unit[column] = 1.0;
        for (row, value) in free.iter().zip(solve(factor, &unit)) {
            covariance[*row][*index] = value;
        }
    }
    covariance
}

/// Goes in the direction as far as the loss falls, and keeps the slopes that must not be negative at zero or above.
fn stepped(
    rows: &[LogisticRow],
    rules: &[SlopeRule],
    at: &[f64],
    free: &[usize],
    direction: &[f64],
    now: &Derivatives,
) -> Option<Vec<f64>> {
    let mut length = 1.0;
    for _ in 0..60 {
        let mut next = at.to_vec();
        for (index, change) in free.iter().zip(direction) {
            next[*index] += length * change;
            if *index > 0 && rules[*index - 1].non_negative {
                next[*index] = next[*index].max(0.0);
            }
        }
        let slope: f64 = (0..at.len()).map(|index| now.gradient[index] * (next[index] - at[index])).sum();
        // Near the minimum, the loss no longer resolves the change, and Newton's step is right.
        let is_unresolved = slope.abs() <= LOSS_RESOLUTION * (1.0 + now.loss.abs());
        if is_unresolved || loss(rows, rules, &next) <= now.loss + 1e-4 * slope {
            return Some(next);
        }
        length /= 2.0;
    }
    None
}

fn logit_of(row: &LogisticRow, at: &[f64]) -> f64 {
    at[0] + row.features.iter().map(|(feature, value)| at[feature + 1] * value).sum::<f64>()
}

fn ridge_loss(rules: &[SlopeRule], at: &[f64]) -> f64 {
    rules.iter().zip(&at[1..]).map(|(rule, slope)| rule.ridge / 2.0 * slope * slope).sum()
}

fn loss(rows: &[LogisticRow], rules: &[SlopeRule], at: &[f64]) -> f64 {
    let of = |row: &LogisticRow| {
        let logit = logit_of(row, at);
        row.rows * log1p_exp(logit) - row.events * logit
    };
    rows.iter().map(of).sum::<f64>() + ridge_loss(rules, at)
}

fn derivatives(rows: &[LogisticRow], rules: &[SlopeRule], at: &[f64]) -> Derivatives {
    let size = at.len();
    let mut gradient = vec![0.0; size];
    let mut hessian = vec![vec![0.0; size]; size];
    let mut loss = ridge_loss(rules, at);
    let mut active: Vec<(usize, f64)> = Vec::with_capacity(size);
    for row in rows {
        let logit = logit_of(row, at);
        let probability = sigmoid(logit);
        loss += row.rows * log1p_exp(logit) - row.events * logit;
        active.clear();
        active.push((0, 1.0));
        active.extend(row.features.iter().map(|(feature, value)| (feature + 1, *value)));
        let (residual, weight) =
            (row.rows * probability - row.events, row.rows * probability * (1.0 - probability));
        for (index, (i, a)) in active.iter().enumerate() {
            gradient[*i] += residual * a;
            let line = &mut hessian[*i];
            for (j, b) in &active[..=index] {
                line[*j] += weight * a * b;
            }
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        gradient[index + 1] += rule.ridge * at[index + 1];
        hessian[index + 1][index + 1] += rule.ridge;
    }
    for row in 1..size {
        let (above, below) = hessian.split_at_mut(row);
        for (mirrored, value) in above.iter_mut().zip(&below[0]) {
            mirrored[row] = *value;
        }
    }
    Derivatives { loss, gradient, hessian }
}

/// The lower factor of a positive definite matrix. `None` if it is not one.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let size = matrix.len();
    let mut factor = vec![vec![0.0; size]; size];
    for i in 0..size {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            if i == j {
                let square = matrix[i][i] - sum;
                if square <= matrix[i][i].abs() * 1e-13 || !square.is_finite() {
                    return None;
                }
                factor[i][i] = square.sqrt();
            } else {
                factor[i][j] = (matrix[i][j] - sum) / factor[j][j];
            }
        }
    }
    Some(factor)
}

fn solve(factor: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let size = factor.len();
    let mut solution = right.to_vec();
    for i in 0..size {
        let sum: f64 = (0..i).map(|k| factor[i][k] * solution[k]).sum();
        solution[i] = (solution[i] - sum) / factor[i][i];
    }
    for i in (0..size).rev() {
        let sum: f64 = (i + 1..size).map(|k| factor[k][i] * solution[k]).sum();
        solution[i] = (solution[i] - sum) / factor[i][i];
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(data: &[(f64, bool)]) -> Vec<LogisticRow> {
        let row = |(x, y): &(f64, bool)| LogisticRow {
            features: vec![(0, *x)],
            rows: 1.0,
            events: f64::from(u8::from(*y)),
        };
        data.iter().map(row).collect()
    }

    #[test]
    fn separated_classes_and_one_class_have_no_fit() {
        for data in [
            vec![(1.0, false), (2.0, false), (3.0, true), (4.0, true)],
            vec![(1.0, true), (2.0, true)],
            vec![(1.0, true), (1.0, false)],
        ] {
            assert!(fit(&rows(&data), &[SlopeRule::FREE]).is_none(), "{data:?}");
        }
    }

    #[test]
    fn many_rows_converge_as_few_do() {
        let few: Vec<(f64, bool)> =
            (0..400_u32).map(|i| (f64::from(i % 97) / 97.0, (i * 7919) % 101 < 20 + i % 60)).collect();
        let many: Vec<(f64, bool)> = few.iter().cycle().take(400 * 500).copied().collect();
        let of = |data: &[(f64, bool)]| fit(&rows(data), &[SlopeRule::FREE]).expect("it converges");
        let (few, many) = (of(&few), of(&many));
        assert!(
            (few.slopes[0] - many.slopes[0]).abs() < 1e-9 && (few.intercept - many.intercept).abs() < 1e-9
        );
    }

    #[test]
    fn a_slope_that_must_not_be_negative_is_zero_where_it_would_be() {
        let data = rows(&[
            (1.0, true),
            (2.0, true),
            (2.0, false),
            (3.0, false),
            (1.0, false),
            (3.0, true),
            (4.0, false),
        ]);
        let free = fit(&data, &[SlopeRule::FREE]).expect("it converges");
        assert!(free.slopes[0] < 0.0);
        let held = fit(&data, &[SlopeRule { ridge: 0.0, non_negative: true }]).expect("it converges");
        assert!(held.slopes[0].abs() < 1e-12);
        assert!((sigmoid(held.intercept) - 3.0 / 7.0).abs() < 1e-9);
    }
}
