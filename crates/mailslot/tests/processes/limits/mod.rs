//! The limits of the machine: errors that say which, nothing lost, and all is well when they pass.

mod cgroup;
mod descriptors;
mod file_system;
mod memory;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::support::Case;

pub(crate) const CASES: &[Case] = &[
    Case::new("limits::descriptors_of_one_of_two_holders", descriptors::of_one_of_two_holders),
    Case::new("limits::descriptors_of_a_writer", descriptors::of_a_writer),
    Case::new("limits::descriptors_of_a_creator", descriptors::of_a_creator),
    Case::new("limits::descriptors_of_a_reader", descriptors::of_a_reader),
    Case::new("limits::order_of_new_connections", descriptors::order_of_new_connections),
    Case::new("limits::rings_all_at_once", descriptors::rings_all_at_once).alone(),
    Case::new("limits::a_holder_of_few_descriptors", descriptors::a_holder_of_few),
    // What an ordinary user has in flight in other cases counts against the limit here.
    Case::new("limits::order_among_many", descriptors::order_among_many).alone(),
    Case::new("limits::address_space_of_a_writer", memory::address_space_of_a_writer),
    Case::new("limits::address_space_of_a_reader", memory::address_space_of_a_reader),
    Case::new("limits::address_space_of_a_creator", memory::address_space_of_a_creator),
    Case::new("limits::file_sizes", memory::file_sizes),
    Case::new("limits::a_writer_out_of_memory", cgroup::a_writer_out_of_memory),
    Case::new("limits::a_full_file_system", file_system::full),
    Case::new("limits::no_more_files", file_system::no_more_files),
];

/// Runs `body` while this process may have less of something.
fn limited<T>(what: Resource, most: u64, body: impl FnOnce() -> T) -> T {
    let before = getrlimit(what);
    let mut limit = before;
    limit.current = Some(most);
    setrlimit(what, limit).unwrap();
    let result = body();
    setrlimit(what, before).unwrap();
    result
}

/// The error says what was tried and what to do.
#[track_caller]
fn expect_advice(error: &dyn std::error::Error, advice: &str) {
    let text = error.to_string();
    assert!(text.starts_with("cannot ") && text.contains(r"\\.\mailslot\taxes\sue"), "{text}");
    assert!(text.contains(advice), "{text}");
}
