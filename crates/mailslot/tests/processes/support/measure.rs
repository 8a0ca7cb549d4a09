//! What the kernel says about processes.

use std::time::Duration;

use rustix::process::Pid;
use rustix::time::{ClockId, clock_gettime};

fn read(pid: u32, what: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap()
}

/// Processor time that this thread has used.
pub(crate) fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Processor time that the only thread of a process has used.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let text = read(pid, "schedstat");
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// How often the only thread of a process has gone to sleep of its own accord.
pub(crate) fn switches(pid: u32) -> u64 {
    count(pid, "voluntary_ctxt_switches:")
}

/// How often the only thread of a process has left its processor to others.
pub(crate) fn all_switches(pid: u32) -> u64 {
    switches(pid) + count(pid, "nonvoluntary_ctxt_switches:")
}

fn count(pid: u32, of: &str) -> u64 {
    let text = read(pid, "status");
    let value = text.lines().find_map(|line| line.strip_prefix(of));
    value.unwrap().trim().parse().unwrap()
}

/// Whether the only thread of a process sleeps, or waits for something.
pub(crate) fn sleeps(pid: u32) -> bool {
    read(pid, "stat").contains(") S ")
}

/// Whether a thread of this process does.
pub(crate) fn thread_sleeps(tid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat"));
    stat.is_ok_and(|stat| stat.contains(") S "))
}

pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The rings that a process has mapped.
pub(crate) fn rings(pid: u32) -> usize {
    read(pid, "maps").lines().filter(|line| line.contains("memfd:mailslot-ring")).count()
}

/// Bytes of memory in all rings that a process has mapped, as far as it has touched them.
pub(crate) fn ring_memory(pid: u32) -> u64 {
    let mut inside = false;
    let mut total = 0;
    for line in read(pid, "smaps").lines() {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if !first.ends_with(':') {
            inside = rest.contains("memfd:mailslot-ring");
        } else if inside && matches!(first, "Rss:" | "Swap:") {
            let kilobytes = rest.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
            total += kilobytes * 1024;
        }
    }
    total
}
