//! Waiting: `WaitForSingleObject` and its relatives.
//!
//! A wait looks after what it depends on: it completes the pending reads that its objects hang on,
//! checks, and sleeps in poll on those slots and on the thread's waker. No busy loop: a descriptor
//! is polled only while it isn't known to be readable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::code::Code;
use crate::dispatch::{Dispatch, borrow, dispatch};
use crate::mapping;
use crate::object::Object;
use crate::slot::Slot;
use crate::streams::Stream;
use crate::thread::Thread;
use crate::types::{FOR_EVER, Overlapped};
use std::os::fd::AsFd;

/// What a wait is for.
trait Condition {
    type Answer;
    /// The slots whose pending reads must be looked after.
    fn sources(&self, dispatch: &Dispatch, slots: &mut Vec<Arc<Slot>>);
    /// The answer, if the wait is over.
    fn check(&self, dispatch: &Dispatch) -> Result<Option<Self::Answer>, Code>;
    /// Whether the slot, one of the sources, is worth waiting for.
    fn hopes_for(&self, dispatch: &Dispatch, slot: &Arc<Slot>) -> bool;
    /// Has the thread woken at changes, or no longer.
    fn keep_posted(&self, dispatch: &Dispatch, thread: &Arc<Thread>, yes: bool);
    /// What else is waited for and not there yet.
    fn streams(&self) -> impl Iterator<Item = &Stream>;
}

/// How a wait ends.
pub(crate) enum Ended<T> {
    Met(T),
    TimedOut,
    /// Completion routines are to be called.
    Routines,
}

/// `WAIT_ABANDONED`: added to the index where a mutex had an owner that has ended.
const ABANDONED: usize = 0x80;

/// Waits for one of the objects, or all of them. The answer is the index of the (first) object, and
/// perhaps [`ABANDONED`].
pub(crate) fn for_objects(
    objects: &[Object],
    all: bool,
    timeout: Option<Duration>,
    alertable: bool,
) -> Result<Ended<usize>, Code> {
    let ended = wait(&Objects { objects, all }, timeout, alertable)?;
    if let Ended::Met(index) = ended {
        let met = if all { objects } else { std::slice::from_ref(&objects[index % ABANDONED]) };
        for object in met {
            if let Object::Thread(thread) = object {
                thread.join();
            }
        }
    }
    Ok(ended)
}

/// Waits until a pending read has completed, however it did. With `cancellable`, that thread's
/// reads without `OVERLAPPED` can be cancelled, and then this is over.
pub(crate) fn for_read(
    slot: &Arc<Slot>,
    overlapped: *mut Overlapped,
    timeout: Option<Duration>,
    alertable: bool,
    cancellable: Option<&Arc<Thread>>,
) -> Result<Ended<()>, Code> {
    wait(&Read { slot, overlapped, cancellable }, timeout, alertable)
}

struct Objects<'a> {
    objects: &'a [Object],
    all: bool,
}

impl Condition for Objects<'_> {
    type Answer = usize;

    fn sources(&self, dispatch: &Dispatch, slots: &mut Vec<Arc<Slot>>) {
        self.objects.iter().for_each(|object| object.sources(dispatch, slots));
    }

    fn check(&self, dispatch: &Dispatch) -> Result<Option<usize>, Code> {
        if self.objects.iter().any(Object::is_closed) {
            return Err(Code::INVALID_HANDLE);
        }
        let mut met = 0;
        for (index, object) in self.objects.iter().enumerate() {
            if !object.is_signaled(dispatch)? {
                continue;
            }
            if !self.all {
                let abandoned = object.consume(dispatch);
                return Ok(Some(index + usize::from(abandoned) * ABANDONED));
            }
            met += 1;
        }
        if met < self.objects.len() || self.objects.is_empty() {
            return Ok(None);
        }
        let consumed = self.objects.iter().map(|object| object.consume(dispatch));
        let abandoned = consumed.fold(false, |any, abandoned| any | abandoned);
        Ok(Some(usize::from(abandoned) * ABANDONED))
    }

    fn hopes_for(&self, dispatch: &Dispatch, slot: &Arc<Slot>) -> bool {
        // In a wait for all, this one may have its record already.
        !self.all || !slot.is_signaled(dispatch).unwrap_or(false)
    }

    fn keep_posted(&self, dispatch: &Dispatch, thread: &Arc<Thread>, yes: bool) {
        self.objects.iter().for_each(|object| object.keep_posted(dispatch, thread, yes));
    }

    fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.objects.iter().filter_map(|object| match object {
            Object::Stream(stream) if !stream.is_ready() => Some(&**stream),
            _ => None,
        })
    }
}

struct Read<'a> {
    slot: &'a Arc<Slot>,
    overlapped: *mut Overlapped,
    cancellable: Option<&'a Arc<Thread>>,
}

impl Condition for Read<'_> {
    type Answer = ();

    fn sources(&self, _: &Dispatch, slots: &mut Vec<Arc<Slot>>) {
        slots.push(self.slot.clone());
    }

    fn check(&self, dispatch: &Dispatch) -> Result<Option<()>, Code> {
        if self.cancellable.is_some_and(|thread| thread.is_cancelled()) {
            return Err(Code::OPERATION_ABORTED);
        }
        let pending = self.slot.is_pending(dispatch, self.overlapped);
        Ok((!pending).then_some(()))
    }

    fn hopes_for(&self, _: &Dispatch, _: &Arc<Slot>) -> bool {
        true
    }

    fn keep_posted(&self, dispatch: &Dispatch, thread: &Arc<Thread>, yes: bool) {
        self.slot.with_waiters(dispatch, |waiters| match yes {
            true => waiters.add(thread),
            false => waiters.remove(thread),
        });
    }

    fn streams(&self) -> impl Iterator<Item = &Stream> {
        std::iter::empty()
    }
}

fn wait<C: Condition>(
    condition: &C,
    timeout: Option<Duration>,
    alertable: bool,
) -> Result<Ended<C::Answer>, Code> {
    Thread::with_current(|thread| {
        // A wait that is over at once needs no clock.
        let mut end: Option<Instant> = None;
        loop {
            let lock = dispatch();
            let mut sources = Vec::new();
            condition.sources(&lock, &mut sources);
            if alertable {
                sources.extend(thread.state.get(&lock).pending_on.iter().cloned());
            }
            sources.sort_unstable_by_key(|slot| slot.identity());
            sources.dedup_by_key(|slot| slot.identity());
            sources.iter().for_each(|slot| slot.progress(&lock));

            if let Some(answer) = condition.check(&lock)? {
                return Ok(Ended::Met(answer));
            }
            if alertable && !thread.state.get(&lock).routines.is_empty() {
                return Ok(Ended::Routines);
            }
            let left = match timeout {
                None => None,
                Some(Duration::ZERO) => return Ok(Ended::TimedOut),
                Some(timeout) => {
                    let now = Instant::now();
                    let end = *end.get_or_insert(now + timeout);
                    if now >= end {
                        return Ok(Ended::TimedOut);
                    }
                    Some(end - now)
                }
            };
            sources.retain(|slot| condition.hopes_for(&lock, slot));
            condition.keep_posted(&lock, thread, true);
            let slept = sleep(lock, thread, &sources, condition.streams(), left);
            let lock = dispatch();
            thread.waker.clear(&lock);
            condition.keep_posted(&lock, thread, false);
            drop(lock);
            slept?;
        }
    })
}

/// Sleeps until the thread is woken, a slot has a record, a pending read gives up, or `left` is
/// over.
fn sleep<'a>(
    lock: Dispatch,
    thread: &Arc<Thread>,
    slots: &[Arc<Slot>],
    streams: impl Iterator<Item = &'a Stream>,
    left: Option<Duration>,
) -> Result<(), Code> {
    let waker = thread.waker.prepare(&lock)?;
    let deadline = slots.iter().filter_map(|slot| slot.next_deadline(&lock)).min();
    drop(lock);
    let until_deadline = deadline.map(|at| at.saturating_duration_since(Instant::now()));
    let left = left.into_iter().chain(until_deadline).min();
    let timeout = left.map(|left| Timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    let mailslots: Vec<_> = slots.iter().map(|s| s.mailslot.get()).collect::<Result<_, _>>()?;
    let mut fds = vec![PollFd::from_borrowed_fd(borrow(&waker), PollFlags::IN)];
    fds.extend(streams.map(|stream| PollFd::from_borrowed_fd(stream.fd(), PollFlags::IN)));
    fds.extend(mailslots.iter().map(|m| PollFd::from_borrowed_fd(m.as_fd(), PollFlags::IN)));
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(mapping::of_errno(errno)),
    }
}

/// Tries until it works, for some seconds: for what other threads do next, but may be hindered
/// from (by a debugger, say). False if it didn't.
pub(crate) fn patiently(mut works: impl FnMut() -> bool) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    if works() {
        return true;
    }
    let start = Instant::now();
    let mut pause = Duration::from_micros(10);
    while start.elapsed() < PATIENCE {
        std::thread::sleep(pause);
        if works() {
            return true;
        }
        pause = (pause * 2).min(Duration::from_millis(5));
    }
    false
}

/// Milliseconds as the functions of Win32 take them.
pub(crate) fn timeout(milliseconds: u32) -> Option<Duration> {
    (milliseconds != FOR_EVER).then(|| Duration::from_millis(milliseconds.into()))
}
