use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use proptest::prelude::*;

use super::*;
use crate::fuzz_checks;

mod case;
mod errors;
mod files;

fn parse(typed: &str) -> SlotName {
    SlotName::parse(typed).unwrap_or_else(|e| panic!("{e}"))
}

fn short(typed: &str) -> SlotName {
    SlotName::parse_short(typed).unwrap_or_else(|e| panic!("{e}"))
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn whatever_holds_a_name_becomes_one() {
    let typed = r"\\.\mailslot\taxes\sue".to_owned();
    let name = parse(&typed);
    assert_eq!(SlotName::try_from(&typed).as_ref(), Ok(&name));
    assert_eq!(SlotName::try_from(typed).as_ref(), Ok(&name));
    assert_eq!(SlotName::from(&name), name);
    assert!(SlotName::try_from(String::new()).is_err());
}

#[test]
fn the_four_forms() {
    let local = parse(r"\\.\mailslot\taxes\sue");
    assert!(local.is_local());
    assert_eq!(local.path(), r"taxes\sue");
    assert_eq!(parse(r"\\?\mailslot\taxes\sue"), local);

    let joe = parse(r"\\JOE\mailslot\taxes\sue");
    assert_eq!(joe.host(), &Host::Named("JOE".into()));
    assert!(!joe.is_local());
    assert_eq!(joe.path(), r"taxes\sue");

    let primary = parse(r"\\*\mailslot\taxes\sue");
    assert_eq!(primary.host(), &Host::Primary);
    assert!(!primary.is_local());
}

#[test]
fn shown_in_full() {
    for (typed, shown) in [
        (r"\\.\mailslot\Taxes\Sue", r"\\.\mailslot\Taxes\Sue"),
        (r"//./MAILSLOT/Taxes/Sue", r"\\.\mailslot\Taxes\Sue"),
        (r"\\?\mailslot\Taxes\Sue", r"\\.\mailslot\Taxes\Sue"),
        (r"\\?\mailslot\Taxes\Sue.", r"\\?\mailslot\Taxes\Sue."),
        (r"\\?\mailslot\..\Sue", r"\\?\mailslot\..\Sue"),
        (r"//Joe.Workgroup/mailslot/x", r"\\Joe.Workgroup\mailslot\x"),
        (r"//*/mailslot/x", r"\\*\mailslot\x"),
    ] {
        assert_eq!(parse(typed).to_string(), shown);
    }
    assert_eq!(format!("{:?}", short("a/b")), r"SlotName(\\.\mailslot\a\b)");
    assert_eq!(parse(r"\\JOE\mailslot\x").host().to_string(), "JOE");
}

#[test]
fn the_conversions_are_strict() {
    assert_eq!(r"\\.\mailslot\x".parse(), Ok(short("x")));
    assert_eq!(SlotName::try_from(r"\\.\mailslot\x"), Ok(short("x")));
    assert!("x".parse::<SlotName>().is_err());
    assert!(SlotName::try_from("x").is_err());
}

#[test]
fn normalised_as_win32_does() {
    for (typed, path) in [
        // either separator, repeated or at the end
        (r"\\.\mailslot/a\b/c", r"a\b\c"),
        (r"\\.\mailslot\\a\/\b", r"a\b"),
        (r"\\.\\mailslot\a", "a"),
        (r"\\.\mailslot\a\", "a"),
        (r"\\.\mailslot\a//", "a"),
        // `.` and `..`
        (r"\\.\mailslot\.\a\.\b\.", r"a\b"),
        (r"\\.\.\mailslot\a", "a"),
        (r"\\.\mailslot\a\..\b", "b"),
        (r"\\.\mailslot\a\b\..\..\c", "c"),
        (r"\\.\mailslot\a\b\..", "a"),
        // dots and spaces at the very end
        (r"\\.\mailslot\a.", "a"),
        (r"\\.\mailslot\a. . ", "a"),
        (r"\\.\mailslot\a...", "a"),
        (r"\\.\mailslot\a.\", "a"),
        (r"\\.\mailslot\a\...", "a"),
        (r"\\.\mailslot\a.\ . \...", "a"),
        // and nowhere else
        (r"\\.\mailslot\a.\b", r"a.\b"),
        (r"\\.\mailslot\a \b", r"a \b"),
        (r"\\.\mailslot\ a", " a"),
        (r"\\.\mailslot\.a", ".a"),
        (r"\\.\mailslot\...\b", r"...\b"),
        (r"\\.\mailslot\a b c", "a b c"),
        (r"\\.\mailslot\a.b", "a.b"),
        // the same for other computers
        (r"\\JOE\\mailslot\\a\.\x\..\b. ", r"a\b"),
        (r"\\*\mailslot\a\..\b\", "b"),
    ] {
        let name = parse(typed);
        assert_eq!(name.path(), path, "{typed}");
        assert_eq!(parse(&name.to_string()).path(), path, "{typed}");
    }
}

#[test]
fn after_a_question_mark_a_name_stands_as_it_is() {
    for (typed, path) in [
        (r"\\?\mailslot\a.", "a."),
        (r"\\?\mailslot\a ", "a "),
        (r"\\?\mailslot\a\.\b", r"a\.\b"),
        (r"\\?\mailslot\a\..\b", r"a\..\b"),
        (r"\\?\mailslot\..", ".."),
        (r"//?/MailSlot/a/b", r"a\b"),
    ] {
        let name = parse(typed);
        assert_eq!(name.path(), path, "{typed}");
        assert!(name.is_local());
        assert_eq!(parse(&name.to_string()).path(), path, "{typed}");
    }
    assert_ne!(parse(r"\\?\mailslot\a."), parse(r"\\.\mailslot\a."));
}

#[test]
fn unusual_characters_are_just_characters() {
    for path in ["a:b", "C:", "a*b?", "\"<|>", "%41", "größe", "税\\スー"] {
        assert_eq!(parse(&format!(r"\\.\mailslot\{path}")).path(), path);
        assert_eq!(short(path).path(), path);
    }
}

#[test]
fn bare_names_are_local() {
    for (typed, full) in [
        ("taxes/sue", r"\\.\mailslot\taxes\sue"),
        (r"taxes\sue", r"\\.\mailslot\taxes\sue"),
        ("./taxes//sue/.", r"\\.\mailslot\taxes\sue"),
        ("mailslot/x", r"\\.\mailslot\mailslot\x"),
        ("c:d", r"\\.\mailslot\c:d"),
        ("//JOE/mailslot/x", r"\\JOE\mailslot\x"),
        (r"\\.\mailslot\x", r"\\.\mailslot\x"),
        ("//?/mailslot/x.", r"\\?\mailslot\x."),
    ] {
        assert_eq!(short(typed).to_string(), full);
    }
}

#[test]
fn the_longest_name() {
    let longest = "ä".repeat(SlotName::MAX_CHARS);
    assert_eq!(parse(&format!(r"\\.\mailslot\{longest}")).path(), longest);
    // What normalising removes does not count.
    assert_eq!(short(&format!("./x/..//{longest}...")).path(), longest);
    assert_eq!(short(&"x/".repeat(128)).path().len(), 255);
    assert!(SlotName::parse_short(&"x/".repeat(129)).is_err());
}

#[test]
fn hosts() {
    let longest = "h".repeat(Host::MAX_BYTES);
    for host in ["JOE", "JOE.WORKGROUP", "joe-2_x", "büro", "10.0.0.7", "a b", "..a", &longest] {
        let name = parse(&format!(r"\\{host}\mailslot\x"));
        assert_eq!(name.host(), &Host::Named(host.to_owned()));
    }
}

#[test]
fn a_slot_is_its_key_and_its_host() {
    let name = parse(r"\\JOE\mailslot\Taxes\Sue");
    let same = parse(r"//joe/MAILSLOT/TAXES/sue");
    assert_eq!(name, same);
    assert_eq!(hash(&name), hash(&same));
    assert_eq!(name.cmp(&same), Ordering::Equal);
    assert_eq!(name.key(), r"taxes\sue");

    assert_ne!(name, parse(r"\\JIM\mailslot\Taxes\Sue"));
    assert_ne!(name, parse(r"\\.\mailslot\Taxes\Sue"));
    assert_ne!(name, parse(r"\\*\mailslot\Taxes\Sue"));
    assert_ne!(name, parse(r"\\JOE\mailslot\Taxes"));

    let sorted = [
        short("a"),
        parse(r"\\ABE\mailslot\A"),
        parse(r"\\joe\mailslot\a"),
        parse(r"\\*\mailslot\A"),
        short("B"),
        short("c"),
    ];
    assert!(sorted.is_sorted());
}

/// Text that comes close to being a name.
fn nearly_a_name() -> impl Strategy<Value = String> {
    let prefix = prop::sample::select(vec![
        "",
        r"\\.\mailslot\",
        r"\\?\mailslot\",
        "//JOE/mailslot/",
        r"\\*\MAILSLOT",
        r"\\",
        "C:\\",
    ]);
    let piece = prop::sample::select(vec![
        "a", "B", "ß", "ẞ", "Σ", "ς", "K", "ı", ".", "..", "\\", "/", " ", ":", "%", "%h", "*",
        "?", "\u{0}", "\u{7f}", "mailslot", "🦀", "ab12-_.", "\u{130}", "\u{345}",
    ]);
    let long = prop_oneof![8 => Just(1usize), 1 => Just(40)];
    (prefix, prop::collection::vec(piece, 0..12), long)
        .prop_map(|(prefix, pieces, times)| format!("{prefix}{}", pieces.concat().repeat(times)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_harmless(text: String) {
        fuzz_checks::name(text.as_bytes());
        fuzz_checks::name(format!(r"\\.\mailslot\{text}").as_bytes());
        fuzz_checks::name(format!(r"\\?\mailslot\{text}").as_bytes());
        fuzz_checks::name(format!(r"\\{text}\mailslot\x").as_bytes());
    }

    #[test]
    fn any_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_checks::name(&bytes);
    }

    #[test]
    fn what_comes_close_is_harmless(text in nearly_a_name()) {
        fuzz_checks::name(text.as_bytes());
    }

    #[test]
    fn order_agrees_with_equality(a in nearly_a_name(), b in nearly_a_name()) {
        if let (Ok(a), Ok(b)) = (SlotName::parse_short(&a), SlotName::parse_short(&b)) {
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a == b {
                prop_assert_eq!(hash(&a), hash(&b));
                prop_assert_eq!(a.file_name(), b.file_name());
            }
        }
    }
}
