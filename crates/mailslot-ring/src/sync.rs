//! The atomics of the ring, swapped for loom's in one place, and the one ordering that release and
//! acquire don't give: my store is visible to all before I load.
//!
//! Both wake-up protocols need it on both sides (publish, then look at the flag; raise the flag,
//! then look at what is published), or each side could miss the other's store. A sequentially
//! consistent store and load do it; loom models that order for fences only.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Publishes `value`, then lowers `flag`. True if it was raised.
#[inline]
pub(crate) fn publish_then_lower(word: &AtomicU64, value: u64, flag: &AtomicU32) -> bool {
    #[cfg(not(loom))]
    let raised = {
        word.store(value, Ordering::SeqCst);
        flag.load(Ordering::SeqCst) != 0
    };
    #[cfg(loom)]
    let raised = {
        word.store(value, Ordering::Release);
        loom::sync::atomic::fence(Ordering::SeqCst);
        flag.load(Ordering::Relaxed) != 0
    };
    if raised {
        // This may wipe out a raise that came after the load: whoever lowers also wakes the other
        // side afterwards, so that one is answered too.
        flag.store(0, Ordering::Relaxed);
    }
    raised
}

/// Raises `flag`, then loads `word`.
#[inline]
pub(crate) fn raise_then_look(flag: &AtomicU32, word: &AtomicU64) -> u64 {
    #[cfg(not(loom))]
    {
        flag.store(1, Ordering::SeqCst);
        word.load(Ordering::SeqCst)
    }
    #[cfg(loom)]
    {
        flag.store(1, Ordering::Release);
        loom::sync::atomic::fence(Ordering::SeqCst);
        word.load(Ordering::Acquire)
    }
}
