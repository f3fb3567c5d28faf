//! Small functions of numbers: means, the logistic function, ranks and the distributions that tests and intervals need.

use crate::limits::Z_95;

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "a count of rows is below 2^53")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// The mean. `None` of nothing.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / float(values.len()))
}

/// The logistic function, without overflow.
pub(crate) fn sigmoid(logit: f64) -> f64 {
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let odds = logit.exp();
        odds / (1.0 + odds)
    }
}

/// `ln(1 + e^logit)`, without overflow.
pub(crate) fn log1p_exp(logit: f64) -> f64 {
    logit.max(0.0) + (-logit.abs()).exp().ln_1p()
}

/// The inverse of [`sigmoid`].
pub(crate) fn logit(probability: f64) -> f64 {
    probability.ln() - (-probability).ln_1p()
}

/// Wilson's interval of 95 % for a share. `None` if there are no rows.
pub(crate) fn wilson(events: usize, rows: usize) -> Option<(f64, f64)> {
    if rows == 0 {
        return None;
    }
    let (n, z2) = (float(rows), Z_95 * Z_95);
    let rate = float(events) / n;
    let centre = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
    let low = if events == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if events == rows { 1.0 } else { (centre + half).min(1.0) };
    Some((low, high))
}

/// The indices of the values in ascending order. Equal values stay in their order.
pub(crate) fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let at = |index: &usize| values.get(*index).copied().unwrap_or(f64::NAN);
    order.sort_by(|a, b| at(a).total_cmp(&at(b)));
    order
}

/// The ranks from 1 on. Equal values share the mean of their ranks.
pub(crate) fn midranks(values: &[f64]) -> Vec<f64> {
    let order = ascending(values);
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for ties in order.chunk_by(|a, b| values.get(*a) == values.get(*b)) {
        let rank = float(start) + f64::midpoint(float(ties.len()), 1.0);
        for index in ties {
            if let Some(slot) = ranks.get_mut(*index) {
                *slot = rank;
            }
        }
        start += ties.len();
    }
    ranks
}

/// The probability that a normal value is at least this far from zero, on either side.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    1.0 - gamma_p(0.5, z * z / 2.0)
}

/// The probability that a chi-square variable with this many degrees of freedom exceeds `x`.
pub(crate) fn chi_square_tail(x: f64, degrees: usize) -> f64 {
    1.0 - gamma_p(float(degrees) / 2.0, x / 2.0)
}

/// The regularized lower incomplete gamma function, by its series or by its continued fraction.
#[expect(clippy::many_single_char_names, reason = "the names of the method's description")]
fn gamma_p(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    if x <= 0.0 {
        return 0.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut step) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-17 {
            step += 1.0;
            term *= x / step;
            sum += term;
        }
        return sum * scale;
    }
    // Lentz's method for the upper function.
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = numerator * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + numerator / c;
        if c.abs() < TINY {
            c = TINY;
        }
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - scale * fraction
}

/// The logarithm of the gamma function, for positive values: Stirling's series after a shift to 10 or more.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let x2 = x * x;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x * x2) + 1.0 / (1260.0 * x * x2 * x2)
        - 1.0 / (1680.0 * x * x2 * x2 * x2)
        + 1.0 / (1188.0 * x * x2 * x2 * x2 * x2)
        - 691.0 / (360_360.0 * x * x2 * x2 * x2 * x2 * x2);
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distributions_are_those_of_the_tables() {
        for (z, p) in
            [(0.0, 1.0), (Z_95, 0.05), (1.0, 0.317_310_507_862_914), (4.0, 6.334_248_366_623_973e-5)]
        {
            assert!((two_sided_p(z) - p).abs() < 1e-13, "{z}: {}", two_sided_p(z));
        }
        for (degrees, point) in
            [(1, 6.634_896_601_021_213), (9, 21.665_994_333_461_93), (30, 50.892_181_311_517_1)]
        {
            assert!((chi_square_tail(point, degrees) - 0.01).abs() < 1e-12, "{degrees}");
        }
    }

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(midranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn wilson_has_no_negative_end() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(0, 20).map(|(low, _)| low), Some(0.0));
        assert_eq!(wilson(20, 20).map(|(_, high)| high), Some(1.0));
        let (low, high) = wilson(8, 40).expect("there are rows");
        assert!((low - 0.104_999_9).abs() < 1e-6 && (high - 0.347_573_1).abs() < 1e-6, "{low} {high}");
    }
}
