//! x
mod clock;
mod simulate;
mod sqlite;
fn main() {}
