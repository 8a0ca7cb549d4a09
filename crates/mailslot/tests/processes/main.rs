//! What must hold on one computer, tried with real processes.
//!
//! Each case runs in a process of its own, with a directory of slots of its own, and is killed with
//! all that it started when its time is up; whatever it leaves in that directory is a failure. A
//! case makes further processes with [`support::spawn`], and talks to them through
//! [`support::shared`] memory, which no `kill -9` takes back.
//!
//! `MAILSLOT_TEST_SCALE=10` makes the long cases ten times as long.

// The tests' own processes: fork, shared counters, what the kernel says about them.
#![allow(clippy::multiple_unsafe_ops_per_block)]

mod forks;
mod hand_over;
mod idle;
mod kills;
mod limits;
mod memory;
mod model;
mod names;
mod order;
mod poll;
mod records;
mod sharing;
mod stopped;
mod support;
mod threads;
mod users;
mod waiting;

fn main() -> std::process::ExitCode {
    let cases = [
        records::CASES,
        waiting::CASES,
        threads::CASES,
        poll::CASES,
        order::CASES,
        kills::CASES,
        stopped::CASES,
        memory::CASES,
        idle::CASES,
        sharing::CASES,
        model::CASES,
        names::CASES,
        users::CASES,
        limits::CASES,
        forks::CASES,
        hand_over::CASES,
    ];
    let roles = [records::ROLES, hand_over::ROLES];
    support::run(&cases.concat(), &roles.concat())
}
