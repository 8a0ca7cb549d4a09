//! Clocks and `Sleep`.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::border::call;
use crate::code::Code;
use crate::types::{Bool, FALSE, FOR_EVER, FileTime, TRUE};

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

type Split = unsafe extern "C" fn(*const libc::time_t, *mut libc::tm) -> *mut libc::tm;

fn calendar(seconds: libc::time_t, milliseconds: u16, split: Split) -> SystemTime {
    // SAFETY: zeros are a `tm`; both pointers lead to our own variables.
    let tm = unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        split(&seconds, &mut tm);
        tm
    };
    SystemTime {
        year: (tm.tm_year + 1900) as u16,
        month: (tm.tm_mon + 1) as u16,
        day_of_week: tm.tm_wday as u16,
        day: tm.tm_mday as u16,
        hour: tm.tm_hour as u16,
        minute: tm.tm_min as u16,
        second: tm.tm_sec as u16,
        milliseconds,
    }
}

/// # Safety
///
/// `to` is null or has room for a `SYSTEMTIME`.
unsafe fn now_as(to: *mut SystemTime, split: Split) {
    let now = clock_gettime(ClockId::Realtime);
    if !to.is_null() {
        // SAFETY: not null, and the caller's promise.
        unsafe { to.write(calendar(now.tv_sec, (now.tv_nsec / 1_000_000) as u16, split)) };
    }
}

#[unsafe(export_name = "mailslot_GetLocalTime")]
unsafe extern "C" fn get_local_time(to: *mut SystemTime) {
    // SAFETY: the caller's promise.
    unsafe { now_as(to, libc::localtime_r) };
}

#[unsafe(export_name = "mailslot_GetSystemTime")]
unsafe extern "C" fn get_utc_time(to: *mut SystemTime) {
    // SAFETY: the caller's promise.
    unsafe { now_as(to, libc::gmtime_r) };
}

const PER_SECOND: i64 = 10_000_000;

#[unsafe(export_name = "mailslot_FileTimeToSystemTime")]
unsafe extern "C" fn file_time_to_system_time(from: *const FileTime, to: *mut SystemTime) -> Bool {
    call(FALSE, || {
        // SAFETY: null, or the caller gives one there.
        let from = unsafe { from.as_ref() }.filter(|_| !to.is_null()).ok_or(Code::NOACCESS)?;
        let units = u64::from(from.high) << 32 | u64::from(from.low);
        let units = i64::try_from(units).map_err(|_| Code::INVALID_PARAMETER)?;
        let since_1970 = units - TO_1970 as i64;
        let milliseconds = (since_1970.rem_euclid(PER_SECOND) / 10_000) as u16;
        let time = calendar(since_1970.div_euclid(PER_SECOND), milliseconds, libc::gmtime_r);
        // SAFETY: not null, so the caller gives room for one there.
        unsafe { to.write(time) };
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_SystemTimeToFileTime")]
unsafe extern "C" fn system_time_to_file_time(from: *const SystemTime, to: *mut FileTime) -> Bool {
    call(FALSE, || {
        // SAFETY: null, or the caller gives one there.
        let from = unsafe { from.as_ref() }.filter(|_| !to.is_null()).ok_or(Code::NOACCESS)?;
        // SAFETY: zeros are a `tm`.
        let mut tm: libc::tm = unsafe { std::mem::zeroed() };
        tm.tm_year = i32::from(from.year) - 1900;
        tm.tm_mon = i32::from(from.month) - 1;
        tm.tm_mday = from.day.into();
        tm.tm_hour = from.hour.into();
        tm.tm_min = from.minute.into();
        tm.tm_sec = from.second.into();
        let day = tm.tm_mday;
        // SAFETY: our own variable.
        let seconds = unsafe { libc::timegm(&mut tm) };
        // A date that isn't one, the 31st of June say, comes out as another.
        let valid = (1601..=30_827).contains(&from.year) && tm.tm_mday == day;
        if !valid || tm.tm_hour != i32::from(from.hour) || from.milliseconds > 999 {
            return Err(Code::INVALID_PARAMETER);
        }
        let units = (seconds * PER_SECOND + TO_1970 as i64) as u64;
        let units = units + u64::from(from.milliseconds) * 10_000;
        // SAFETY: not null, so the caller gives room for one there.
        unsafe { to.write(FileTime { low: units as u32, high: (units >> 32) as u32 }) };
        Ok(TRUE)
    })
}

/// As far from UTC as it is now, as on Windows.
#[unsafe(export_name = "mailslot_FileTimeToLocalFileTime")]
unsafe extern "C" fn file_time_to_local(from: *const FileTime, to: *mut FileTime) -> Bool {
    call(FALSE, || {
        // SAFETY: null, or the caller gives one there.
        let from = unsafe { from.as_ref() }.filter(|_| !to.is_null()).ok_or(Code::NOACCESS)?;
        let now = clock_gettime(ClockId::Realtime);
        // SAFETY: zeros are a `tm`; both pointers lead to our own variables.
        let offset = unsafe {
            let mut tm: libc::tm = std::mem::zeroed();
            libc::localtime_r(&now.tv_sec, &mut tm);
            tm.tm_gmtoff
        };
        let units = u64::from(from.high) << 32 | u64::from(from.low);
        let units = units.wrapping_add_signed(offset * PER_SECOND);
        // SAFETY: not null, so the caller gives room for one there.
        unsafe { to.write(FileTime { low: units as u32, high: (units >> 32) as u32 }) };
        Ok(TRUE)
    })
}
