//! What writers send on their sockets: one record at first, a ring if they keep writing.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailslot_ring::{Consumer, Cursor, Geometry, Region, RegionError, set_peek_offset};
use mailslot_wire::limits::Limits;
use mailslot_wire::message::{self, HEADER_LEN, INLINE_MAX, Message};
use mailslot_wire::name::SlotName;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags};

use super::peer::{Inline, Peer};
use super::vault::Vault;
use crate::gateway::Connection;
use crate::registry::may_be_gateway;

/// One byte more than the largest message, to tell one that is larger.
const BUFFER: usize = HEADER_LEN + INLINE_MAX + 1;

/// Where datagrams arrive.
pub(crate) struct Intake {
    limits: Limits,
    /// Set for a gateway's slot: how many writers have said where their records go.
    connections: Option<AtomicU64>,
    /// Where it is shared, what arrives stays on the socket until it is safe elsewhere.
    vault: Option<Arc<Vault>>,
    /// Kept for a look at a ring when there are no other descriptors left.
    spare: Option<[OwnedFd; 2]>,
    buffer: Box<[u8]>,
}

/// Descriptors that came with a datagram. More than these the kernel doesn't hand out.
struct Descriptors {
    pair: (Option<OwnedFd>, Option<OwnedFd>),
    /// There were more, perhaps because this process may have no more.
    cut: bool,
}

/// Why a message was not taken.
pub(crate) enum Refusal {
    /// It breaks the rules.
    Broken,
    /// This process is out of descriptors or memory. The message stays on the socket: its writer
    /// has been told that its records are safe.
    NoRoom,
}

impl Intake {
    pub(crate) fn new(limits: Limits, vault: Option<Arc<Vault>>) -> Self {
        let (spare, buffer) = (spare(), vec![0; BUFFER].into());
        Self { limits, connections: None, vault, spare, buffer }
    }

    /// That of a gateway's slot.
    pub(crate) fn for_gateway(limits: Limits) -> Self {
        Self { connections: Some(AtomicU64::new(0)), ..Self::new(limits, None) }
    }

    /// Bytes of the largest record that the slot takes.
    pub(crate) fn largest(&self) -> u64 {
        self.limits.largest_record()
    }

    /// [`Intake::read`] for a peer that has just come, and has `gone` if that is known. Most of them
    /// have sent one record and gone again, and are closed as they are: taking the record off and
    /// looking for the end, twice, would cost more.
    pub(crate) fn read_new(&mut self, peer: &mut Peer, gone: bool) -> bool {
        if self.vault.is_none() && self.connections.is_none() {
            let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
            let Some(socket) = &peer.socket else { return true };
            match rustix::net::recv(socket, &mut *self.buffer, flags) {
                Err(Errno::AGAIN) => {
                    peer.unread = false;
                    return true;
                }
                Ok((_, len)) if is_all(socket, len, gone) => {
                    let message = self.buffer.get(..len).and_then(|b| Message::parse(b).ok());
                    match message {
                        Some(Message::Record { stamp, bytes })
                            if bytes.len() as u64 <= self.largest() =>
                        {
                            let inline = Inline { stamp, bytes: bytes.into(), fresh: true };
                            (peer.inline, peer.spoke) = (Some(inline), true);
                            (peer.closed, peer.unread) = (true, false);
                            return true;
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        self.read(peer)
    }

    /// Reads what `peer` has sent. Sets what follows from it in the peer. False if there was no room
    /// to take all of it.
    pub(crate) fn read(&mut self, peer: &mut Peer) -> bool {
        // Three messages are all that an honest writer sends; whoever sends more is dead.
        while peer.unread && !peer.dead {
            match self.read_one(peer) {
                Ok(()) => {}
                Err(Refusal::Broken) => peer.dead = true,
                Err(Refusal::NoRoom) => {
                    if let (true, Some(socket)) = (peer.is_deaf(), &peer.socket) {
                        peer.closed = has_hung_up(socket);
                    }
                    return false;
                }
            }
        }
        if let (Some(_), Some(socket)) = (&peer.ring, &peer.socket) {
            // It is the end for what comes on the socket alone if a reader takes no more there.
            peer.closed = peer.closed && has_hung_up(socket);
        }
        if peer.closed && peer.ring.is_none() && self.vault.is_none() {
            // A writer of one record that has left: its descriptor need not be kept.
            peer.leave_socket();
        }
        true
    }

    fn read_one(&mut self, peer: &mut Peer) -> Result<(), Refusal> {
        let Some(socket) = peer.socket.clone() else {
            peer.unread = false;
            return Ok(());
        };
        // Descriptors for which there is no room would be lost with the message.
        match self.peek_next(peer, &socket) {
            Err(Errno::AGAIN) => peer.unread = false,
            Err(Errno::INTR) => {}
            Err(Errno::NOMEM | Errno::NOBUFS) => return Err(Refusal::NoRoom),
            // The end, or an empty datagram, which no honest writer sends. Linux tells the end when
            // it found nothing and *then* sees that the writer is gone: what that has sent between
            // is there now, so the end counts when it is told again.
            Ok((0, _)) | Err(_) => {
                peer.unread = !peer.closed;
                peer.closed = true;
            }
            Ok((len, descriptors)) => self.take(len, peer, descriptors)?,
        }
        Ok(())
    }

    /// Copies the next message that has not been taken in.
    fn peek_next(
        &mut self,
        peer: &Peer,
        socket: &OwnedFd,
    ) -> rustix::io::Result<(usize, Descriptors)> {
        if self.vault.is_some() {
            let first = peer.inline.as_ref().map_or(0, |inline| HEADER_LEN + inline.bytes.len());
            let _ = set_peek_offset(socket.as_fd(), first as i32);
        }
        peek(socket, &mut self.buffer)
    }

    /// Maps a ring that there is no room for otherwise, without its bell. What announces it stays on
    /// the socket. False if that can't be done either.
    ///
    /// Or all descriptors could be taken by connections that wait for one more, for ever.
    pub(crate) fn map_without_bell(&mut self, peer: &mut Peer) -> bool {
        let Some(socket) = peer.socket.clone() else { return false };
        if peer.ring.is_none() {
            // From here on two descriptors are free.
            if self.spare.take().or_else(spare).is_none() {
                return false;
            }
            if let Ok((len, descriptors)) = self.peek_next(peer, &socket)
                && let Some(Message::Attach { base_shift, growth_shift, levels }) =
                    self.buffer.get(..len).and_then(|bytes| Message::parse(bytes).ok())
            {
                let shifts = [base_shift, growth_shift, levels];
                match self.attach(peer, shifts, descriptors) {
                    Err(Refusal::Broken) => peer.dead = true,
                    Err(Refusal::NoRoom) => {}
                    Ok(_) => {
                        peer.bell = None;
                        if let (Some(ring), None) = (&mut peer.ring, &self.vault) {
                            ring.be_only_reader();
                        }
                    }
                }
            }
            self.spare = spare();
        }
        peer.closed |= peer.is_deaf() && has_hung_up(&socket);
        peer.is_deaf() || peer.dead
    }

    fn take(&self, len: usize, peer: &mut Peer, descriptors: Descriptors) -> Result<(), Refusal> {
        let message = self.buffer.get(..len).and_then(|bytes| Message::parse(bytes).ok());
        let message = message.ok_or(Refusal::Broken)?;
        let first = matches!(message, Message::Target { .. });
        if self.connections.is_some() && peer.connection.is_none() && !first {
            return Err(Refusal::Broken);
        }
        match message {
            Message::Record { stamp, bytes } => {
                if let Some(vault) = &self.vault
                    && vault.inline_is_read(peer.id)
                {
                    // By a holder who died before it could take it off the socket.
                    peer.spoke = true;
                    discard(peer)?;
                    return vault.take_inline(peer.id).then_some(()).ok_or(Refusal::Broken);
                }
                if peer.inline.is_some() || bytes.len() as u64 > self.largest() {
                    return Err(Refusal::Broken);
                }
                if self.vault.is_none() {
                    if peer.spoke {
                        return Err(Refusal::Broken);
                    }
                    discard(peer)?;
                }
                peer.spoke = true;
                peer.inline = Some(Inline { stamp, bytes: bytes.into(), fresh: true });
                Ok(())
            }
            Message::Attach { base_shift, growth_shift, levels } => {
                let shifts = [base_shift, growth_shift, levels];
                peer.spoke = true;
                match &self.vault {
                    None => {
                        self.attach(peer, shifts, descriptors)?;
                        if let Some(ring) = &mut peer.ring {
                            ring.be_only_reader();
                        }
                        discard(peer)
                    }
                    Some(vault) => self.attach_shared(vault, peer, shifts, descriptors),
                }
            }
            Message::Target { confirmed, name } => {
                self.introduce(peer, confirmed, name)?;
                discard(peer)
            }
            Message::Origin(origin) => self.believe(peer, origin),
        }
    }

    /// A writer says where its records go, to a gateway.
    fn introduce(
        &self,
        peer: &mut Peer,
        confirmed: Option<message::Confirmed>,
        name: &str,
    ) -> Result<(), Refusal> {
        let connections = self.connections.as_ref().ok_or(Refusal::Broken)?;
        if peer.connection.is_some() || peer.has_spoken() {
            return Err(Refusal::Broken);
        }
        let target = SlotName::parse(name).map_err(|_| Refusal::Broken)?;
        let sender = peer.sender();
        let socket = peer.socket.as_ref().ok_or(Refusal::Broken)?;
        let id = connections.fetch_add(1, Ordering::Relaxed);
        peer.connection = Some(Arc::new(Connection::new(id, target, confirmed, sender, socket)));
        Ok(())
    }

    /// A gateway says whose records it forwards.
    fn believe(&self, peer: &mut Peer, origin: message::Origin<'_>) -> Result<(), Refusal> {
        let me = rustix::process::geteuid().as_raw();
        let known = peer.origin.is_some() && self.vault.is_none();
        let heard = self.vault.as_ref().is_some_and(|vault| vault.inline_is_read(peer.id));
        if self.connections.is_some()
            || known
            || heard
            || peer.has_spoken()
            || !may_be_gateway(peer.sender().uid, me)
        {
            return Err(Refusal::Broken);
        }
        if let Some(vault) = &self.vault {
            // It may have been written down by a holder who died before this was off the socket.
            vault.set_origin(peer.id, origin);
        }
        peer.origin = Some(Arc::new(origin.into()));
        discard(peer)?;
        match &self.vault {
            Some(vault) => vault.take_origin(peer.id).then_some(()).ok_or(Refusal::Broken),
            None => Ok(()),
        }
    }

    /// Gives back the descriptor of the ring's memory, now that it is known to be good.
    fn attach(
        &self,
        peer: &mut Peer,
        shifts: [u8; 3],
        descriptors: Descriptors,
    ) -> Result<OwnedFd, Refusal> {
        let geometry = self.acceptable(shifts).ok_or(Refusal::Broken)?;
        let (memory, bell) = match descriptors.pair {
            (Some(memory), Some(bell)) => (memory, bell),
            _ if descriptors.cut => return Err(Refusal::NoRoom),
            _ => return Err(Refusal::Broken),
        };
        if (peer.ring.is_some() && !peer.is_deaf()) || !is_pipe(&bell) {
            return Err(Refusal::Broken);
        }
        if peer.is_deaf() {
            peer.bell = Some(bell);
            return Ok(memory);
        }
        // Other holders may have read there, each without the bell.
        let cursor = self.vault.as_ref().and_then(|vault| vault.cursor(peer.id));
        attach(peer, geometry, &memory, bell, cursor.unwrap_or_default())?;
        Ok(memory)
    }

    fn attach_shared(
        &self,
        vault: &Vault,
        peer: &mut Peer,
        shifts: [u8; 3],
        descriptors: Descriptors,
    ) -> Result<(), Refusal> {
        if (peer.ring.is_none() || peer.is_deaf()) && !vault.has_ring(peer.id) {
            let memory = self.attach(peer, shifts, descriptors)?;
            let bell = peer.bell.as_ref().ok_or(Refusal::Broken)?;
            if vault.add_ring(peer.id, shifts, memory.as_fd(), bell.as_fd()).is_err() {
                // It is read, but the others don't have it yet.
                peer.bell = None;
                return Err(Refusal::NoRoom);
            }
        }
        if peer.inline.is_some() {
            // It can't be taken off before the record in front of it.
            peer.unread = false;
            return Ok(());
        }
        discard(peer)?;
        vault.take_ring(peer.id).then_some(()).ok_or(Refusal::Broken)
    }

    /// The geometry that a peer announces, if it is the one that the slot's quota asks for. Any
    /// other, a smaller one too, lets its writer have another quota than the rest.
    fn acceptable(&self, [base_shift, growth_shift, levels]: [u8; 3]) -> Option<Geometry> {
        let geometry = Geometry::for_quota(self.limits.quota);
        (geometry.parts() == (base_shift, growth_shift, levels)).then_some(geometry)
    }
}

/// Gives `peer` its ring, to be read from `cursor` on.
pub(crate) fn attach(
    peer: &mut Peer,
    geometry: Geometry,
    memory: &OwnedFd,
    bell: OwnedFd,
    cursor: Cursor,
) -> Result<(), Refusal> {
    let region = Region::open(memory.as_fd(), geometry).map_err(|error| match error {
        RegionError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => Refusal::NoRoom,
        _ => Refusal::Broken,
    })?;
    peer.ring = Some(Consumer::new(region, geometry, cursor));
    peer.bell = Some(bell);
    Ok(())
}

/// Takes the datagram off the socket that was only peeked at.
pub(crate) fn discard(peer: &Peer) -> Result<(), Refusal> {
    let socket = peer.socket.as_ref().ok_or(Refusal::Broken)?;
    rustix::net::recv(socket, &mut [0; 1], RecvFlags::DONTWAIT).map_err(|_| Refusal::Broken)?;
    Ok(())
}

/// Copies the next datagram, which stays where it is.
fn peek(socket: &OwnedFd, buffer: &mut [u8]) -> rustix::io::Result<(usize, Descriptors)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received =
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    let cut = received.flags.contains(ReturnFlags::CTRUNC);
    let mut descriptors = Descriptors { pair: (None, None), cut };
    // Descriptors that are not taken here are closed with the buffer.
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut rights) = message {
            descriptors.pair = (rights.next(), rights.next());
        }
    }
    Ok((received.bytes, descriptors))
}

/// Two descriptors to be let go of when they are needed.
fn spare() -> Option<[OwnedFd; 2]> {
    let one = || eventfd(0, EventfdFlags::CLOEXEC).ok();
    Some([one()?, one()?])
}

/// Whether the other end is closed and no more than `len` bytes wait, so that nothing else can come.
fn is_all(socket: &OwnedFd, len: usize, gone: bool) -> bool {
    // In this order: what is sent before the end is counted.
    (gone || has_hung_up(socket)) && rustix::io::ioctl_fionread(socket) == Ok(len as u64)
}

/// Whether the other end is closed.
fn has_hung_up(socket: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::empty())];
    let _ = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    tells_of_the_end(fds[0].revents())
}

/// Whether a report about a socket says that the other end is closed.
pub(crate) fn tells_of_the_end(revents: PollFlags) -> bool {
    revents.intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Polling a foreign file could call into a file system that the peer wrote, and hang there.
/// Asking for its name cannot.
fn is_pipe(fd: &OwnedFd) -> bool {
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    std::fs::read_link(link).is_ok_and(|name| name.as_os_str().as_bytes().starts_with(b"pipe:["))
}
