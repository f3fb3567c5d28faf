//! The random draws of one entity: Bernoulli, uniform and triangular, in whole numbers, so that every machine draws the
//! same.
//!
//! Never: uses floating point, the randomness of the machine, or the stream of another entity.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A chance in parts per million that is certain.
pub(crate) const CERTAIN_PPM: i64 = 1_000_000;

/// The bits of one draw from the generator. They are scaled down to the range of the draw.
const DRAW_BITS: u32 = 32;

/// The random stream of one entity. `ChaCha` has numbered streams for each seed, so an entity's stream does not depend
/// on the number of other entities.
///
/// The distributions are implemented here, because those of `rand` may change from one release to the next, and the
/// bytes of a run would change with them.
#[derive(Debug)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// Starts the stream with this number of this seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Draws a whole number from 0 to `bound`, which is excluded, at least 1 and below 2^31. The bias of scaling 32
    /// bits is below one part in a thousand for every bound in the simulator.
    fn below(&mut self, bound: i64) -> i64 {
        (i64::from(self.0.next_u32()) * bound) >> DRAW_BITS
    }

    /// Draws a whole number from `low` to `high`, both included, with equal chances.
    pub(crate) fn uniform(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low + 1)
    }

    /// Draws a whole number from `low` to `high`, both included, most likely at `mode`. The density of the larger of
    /// two uniform draws rises linearly. It is used for the slope on each side of `mode`.
    pub(crate) fn triangular(&mut self, low: i64, mode: i64, high: i64) -> i64 {
        if self.below(high - low + 1) < mode - low {
            low + self.uniform(0, mode - low).max(self.uniform(0, mode - low))
        } else {
            high - self.uniform(0, high - mode).max(self.uniform(0, high - mode))
        }
    }

    /// Draws whether something with a chance of `ppm` parts per million happens.
    pub(crate) fn happens(&mut self, ppm: i64) -> bool {
        self.below(CERTAIN_PPM) < ppm
    }

    /// Draws 128 random bits, for the id of an event.
    pub(crate) fn bits(&mut self) -> u128 {
        u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: i64 = 20_000;

    #[test]
    fn a_stream_is_repeatable_and_differs_from_other_streams() {
        let first = |seed, stream| Draw::new(seed, stream).bits();
        assert_eq!(first(7, 3), first(7, 3));
        assert_ne!(first(7, 3), first(7, 4));
        assert_ne!(first(7, 3), first(8, 3));
    }

    #[test]
    fn a_uniform_draw_includes_both_ends_and_nothing_beyond() {
        let mut draw = Draw::new(1, 0);
        let drawn: Vec<i64> = (0..DRAWS).map(|_| draw.uniform(-3, 3)).collect();
        assert_eq!(drawn.iter().min(), Some(&-3));
        assert_eq!(drawn.iter().max(), Some(&3));
    }

    #[test]
    fn a_triangular_draw_is_in_range_and_has_the_mean_of_its_three_corners() {
        let mut draw = Draw::new(1, 0);
        for (low, mode, high) in [(0, 0, 90), (0, 90, 90), (-60, 30, 120), (5, 5, 5)] {
            let drawn: Vec<i64> = (0..DRAWS).map(|_| draw.triangular(low, mode, high)).collect();
            assert!(drawn.iter().all(|value| (low..=high).contains(value)));
            let mean = drawn.iter().sum::<i64>() / DRAWS;
            assert!((mean - (low + mode + high) / 3).abs() <= 2, "{low} {mode} {high}: {mean}");
        }
    }

    #[test]
    fn something_happens_about_as_often_as_its_chance() {
        let mut draw = Draw::new(1, 0);
        let mut times = |ppm| (0..DRAWS).filter(|_| draw.happens(ppm)).count();
        assert_eq!(times(0), 0);
        assert!((4_700..5_300).contains(&times(250_000)));
        assert_eq!(times(CERTAIN_PPM), 20_000);
    }
}
