//! Copying what lies in a vault, which leaves it there.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use mailslot_ring::{fork_generation, set_peek_offset};
use rustix::fs::FlockOperation;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::{DEPOSIT_LEN, MAX_DESCRIPTORS};

/// Keeps all others from peeking, who would move the offset: it belongs to the socket, and whoever
/// opens a vault doesn't have the table's lock yet. A record lock of this process on the socket
/// itself, which goes with the process, and a lock among its threads.
pub(super) struct Peeking<'a> {
    receiver: &'a OwnedFd,
}

/// The process of which a thread peeks, by its generation.
static PEEKING: AtomicU64 = AtomicU64::new(0);

impl<'a> Peeking<'a> {
    /// From here on, the first deposit is peeked at first.
    pub(super) fn begin(receiver: &'a OwnedFd) -> io::Result<Self> {
        let own = fork_generation();
        // A forked child may have a copy made while a thread of its parent was peeking.
        let free = |peeking| (peeking != own).then_some(own);
        while PEEKING.fetch_update(Ordering::Acquire, Ordering::Relaxed, free).is_err() {
            std::thread::yield_now();
        }
        let peeking = Self { receiver };
        loop {
            match rustix::fs::fcntl_lock(receiver, FlockOperation::LockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        peeking.rewind()?;
        Ok(peeking)
    }

    pub(super) fn rewind(&self) -> io::Result<()> {
        set_peek_offset(self.receiver.as_fd(), 0)
    }
}

impl Drop for Peeking<'_> {
    fn drop(&mut self) {
        let _ = rustix::fs::fcntl_lock(self.receiver, FlockOperation::Unlock);
        PEEKING.store(0, Ordering::Release);
    }
}

pub(super) struct Peeked {
    pub(super) kind: u8,
    pub(super) shifts: [u8; 3],
    pub(super) id: u64,
    pub(super) descriptors: [Option<OwnedFd>; MAX_DESCRIPTORS],
}

/// Copies the deposit at the peek offset. `None` after the last.
pub(super) fn peek(receiver: &OwnedFd) -> io::Result<Option<Peeked>> {
    let mut message = [0; DEPOSIT_LEN];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let mut buffers = [IoSliceMut::new(&mut message)];
    match rustix::net::recvmsg(receiver, &mut buffers, &mut control, flags) {
        Ok(found) if found.bytes == DEPOSIT_LEN => {}
        Ok(_) | Err(rustix::io::Errno::AGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut descriptors = <[Option<OwnedFd>; MAX_DESCRIPTORS]>::default();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            for (place, descriptor) in descriptors.iter_mut().zip(rights) {
                *place = Some(descriptor);
            }
        }
    }
    let [kind, first, second, third, _, _, _, _, id @ ..] = message;
    let id = u64::from_ne_bytes(id);
    Ok(Some(Peeked { kind, shifts: [first, second, third], id, descriptors }))
}
