//! One writer, as its reader sees it.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use mailslot_ring::{Broken, Consumer, Cursor, Front, Region, Room, peer_credentials};
use mailslot_wire::answer::ROOM;
use rustix::net::SendFlags;

use crate::gateway::Connection;
use crate::{Origin, Sender};

/// A writer that rings this often without having published anything is thrown out.
const MAX_IDLE_BELLS: u32 = 1000;

/// A record that came on the socket.
pub(crate) struct Inline {
    pub(crate) stamp: u64,
    pub(crate) bytes: Box<[u8]>,
    /// No look has come since it arrived.
    pub(crate) fresh: bool,
}

/// The record that a peer offers next.
#[derive(Clone, Copy)]
pub(crate) struct Next {
    pub(crate) len: usize,
    pub(crate) stamp: u64,
    front: Option<Front>,
}

/// What a peer has to offer up to a moment.
pub(crate) enum Offer {
    /// A record, written at this stamp as far as its order goes.
    Record(u64),
    /// Something later than that moment.
    Later,
    Nothing,
}

pub(crate) struct Peer {
    /// What the other holders of the handle know it by (0 where there can't be others).
    pub(crate) id: u64,
    /// `None` once a writer that never had a ring has closed its end.
    pub(crate) socket: Option<Arc<OwnedFd>>,
    pub(crate) bell: Option<OwnedFd>,
    pub(crate) ring: Option<Consumer<Region>>,
    pub(crate) inline: Option<Inline>,
    /// Whose records it forwards, if it is a gateway.
    pub(crate) origin: Option<Arc<Origin>>,
    /// What it is to the gateway that reads this slot.
    pub(crate) connection: Option<Arc<Connection>>,
    /// How many of its records the gateway has been given.
    pub(crate) given: u64,
    /// The gateway takes none of its records for now.
    pub(crate) held: bool,
    /// Sets this peer's events apart from those of an earlier one in the same place.
    pub(crate) serial: u32,
    /// It has sent something.
    pub(crate) spoke: bool,
    /// The socket may have more to read.
    pub(crate) unread: bool,
    /// It had gone when it came in. Its socket is kept only to tell who it was.
    pub(crate) kept: bool,
    /// The writer has closed its end: what the ring holds is all there will be.
    pub(crate) closed: bool,
    /// Its ring is with other holders of the handle only: there was no room for it here.
    pub(crate) elsewhere: bool,
    /// It broke the rules, or is done; it goes at the next opportunity.
    pub(crate) dead: bool,
    /// It is among those that [`Core::rest`](super::Core::rest) asks.
    pub(crate) may_give_back: bool,
    /// It is among those looked at without waiting for a bell.
    pub(crate) active: bool,
    /// Looks in a row that found nothing.
    pub(crate) quiet: u32,
    /// Bytes of the largest record that the slot takes.
    largest: u64,
    idle_bells: u32,
    /// Where the ring stood when the bell rang last.
    rung_at: u64,
    sender: Option<Sender>,
    /// No later record is ordered before this.
    last: u64,
    /// The batch began with a record of it that is stamped with a time that had not come yet: its
    /// stamps don't count.
    forged: bool,
}

impl Peer {
    pub(crate) fn new(socket: OwnedFd, serial: u32, id: u64, largest: u64) -> Self {
        Self {
            id,
            socket: Some(Arc::new(socket)),
            bell: None,
            ring: None,
            inline: None,
            origin: None,
            connection: None,
            given: 0,
            held: false,
            serial,
            spoke: false,
            unread: true,
            kept: false,
            closed: false,
            elsewhere: false,
            dead: false,
            may_give_back: false,
            active: false,
            quiet: 0,
            largest,
            idle_bells: 0,
            rung_at: 0,
            sender: None,
            last: 0,
            forged: false,
        }
    }

    /// Who it is. The answer of the first time is kept, since the socket may go.
    pub(crate) fn sender(&mut self) -> Sender {
        if let (None, Some(socket)) = (self.sender, &self.socket) {
            self.sender = peer_credentials(socket.as_fd()).ok().map(|found| Sender {
                pid: found.pid,
                uid: found.uid,
                gid: found.gid,
            });
        }
        self.sender.unwrap_or(Sender { pid: 0, uid: u32::MAX, gid: u32::MAX })
    }

    /// Its ring is here, but there was no room for its bell: it has to be looked at.
    pub(crate) fn is_deaf(&self) -> bool {
        self.ring.is_some() && self.bell.is_none()
    }

    /// It has gone, and one record is all it leaves.
    pub(crate) fn left_a_record(&self) -> bool {
        self.closed && self.inline.is_some() && self.ring.is_none() && self.socket.is_some()
    }

    /// Lets go of the socket of a writer that sends nothing more on it. Whoever gets it closes it.
    pub(crate) fn leave_socket(&mut self) -> Option<Arc<OwnedFd>> {
        self.sender();
        (self.closed, self.kept) = (true, false);
        self.socket.take()
    }

    /// Its writer can go on with another connection. Not one whose ring is here, and not one that is
    /// to hear from a gateway what becomes of its record.
    pub(crate) fn can_move(&self) -> bool {
        self.ring.is_none() && (self.connection.is_none() || !self.spoke)
    }

    /// Records of it, or a ring, have arrived here.
    pub(crate) fn has_spoken(&self) -> bool {
        self.spoke || self.inline.is_some() || self.ring.is_some()
    }

    /// The next record among those seen by the last look.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<Next> {
        if self.held {
            return None;
        }
        if let Some(inline) = &self.inline {
            return Some(Next { len: inline.bytes.len(), stamp: inline.stamp, front: None });
        }
        let front = self.ring.as_mut()?.front();
        let front = self.survive(front)??;
        if u64::from(front.len) > self.largest {
            // No honest writer sends it, and the reader's buffer may never hold it.
            self.dead = true;
            return None;
        }
        Some(Next { len: front.len as usize, stamp: front.stamp, front: Some(front) })
    }

    /// When `next` counts as written, given that everything up to `cut` has been collected.
    #[inline]
    pub(crate) fn order(&mut self, next: &Next, cut: u64) -> u64 {
        let stamp = if self.forged { next.stamp.min(cut) } else { next.stamp };
        stamp.max(self.last)
    }

    /// When the next record counts as written.
    #[inline(always)]
    pub(crate) fn next_order(&mut self, cut: u64) -> Option<u64> {
        let next = self.next()?;
        Some(self.order(&next, cut))
    }

    /// Looks for records written before `cut`.
    ///
    /// A record that an earlier look has already shown was written by now: a stamp from the future
    /// is forged.
    #[inline]
    pub(crate) fn look(&mut self, cut: u64) -> Offer {
        if self.held {
            return Offer::Nothing;
        }
        let fresh = self.inline.as_mut().is_some_and(|inline| std::mem::take(&mut inline.fresh));
        self.forged = !fresh && self.next().is_some_and(|known| known.stamp > cut);
        if let Some(ring) = &mut self.ring {
            let looked = ring.look();
            self.survive(looked);
        }
        match self.next() {
            None => Offer::Nothing,
            Some(next) => match self.order(&next, cut) {
                order if order <= cut => Offer::Record(order),
                _ => Offer::Later,
            },
        }
    }

    /// Copies the next record into `into` and leaves it behind, if it counts as written up to
    /// `until` and there is nothing special about it. Gives its length.
    #[inline]
    pub(crate) fn take(&mut self, into: &mut [u8], until: u64) -> Option<usize> {
        if self.inline.is_some() || self.forged {
            return None;
        }
        let most = self.largest.min(into.len() as u64) as usize;
        let last = &mut self.last;
        let (len, room) = self.ring.as_mut()?.take(&mut into[..most], |stamp| {
            let order = stamp.max(*last);
            let due = order <= until;
            if due {
                *last = order;
            }
            due
        })?;
        self.tell(room);
        Some(len)
    }

    /// Copies the first bytes of `next`, as many as `into` holds.
    #[inline]
    pub(crate) fn copy(&self, next: &Next, into: &mut [u8]) {
        match (&next.front, &self.ring, &self.inline) {
            (Some(front), Some(ring), _) => ring.copy(front, into),
            (None, _, Some(inline)) => {
                let len = into.len().min(inline.bytes.len());
                into[..len].copy_from_slice(&inline.bytes[..len]);
            }
            _ => {}
        }
    }

    /// Leaves the record `next` behind, which counted as written at `order`.
    #[inline]
    pub(crate) fn pop(&mut self, order: u64) {
        self.last = order;
        if self.inline.take().is_some() {
            return;
        }
        if let Some(ring) = &mut self.ring {
            let room = ring.pop();
            self.tell(room);
        }
    }

    /// [`Peer::pop`] of a record in the ring, without releasing it. Gives the new place there.
    pub(crate) fn advance(&mut self, order: u64) -> Option<Cursor> {
        self.last = order;
        let ring = self.ring.as_mut()?;
        ring.advance();
        Some(ring.cursor())
    }

    /// Lets the writer have the room of what was read.
    #[inline]
    pub(crate) fn release(&mut self) {
        if let Some(ring) = &mut self.ring {
            let room = ring.release();
            self.tell(room);
        }
    }

    /// Asks for a bell. True if something has arrived meanwhile, so that none may come.
    pub(crate) fn arm(&mut self) -> bool {
        if self.is_deaf() {
            return self.has_news();
        }
        if self.held {
            return false;
        }
        if self.inline.is_some() {
            return true;
        }
        let Some(ring) = &mut self.ring else {
            return false;
        };
        let armed = ring.arm();
        self.survive(armed).unwrap_or(true)
    }

    /// True once if its ring may keep memory for more records, though all is read.
    #[inline]
    pub(crate) fn may_keep_memory(&mut self) -> bool {
        let keeps = self.ring.as_ref().is_some_and(Consumer::keeps_memory);
        keeps && !std::mem::replace(&mut self.may_give_back, true)
    }

    /// Gives that back. See [`Consumer::close`].
    pub(crate) fn close_ring(&mut self) {
        self.may_give_back = false;
        if let Some(ring) = &mut self.ring {
            ring.close();
        }
    }

    /// True if a look is worth while.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        !self.held && self.has_more()
    }

    #[inline]
    fn has_more(&self) -> bool {
        self.inline.is_some() || self.ring.as_ref().is_some_and(Consumer::has_news)
    }

    /// Its bell rang.
    pub(crate) fn rang(&mut self) {
        // What it rang for may have been read already.
        let at = self.ring.as_ref().map_or(0, |ring| ring.cursor().position);
        if self.has_more() || at != self.rung_at {
            self.idle_bells = 0;
            self.rung_at = at;
            return;
        }
        self.idle_bells += 1;
        self.dead |= self.idle_bells > MAX_IDLE_BELLS;
    }

    /// How many records and bytes wait.
    pub(crate) fn count(&mut self) -> (u64, u64) {
        let inline = self.inline.as_ref().map_or((0, 0), |inline| (1, inline.bytes.len() as u64));
        let counted = self.ring.as_mut().map(Consumer::count);
        let counted = counted.and_then(|counted| self.survive(counted)).unwrap_or_default();
        (inline.0 + counted.0, inline.1 + counted.1)
    }

    /// Nothing can come from it any more.
    pub(crate) fn is_done(&mut self) -> bool {
        // What a writer published before it left may not have been looked at yet.
        let ended = self.closed && !self.held && !self.elsewhere;
        self.dead || (ended && !self.has_news() && self.next().is_none())
    }

    fn survive<T>(&mut self, result: Result<T, Broken>) -> Option<T> {
        self.dead |= result.is_err();
        result.ok()
    }

    #[inline]
    fn tell(&mut self, room: Room) {
        if let (Room::Wanted, Some(socket)) = (room, &self.socket) {
            // A full socket holds enough of these; a closed one has nobody to tell.
            let _ = rustix::net::send(socket, &[ROOM], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }
}
