//! Kendall's tau-b of two columns, in time `n log n`, by Knight's method.

use crate::math::float;

/// Kendall's tau-b. `None` if one of the columns is constant.
pub(crate) fn tau_b(a: &[f64], b: &[f64]) -> Option<f64> {
    // Minus zero is zero.
    let mut pairs: Vec<(f64, f64)> = a.iter().zip(b).map(|(x, y)| (x + 0.0, y + 0.0)).collect();
    pairs.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
    let total = pairs_of(pairs.len());
    let tied_a = tied(&pairs, |x, y| x.0.total_cmp(&y.0).is_eq());
    let tied_both = tied(&pairs, |x, y| x.0.total_cmp(&y.0).is_eq() && x.1.total_cmp(&y.1).is_eq());
    let mut seconds: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let mut spare = seconds.clone();
    let discordant = sort_and_count(&mut seconds, &mut spare);
    let tied_b = tied(&seconds, |x, y| x.total_cmp(y).is_eq());
    let concordant = total - tied_a - tied_b + tied_both - discordant;
    let scale = ((total - tied_a) * (total - tied_b)).sqrt();
    (scale > 0.0).then(|| ((concordant - discordant) / scale).clamp(-1.0, 1.0))
}

fn pairs_of(count: usize) -> f64 {
    float(count) * (float(count) - 1.0) / 2.0
}

fn tied<T>(sorted: &[T], same: impl FnMut(&T, &T) -> bool) -> f64 {
    sorted.chunk_by(same).map(|ties| pairs_of(ties.len())).sum()
}

/// Sorts by merging, and counts the pairs in which the earlier value is the greater one.
fn sort_and_count(values: &mut [f64], spare: &mut [f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let half = values.len() / 2;
    let (left, right) = values.split_at_mut(half);
    let (spare_left, spare_right) = spare.split_at_mut(half);
    let mut inversions = sort_and_count(left, spare_left) + sort_and_count(right, spare_right);
    let (mut left, mut right) = (&*left, &*right);
    for slot in spare.iter_mut() {
        let take_right = match (left.first(), right.first()) {
            (Some(a), Some(b)) => b < a,
            (None, _) => true,
            (Some(_), None) => false,
        };
        let from = if take_right { &mut right } else { &mut left };
        if let Some((first, rest)) = from.split_first() {
            *slot = *first;
            *from = rest;
        }
        if take_right {
            inversions += float(left.len());
        }
    }
    values.copy_from_slice(spare);
    inversions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_all_pairs_counted_one_by_one() {
        let a: Vec<f64> = (0..60_u16).map(|i| f64::from(i * 37 % 11)).collect();
        let b: Vec<f64> = (0..60_u16).map(|i| f64::from(i * 23 % 7) + f64::from(i * 37 % 11) / 2.0).collect();
        let (mut sum, mut free_a, mut free_b) = (0.0, 0.0, 0.0);
        for i in 0..60 {
            for j in 0..i {
                let (x, y) = ((a[i] - a[j]).partial_cmp(&0.0), (b[i] - b[j]).partial_cmp(&0.0));
                let sign =
                    |order: Option<std::cmp::Ordering>| order.map_or(0.0, |order| f64::from(order as i8));
                sum += sign(x) * sign(y);
                free_a += sign(x).abs();
                free_b += sign(y).abs();
            }
        }
        let expected = sum / f64::sqrt(free_a * free_b);
        assert!((tau_b(&a, &b).expect("neither is constant") - expected).abs() < 1e-12);
        assert_eq!(tau_b(&a, &[1.0; 60]), None);
    }
}
