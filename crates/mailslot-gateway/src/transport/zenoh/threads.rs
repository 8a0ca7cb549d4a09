//! Zenoh's threads.
//!
//! Zenoh's TLS reads from a connection in one thread and writes to it in another, while rustls keeps
//! both in one place (eclipse-zenoh/zenoh#2557). Connections with traffic in both directions break
//! of that every few seconds, and memory may be damaged. It cannot happen if one thread does both. Zenoh
//! lets its environment choose, and nothing else, so a process has to be started with it.

/// The variable of the environment.
pub const VARIABLE: &str = "ZENOH_RUNTIME";
/// What it must be.
pub const SETTING: &str = "(rx: (worker_threads: 1), tx: (handover: rx))";

/// Whether this process was started with it.
pub fn are_set() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|setting| setting == SETTING)
}
