use proptest::prelude::*;

use super::*;
use crate::computer::MAX_COMPUTERS;
use crate::fuzz_checks;

const FILE: &str = r"mailslot 2
name=\\.\mailslot\Taxes\Sue
max-record=4096
quota=67108864
access=users:1000,1001
network=domains
uid=1000
pid=1234
created=1700000000000000000
inheritable=no
";

fn metadata() -> Metadata {
    Metadata {
        name: SlotName::parse_short("Taxes/Sue").unwrap(),
        limits: Limits { max_record: 4096, quota: 64 << 20 },
        access: Access::Users(vec![1000, 1001]),
        network: NetworkAccess::Domains,
        uid: 1000,
        pid: 1234,
        created: 1_700_000_000_000_000_000,
        inheritable: false,
        computer: None,
    }
}

fn parse(text: &str) -> Result<Metadata, MetaError> {
    Metadata::parse(text.as_bytes())
}

/// `FILE` with one line replaced.
fn with(key: &str, line: &str) -> String {
    let starts = |l: &str| l.split('=').next() == Some(key);
    assert_eq!(FILE.lines().filter(|l| starts(l)).count(), 1);
    FILE.lines()
        .map(|l| if starts(l) { line } else { l })
        .filter(|l| !l.is_empty())
        .fold(String::new(), |file, l| file + l + "\n")
}

#[test]
fn a_file_has_this_form() {
    assert_eq!(metadata().encode(), FILE);
    let parsed = parse(FILE).unwrap();
    assert_eq!(parsed, metadata());
    assert_eq!(parsed.name.path(), r"Taxes\Sue");
}

#[test]
fn the_order_is_free() {
    let mut lines: Vec<&str> = FILE.lines().collect();
    lines[1..].reverse();
    assert_eq!(parse(&(lines.join("\n") + "\n")), Ok(metadata()));
}

#[test]
fn access_has_four_forms() {
    for (access, value) in [
        (Access::SameUser, "user"),
        (Access::Everyone, "everyone"),
        (Access::Group(0), "group:0"),
        (Access::Group(u32::MAX), "group:4294967295"),
        (Access::Users(vec![]), "users:"),
        (Access::Users(vec![7]), "users:7"),
        (Access::Users(vec![2, 1, 2]), "users:2,1,2"),
    ] {
        let file = with("access", &format!("access={value}"));
        let metadata = Metadata { access, ..metadata() };
        assert_eq!(metadata.encode(), file);
        assert_eq!(parse(&file), Ok(metadata));
    }
}

#[test]
fn names_that_need_the_literal_form() {
    let name = SlotName::parse(r"\\?\mailslot\a.").unwrap();
    let metadata = Metadata { name, ..metadata() };
    assert_eq!(metadata.encode(), with("name", r"name=\\?\mailslot\a."));
    assert_eq!(parse(&metadata.encode()), Ok(metadata));
}

#[test]
fn the_largest_file_fits() {
    let largest = Metadata {
        name: SlotName::parse_short(&"🦀".repeat(SlotName::MAX_CHARS)).unwrap(),
        limits: Limits { max_record: u32::MAX, quota: u64::MAX },
        access: Access::Users(vec![u32::MAX; Metadata::MAX_USERS]),
        network: NetworkAccess::Computers(vec!["ß".repeat(127); MAX_COMPUTERS]),
        uid: u32::MAX,
        pid: u32::MAX,
        created: u64::MAX,
        inheritable: true,
        computer: Some("x".repeat(255)),
    };
    let file = largest.encode();
    assert!(file.len() <= Metadata::MAX_BYTES, "{}", file.len());
    assert_eq!(parse(&file), Ok(largest));
}

#[test]
fn a_gateways_slot_names_its_computer() {
    let metadata = Metadata { computer: Some("JOE".into()), ..metadata() };
    let file = format!("{FILE}computer=JOE\n");
    assert_eq!(metadata.encode(), file);
    assert_eq!(parse(&file), Ok(metadata));
    let wrong = parse(&format!("{FILE}computer=a,b\n")).unwrap_err();
    let text = r#"the metadata has computer="a,b", expected the name of a computer"#;
    assert_eq!(wrong.to_string(), text);
    let twice = parse(&format!("{file}computer=JOE\n"));
    assert_eq!(twice, Err(MetaError::Doubled { field: "computer" }));
}

#[test]
fn wrong_values() {
    for (key, value) in [
        ("name", r"\\JOE\mailslot\x"),
        ("name", r"\\*\mailslot\x"),
        ("name", r"//./mailslot/x"),
        ("name", r"\\.\MAILSLOT\x"),
        ("name", r"\\.\mailslot\x."),
        ("name", r"\\?\mailslot\x"),
        ("max-record", ""),
        ("max-record", "4294967296"),
        ("max-record", "04096"),
        ("max-record", "+1"),
        ("max-record", "-1"),
        ("max-record", "1\r"),
        ("max-record", "0x10"),
        ("quota", "18446744073709551616"),
        ("quota", "1 "),
        ("network", ""),
        ("network", "Domains"),
        ("network", "computers:"),
        ("network", "computers:a,*"),
        ("uid", "root"),
        ("pid", "4294967296"),
        ("created", "1.5"),
        ("inheritable", "Yes"),
        ("inheritable", "true"),
        ("inheritable", ""),
        ("access", ""),
        ("access", "User"),
        ("access", "user:"),
        ("access", "everyone:1"),
        ("access", "group"),
        ("access", "group:"),
        ("access", "group:1,2"),
        ("access", "group:4294967296"),
        ("access", "users"),
        ("access", "users:1,"),
        ("access", "users:,1"),
        ("access", "users:1, 2"),
        ("access", "users:01"),
    ] {
        let error = parse(&with(key, &format!("{key}={value}"))).unwrap_err();
        let MetaError::Value { field, .. } = error else {
            panic!("{key}={value}: {error}");
        };
        assert_eq!(field, key);
    }
}

#[test]
fn too_many_users() {
    let list = |n: usize| format!("access=users:{}", vec!["7"; n].join(","));
    assert!(parse(&with("access", &list(Metadata::MAX_USERS))).is_ok());
    assert!(parse(&with("access", &list(Metadata::MAX_USERS + 1))).is_err());
}

#[test]
fn every_field_comes_once() {
    let keys = [
        "name",
        "max-record",
        "quota",
        "access",
        "network",
        "uid",
        "pid",
        "created",
        "inheritable",
    ];
    for field in keys {
        assert_eq!(parse(&with(field, "")), Err(MetaError::Missing { field }));
        let line = FILE.lines().find(|l| l.starts_with(&format!("{field}="))).unwrap();
        assert_eq!(parse(&format!("{FILE}{line}\n")), Err(MetaError::Doubled { field }));
    }
}

#[test]
fn the_text_says_what_was_found_and_what_was_expected() {
    for (file, text) in [
        ("", r#"the metadata starts with the line "", expected "mailslot 2""#),
        (
            "mailslot 1\n",
            r#"the metadata starts with the line "mailslot 1", expected "mailslot 2""#,
        ),
        (
            "mailslot 2\r\n",
            r#"the metadata starts with the line "mailslot 2\u{d}", expected "mailslot 2""#,
        ),
        ("mailslot 2", "the metadata does not end with a newline, so its end may be missing"),
        (
            "mailslot 2\nuid=1",
            "the metadata does not end with a newline, so its end may be missing",
        ),
        ("mailslot 2\n\n", r#"the metadata has the line "", expected key=value"#),
        ("mailslot 2\nuid\n", r#"the metadata has the line "uid", expected key=value"#),
        ("mailslot 2\nUID=1\n", r#"the metadata has the unknown field "UID""#),
        ("mailslot 2\n uid=1\n", r#"the metadata has the unknown field " uid""#),
        ("mailslot 2\nuid=1\nuid=1\n", "the metadata has the field uid twice"),
        ("mailslot 2\n", "the metadata lacks the field name"),
        (
            &with("pid", "pid=\u{1b}[1m"),
            r#"the metadata has pid="\u{1b}[1m", expected a decimal number below 4294967296"#,
        ),
        (&with("name", "name=x"), "the metadata has a bad name"),
    ] {
        assert_eq!(parse(file).unwrap_err().to_string(), text, "{file:?}");
    }
}

#[test]
fn not_text_or_too_large() {
    let valid_up_to = FILE.len();
    let file = [FILE.as_bytes(), b"\xff\n"].concat();
    assert_eq!(Metadata::parse(&file), Err(MetaError::NotUtf8 { valid_up_to }));

    let file = vec![b'x'; Metadata::MAX_BYTES + 1];
    let found = Metadata::MAX_BYTES + 1;
    assert_eq!(Metadata::parse(&file), Err(MetaError::TooLarge { found }));
}

fn any_metadata() -> impl Strategy<Value = Metadata> {
    let access = prop_oneof![
        Just(Access::SameUser),
        Just(Access::Everyone),
        any::<u32>().prop_map(Access::Group),
        prop::collection::vec(any::<u32>(), 0..20).prop_map(Access::Users),
    ];
    let name = r"[a-zA-Zß日 .=:%*]{0,20}x[\\/]?y[a-z. ]{0,3}".prop_map(|typed| {
        let literal = SlotName::parse(&format!(r"\\?\mailslot\{typed}"));
        literal.or_else(|_| SlotName::parse_short(&typed)).unwrap()
    });
    let network = prop_oneof![
        Just(NetworkAccess::Domains),
        Just(NetworkAccess::ThisComputer),
        prop::collection::vec("[A-Zß.]{0,9}x", 1..9).prop_map(NetworkAccess::Computers),
    ];
    let computer = prop::option::of("x[A-Z .]{0,9}x");
    let numbers = any::<(u32, u64, u32, u32, u64, bool)>();
    (name, access, network, computer, numbers).prop_map(|(name, access, network, computer, n)| {
        Metadata {
            name,
            access,
            network,
            computer,
            limits: Limits { max_record: n.0, quota: n.1 },
            uid: n.2,
            pid: n.3,
            created: n.4,
            inheritable: n.5,
        }
    })
}

proptest! {
    #[test]
    fn metadata_round_trips(metadata in any_metadata()) {
        let file = metadata.encode();
        prop_assert_eq!(parse(&file), Ok(metadata));
        fuzz_checks::meta(file.as_bytes());
    }

    #[test]
    fn mutated_files_are_harmless(
        metadata in any_metadata(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut file = metadata.encode().into_bytes();
        for (at, value) in edits {
            let at = at.index(file.len());
            file[at] = value;
        }
        if is_cut {
            file.truncate(cut.index(file.len()));
        }
        fuzz_checks::meta(&file);
    }

    #[test]
    fn any_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
        fuzz_checks::meta(&bytes);
        fuzz_checks::meta(format!("mailslot 2\n{text}\n").as_bytes());
    }
}
