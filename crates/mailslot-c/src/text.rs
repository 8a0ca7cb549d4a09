//! Text as C gives it: bytes, which are UTF-8 here, or `wchar_t`, which has 32 bits or (compiled
//! with `-fshort-wchar`) 16.
//!
//! A function that takes text is written once, generic over [`Unit`], and exported three times by
//! [`for_each_text!`].

use crate::code::Code;

/// The longest text read from C, in units. NT's longest name is shorter.
pub(crate) const LONGEST: usize = 65_535;

/// One unit of text.
pub(crate) trait Unit: Copy + Eq + 'static {
    const NUL: Self;
    /// The text, or `None` if it isn't well-formed.
    fn decode(units: &[Self]) -> Option<String>;
    /// The text, with U+FFFD for what isn't well-formed.
    fn decode_lossy(units: &[Self]) -> String;
    /// The units of `text`.
    fn encode(text: &str, each: impl FnMut(Self));
    /// The unit with the value of a byte.
    fn of_byte(byte: u8) -> Self;
    /// The character, if the unit is of the ASCII range.
    fn as_ascii(self) -> Option<u8>;

    fn encoded(text: &str) -> Vec<Self> {
        let mut units = Vec::with_capacity(text.len());
        Self::encode(text, |unit| units.push(unit));
        units
    }
}

impl Unit for u8 {
    const NUL: u8 = 0;

    fn decode(units: &[u8]) -> Option<String> {
        str::from_utf8(units).ok().map(str::to_owned)
    }

    fn decode_lossy(units: &[u8]) -> String {
        String::from_utf8_lossy(units).into_owned()
    }

    fn encode(text: &str, each: impl FnMut(u8)) {
        text.bytes().for_each(each);
    }

    fn of_byte(byte: u8) -> u8 {
        byte
    }

    fn as_ascii(self) -> Option<u8> {
        self.is_ascii().then_some(self)
    }
}

impl Unit for u16 {
    const NUL: u16 = 0;

    fn decode(units: &[u16]) -> Option<String> {
        String::from_utf16(units).ok()
    }

    fn decode_lossy(units: &[u16]) -> String {
        String::from_utf16_lossy(units)
    }

    fn encode(text: &str, each: impl FnMut(u16)) {
        text.encode_utf16().for_each(each);
    }

    fn of_byte(byte: u8) -> u16 {
        byte.into()
    }

    fn as_ascii(self) -> Option<u8> {
        u8::try_from(self).ok().filter(u8::is_ascii)
    }
}

impl Unit for u32 {
    const NUL: u32 = 0;

    fn decode(units: &[u32]) -> Option<String> {
        units.iter().map(|&unit| char::from_u32(unit)).collect()
    }

    fn decode_lossy(units: &[u32]) -> String {
        units.iter().map(|&unit| char::from_u32(unit).unwrap_or('\u{fffd}')).collect()
    }

    fn encode(text: &str, mut each: impl FnMut(u32)) {
        text.chars().for_each(|c| each(c.into()));
    }

    fn of_byte(byte: u8) -> u32 {
        byte.into()
    }

    fn as_ascii(self) -> Option<u8> {
        u8::try_from(self).ok().filter(u8::is_ascii)
    }
}

/// The units of a C string without its NUL, or `None` if there is no NUL among the first `most` + 1.
///
/// # Safety
///
/// `text` points to units that can be read up to the first NUL or up to `most` + 1 of them, and
/// that stay as they are as long as the answer lives.
pub(crate) unsafe fn units<'a, U: Unit>(text: *const U, most: usize) -> Option<&'a [U]> {
    // SAFETY: each unit read is before or at the first NUL, or within the first `most` + 1.
    let length = (0..=most).find(|&at| unsafe { text.add(at).read() } == U::NUL)?;
    // SAFETY: the loop above has read all of them.
    Some(unsafe { std::slice::from_raw_parts(text, length) })
}

/// A name or the like: `None` for a null pointer.
///
/// # Safety
///
/// `text` is null or a C string.
pub(crate) unsafe fn read<U: Unit>(text: *const U) -> Result<Option<String>, Code> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: a C string can be read up to its NUL.
    let units = unsafe { units(text, LONGEST) }.ok_or(Code::FILENAME_EXCED_RANGE)?;
    U::decode(units).map(Some).ok_or(Code::INVALID_NAME)
}

/// Writes `text` and a NUL to `to` if `room` units hold both; answers the units without the NUL.
///
/// # Safety
///
/// `room` units at `to` can be written.
pub(crate) unsafe fn write<U: Unit>(text: &str, to: *mut U, room: usize) -> Result<usize, usize> {
    let units = U::encoded(text);
    if units.len() >= room {
        return Err(units.len() + 1);
    }
    // SAFETY: `units.len()` + 1 is at most `room`; the vector is our own memory.
    unsafe {
        to.copy_from_nonoverlapping(units.as_ptr(), units.len());
        to.add(units.len()).write(U::NUL);
    }
    Ok(units.len())
}

/// The longest start of `text` that has at most `most` bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Exports a generic function for bytes as `mailslot_…A`, and for both widths of `wchar_t` as
/// `mailslot_…W16` and `mailslot_…W32`. In its signature, `Text` stands for the unit.
macro_rules! for_each_text {
    ($($functions:tt)*) => {
        $crate::text::export_for!(u8 "A" $($functions)*);
        $crate::text::for_each_width!("W16" "W32" $($functions)*);
    };
}

/// Exports a generic function for both widths of `wchar_t`.
macro_rules! for_each_width {
    (fn $($functions:tt)*) => {
        $crate::text::for_each_width!("16" "32" fn $($functions)*);
    };
    ($narrow:literal $wide:literal $($functions:tt)*) => {
        $crate::text::export_for!(u16 $narrow $($functions)*);
        $crate::text::export_for!(u32 $wide $($functions)*);
    };
}

macro_rules! export_for {
    ($unit:ident $suffix:literal
        $(fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $answer:ty)? = $does:ident;)*) => {
        const _: () = {
            type Text = $unit;
            $(
                #[unsafe(export_name = concat!("mailslot_", stringify!($name), $suffix))]
                #[allow(non_snake_case, clippy::too_many_arguments)]
                unsafe extern "C" fn $name($($arg: $type),*) $(-> $answer)? {
                    // SAFETY: this function asks of its caller what that one does.
                    unsafe { $does::<Text>($($arg),*) }
                }
            )*
        };
    };
}

pub(crate) use {export_for, for_each_text, for_each_width};
