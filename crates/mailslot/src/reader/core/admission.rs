//! New writers: accepting them, and making room when descriptors run out.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use mailslot_ring::close_all;
use mailslot_wire::answer::MOVE;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown, SocketFlags};
use rustix::time::{Itimerspec, TimerfdTimerFlags, timerfd_settime};

use super::super::intake::tells_of_the_end;
use super::super::peer::Peer;
use super::attention::lower;
use super::{BELL, Core};
use crate::clock;
use crate::registry::BACKLOG;

/// At most this many connections are accepted in one go: as many as the kernel holds. What comes
/// meanwhile waits until the records that are here have been given out.
const ACCEPT_AT_ONCE: u32 = BACKLOG as u32 + 1;

/// How soon to try again what there was no room for, in nanoseconds.
const TRY_AGAIN: u32 = 50_000_000;

/// At most so many sockets are kept of writers that have gone, until their record is read.
const KEPT: usize = 64;

/// So many connections are accepted before the first of them is read, while they are of writers that
/// left one record and went: asking the kernel about all at once costs less than one by one.
const TOGETHER: u32 = 32;

const SERIALS: u32 = 0x7fff_fffe;

/// What became of a connection that was to be taken in.
enum Admission {
    /// It is in. Its writer has left one record, and gone.
    OneShot,
    /// It is in.
    Other,
    /// There was no room for it.
    NoRoom,
}

/// A connection that has been accepted, but not taken in.
pub(super) struct Arrival {
    socket: OwnedFd,
    /// Its writer is known to have closed its end.
    gone: bool,
}

impl Core {
    /// Takes in what has arrived and wasn't there, or had no room, before.
    pub(super) fn admit_all(&mut self) -> io::Result<()> {
        self.take_untaken();
        self.give_bells();
        if self.untaken {
            // Those who come now would take the room, and overtake what waits for it.
            self.try_later();
        } else if self.unaccepted {
            self.accept()?;
        } else {
            self.try_at = 0;
        }
        if self.deaf {
            self.wake_at(self.bells_at);
        }
        Ok(())
    }

    /// Takes in what peers have sent for which there was no room, if there is now or can be made.
    fn take_untaken(&mut self) {
        if self.untaken {
            self.retry_untaken();
            // One connection less may not be enough for a ring.
            while self.untaken && self.make_room() {
                self.retry_untaken();
            }
            if self.untaken {
                self.do_without_bells();
            }
        }
    }

    /// Takes rings in without their bells, for which there is no room.
    fn do_without_bells(&mut self) {
        self.untaken = false;
        for place in 0..self.peers.len() as u32 {
            if let Some(peer) = self.peers[place as usize].as_mut().filter(|peer| peer.unread) {
                let mapped = self.intake.map_without_bell(peer);
                self.untaken |= !mapped;
                self.deaf |= mapped;
                self.activate(place);
            }
        }
    }

    /// Tries again to find room for the bells of those that are looked at without.
    fn give_bells(&mut self) {
        let now = clock::now();
        if !self.deaf || now < self.bells_at {
            return;
        }
        self.bells_at = now + u64::from(TRY_AGAIN);
        while std::mem::take(&mut self.deaf) {
            for place in 0..self.peers.len() as u32 {
                if self.peer(place).is_some_and(|peer| peer.is_deaf() && peer.unread) {
                    self.read_socket(place);
                }
            }
            if self.deaf && !self.make_room() {
                return;
            }
        }
    }

    fn retry_untaken(&mut self) {
        self.untaken = false;
        for place in 0..self.peers.len() as u32 {
            if self.peer(place).is_some_and(|peer| peer.unread) {
                self.read_socket(place);
                self.activate(place);
            }
        }
    }

    /// Accepts all new writers and reads what they have sent already.
    fn accept(&mut self) -> io::Result<()> {
        self.enough = false;
        let mut left = ACCEPT_AT_ONCE;
        let mut together = 1;
        while left > 0 || !self.arrivals.is_empty() {
            let done = if self.arrivals.is_empty() {
                match self.accept_some(together.min(left)) {
                    Ok(0) => {
                        self.unaccepted = false;
                        // What there was no room for is in: the next ones need not wait.
                        self.try_at = 0;
                        return Ok(());
                    }
                    Ok(accepted) => {
                        left -= accepted;
                        together = (2 * together).min(TOGETHER);
                        true
                    }
                    Err(Errno::INTR | Errno::CONNABORTED) => true,
                    Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => false,
                    Err(error) => return Err(error.into()),
                }
            } else {
                let admission = self.admit_next();
                if !matches!(admission, Admission::OneShot) || self.arrivals.is_empty() {
                    close_all(&mut self.departed);
                }
                match admission {
                    Admission::OneShot => true,
                    Admission::Other => {
                        together = 1;
                        true
                    }
                    Admission::NoRoom => false,
                }
            };
            // Out of descriptors or memory: the others are served meanwhile.
            if !done && !self.make_room() {
                self.try_later();
                return Ok(());
            }
            // A ring needs more room than the connection behind it, which must not overtake it.
            self.take_untaken();
            if self.untaken {
                self.try_later();
                return Ok(());
            }
        }
        self.enough = true;
        self.try_in(1);
        Ok(())
    }

    /// Accepts up to `most` connections that wait, and says how many there were.
    fn accept_some(&mut self, most: u32) -> rustix::io::Result<u32> {
        if self.vault.as_ref().is_some_and(|vault| vault.is_full()) {
            return Err(Errno::NOBUFS);
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let mut accepted = 0;
        while accepted < most {
            match rustix::net::accept_with(&self.listener, flags) {
                Ok(socket) => self.arrivals.push_back(Arrival { socket, gone: false }),
                Err(Errno::AGAIN) => break,
                // It comes again when these are in.
                Err(_) if accepted > 0 => break,
                Err(error) => return Err(error),
            }
            accepted += 1;
        }
        if accepted > 1 {
            see_who_has_gone(&mut self.arrivals);
        }
        Ok(accepted)
    }

    /// Takes in the next one that was accepted.
    fn admit_next(&mut self) -> Admission {
        let Some(Arrival { socket, gone }) = self.arrivals.pop_front() else {
            return Admission::Other;
        };
        let id = match self.vault.as_ref().map(|vault| vault.add_peer(socket.as_fd())) {
            None => 0,
            Some(Ok(id)) => id,
            Some(Err(_)) => {
                // A record that its writer knows to be safe may be on it.
                self.arrivals.push_front(Arrival { socket, gone });
                return Admission::NoRoom;
            }
        };
        let mut peer = self.new_peer(socket, id);
        let complete = self.intake.read_new(&mut peer, gone);
        self.tell_opened(&peer);
        self.note(complete);
        let one_shot = peer.left_a_record() && self.vault.is_none();
        if one_shot {
            // Who it was is asked when somebody wants to know, unless there are too many.
            if self.kept < KEPT {
                peer.kept = true;
                self.kept += 1;
            } else {
                self.departed.extend(peer.leave_socket().and_then(Arc::into_inner));
            }
        }
        if peer.is_done() {
            self.depart(&peer);
        } else {
            self.settle(peer);
        }
        if one_shot { Admission::OneShot } else { Admission::Other }
    }

    /// Reads what `peer` has sent, as far as there is room for it.
    pub(super) fn take_in(&mut self, peer: &mut Peer) {
        let known = peer.connection.is_some();
        let complete = self.intake.read(peer) || peer.is_deaf();
        if !known {
            self.tell_opened(peer);
        }
        self.deaf |= peer.is_deaf();
        self.note(complete);
    }

    /// Takes note of whether there was room.
    fn note(&mut self, complete: bool) {
        if !complete {
            self.untaken = true;
            self.try_later();
            // It may belong before this batch: room is made for it at once, if there is any.
            self.try_at = 0;
        }
    }

    /// Makes sure that what there is no room for now is tried again.
    pub(super) fn try_later(&mut self) {
        self.try_in(TRY_AGAIN);
    }

    fn try_in(&mut self, nanoseconds: u32) {
        let now = clock::now();
        if now >= self.try_at {
            self.try_at = now + u64::from(nanoseconds);
            self.wake_at(self.try_at);
        }
    }

    /// Sets the timer, unless it rings before.
    fn wake_at(&mut self, at: u64) {
        if self.timer_at != 0 && self.timer_at <= at {
            return;
        }
        self.timer_at = at.max(1);
        let second = 1_000_000_000;
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let then = Timespec {
            tv_sec: (self.timer_at / second) as i64,
            tv_nsec: (self.timer_at % second) as i64,
        };
        let times = Itimerspec { it_interval: never, it_value: then };
        // Only a time that is none makes it fail.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &times);
    }

    /// What waited for the timer is tried again.
    pub(super) fn heed_timer(&mut self) {
        if std::mem::take(&mut self.timer_rang) {
            lower(&self.timer);
            (self.timer_at, self.try_at, self.bells_at) = (0, 0, 0);
        }
    }

    pub(super) fn new_peer(&mut self, socket: OwnedFd, id: u64) -> Peer {
        self.serial = (self.serial + 1) % SERIALS;
        Peer::new(socket, self.serial, id, self.intake.largest())
    }

    /// Gives a new peer its place.
    pub(super) fn settle(&mut self, peer: Peer) {
        let place = match self.vacant.pop() {
            Some(place) => place,
            None => {
                self.peers.push(None);
                (self.peers.len() - 1) as u32
            }
        };
        if !self.watch(place, &peer) {
            self.depart(&peer);
            return self.vacant.push(place);
        }
        self.peers[place as usize] = Some(peer);
        self.activate(place);
    }

    /// Asks for the events of a peer's socket.
    fn watch(&self, place: u32, peer: &Peer) -> bool {
        let data = EventData::new_u64(u64::from(peer.serial) << 32 | u64::from(place));
        let edge = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        let socket = peer.socket.as_ref().filter(|_| !peer.kept);
        let watched =
            socket.is_none_or(|socket| epoll::add(&*self.epoll, socket, data, edge).is_ok());
        watched && self.watch_bell(place, peer)
    }

    pub(super) fn watch_bell(&self, place: u32, peer: &Peer) -> bool {
        let token = BELL | u64::from(peer.serial) << 32 | u64::from(place);
        let edge = EventFlags::IN | EventFlags::ET;
        peer.bell.as_ref().is_none_or(|bell| {
            epoll::add(&*self.epoll, bell, EventData::new_u64(token), edge).is_ok()
        })
    }

    /// Lets go of a peer. It must not stay in the list of active ones.
    pub(super) fn remove(&mut self, place: u32) {
        if let Some(peer) = self.peers[place as usize].take() {
            // The writer may keep its descriptors open: closing ours would not end their events.
            let watched = peer.socket.as_deref().filter(|_| !peer.kept);
            for fd in [watched, peer.bell.as_ref()].into_iter().flatten() {
                let _ = epoll::delete(&*self.epoll, fd);
            }
            self.kept -= usize::from(peer.kept);
            self.depart(&peer);
            self.vacant.push(place);
            self.bells_at = 0;
            if self.unaccepted || self.untaken {
                (self.try_at, self.room_made) = (0, true);
            }
        }
    }

    /// Closes connections that can do without: those on which nothing has been said or, if there are
    /// none, those whose only record is here. Their writers connect again when they have more. False
    /// if there are none.
    pub(super) fn make_room(&mut self) -> bool {
        self.dismiss_all(false) || self.dismiss_all(true)
    }

    fn dismiss_all(&mut self, spoke: bool) -> bool {
        let mut made = false;
        for place in 0..self.peers.len() as u32 {
            if self.peer(place).is_some_and(|peer| peer.spoke == spoke) {
                made |= self.dismiss(place);
            }
        }
        self.active.retain(|&place| self.peers[place as usize].is_some());
        made
    }

    fn dismiss(&mut self, place: u32) -> bool {
        if !self.is_dispensable(place) {
            return false;
        }
        let Some(peer) = self.peers[place as usize].as_mut() else { return false };
        if peer.kept {
            peer.leave_socket();
            self.kept -= 1;
            return true;
        }
        let Some(socket) = peer.socket.clone() else { return false };
        // From here on its writes fail; what it wrote before is still read.
        let _ = rustix::net::shutdown(&socket, Shutdown::Read);
        let Some(peer) = self.peer(place) else { return false };
        peer.unread = true;
        self.read_socket(place);
        self.activate(place);
        let Some(peer) = self.peer(place).filter(|peer| !peer.unread && peer.can_move()) else {
            return false;
        };
        let waits = peer.inline.is_some();
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _ = rustix::net::send(&socket, &[MOVE], flags);
        if waits {
            // Where others may have to give it out, it is only on the socket.
            return self.vault.is_none();
        }
        self.remove(place);
        true
    }

    /// Whether a peer that has just lost a record needs its descriptors no longer.
    pub(super) fn leaves_room(&mut self, place: u32) -> bool {
        let done = self.peer(place).is_some_and(Peer::is_done);
        done || (self.vault.is_some() && self.is_dispensable(place))
    }

    /// Whether all that a peer has sent is safe without its socket, as far as is known.
    fn is_dispensable(&self, place: u32) -> bool {
        let Some(peer) = self.peers[place as usize].as_ref() else { return false };
        // There may be a ring on the socket for which there is no room.
        let heard = !peer.spoke || !peer.unread;
        let private = match &self.vault {
            None => true,
            // The record stays on the socket until it is read. Of rings another holder may know more.
            Some(vault) => peer.inline.is_none() && !vault.has_ring(peer.id),
        };
        peer.can_move() && heard && private && !peer.dead && peer.socket.is_some()
    }
}

/// Asks the kernel whose writers have gone.
fn see_who_has_gone(arrivals: &mut VecDeque<Arrival>) {
    let polled = arrivals.iter().map(|arrival| PollFd::new(&arrival.socket, PollFlags::empty()));
    let mut polled: Vec<_> = polled.collect();
    // Whoever isn't known to have gone is asked about later.
    let _ = poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    let gone: Vec<_> = polled.iter().map(|fd| tells_of_the_end(fd.revents())).collect();
    for (arrival, gone) in arrivals.iter_mut().zip(gone) {
        arrival.gone = gone;
    }
}
