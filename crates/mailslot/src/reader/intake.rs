//! What writers send on their sockets: one record at first, a ring if they keep writing.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use mailslot_ring::{Consumer, Cursor, Geometry, Region, set_peek_offset};
use mailslot_wire::limits::Limits;
use mailslot_wire::message::{HEADER_LEN, INLINE_MAX, Message};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::peer::{Inline, Peer};
use super::vault::Vault;

/// One byte more than the largest message, to tell one that is larger.
const BUFFER: usize = HEADER_LEN + INLINE_MAX + 1;

/// Where datagrams arrive.
pub(crate) struct Intake {
    limits: Limits,
    /// Where it is shared, what arrives stays on the socket until it is safe elsewhere.
    vault: Option<Arc<Vault>>,
    buffer: Box<[u8]>,
}

/// Descriptors that came with a datagram. More than these the kernel doesn't hand out.
type Descriptors = (Option<OwnedFd>, Option<OwnedFd>);

impl Intake {
    pub(crate) fn new(limits: Limits, vault: Option<Arc<Vault>>) -> Self {
        Self { limits, vault, buffer: vec![0; BUFFER].into() }
    }

    /// Bytes of the largest record that the slot takes.
    pub(crate) fn largest(&self) -> u64 {
        self.limits.largest_record()
    }

    /// Reads what `peer` has sent. Sets what follows from it in the peer.
    pub(crate) fn read(&mut self, peer: &mut Peer) {
        // Two messages are all that an honest writer sends.
        while peer.unread && !peer.dead {
            self.read_one(peer);
        }
        if peer.closed && peer.ring.is_none() && self.vault.is_none() {
            // A writer of one record that has left: its descriptor need not be kept.
            peer.sender();
            peer.socket = None;
        }
    }

    fn read_one(&mut self, peer: &mut Peer) {
        let Some(socket) = &peer.socket else {
            peer.unread = false;
            return;
        };
        let mut descriptors = (None, None);
        let mut flags = RecvFlags::empty();
        if self.vault.is_some() {
            flags |= RecvFlags::PEEK;
            let first = peer.inline.as_ref().map_or(0, |inline| HEADER_LEN + inline.bytes.len());
            let _ = set_peek_offset(socket.as_fd(), first as i32);
        }
        match receive(socket, &mut self.buffer, &mut descriptors, flags) {
            Err(Errno::AGAIN) => peer.unread = false,
            Err(Errno::INTR) => {}
            // The end, or an empty datagram, which no honest writer sends.
            Ok(0) | Err(_) => {
                peer.unread = false;
                peer.closed = true;
            }
            Ok(len) => peer.dead |= self.take(len, peer, descriptors).is_none(),
        }
    }

    /// `None` if the message breaks the rules.
    fn take(&self, len: usize, peer: &mut Peer, descriptors: Descriptors) -> Option<()> {
        match Message::parse(self.buffer.get(..len)?).ok()? {
            Message::Record { stamp, bytes } => {
                if let Some(vault) = &self.vault
                    && vault.inline_is_read(peer.id)
                    && peer.ring.is_none()
                {
                    // By a holder who died before it could take it off the socket.
                    peer.spoke = true;
                    return discard(peer);
                }
                if peer.spoke || bytes.len() as u64 > self.largest() {
                    return None;
                }
                peer.spoke = true;
                peer.inline = Some(Inline { stamp, bytes: bytes.into(), fresh: true });
            }
            Message::Attach { base_shift, growth_shift, levels } => {
                let shifts = [base_shift, growth_shift, levels];
                peer.spoke = true;
                match &self.vault {
                    None => self.attach(peer, shifts, descriptors).map(drop)?,
                    Some(vault) => self.attach_shared(vault, peer, shifts, descriptors)?,
                }
            }
        }
        Some(())
    }

    /// Gives back the descriptor of the ring's memory, now that it is known to be good.
    fn attach(
        &self,
        peer: &mut Peer,
        shifts: [u8; 3],
        descriptors: Descriptors,
    ) -> Option<OwnedFd> {
        let geometry = self.acceptable(shifts)?;
        let (memory, bell) = (descriptors.0?, descriptors.1?);
        if peer.ring.is_some() || !is_eventfd(&bell) {
            return None;
        }
        attach(peer, geometry, &memory, bell, Cursor::default())?;
        Some(memory)
    }

    fn attach_shared(
        &self,
        vault: &Vault,
        peer: &mut Peer,
        shifts: [u8; 3],
        descriptors: Descriptors,
    ) -> Option<()> {
        if peer.ring.is_none() && !vault.has_ring(peer.id) {
            let memory = self.attach(peer, shifts, descriptors)?;
            let bell = peer.bell.as_ref()?;
            vault.add_ring(peer.id, shifts, memory.as_fd(), bell.as_fd()).ok()?;
        }
        if peer.inline.is_some() {
            // It can't be taken off before the record in front of it.
            peer.unread = false;
            return Some(());
        }
        discard(peer)
    }

    /// The geometry that a peer announces, if it isn't out of all proportion.
    fn acceptable(&self, [base_shift, growth_shift, levels]: [u8; 3]) -> Option<Geometry> {
        let bound = Geometry::for_quota(self.limits.quota).data_len().saturating_mul(4);
        Geometry::new(base_shift, growth_shift, levels).filter(|found| found.data_len() <= bound)
    }
}

/// Gives `peer` its ring, to be read from `cursor` on.
pub(crate) fn attach(
    peer: &mut Peer,
    geometry: Geometry,
    memory: &OwnedFd,
    bell: OwnedFd,
    cursor: Cursor,
) -> Option<()> {
    let region = Region::open(memory.as_fd(), geometry).ok()?;
    peer.ring = Some(Consumer::new(region, geometry, cursor));
    peer.bell = Some(bell);
    Some(())
}

/// Takes the datagram off the socket that was only peeked at.
pub(crate) fn discard(peer: &Peer) -> Option<()> {
    let socket = peer.socket.as_ref()?;
    rustix::net::recv(socket, &mut [0; 1], RecvFlags::DONTWAIT).ok()?;
    Some(())
}

fn receive(
    socket: &OwnedFd,
    buffer: &mut [u8],
    descriptors: &mut Descriptors,
    flags: RecvFlags,
) -> rustix::io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received =
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
    // Descriptors that are not taken here are closed with the buffer.
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut rights) = message {
            *descriptors = (rights.next(), rights.next());
        }
    }
    Ok(received.bytes)
}

/// Polling a foreign file could call into a file system that the peer wrote, and hang there.
/// Asking for its name cannot.
fn is_eventfd(fd: &OwnedFd) -> bool {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    std::fs::read_link(link)
        .is_ok_and(|name| name.as_os_str().as_bytes() == b"anon_inode:[eventfd]")
}
