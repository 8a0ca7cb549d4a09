//! What this library knows of each thread that calls it.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use crate::border::{Undisturbed, Whole, lock};
use crate::code::Code;
use crate::dispatch::{Dispatch, Guarded, Waiters, Waker, dispatch};
use crate::event::Event;
use crate::slot::Slot;
use crate::threads::Gate;
use crate::types::{Overlapped, Routine};
use crate::wait::patiently;
use crate::{barrier, short};

/// `STILL_ACTIVE`.
pub(crate) const STILL_ACTIVE: u32 = 259;

/// A thread, for as long as anybody knows it.
pub(crate) struct Thread {
    pub(crate) id: u32,
    pub(crate) waker: Waker,
    /// Which entry of the handle table it has a [`Use`](crate::table::Use) of, by address; 0 for
    /// none.
    using: AtomicUsize,
    /// To which [`Client`](crate::client::Client) it writes with a lock, by address; 0 for none.
    pub(crate) writing: AtomicUsize,
    /// Which slot it reads without an `OVERLAPPED`, by [`Slot::identity`]; 0 for none.
    reading: AtomicUsize,
    /// That read is to end.
    cancelled: AtomicBool,
    pub(crate) state: Guarded<State>,
    /// Set if `CreateThread` made it and nobody has joined or left it yet.
    pub(crate) joinable: Mutex<Option<libc::pthread_t>>,
    /// Holds it back, if `CreateThread` made it.
    pub(crate) gate: OnceLock<Arc<Gate>>,
    pub(crate) handles: AtomicU32,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) ended: bool,
    pub(crate) exit_code: u32,
    pub(crate) waiters: Waiters,
    /// Completion routines to be called in its next alertable wait.
    pub(crate) routines: VecDeque<Completion>,
    /// The slots on which it has begun reads that are pending, one entry for each read.
    pub(crate) pending_on: Vec<Arc<Slot>>,
    /// The mutexes that it owns.
    pub(crate) owns: Vec<Arc<Event>>,
}

/// A call of a completion routine.
pub(crate) struct Completion {
    pub(crate) routine: Routine,
    pub(crate) code: u32,
    pub(crate) bytes: u32,
    pub(crate) overlapped: *mut Overlapped,
}

// SAFETY: the pointer is only handed on, to the routine, in the thread that gave both.
unsafe impl Send for Completion {}

/// All threads that have called this library and still run.
static THREADS: Mutex<Vec<Weak<Thread>>> = Mutex::new(Vec::new());

/// All threads, held still. A handler that writes may have to look through them.
pub(crate) struct LockedThreads {
    // Given back before handlers may run.
    threads: MutexGuard<'static, Vec<Weak<Thread>>>,
    _undisturbed: Undisturbed,
}

pub(crate) fn lock_threads() -> LockedThreads {
    let undisturbed = Undisturbed::begin();
    LockedThreads { threads: lock(&THREADS), _undisturbed: undisturbed }
}

impl Deref for LockedThreads {
    type Target = Vec<Weak<Thread>>;

    fn deref(&self) -> &Self::Target {
        &self.threads
    }
}

impl DerefMut for LockedThreads {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.threads
    }
}

impl LockedThreads {
    /// In a forked child, the other threads are gone.
    pub(crate) fn keep_only_current(&mut self) {
        let current = CURRENT.try_with(|current| current.get().map(|c| Arc::downgrade(&c.0)));
        self.threads.clear();
        self.threads.extend(current.ok().flatten());
    }
}

/// The calling thread. Its end is the thread's.
struct Current(Arc<Thread>);

// The same in short is `short::get()`, null while there is none.
thread_local! {
    static CURRENT: OnceCell<Current> = const { OnceCell::new() };
}

/// Whether a thread has a use of the entry with this address.
pub(crate) fn anybody_uses(entry: usize) -> bool {
    let uses = |thread: Arc<Thread>| thread.using.load(Ordering::Acquire) == entry;
    // Who isn't in the list doesn't come here by the short way.
    lock_threads().iter().filter_map(Weak::upgrade).any(uses)
}

/// The thread with this id, if it still runs.
pub(crate) fn by_id(id: u32) -> Option<Arc<Thread>> {
    lock_threads().iter().filter_map(Weak::upgrade).find(|thread| thread.id == id)
}

impl Drop for Current {
    fn drop(&mut self) {
        // For good, as what follows this may be a place to end the thread too, and it ends anyway.
        std::mem::forget(Whole::begin());
        let _undisturbed = Undisturbed::begin();
        let thread = &self.0;
        short::set(std::ptr::null());
        lock_threads().retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(thread)));
        let dispatch = dispatch();
        let slots = std::mem::take(&mut thread.state.get(&dispatch).pending_on);
        for slot in slots {
            // Their memory may be on the stack that goes away.
            slot.cancel_pending(&dispatch, |read| Arc::ptr_eq(&read.thread, thread));
        }
        for mutex in std::mem::take(&mut thread.state.get(&dispatch).owns) {
            mutex.abandon(&dispatch);
        }
        let mut state = thread.state.get(&dispatch);
        state.routines.clear();
        state.ended = true;
        state.waiters.wake(&dispatch);
    }
}

impl Thread {
    pub(crate) fn new() -> Arc<Thread> {
        static LAST_ID: AtomicU32 = AtomicU32::new(0);
        Arc::new(Thread {
            id: LAST_ID.fetch_add(4, Ordering::Relaxed).wrapping_add(4),
            waker: Waker::new(),
            using: AtomicUsize::new(0),
            writing: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            state: Guarded::new(State::default()),
            joinable: Mutex::new(None),
            gate: OnceLock::new(),
            handles: AtomicU32::new(0),
        })
    }

    /// Makes this the calling thread's.
    pub(crate) fn adopt(self: Arc<Thread>) {
        let _undisturbed = Undisturbed::begin();
        let _ = CURRENT.try_with(|current| current.set(Current(self.enlist())).is_ok());
    }

    /// Looks at the calling thread's.
    #[inline]
    pub(crate) fn with_current<T>(look: impl FnOnce(&Arc<Thread>) -> T) -> T {
        if short::get().is_null() {
            Thread::introduce();
        }
        let mut look = Some(look);
        let looked = CURRENT.try_with(|current| {
            let current = current.get()?;
            Some(look.take()?(&current.0))
        });
        match (looked, look) {
            (Ok(Some(answer)), _) => answer,
            // The thread is ending and its own is gone: one for this call only.
            (_, Some(look)) => look(&Thread::new()),
            (_, None) => unreachable!("it was called, so there is an answer"),
        }
    }

    /// The thread's first call. A handler that interrupted it in the middle would introduce the
    /// thread too.
    #[cold]
    fn introduce() {
        let _undisturbed = Undisturbed::begin();
        let _ = CURRENT.try_with(|current| {
            current.get_or_init(|| Current(Thread::new().enlist()));
        });
    }

    fn enlist(self: Arc<Thread>) -> Arc<Thread> {
        lock_threads().push(Arc::downgrade(&self));
        short::set(Arc::as_ptr(&self));
        self
    }

    /// Looks at the calling thread's, if that can be had at no cost.
    #[inline]
    pub(crate) fn with_short<T>(look: impl FnOnce(&Thread) -> T) -> Option<T> {
        // SAFETY: null, or set by `enlist` to what `CURRENT` owns, whose end sets it to null
        // before; so it is there as long as this thread runs the closure.
        unsafe { short::get().as_ref() }.map(look)
    }

    /// Says that the thread uses an entry of the handle table. False if it can't: it uses one
    /// already, or there is a lack of memory.
    #[inline]
    pub(crate) fn begin_use(&self, entry: usize) -> bool {
        if self.using.load(Ordering::Relaxed) != 0 {
            return false;
        }
        self.using.store(entry, Ordering::Relaxed);
        if !barrier::light() {
            self.end_use();
            return false;
        }
        true
    }

    #[inline]
    pub(crate) fn end_use(&self) {
        self.using.store(0, Ordering::Release);
    }

    /// What the thread uses now.
    pub(crate) fn uses(&self) -> usize {
        self.using.load(Ordering::Acquire)
    }

    pub(crate) fn current() -> Arc<Thread> {
        Thread::with_current(Arc::clone)
    }

    /// Notes that the thread reads a slot now. It can't twice: a signal handler that interrupted a
    /// read would spoil it.
    #[inline]
    pub(crate) fn begin_reading(&self, slot: &Slot) -> Result<(), Code> {
        if self.is_reading() {
            return Err(Code::GEN_FAILURE);
        }
        self.cancelled.store(false, Ordering::Relaxed);
        self.reading.store(slot.identity(), Ordering::Release);
        Ok(())
    }

    /// Whether the thread, which is the calling one, reads a slot.
    #[inline]
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::Relaxed) != 0
    }

    #[inline]
    pub(crate) fn end_reading(&self) {
        self.reading.store(0, Ordering::Release);
    }

    /// Whether somebody wants the read to end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Ends the reads of a slot in which threads are now, without an `OVERLAPPED`, as far as
    /// `which` picks the threads. Returns how many, once they have noticed.
    pub(crate) fn cancel_reads(slot: &Slot, which: impl Fn(&Thread) -> bool) -> usize {
        let reads =
            |thread: &Arc<Thread>| thread.reading.load(Ordering::Acquire) == slot.identity();
        let targets: Vec<_> = {
            let threads = lock_threads();
            let running = threads.iter().filter_map(Weak::upgrade);
            running.filter(|thread| reads(thread) && which(thread)).collect()
        };
        for thread in &targets {
            thread.cancelled.store(true, Ordering::Release);
        }
        patiently(|| {
            let late = targets.iter().filter(|thread| reads(thread) && thread.is_cancelled());
            let late: Vec<_> = late.collect();
            if !late.is_empty() {
                // One that was just about to wait has missed it: hence more than once.
                if let Ok(mailslot) = slot.mailslot.get() {
                    mailslot.cancel();
                }
                let dispatch = dispatch();
                late.iter().for_each(|thread| thread.waker.wake(&dispatch));
            }
            late.is_empty()
        });
        targets.len()
    }

    /// Whether the thread reads this slot.
    pub(crate) fn reads(&self, slot: &Slot) -> bool {
        self.reading.load(Ordering::Acquire) == slot.identity()
    }

    /// Once the thread has ended, waits for the last of it. On Windows too, a thread that can be
    /// waited for has given back its stack.
    pub(crate) fn join(&self) {
        if let Some(thread) = lock(&self.joinable).take() {
            // SAFETY: `CreateThread` stored it after a successful pthread_create, joinable, and
            // `take` makes this the only use.
            unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
        }
    }

    /// The last handle was closed.
    pub(crate) fn detach(&self) {
        if let Some(thread) = lock(&self.joinable).take() {
            // SAFETY: as in `join`.
            unsafe { libc::pthread_detach(thread) };
        }
    }

    pub(crate) fn has_ended(&self, dispatch: &Dispatch) -> bool {
        self.state.get(dispatch).ended
    }
}
