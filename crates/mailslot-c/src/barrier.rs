//! A fence that is free on the side that passes it with every call.
//!
//! Two threads each write one thing and then look at the other's: a caller says which handle it
//! uses and looks whether that is open; whoever closes it says so and looks whether it is used. One
//! of them must see the other. That takes a full fence on both sides, or, as here, a fence for the
//! compiler on the one and membarrier(2) on the other, which makes all threads of the process pass
//! a full fence before it returns.

use std::sync::atomic::{AtomicU8, Ordering, compiler_fence, fence};
use std::time::Duration;

use rustix::thread::{MembarrierCommand, membarrier};

/// What those that pass often must know, in one byte.
static STATE: AtomicU8 = AtomicU8::new(0);
/// The kernel has membarrier. It never changes back.
const ASYMMETRIC: u8 = 1;
/// Calls must look for memory first; see [`reserve`](crate::reserve).
const SHORT_OF_MEMORY: u8 = 2;

/// Called before the first handle is made, and in a forked child.
pub(crate) fn prepare() {
    if membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok() {
        STATE.fetch_or(ASYMMETRIC, Ordering::SeqCst);
    }
}

pub(crate) fn set_short_of_memory(yes: bool) {
    if yes {
        STATE.fetch_or(SHORT_OF_MEMORY, Ordering::SeqCst);
    } else {
        STATE.fetch_and(!SHORT_OF_MEMORY, Ordering::SeqCst);
    }
}

/// Between a write and a look, on the side that does it often. False: there is a lack of memory, so
/// take the long way.
#[inline(always)]
pub(crate) fn light() -> bool {
    match STATE.load(Ordering::Relaxed) {
        ASYMMETRIC => {
            compiler_fence(Ordering::SeqCst);
            true
        }
        state => {
            fence(Ordering::SeqCst);
            state & SHORT_OF_MEMORY == 0
        }
    }
}

/// Between a write and a look, on the side that does it seldom.
pub(crate) fn heavy() {
    fence(Ordering::SeqCst);
    if STATE.load(Ordering::Relaxed) & ASYMMETRIC != 0 {
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
