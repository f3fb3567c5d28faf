//! The entities that are held out: their insights are stored, and nobody is notified of them.
//!
//! People act on those about whom they worry, so that comparing those with an act and those without shows no effect. An
//! entity is held out by the hash of its id alone, so that the two groups differ by nothing but chance.

use sha2::{Digest, Sha256};

use super::EntityKey;

/// The share of the entities that is held out: 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Holdout(f64);

/// Separates this hash of an entity from every other.
const PURPOSE: &[u8] = b"holdout";

impl Holdout {
    /// A share from 0 (the default: nobody) to 1. `None` for another number.
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// Reads a share, such as `0.05`.
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok().and_then(Self::new)
    }

    /// Whether the entity is held out. A larger share holds out the same entities, and more.
    pub fn contains(self, entity: &EntityKey) -> bool {
        if self.0 <= 0.0 {
            return false;
        }
        let hash = Sha256::new()
            .chain_update(PURPOSE)
            .chain_update([0])
            .chain_update(&entity.entity_type)
            .chain_update([0])
            .chain_update(&entity.entity_id)
            .finalize();
        let number = hash.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        f64::from(number) < self.0 * (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_held_out_and_a_larger_one_contains_it() {
        let entities: Vec<_> = (0..4000).map(|id| EntityKey::new("student", &format!("stu_{id}"))).collect();
        let count = |share: f64| {
            let holdout = Holdout::new(share).unwrap();
            entities.iter().filter(|each| holdout.contains(each)).count()
        };
        assert_eq!((count(0.0), count(1.0)), (0, 4000));
        assert!((350..450).contains(&count(0.1)), "{}", count(0.1));
        let (small, large) = (Holdout::new(0.1).unwrap(), Holdout::new(0.3).unwrap());
        assert!(entities.iter().all(|each| !small.contains(each) || large.contains(each)));
        for wrong in ["-0.1", "1.1", "NaN", "many", ""] {
            assert_eq!(Holdout::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Holdout::parse("0.05"), Holdout::new(0.05));
    }
}
