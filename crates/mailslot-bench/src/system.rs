//! What the system tells: times, processor use, memory.

use std::fs;

use rustix::process::Pid;
use rustix::thread::CpuSet;
use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` in nanoseconds, the same for all processes.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds of processor time that this process (`RUSAGE_SELF`) or its children have used.
fn used(who: libc::c_int) -> u64 {
    // SAFETY: all fields are integers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: a valid `who` and a place for the answer.
    unsafe { libc::getrusage(who, &raw mut usage) };
    let ns = |t: libc::timeval| t.tv_sec as u64 * 1_000_000_000 + t.tv_usec as u64 * 1000;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}

/// Processor time of this process, all threads.
pub(crate) fn own_cpu() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Processor time of this process and of its children that have ended.
pub(crate) fn family_cpu() -> u64 {
    own_cpu() + used(libc::RUSAGE_CHILDREN)
}

/// Nanoseconds that all processors together were busy, or stolen, since the start of the computer.
pub(crate) fn machine_busy() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|&i| fields.get(i)).sum::<u64>();
    busy * (1_000_000_000 / rustix::param::clock_ticks_per_second())
}

/// Keeps this process to one processor.
pub(crate) fn pin(cpu: usize) -> rustix::io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(None::<Pid>, &set)
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Bytes that a process keeps in memory, shared memory counted in proportion.
fn resident(pid: u32) -> u64 {
    field(&format!("/proc/{pid}/smaps_rollup"), "Pss") * 1024
}

/// Bytes that these processes and the kernel, on their behalf, keep in memory.
pub(crate) fn memory(pids: &[u32]) -> u64 {
    let kernel = field("/proc/meminfo", "Slab") * 1024;
    pids.iter().map(|&pid| resident(pid)).sum::<u64>() + kernel
}

/// Nanoseconds of processor time that another process's threads have used, and how often they have
/// gone to sleep by themselves.
pub(crate) fn activity(pid: u32) -> (u64, u64) {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.fold((0, 0), |(cpu, sleeps), thread| {
        let path = thread.path();
        let text = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        let own: u64 = text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
        let status = path.join("status").display().to_string();
        (cpu + own, sleeps + field(&status, "voluntary_ctxt_switches"))
    })
}

/// Opens as many descriptors as are allowed.
pub(crate) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// What the figures were measured on.
pub(crate) fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let kernel = rustix::system::uname();
    format!("{} × {model}, Linux {}", processors(), kernel.release().to_string_lossy())
}
