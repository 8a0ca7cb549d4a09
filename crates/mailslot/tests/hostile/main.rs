//! What must hold against hostile writers, readers and users, and at the limits of the machine.
//!
//! Each case runs as those in `../processes` do. Some need root: other users, file systems of their
//! own. Without it they say so and pass, or fail if `MAILSLOT_REQUIRE_ROOT=1`.

// The attackers' own protocol: shared memory, users, limits.
#![allow(clippy::multiple_unsafe_ops_per_block)]

mod descriptors;
mod floods;
mod messages;
mod raw;
mod readers;
mod rings;
mod siege;
#[path = "../processes/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;

fn main() -> std::process::ExitCode {
    let cases = [messages::CASES, descriptors::CASES, rings::CASES, floods::CASES, readers::CASES];
    support::run(&cases.concat(), &[])
}
