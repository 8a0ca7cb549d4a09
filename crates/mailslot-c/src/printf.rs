//! The printf of Windows: `_tprintf`, `StringCchPrintf`, `wsprintf`.
//!
//! It is not that of Linux: in wide text `%s` means wide text, `long` has 32 bits, `%I64d` exists.
//! C must fetch the arguments (Rust can't walk a `va_list`): `Scan` tells it their kinds, and
//! `Format` or `Print` take them as an array.

mod spec;

use std::ffi::{CStr, c_char, c_int, c_void};

use crate::border::call;
use crate::code::Code;
use crate::text::{LONGEST, Unit, units};

use spec::{Length, Number, Piece, Pieces, Spec};

/// One argument, as fetched according to its kind.
#[repr(C)]
#[derive(Clone, Copy)]
union Argument {
    integer: i64,
    real: f64,
    pointer: *const c_void,
}

/// Writes the kinds of the arguments that a format takes, at most `room`; answers how many.
///
/// # Safety
///
/// `format` is null or a C string; `kinds` has room for `room` bytes.
unsafe fn scan<U: Unit>(format: *const U, kinds: *mut u8, room: i32) -> i32 {
    call(0, || {
        if format.is_null() {
            return Err(Code::INVALID_PARAMETER);
        }
        // SAFETY: the caller's promise.
        let format = unsafe { units(format, LONGEST) }.ok_or(Code::INVALID_PARAMETER)?;
        let specs = Pieces(format).filter_map(|piece| match piece {
            Piece::Spec(spec) => Some(spec),
            Piece::Text(_) => None,
        });
        let mut count = 0;
        for kind in specs.flat_map(|spec| spec.kinds().collect::<Vec<_>>()) {
            if count == room {
                break;
            }
            // SAFETY: `count` is less than `room`.
            unsafe { kinds.add(count as usize).write(kind as u8) };
            count += 1;
        }
        Ok(count)
    })
}

/// Text with its arguments filled in. `W` is the unit of wide text, `U` that of this one.
///
/// # Safety
///
/// `format` is a C string, and the arguments are of the kinds that [`scan`] told; pointers for `%s`
/// lead to C strings, or to as many units as the precision says.
unsafe fn filled<U: Unit, W: Unit>(format: *const U, mut arguments: &[Argument]) -> Option<Vec<U>> {
    // SAFETY: the caller's promise.
    let format = unsafe { units(format, LONGEST) }?;
    let mut out = Vec::new();
    for piece in Pieces(format) {
        let spec = match piece {
            Piece::Text(text) => {
                out.extend_from_slice(text);
                continue;
            }
            Piece::Spec(spec) => spec,
        };
        let mut next = || {
            let (first, rest) = arguments.split_first()?;
            arguments = rest;
            Some(*first)
        };
        let mut number = |number: &Option<Number>| {
            Some(match number {
                None => None,
                Some(Number::Given(value)) => Some(*value),
                // SAFETY: an `int` was fetched for it.
                Some(Number::Argument) => Some(unsafe { next()?.integer } as i32),
            })
        };
        let (Some(width), Some(precision)) = (number(&spec.width), number(&spec.precision)) else {
            break;
        };
        let Some(argument) = next() else {
            break;
        };
        let left = spec.flags.contains(&b'-') || width.is_some_and(|width| width < 0);
        let width = width.map_or(0, |width| width.unsigned_abs() as usize);
        // SAFETY: the argument was fetched by the kind of the specification.
        unsafe {
            match spec.conversion {
                b's' | b'S' => {
                    let text = string::<U, W>(&spec, precision, argument.pointer);
                    pad(&mut out, &text, width, left);
                }
                b'c' | b'C' => pad(&mut out, &character(&spec, argument.integer), width, left),
                // It would write to memory.
                b'n' => {}
                _ => {
                    let text = number_text(&spec, width, precision, argument);
                    U::encode(&text, |unit| out.push(unit));
                }
            }
        }
    }
    Some(out)
}

/// Whether a specification is about wide text.
fn takes_wide<U: Unit>(spec: &Spec) -> bool {
    let is_wide = size_of::<U>() > 1;
    match (spec.conversion, spec.length) {
        (_, Length::Short) => false,
        (_, Length::Long) => true,
        (b'S' | b'C', _) => !is_wide,
        _ => is_wide,
    }
}

/// # Safety
///
/// `text` is null or leads to a C string, or to as many units as the precision says.
unsafe fn string<U: Unit, W: Unit>(
    spec: &Spec,
    precision: Option<i32>,
    text: *const c_void,
) -> Vec<U> {
    if text.is_null() {
        return U::encoded("(null)");
    }
    let most = precision.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    // SAFETY: the caller's promise, of the units that the specification is about.
    unsafe {
        match (takes_wide::<U>(spec), size_of::<U>() > 1) {
            (true, true) | (false, false) => up_to(text.cast::<U>(), most),
            (true, false) => converted(&up_to(text.cast::<W>(), most)),
            (false, true) => converted(&up_to(text.cast::<u8>(), most)),
        }
    }
}

fn character<U: Unit>(spec: &Spec, value: i64) -> Vec<U> {
    if !takes_wide::<U>(spec) && size_of::<U>() == 1 {
        return vec![U::of_byte(value as u8)];
    }
    let character = match takes_wide::<U>(spec) {
        true => char::from_u32(value as u32),
        false => Some(char::from(value as u8)),
    };
    U::encoded(character.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]))
}

/// # Safety
///
/// `text` is a C string, or has `most` units.
unsafe fn up_to<U: Unit>(text: *const U, most: usize) -> Vec<U> {
    let mut found = Vec::new();
    while found.len() < most {
        // SAFETY: before this one came no NUL, and less than `most` units.
        let unit = unsafe { text.add(found.len()).read() };
        if unit == U::NUL {
            break;
        }
        found.push(unit);
    }
    found
}

fn converted<F: Unit, T: Unit>(text: &[F]) -> Vec<T> {
    T::encoded(&F::decode_lossy(text))
}

fn pad<U: Unit>(out: &mut Vec<U>, text: &[U], width: usize, left: bool) {
    let missing = width.saturating_sub(text.len());
    let spaces = std::iter::repeat_n(U::of_byte(b' '), missing);
    if left {
        out.extend_from_slice(text);
        out.extend(spaces);
    } else {
        out.extend(spaces);
        out.extend_from_slice(text);
    }
}

/// A number, by C's own printf.
///
/// # Safety
///
/// The argument was fetched by the kind of the specification.
unsafe fn number_text(
    spec: &Spec,
    width: usize,
    precision: Option<i32>,
    argument: Argument,
) -> String {
    let mut format = vec![b'%'];
    format.extend(&spec.flags);
    format.extend(b"*");
    if precision.is_some_and(|precision| precision >= 0) {
        format.extend(b".*");
    }
    let whole = matches!(spec.conversion, b'd' | b'i' | b'u' | b'x' | b'X' | b'o' | b'p');
    let signed = matches!(spec.conversion, b'd' | b'i');
    let pointer = spec.conversion == b'p';
    if pointer {
        format = b"%*.*llX".to_vec();
    } else {
        format.extend(if whole { &b"ll"[..] } else { b"" });
        format.push(spec.conversion);
    }
    format.push(0);
    let precision = if pointer { Some(2 * size_of::<usize>() as i32) } else { precision };
    let precision = precision.filter(|precision| *precision >= 0).map(|p| p.min(400));
    let width = width.min(4096) as c_int;
    let mut text = [0_u8; 8192];
    let (to, room, format) = (text.as_mut_ptr().cast::<c_char>(), text.len(), format.as_ptr());
    let format = format.cast::<c_char>();
    // SAFETY: the format is our own and takes a width, a precision if there is one, and one value
    // of the type given; the buffer has the room told; the argument is read by its kind.
    unsafe {
        if whole {
            let value = integer(spec, signed, argument);
            match precision {
                Some(precision) => libc::snprintf(to, room, format, width, precision, value),
                None => libc::snprintf(to, room, format, width, value),
            };
        } else {
            match precision {
                Some(p) => libc::snprintf(to, room, format, width, p, argument.real),
                None => libc::snprintf(to, room, format, width, argument.real),
            };
        }
    }
    CStr::from_bytes_until_nul(&text).unwrap_or_default().to_string_lossy().into_owned()
}

/// The value of an integer, of which only as many bits count as its type has on Windows.
///
/// # Safety
///
/// It was fetched as an integer or, for `%p`, as a pointer.
unsafe fn integer(spec: &Spec, signed: bool, argument: Argument) -> i64 {
    if spec.conversion == b'p' {
        // SAFETY: the caller's promise.
        return unsafe { argument.pointer }.addr() as i64;
    }
    // SAFETY: the caller's promise.
    let value = unsafe { argument.integer };
    match (spec.length, signed) {
        (Length::LongLong | Length::Size, _) => value,
        (Length::Short, true) => (value as i16).into(),
        (Length::Short, false) => (value as u16).into(),
        (Length::Char, true) => (value as i8).into(),
        (Length::Char, false) => (value as u8).into(),
        (_, true) => (value as i32).into(),
        (_, false) => (value as u32).into(),
    }
}

/// # Safety
///
/// As for [`filled`]; `arguments` points to `count` of them.
unsafe fn text_of<U: Unit, W: Unit>(
    format: *const U,
    arguments: *const Argument,
    count: i32,
) -> Result<Vec<U>, Code> {
    let count = usize::try_from(count).unwrap_or(0);
    if format.is_null() || (arguments.is_null() && count > 0) {
        return Err(Code::INVALID_PARAMETER);
    }
    // SAFETY: the caller's promise.
    unsafe {
        let arguments = match count {
            0 => &[],
            _ => std::slice::from_raw_parts(arguments, count),
        };
        filled::<U, W>(format, arguments).ok_or(Code::INVALID_PARAMETER)
    }
}

/// Fills `to` as far as it goes, always with a NUL at the end; answers the units that the whole
/// text has, or -1.
///
/// # Safety
///
/// As for [`text_of`]; `to` has room for `room` units.
unsafe fn format_to<U: Unit, W: Unit>(
    to: *mut U,
    room: usize,
    format: *const U,
    arguments: *const Argument,
    count: i32,
) -> i32 {
    call(-1, || {
        // SAFETY: the caller's promise.
        let text = unsafe { text_of::<U, W>(format, arguments, count) }?;
        if room > 0 && !to.is_null() {
            let fits = text.len().min(room - 1);
            // SAFETY: `fits` + 1 is at most `room`; the vector is our own.
            unsafe {
                to.copy_from_nonoverlapping(text.as_ptr(), fits);
                to.add(fits).write(U::NUL);
            }
        }
        Ok(i32::try_from(text.len()).unwrap_or(i32::MAX))
    })
}

/// # Safety
///
/// As for [`text_of`]; `file` is an open `FILE`.
unsafe fn print_to<U: Unit, W: Unit>(
    file: *mut libc::FILE,
    format: *const U,
    arguments: *const Argument,
    count: i32,
) -> i32 {
    call(-1, || {
        // SAFETY: the caller's promise.
        let text = unsafe { text_of::<U, W>(format, arguments, count) }?;
        let bytes = match size_of::<U>() {
            // Text in bytes may be anything, and goes out as it came.
            1 => text.iter().map(|&unit| raw(unit)).collect(),
            _ => U::decode_lossy(&text).into_bytes(),
        };
        // SAFETY: the vector is our own, the file the caller's.
        let written = unsafe { libc::fwrite(bytes.as_ptr().cast(), 1, bytes.len(), file) };
        if written < bytes.len() {
            return Err(Code::GEN_FAILURE);
        }
        Ok(i32::try_from(text.len()).unwrap_or(i32::MAX))
    })
}

/// The byte that a unit of one byte is.
fn raw<U: Unit>(unit: U) -> u8 {
    // SAFETY: a unit is u8, u16 or u32; its first byte in memory can be read, and of a u8 it is all
    // there is.
    unsafe { (&raw const unit).cast::<u8>().read() }
}

/// # Safety
///
/// As for [`format_to`].
unsafe fn format_narrow<W: Unit>(
    to: *mut u8,
    room: usize,
    format: *const u8,
    arguments: *const Argument,
    count: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { format_to::<u8, W>(to, room, format, arguments, count) }
}

/// # Safety
///
/// As for [`format_to`].
unsafe fn format_wide<W: Unit>(
    to: *mut W,
    room: usize,
    format: *const W,
    arguments: *const Argument,
    count: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { format_to::<W, W>(to, room, format, arguments, count) }
}

/// # Safety
///
/// As for [`print_to`].
unsafe fn print_narrow<W: Unit>(
    file: *mut libc::FILE,
    format: *const u8,
    arguments: *const Argument,
    count: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { print_to::<u8, W>(file, format, arguments, count) }
}

/// # Safety
///
/// As for [`print_to`].
unsafe fn print_wide<W: Unit>(
    file: *mut libc::FILE,
    format: *const W,
    arguments: *const Argument,
    count: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { print_to::<W, W>(file, format, arguments, count) }
}

crate::text::for_each_text! {
    fn MailslotScan(format: *const Text, kinds: *mut u8, room: i32) -> i32 = scan;
}

crate::text::for_each_width! {
    fn MailslotFormatA(to: *mut u8, room: usize, format: *const u8, arguments: *const Argument, count: i32) -> i32 = format_narrow;
    fn MailslotFormatW(to: *mut Text, room: usize, format: *const Text, arguments: *const Argument, count: i32) -> i32 = format_wide;
    fn MailslotPrintA(file: *mut libc::FILE, format: *const u8, arguments: *const Argument, count: i32) -> i32 = print_narrow;
    fn MailslotPrintW(file: *mut libc::FILE, format: *const Text, arguments: *const Argument, count: i32) -> i32 = print_wide;
}
