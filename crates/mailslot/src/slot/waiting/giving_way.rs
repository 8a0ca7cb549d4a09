//! Whether it pays to let others use this processor instead of sleeping.

use std::time::{Duration, Instant};

/// Whoever takes longer than this has something else to do than to write records.
pub(super) const LONG: Duration = Duration::from_millis(1);

/// How many waits don't give way after one in vain, at first.
const FEW: u32 = 16;

/// At most so many.
const MANY: u32 = 1 << 16;

/// Remembers how it went.
///
/// If a writer wants this processor, giving way is by far the quickest way to its records: no sleep,
/// no waking, and many at a time. If it is somebody else, who needs all he can get,
/// some milliseconds are lost. That nobody tells in advance, so it is tried, ever more seldom while
/// it takes long.
#[derive(Debug, Default)]
pub(super) struct GivingWay {
    /// So many waits won't.
    skip: u32,
    /// After one more in vain.
    penalty: u32,
}

impl GivingWay {
    /// Whether this wait may give way. Asked once for each.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        due
    }

    /// Lets others run. False if that took long.
    pub(super) fn give(&mut self) -> bool {
        self.note(let_others_run())
    }

    fn note(&mut self, took: Duration) -> bool {
        let quick = took <= LONG;
        if quick {
            self.penalty /= 2;
        } else {
            self.penalty = (self.penalty * 2).clamp(FEW, MANY);
            self.skip = self.penalty;
        }
        quick
    }
}

/// Gives up the processor for once, and says for how long.
pub(super) fn let_others_run() -> Duration {
    let start = Instant::now();
    std::thread::yield_now();
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many waits pass before one gives way.
    fn skipped(way: &mut GivingWay) -> u32 {
        (0..).find(|_| way.is_due()).unwrap()
    }

    #[test]
    fn what_is_quick_is_done_each_time() {
        let mut way = GivingWay::default();
        for _ in 0..10 {
            assert!(way.is_due());
            assert!(way.note(LONG));
        }
    }

    #[test]
    fn what_takes_long_is_done_ever_more_seldom() {
        let mut way = GivingWay::default();
        let mut expected = FEW;
        for _ in 0..20 {
            assert!(!way.note(2 * LONG));
            assert_eq!(skipped(&mut way), expected);
            expected = (expected * 2).min(MANY);
        }
        for _ in 0..20 {
            way.note(LONG);
            assert!(way.is_due());
        }
        way.note(2 * LONG);
        assert_eq!(skipped(&mut way), FEW);
    }
}
