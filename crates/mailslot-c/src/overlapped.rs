//! The results of reads that were pending, and their cancelling.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::border::call;
use crate::code::{Code, PENDING};
use crate::dispatch::dispatch;
use crate::object::{self, Object};
use crate::slot::{Slot, outcome};
use crate::thread::Thread;
use crate::types::{Bool, CURRENT_THREAD, FALSE, Handle, Overlapped, TRUE};
use crate::wait::{self, Ended};
use crate::waits::{self, IO_COMPLETION, TIMED_OUT};
use crate::{reserve, table, time};

/// # Safety
///
/// `overlapped` is null or points to an `OVERLAPPED`, `bytes` is null or points to a `DWORD`.
unsafe fn result(
    file: Handle,
    overlapped: *mut Overlapped,
    bytes: *mut u32,
    timeout: u32,
    alertable: bool,
) -> Result<Ended<()>, Code> {
    reserve::check()?;
    let slot = match &*table::get(file)? {
        Object::Slot(slot) => Some(slot.clone()),
        Object::Client(_) => None,
        _ => return Err(Code::INVALID_HANDLE),
    };
    // SAFETY: the caller's promise; the fields looked at are atomic.
    let state = unsafe { overlapped.as_ref() }.ok_or(Code::INVALID_PARAMETER)?;
    if let Some(slot) = slot.filter(|_| state.internal.load(Ordering::Acquire) == PENDING) {
        match wait::for_read(&slot, overlapped, wait::timeout(timeout), alertable, None)? {
            Ended::TimedOut if timeout == 0 => return Err(Code::IO_INCOMPLETE),
            Ended::Met(()) => {}
            other => return Ok(other),
        }
    }
    let size = outcome(state);
    let moved = state.internal_high.load(Ordering::Relaxed);
    if !bytes.is_null() && !matches!(size, Err(Code::IO_INCOMPLETE)) {
        // SAFETY: not null, so the caller gives a DWORD there.
        unsafe { bytes.write(u32::try_from(moved).unwrap_or(u32::MAX)) };
    }
    size.map(|_| Ended::Met(()))
}

#[unsafe(export_name = "mailslot_GetOverlappedResult")]
unsafe extern "C" fn get_overlapped_result(
    file: Handle,
    overlapped: *mut Overlapped,
    bytes: *mut u32,
    wait: Bool,
) -> Bool {
    call(FALSE, || {
        let timeout = if wait != 0 { u32::MAX } else { 0 };
        // SAFETY: the caller gives both or null.
        unsafe { result(file, overlapped, bytes, timeout, false) }.map(|_| TRUE)
    })
}

#[unsafe(export_name = "mailslot_GetOverlappedResultEx")]
unsafe extern "C-unwind" fn get_overlapped_result_ex(
    file: Handle,
    overlapped: *mut Overlapped,
    bytes: *mut u32,
    milliseconds: u32,
    alertable: Bool,
) -> Bool {
    let answer = call(FALSE, || {
        // SAFETY: the caller gives both or null.
        match unsafe { result(file, overlapped, bytes, milliseconds, alertable != 0) }? {
            Ended::Met(()) => Ok(TRUE),
            Ended::TimedOut => Err(Code(TIMED_OUT)),
            Ended::Routines => Ok(IO_COMPLETION as Bool),
        }
    });
    if answer != IO_COMPLETION as Bool {
        return answer;
    }
    waits::call_routines();
    call(FALSE, || Err(Code(IO_COMPLETION)))
}

/// What `HasOverlappedIoCompleted` is here: the macro of Windows would look at memory that nobody
/// in the background writes to.
#[unsafe(export_name = "mailslot_HasOverlappedIoCompleted")]
unsafe extern "C" fn has_completed(overlapped: *const Overlapped) -> Bool {
    call(FALSE, || {
        // SAFETY: null or an `OVERLAPPED`; the field is atomic.
        let state = unsafe { overlapped.as_ref() }.ok_or(Code::INVALID_PARAMETER)?;
        if state.internal.load(Ordering::Acquire) == PENDING {
            let dispatch = dispatch();
            object::slots().filter(|slot| slot.has_pending()).for_each(|s| s.progress(&dispatch));
        }
        Ok(Bool::from(state.internal.load(Ordering::Acquire) != PENDING))
    })
}

/// The slot that a handle leads to, `None` for a client's, whose writes are never pending.
fn slot_of(file: Handle) -> Result<Option<Arc<Slot>>, Code> {
    match &*table::get(file)? {
        Object::Slot(slot) => Ok(Some(slot.clone())),
        Object::Client(_) => Ok(None),
        _ => Err(Code::INVALID_HANDLE),
    }
}

#[unsafe(export_name = "mailslot_CancelIo")]
extern "C" fn cancel_io(file: Handle) -> Bool {
    call(FALSE, || {
        if let Some(slot) = slot_of(file)? {
            Thread::with_current(|thread| {
                slot.cancel_pending(&dispatch(), |read| Arc::ptr_eq(&read.thread, thread))
            });
        }
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_CancelIoEx")]
extern "C" fn cancel_io_ex(file: Handle, overlapped: *mut Overlapped) -> Bool {
    call(FALSE, || {
        let Some(slot) = slot_of(file)? else {
            return Err(Code::NOT_FOUND);
        };
        // A record that has come in already is not lost to the cancelling.
        let dispatch = dispatch();
        slot.progress(&dispatch);
        let mut count = slot.cancel_pending(&dispatch, |read| read.is_for(overlapped));
        drop(dispatch);
        if overlapped.is_null() {
            count += Thread::cancel_reads(&slot, |_| true);
        }
        if count > 0 { Ok(TRUE) } else { Err(Code::NOT_FOUND) }
    })
}

#[unsafe(export_name = "mailslot_CancelSynchronousIo")]
extern "C" fn cancel_synchronous_io(thread: Handle) -> Bool {
    call(FALSE, || {
        if thread == CURRENT_THREAD {
            // It is here, so it is in no read.
            return Err(Code::NOT_FOUND);
        }
        let thread = match &*table::get(thread)? {
            Object::Thread(thread) => thread.clone(),
            _ => return Err(Code::INVALID_HANDLE),
        };
        let slot = object::slots().find(|slot| thread.reads(slot)).ok_or(Code::NOT_FOUND)?;
        match Thread::cancel_reads(&slot, |other| std::ptr::eq(other, &*thread)) {
            0 => Err(Code::NOT_FOUND),
            _ => Ok(TRUE),
        }
    })
}

#[unsafe(export_name = "mailslot_SleepEx")]
extern "C-unwind" fn sleep_ex(milliseconds: u32, alertable: Bool) -> u32 {
    if alertable == 0 {
        time::sleep(milliseconds);
        return 0;
    }
    let answer =
        call(0, || match wait::for_objects(&[], false, wait::timeout(milliseconds), true)? {
            Ended::Routines => Ok(IO_COMPLETION),
            _ => Ok(0),
        });
    if answer == IO_COMPLETION {
        waits::call_routines();
    }
    answer
}
