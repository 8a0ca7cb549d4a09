//! Clocks and `Sleep`.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::border::call;
use crate::types::{Bool, FOR_EVER, FileTime, TRUE};

/// From 1601, where Windows begins, to 1970, in units of 100 ns.
const TO_1970: u64 = 116_444_736_000_000_000;

/// The time of day as Windows counts it.
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    let units = now.tv_sec as i128 * 10_000_000 + i128::from(now.tv_nsec) / 100;
    u64::try_from(units + i128::from(TO_1970)).unwrap_or(0)
}

/// Nanoseconds of the clock that never jumps.
pub(crate) fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Since the computer was started.
fn uptime() -> Duration {
    let up = clock_gettime(ClockId::Boottime);
    Duration::new(up.tv_sec.try_into().unwrap_or(0), up.tv_nsec.try_into().unwrap_or(0))
}

pub(crate) fn sleep(milliseconds: u32) {
    match milliseconds {
        0 => std::thread::yield_now(),
        FOR_EVER => loop {
            std::thread::park();
        },
        _ => std::thread::sleep(Duration::from_millis(milliseconds.into())),
    }
}

#[unsafe(export_name = "mailslot_Sleep")]
extern "C" fn sleep_exported(milliseconds: u32) {
    call((), || {
        sleep(milliseconds);
        Ok(())
    });
}

#[unsafe(export_name = "mailslot_GetTickCount64")]
extern "C" fn get_tick_count_64() -> u64 {
    uptime().as_millis() as u64
}

/// Begins anew every 49.7 days, as on Windows.
#[unsafe(export_name = "mailslot_GetTickCount")]
extern "C" fn get_tick_count() -> u32 {
    uptime().as_millis() as u32
}

#[unsafe(export_name = "mailslot_GetSystemTimeAsFileTime")]
unsafe extern "C" fn get_system_time(to: *mut FileTime) {
    let now = now();
    if !to.is_null() {
        // SAFETY: not null, so the caller gives room for one there.
        unsafe { to.write(FileTime { low: now as u32, high: (now >> 32) as u32 }) };
    }
}

#[unsafe(export_name = "mailslot_QueryPerformanceCounter")]
unsafe extern "C" fn query_counter(to: *mut i64) -> Bool {
    let now = clock_gettime(ClockId::Monotonic);
    if !to.is_null() {
        // SAFETY: not null, so the caller gives room for one there.
        unsafe { to.write(now.tv_sec * 1_000_000_000 + now.tv_nsec) };
    }
    TRUE
}

#[unsafe(export_name = "mailslot_QueryPerformanceFrequency")]
unsafe extern "C" fn query_frequency(to: *mut i64) -> Bool {
    if !to.is_null() {
        // SAFETY: not null, so the caller gives room for one there.
        unsafe { to.write(1_000_000_000) };
    }
    TRUE
}

/// `SYSTEMTIME`.
#[repr(C)]
struct SystemTime {
    year: u16,
    month: u16,
    day_of_week: u16,
    day: u16,
    hour: u16,
    minute: u16,
    second: u16,
    milliseconds: u16,
}

/// # Safety
///
/// `to` is null or has room for a `SYSTEMTIME`; `split` is localtime_r or gmtime_r.
unsafe fn calendar(
    to: *mut SystemTime,
    split: unsafe extern "C" fn(*const libc::time_t, *mut libc::tm) -> *mut libc::tm,
) {
    let now = clock_gettime(ClockId::Realtime);
    // SAFETY: zeros are a `tm`.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers lead to our own variables.
    unsafe { split(&now.tv_sec, &mut tm) };
    let time = SystemTime {
        year: (tm.tm_year + 1900) as u16,
        month: (tm.tm_mon + 1) as u16,
        day_of_week: tm.tm_wday as u16,
        day: tm.tm_mday as u16,
        hour: tm.tm_hour as u16,
        minute: tm.tm_min as u16,
        second: tm.tm_sec as u16,
        milliseconds: (now.tv_nsec / 1_000_000) as u16,
    };
    if !to.is_null() {
        // SAFETY: not null, and the caller's promise.
        unsafe { to.write(time) };
    }
}

#[unsafe(export_name = "mailslot_GetLocalTime")]
unsafe extern "C" fn get_local_time(to: *mut SystemTime) {
    // SAFETY: the caller's promise.
    unsafe { calendar(to, libc::localtime_r) };
}

#[unsafe(export_name = "mailslot_GetSystemTime")]
unsafe extern "C" fn get_utc_time(to: *mut SystemTime) {
    // SAFETY: the caller's promise.
    unsafe { calendar(to, libc::gmtime_r) };
}
