//! New writers: accepting them, and making room when descriptors run out.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{Shutdown, SocketFlags};

use super::super::peer::Peer;
use super::{BELL, Core};

/// At most this many connections are accepted in one go; the kernel holds no more.
const ACCEPT_AT_ONCE: u32 = 8192;

const SERIALS: u32 = 0x7fff_fffe;

impl Core {
    /// Accepts all new writers and reads what they have sent already.
    pub(super) fn accept(&mut self) -> io::Result<()> {
        if self.vault.as_ref().is_some_and(|vault| vault.is_full()) {
            self.unaccepted = true;
            return Ok(());
        }
        self.unaccepted = false;
        for _ in 0..ACCEPT_AT_ONCE {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            match rustix::net::accept_with(&self.listener, flags) {
                Ok(socket) => {
                    self.admit(socket);
                    if self.vault.as_ref().is_some_and(|vault| vault.is_full()) {
                        break;
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                // Out of descriptors or memory: the others are served meanwhile, and those that
                // have said nothing make room (they connect again when they have something).
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => {
                    self.unaccepted = true;
                    if !self.evict_silent() {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.unaccepted = true;
        Ok(())
    }

    fn admit(&mut self, socket: OwnedFd) {
        let id = match self.vault.as_ref().map(|vault| vault.add_peer(socket.as_fd())) {
            None => 0,
            Some(Ok(id)) => id,
            // It sees its connection closed, and may connect again.
            Some(Err(_)) => return,
        };
        let mut peer = self.new_peer(socket, id);
        self.intake.read(&mut peer);
        if peer.is_done() {
            return self.depart(&peer);
        }
        self.settle(peer);
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
        let socket = peer.socket.as_ref();
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

    /// Closes connections on which nothing has been said. False if there are none.
    fn evict_silent(&mut self) -> bool {
        let mut evicted = false;
        for place in 0..self.peers.len() as u32 {
            let Some(peer) = self.peer(place).filter(|peer| !peer.spoke && !peer.dead) else {
                continue;
            };
            // From here on its writes fail; what it wrote before is still read.
            if let Some(socket) = &peer.socket {
                let _ = rustix::net::shutdown(socket.as_fd(), Shutdown::Read);
            }
            peer.unread = true;
            self.read_socket(place);
            let silent = self.peer(place).is_some_and(|peer| !peer.spoke);
            if silent {
                self.active.retain(|&other| other != place);
                self.remove(place);
                evicted = true;
            } else {
                self.activate(place);
            }
        }
        evicted
    }
}
