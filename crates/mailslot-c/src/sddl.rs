//! `ConvertStringSecurityDescriptorToSecurityDescriptor`: descriptors written as text.
//!
//! Of what such a text can say, two things mean something here: everyone may write (which is a NULL
//! DACL), or only those may who always may, the slot's user and root (which is no DACL). A text that
//! says anything else is refused, rather than opened or closed to the wrong people.

use crate::border::call;
use crate::code::Code;
use crate::memory;
use crate::security::{self, Dacl};
use crate::text::{self, Unit};
use crate::types::{Bool, FALSE, SecurityDescriptor, TRUE};

/// Everyone, authenticated users, users, interactive users, network users, anonymous, guests.
const EVERYONE: [&str; 14] = [
    "WD",
    "AU",
    "BU",
    "IU",
    "NU",
    "AN",
    "BG",
    "S-1-1-0",
    "S-1-5-11",
    "S-1-5-32-545",
    "S-1-5-4",
    "S-1-5-2",
    "S-1-5-7",
    "S-1-5-32-546",
];
/// The system, administrators, the owner and creator, services.
const OWNERS: [&str; 12] = [
    "SY",
    "BA",
    "CO",
    "OW",
    "LS",
    "NS",
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-3-0",
    "S-1-3-4",
    "S-1-5-19",
    "S-1-5-20",
];

/// What the DACL of a text means here.
fn dacl(text: &str) -> Result<Dacl, Code> {
    let upper = text.trim().to_ascii_uppercase();
    // Its parts: O:owner G:group D:dacl S:sacl, each at most once, in any order.
    let starts: Vec<usize> = upper
        .match_indices(':')
        .filter_map(|(at, _)| at.checked_sub(1))
        .filter(|&at| b"OGDS".contains(&upper.as_bytes()[at]))
        .filter(|&at| !inside_parentheses(&upper, at))
        .collect();
    if starts.first().is_some_and(|&first| first > 0) || (starts.is_empty() && !upper.is_empty()) {
        return Err(Code::INVALID_PARAMETER);
    }
    let ends = starts.iter().skip(1).copied().chain([upper.len()]);
    let mut parts = starts.iter().zip(ends).map(|(&start, end)| &upper[start..end]);
    match parts.find_map(|part| part.strip_prefix("D:")) {
        Some(list) => of_list(list),
        None => Ok(Dacl::None),
    }
}

fn inside_parentheses(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    let count = |which: u8| before.iter().filter(|&&byte| byte == which).count();
    count(b'(') > count(b')')
}

fn of_list(list: &str) -> Result<Dacl, Code> {
    if list == "NO_ACCESS_CONTROL" {
        return Ok(Dacl::Null);
    }
    let (_flags, mut rest) = list.split_at(list.find('(').unwrap_or(list.len()));
    if rest.is_empty() {
        // An empty list: nobody, not even the owner.
        return Err(Code::INVALID_ACL);
    }
    let mut everyone = false;
    while !rest.trim_start().is_empty() {
        let entry = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let (entry, after) = entry.ok_or(Code::INVALID_PARAMETER)?;
        everyone |= opens_to_everyone(entry)?;
        rest = after;
    }
    Ok(if everyone { Dacl::Null } else { Dacl::None })
}

/// Whether an entry, `type;flags;rights;object;inherited;who`, lets everyone write.
fn opens_to_everyone(entry: &str) -> Result<bool, Code> {
    let fields: Vec<&str> = entry.split(';').map(str::trim).collect();
    let [kind, _flags, rights, _object, _inherited, who] = fields[..] else {
        return Err(Code::INVALID_PARAMETER);
    };
    let writes = can_write(rights)?;
    match (kind, EVERYONE.contains(&who), OWNERS.contains(&who)) {
        ("A", true, _) => Ok(writes),
        ("A", _, true) => Ok(false),
        // One user, or somebody whom to keep out.
        _ if who.is_empty() => Err(Code::INVALID_PARAMETER),
        _ => Err(Code::INVALID_ACL),
    }
}

/// Whether rights, as letters or as a number, include writing.
fn can_write(rights: &str) -> Result<bool, Code> {
    // GENERIC_WRITE, GENERIC_ALL, FILE_WRITE_DATA.
    const WRITE: u32 = 0x4000_0000 | 0x1000_0000 | 0x2;
    if let Some(digits) = rights.strip_prefix("0X") {
        let mask = u32::from_str_radix(digits, 16).map_err(|_| Code::INVALID_PARAMETER)?;
        return Ok(mask & WRITE != 0);
    }
    if let Ok(mask) = rights.parse::<u32>() {
        return Ok(mask & WRITE != 0);
    }
    const NAMES: &[u8] = b"GAGRGWGXRCSDWDWORPWPCCDCLCSWLODTCRFAFRFWFXKAKRKWKX";
    let mut writes = false;
    for name in rights.as_bytes().chunks(2) {
        if !NAMES.chunks(2).any(|known| known == name) {
            return Err(Code::INVALID_PARAMETER);
        }
        writes |= [&b"GA"[..], b"GW", b"FA", b"FW", b"DC"].contains(&name);
    }
    Ok(writes)
}

/// # Safety
///
/// `text` is null or a C string, `descriptor` null or room for a pointer, `size` null or room for a
/// `ULONG`.
unsafe fn convert<U: Unit>(
    text: *const U,
    revision: u32,
    descriptor: *mut *mut SecurityDescriptor,
    size: *mut u32,
) -> Bool {
    call(FALSE, || {
        // SAFETY: the caller's promise.
        let text = unsafe { text::read(text) }?.ok_or(Code::INVALID_PARAMETER)?;
        if descriptor.is_null() {
            return Err(Code::INVALID_PARAMETER);
        }
        if revision != 1 {
            return Err(Code::UNKNOWN_REVISION);
        }
        let made = security::with(dacl(&text)?);
        let length = size_of::<SecurityDescriptor>();
        let memory = memory::allocate(length, true)?.cast::<SecurityDescriptor>();
        // SAFETY: `memory` has room for one, and the caller's promise for the others.
        unsafe {
            memory.write(made);
            descriptor.write(memory);
            if !size.is_null() {
                size.write(length as u32);
            }
        }
        Ok(TRUE)
    })
}

crate::text::for_each_text! {
    fn ConvertStringSecurityDescriptorToSecurityDescriptor(text: *const Text, revision: u32, descriptor: *mut *mut SecurityDescriptor, size: *mut u32) -> Bool = convert;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_meaning() {
        for open in [
            "D:(A;OICI;GRGW;;;AU)(A;OICI;GA;;;BA)",
            "D:P(A;;GA;;;WD)",
            "d:(a;;ga;;;wd)",
            "O:BAG:SYD:(A;;FA;;;SY)(A;;0x40000000;;;S-1-1-0)S:(ML;;NW;;;LW)",
            "D:NO_ACCESS_CONTROL",
        ] {
            assert_eq!(dacl(open), Ok(Dacl::Null), "{open}");
        }
        for closed in ["", "O:BA", "D:(A;;GA;;;BA)(A;;GA;;;SY)", "D:(A;;GR;;;WD)(A;;GA;;;OW)"] {
            assert_eq!(dacl(closed), Ok(Dacl::None), "{closed}");
        }
        for other in ["D:", "D:P", "D:(D;;GA;;;AN)(A;;GA;;;WD)", "D:(A;;GA;;;S-1-5-21-1-2-3-1000)"]
        {
            assert_eq!(dacl(other), Err(Code::INVALID_ACL), "{other}");
        }
        for rubbish in
            ["x", "WD", "D:(A;;GA;;WD)", "D:(A;;GA;;;WD", "D:(A;;QQ;;;WD)", "D:(A;;GA;;;)"]
        {
            assert_eq!(dacl(rubbish), Err(Code::INVALID_PARAMETER), "{rubbish}");
        }
    }
}
