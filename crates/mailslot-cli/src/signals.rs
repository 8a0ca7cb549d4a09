//! What ends a command from outside: a signal, or nobody reading its output any more.

use std::io::Read;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::exit::Exit;

const RUNNING: usize = 0;
const OUTPUT_CLOSED: usize = usize::MAX;

/// A signal this long after the first is meant as "now!". Sooner ones come with the first: timeout(1)
/// signals a process and then its group.
const INSISTING: Duration = Duration::from_millis(300);

/// Whether to stop, and why. Signals set it from the moment it exists.
pub(crate) struct Stop {
    /// [`RUNNING`], the number of the last signal, or [`OUTPUT_CLOSED`].
    reason: Arc<AtomicUsize>,
    /// Readable once a signal has come.
    wake: UnixStream,
}

impl Stop {
    /// Takes over the signals that end a process. Those that were ignored stay ignored, as in a
    /// script's background job or under nohup.
    pub(crate) fn on_signals() -> anyhow::Result<Self> {
        let reason = Arc::new(AtomicUsize::new(RUNNING));
        let (wake, ring) = UnixStream::pair().context("cannot prepare for signals")?;
        let ignored = ignored_signals();
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            if ignored & (1 << (signal - 1)) != 0 {
                continue;
            }
            let number = usize::try_from(signal).expect("signals have positive numbers");
            // In this order: who is woken finds the reason set.
            flag::register_usize(signal, reason.clone(), number)
                .and_then(|_| low_level::pipe::register(signal, ring.try_clone()?))
                .context("cannot prepare for signals")?;
        }
        Ok(Self { reason, wake })
    }

    /// How to exit, if something asks for it.
    pub(crate) fn reason(&self) -> Option<Exit> {
        match self.reason.load(Ordering::Acquire) {
            RUNNING => None,
            OUTPUT_CLOSED => Some(Exit::Success),
            signal => Some(Exit::Signal(u8::try_from(signal).unwrap_or(u8::MAX))),
        }
    }

    /// Runs `body`, and `interrupt` again and again from another thread once there is a reason to
    /// stop, until `body` is done. (Once is not enough: `body` may be about to wait.) `output` is
    /// watched for having nobody who reads it. A second signal, after
    /// [`INSISTING`], ends the process at once.
    pub(crate) fn interrupting<R>(
        &self,
        output: Option<BorrowedFd<'_>>,
        interrupt: impl Fn() + Sync,
        body: impl FnOnce() -> R,
    ) -> anyhow::Result<R> {
        let (done, running) = UnixStream::pair().context("cannot prepare for signals")?;
        thread::scope(|scope| {
            thread::Builder::new()
                .name("signals".into())
                .spawn_scoped(scope, || self.watch(&done, output, &interrupt))
                .context("cannot start the thread that waits for signals")?;
            let result = body();
            // The other thread sees its end close.
            drop(running);
            Ok(result)
        })
    }

    fn watch(&self, done: &UnixStream, mut output: Option<BorrowedFd<'_>>, interrupt: &impl Fn()) {
        const AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        let mut since = None;
        loop {
            if self.reason().is_some() {
                since.get_or_insert_with(Instant::now);
                interrupt();
            }
            let mut fds =
                vec![PollFd::new(done, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
            // Asked for nothing, poll still tells of errors: on a pipe, that its reader is gone.
            fds.extend(output.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::empty())));
            if poll(&mut fds, since.map(|_| &AGAIN)).is_err() {
                continue;
            }
            let [ended, signalled] = [0, 1].map(|i: usize| !fds[i].revents().is_empty());
            if ended {
                return;
            }
            if signalled {
                let _ = (&self.wake).read(&mut [0; 64]);
                if since.is_some_and(|since| since.elapsed() > INSISTING) {
                    let code = self.reason().unwrap_or(Exit::Failure).code();
                    std::process::exit(code.into());
                }
            }
            if fds.get(2).is_some_and(|fd| !fd.revents().is_empty()) {
                output = None;
                self.output_closed();
            }
        }
    }

    /// A signal that came first stays the reason.
    fn output_closed(&self) {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let _ = self.reason.compare_exchange(RUNNING, OUTPUT_CLOSED, success, failure);
    }
}

/// The signals that this process ignores, one bit each, the first for signal 1.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
