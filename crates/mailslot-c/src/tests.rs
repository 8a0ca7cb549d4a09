//! What can be tested from inside. The rest is in `tests/c`.

use std::collections::BTreeMap;

use crate::code::{ALL, Code};
use crate::text::Unit;

const HEADER: &str = include_str!("../include/mailslot.h");
const GUIDE: &str = include_str!("../../../docs/porting-from-windows.md");

/// The error numbers that mailslot.h names.
fn named_in_header() -> BTreeMap<&'static str, u32> {
    let lines = HEADER.lines().filter_map(|line| line.strip_prefix("#define ERROR_"));
    let parse = |line: &'static str| {
        let (name, value) = line.split_once(' ')?;
        Some((name, value.strip_suffix('U')?.parse().ok()?))
    };
    lines.map(|line| parse(line).unwrap_or_else(|| panic!("{line:?} is no number"))).collect()
}

#[test]
fn the_header_names_each_error() {
    let ours: BTreeMap<&str, u32> = ALL.iter().map(|&(number, name, _)| (name, number)).collect();
    assert_eq!(ours, named_in_header());
    assert!(ALL.is_sorted_by(|(a, ..), (b, ..)| a < b), "by number, each once");
}

#[test]
fn the_guide_explains_each_error() {
    for (number, name, _) in ALL.iter().skip(1) {
        let row = format!("| {number} | `ERROR_{name}` |");
        // Some are there only so that programs that name them compile.
        let only_named = GUIDE.contains(&format!("`ERROR_{name}` ({number})"));
        assert!(GUIDE.contains(&row) || only_named, "the guide lacks {row}");
    }
}

#[test]
fn a_status_keeps_its_error() {
    for &(number, ..) in ALL {
        assert_eq!(Code::of_status(Code(number).status()), Code(number));
    }
    assert_eq!(Code::SEM_TIMEOUT.status(), 0xC000_00B5);
}

#[test]
fn text_survives_every_width() {
    fn there_and_back<U: Unit>(text: &str) {
        let units = U::encoded(text);
        assert_eq!(U::decode(&units).as_deref(), Some(text));
        assert_eq!(U::decode_lossy(&units), text);
    }
    for text in ["", "plain", "Grüße", "\u{1F4EC} post", "\u{10FFFF}"] {
        there_and_back::<u8>(text);
        there_and_back::<u16>(text);
        there_and_back::<u32>(text);
    }
    assert_eq!(u16::decode(&[0xd800]), None);
    assert_eq!(u32::decode(&[0x11_0000]), None);
    assert_eq!(u32::decode_lossy(&[0xd800, 0x41]), "\u{fffd}A");
    assert_eq!(u8::decode(b"\xff"), None);
}

#[test]
fn a_cut_never_splits_a_character() {
    assert_eq!(crate::text::cut("aü", 2), "a");
    assert_eq!(crate::text::cut("aü", 3), "aü");
    assert_eq!(crate::text::cut("aü", 9), "aü");
    assert_eq!(crate::text::cut("ü", 0), "");
}
