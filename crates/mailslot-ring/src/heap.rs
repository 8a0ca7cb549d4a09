//! [`Memory`] on the heap, for tests and fuzzing: it panics on any access out of bounds, counts the
//! words that are read one by one, and gives back to the byte what a mapping gives back in pages.

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Counter;

use crate::geometry::Geometry;
use crate::memory::{Header, Memory};
use crate::sync::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Heap {
    header: Header,
    words: Box<[AtomicU64]>,
    reads: Counter,
}

impl Heap {
    pub(crate) fn new(geometry: Geometry) -> Arc<Self> {
        let words = (0..geometry.data_len() / 8).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { header: Header::default(), words, reads: Counter::new(0) })
    }

    /// How many words have been read one by one so far.
    #[cfg(not(loom))]
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    fn cell(&self, at: u64) -> &AtomicU64 {
        &self.words[usize::try_from(at / 8).unwrap()]
    }

    /// The words that the `len` bytes from `at` touch, as (word, first byte, bytes).
    fn pieces(&self, at: u64, len: usize) -> impl Iterator<Item = (&AtomicU64, usize, usize)> {
        let end = at.checked_add(len as u64).unwrap();
        assert!(end <= self.words.len() as u64 * 8, "outside the memory");
        let mut at = at;
        std::iter::from_fn(move || {
            let first = (at % 8) as usize;
            let bytes = (8 - first as u64).min(end - at);
            let piece = (bytes > 0).then(|| (self.cell(at), first, bytes as usize));
            at += bytes;
            piece
        })
    }
}

impl Memory for Arc<Heap> {
    fn header(&self) -> &Header {
        &self.header
    }

    /// Both halves are threads here.
    fn allow_fences(&self) -> bool {
        true
    }

    fn fence_peer(&self) -> bool {
        #[cfg(loom)]
        loom::sync::atomic::fence(Ordering::SeqCst);
        #[cfg(not(loom))]
        return crate::region::membarrier(libc::MEMBARRIER_CMD_GLOBAL);
        #[cfg(loom)]
        true
    }

    fn word(&self, at: u64) -> u64 {
        assert!(at.is_multiple_of(8));
        self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.cell(at).load(Ordering::Relaxed)
    }

    fn set_word(&self, at: u64, value: u64) {
        assert!(at.is_multiple_of(8));
        self.cell(at).store(value, Ordering::Relaxed);
    }

    fn copy_out(&self, at: u64, into: &mut [u8]) {
        let mut done = 0;
        for (cell, first, bytes) in self.pieces(at, into.len()) {
            let word = cell.load(Ordering::Relaxed).to_ne_bytes();
            into[done..done + bytes].copy_from_slice(&word[first..first + bytes]);
            done += bytes;
        }
    }

    fn copy_in(&self, at: u64, from: &[u8]) {
        let mut done = 0;
        for (cell, first, bytes) in self.pieces(at, from.len()) {
            let mut word = cell.load(Ordering::Relaxed).to_ne_bytes();
            word[first..first + bytes].copy_from_slice(&from[done..done + bytes]);
            cell.store(u64::from_ne_bytes(word), Ordering::Relaxed);
            done += bytes;
        }
    }

    fn discard(&self, at: u64, len: u64) {
        for (cell, first, bytes) in self.pieces(at, len as usize) {
            assert!(first == 0 && bytes == 8);
            cell.store(0, Ordering::Relaxed);
        }
    }

    fn prepare(&self, at: u64, len: u64) -> bool {
        assert!(at + len <= self.words.len() as u64 * 8, "outside the memory");
        true
    }
}
