//! The memory a ring lives in, as both halves see it.

use crate::item::HEAD;
use crate::sync::{AtomicU32, AtomicU64};

/// Keeps what one side writes off the cache lines (and their prefetched neighbours) of the other.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub(crate) struct Line<T>(pub(crate) T);

/// The words through which writer and reader meet. Both sides can write all of them: to each, what
/// the other side owns is a claim.
///
/// Positions count bytes of items from the ring's beginning and only grow.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Header {
    /// The writer has published all items before this position.
    pub(crate) tail: Line<AtomicU64>,
    /// Raised: the reader sleeps, the writer's next publication must ring the bell.
    pub(crate) armed: Line<AtomicU32>,
    /// The reader has released all items before this position.
    pub(crate) head: Line<AtomicU64>,
    /// Raised: the writer waits for room, the reader's next release must tell it.
    pub(crate) wanted: Line<AtomicU32>,
    /// In the level it stands in, the writer writes nothing at or behind this position before it has
    /// raised it and looked at `closed`.
    pub(crate) claimed: Line<AtomicU64>,
    /// The reader gives back what is not claimed of the level that begins at this position: the
    /// writer leaves it at its next opportunity.
    pub(crate) closed: Line<AtomicU64>,
}

/// Memory that holds a [`Header`] and the bytes of all levels.
///
/// The ring borrows its memory through this trait so that the same code runs over a shared mapping,
/// over the heap in tests, and under loom. Offsets count from the start of level 0; an
/// implementation panics on one out of bounds, which both halves rule out before they call.
pub trait Memory {
    /// The words shared with the other side.
    fn header(&self) -> &Header;
    /// Reads the word at `at`, a multiple of 8.
    fn word(&self, at: u64) -> u64;
    /// Reads an item's head at `at`, a multiple of 16.
    #[inline]
    fn head(&self, at: u64) -> [u64; 2] {
        [self.word(at), self.word(at + 8)]
    }
    /// Writes the word at `at`, a multiple of 8.
    fn set_word(&self, at: u64, value: u64);
    /// Copies bytes out. The other side may be changing them meanwhile.
    fn copy_out(&self, at: u64, into: &mut [u8]);
    /// Copies bytes in.
    fn copy_in(&self, at: u64, from: &[u8]);
    /// Writes an item's head at `at`, a multiple of 16, and bytes behind it.
    #[inline]
    fn put(&self, at: u64, head: [u64; 2], from: &[u8]) {
        self.set_word(at, head[0]);
        self.set_word(at + 8, head[1]);
        self.copy_in(at + HEAD, from);
    }
    /// Gives the pages wholly inside this range back to the system; they read as zero afterwards.
    fn discard(&self, at: u64, len: u64);
    /// Makes sure of the memory for `len` bytes from `at`, which will soon be written. False if there
    /// is none.
    fn prepare(&self, at: u64, len: u64) -> bool;
    /// Much of these `len` bytes from `at` will be written, so that large pages serve best.
    fn prefer_huge_pages(&self, _at: u64, _len: u64) {}
    /// Brings `len` bytes from `at` nearer to this processor, to be read. Anywhere is allowed.
    #[inline]
    fn prefetch(&self, _at: u64, _len: u64) {}
    /// Brings `len` bytes from `at` nearer to this processor, to be written. Anywhere is allowed.
    #[inline]
    fn prefetch_to_write(&self, _at: u64, _len: u64) {}
    /// From now on [`Memory::fence_peer`] on the other side reaches this process, too. False if that
    /// can't be had.
    fn allow_fences(&self) -> bool {
        false
    }
    /// True if [`Memory::allow_fences`] doesn't make this process wait for the kernel.
    fn allows_fences_easily(&self) -> bool {
        false
    }
    /// Makes every process that has allowed it pass a full fence, and this one. False if that can't
    /// be had.
    fn fence_peer(&self) -> bool {
        false
    }
}
