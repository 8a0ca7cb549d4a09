//! Memory for hard times: a call that finds none is an error, not the program's end.
//!
//! Rust's collections end the process where there is no memory. So this library keeps a block in
//! reserve. An allocation that fails gives it back to the C heap and tries again, so that the call
//! under way succeeds; calls that need memory then fail with [`Code::NOT_ENOUGH_MEMORY`] until the
//! block can be had again. (Other threads of the program may be quicker to take what was given
//! back. Then there is no help.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::barrier;
use crate::code::Code;

#[global_allocator]
static HEAP: Heap = Heap;

static RESERVE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// More than any one call needs. It is never written to, so it costs address space only.
const BLOCK: Layout = match Layout::from_size_align(512 * 1024, 16) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};

/// The C heap, and the reserve behind it.
struct Heap;

// SAFETY: every answer is the C heap's, asked for the same layout.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the trait, here and below.
        insist(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        insist(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above. A realloc that fails leaves the memory as it was.
        insist(|| unsafe { System.realloc(memory, layout, size) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[inline]
fn insist(allocate: impl Fn() -> *mut u8) -> *mut u8 {
    let memory = allocate();
    if !memory.is_null() || !give_back() {
        return memory;
    }
    allocate()
}

/// False if there was nothing to give back.
#[cold]
fn give_back() -> bool {
    let block = RESERVE.swap(ptr::null_mut(), Ordering::AcqRel);
    if block.is_null() {
        return false;
    }
    barrier::set_short_of_memory(true);
    // SAFETY: `check` got it with this layout; the swap makes this the only end of it.
    unsafe { System.dealloc(block, BLOCK) };
    true
}

/// Called before anything that needs memory.
#[inline]
pub(crate) fn check() -> Result<(), Code> {
    if RESERVE.load(Ordering::Relaxed).is_null() { refill() } else { Ok(()) }
}

#[cold]
fn refill() -> Result<(), Code> {
    // SAFETY: the layout has a size.
    let block = unsafe { System.alloc(BLOCK) };
    if block.is_null() {
        return Err(Code::NOT_ENOUGH_MEMORY);
    }
    barrier::set_short_of_memory(false);
    let none = ptr::null_mut();
    if RESERVE.compare_exchange(none, block, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        // SAFETY: allocated above, and nobody else knows it.
        unsafe { System.dealloc(block, BLOCK) };
    }
    Ok(())
}
