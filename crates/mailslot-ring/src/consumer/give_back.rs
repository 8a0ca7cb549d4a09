//! What becomes of memory that is read: in the larger levels it goes back to the system.
//!
//! In the first round through a level, blocks go as soon as they are read, so that a burst leaves
//! nothing behind. A writer that comes round in a level writes without pause, and getting memory
//! anew costs far more than copying a record: from the second round on it keeps what it has, until
//! it leaves the level or the reader has had nothing to do for a while and closes it.

use super::{Consumer, Cursor};
use crate::item::ALIGN;
use crate::memory::Memory;
use crate::sync::{Ordering, publish_then_read};

impl<M: Memory> Consumer<M> {
    /// True if memory is to be given back between these positions of the current level.
    #[inline]
    pub(super) fn leaves_block(&self, from: u64, to: u64) -> bool {
        let Cursor { level, level_start, .. } = self.spot.cursor;
        if !self.geometry.is_returned(level as usize) {
            return false;
        }
        let block = self.geometry.block(level as usize);
        from < level_start
            || (from - level_start < self.spot.capacity
                && (from - level_start) / block != (to - level_start) / block)
    }

    /// Gives the memory of what was read since the last release back to the system: levels that
    /// were left, and whole blocks of the current one. The writer stays out of the rest of a block.
    #[cold]
    pub(super) fn give_back(&mut self) {
        let Cursor { position, level, level_start, released, .. } = self.spot.cursor;
        self.left &= !(1 << level);
        for level in (0..self.geometry.levels()).filter(|l| self.left & (1 << l) != 0) {
            self.memory.discard(self.geometry.start(level), self.geometry.capacity(level));
        }
        self.left = 0;
        if !self.geometry.is_returned(level as usize) {
            return;
        }
        let block = self.geometry.block(level as usize);
        let from = released.saturating_sub(level_start) / block * block;
        let upto = ((position - level_start) / block * block).min(self.spot.capacity);
        if from < upto {
            self.memory.discard(self.spot.start + from, upto - from);
        }
    }

    /// True if [`Consumer::close`] may give memory back once all is read.
    #[inline]
    pub fn keeps_memory(&self) -> bool {
        let Cursor { level, level_start, .. } = self.spot.cursor;
        self.geometry.is_returned(level as usize) && self.closed != level_start
    }

    /// Gives the memory back that the writer keeps for more, if all is read and released. Call it
    /// when nothing has come for a while.
    ///
    /// What is released the writer may write at any moment. So the reader closes the level first,
    /// and what the writer has claimed in it stays. Whatever a writer claims, only its own records
    /// can suffer.
    #[cold]
    pub fn close(&mut self) {
        let Cursor { position, level_start, released, .. } = self.spot.cursor;
        let header = self.memory.header();
        // What is not released another holder may have to read once more.
        let drained = released == position && header.tail.0.load(Ordering::Acquire) == position;
        if !self.keeps_memory() || !drained || self.broken {
            return;
        }
        self.closed = level_start;
        let claimed = publish_then_read(&header.closed.0, level_start, &header.claimed.0);
        let capacity = self.spot.capacity;
        let ahead = claimed.wrapping_sub(position);
        if ahead < capacity && claimed.is_multiple_of(ALIGN) {
            let offset = (claimed - level_start) & (capacity - 1);
            let free = capacity - ahead;
            let first = free.min(capacity - offset);
            self.memory.discard(self.spot.start + offset, first);
            self.memory.discard(self.spot.start, free - first);
        }
    }
}
