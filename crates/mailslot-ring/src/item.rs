//! What stands in a level: records, padding at its end, and jumps to another level.

/// Bytes of an item's head: one word with kind and length, one with the stamp.
pub(crate) const HEAD: u64 = 16;

/// Every item starts and ends on a multiple of this, so that a head never wraps.
pub(crate) const ALIGN: u64 = 16;

/// The largest record, in bytes (4 GiB less one page).
pub const MAX_RECORD: u64 = u32::MAX as u64 - 4095;

/// Bytes that a record of `len` bytes takes in the ring. Nonsense lengths take more than there is.
#[inline]
pub(crate) const fn footprint(len: u64) -> u64 {
    len.saturating_add(HEAD + ALIGN - 1) / ALIGN * ALIGN
}

/// The first word of an item. None of the kinds is zero: memory never written is no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A record of so many bytes.
    Record(u32),
    /// The rest of the level is not used in this round.
    Pad,
    /// The next item stands at the start of this level.
    Jump(u32),
}

const RECORD: u32 = 0x4d53_0001;
const PAD: u32 = 0x4d53_0002;
const JUMP: u32 = 0x4d53_0003;

impl Head {
    #[inline]
    pub(crate) fn encode(self) -> u64 {
        let (kind, value) = match self {
            Head::Record(len) => (RECORD, len),
            Head::Pad => (PAD, 0),
            Head::Jump(level) => (JUMP, level),
        };
        u64::from(kind) << 32 | u64::from(value)
    }

    #[inline]
    pub(crate) fn decode(word: u64) -> Option<Self> {
        let value = word as u32;
        match (word >> 32) as u32 {
            RECORD => Some(Head::Record(value)),
            PAD => Some(Head::Pad),
            JUMP => Some(Head::Jump(value)),
            _ => None,
        }
    }
}
