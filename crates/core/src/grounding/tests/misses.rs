//! What the checker is known to get wrong. A row that it gets right moves to the labelled explanations.

use super::Case;
use super::Given::{Balance, Calls, Health};

/// Texts with the quotes that the checker reports, which are wrong.
pub(super) const KNOWN: &[Case] = &[
    // An end of a range that is a coincidence.
    (Calls(5.0, 65.0), 72.0, "Health is 35% away from where it should be.", &[]),
    // Something else of the same unit.
    (Calls(5.0, 65.0), 72.0, "All 5 calls were about the same tutor.", &[]),
    // The other subject is not named.
    (Balance("high_demand", 92.5, 20.0), 85.0, "It is at 20, the other one at 92.5.", &[]),
    // Other fractions than a half.
    (Balance("high_demand", 80.0, 60.0), 60.0, "Supply is a third of demand.", &[]),
    // `Over` that means during.
    (Calls(5.0, 65.0), 72.0, "The problem was explained over 5 calls.", &["5 calls"]),
    // A share of one other thing.
    (Calls(5.0, 65.0), 72.0, "The family used 65% of the contract.", &[]),
    // A hedge after a ratio.
    (Balance("high_demand", 80.0, 35.0), 70.0, "Demand is twice the supply, roughly.", &["twice"]),
    // A window without its unit, in another part of the sentence.
    (Health(40.0, 1.0, 6.0), 74.0, "The calls cover 14 days and the sessions only 7.", &["7"]),
    // Number words of other languages.
    (Calls(5.0, 65.0), 72.0, "La familia llamó ocho veces en los últimos 14 días.", &[]),
];
