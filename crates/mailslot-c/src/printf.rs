//! The printf of Windows: `_tprintf`, `StringCchPrintf`, `wsprintf`.
//!
//! It is not that of Linux: in wide text `%s` means wide text, `long` has 32 bits, `%I64d` exists.
//! C must fetch the arguments (Rust can't walk a `va_list`): `Scan` tells it their kinds, and
//! `Format` or `Print` take them as an array.

use std::ffi::{CStr, c_char, c_int, c_void};

use crate::border::call;
use crate::code::Code;
use crate::text::{LONGEST, Unit, units};

/// One argument, as fetched according to its kind.
#[repr(C)]
#[derive(Clone, Copy)]
union Argument {
    integer: i64,
    real: f64,
    pointer: *const c_void,
}

/// How C must fetch an argument.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
enum Kind {
    Int = b'i',
    /// A `long`: of which 32 bits count.
    Long = b'l',
    LongLong = b'q',
    Size = b'z',
    Double = b'd',
    LongDouble = b'D',
    Pointer = b'p',
}

/// A piece of a format.
enum Piece<'a, U> {
    Text(&'a [U]),
    Spec(Spec),
}

#[derive(Default)]
struct Spec {
    flags: Vec<u8>,
    width: Option<Number>,
    precision: Option<Number>,
    /// `h`, `hh`, `l` (and `w`), `ll` (and `I64`), `z` (and `I`, `t`), `L`; or none.
    length: Length,
    conversion: u8,
}

enum Number {
    Given(i32),
    /// `*`: the next argument.
    Argument,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Length {
    #[default]
    None,
    Char,
    Short,
    Long,
    LongLong,
    Size,
    LongDouble,
}

impl Spec {
    fn kind(&self) -> Option<Kind> {
        Some(match (self.conversion, self.length) {
            (b'd' | b'i' | b'u' | b'x' | b'X' | b'o', length) => match length {
                Length::Long => Kind::Long,
                Length::LongLong => Kind::LongLong,
                Length::Size => Kind::Size,
                _ => Kind::Int,
            },
            (b'c' | b'C', _) => Kind::Int,
            (b's' | b'S' | b'p' | b'n', _) => Kind::Pointer,
            (b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A', Length::LongDouble) => {
                Kind::LongDouble
            }
            (b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A', _) => Kind::Double,
            _ => return None,
        })
    }

    /// The kinds of all arguments that it takes.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        let star = |n: &Option<Number>| matches!(n, Some(Number::Argument)).then_some(Kind::Int);
        [star(&self.width), star(&self.precision), self.kind()].into_iter().flatten()
    }
}

struct Pieces<'a, U>(&'a [U]);

impl<'a, U: Unit> Iterator for Pieces<'a, U> {
    type Item = Piece<'a, U>;

    fn next(&mut self) -> Option<Piece<'a, U>> {
        if self.0.is_empty() {
            return None;
        }
        let percent = self.0.iter().position(|unit| unit.as_ascii() == Some(b'%'));
        let (text, rest) = self.0.split_at(percent.unwrap_or(self.0.len()));
        if !text.is_empty() {
            self.0 = rest;
            return Some(Piece::Text(text));
        }
        let (spec, used) = parse(&rest[1..]);
        let (whole, after) = rest.split_at(used + 1);
        self.0 = after;
        Some(match spec {
            Some(spec) => Piece::Spec(spec),
            // `%%`, or nothing that we know: shown as it stands.
            None => Piece::Text(&whole[..whole.len().min(if used == 1 { 1 } else { used + 1 })]),
        })
    }
}

/// Reads what follows a `%`: the specification, and the units it has.
fn parse<U: Unit>(units: &[U]) -> (Option<Spec>, usize) {
    let at = |index: usize| units.get(index).and_then(|unit| unit.as_ascii()).unwrap_or(0);
    let mut index = 0;
    let mut spec = Spec::default();
    while b"-+ #0".contains(&at(index)) {
        spec.flags.push(at(index));
        index += 1;
    }
    let number = |index: &mut usize| {
        if at(*index) == b'*' {
            *index += 1;
            return Some(Number::Argument);
        }
        let mut value = None;
        while at(*index).is_ascii_digit() {
            let digit = i32::from(at(*index) - b'0');
            value = Some(value.unwrap_or(0_i32).saturating_mul(10).saturating_add(digit));
            *index += 1;
        }
        value.map(Number::Given)
    };
    spec.width = number(&mut index);
    if at(index) == b'.' {
        index += 1;
        spec.precision = Some(number(&mut index).unwrap_or(Number::Given(0)));
    }
    let (length, used) = match [at(index), at(index + 1), at(index + 2)] {
        [b'h', b'h', _] => (Length::Char, 2),
        [b'h', ..] => (Length::Short, 1),
        [b'l', b'l', _] => (Length::LongLong, 2),
        [b'l' | b'w', ..] => (Length::Long, 1),
        [b'I', b'6', b'4'] => (Length::LongLong, 3),
        [b'I', b'3', b'2'] => (Length::None, 3),
        [b'I' | b'z' | b't', ..] => (Length::Size, 1),
        [b'j' | b'q', ..] => (Length::LongLong, 1),
        [b'L', ..] => (Length::LongDouble, 1),
        _ => (Length::None, 0),
    };
    spec.length = length;
    spec.conversion = at(index + used);
    match spec.kind() {
        Some(_) => (Some(spec), index + used + 1),
        None if at(0) == b'%' => (None, 1),
        None => (None, 0),
    }
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
    let is_wide = size_of::<U>() > 1;
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
        let wide = match (spec.conversion, spec.length) {
            (_, Length::Short) => false,
            (_, Length::Long) => true,
            (b'S' | b'C', _) => !is_wide,
            _ => is_wide,
        };
        let left = spec.flags.contains(&b'-') || width.is_some_and(|width| width < 0);
        let width = width.map_or(0, |width| width.unsigned_abs() as usize);
        // SAFETY (for all of them): the argument was fetched by its kind.
        match spec.conversion {
            b's' | b'S' => {
                let most = precision.and_then(|p| usize::try_from(p).ok()).unwrap_or(usize::MAX);
                let pointer = unsafe { argument.pointer };
                let text = unsafe {
                    match (pointer.is_null(), wide, is_wide) {
                        (true, ..) => U::encoded("(null)"),
                        (_, true, true) | (_, false, false) => up_to(pointer.cast::<U>(), most),
                        (_, true, false) => converted(&up_to(pointer.cast::<W>(), most)),
                        (_, false, true) => converted(&up_to(pointer.cast::<u8>(), most)),
                    }
                };
                pad(&mut out, &text, width, left);
            }
            b'c' | b'C' => {
                let value = unsafe { argument.integer } as u32;
                let character = if wide { char::from_u32(value) } else { Some(value as u8 as char) };
                let text = match (wide, is_wide, size_of::<U>()) {
                    // A byte stays the byte that it is.
                    (false, false, _) => vec![byte::<U>(value as u8)],
                    _ => U::encoded(&character.unwrap_or('\u{fffd}').to_string()),
                };
                pad(&mut out, &text, width, left);
            }
            b'n' => {}
            _ => {
                let text = unsafe { number_text(&spec, width, precision, argument) };
                U::encode(&text, |unit| out.push(unit));
            }
        }
    }
    Some(out)
}

/// The unit with the value of a byte, ASCII or not.
fn byte<U: Unit>(value: u8) -> U {
    let same = U::encoded(&char::from(value).to_string());
    match same.as_slice() {
        [one] => *one,
        // In UTF-8 such a byte is no character of its own.
        _ => U::ascii(b'?'),
    }
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
    let spaces = std::iter::repeat_n(U::ascii(b' '), missing);
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
