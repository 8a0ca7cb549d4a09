//! `GlobalAlloc`, `LocalAlloc`, `HeapAlloc` and their relatives: all the C heap.
//!
//! A list of what was given out makes sizes known and wrong pointers harmless.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard};

use crate::border::{call, lock};
use crate::code::Code;
use crate::types::{Bool, FALSE, TRUE};

/// `GMEM_ZEROINIT`, `LMEM_ZEROINIT`.
const ZEROED: u32 = 0x40;
/// `HEAP_ZERO_MEMORY`.
const HEAP_ZEROED: u32 = 0x8;

/// Sizes by address. The addresses are kept inverted, so that tools that look for leaks don't take
/// this list for an owner.
static GIVEN: Mutex<Given> = Mutex::new(BTreeMap::new());
pub(crate) type Given = BTreeMap<usize, usize>;

/// Holds it still while the process forks.
pub(crate) fn lock_given() -> MutexGuard<'static, Given> {
    lock(&GIVEN)
}

fn key(memory: *const c_void) -> usize {
    !memory.addr()
}

pub(crate) fn allocate(size: usize, zeroed: bool) -> Result<*mut c_void, Code> {
    // C may answer null for nothing; Windows doesn't.
    let room = size.max(1);
    // SAFETY: both take any size.
    let memory = unsafe { if zeroed { libc::calloc(1, room) } else { libc::malloc(room) } };
    if memory.is_null() {
        return Err(Code::NOT_ENOUGH_MEMORY);
    }
    lock(&GIVEN).insert(key(memory), size);
    Ok(memory)
}

fn size_of(memory: *const c_void) -> Result<usize, Code> {
    lock(&GIVEN).get(&key(memory)).copied().ok_or(Code::INVALID_HANDLE)
}

fn free(memory: *mut c_void) -> Result<(), Code> {
    lock(&GIVEN).remove(&key(memory)).ok_or(Code::INVALID_HANDLE)?;
    // SAFETY: it came from `allocate` or `reallocate`, and is no longer in the list, so nobody
    // frees it again.
    unsafe { libc::free(memory) };
    Ok(())
}

fn reallocate(memory: *mut c_void, size: usize, zeroed: bool) -> Result<*mut c_void, Code> {
    let mut given = lock(&GIVEN);
    let old = given.get(&key(memory)).copied().ok_or(Code::INVALID_HANDLE)?;
    // SAFETY: it is in the list, so it came from this heap and wasn't freed.
    let moved = unsafe { libc::realloc(memory, size.max(1)) };
    if moved.is_null() {
        return Err(Code::NOT_ENOUGH_MEMORY);
    }
    given.remove(&key(memory));
    given.insert(key(moved), size);
    if zeroed && size > old {
        // SAFETY: `size` bytes are there now.
        unsafe { moved.cast::<u8>().add(old).write_bytes(0, size - old) };
    }
    Ok(moved)
}

#[unsafe(export_name = "mailslot_GlobalAlloc")]
extern "C" fn global_alloc(flags: u32, size: usize) -> *mut c_void {
    call(std::ptr::null_mut(), || allocate(size, flags & ZEROED != 0))
}

#[unsafe(export_name = "mailslot_GlobalReAlloc")]
extern "C" fn global_realloc(memory: *mut c_void, size: usize, flags: u32) -> *mut c_void {
    call(std::ptr::null_mut(), || reallocate(memory, size, flags & ZEROED != 0))
}

/// Null if it worked, the pointer if not.
#[unsafe(export_name = "mailslot_GlobalFree")]
extern "C" fn global_free(memory: *mut c_void) -> *mut c_void {
    call(memory, || {
        if !memory.is_null() {
            free(memory)?;
        }
        Ok(std::ptr::null_mut())
    })
}

#[unsafe(export_name = "mailslot_GlobalSize")]
extern "C" fn global_size(memory: *const c_void) -> usize {
    call(0, || size_of(memory))
}

#[unsafe(export_name = "mailslot_GlobalLock")]
extern "C" fn global_lock(memory: *mut c_void) -> *mut c_void {
    call(std::ptr::null_mut(), || size_of(memory).map(|_| memory))
}

#[unsafe(export_name = "mailslot_GlobalUnlock")]
extern "C" fn global_unlock(memory: *mut c_void) -> Bool {
    call(FALSE, || size_of(memory).map(|_| TRUE))
}

#[unsafe(export_name = "mailslot_HeapAlloc")]
extern "C" fn heap_alloc(_heap: usize, flags: u32, size: usize) -> *mut c_void {
    call(std::ptr::null_mut(), || allocate(size, flags & HEAP_ZEROED != 0))
}

#[unsafe(export_name = "mailslot_HeapReAlloc")]
extern "C" fn heap_realloc(
    _heap: usize,
    flags: u32,
    memory: *mut c_void,
    size: usize,
) -> *mut c_void {
    call(std::ptr::null_mut(), || reallocate(memory, size, flags & HEAP_ZEROED != 0))
}

#[unsafe(export_name = "mailslot_HeapFree")]
extern "C" fn heap_free(_heap: usize, _flags: u32, memory: *mut c_void) -> Bool {
    call(FALSE, || {
        if !memory.is_null() {
            free(memory)?;
        }
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_HeapSize")]
extern "C" fn heap_size(_heap: usize, _flags: u32, memory: *const c_void) -> usize {
    call(usize::MAX, || size_of(memory))
}

/// There is one heap.
#[unsafe(export_name = "mailslot_GetProcessHeap")]
extern "C" fn get_process_heap() -> usize {
    4
}
