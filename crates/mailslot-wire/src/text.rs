//! Text shared by the parsers: strict numbers, and quoting a stranger's text in an error.

#[cfg(test)]
mod tests;

const SHOWN_MAX: usize = 80;
const SHOWN_HEAD: usize = 50;
const SHOWN_TAIL: usize = 25;

/// `text` fit for an error message: its middle left out when long, and nothing left in it that
/// could move a terminal's cursor or reverse the direction of the text.
pub(crate) fn shown(text: &str) -> String {
    let chars = text.chars().count();
    if chars <= SHOWN_MAX {
        return escaped(text.chars());
    }
    let tail = text.chars().skip(chars.saturating_sub(SHOWN_TAIL));
    format!("{}…{}", escaped(text.chars().take(SHOWN_HEAD)), escaped(tail))
}

fn escaped(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in chars {
        if c.is_control() || is_direction_or_line(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

fn is_direction_or_line(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A decimal number written the one way that [`ToString`] writes it.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    number(text.as_bytes(), 10)
}

/// A hexadecimal number written the one way that `{:x}` writes it.
pub(crate) fn hexadecimal(text: &[u8]) -> Option<u64> {
    number(text, 16)
}

fn number(text: &[u8], radix: u8) -> Option<u64> {
    // `from_str_radix` alone would let through `+7`, `007` and `FF`.
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' if radix == 16 => Some(byte.wrapping_sub(b'a' - 10)),
        _ => None,
    };
    let canonical = text == b"0" || !matches!(text, [] | [b'0', ..]);
    let add = |number: u64, &byte: &u8| {
        number.checked_mul(radix.into())?.checked_add(digit(byte)?.into())
    };
    canonical.then(|| text.iter().try_fold(0, add)).flatten()
}

/// Appends `%XX`.
pub(crate) fn push_percent(out: &mut String, byte: u8) {
    out.push('%');
    let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    out.extend(digits.into_iter().flatten().map(|digit| digit.to_ascii_uppercase()));
}
