//! What a fork would break: locks that another thread holds, and wakers that parent and child
//! would share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{MutexGuard, Once, RwLockWriteGuard};

use crate::dispatch::{Dispatch, dispatch};
use crate::{barrier, control, event, inherit, memory, table, thread};

static GENERATION: AtomicU64 = AtomicU64::new(1);

/// Changes in a forked child.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// All locks that outlive a call, in the order in which they are taken everywhere.
struct Held {
    _given: MutexGuard<'static, memory::Given>,
    _foreigners: RwLockWriteGuard<'static, inherit::Foreigners>,
    _named: MutexGuard<'static, event::Named>,
    _dispatch: Dispatch,
    threads: thread::LockedThreads,
    _vacancies: MutexGuard<'static, table::Vacancies>,
}

thread_local! {
    static HELD: std::cell::RefCell<Option<Held>> = const { std::cell::RefCell::new(None) };
}

/// Everything is in order while the process forks.
extern "C" fn before() {
    let held = Held {
        _given: memory::lock_given(),
        _foreigners: inherit::lock_foreigners(),
        _named: event::lock_named(),
        _dispatch: dispatch(),
        threads: thread::lock_threads(),
        _vacancies: table::lock_vacancies(),
    };
    let _ = HELD.try_with(|place| place.replace(Some(held)));
}

extern "C" fn after_in_parent() {
    let _ = HELD.try_with(|place| place.take());
}

extern "C" fn after_in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    barrier::prepare();
    control::forget();
    let _ = HELD.try_with(|place| {
        if let Some(mut held) = place.take() {
            // The other threads stayed behind.
            held.threads.keep_only_current();
        }
    });
}

/// Called before the first object is made.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        barrier::prepare();
        // SAFETY: the three are functions of this library, which stays loaded (`-z nodelete`), and
        // take no arguments. A failure (no memory) leaves forked children with the usual risk.
        unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) };
        // SAFETY: as above; glibc runs it once, at exit.
        unsafe { libc::atexit(at_exit) };
    });
}

/// Lets go of the slots, so that their names are free and nothing is left to be cleared away.
extern "C" fn at_exit() {
    let _ = std::panic::catch_unwind(crate::object::close_idle_slots);
}
