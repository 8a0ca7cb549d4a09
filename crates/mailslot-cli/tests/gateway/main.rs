//! Computers that belong together: real gateways, and the commands that use them. On loopback each
//! computer is a directory of slots and one of configuration; in network namespaces it is one.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

mod activation;
mod confirmed;
mod crowd;
mod cuts;
mod direct;
mod disk;
mod ends;
mod independent;
mod lan;
mod lines;
mod load;
mod loopback;
mod metrics;
mod namespaces;
mod python;
mod questions;
mod routers;
mod strangers;
mod units;
mod users;
mod util;

/// Most of them mostly wait.
const AT_ONCE: usize = 3;

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
    loopback::peers_that_cannot_be_connected_to,
    loopback::signals,
    loopback::a_killed_gateway_comes_back,
    loopback::killed_gateways_double_nothing,
    loopback::metrics_and_readiness,
    loopback::reloads_under_load_lose_nothing,
    metrics::a_path_that_is_taken_is_left_alone,
    questions::a_ping_waits_as_long_as_it_says,
    questions::who_asks_much_keeps_nobody_from_the_status,
    metrics::clients_that_are_slow_many_or_mad_hold_up_nobody,
    direct::status_says_which_way_is_taken,
    activation::who_writes_before_the_gateway_is_up_is_served,
    activation::what_is_no_gateways_socket_is_refused,
];

/// They need Python with Zenoh: see CONTRIBUTING.md.
const WITH_PYTHON: &[Case] = cases![independent::a_client_in_python_is_a_computer_like_any_other];

/// They need systemd's programs, but not systemd.
const WITH_SYSTEMD: &[Case] = cases![units::systemd_finds_nothing_wrong_with_them];

/// They need root, most for network namespaces. The long ones first.
const IN_NAMESPACES: &[Case] = cases![
    cuts::who_is_away_holds_up_nobody,
    cuts::who_is_away_holds_up_nobody_through_zenoh,
    crowd::twenty_computers,
    lines::millions_of_records,
    lines::millions_of_records_through_zenoh,
    lines::a_lossy_line_and_a_slow_one,
    lines::large_records_let_small_ones_pass,
    ends::gateways_and_readers_are_killed,
    confirmed::readers_are_killed,
    confirmed::each_outcome_is_told_as_it_is,
    ends::a_clock_that_is_wrong_by_a_day,
    ends::a_writer_that_ends_at_once,
    namespaces::three_computers_on_a_bridge,
    namespaces::a_pulled_cable_loses_nothing_and_holds_up_nobody,
    namespaces::a_frozen_computer_is_no_answer,
    namespaces::gateways_that_are_up_before_their_network,
    routers::peers_by_address_need_no_multicast,
    users::others_may_use_roots_gateway_and_no_more,
    disk::a_full_disk_stops_no_record,
    direct::a_firewall_in_the_middle_of_a_stream,
    direct::one_behind_a_firewall_is_reached,
];

/// They need both.
const IN_NAMESPACES_WITH_PYTHON: &[Case] = cases![
    routers::computers_on_networks_apart_meet_at_a_router,
    strangers::strangers_get_no_connection,
    strangers::a_member_neither_forges_nor_reads_nor_floods,
    strangers::garbage_on_every_port_harms_nobody,
    strangers::garbage_for_direct_connections_harms_nobody,
    strangers::a_revoked_member_is_out_everywhere_in_time,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let root = rustix::process::geteuid().is_root();
    let required = std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_some();
    assert!(root || !required, "these tests need root");
    let python = python::is_there();
    let required = std::env::var_os("MAILSLOT_REQUIRE_TOOLS").is_some();
    assert!(python || !required, "these tests need Python with Zenoh: see CONTRIBUTING.md");
    let systemd = units::can_be_read();
    assert!(systemd || !required, "these tests need systemd-analyze (Debian: apt install systemd)");
    let trials = [
        (IN_NAMESPACES_WITH_PYTHON, "root, python", root && python),
        (IN_NAMESPACES, "root", root),
        (WITH_PYTHON, "python", python),
        (WITH_SYSTEMD, "systemd", systemd),
        (ON_LOOPBACK, "", true),
    ];
    let trials = trials.into_iter().flat_map(|(cases, kind, possible)| {
        cases.iter().map(move |&(name, case)| {
            let trial = Trial::test(name, move || {
                case();
                Ok(())
            });
            trial.with_ignored_flag(!possible).with_kind(kind)
        })
    });
    let trials = trials.collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
