//! Remote names without a network: what the library is to a gateway, and a gateway to writers.
//!
//! Each case runs as those in `../processes` do; its gateway is a process that uses nothing but
//! `mailslot::gateway`. Some cases need root, to be other users. Without it they say so and pass, or
//! fail if `MAILSLOT_REQUIRE_ROOT=1`.

mod confirmed;
mod forwarding;
mod gateway;
mod hostile;
#[path = "../processes/support/mod.rs"]
#[allow(dead_code, unused_imports, clippy::multiple_unsafe_ops_per_block)]
mod support;
mod users;
mod writers;

fn main() -> std::process::ExitCode {
    let cases = [writers::CASES, confirmed::CASES, forwarding::CASES, users::CASES, hostile::CASES];
    support::run(&cases.concat(), &[])
}
