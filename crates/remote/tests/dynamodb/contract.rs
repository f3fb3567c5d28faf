//! The suite that every store passes.

use crate::store::{fresh, run};

portend_testing::store_contract!(run, run(fresh()));
