//! Where the levels of a ring lie in its memory.

use crate::item::HEAD;

/// Bytes set aside for the [`Header`](crate::Header); the levels follow. It is the largest page size
/// in use, so that levels start on a page everywhere; what is never touched costs no memory.
pub const HEADER_BYTES: usize = 65536;

/// The largest quota a slot may have, in bytes (64 GiB).
pub const MAX_QUOTA: u64 = 1 << 36;

const BASE_SHIFT: u8 = 18;
const GROWTH_SHIFT: u8 = 2;
const MAX_LEVELS: u8 = 16;

/// From this level on, memory is given back once it is read, if the level is larger than those before.
const FIRST_RETURNED_LEVEL: usize = 2;

/// Bytes of a huge page. Where they are larger or smaller, nothing is lost.
pub(crate) const HUGE_PAGE: u64 = 2 * 1024 * 1024;

/// The sizes of a ring's levels.
///
/// A ring is a row of level buffers in one sparse file: level 0 is small enough to stay in the
/// processor's cache, each following one is larger, and each of the last two (of equal size) alone
/// holds a whole quota. A page costs memory only once a record has been written there, so the row
/// is laid out at full length from the start and never remapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    base_shift: u8,
    growth_shift: u8,
    levels: u8,
}

impl Geometry {
    /// The geometry that guarantees room for `quota` bytes of records.
    ///
    /// `quota` is clamped to [`MAX_QUOTA`].
    pub fn for_quota(quota: u64) -> Self {
        let quota = quota.min(MAX_QUOTA);
        let mut geometry = Self { base_shift: BASE_SHIFT, growth_shift: GROWTH_SHIFT, levels: 2 };
        while geometry.max_quota() < quota {
            geometry.levels += 1;
        }
        geometry
    }

    /// Takes a geometry that a peer claims, if it is one that can be laid out.
    ///
    /// A claim may be lawful and yet far too large: a reader that knows the quota compares it with
    /// [`Geometry::for_quota`].
    pub fn new(base_shift: u8, growth_shift: u8, levels: u8) -> Option<Self> {
        let sane = (6..=24).contains(&base_shift)
            && (1..=6).contains(&growth_shift)
            && (2..=MAX_LEVELS).contains(&levels);
        if !sane {
            return None;
        }
        let top = u32::from(base_shift) + u32::from(growth_shift) * (u32::from(levels) - 2);
        (top <= 38).then_some(Self { base_shift, growth_shift, levels })
    }

    /// The three numbers that [`Geometry::new`] takes, for the message that announces a ring.
    pub fn parts(&self) -> (u8, u8, u8) {
        (self.base_shift, self.growth_shift, self.levels)
    }

    /// How many levels there are, at least 2.
    pub fn levels(&self) -> usize {
        usize::from(self.levels)
    }

    /// Bytes of a level.
    pub fn capacity(&self, level: usize) -> u64 {
        let step = level.min(self.levels() - 2) as u32;
        1 << (u32::from(self.base_shift) + u32::from(self.growth_shift) * step)
    }

    /// Where a level begins, counted from the end of the header's pages.
    pub fn start(&self, level: usize) -> u64 {
        let start = (0..level).map(|l| self.capacity(l)).sum();
        if self.is_returned(level) { start + self.gap() } else { start }
    }

    /// What is left free so that large levels, and so their blocks, begin with a huge page.
    fn gap(&self) -> u64 {
        if !self.capacity(FIRST_RETURNED_LEVEL).is_multiple_of(HUGE_PAGE) {
            return 0;
        }
        let before: u64 = (0..FIRST_RETURNED_LEVEL).map(|l| self.capacity(l)).sum();
        let end = HEADER_BYTES as u64 + before;
        end.next_multiple_of(HUGE_PAGE) - end
    }

    /// Bytes of all levels together.
    pub fn data_len(&self) -> u64 {
        self.start(self.levels())
    }

    /// Bytes of the whole file: the header's pages and all levels.
    pub fn file_len(&self) -> u64 {
        HEADER_BYTES as u64 + self.data_len()
    }

    /// The largest quota for which a record within it always finds room.
    ///
    /// The proof, for the last two levels (of size T) and a quota Q. Let W be the bytes of the
    /// unread records, with W + len <= Q. If the unread part of the level holds padding, a larger
    /// unread record follows it, so the part is less than 2W. If it holds none, and the new record
    /// must wrap, its padding is less than its own size, at most len + 31. Either way what is used
    /// and what is added are less than 2Q + 62, to which come a head kept free for a jump and the
    /// block being read. Jumps add a head per level to what is unread in the whole ring, which
    /// therefore never exceeds T either.
    pub fn max_quota(&self) -> u64 {
        let top = self.levels() - 1;
        let overhead = self.block(top) + HEAD * (6 + self.levels() as u64);
        self.capacity(top).saturating_sub(overhead) / 2
    }

    /// The most bytes of items, padding included, that an honest writer leaves unread: of a whole
    /// level, and the padding where the writer came round early in one.
    pub(crate) fn max_unread(&self) -> u64 {
        2 * self.capacity(self.levels() - 1)
    }

    /// Whether the memory of a level is given back once it is read.
    #[inline]
    pub(crate) fn is_returned(&self, level: usize) -> bool {
        level >= FIRST_RETURNED_LEVEL && self.levels() > FIRST_RETURNED_LEVEL + 1
    }

    /// Bytes of the blocks in which a level's memory becomes free: a power of two, a sixteenth of the
    /// level, but not more than a huge page.
    ///
    /// The writer stays out of the block that the reader's position is in, so that the reader can
    /// give back whole blocks before it tells the writer that it has read them. Where nothing is
    /// given back, a block is a byte.
    #[inline]
    pub(crate) fn block(&self, level: usize) -> u64 {
        if self.is_returned(level) { (self.capacity(level) / 16).min(HUGE_PAGE) } else { 1 }
    }

    /// Whether a level is so large that its memory is best made of huge pages.
    #[inline]
    pub(crate) fn is_huge(&self, level: usize) -> bool {
        self.block(level) == HUGE_PAGE
    }
}
