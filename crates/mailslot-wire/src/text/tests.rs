use super::*;

#[test]
fn numbers_have_one_spelling() {
    assert_eq!(decimal("0"), Some(0));
    assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
    assert_eq!(hexadecimal(b"ffffffffffffffff"), Some(u64::MAX));
    for wrong in ["", "00", "07", "+7", "-7", " 7", "7 ", "a", "18446744073709551616"] {
        assert_eq!(decimal(wrong), None, "{wrong:?}");
    }
    for wrong in ["", "00", "0f", "F", "0x1", "g", "10000000000000000"] {
        assert_eq!(hexadecimal(wrong.as_bytes()), None, "{wrong:?}");
    }
}

#[test]
fn shown_leaves_ordinary_text_alone() {
    assert_eq!(shown(r"\\.\mailslot\größe"), r"\\.\mailslot\größe");
    assert_eq!(shown(&"x".repeat(80)), "x".repeat(80));
}

#[test]
fn shown_shortens_and_escapes() {
    let long = shown(&format!("{}{}", "a".repeat(100), "b".repeat(100)));
    assert_eq!(long, format!("{}…{}", "a".repeat(50), "b".repeat(25)));
    assert_eq!(shown("\u{1b}[2J\n\u{7f}\u{9b}"), r"\u{1b}[2J\u{a}\u{7f}\u{9b}");
    assert_eq!(shown("\u{202e}gpj"), r"\u{202e}gpj");
}
