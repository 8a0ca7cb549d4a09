//! What waits and what is waited for.
//!
//! There is no thread in here that would complete reads or signal events behind the caller's back.
//! Whatever can be waited for (slots, events, threads) changes under one lock, [`Dispatch`]; a
//! thread that waits leaves its [`Waker`] with each of its objects and sleeps in poll on the
//! waker's eventfd and on the descriptors of the slots it depends on.

use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::event::{EventfdFlags, eventfd};

use crate::border::lock;
use crate::code::Code;
use crate::{fork, mapping};

static LOCK: Mutex<()> = Mutex::new(());

/// Proof that the one lock is held. What changes under it has a mutex of its own, always taken
/// after this one and so never waited for; one at a time.
pub(crate) struct Dispatch(#[allow(dead_code)] MutexGuard<'static, ()>);

pub(crate) fn dispatch() -> Dispatch {
    Dispatch(lock(&LOCK))
}

/// Wakes one thread.
pub(crate) struct Waker {
    /// The thread's eventfd, -1 before it first waits. Only the thread itself replaces it.
    fd: AtomicI32,
    /// Where it was made: a forked child needs its own.
    generation: AtomicU64,
    /// Somebody has written to it, or is about to.
    woken: AtomicBool,
}

impl Waker {
    pub(crate) const fn new() -> Self {
        Self {
            fd: AtomicI32::new(-1),
            generation: AtomicU64::new(0),
            woken: AtomicBool::new(false),
        }
    }

    /// Gets the calling thread's own waker ready for a wait.
    pub(crate) fn prepare(&self, _: &Dispatch) -> Result<RawFd, Code> {
        let here = fork::generation();
        let fd = self.fd.load(Ordering::Relaxed);
        if fd >= 0 && self.generation.load(Ordering::Relaxed) == here {
            return Ok(fd);
        }
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let new = eventfd(0, flags).map_err(mapping::of_errno)?;
        self.close();
        let fd = new.into_raw_fd();
        self.woken.store(false, Ordering::Relaxed);
        self.generation.store(here, Ordering::Relaxed);
        self.fd.store(fd, Ordering::Relaxed);
        Ok(fd)
    }

    /// Ends the thread's wait, or the next one if it isn't in one: then it looks again.
    pub(crate) fn wake(&self, _: &Dispatch) {
        let fd = self.fd.load(Ordering::Relaxed);
        let here = self.generation.load(Ordering::Relaxed) == fork::generation();
        if fd >= 0 && here && !self.woken.swap(true, Ordering::Relaxed) {
            // It fails only where the counter is at its end, and then it is readable.
            let _ = rustix::io::write(borrow(&fd), &1u64.to_ne_bytes());
        }
    }

    /// Takes note of having been woken.
    pub(crate) fn clear(&self, _: &Dispatch) {
        if self.woken.swap(false, Ordering::Relaxed) {
            let _ = rustix::io::read(borrow(&self.fd.load(Ordering::Relaxed)), &mut [0; 8]);
        }
    }

    fn close(&self) {
        let fd = self.fd.swap(-1, Ordering::Relaxed);
        if fd >= 0 {
            // SAFETY: the number came from the eventfd that `prepare` made and gave up; the swap
            // makes this the only close of it.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
        }
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.close();
    }
}

/// A descriptor that stays open meanwhile.
pub(crate) fn borrow(fd: &RawFd) -> BorrowedFd<'_> {
    // SAFETY: only called with a waker's own descriptor: by its thread, which alone replaces it,
    // or by others that hold both the waker and the lock under which it is replaced. (Should the
    // program close it behind our back, calls on it fail and no memory is harmed.)
    unsafe { BorrowedFd::borrow_raw(*fd) }
}

/// The threads that wait for an object.
#[derive(Default)]
pub(crate) struct Waiters(Vec<Arc<crate::thread::Thread>>);

impl Waiters {
    pub(crate) fn add(&mut self, thread: &Arc<crate::thread::Thread>) {
        self.0.push(thread.clone());
    }

    pub(crate) fn remove(&mut self, thread: &Arc<crate::thread::Thread>) {
        if let Some(at) = self.0.iter().position(|other| Arc::ptr_eq(other, thread)) {
            self.0.swap_remove(at);
        }
    }

    pub(crate) fn wake(&self, dispatch: &Dispatch) {
        for thread in &self.0 {
            thread.waker.wake(dispatch);
        }
    }
}

/// Something that changes under the lock.
pub(crate) struct Guarded<T>(Mutex<T>);

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn get(&self, _: &Dispatch) -> MutexGuard<'_, T> {
        lock(&self.0)
    }
}
