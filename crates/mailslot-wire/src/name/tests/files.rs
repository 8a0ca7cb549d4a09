use std::collections::HashMap;

use super::super::file_name::fnv1a_128;
use super::super::{FILE_PREFIX, SlotName};
use super::{parse, short};

#[test]
fn escaped() {
    for (typed, file_name) in [
        ("taxes", "mailslot.taxes"),
        ("Taxes/Sue", "mailslot.taxes%5Csue"),
        ("a-b_c.d9", "mailslot.a-b_c.d9"),
        (".a.b", "mailslot.%2Ea.b"),
        ("a/.b", "mailslot.a%5C.b"),
        ("%h", "mailslot.%25h"),
        ("a:b c", "mailslot.a%3Ab%20c"),
        (r#"*?"<>|"#, "mailslot.%2A%3F%22%3C%3E%7C"),
        ("ÄSS", "mailslot.%C3%A4ss"),
        ("日", "mailslot.%E6%97%A5"),
        ("//?/mailslot/..", "mailslot.%2E."),
        ("//?/mailslot/../../etc", "mailslot.%2E.%5C..%5Cetc"),
    ] {
        let name = short(typed);
        assert_eq!(name.file_name(), file_name);
        assert!(!name.file_name_is_hashed());
    }
}

#[test]
fn hashed_when_too_long() {
    let fits = "x".repeat(71);
    assert_eq!(short(&fits).file_name(), format!("{FILE_PREFIX}{fits}"));
    assert_eq!(short(&fits).file_name().len(), 80);
    assert!(!short(&fits).file_name_is_hashed());

    let too_long = short(&"X".repeat(72));
    assert!(too_long.file_name_is_hashed());
    assert_eq!(too_long.file_name(), "mailslot.%h095aa075423841d6478ddd88add4fdad");

    // 23 escapes are 69 bytes, 24 are 72.
    assert!(!short(&"*".repeat(23)).file_name_is_hashed());
    assert!(short(&"*".repeat(24)).file_name_is_hashed());
    // The key is what is hashed.
    assert_eq!(short(&"ÄÖ".repeat(60)).file_name(), short(&"äö".repeat(60)).file_name());
}

#[test]
fn fnv_vectors() {
    // From the FNV authors' test suite.
    assert_eq!(fnv1a_128(b""), 0x6c62272e07bb014262b821756295c58d);
    assert_eq!(fnv1a_128(b"a"), 0xd228cb696f1a8caf78912b704e4a8964);
    assert_eq!(fnv1a_128(b"foobar"), 0x343e1662793c64bf6f0d3597ba446f18);
}

#[test]
fn short_keys_never_clash() {
    // Every key of up to four of these, among them what escapes are made of.
    let letters = ["a", "h", "2", "e", "%", ".", "\\", "-", "ä"];
    let mut keys = vec![String::new()];
    let mut seen = HashMap::new();
    for _ in 0..4 {
        keys = keys
            .iter()
            .flat_map(|key| letters.iter().map(move |letter| format!("{key}{letter}")))
            .collect();
        for key in &keys {
            let Ok(name) = SlotName::parse(&format!(r"\\?\mailslot\{key}")) else {
                continue;
            };
            let before = seen.insert(name.file_name(), name.key().to_owned());
            assert_eq!(before, None, "{key}");
        }
    }
    assert!(seen.len() > 5000, "{}", seen.len());
}

#[test]
fn the_host_does_not_count() {
    assert_eq!(parse(r"\\JOE\mailslot\x").file_name(), short("x").file_name());
}
