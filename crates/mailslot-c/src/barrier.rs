//! A fence that is free on the side that passes it with every call.
//!
//! Two threads each write one thing and then look at the other's: a caller says which handle it
//! uses and looks whether that is open; whoever closes it says so and looks whether it is used. One
//! of them must see the other. That takes a full fence on both sides, or, as here, a fence for the
//! compiler on the one and membarrier(2) on the other, which makes all threads of the process pass
//! a full fence before it returns.

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};
use std::time::Duration;

use rustix::thread::{MembarrierCommand, membarrier};

/// The kernel has membarrier. It never changes back.
static ASYMMETRIC: AtomicBool = AtomicBool::new(false);

/// Called before the first handle is made, and in a forked child.
pub(crate) fn prepare() {
    if membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok() {
        ASYMMETRIC.store(true, Ordering::SeqCst);
    }
}

/// Between a write and a look, on the side that does it often.
#[inline(always)]
pub(crate) fn light() {
    if ASYMMETRIC.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// Between a write and a look, on the side that does it seldom.
pub(crate) fn heavy() {
    fence(Ordering::SeqCst);
    if ASYMMETRIC.load(Ordering::Relaxed) {
        let mut attempts = 0;
        while membarrier(MembarrierCommand::PrivateExpedited).is_err() && attempts < 5 {
            // It can't fail once registered. If it did: processors don't keep a write to
            // themselves for so long.
            prepare();
            std::thread::sleep(Duration::from_millis(10));
            attempts += 1;
        }
        fence(Ordering::SeqCst);
    }
}
