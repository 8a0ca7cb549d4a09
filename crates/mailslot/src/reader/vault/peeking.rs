//! Copying what lies in a vault, which leaves it there.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use mailslot_ring::set_peek_offset;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::{DEPOSIT_LEN, SLOT_DESCRIPTORS};

pub(super) struct Peeked<const N: usize> {
    pub(super) kind: u8,
    pub(super) shifts: [u8; 3],
    pub(super) id: u64,
    pub(super) descriptors: [Option<OwnedFd>; N],
}

/// From here on, the first deposit is peeked at first, then the next.
pub(super) fn rewind(receiver: &OwnedFd) -> io::Result<()> {
    set_peek_offset(receiver.as_fd(), 0)
}

/// Copies the deposit at the peek offset, with at most `N` descriptors. `None` after the last.
pub(super) fn peek<const N: usize>(receiver: &OwnedFd) -> io::Result<Option<Peeked<N>>> {
    let mut message = [0; DEPOSIT_LEN];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SLOT_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let mut buffers = [IoSliceMut::new(&mut message)];
    match rustix::net::recvmsg(receiver, &mut buffers, &mut control, flags) {
        Ok(found) if found.bytes == DEPOSIT_LEN => {}
        Ok(_) | Err(rustix::io::Errno::AGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut descriptors = [const { None }; N];
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
