//! One entity's random numbers: whole numbers alone, so that every machine draws the same.
//!
//! Takes: the run's seed and the number of the entity's stream.
//! Gives: Bernoulli trials, uniform and triangular draws, and random ids.
//! Never: uses floating point, the machine's own randomness, or another entity's stream.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A chance is written in parts per million; this one is certain.
pub(crate) const CERTAIN_PPM: i64 = 1_000_000;

/// The generator gives 32 bits at a time; a draw scales them down to its range.
const DRAW_BITS: u32 = 32;

/// One entity's stream. `ChaCha` numbers its streams, so each entity has its own of one seed, and how many other
/// entities there are changes nothing in it.
///
/// The draws are written here rather than taken from `rand`, whose distributions may change from one release to
/// the next, and the bytes of a run with them.
#[derive(Debug)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream `stream` of the seed `seed`, from its beginning.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// A whole number from 0 up to, and without, `bound`, which is at least 1 and below 2^31. The bias of
    /// scaling 32 bits is below one part in a thousand for every bound that the simulator has.
    fn below(&mut self, bound: i64) -> i64 {
        (i64::from(self.0.next_u32()) * bound) >> DRAW_BITS
    }

    /// A whole number from `low` to `high`, both included, each as likely as the others.
    pub(crate) fn uniform(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low + 1)
    }

    /// A whole number from `low` to `high`, both included, likeliest at `mode`. The larger of two uniform draws
    /// rises in a straight line to its upper end; `mode` has one such slope on each side.
    pub(crate) fn triangular(&mut self, low: i64, mode: i64, high: i64) -> i64 {
        if self.below(high - low + 1) < mode - low {
            low + self.uniform(0, mode - low).max(self.uniform(0, mode - low))
        } else {
            high - self.uniform(0, high - mode).max(self.uniform(0, high - mode))
        }
    }

    /// Whether something happens that has a chance of `ppm` parts per million.
    pub(crate) fn happens(&mut self, ppm: i64) -> bool {
        self.below(CERTAIN_PPM) < ppm
    }

    /// 128 random bits, for an event's id.
    pub(crate) fn bits(&mut self) -> u128 {
        u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: i64 = 20_000;

    #[test]
    fn a_stream_repeats_itself_and_differs_from_its_neighbours() {
        let first = |seed, stream| Draw::new(seed, stream).bits();
        assert_eq!(first(7, 3), first(7, 3));
        assert_ne!(first(7, 3), first(7, 4));
        assert_ne!(first(7, 3), first(8, 3));
    }

    #[test]
    fn a_uniform_draw_reaches_both_ends_and_nothing_beyond() {
        let mut draw = Draw::new(1, 0);
        let drawn: Vec<i64> = (0..DRAWS).map(|_| draw.uniform(-3, 3)).collect();
        assert_eq!(drawn.iter().min(), Some(&-3));
        assert_eq!(drawn.iter().max(), Some(&3));
    }

    #[test]
    fn a_triangular_draw_stays_in_range_and_has_the_mean_of_its_three_corners() {
        let mut draw = Draw::new(1, 0);
        for (low, mode, high) in [(0, 0, 90), (0, 90, 90), (-60, 30, 120), (5, 5, 5)] {
            let drawn: Vec<i64> = (0..DRAWS).map(|_| draw.triangular(low, mode, high)).collect();
            assert!(drawn.iter().all(|value| (low..=high).contains(value)));
            let mean = drawn.iter().sum::<i64>() / DRAWS;
            assert!((mean - (low + mode + high) / 3).abs() <= 2, "{low} {mode} {high}: {mean}");
        }
    }

    #[test]
    fn a_chance_is_met_about_as_often_as_it_says() {
        let mut draw = Draw::new(1, 0);
        let mut times = |ppm| (0..DRAWS).filter(|_| draw.happens(ppm)).count();
        assert_eq!(times(0), 0);
        assert!((4_700..5_300).contains(&times(250_000)));
        assert_eq!(times(CERTAIN_PPM), 20_000);
    }
}
