//! Whose record is next in a batch, and leaving it behind.

use std::cmp::Reverse;
use std::io;

use super::super::intake::discard;
use super::super::peer::{Next, Peer};
use super::{Core, Run};

impl Core {
    /// The peer that has the next record of this batch, and that record.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<(u32, Next)> {
        let place = self.turn()?;
        Some((place, self.peer(place)?.next()?))
    }

    /// Lets the run be that of the peer that has the next record of this batch.
    #[inline]
    fn turn(&mut self) -> Option<u32> {
        loop {
            let mut best = None;
            if let Some(run) = self.run.take()
                && let Some(peer) = self.peers[run.place as usize].as_mut()
                && let Some(order) = peer.next_order(self.cut)
            {
                if order <= run.until {
                    self.run = Some(run);
                    return Some(run.place);
                }
                if order <= self.cut
                    && let Some(mut top) = self.heap.peek_mut()
                {
                    // Another one comes first, by `until`: this one takes its place in the heap.
                    best = Some(std::mem::replace(&mut *top, Reverse((order, run.place))));
                }
            }
            let Reverse((_, place)) = best.or_else(|| self.heap.pop())?;
            let others = self.heap.peek().map_or(u64::MAX, |best| best.0.0);
            self.run = Some(Run { place, until: others.min(self.cut) });
        }
    }

    /// Copies the next record of this batch into `into` and leaves it behind, where that is simple.
    /// Gives its length.
    #[inline]
    pub(crate) fn take(&mut self, into: &mut [u8]) -> Option<usize> {
        if self.vault.is_some() || self.excluding {
            return None;
        }
        self.take_of_run(into).or_else(|| self.take_of_next_run(into))
    }

    /// One more of the writer that had the last one.
    #[inline]
    fn take_of_run(&mut self, into: &mut [u8]) -> Option<usize> {
        let Run { place, until } = self.run?;
        let len = self.peers.get_mut(place as usize)?.as_mut()?.take(into, until)?;
        self.taken = self.taken.wrapping_add(1);
        Some(len)
    }

    #[inline(never)]
    fn take_of_next_run(&mut self, into: &mut [u8]) -> Option<usize> {
        self.turn()?;
        self.take_of_run(into)
    }

    /// The next record, of this batch or a new one.
    #[inline]
    pub(crate) fn next_or_collect(&mut self) -> io::Result<Option<(u32, Next)>> {
        loop {
            if let Some(next) = self.next() {
                return Ok(Some(next));
            }
            if !self.collect()? {
                return Ok(None);
            }
        }
    }

    /// The peer at a place that [`Core::next`] gave.
    #[inline]
    pub(crate) fn peer(&mut self, place: u32) -> Option<&mut Peer> {
        self.peers.get_mut(place as usize)?.as_mut()
    }

    /// Leaves the record that [`Core::next`] gave behind.
    #[inline]
    pub(crate) fn pop(&mut self, place: u32, next: &Next) {
        let cut = self.cut;
        let Some(peer) = self.peers[place as usize].as_mut() else {
            return;
        };
        let order = peer.order(next, cut);
        let inline = peer.inline.is_some();
        match &self.vault {
            None => peer.pop(order),
            Some(vault) if inline => {
                vault.set_inline_read(peer.id);
                let _ = discard(peer);
                vault.take_inline(peer.id);
                peer.pop(order);
                peer.unread = true;
            }
            Some(vault) => {
                if let Some(cursor) = peer.advance(order) {
                    vault.set_cursor(peer.id, cursor);
                }
                peer.release();
            }
        }
        if inline && self.vault.is_some() {
            self.read_socket(place);
        }
        if self.excluding && self.leaves_room(place) {
            // Who comes in now belongs before the rest of this batch, perhaps.
            self.run = None;
            self.heap.clear();
            self.try_at = 0;
        }
    }
}
