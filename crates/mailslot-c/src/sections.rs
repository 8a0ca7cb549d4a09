//! `CRITICAL_SECTION`: a lock that its owner can take again.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use rustix::thread::futex;

use crate::border::call;
use crate::thread::Thread;
use crate::types::{Bool, FALSE, TRUE};

/// `CRITICAL_SECTION`. Zeros are a free one.
#[repr(C)]
struct Section {
    debug: usize,
    /// One of the states below.
    state: AtomicU32,
    /// How often the owner has entered.
    depth: AtomicU32,
    /// The owner's id, 0 for none.
    owner: AtomicUsize,
    semaphore: usize,
    spins: usize,
}

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and somebody waits.
const CONTENDED: u32 = 2;

fn me() -> usize {
    Thread::with_current(|thread| thread.id as usize)
}

impl Section {
    fn try_enter(&self) -> bool {
        let me = me();
        // Only this thread writes its own id here.
        if self.owner.load(Ordering::Relaxed) == me {
            self.depth.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let taken = self.state.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_ok() {
            self.own(me);
        }
        taken.is_ok()
    }

    fn enter(&self) {
        if self.try_enter() {
            return;
        }
        while self.state.swap(CONTENDED, Ordering::Acquire) != FREE {
            let _ = futex::wait(&self.state, futex::Flags::PRIVATE, CONTENDED, None);
        }
        self.own(me());
    }

    fn own(&self, me: usize) {
        self.owner.store(me, Ordering::Relaxed);
        self.depth.store(1, Ordering::Relaxed);
    }

    fn leave(&self) {
        if self.owner.load(Ordering::Relaxed) != me() {
            return;
        }
        if self.depth.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        self.owner.store(0, Ordering::Relaxed);
        if self.state.swap(FREE, Ordering::Release) == CONTENDED {
            let _ = futex::wake(&self.state, futex::Flags::PRIVATE, 1);
        }
    }
}

/// # Safety
///
/// `section` is null or points to a `CRITICAL_SECTION`.
unsafe fn with(section: *const Section, act: impl FnOnce(&Section)) {
    // SAFETY: the caller's promise; all that changes in it is atomic.
    if let Some(section) = unsafe { section.as_ref() } {
        call((), || {
            act(section);
            Ok(())
        });
    }
}

#[unsafe(export_name = "mailslot_InitializeCriticalSection")]
unsafe extern "C" fn initialize(section: *mut Section) {
    if !section.is_null() {
        // SAFETY: not null, so the caller gives room for one there; zeros are a free one.
        unsafe { section.write_bytes(0, 1) };
    }
}

#[unsafe(export_name = "mailslot_InitializeCriticalSectionAndSpinCount")]
unsafe extern "C" fn initialize_with_spins(section: *mut Section, _spins: u32) -> Bool {
    // SAFETY: the caller's promise.
    unsafe { initialize(section) };
    if section.is_null() { FALSE } else { TRUE }
}

#[unsafe(export_name = "mailslot_EnterCriticalSection")]
unsafe extern "C" fn enter(section: *mut Section) {
    // SAFETY: the caller gives an initialised one, or null.
    unsafe { with(section, Section::enter) };
}

#[unsafe(export_name = "mailslot_TryEnterCriticalSection")]
unsafe extern "C" fn try_enter(section: *mut Section) -> Bool {
    let mut entered = false;
    // SAFETY: the caller gives an initialised one, or null.
    unsafe { with(section, |section| entered = section.try_enter()) };
    entered.into()
}

#[unsafe(export_name = "mailslot_LeaveCriticalSection")]
unsafe extern "C" fn leave(section: *mut Section) {
    // SAFETY: the caller gives an initialised one, or null.
    unsafe { with(section, Section::leave) };
}

#[unsafe(export_name = "mailslot_DeleteCriticalSection")]
extern "C" fn delete(_section: *mut Section) {}
