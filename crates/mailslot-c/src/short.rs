//! The way from the calling thread to its [`Thread`] that costs nothing.
//!
//! In a shared library, Rust reaches thread-local memory by a call of `__tls_get_addr` on x86-64,
//! which takes half of what `ReadFile` may add to a read. This one pointer is therefore kept in
//! memory that the loader places at a fixed distance from each thread's own (the "initial exec"
//! model), as the C library keeps `errno`. With other C libraries that can't be loaded at run time,
//! and other processors have cheaper calls: there it is an ordinary thread-local.

use crate::thread::Thread;

/// The calling thread's pointer: null, or what it [`set`] last.
#[inline(always)]
pub(crate) fn get() -> *const Thread {
    place::get()
}

/// Sets the calling thread's pointer.
pub(crate) fn set(thread: *const Thread) {
    place::set(thread);
}

#[cfg(all(target_arch = "x86_64", target_env = "gnu", target_pointer_width = "64"))]
mod place {
    use super::Thread;
    use std::arch::{asm, global_asm};

    global_asm!(
        ".pushsection .tbss.mailslot_short_thread, \"awT\", @nobits",
        ".globl mailslot_short_thread",
        ".hidden mailslot_short_thread",
        ".type mailslot_short_thread, @object",
        ".size mailslot_short_thread, 8",
        ".p2align 3",
        "mailslot_short_thread:",
        ".zero 8",
        ".popsection",
    );

    #[inline(always)]
    pub(super) fn get() -> *const Thread {
        let thread;
        // SAFETY: the first load gives the offset of the variable above from the thread's base,
        // which the linker or the loader has put there, and the second what lies there: 8 bytes,
        // aligned, zero or what `set` wrote. Nothing else of the machine changes.
        unsafe {
            asm!(
                "mov {it}, qword ptr [rip + mailslot_short_thread@GOTTPOFF]",
                "mov {it}, qword ptr fs:[{it}]",
                it = out(reg) thread,
                options(nostack, preserves_flags, readonly),
            );
        }
        thread
    }

    pub(super) fn set(thread: *const Thread) {
        // SAFETY: as in `get`; the 8 bytes are this module's, and no other thread's.
        unsafe {
            asm!(
                "mov {at}, qword ptr [rip + mailslot_short_thread@GOTTPOFF]",
                "mov qword ptr fs:[{at}], {thread}",
                at = out(reg) _,
                thread = in(reg) thread,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_env = "gnu", target_pointer_width = "64")))]
mod place {
    use super::Thread;
    use std::cell::Cell;

    thread_local! {
        static SHORT: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
    }

    #[inline(always)]
    pub(super) fn get() -> *const Thread {
        SHORT.get()
    }

    pub(super) fn set(thread: *const Thread) {
        SHORT.set(thread);
    }
}
