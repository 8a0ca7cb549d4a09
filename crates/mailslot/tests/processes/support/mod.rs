//! What all cases use.

mod harness;
mod measure;
mod process;
mod record;

use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mailslot::{Mailslot, MailslotOptions, MailslotWriter};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::{Resource, getrlimit, setrlimit};

pub(crate) use harness::{Case, Role, names_in, program, run, scale};
pub(crate) use measure::{
    all_switches, cpu_time, open_descriptors, ring_memory, rings, sleeps, switches,
    thread_cpu_time, thread_sleeps,
};
pub(crate) use process::{Process, User, fork, keep_to_one_processor, outlive_parent, spawn};
pub(crate) use record::{check, fill, number};

/// The slot that most cases use.
pub(crate) const NAME: &str = r"\\.\mailslot\taxes\sue";

/// Longer than anything here takes on a busy machine; only failures wait for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);

/// Creates [`NAME`], with the quota given.
pub(crate) fn slot(quota: u64) -> Mailslot {
    Mailslot::options().quota(quota).create(NAME).unwrap()
}

/// Creates [`NAME`] so that it can be handed over, with the quota given.
pub(crate) fn inheritable_slot(quota: u64) -> Mailslot {
    Mailslot::options().quota(quota).inheritable(true).create(NAME).unwrap()
}

/// The options of both kinds of slot.
pub(crate) fn both_kinds() -> [MailslotOptions; 2] {
    let mut inheritable = MailslotOptions::new();
    inheritable.inheritable(true);
    [MailslotOptions::new(), inheritable]
}

/// A writer to [`NAME`].
pub(crate) fn writer() -> MailslotWriter {
    MailslotWriter::open(NAME).unwrap()
}

/// A writer that waits where the reader can't keep up: to be let in, and for room.
pub(crate) fn patient_writer() -> MailslotWriter {
    MailslotWriter::options().wait_when_full(PATIENCE).open(NAME).unwrap()
}

/// Words, all zero, that this process and those it starts afterwards share. Whatever one of them
/// has stored there survives its end.
pub(crate) fn shared(words: usize) -> &'static [AtomicU64] {
    let prot = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a null hint lets the kernel choose an unused range; it is never unmapped, zeroed,
    // aligned to a page, large enough, and used through these atomics only.
    unsafe {
        let at = rustix::mm::mmap_anonymous(ptr::null_mut(), words * 8, prot, MapFlags::SHARED);
        std::slice::from_raw_parts(at.unwrap().cast::<AtomicU64>(), words)
    }
}

/// Half words of that kind, for futexes.
pub(crate) fn shared_halves(halves: usize) -> &'static [AtomicU32] {
    let words = shared(halves.div_ceil(2));
    // SAFETY: the words are shared for ever and used as halves only; they are aligned for that, and
    // at least so many.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<AtomicU32>(), halves) }
}

/// Waits until `condition` holds, in vain for a while at most.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    let mut pause = Duration::from_micros(20);
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// Waits until a word that other processes share has reached `value`.
#[track_caller]
pub(crate) fn wait_for(word: &AtomicU64, value: u64) {
    wait_until("another process's progress", || word.load(Ordering::Acquire) >= value);
}

/// For hot waits of processes that take turns: spins a little, then lets others run.
pub(crate) fn yield_until(mut condition: impl FnMut() -> bool) {
    loop {
        for _ in 0..50 {
            if condition() {
                return;
            }
            std::hint::spin_loop();
        }
        std::thread::yield_now();
    }
}

/// Random numbers (xorshift); the seed is printed, and shown where the case fails.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let mut seed = [0; 8];
        rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty()).unwrap();
        let seed = u64::from_ne_bytes(seed) | 1;
        println!("seed {seed:#x}");
        Self(seed)
    }

    /// One that is the same in each run with the same seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 up to, but not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }
}

/// Whether this is root, as some cases need. Says if it is not, and fails if it should be.
pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        assert!(std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_none(), "this case needs root");
        eprintln!("skipped: needs root");
    }
    root
}

/// Raises the limit of descriptors to `needed`, and says if this user may not; root must.
pub(crate) fn may_have_descriptors(needed: u64) -> bool {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return true;
    }
    if rustix::process::geteuid().is_root() {
        limit.maximum = limit.maximum.map(|maximum| maximum.max(needed));
    }
    limit.current = Some(needed);
    let raised = setrlimit(Resource::Nofile, limit).is_ok();
    if !raised {
        let required = std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_some();
        assert!(!required, "this case needs {needed} descriptors");
        eprintln!("skipped: needs {needed} descriptors, more than this user may have");
    }
    raised
}
