//! Descriptors by number: who is at the other end of a socket, what a parent passed on, and closing
//! many.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// What the kernel says about the process that connected a Unix socket (`SO_PEERCRED`).
///
/// Here rather than from a library because the process number is 0 for a process of another
/// namespace, which the usual type for it can't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its number, or 0 if it has none in this namespace.
    pub pid: u32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// Asks who connected `socket`.
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the pointers name a `ucred` and its size, both alive during the call; the kernel
    // writes at most `len` bytes there, and any bits are a valid `ucred`.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &raw mut len,
        )
    };
    if code == 0 {
        Ok(Credentials { pid: found.pid.max(0) as u32, uid: found.uid, gid: found.gid })
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Closes all of `fds`, those with consecutive numbers by one system call.
pub fn close_all(fds: &mut Vec<OwnedFd>) {
    let mut numbers = fds.drain(..).map(IntoRawFd::into_raw_fd).peekable();
    while let Some(first) = numbers.next() {
        let mut last = first;
        while let Some(next) = numbers.next_if_eq(&(last + 1)) {
            last = next;
        }
        // SAFETY: closing touches no memory, and the owners of all numbers from the first to the last have
        // just given them up, so nobody else has one of them. The call closes all or, where the system
        // doesn't know or allow it, none.
        let closed =
            first < last && unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0;
        if !closed {
            for number in first..=last {
                // SAFETY: as above, and nothing has closed it yet.
                drop(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
    }
}

/// A descriptor that the parent process passed on, and named in the environment.
#[derive(Debug)]
pub enum Inherited {}

impl Inherited {
    /// Duplicates it. The number of a descriptor that this process has opened itself, since that one
    /// was closed, is refused like one that is not open: what is passed on survives `exec`.
    pub fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
        // SAFETY: asking about any number is harmless.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        if flags < 0 || flags & libc::FD_CLOEXEC != 0 {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        // SAFETY: duplicating any number is harmless: the kernel refuses those that are not open.
        let fd = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just made for this call and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Closes it. The caller has made sure that it is what the parent passed on for this purpose,
    /// so that nothing else in this process owns it.
    pub fn close(number: RawFd) {
        // SAFETY: closing a descriptor touches no memory. By the caller's promise no `OwnedFd`
        // stands for this number.
        unsafe { libc::close(number) };
    }
}
