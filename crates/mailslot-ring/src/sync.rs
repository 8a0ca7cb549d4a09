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

/// What stands in a flag by which one side asks the other to wake it.
pub(crate) mod flag {
    /// Nothing is wanted.
    pub(crate) const LOWERED: u32 = 0;
    /// It sleeps, or is about to.
    pub(crate) const RAISED: u32 = 1;
    /// It is awake, and before it sleeps it will raise the flag and then fence for both sides: the
    /// other need not.
    pub(crate) const FENCING: u32 = 2;
}

/// Publishes `value` and gives what stands in `flag` afterwards.
#[inline]
pub(crate) fn publish_then_look(word: &AtomicU64, value: u64, flag: &AtomicU32) -> u32 {
    #[cfg(not(loom))]
    {
        word.store(value, Ordering::SeqCst);
        flag.load(Ordering::SeqCst)
    }
    #[cfg(loom)]
    {
        word.store(value, Ordering::Release);
        loom::sync::atomic::fence(Ordering::SeqCst);
        flag.load(Ordering::Relaxed)
    }
}

/// Publishes `value` and gives what stands in `other` afterwards. If both sides do this with each
/// other's word, at least one sees what the other has published.
#[inline]
pub(crate) fn publish_then_read(word: &AtomicU64, value: u64, other: &AtomicU64) -> u64 {
    #[cfg(not(loom))]
    {
        word.store(value, Ordering::SeqCst);
        other.load(Ordering::SeqCst)
    }
    #[cfg(loom)]
    {
        word.store(value, Ordering::Release);
        loom::sync::atomic::fence(Ordering::SeqCst);
        other.load(Ordering::Acquire)
    }
}

/// [`publish_then_look`] where the other side fences for both before it relies on what it sees.
///
/// That fence (see `membarrier` in `region.rs`) acts as if it stood here, between store and load, at
/// the moment when the other side calls for it. So loom gets it here.
#[inline]
pub(crate) fn publish_then_look_unfenced(word: &AtomicU64, value: u64, flag: &AtomicU32) -> u32 {
    word.store(value, Ordering::Release);
    #[cfg(not(loom))]
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
    flag.load(Ordering::Relaxed)
}

/// Lowers a flag that was seen raised. Whoever lowers also wakes the other side afterwards.
#[inline]
pub(crate) fn lower(flag: &AtomicU32) {
    // Not if it says something else by now. A raise that came after the look may be wiped out: that
    // one is answered, too.
    let (from, to) = (flag::RAISED, flag::LOWERED);
    let _ = flag.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
}

/// Publishes `value`, then lowers `flag`. True if it was raised.
#[inline]
pub(crate) fn publish_then_lower(word: &AtomicU64, value: u64, flag: &AtomicU32) -> bool {
    let raised = publish_then_look(word, value, flag) == flag::RAISED;
    if raised {
        lower(flag);
    }
    raised
}

/// Raises `flag`, then loads `word`.
#[inline]
pub(crate) fn raise_then_look(flag: &AtomicU32, word: &AtomicU64) -> u64 {
    #[cfg(not(loom))]
    {
        flag.store(flag::RAISED, Ordering::SeqCst);
        word.load(Ordering::SeqCst)
    }
    #[cfg(loom)]
    {
        flag.store(flag::RAISED, Ordering::Release);
        loom::sync::atomic::fence(Ordering::SeqCst);
        word.load(Ordering::Acquire)
    }
}
