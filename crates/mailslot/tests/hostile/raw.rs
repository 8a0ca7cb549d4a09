//! A writer that speaks the protocol itself, and so can lie.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use mailslot::SlotName;
use mailslot_ring::{Geometry, HEADER_BYTES};
use mailslot_wire::message;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType,
};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::support::{NAME, wait_until};

/// The quota of all slots here: small, so that rings are soon full.
pub(crate) const QUOTA: u64 = 64 * 1024;

/// Where a slot lies.
pub(crate) fn directory_of(name: &str) -> PathBuf {
    mailslot::registry_root().join(SlotName::parse(name).unwrap().file_name())
}

/// A connection to the slot that all cases use.
pub(crate) struct Raw {
    pub(crate) socket: OwnedFd,
}

impl Raw {
    pub(crate) fn connect() -> Self {
        Self { socket: connect() }
    }

    pub(crate) fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        send(self.socket.as_fd(), bytes, descriptors)
    }

    /// Whether the reader has closed its end.
    pub(crate) fn is_closed(&self) -> bool {
        let mut fds = [PollFd::new(&self.socket, PollFlags::empty())];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap();
        fds[0].revents().contains(PollFlags::HUP)
    }

    #[track_caller]
    pub(crate) fn expect_to_be_thrown_out(&self, what: &str) {
        wait_until(&format!("being thrown out for {what}"), || self.is_closed());
    }

    /// Announces `ring` as an honest writer would. Gives the writing end of its bell.
    pub(crate) fn attach(&self, ring: &Ring) -> OwnedFd {
        let (far, near) = bell();
        let sent = self.send(&ring.announcement(), &[ring.memory.as_fd(), far.as_fd()]);
        assert!(matches!(sent, Ok(()) | Err(Errno::PIPE | Errno::CONNRESET)), "{sent:?}");
        near
    }
}

/// Connects to the slot; waits where the kernel holds no more connections.
fn connect() -> OwnedFd {
    let path = directory_of(NAME).join("s");
    let address = SocketAddrUnix::new(path).unwrap();
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    let socket = socket.unwrap();
    rustix::net::connect(&socket, &address).unwrap();
    socket
}

pub(crate) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    let flags = SendFlags::NOSIGNAL;
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags).map(drop)
}

/// A pipe: what the reader gets, and the end to ring by.
pub(crate) fn bell() -> (OwnedFd, OwnedFd) {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap()
}

/// A record as the first message.
pub(crate) fn first_record(stamp: u64, bytes: &[u8]) -> Vec<u8> {
    [&message::record_header(stamp), bytes].concat()
}

pub(crate) fn memfd(len: u64, seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("hostile", flags).unwrap();
    rustix::fs::ftruncate(&fd, len).unwrap();
    rustix::fs::fcntl_add_seals(&fd, seals).unwrap();
    fd
}

/// A ring's memory, in which anything can be written.
pub(crate) struct Ring {
    pub(crate) geometry: Geometry,
    pub(crate) memory: OwnedFd,
    base: *mut u8,
    /// Where the next record goes, as long as all fit into the first level.
    next: u64,
}

pub(crate) const RECORD: u64 = 0x4d53_0001 << 32;
pub(crate) const PAD: u64 = 0x4d53_0002 << 32;
pub(crate) const JUMP: u64 = 0x4d53_0003 << 32;

impl Ring {
    pub(crate) fn new() -> Self {
        Self::with_seals(SealFlags::SHRINK)
    }

    pub(crate) fn with_seals(seals: SealFlags) -> Self {
        let geometry = Geometry::for_quota(QUOTA);
        Self::over(memfd(geometry.file_len(), seals), geometry)
    }

    /// A ring that another process has made, sealed against shrinking.
    pub(crate) fn over(memory: OwnedFd, geometry: Geometry) -> Self {
        let len = geometry.file_len() as usize;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let hint = std::ptr::null_mut();
        // SAFETY: a null hint lets the kernel choose an unused range, which is never unmapped; the
        // file is as long and can't shrink.
        let base = unsafe { rustix::mm::mmap(hint, len, prot, MapFlags::SHARED, &memory, 0) };
        Self { geometry, memory, base: base.unwrap().cast(), next: 0 }
    }

    pub(crate) fn announcement(&self) -> [u8; message::ATTACH_LEN] {
        let (base, growth, levels) = self.geometry.parts();
        message::attach(base, growth, levels)
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && (at as u64) < self.geometry.file_len());
        // SAFETY: inside the mapping, aligned, never unmapped, used through atomics only.
        unsafe { AtomicU64::from_ptr(self.base.add(at).cast()) }
    }

    pub(crate) fn tail(&self) -> &AtomicU64 {
        self.word(0)
    }

    pub(crate) fn head(&self) -> &AtomicU64 {
        self.word(256)
    }

    /// The reader sleeps.
    pub(crate) fn armed(&self) -> &AtomicU32 {
        // SAFETY: as for `word`.
        unsafe { AtomicU32::from_ptr(self.base.add(128).cast()) }
    }

    /// The writer waits for room.
    pub(crate) fn wanted(&self) -> &AtomicU32 {
        // SAFETY: as for `word`.
        unsafe { AtomicU32::from_ptr(self.base.add(384).cast()) }
    }

    /// A word of the levels.
    pub(crate) fn data(&self, at: u64) -> &AtomicU64 {
        self.word(HEADER_BYTES + at as usize)
    }

    /// Appends a valid record, which the caller publishes.
    pub(crate) fn append(&mut self, stamp: u64, bytes: &[u8]) {
        let (body, rest) = bytes.as_chunks::<8>();
        assert!(rest.is_empty(), "whole words only");
        self.data(self.next).store(RECORD | bytes.len() as u64, Ordering::Relaxed);
        self.data(self.next + 8).store(stamp, Ordering::Relaxed);
        for (index, word) in (0..).zip(body) {
            let at = self.next + 16 + index * 8;
            self.data(at).store(u64::from_le_bytes(*word), Ordering::Relaxed);
        }
        self.next = (self.next + 16 + bytes.len() as u64).next_multiple_of(16);
    }

    /// Publishes what was appended.
    pub(crate) fn publish(&self) {
        self.tail().store(self.next, Ordering::SeqCst);
    }

    /// Waits until the reader has read all that was published.
    pub(crate) fn wait_until_read(&self) {
        wait_until("the reader's reading", || self.head().load(Ordering::SeqCst) == self.next);
    }
}

pub(crate) fn ring_bell(bell: &OwnedFd) {
    let _ = rustix::io::write(bell, &[1]);
}
