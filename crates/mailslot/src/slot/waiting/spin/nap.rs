//! How a reader that was woken has slept, and whether it had better looked instead.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::super::Turn;
use super::NAPS;

/// Being woken costs both sides at least as much together as looking for this time.
const SHORT: Duration = Duration::from_micros(10);

/// So many short naps are outweighed by one that wasn't.
const OUTWEIGHED: u32 = 8;

/// All times are nanoseconds of the clock that stamps records.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Nap {
    from: u64,
    to: u64,
    /// When the record that ended it was written, as its writer says.
    written: Option<u64>,
}

impl Nap {
    pub(in super::super) fn new(from: u64, to: u64) -> Self {
        Self { from, to, written: None }
    }

    /// The first record found since was written at `stamp`.
    pub(in super::super) fn ended_by(&mut self, stamp: u64) {
        self.written = self.written.or(Some(stamp));
    }

    /// How long being woken took.
    fn waking(&self) -> Option<u64> {
        self.written.and_then(|at| self.to.checked_sub(at))
    }

    fn is_very_short(&self) -> bool {
        self.to - self.from < SHORT.as_nanos() as u64
    }

    /// True if looking for the record would have cost about as much as being woken did: of two that
    /// answer each other, each waits for as long as the other needs to wake up.
    fn is_short(&self) -> bool {
        let looking = self.written.map(|at| at.saturating_sub(self.from));
        self.is_very_short()
            || self.waking().zip(looking).is_some_and(|(waking, looking)| looking <= 2 * waking)
    }
}

impl Turn {
    /// Takes note of the last nap.
    pub(super) fn count_nap(&mut self) {
        let Some(nap) = self.last_nap.take() else {
            return;
        };
        if let Some(waking) = nap.waking() {
            self.waking = waking.max(self.waking / 8 * 7);
        }
        if nap.is_short() {
            self.naps = (self.naps + 1).min(NAPS);
        } else {
            self.naps = self.naps.saturating_sub(OUTWEIGHED);
        }
        self.naps_in_a_row =
            if nap.is_very_short() { self.naps_in_a_row.saturating_add(1) } else { 0 };
    }
}
