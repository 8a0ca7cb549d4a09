//! How the registry names a slot's directory entry.

use crate::text::push_percent;

/// What every slot's directory entry starts with.
pub const FILE_PREFIX: &str = "mailslot.";

/// The longest directory entry, so that a socket's path below it fits the 107 bytes it may have.
const MAX_BYTES: usize = 80;

/// Starts a hash. No escape can start so: `h` is no hexadecimal digit.
const HASH_MARK: &str = "%h";

pub(super) fn of_key(key: &str) -> String {
    escaped(key).unwrap_or_else(|| {
        let hash = fnv1a_128(key.as_bytes());
        format!("{FILE_PREFIX}{HASH_MARK}{hash:032x}")
    })
}

pub(super) fn is_hashed(key: &str) -> bool {
    let room = MAX_BYTES.saturating_sub(FILE_PREFIX.len());
    let escaped = (0..).zip(key.bytes());
    let len = escaped.map(|(i, byte)| if stands_for_itself(i, byte) { 1 } else { 3 });
    // Short ones fit even if each byte is escaped.
    key.len().saturating_mul(3) > room && len.sum::<usize>() > room
}

/// `None` if it would be too long.
fn escaped(key: &str) -> Option<String> {
    let mut out = String::with_capacity(MAX_BYTES);
    out.push_str(FILE_PREFIX);
    for (i, byte) in key.bytes().enumerate() {
        if stands_for_itself(i, byte) {
            out.push(char::from(byte));
        } else {
            push_percent(&mut out, byte);
        }
        if out.len() > MAX_BYTES {
            return None;
        }
    }
    Some(out)
}

fn stands_for_itself(at: usize, byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') || (byte == b'.' && at > 0)
}

/// FNV-1a with 128 bits. Spreads names; it does not resist somebody who looks for a clash, which
/// is why the full name also stands in the slot's metadata.
pub(super) fn fnv1a_128(bytes: &[u8]) -> u128 {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET_BASIS, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}
