//! Telling a forked child from its parent without a system call.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags};

/// The generation of the process that this memory last belonged to.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// A word that the kernel sets to zero in a forked child. No lock guards its making: a child forked
/// at that moment would wait for it for ever.
static WORD: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());

/// A number that differs between a process and its forked children (and theirs), provided the
/// parent asked before it forked.
///
/// A handle that was made under another number belongs to an ancestor: what it keeps in private
/// memory was copied, what it shares is still in use there.
#[inline]
pub fn fork_generation() -> u64 {
    let word = WORD.load(Ordering::Acquire);
    // SAFETY: the pointer is null or came from `map_word`: the start of a page that is never
    // unmapped, on which only atomic operations happen. WIPEONFORK changes it only in a child's
    // copy.
    match unsafe { word.as_ref() }.map(|word| word.load(Ordering::Relaxed)) {
        Some(generation) if generation != 0 => generation,
        _ => next_generation(),
    }
}

#[cold]
fn next_generation() -> u64 {
    let Some(word) = map_word() else {
        return u64::from(std::process::id());
    };
    let next = GENERATION.fetch_add(1, Ordering::Relaxed) + 1;
    match word.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => next,
        Err(other) => other,
    }
}

/// The word, mapped by the first caller.
fn map_word() -> Option<&'static AtomicU64> {
    let mut word = WORD.load(Ordering::Acquire);
    if word.is_null() {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a null hint lets the kernel choose an unused range, so no memory that Rust knows
        // is replaced; the advice, given before anybody else knows the page, changes no contents.
        let page = unsafe {
            let page = rustix::mm::mmap_anonymous(ptr::null_mut(), 4096, prot, MapFlags::PRIVATE);
            let page = page.ok()?;
            rustix::mm::madvise(page, 4096, Advice::LinuxWipeOnFork).ok()?;
            page
        };
        // Of several first callers one wins; the others' pages stay behind unused.
        word = page.cast();
        let won = WORD.compare_exchange(ptr::null_mut(), word, Ordering::AcqRel, Ordering::Acquire);
        word = won.err().unwrap_or(word);
    }
    // SAFETY: mapped above or by another caller, readable, writable, aligned (a page is) and never
    // unmapped; any bits are a valid atomic.
    unsafe { word.as_ref() }
}
