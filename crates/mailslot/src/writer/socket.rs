//! What a writer's socket tells of its reader.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::link::Failure;

/// What tells that the reader has closed its end, or at least will never say anything again.
const ENDED: PollFlags = PollFlags::HUP.union(PollFlags::ERR).union(PollFlags::RDHUP);

/// Looks whether the reader has closed its end.
pub(super) fn look(socket: &OwnedFd, spoke: bool) -> Result<(), Failure> {
    let mut fds = [PollFd::new(socket, PollFlags::RDHUP)];
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    // Interrupted, it is looked at again soon.
    let _ = poll(&mut fds, Some(&zero));
    if fds[0].revents().intersects(ENDED) {
        return Err(if spoke { Failure::Gone } else { Failure::Evicted });
    }
    Ok(())
}

/// Waits for `event`. Whether it came.
pub(super) fn wait(
    socket: &OwnedFd,
    event: PollFlags,
    patience: Duration,
) -> Result<bool, Failure> {
    let deadline = Instant::now().checked_add(patience);
    loop {
        let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
        let timeout = left.map(|left| Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut fds = [PollFd::new(socket, event | PollFlags::RDHUP)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) if fds[0].revents().intersects(ENDED) => return Err(Failure::Gone),
            Ok(_) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(error) => return Err(Failure::Io("waiting for room", error.into())),
        }
    }
}
