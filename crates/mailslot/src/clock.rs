//! The clock that orders records.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// `CLOCK_MONOTONIC` in nanoseconds: the same on every processor, for every process.
#[inline]
pub(crate) fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

#[inline]
fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The time of day at which the clock showed `stamp`. A stamp from the future counts as now.
pub(crate) fn time_of_day(stamp: u64) -> SystemTime {
    let now = SystemTime::now();
    let age = Duration::from_nanos(self::now().saturating_sub(stamp));
    now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH)
}
