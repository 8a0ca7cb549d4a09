use proptest::prelude::*;

use super::*;
use crate::fuzz_checks;
use crate::name::SlotName;

const STAMP: u64 = 0x0102_0304_0506_0708;

fn record(stamp: u64, bytes: &[u8]) -> Vec<u8> {
    [&record_header(stamp), bytes].concat()
}

fn refused(datagram: &[u8]) -> (Field, String) {
    let error = Message::parse(datagram).unwrap_err();
    (error.field, error.to_string())
}

#[test]
fn a_record_has_this_layout() {
    let bytes = *b"MS\x01\x01\0\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01hello";
    assert_eq!(record(STAMP, b"hello"), bytes);
    let message = Message::Record { stamp: STAMP, bytes: b"hello" };
    assert_eq!(Message::parse(&bytes), Ok(message));
}

#[test]
fn an_attach_message_has_this_layout() {
    let bytes = *b"MS\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\x10\x02\x07\0\0\0\0\0";
    assert_eq!(attach(16, 2, 7), bytes);
    let message = Message::Attach { base_shift: 16, growth_shift: 2, levels: 7 };
    assert_eq!(Message::parse(&bytes), Ok(message));
}

#[test]
fn an_empty_record_is_a_record() {
    let message = Message::Record { stamp: 0, bytes: b"" };
    assert_eq!(Message::parse(&record(0, b"")), Ok(message));
}

#[test]
fn a_record_fills_the_datagram_and_no_more() {
    let largest = record(1, &vec![7; INLINE_MAX]);
    assert!(Message::parse(&largest).is_ok());
    let (field, text) = refused(&record(1, &vec![7; INLINE_MAX + 1]));
    assert_eq!(field, Field::Length);
    assert_eq!(
        text,
        "not a mailslot message: its length is 32785 bytes, expected at most 32784 for a record"
    );
    assert_eq!(HEADER_LEN + INLINE_MAX, 32784);
}

#[test]
fn every_prefix_of_a_header_is_too_short() {
    for len in 0..HEADER_LEN {
        let (field, text) = refused(&record_header(STAMP)[..len]);
        assert_eq!(field, Field::Length);
        assert!(text.ends_with(&format!("{len} bytes, expected at least 16")), "{text}");
    }
}

#[test]
fn each_wrong_field_is_named() {
    let cases: [(usize, u8, Field, &str); 10] = [
        (0, b'm', Field::Magic, "its magic is 0x536d, expected 0x534d"),
        (1, 0, Field::Magic, "its magic is 0x4d, expected 0x534d"),
        (2, 0, Field::Version, "its version is 0x0, expected 0x1"),
        (2, 2, Field::Version, "its version is 0x2, expected 0x1"),
        (
            3,
            0,
            Field::Kind,
            "its kind is 0x0, expected 0x1 (record), 0x2 (attach), 0x3 (target) or 0x4 (origin)",
        ),
        (
            3,
            5,
            Field::Kind,
            "its kind is 0x5, expected 0x1 (record), 0x2 (attach), 0x3 (target) or 0x4 (origin)",
        ),
        (4, 1, Field::Reserved, "its reserved field is 0x1, expected 0x0"),
        (7, 0x80, Field::Reserved, "its reserved field is 0x80000000, expected 0x0"),
        (8, 9, Field::Stamp, "its stamp is 0x9, expected 0x0 in an attach message"),
        (23, 1, Field::Padding, "its padding is 0x100000000, expected 0x0"),
    ];
    for (offset, value, field, end) in cases {
        let mut datagram = attach(16, 2, 7);
        datagram[offset] = value;
        let (found, text) = refused(&datagram);
        assert_eq!(found, field, "{text}");
        assert!(text.ends_with(end), "{text}");
    }
}

#[test]
fn every_padding_byte_counts() {
    for offset in 19..24 {
        let mut datagram = attach(16, 2, 7);
        datagram[offset] = 1;
        assert_eq!(refused(&datagram).0, Field::Padding);
    }
}

#[test]
fn an_attach_message_has_one_length() {
    let whole = attach(16, 2, 7);
    for len in HEADER_LEN..ATTACH_LEN {
        let (field, text) = refused(&whole[..len]);
        assert_eq!(field, Field::Length);
        assert!(text.ends_with("expected 24 for an attach message"), "{text}");
    }
    assert_eq!(refused(&[&whole[..], &[0]].concat()).0, Field::Length);
}

#[test]
fn a_target_message_has_this_layout() {
    let name = SlotName::parse(r"\\JOE\mailslot\taxes\sue").unwrap();
    let text = r"\\JOE\mailslot\taxes\sue";
    let header = b"MS\x01\x03\0\0\0\0\0\0\0\0\0\0\0\0";
    let plain = [&header[..], b"\0", text.as_bytes()].concat();
    assert_eq!(target(&name, None), plain);
    assert_eq!(Message::parse(&plain), Ok(Message::Target { confirmed: None, name: text }));
    let confirmed = Some(Confirmed { handle: *b"0123456789abcdef", first: 0x102 });
    let rest = b"\x010123456789abcdef\x02\x01\0\0\0\0\0\0";
    let bytes = [&header[..], rest, text.as_bytes()].concat();
    assert_eq!(target(&name, confirmed), bytes);
    assert_eq!(Message::parse(&bytes), Ok(Message::Target { confirmed, name: text }));
    for len in 17..41 {
        assert_eq!(refused(&bytes[..len]).0, Field::Length);
    }
    let far = |first| target(&name, Some(Confirmed { handle: [0; 16], first }));
    assert!(Message::parse(&far(FIRST_MAX)).is_ok());
    assert_eq!(refused(&far(FIRST_MAX + 1)).0, Field::First);
}

#[test]
fn a_target_is_the_one_spelling_of_a_remote_name() {
    let with = |name: &[u8]| [&header(KIND_TARGET, 0)[..], &[0], name].concat();
    assert!(Message::parse(&with(br"\\*\mailslot\x")).is_ok());
    for name in [
        &br"\\.\mailslot\x"[..],
        b"//JOE/mailslot/x",
        br"\\JOE\mailslot\x\",
        b"",
        b"\xff",
        br"\\JOE\MAILSLOT\x",
    ] {
        let (field, text) = refused(&with(name));
        assert_eq!(field, Field::Name, "{text}");
        assert!(text.ends_with("bytes is not the full name of a remote slot"), "{text}");
    }
    assert_eq!(refused(&with(b"")[..HEADER_LEN]).0, Field::Length);
    let mut flagged = with(br"\\*\mailslot\x");
    flagged[HEADER_LEN] = 2;
    assert_eq!(refused(&flagged).0, Field::Flags);
    flagged[HEADER_LEN] = 0;
    flagged[8] = 1;
    assert_eq!(refused(&flagged).0, Field::Stamp);
}

const ORIGIN: Origin<'_> =
    Origin { computer: "JOE", domain: "WORKGROUP", user: "sue", pid: 0x0403_0201 };

#[test]
fn an_origin_message_has_this_layout() {
    let bytes =
        *b"MS\x01\x04\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\x02\x03\x04\x03JOE\x09WORKGROUP\x03sue";
    assert_eq!(ORIGIN.encode().as_deref(), Some(&bytes[..]));
    assert_eq!(Message::parse(&bytes), Ok(Message::Origin(ORIGIN)));
}

#[test]
fn an_origin_is_whole_and_names_a_computer() {
    let whole = ORIGIN.encode().unwrap();
    for len in HEADER_LEN..whole.len() {
        assert_eq!(refused(&whole[..len]).0, Field::Length, "{len}");
    }
    assert_eq!(refused(&[&whole[..], &[0]].concat()).0, Field::Length);
    for (at, value, field) in [
        (8, 1, Field::Stamp),
        (16, 0, Field::Known),
        (16, 2, Field::Known),
        (17, 1, Field::Padding),
        (25, b'*', Field::Text),
        (25, 0xff, Field::Text),
        (29, b'\n', Field::Text),
        (39, 0x1b, Field::Text),
    ] {
        let mut datagram = whole.clone();
        datagram[at] = value;
        assert_eq!(refused(&datagram).0, field, "{at}");
    }
    let longest = "ß".repeat(127);
    let origin = Origin { computer: &longest, domain: &longest, user: &longest, pid: 0 };
    assert!(origin.encode().is_some_and(|bytes| bytes.len() <= ORIGIN_MAX));
    let user = "x".repeat(256);
    for wrong in [
        Origin { computer: "", ..ORIGIN },
        Origin { domain: "a,b", ..ORIGIN },
        Origin { user: &user, ..ORIGIN },
    ] {
        assert_eq!(wrong.encode(), None);
    }
    assert!(Origin { user: "", ..ORIGIN }.encode().is_some());
}

proptest! {
    #[test]
    fn mutated_hellos_are_harmless(is_origin: bool, at in 0usize..50, value: u8, len in 0usize..60) {
        let name = SlotName::parse(r"\\JOE\mailslot\taxes\sue").unwrap();
        let mut datagram = if is_origin { ORIGIN.encode().unwrap() } else { target(&name, None) };
        datagram.resize(datagram.len().max(50), 0);
        datagram[at] = value;
        datagram.resize(len, value);
        fuzz_checks::message(&datagram);
    }

    #[test]
    fn records_round_trip(stamp: u64, bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let datagram = record(stamp, &bytes);
        prop_assert_eq!(Message::parse(&datagram), Ok(Message::Record { stamp, bytes: &bytes }));
        fuzz_checks::message(&datagram);
    }

    #[test]
    fn attach_messages_round_trip(base_shift: u8, growth_shift: u8, levels: u8) {
        let message = Message::Attach { base_shift, growth_shift, levels };
        let datagram = attach(base_shift, growth_shift, levels);
        prop_assert_eq!(Message::parse(&datagram), Ok(message));
    }

    #[test]
    fn mutated_messages_are_harmless(is_attach: bool, at in 0usize..24, value: u8, len in 0usize..30) {
        let mut datagram = if is_attach { attach(12, 1, 4).to_vec() } else { record(STAMP, b"12345678") };
        datagram[at] = value;
        datagram.resize(len, value);
        fuzz_checks::message(&datagram);
    }

    #[test]
    fn any_bytes_are_harmless(datagram in prop::collection::vec(any::<u8>(), 0..64)) {
        fuzz_checks::message(&datagram);
    }
}
