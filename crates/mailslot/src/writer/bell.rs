//! How a writer wakes its reader.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

/// A pipe whose other end the reader watches, edge by edge, without reading from it.
///
/// An eventfd would be one open file for both sides: a hostile reader could fill it and let it
/// block. Of a pipe it only gets the other end.
#[derive(Debug)]
pub(super) struct Bell {
    near: OwnedFd,
    /// Kept open: without any reader, writing would raise SIGPIPE.
    far: OwnedFd,
}

impl Bell {
    pub(super) fn create() -> io::Result<Self> {
        let (far, near) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { near, far })
    }

    /// What the reader gets.
    pub(super) fn far_end(&self) -> BorrowedFd<'_> {
        self.far.as_fd()
    }

    /// Never blocks, whatever the reader does.
    #[inline]
    pub(super) fn ring(&self) {
        if rustix::io::write(&self.near, &[1]) == Err(Errno::AGAIN) {
            self.empty_and_ring();
        }
    }

    /// Full after some ten thousand rings. What is in it has rung long ago.
    #[cold]
    fn empty_and_ring(&self) {
        if let Ok((_drain, into)) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK) {
            // Splicing doesn't block, though reading might: the far end's flags are the reader's,
            // too.
            let _ = splice(&self.far, None, &into, None, 1 << 20, SpliceFlags::NONBLOCK);
        }
        let _ = rustix::io::write(&self.near, &[1]);
    }
}
