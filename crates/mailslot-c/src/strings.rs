//! `lstrlen` and its relatives, and the conversions between bytes (UTF-8) and wide text.

use crate::border::call;
use crate::code::Code;
use crate::text::{Unit, units, write};
use crate::types::{Bool, FALSE, TRUE};

/// # Safety
///
/// `text` is null or a C string.
unsafe fn length<U: Unit>(text: *const U) -> i32 {
    if text.is_null() {
        return 0;
    }
    // SAFETY: a C string can be read up to its NUL.
    let length = unsafe { units(text, i32::MAX as usize) }.map_or(0, <[U]>::len);
    length as i32
}

/// # Safety
///
/// `from` is null or a C string, `to` is null or has room for it and its NUL, or for `room` units.
unsafe fn copy_up_to<U: Unit>(to: *mut U, from: *const U, room: i32) -> *mut U {
    if to.is_null() || from.is_null() || room <= 0 {
        return std::ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    let length = unsafe { length(from) }.min(room - 1) as usize;
    // SAFETY: `length` units were read at `from` just now; at `to` there is room for them and one
    // more. The two may overlap.
    unsafe {
        to.copy_from(from, length);
        to.add(length).write(U::NUL);
    }
    to
}

/// # Safety
///
/// `from` is a C string or null, `to` has room for it or is null.
unsafe fn copy<U: Unit>(to: *mut U, from: *const U) -> *mut U {
    // SAFETY: the caller's promise.
    unsafe { copy_up_to(to, from, i32::MAX) }
}

/// # Safety
///
/// Both are null or C strings, and behind the first there is room for the second.
unsafe fn append<U: Unit>(to: *mut U, from: *const U) -> *mut U {
    if to.is_null() || from.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    unsafe { copy(to.add(length(to) as usize), from) };
    to
}

/// Less, equal or greater, as -1, 0 or 1.
///
/// # Safety
///
/// Both are null or C strings.
unsafe fn compare_folded<U: Unit>(a: *const U, b: *const U, fold: fn(&str) -> String) -> i32 {
    let text = |text: *const U| {
        if text.is_null() {
            return String::new();
        }
        // SAFETY: the caller's promise.
        unsafe { units(text, i32::MAX as usize) }.map(U::decode_lossy).unwrap_or_default()
    };
    fold(&text(a)).cmp(&fold(&text(b))) as i32
}

/// # Safety
///
/// As for [`compare_folded`].
unsafe fn compare<U: Unit>(a: *const U, b: *const U) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { compare_folded(a, b, str::to_owned) }
}

/// # Safety
///
/// As for [`compare_folded`].
unsafe fn compare_ignoring_case<U: Unit>(a: *const U, b: *const U) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { compare_folded(a, b, str::to_lowercase) }
}

/// # Safety
///
/// `size` points to the number of units that there is room for at `to`.
unsafe fn computer_name<U: Unit>(to: *mut U, size: *mut u32) -> Bool {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    // Windows answers the short name here too.
    let name = host.split('.').next().unwrap_or(&host);
    // SAFETY: the caller's promise.
    call(FALSE, || unsafe { give_name(name, to, size, false, Code::BUFFER_OVERFLOW) })
}

/// # Safety
///
/// `size` points to the number of units that there is room for at `to`.
unsafe fn user_name<U: Unit>(to: *mut U, size: *mut u32) -> Bool {
    let name = std::env::var("USER")
        .unwrap_or_else(|_| format!("{}", rustix::process::geteuid().as_raw()));
    // SAFETY: the caller's promise.
    call(FALSE, || unsafe { give_name(&name, to, size, true, Code::INSUFFICIENT_BUFFER) })
}

/// # Safety
///
/// `size` is null or points to the number of units that there is room for at `to`.
unsafe fn give_name<U: Unit>(
    name: &str,
    to: *mut U,
    size: *mut u32,
    count_nul: bool,
    too_small: Code,
) -> Result<Bool, Code> {
    if size.is_null() {
        return Err(Code::INVALID_PARAMETER);
    }
    // SAFETY: not null, and the caller's promise; without a buffer there is no room.
    let (room, written) = unsafe {
        let room = if to.is_null() { 0 } else { *size as usize };
        (room, write(name, to, room))
    };
    let (units, answer) = match written {
        Ok(units) => (units + usize::from(count_nul), Ok(TRUE)),
        Err(needed) => (needed, Err(too_small)),
    };
    debug_assert!(answer.is_err() || units <= room);
    // SAFETY: as above.
    unsafe { size.write(u32::try_from(units).unwrap_or(u32::MAX)) };
    answer
}

crate::text::for_each_text! {
    fn lstrlen(text: *const Text) -> i32 = length;
    fn lstrcpy(to: *mut Text, from: *const Text) -> *mut Text = copy;
    fn lstrcpyn(to: *mut Text, from: *const Text, room: i32) -> *mut Text = copy_up_to;
    fn lstrcat(to: *mut Text, from: *const Text) -> *mut Text = append;
    fn lstrcmp(a: *const Text, b: *const Text) -> i32 = compare;
    fn lstrcmpi(a: *const Text, b: *const Text) -> i32 = compare_ignoring_case;
    fn GetComputerName(to: *mut Text, size: *mut u32) -> Bool = computer_name;
    fn GetUserName(to: *mut Text, size: *mut u32) -> Bool = user_name;
}

/// `MB_ERR_INVALID_CHARS`; `WC_ERR_INVALID_CHARS` is 0x80.
const STRICT: u32 = 0x8;
const STRICT_BACK: u32 = 0x80;

/// `MultiByteToWideChar` and back. All code pages are UTF-8 here.
///
/// # Safety
///
/// `from` has `length` units or, with a negative `length`, is a C string; `to` has `room` units.
unsafe fn convert<F: Unit, T: Unit>(
    from: *const F,
    length: i32,
    to: *mut T,
    room: i32,
    strict: bool,
) -> Result<i32, Code> {
    if from.is_null() || length == 0 || room < 0 || (to.is_null() && room > 0) {
        return Err(Code::INVALID_PARAMETER);
    }
    let units = match usize::try_from(length) {
        // SAFETY: the caller's promise.
        Ok(length) => unsafe { std::slice::from_raw_parts(from, length) },
        // With its NUL, which is converted too.
        // SAFETY: the caller's promise: a C string, whose NUL can be read as well.
        Err(_) => unsafe {
            let text = units(from, i32::MAX as usize).ok_or(Code::INVALID_PARAMETER)?;
            std::slice::from_raw_parts(from, text.len() + 1)
        },
    };
    let text = match F::decode(units) {
        Some(text) => text,
        None if strict => return Err(Code::NO_UNICODE_TRANSLATION),
        None => F::decode_lossy(units),
    };
    let converted = T::encoded(&text);
    let count = i32::try_from(converted.len()).map_err(|_| Code::INVALID_PARAMETER)?;
    if room == 0 {
        return Ok(count);
    }
    if count > room {
        return Err(Code::INSUFFICIENT_BUFFER);
    }
    // SAFETY: `to` has room for `room` units, which is enough; the vector is our own.
    unsafe { to.copy_from_nonoverlapping(converted.as_ptr(), converted.len()) };
    Ok(count)
}

/// # Safety
///
/// As for [`convert`].
unsafe fn to_wide<U: Unit>(
    _page: u32,
    flags: u32,
    from: *const u8,
    length: i32,
    to: *mut U,
    room: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    call(0, || unsafe { convert(from, length, to, room, flags & STRICT != 0) })
}

/// # Safety
///
/// As for [`convert`]; `default_used` is null or points to a `BOOL`.
#[allow(clippy::too_many_arguments)] // It is Win32's.
unsafe fn from_wide<U: Unit>(
    _page: u32,
    flags: u32,
    from: *const U,
    length: i32,
    to: *mut u8,
    room: i32,
    _default: *const u8,
    default_used: *mut Bool,
) -> i32 {
    if !default_used.is_null() {
        // SAFETY: not null, and the caller's promise. UTF-8 has all characters.
        unsafe { default_used.write(FALSE) };
    }
    // SAFETY: the caller's promise.
    call(0, || unsafe { convert(from, length, to, room, flags & STRICT_BACK != 0) })
}

crate::text::for_each_width! {
    fn MultiByteToWideChar(page: u32, flags: u32, from: *const u8, length: i32, to: *mut Text, room: i32) -> i32 = to_wide;
    fn WideCharToMultiByte(page: u32, flags: u32, from: *const Text, length: i32, to: *mut u8, room: i32, default: *const u8, default_used: *mut Bool) -> i32 = from_wide;
}
