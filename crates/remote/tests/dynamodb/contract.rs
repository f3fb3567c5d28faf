//! Runs the contract tests of every store, and compares random operations with the reference.

use portend_testing::compare::compare;
use portend_testing::memory::MemoryStore;

use crate::store::{fresh, run};

portend_testing::store_contract!(run, run(fresh()));

/// With colliding keys, stale leases and a clock that jumps.
#[test]
fn a_table_responds_as_the_reference_does() {
    for seed in 0..10 {
        let (store, _table) = run(fresh());
        run(compare(&MemoryStore::new(), &store, seed, 150));
    }
}
