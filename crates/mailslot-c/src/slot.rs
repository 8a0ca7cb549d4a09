//! The server's side: a slot, and the reads of it that are pending.
//!
//! A read with an `OVERLAPPED` that finds no record is kept in the slot. Nothing in the background
//! completes it: every call that could notice (a wait, a look at the result, another read, a look
//! at the slot) first completes what can be completed, and waits poll the slot's descriptor. See
//! [`Slot::progress`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mailslot_rs::{Mailslot, ReadError};

use crate::border::Whole;
use crate::code::{Code, PENDING};
use crate::dispatch::{Dispatch, Guarded, Waiters, dispatch};
use crate::event::Event;
use crate::object::Object;
use crate::owned::Owned;
use crate::table::Use;
use crate::thread::{Completion, Thread};
use crate::types::{Overlapped, Routine};
use crate::{fork, mapping, wait};

pub(crate) struct Slot {
    pub(crate) mailslot: Owned,
    /// Handles that lead here.
    pub(crate) handles: AtomicU32,
    /// The last handle was closed.
    closed: AtomicBool,
    /// How many reads are pending: while there are some, others queue up behind them.
    queued: AtomicUsize,
    /// A read with an `OVERLAPPED` has completed, and no read has begun since.
    signaled: AtomicBool,
    state: Guarded<State>,
    /// Other processes may hold it too.
    pub(crate) inheritable: bool,
    pub(crate) times: Mutex<[u64; 3]>,
    /// In which process it was made, by [`fork::generation`].
    pub(crate) born: u64,
}

#[derive(Default)]
struct State {
    queue: VecDeque<PendingRead>,
    waiters: Waiters,
}

/// A read that waits for its record.
pub(crate) struct PendingRead {
    target: Target,
    event: Option<Arc<Event>>,
    deadline: Option<Instant>,
    pub(crate) thread: Arc<Thread>,
    routine: Option<Routine>,
}

/// Where a read puts what it reads.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) overlapped: *mut Overlapped,
    buffer: *mut u8,
    size: usize,
}

// SAFETY: `Target::new` makes its caller promise that the memory can be used from any thread until
// the read has completed.
unsafe impl Send for Target {}

impl Target {
    /// # Safety
    ///
    /// `overlapped` points to an `OVERLAPPED` and `buffer` to `size` bytes. Both stay there, and
    /// nobody else uses them (but for looks at the `OVERLAPPED`), until the read has completed or
    /// was refused.
    pub(crate) unsafe fn new(overlapped: *mut Overlapped, buffer: *mut u8, size: usize) -> Self {
        Self { overlapped, buffer, size }
    }

    #[allow(clippy::mut_from_ref)]
    fn buffer(&self) -> &mut [u8] {
        // SAFETY: promised to `new`; the slice is used within one call on the slot under the lock
        // of the dispatch, so there are no two at a time.
        unsafe { buffer(self.buffer, self.size) }
    }

    fn overlapped(&self) -> &Overlapped {
        // SAFETY: promised to `new`; its fields that change are atomic.
        unsafe { &*self.overlapped }
    }

    /// Writes the outcome, the status last.
    fn finish(&self, outcome: Result<usize, Code>) {
        let overlapped = self.overlapped();
        overlapped.internal_high.store(outcome.unwrap_or(0), Ordering::Relaxed);
        let status = outcome.err().map_or(0, Code::status);
        overlapped.internal.store(status, Ordering::Release);
    }
}

/// The caller's memory as a slice.
///
/// # Safety
///
/// `size` bytes at `buffer` can be read and written (or `size` is 0), and as long as the answer
/// lives nobody else does.
pub(crate) unsafe fn buffer<'a>(buffer: *mut u8, size: usize) -> &'a mut [u8] {
    if size == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise. C may not have written these bytes yet; we only write them.
    unsafe { std::slice::from_raw_parts_mut(buffer, size) }
}

impl Slot {
    pub(crate) fn new(mailslot: Mailslot, inheritable: bool) -> Arc<Slot> {
        Arc::new(Slot {
            mailslot: Owned::new(mailslot),
            handles: AtomicU32::new(0),
            closed: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            signaled: AtomicBool::new(false),
            state: Guarded::new(State::default()),
            inheritable,
            times: Mutex::new([crate::time::now(); 3]),
            born: fork::generation(),
        })
    }

    /// A number that no other slot has.
    pub(crate) fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn has_pending(&self) -> bool {
        self.queued.load(Ordering::Acquire) > 0
    }

    /// Reads, if a record is there and nobody else is in line for it. `None`: see [`Slot::read`].
    #[inline]
    pub(crate) fn read_at_once(using: &Use<'_>, buffer: &mut [u8]) -> Option<usize> {
        let Object::Slot(slot) = &**using else {
            return None;
        };
        // No other thread has come, so nothing is pending and nobody waits.
        let alone = slot.mailslot.alone(using.thread(), |mailslot| {
            // This is a matter of memory only: pthread_cancel can't end the thread in it.
            let read = mailslot.exclusive().read_at_hand(buffer);
            read.or_else(|| look(mailslot, buffer))
        });
        alone.unwrap_or_else(|| slot.read_shared(buffer))
    }

    /// Not a part of the above, which is shorter without.
    #[inline(never)]
    fn read_shared(&self, buffer: &mut [u8]) -> Option<usize> {
        let mailslot = self.mailslot.get_shared()?;
        let busy = self.has_pending() || self.signaled.load(Ordering::Relaxed);
        if busy {
            return None;
        }
        // No further: that would disturb a thread that waits inside the library.
        mailslot.read_at_hand(buffer)
    }

    /// Reads as a caller without `OVERLAPPED` wants it: waits for as long as the slot's time-out
    /// says.
    #[inline]
    pub(crate) fn read(self: &Arc<Self>, buffer: &mut [u8]) -> Result<usize, Code> {
        if self.has_pending() {
            return self.read_in_turn(buffer);
        }
        if self.signaled.load(Ordering::Relaxed) {
            self.signaled.store(false, Ordering::Relaxed);
        }
        Thread::with_current(|thread| {
            thread.begin_reading(self)?;
            let result = self.mailslot.for_read(thread).and_then(|mailslot| {
                mailslot.read(buffer).or_else(|error| self.after(thread, mailslot, buffer, error))
            });
            thread.end_reading();
            result
        })
    }

    /// For a short look or change. A thread that has the slot for itself keeps it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Mailslot) -> T) -> Result<T, Code> {
        Thread::with_current(|thread| {
            if thread.begin_reading(self).is_err() {
                // In a signal handler that interrupted a read.
                return self.mailslot.get().map(look);
            }
            let answer = self.mailslot.for_read(thread).map(look);
            thread.end_reading();
            answer
        })
    }

    /// What an error means. All reads were cancelled perhaps, and this one wasn't meant.
    #[cold]
    fn after(
        &self,
        thread: &Thread,
        mailslot: &Mailslot,
        buffer: &mut [u8],
        mut error: ReadError,
    ) -> Result<usize, Code> {
        loop {
            match error {
                ReadError::Cancelled(_) if self.is_closed() => return Err(Code::INVALID_HANDLE),
                ReadError::Cancelled(_) if !thread.is_cancelled() => {}
                other => return Err(mapping::of_read(&other)),
            }
            match mailslot.read(buffer) {
                Ok(size) => return Ok(size),
                Err(next) => error = next,
            }
        }
    }

    /// [`Slot::read`] while reads are pending: they come first.
    #[cold]
    fn read_in_turn(self: &Arc<Self>, buffer: &mut [u8]) -> Result<usize, Code> {
        let mut overlapped = Overlapped::new();
        // SAFETY: both outlive the read, as below nothing returns before it has completed.
        let target = unsafe { Target::new(&raw mut overlapped, buffer.as_mut_ptr(), buffer.len()) };
        Thread::with_current(|thread| {
            thread.begin_reading(self)?;
            let begun = self.begin(&dispatch(), target, None, None, thread);
            let result = match begun {
                Err(Code::IO_PENDING) => {
                    let waited = wait::for_read(self, target.overlapped, None, false, Some(thread));
                    // Whatever ended the wait, nothing may be written here any more.
                    self.cancel_pending(&dispatch(), |read| {
                        std::ptr::eq(read.target.overlapped, target.overlapped)
                    });
                    // A record that has come is read, though the read was to end.
                    match outcome(target.overlapped()) {
                        Err(_) if self.is_closed() => Err(Code::INVALID_HANDLE),
                        Err(code) => Err(waited.err().unwrap_or(code)),
                        read => read,
                    }
                }
                other => other,
            };
            thread.end_reading();
            result
        })
    }

    /// Begins a read: the answer is its result, or [`Code::IO_PENDING`].
    pub(crate) fn begin(
        self: &Arc<Self>,
        dispatch: &Dispatch,
        target: Target,
        event: Option<Arc<Event>>,
        routine: Option<Routine>,
        thread: &Arc<Thread>,
    ) -> Result<usize, Code> {
        if self.is_closed() {
            return Err(Code::INVALID_HANDLE);
        }
        let mailslot = self.mailslot.get()?;
        if let Some(event) = &event {
            event.reset(dispatch);
        }
        let overlapped = target.overlapped();
        overlapped.internal_high.store(0, Ordering::Relaxed);
        overlapped.internal.store(PENDING, Ordering::Release);
        self.signaled.store(false, Ordering::Relaxed);
        self.progress(dispatch);

        let timeout = mailslot.timeout();
        let read = PendingRead { target, event, deadline: None, thread: thread.clone(), routine };
        if self.queued.load(Ordering::Relaxed) == 0 {
            match mailslot.try_read(target.buffer()) {
                Ok(size) => {
                    self.complete(dispatch, read, Ok(size));
                    return Ok(size);
                }
                Err(ReadError::TimedOut { .. }) if timeout != Some(Duration::ZERO) => {}
                Err(error) => {
                    let code = mapping::of_read(&error);
                    target.finish(Err(code));
                    return Err(code);
                }
            }
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.enqueue(dispatch, PendingRead { deadline, ..read });
        Err(Code::IO_PENDING)
    }

    fn enqueue(self: &Arc<Self>, dispatch: &Dispatch, read: PendingRead) {
        read.thread.state.get(dispatch).pending_on.push(self.clone());
        if let Some(event) = &read.event {
            event.add_pending(dispatch, self);
        }
        let mut state = self.state.get(dispatch);
        state.queue.push_back(read);
        // Those that wait for the slot depend on another thing now.
        state.waiters.wake(dispatch);
        self.queued.store(state.queue.len(), Ordering::Release);
    }

    /// Completes the pending reads for which records wait, and those whose time is up.
    pub(crate) fn progress(self: &Arc<Self>, dispatch: &Dispatch) {
        while self.queued.load(Ordering::Relaxed) > 0 {
            let Some(target) = self.state.get(dispatch).queue.front().map(|read| read.target)
            else {
                return;
            };
            let Ok(mailslot) = self.mailslot.get() else {
                return;
            };
            let outcome = match mailslot.try_read(target.buffer()) {
                Ok(size) => Ok(size),
                Err(ReadError::TimedOut { .. }) => break,
                Err(error) => Err(mapping::of_read(&error)),
            };
            let read = self.state.get(dispatch).queue.pop_front();
            if let Some(read) = read {
                self.complete(dispatch, read, outcome);
            }
        }
        if self.queued.load(Ordering::Relaxed) > 0 {
            let now = Instant::now();
            let late = |read: &PendingRead| read.deadline.is_some_and(|deadline| deadline <= now);
            self.finish_where(dispatch, late, Code::SEM_TIMEOUT);
        }
    }

    /// Ends the pending reads that `which` picks. Returns how many.
    pub(crate) fn cancel_pending(
        self: &Arc<Self>,
        dispatch: &Dispatch,
        which: impl Fn(&PendingRead) -> bool,
    ) -> usize {
        self.finish_where(dispatch, which, Code::OPERATION_ABORTED)
    }

    fn finish_where(
        self: &Arc<Self>,
        dispatch: &Dispatch,
        which: impl Fn(&PendingRead) -> bool,
        code: Code,
    ) -> usize {
        let mut state = self.state.get(dispatch);
        let queue = std::mem::take(&mut state.queue);
        let (ended, kept): (VecDeque<_>, VecDeque<_>) = queue.into_iter().partition(which);
        state.queue = kept;
        drop(state);
        let count = ended.len();
        for read in ended {
            self.complete(dispatch, read, Err(code));
        }
        count
    }

    /// Tells everybody that a read, which is not in the queue (any more), has its result.
    fn complete(
        self: &Arc<Self>,
        dispatch: &Dispatch,
        read: PendingRead,
        outcome: Result<usize, Code>,
    ) {
        read.target.finish(outcome);
        if let Some(event) = &read.event {
            event.set(dispatch);
            event.remove_pending(dispatch, self);
        }
        {
            let mut thread = read.thread.state.get(dispatch);
            if let Some(at) = thread.pending_on.iter().position(|slot| Arc::ptr_eq(slot, self)) {
                thread.pending_on.swap_remove(at);
            }
            if let Some(routine) = read.routine {
                thread.routines.push_back(Completion {
                    routine,
                    code: outcome.err().map_or(0, |code| code.0),
                    bytes: outcome.map_or(0, |size| u32::try_from(size).unwrap_or(u32::MAX)),
                    overlapped: read.target.overlapped,
                });
            }
        }
        read.thread.waker.wake(dispatch);
        self.signaled.store(true, Ordering::Relaxed);
        let state = self.state.get(dispatch);
        state.waiters.wake(dispatch);
        self.queued.store(state.queue.len(), Ordering::Release);
    }

    /// Whether a pending read has this `OVERLAPPED`.
    pub(crate) fn is_pending(&self, dispatch: &Dispatch, overlapped: *mut Overlapped) -> bool {
        let state = self.state.get(dispatch);
        state.queue.iter().any(|read| std::ptr::eq(read.target.overlapped, overlapped))
    }

    /// When the first pending read gives up.
    pub(crate) fn next_deadline(&self, dispatch: &Dispatch) -> Option<Instant> {
        self.state.get(dispatch).queue.iter().filter_map(|read| read.deadline).min()
    }

    /// Whether a wait for the slot is over: a read with an `OVERLAPPED` has completed and no other
    /// begun; or none is pending and a record waits.
    pub(crate) fn is_signaled(&self, dispatch: &Dispatch) -> Result<bool, Code> {
        let signaled = self.signaled.load(Ordering::Relaxed);
        if signaled || !self.state.get(dispatch).queue.is_empty() {
            return Ok(signaled);
        }
        let info = self.mailslot.get()?.info().map_err(|error| mapping::of_read(&error))?;
        Ok(info.next_size.is_some())
    }

    pub(crate) fn with_waiters(&self, dispatch: &Dispatch, change: impl FnOnce(&mut Waiters)) {
        change(&mut self.state.get(dispatch).waiters);
    }

    /// The last handle was closed: nothing may wait here any longer.
    pub(crate) fn close(self: &Arc<Self>) {
        self.closed.store(true, Ordering::Release);
        {
            let dispatch = dispatch();
            self.cancel_pending(&dispatch, |_| true);
            self.state.get(&dispatch).waiters.wake(&dispatch);
        }
        Thread::cancel_reads(self, |_| true);
    }
}

impl PendingRead {
    pub(crate) fn is_for(&self, overlapped: *mut Overlapped) -> bool {
        overlapped.is_null() || std::ptr::eq(self.target.overlapped, overlapped)
    }
}

/// Asks the kernel for records too.
#[inline(never)]
fn look(mailslot: &Mailslot, buffer: &mut [u8]) -> Option<usize> {
    let _whole = Whole::begin();
    mailslot.try_read(buffer).ok()
}

/// The result of a read that has completed.
pub(crate) fn outcome(overlapped: &Overlapped) -> Result<usize, Code> {
    match overlapped.internal.load(Ordering::Acquire) {
        0 => Ok(overlapped.internal_high.load(Ordering::Relaxed)),
        PENDING => Err(Code::IO_INCOMPLETE),
        status => Err(Code::of_status(status)),
    }
}
