//! A small seeded generator (SplitMix64): one seed is one sequence of numbers, on every machine.

use std::ops::Range;
use std::time::Duration;

/// The generator.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator of this member of a family: each has numbers of its own.
    pub fn of(seed: u64, member: u64) -> Self {
        let first = Self(seed).draw();
        Self(Self(first ^ member).draw())
    }

    /// The next number, every one as likely as any other.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below the bound, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    /// A number of the range, which must not be empty.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }

    /// Yes, in so many cases of a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// A duration of this many milliseconds.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// A duration of this many seconds, to the millisecond.
    pub fn secs(&mut self, range: Range<u64>) -> Duration {
        self.millis(range.start * 1000..range.end * 1000)
    }

    /// An index of a list, which must not be empty.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// One of a list, which must not be empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_another_seed_others() {
        let numbers = |mut random: Random| [random.draw(), random.draw(), random.draw()];
        assert_eq!(numbers(Random::new(1)), numbers(Random::new(1)));
        // The reference implementation's first number of the seed 0.
        assert_eq!(Random::new(0).draw(), 0xE220_A839_7B1D_CDAF);
        assert_ne!(numbers(Random::new(1)), numbers(Random::new(2)));
        assert_ne!(numbers(Random::of(1, 0)), numbers(Random::of(1, 1)));
    }

    #[test]
    fn numbers_fill_their_range() {
        let mut random = Random::new(7);
        let drawn: Vec<u64> = (0..1000).map(|_| random.within(3..13)).collect();
        assert!((3..13).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| (3..13).contains(number)));
        let chances = (0..10_000).filter(|_| random.chance(200)).count();
        assert!((1800..2200).contains(&chances), "{chances} of 10000 at 200 per mille");
    }
}
