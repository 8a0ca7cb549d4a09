//! Simulated networks. A failing seed is printed; `MAILSLOT_SEEDS` asks for more of them, and
//! `MAILSLOT_SEED` for one.

use super::*;

mod faults;
mod held;
mod hostile;
mod names;
mod plain;
mod world;

use world::{Faults, World, outcome_of};

/// Runs `test` with many seeds, and says which one fails.
fn seeds(usual: u64, test: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("MAILSLOT_SEED") {
        return test(seed);
    }
    for seed in 0..number("MAILSLOT_SEEDS").unwrap_or(usual) {
        // Shown only if the test fails, and then the last one is the one.
        println!("MAILSLOT_SEED={seed}");
        test(seed);
    }
}
