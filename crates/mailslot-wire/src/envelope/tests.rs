use proptest::prelude::*;

use super::*;

fn definition() -> Definition {
    Definition {
        writer: WriterId([7; 16]),
        confirmed: true,
        wide: false,
        pid: 4711,
        user: "sue".into(),
        slot: SlotName::parse(r"\\.\mailslot\taxes\Sue").unwrap(),
    }
}

fn data(items: Items) -> Vec<u8> {
    [&data_header(5, 6)[..], &items.into_bytes()].concat()
}

#[test]
fn literal_frames() {
    assert_eq!(open(0x0102), b"MG\x01\x01\0\0\0\0\x02\x01\0\0\0\0\0\0");
    assert_eq!(accept(1, 2), b"MG\x01\x02\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0");
    assert_eq!(ack(1, 2, b"\xff"), b"MG\x01\x04\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\xff");
    let mut items = Items::new();
    items.record(9, 3, b"ab");
    items.record(9, 4, b"");
    items.close(9);
    let expected = [
        &b"MG\x01\x03\0\0\0\0\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0"[..],
        b"\x02\x09\0\0\0\x03\0\0\0\0\0\0\0\x0a\0\0\0\x02\0\0\0ab\0\0\0\0",
        b"\x04\x09\0\0\0",
    ];
    assert_eq!(data(items), expected.concat());
}

#[test]
fn every_frame_reads_back() {
    let mut items = Items::new();
    items.define(1, &definition());
    items.record(1, 0, b"one");
    items.record(1, 1, b"two");
    items.record(1, 3, b"after a gap");
    items.fragment(2, 8, 100, 50, &[5; 50]);
    items.close(1);
    items.result(WriterId([1; 16]), 77, Outcome::Full);
    items.missed(WriterId([2; 16]), 3);
    let bytes = data(items);
    let Ok(Frame::Data { connection: 5, number: 6, items }) = Frame::parse(&bytes) else {
        panic!("{:?}", Frame::parse(&bytes));
    };
    let [
        Item::Define { channel: 1, definition: read },
        Item::Run { first: 0, records, .. },
        rest @ ..,
    ] = &items[..]
    else {
        panic!("{items:?}");
    };
    assert_eq!(*read, definition());
    assert_eq!(read.slot.path(), r"taxes\Sue", "letter case is kept");
    assert_eq!(records.collect::<Vec<_>>(), [b"one", b"two"]);
    assert!(matches!(rest[0], Item::Run { first: 3, .. }));
    let fragment =
        Item::Fragment { channel: 2, sequence: 8, total: 100, offset: 50, bytes: &[5; 50] };
    assert_eq!(rest[1], fragment);
    assert_eq!(rest[2], Item::Close { channel: 1 });
    let (writer, outcome) = (WriterId([1; 16]), Outcome::Full);
    assert_eq!(rest[3], Item::Result { writer, sequence: 77, outcome });
    assert_eq!(rest[4], Item::Missed { writer: WriterId([2; 16]), count: 3 });

    for what in [Question::Ping, Question::Slots] {
        assert_eq!(Frame::parse(&ask(3, what)), Ok(Frame::Ask { question: 3, what }));
    }
    let answered = Frame::Answer { question: 3, part: 1, parts: 2, body: b"x" };
    assert_eq!(Frame::parse(&answer(3, 1, 2, b"x")), Ok(answered));
    assert_eq!(Frame::parse(&reset(4)), Ok(Frame::Reset { connection: 4 }));
}

#[test]
fn the_largest_definition_is_as_large_as_said() {
    let mut items = Items::new();
    let path = "𐀀".repeat(SlotName::MAX_CHARS);
    let slot = SlotName::parse(&format!(r"\\.\mailslot\{path}")).unwrap();
    items.define(1, &Definition { user: "u".repeat(1000), slot, ..definition() });
    assert_eq!(items.len(), DEFINE_MAX);
    let bytes = data(items);
    assert!(matches!(Frame::parse(&bytes), Ok(Frame::Data { .. })), "the user's name was cut");
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    match Frame::parse(bytes) {
        Ok(frame) => panic!("taken: {frame:?}"),
        Err(error) => assert!(error.to_string().contains(expected), "{error}"),
    }
}

#[test]
fn what_breaks_a_rule_is_refused() {
    refused(b"", "the magic bytes");
    refused(b"XG\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0", "the magic bytes");
    refused(b"MG\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0", "version 1");
    refused(b"MG\x01\x09\0\0\0\0\0\0\0\0\0\0\0\0", "a kind");
    refused(b"MG\x01\x01\0\x01\0\0\0\0\0\0\0\0\0\0", "four zero bytes");
    refused(b"MG\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0", "the frame's end");
    refused(&data_header(1, 1), "an item");
    refused(&ack(1, u64::MAX, b""), "a smaller number");
    refused(&ack(1, 1, &[0; ACK_MAP_MAX + 1]), "a shorter bit map");
    refused(&answer(1, 2, 2, b""), "parts");
    refused(&answer(1, 2, 65, b""), "parts");

    let items = |build: fn(&mut Items)| {
        let mut items = Items::new();
        build(&mut items);
        data(items)
    };
    refused(&items(|i| i.fragment(1, 1, 10, 5, &[0; 6])), "within its record");
    refused(&items(|i| i.fragment(1, 1, 10, u32::MAX, &[0; 6])), "within its record");
    refused(&items(|i| i.fragment(1, 1, 10, 5, &[])), "within its record");
    refused(&items(|i| i.record(1, SEQUENCE_MAX, b"x")), "a smaller sequence number");
    refused(&items(|i| i.result(WriterId([0; 16]), u64::MAX, Outcome::Full)), "a smaller");

    // A path that is no slot's, or is written another way than it reads back.
    for path in ["", r"a\\b", "a/b", "a\nb", r"a\"] {
        let good = items(|i| i.define(1, &definition()));
        let at = good.len() - r"taxes\Sue".len() - 2;
        let len = u16::try_from(path.len()).unwrap().to_le_bytes();
        refused(&[&good[..at], &len, path.as_bytes()].concat(), "a slot's path");
    }
}

/// Who writes another implementation has only the document.
#[test]
fn the_document_has_the_same_tables() {
    let here = include_str!("../envelope.rs").replace("[`ACK_MAP_MAX`]", "128");
    let here = here.replace("[`ANSWER_PARTS_MAX`]", "64");
    let document = include_str!("../../../../docs/gateway-protocol.md");
    let rows: Vec<_> = here.lines().filter_map(|line| line.strip_prefix("//! |")).collect();
    assert!(rows.len() > 20);
    for row in rows {
        assert!(document.contains(&format!("|{row}")), "{row}");
    }
}

#[test]
fn every_shortened_frame_is_refused_or_another_frame() {
    let mut items = Items::new();
    items.define(1, &definition());
    items.record(1, 0, b"one");
    items.result(WriterId([1; 16]), 77, Outcome::Full);
    let bytes = data(items);
    for len in 0..bytes.len() {
        crate::fuzz_checks::envelope(&bytes[..len]);
    }
}

proptest! {
    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 1u8..8) {
        crate::fuzz_checks::envelope(&bytes);
        let header = [b'M', b'G', 1, kind, 0, 0, 0, 0];
        crate::fuzz_checks::envelope(&[&header[..], &bytes].concat());
    }

    #[test]
    fn no_items_panic(bytes in proptest::collection::vec(0u8..7, 0..100)) {
        crate::fuzz_checks::envelope(&[&data_header(1, 2)[..], &bytes].concat());
    }
}
