//! Computers that belong together: real gateways, and the commands that use them. On loopback each
//! computer is a directory of slots and one of configuration; in network namespaces it is one.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

mod crowd;
mod cuts;
mod ends;
mod independent;
mod lan;
mod lines;
mod load;
mod loopback;
mod namespaces;
mod python;
mod util;

/// Most of them mostly wait.
const AT_ONCE: usize = 4;

type Case = (&'static str, fn());

macro_rules! cases {
    ($($module:ident :: $case:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($case)), $module::$case)),*]
    };
}

const ON_LOOPBACK: &[Case] = cases![
    loopback::every_form_of_a_name_reaches_its_computers,
    loopback::what_there_is_on_other_computers,
    loopback::an_invited_computer_can_be_written_to,
    loopback::a_revoked_computer_is_out,
    loopback::signals,
    loopback::a_killed_gateway_comes_back,
    loopback::killed_gateways_double_nothing,
    loopback::metrics_and_readiness,
];

/// They need Python with Zenoh: see CONTRIBUTING.md.
const WITH_PYTHON: &[Case] = cases![independent::a_client_in_python_is_a_computer_like_any_other];

/// They need root. The long ones first.
const IN_NAMESPACES: &[Case] = cases![
    cuts::who_is_away_holds_up_nobody,
    crowd::twenty_computers,
    lines::millions_of_records,
    lines::a_lossy_line_and_a_slow_one,
    ends::gateways_and_readers_are_killed,
    ends::a_clock_that_is_wrong_by_a_day,
    ends::a_writer_that_ends_at_once,
    namespaces::three_computers_on_a_bridge,
    namespaces::a_pulled_cable_loses_nothing_and_holds_up_nobody,
    namespaces::a_frozen_computer_is_no_answer,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let root = rustix::process::geteuid().is_root();
    let required = std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_some();
    assert!(root || !required, "these tests need root");
    let trial = |&(name, case): &Case| {
        Trial::test(name, move || {
            case();
            Ok(())
        })
    };
    let in_namespaces = IN_NAMESPACES.iter().map(trial);
    let in_namespaces = in_namespaces.map(|trial| trial.with_ignored_flag(!root).with_kind("root"));
    let python = python::is_there();
    let required = std::env::var_os("MAILSLOT_REQUIRE_TOOLS").is_some();
    assert!(python || !required, "these tests need Python with Zenoh: see CONTRIBUTING.md");
    let with_python = WITH_PYTHON.iter().map(trial);
    let with_python = with_python.map(|t| t.with_ignored_flag(!python).with_kind("python"));
    let on_loopback = ON_LOOPBACK.iter().map(trial);
    let trials = in_namespaces.chain(with_python).chain(on_loopback).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
