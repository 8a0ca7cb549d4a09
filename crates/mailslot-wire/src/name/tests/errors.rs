use super::super::{NameError, SlotName};

#[derive(Debug, PartialEq)]
enum Kind {
    Empty,
    NotAMailslot,
    NoName,
    BadCharacter,
    TooLong,
    BadHost,
    BadComponent,
}

use Kind::*;

fn kind(error: &NameError) -> Kind {
    match error {
        NameError::Empty => Empty,
        NameError::NotAMailslot { .. } => NotAMailslot,
        NameError::NoName { .. } => NoName,
        NameError::BadCharacter { .. } => BadCharacter,
        NameError::TooLong { .. } => TooLong,
        NameError::BadHost { .. } => BadHost,
        NameError::BadComponent { .. } => BadComponent,
    }
}

#[test]
fn refused_in_either_form() {
    let long = format!(r"\\.\mailslot\{}", "x".repeat(256));
    let long_host = format!(r"\\{}\mailslot\x", "h".repeat(256));
    for (typed, expected) in [
        ("", Empty),
        // another thing altogether
        (r"C:\mailslot\x", NotAMailslot),
        ("c:/x", NotAMailslot),
        (r"\\.\pipe\x", NotAMailslot),
        (r"\\JOE\share\x", NotAMailslot),
        (r"\\.\C:\x", NotAMailslot),
        (r"\\.\mailslots\x", NotAMailslot),
        (r"\\.\mailslot.\x", NotAMailslot),
        (r"\\.\pipe\..\mailslot\x", NotAMailslot),
        (r"\mailslot\x", NotAMailslot),
        (r"\.\mailslot\x", NotAMailslot),
        ("/run/mailslot/x", NotAMailslot),
        (r"\", NotAMailslot),
        (r"\\", NotAMailslot),
        (r"\\.", NotAMailslot),
        (r"\\.\", NotAMailslot),
        (r"\\.\\.\", NotAMailslot),
        (r"\\mailslot\x", NotAMailslot),
        (r"\\?\\mailslot\x", NotAMailslot),
        (r"\\?\.\mailslot\x", NotAMailslot),
        (r"\\?\UNC\JOE\mailslot\x", NotAMailslot),
        (r"\??\mailslot\x", NotAMailslot),
        ("\\\\.\\mail\0slot\\x", NotAMailslot),
        // no name
        (r"\\.\mailslot", NoName),
        (r"\\.\mailslot\", NoName),
        (r"\\.\mailslot\\/", NoName),
        (r"\\.\mailslot\.", NoName),
        (r"\\.\mailslot\ ", NoName),
        (r"\\.\mailslot\...", NoName),
        (r"\\.\mailslot\a\..", NoName),
        (r"\\?\mailslot", NoName),
        (r"\\?\mailslot\", NoName),
        (r"\\JOE\mailslot", NoName),
        (r"\\*\mailslot\", NoName),
        // control characters
        ("\\\\.\\mailslot\\a\0", BadCharacter),
        ("\\\\.\\mailslot\\\n", BadCharacter),
        ("\\\\?\\mailslot\\a\u{1f}b", BadCharacter),
        ("\\\\JOE\\mailslot\\a\u{7f}", BadCharacter),
        ("\\\\.\\mailslot\\a\u{80}", BadCharacter),
        ("\\\\.\\mailslot\\a\u{85}b", BadCharacter),
        ("\\\\.\\mailslot\\\u{9b}b", BadCharacter),
        // hosts
        (r"\\\mailslot\x", BadHost),
        (r"\\\\.\\mailslot\\x", BadHost),
        (r"\\..\mailslot\x", BadHost),
        (r"\\...\mailslot\x", BadHost),
        (r"\\ JOE\mailslot\x", BadHost),
        (r"\\JOE \mailslot\x", BadHost),
        (r"\\ \mailslot\x", BadHost),
        (r"\\J:E\mailslot\x", BadHost),
        (r"\\J*\mailslot\x", BadHost),
        (r"\\**\mailslot\x", BadHost),
        (r"\\??\mailslot\x", BadHost),
        (r#"\\"JOE"\mailslot\x"#, BadHost),
        (r"\\<JOE\mailslot\x", BadHost),
        (r"\\JOE>\mailslot\x", BadHost),
        (r"\\J|E\mailslot\x", BadHost),
        ("\\\\J\nE\\mailslot\\x", BadHost),
        ("\\\\J\u{7f}E\\mailslot\\x", BadHost),
        (&long_host, BadHost),
        // parts
        (r"\\.\mailslot\..", BadComponent),
        (r"\\.\mailslot\..\pipe\x", BadComponent),
        (r"\\.\mailslot\a\..\..\a", BadComponent),
        (r"\\JOE\mailslot\..\x", BadComponent),
        (r"\\?\mailslot\\x", BadComponent),
        (r"\\?\mailslot\a\\x", BadComponent),
        (r"\\?\mailslot\a\", BadComponent),
        // length
        (&long, TooLong),
    ] {
        let strict = SlotName::parse(typed).expect_err(typed);
        assert_eq!(kind(&strict), expected, "{typed}");
        assert_eq!(SlotName::parse_short(typed), Err(strict), "{typed}");
    }
}

#[test]
fn refused_as_a_bare_name() {
    let long = "x".repeat(256);
    for (typed, expected) in [
        (".", NoName),
        (" ", NoName),
        ("...", NoName),
        ("..", BadComponent),
        ("../x", BadComponent),
        ("a\tb", BadCharacter),
        (&long, TooLong),
    ] {
        let error = SlotName::parse_short(typed).expect_err(typed);
        assert_eq!(kind(&error), expected, "{typed:?}");
        let error = SlotName::parse(typed).expect_err(typed);
        assert_eq!(kind(&error), NotAMailslot, "{typed:?}");
    }
}

#[test]
fn the_text_says_what_was_given_why_and_what_is_right() {
    const RIGHT: &str = r"; a slot name looks like \\.\mailslot\taxes\sue";
    for (typed, text) in [
        ("", "the slot name is empty"),
        ("blah", r#""blah" is not a mailslot: it does not start with \\.\mailslot\"#),
        (r"C:\x", r#""C:\x" is not a mailslot: it is a path on a disk"#),
        (r"\\.\pipe\x", r#""\\.\pipe\x" is not a mailslot: no \mailslot\ follows its first part"#),
        (
            r"\.mailslot",
            r#""\.mailslot" is not a mailslot: it starts with one separator instead of two (in a shell, put it in quotes)"#,
        ),
        (r"\\.\mailslot\", r#""\\.\mailslot\" names no slot: no name is left after \mailslot\"#),
        (
            "\\\\.\\mailslot\\a\u{7}b",
            r#""\\.\mailslot\a\u{7}b" cannot name a slot: character 15 is the control character U+0007"#,
        ),
        (
            r"\\.\mailslot\..",
            r#""\\.\mailslot\.." cannot name a slot: its part ".." climbs above \mailslot\"#,
        ),
        (
            r"\\?\mailslot\a\\b",
            r#""\\?\mailslot\a\\b" cannot name a slot: its part "" is empty, and after \\?\ a name is taken as it stands"#,
        ),
    ] {
        let error = SlotName::parse(typed).unwrap_err();
        assert_eq!(error.to_string(), format!("{text}{RIGHT}"));
    }
    assert_eq!(
        SlotName::parse("\\\\J\u{1b}E\\mailslot\\x").unwrap_err().to_string(),
        r#""\\J\u{1b}E\mailslot\x" cannot name a slot: "J\u{1b}E" cannot be a computer or a domain: it contains a control character; a remote slot name looks like \\JOE\mailslot\taxes\sue"#
    );
}

#[test]
fn a_long_name_is_shortened() {
    let error = SlotName::parse_short(&"x".repeat(3000)).unwrap_err();
    let (head, tail) = ("x".repeat(50), "x".repeat(25));
    assert_eq!(
        error.to_string(),
        format!(
            r#""{head}…{tail}" is too long: 3000 characters after \mailslot\ where 255 are allowed; a slot name looks like \\.\mailslot\taxes\sue"#
        )
    );
}

#[test]
fn the_first_control_character_is_found() {
    for (typed, character, position) in [
        ("\u{1}", '\u{1}', 1),
        ("ä/b\u{1f}\u{2}", '\u{1f}', 4),
        ("//./mailslot/\u{7f}", '\u{7f}', 14),
    ] {
        let error = SlotName::parse_short(typed).unwrap_err();
        let NameError::BadCharacter { character: c, position: p, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((c, p), (character, position));
    }
}
