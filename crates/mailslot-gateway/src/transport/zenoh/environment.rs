//! What a gateway's process has to be started with, as nothing but its environment can set it.
//!
//! Zenoh's TLS reads from a connection in one thread and writes to it in another, while rustls keeps
//! both in one place (eclipse-zenoh/zenoh#2557). Connections with traffic in both directions break
//! of that every few seconds, and memory may be damaged. It cannot happen if one thread does both. Zenoh
//! lets its environment choose, and nothing else.

/// The variable with which Zenoh's threads are chosen.
pub const VARIABLE: &str = "ZENOH_RUNTIME";
/// What it must be.
pub const SETTING: &str = "(rx: (worker_threads: 1), tx: (handover: rx))";

/// What is not needed, but good: frames and records are large and soon gone, and by itself glibc would give
/// their memory back to the system and take it anew nearly each time, which is a good part of what a gateway
/// does. Up to so many bytes it keeps. Other C libraries don't know these variables.
pub const MEMORY: [(&str, &str); 3] = [
    ("MALLOC_TRIM_THRESHOLD_", "33554432"),
    ("MALLOC_MMAP_THRESHOLD_", "2097152"),
    ("MALLOC_TOP_PAD_", "1048576"),
];

/// Whether this process was started with what it must be started with.
pub fn is_set() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|setting| setting == SETTING)
}
