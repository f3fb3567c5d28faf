//! `portend` with models, over real HTTP.

#![expect(clippy::indexing_slicing, reason = "a test that finds nothing there has failed")]

#[path = "portend/models.rs"]
mod models;
