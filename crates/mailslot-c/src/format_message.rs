//! `FormatMessage`: the texts of errors, and texts with numbered inserts.

use std::ffi::c_void;

use crate::border::call;
use crate::code::Code;
use crate::memory;
use crate::text::{LONGEST, Unit, units};

const ALLOCATE_BUFFER: u32 = 0x100;
const IGNORE_INSERTS: u32 = 0x200;
const FROM_STRING: u32 = 0x400;
const FROM_HMODULE: u32 = 0x800;
const FROM_SYSTEM: u32 = 0x1000;
const ARGUMENT_ARRAY: u32 = 0x2000;
/// All of the mask: no line breaks.
const MAX_WIDTH_MASK: u32 = 0xff;

/// # Safety
///
/// As Windows asks: `source` is a C string if the flags say so; `buffer` has room for `size` units,
/// or with ALLOCATE_BUFFER for a pointer; `arguments` is null or, with ARGUMENT_ARRAY, points to as
/// many values as the text has inserts.
unsafe fn format_message<U: Unit>(
    flags: u32,
    source: *const c_void,
    id: u32,
    _language: u32,
    buffer: *mut U,
    size: u32,
    arguments: *const usize,
) -> u32 {
    call(0, || {
        if buffer.is_null() {
            return Err(Code::INVALID_PARAMETER);
        }
        let text = if flags & FROM_STRING != 0 {
            // SAFETY: the caller's promise.
            unsafe { from_string(flags, source.cast::<U>(), arguments) }?
        } else if flags & (FROM_SYSTEM | FROM_HMODULE) != 0 {
            let text = Code(id).text().ok_or(Code::MR_MID_NOT_FOUND)?;
            let end = if flags & MAX_WIDTH_MASK == MAX_WIDTH_MASK { " " } else { "\r\n" };
            U::encoded(&format!("{text}{end}"))
        } else {
            return Err(Code::INVALID_PARAMETER);
        };
        let length = u32::try_from(text.len()).map_err(|_| Code::INVALID_PARAMETER)?;
        let to = if flags & ALLOCATE_BUFFER != 0 {
            let room = text.len().max(size as usize) + 1;
            let memory = memory::allocate(room * size_of::<U>(), true)?.cast::<U>();
            // SAFETY: with this flag, the caller gives room for a pointer there.
            unsafe { buffer.cast::<*mut U>().write(memory) };
            memory
        } else if length < size {
            buffer
        } else {
            return Err(Code::INSUFFICIENT_BUFFER);
        };
        // SAFETY: there is room for the text and one unit more, as seen above.
        unsafe {
            to.copy_from_nonoverlapping(text.as_ptr(), text.len());
            to.add(text.len()).write(U::NUL);
        }
        Ok(length)
    })
}

crate::text::for_each_text! {
    fn FormatMessage(flags: u32, source: *const c_void, id: u32, language: u32, buffer: *mut Text, size: u32, arguments: *const usize) -> u32 = format_message;
}

/// # Safety
///
/// As for [`format_message`].
unsafe fn from_string<U: Unit>(
    flags: u32,
    source: *const U,
    arguments: *const usize,
) -> Result<Vec<U>, Code> {
    if source.is_null() {
        return Err(Code::INVALID_PARAMETER);
    }
    let inserts = flags & IGNORE_INSERTS == 0;
    if inserts && !arguments.is_null() && flags & ARGUMENT_ARRAY == 0 {
        // A va_list can only be read in C.
        return Err(Code::NOT_SUPPORTED);
    }
    // SAFETY: the caller's promise.
    let source = unsafe { units(source, LONGEST) }.ok_or(Code::INVALID_PARAMETER)?;
    let mut rest = source;
    let mut text = Vec::new();
    while let Some((&unit, after)) = rest.split_first() {
        rest = after;
        let escape = after.first().and_then(|unit| unit.as_ascii());
        match (unit.as_ascii(), escape) {
            (Some(b'%'), Some(digit @ b'1'..=b'9')) if inserts => {
                let (number, after) = insert_number(digit, &rest[1..]);
                let (conversion, after) = conversion(after);
                rest = after;
                if arguments.is_null() {
                    return Err(Code::INVALID_PARAMETER);
                }
                // SAFETY: the caller gives as many arguments as the text asks for.
                unsafe { insert(&mut text, *arguments.add(number - 1), conversion) };
            }
            (Some(b'%'), Some(b'1'..=b'9')) | (_, None) => text.push(unit),
            (Some(b'%'), Some(b'0')) => return Ok(text),
            (Some(b'%'), Some(escape)) => {
                rest = &rest[1..];
                match escape {
                    b'n' => text.extend([U::of_byte(b'\r'), U::of_byte(b'\n')]),
                    b'r' => text.push(U::of_byte(b'\r')),
                    b't' => text.push(U::of_byte(b'\t')),
                    b'b' => text.push(U::of_byte(b' ')),
                    other => text.push(U::of_byte(other)),
                }
            }
            _ => text.push(unit),
        }
    }
    Ok(text)
}

fn insert_number<U: Unit>(first: u8, rest: &[U]) -> (usize, &[U]) {
    let first = usize::from(first - b'0');
    match rest.first().and_then(|unit| unit.as_ascii()) {
        Some(digit @ b'0'..=b'9') => (first * 10 + usize::from(digit - b'0'), &rest[1..]),
        _ => (first, rest),
    }
}

/// What stands between exclamation marks: the last letter says how the value is shown.
fn conversion<U: Unit>(rest: &[U]) -> (u8, &[U]) {
    if rest.first().and_then(|unit| unit.as_ascii()) != Some(b'!') {
        return (b's', rest);
    }
    let end = rest[1..].iter().position(|unit| unit.as_ascii() == Some(b'!'));
    match end {
        Some(end @ 1..) => (rest[end].as_ascii().unwrap_or(b's'), &rest[end + 2..]),
        _ => (b's', rest),
    }
}

/// # Safety
///
/// With the conversion `s`, `value` is null or a C string.
unsafe fn insert<U: Unit>(text: &mut Vec<U>, value: usize, conversion: u8) {
    let shown = match conversion {
        b'd' | b'i' => (value as i32).to_string(),
        b'u' => (value as u32).to_string(),
        b'x' => format!("{:x}", value as u32),
        b'X' => format!("{:X}", value as u32),
        b'p' => format!("{value:016X}"),
        b'c' => char::from_u32(value as u32).unwrap_or('\u{fffd}').to_string(),
        _ if value == 0 => "(null)".to_owned(),
        _ => {
            // SAFETY: not null, and the caller's promise.
            let string = unsafe { units(value as *const U, LONGEST) };
            text.extend_from_slice(string.unwrap_or_default());
            return;
        }
    };
    U::encode(&shown, |unit| text.push(unit));
}
