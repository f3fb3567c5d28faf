//! Runs the contract tests of every store.

use crate::store::{fresh, run};

portend_testing::store_contract!(run, run(fresh()));
