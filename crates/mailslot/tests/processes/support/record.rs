//! Records that tell who wrote them, which of his they are, and whether they are whole.

use std::sync::OnceLock;

/// Bytes before the pattern: the writer's number, the record's, and its length.
const HEAD: usize = 24;

/// The pattern begins somewhere in the first so many bytes of the noise.
const STARTS: u64 = 4096;

/// The longest record there can be.
const LONGEST: usize = 1 << 19;

fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut random = super::Random::of(1);
        let words = (LONGEST + STARTS as usize) / 8;
        (0..words).flat_map(|_| random.below(u64::MAX).to_le_bytes()).collect()
    })
}

/// Makes the noise before processes are forked, each of which would have to make its own.
pub(super) fn prepare() {
    noise();
}

fn pattern(writer: u64, record: u64, len: usize) -> &'static [u8] {
    let start = (writer.wrapping_mul(31).wrapping_add(record) % STARTS) as usize;
    &noise()[start..start + len]
}

/// Makes record number `record` of `writer`, of `len` bytes, 24 at least.
pub(crate) fn fill(into: &mut Vec<u8>, writer: u64, record: u64, len: usize) {
    into.clear();
    into.extend(writer.to_le_bytes());
    into.extend(record.to_le_bytes());
    into.extend((len as u64).to_le_bytes());
    into.extend(pattern(writer, record, len - HEAD));
}

/// The writer's number and the record's, of a record that must be whole.
#[track_caller]
pub(crate) fn check(record: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().unwrap());
    let (writer, number) = (word(0), word(8));
    assert_eq!(word(16), record.len() as u64, "record {number} of writer {writer}: its length");
    let same = record[HEAD..] == *pattern(writer, number, record.len() - HEAD);
    assert!(same, "record {number} of writer {writer}: its bytes");
    (writer, number)
}

/// A record that is only a number.
#[track_caller]
pub(crate) fn number(record: &[u8]) -> u64 {
    u64::from_le_bytes(record.try_into().expect("a record of 8 bytes"))
}
