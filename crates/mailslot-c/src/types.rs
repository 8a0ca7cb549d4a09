//! The C types of `mailslot.h`, and its constants that more than one module needs.

use std::ffi::c_void;
use std::sync::atomic::AtomicUsize;

/// A `HANDLE`. It is a pointer in C and never one here: any integer may come in.
pub(crate) type Handle = usize;

/// A `BOOL`.
pub(crate) type Bool = i32;

/// `INVALID_HANDLE_VALUE`, which is also what `GetCurrentProcess` answers.
pub(crate) const INVALID_HANDLE: Handle = usize::MAX;
/// What `GetCurrentThread` answers.
pub(crate) const CURRENT_THREAD: Handle = usize::MAX - 1;
pub(crate) const NO_HANDLE: Handle = 0;

pub(crate) const TRUE: Bool = 1;
pub(crate) const FALSE: Bool = 0;

/// `MAILSLOT_NO_MESSAGE`.
pub(crate) const NO_MESSAGE: u32 = u32::MAX;
/// `MAILSLOT_WAIT_FOREVER` and `INFINITE`.
pub(crate) const FOR_EVER: u32 = u32::MAX;

/// `OVERLAPPED`. `internal` is the status, `internal_high` the number of bytes. Another thread may
/// look at both while a read completes.
#[repr(C)]
pub(crate) struct Overlapped {
    pub(crate) internal: AtomicUsize,
    pub(crate) internal_high: AtomicUsize,
    pub(crate) offset: u64,
    pub(crate) event: Handle,
}

impl Overlapped {
    pub(crate) const fn new() -> Self {
        Self {
            internal: AtomicUsize::new(0),
            internal_high: AtomicUsize::new(0),
            offset: 0,
            event: NO_HANDLE,
        }
    }
}

/// `SECURITY_ATTRIBUTES`.
#[repr(C)]
pub(crate) struct SecurityAttributes {
    pub(crate) length: u32,
    pub(crate) descriptor: *const SecurityDescriptor,
    pub(crate) inherit: Bool,
}

/// `SECURITY_DESCRIPTOR`.
#[repr(C)]
pub(crate) struct SecurityDescriptor {
    pub(crate) revision: u8,
    pub(crate) reserved: u8,
    pub(crate) control: u16,
    pub(crate) owner: *const c_void,
    pub(crate) group: *const c_void,
    pub(crate) sacl: *const c_void,
    pub(crate) dacl: *const c_void,
}

/// `FILETIME`: units of 100 ns since 1601.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FileTime {
    pub(crate) low: u32,
    pub(crate) high: u32,
}

/// `LPOVERLAPPED_COMPLETION_ROUTINE`.
pub(crate) type Routine = unsafe extern "C-unwind" fn(u32, u32, *mut Overlapped);

/// `LPTHREAD_START_ROUTINE`.
pub(crate) type ThreadStart = unsafe extern "C-unwind" fn(*mut c_void) -> u32;
