use super::push_harmless;

fn shown(record: &[u8]) -> String {
    let mut out = Vec::new();
    push_harmless(&mut out, record);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_terminal_is_not_driven_by_records() {
    assert_eq!(shown(b"\x1b[2Jgone\x07\r!"), r"\u{1b}[2Jgone\u{7}\u{d}!");
    assert_eq!(shown("\u{202e}txt.exe \u{9b}31m".as_bytes()), r"\u{202e}txt.exe \u{9b}31m");
    assert_eq!(shown(b"\xff\x9b"), "\u{fffd}\u{fffd}");
}

#[test]
fn text_stays_as_it_is() {
    assert_eq!(shown("two\nlines\twith ü\n".as_bytes()), "two\nlines\twith ü\n");
    assert_eq!(shown(b""), "");
}
