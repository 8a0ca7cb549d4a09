//! What is written, and how the reader knows that it is what was written: a number, the time, a
//! pattern, and a last word made of the number.

use std::sync::OnceLock;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` in nanoseconds, the same for all processes.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_nanos() as u64
}

fn mix(number: u64) -> u64 {
    (number ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn pattern(at: usize) -> [u8; 8] {
    mix(at as u64).to_le_bytes()
}

/// Makes records of one size, numbered from 0.
pub(crate) struct Maker {
    bytes: Vec<u8>,
    number: u64,
}

impl Maker {
    pub(crate) fn new(size: usize) -> Self {
        assert!(size >= 32 && size.is_multiple_of(8));
        let bytes = (0..size).step_by(8).flat_map(pattern).collect();
        Self { bytes, number: 0 }
    }

    /// The next record, with the time if it is to be measured.
    pub(crate) fn next(&mut self, timed: bool) -> &[u8] {
        let end = self.bytes.len() - 8;
        self.bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        if timed {
            self.bytes[8..16].copy_from_slice(&now().to_le_bytes());
        }
        self.bytes[end..].copy_from_slice(&mix(self.number).to_le_bytes());
        self.number += 1;
        &self.bytes
    }
}

/// Sees to it that each record comes once, whole and in order.
pub(crate) struct Checker {
    pub(crate) size: usize,
    pub(crate) count: u64,
    pub(crate) next: u64,
    timed: bool,
    /// Of each record, how long it took, in nanoseconds.
    pub(crate) times: Vec<u64>,
}

impl Checker {
    pub(crate) fn new(size: usize, count: u64, timed: bool) -> Self {
        Self { size, count, next: 0, timed, times: Vec::new() }
    }

    pub(crate) fn check(&mut self, record: &[u8]) {
        static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
        let word = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().expect("eight"));
        assert_eq!(record.len(), self.size, "a record of another length came");
        assert_eq!(word(0), self.next, "another record came than was next");
        let end = self.size - 8;
        assert_eq!(word(end), mix(self.next), "record {} came altered", self.next);
        let at = 16 + (self.next as usize * 8) % (end - 16);
        assert_eq!(word(at).to_le_bytes(), pattern(at), "record {} came altered", self.next);
        // All of it now and then, so that checking costs little.
        if self.next.is_multiple_of(64) {
            let whole = PATTERN.get_or_init(|| (0..1 << 16).step_by(8).flat_map(pattern).collect());
            let end = end.min(whole.len());
            assert_eq!(record[16..end], whole[16..end], "record {} came altered", self.next);
        }
        if self.timed {
            self.times.push(now().saturating_sub(word(8)));
        }
        self.next += 1;
    }

    pub(crate) fn is_done(&self) -> bool {
        self.next == self.count
    }
}
