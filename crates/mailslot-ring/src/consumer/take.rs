//! Reading a record in one step: what a reader does millions of times a second.

use super::{Consumer, Cursor, Front, Room};
use crate::item::{HEAD, footprint};
use crate::memory::Memory;
use crate::sync::Ordering;

/// How far ahead of itself the reader fetches what it will read, in bytes.
const AHEAD: u64 = 768;

/// Longer records are fetched ahead by the processor while it copies.
const FETCHED: u64 = 128;

impl<M: Memory> Consumer<M> {
    /// Copies the next record into `into` and leaves it behind, if that is all there is to it: it
    /// was seen by the last look, it fits, and `accept` takes its stamp. Gives its length.
    ///
    /// `None` says nothing about the record: [`Consumer::front`] and [`Consumer::pop`] tell.
    #[inline]
    pub fn take(
        &mut self,
        into: &mut [u8],
        accept: impl FnOnce(u64) -> bool,
    ) -> Option<(usize, Room)> {
        let position = self.spot.cursor.position;
        let front = match self.front {
            Some(front) if self.skipped_to.is_none() => front,
            None if position < self.seen => {
                let head = self.memory.head(self.spot.at());
                self.record(&self.spot, head, self.seen)?
            }
            _ => return None,
        };
        let Front { len, stamp, at } = front;
        let fits = into.get_mut(..len as usize);
        let Some(into) = fits.filter(|_| accept(stamp)) else {
            // No head is read twice.
            self.front = Some(front);
            return None;
        };
        let size = footprint(u64::from(len));
        if self.seen - position > AHEAD {
            // The lock around each read keeps the processor from running ahead to it by itself.
            self.memory.prefetch(at + AHEAD, size.min(FETCHED));
        }
        self.memory.copy_out(at + HEAD, into);
        self.front = None;
        self.spot.cursor.position = position + size;
        self.spot.cursor.records += 1;
        self.counted.bytes_read += u64::from(len);
        let room = self.let_go();
        Some((len as usize, room))
    }

    /// Releases what was read, at best with one plain store.
    #[inline]
    pub(super) fn let_go(&mut self) -> Room {
        let Cursor { position, released, .. } = self.spot.cursor;
        let more = position < self.seen && position < self.settle_at;
        if !more || self.left != 0 || self.leaves_block(released, position) {
            return self.release();
        }
        self.spot.cursor.released = position;
        self.memory.header().head.0.store(position, Ordering::Release);
        Room::Unwanted
    }
}
