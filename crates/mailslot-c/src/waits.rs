//! `WaitForSingleObject`, `WaitForMultipleObjects`, and the calling of completion routines.

use crate::border::call;
use crate::code::Code;
use crate::dispatch::dispatch;
use crate::object::Object;
use crate::thread::Thread;
use crate::types::{Bool, CURRENT_THREAD, Handle};
use crate::wait::{self, Ended};
use crate::{reserve, table};

/// `WAIT_TIMEOUT`.
pub(crate) const TIMED_OUT: u32 = 258;
/// `WAIT_IO_COMPLETION`.
pub(crate) const IO_COMPLETION: u32 = 0xC0;
const WAIT_FAILED: u32 = u32::MAX;
const MAXIMUM_WAIT_OBJECTS: usize = 64;

fn object(handle: Handle) -> Result<Object, Code> {
    if handle == CURRENT_THREAD {
        return Ok(Object::Thread(Thread::current()));
    }
    Ok((*table::get(handle)?).clone())
}

fn wait_for(handles: &[Handle], all: bool, milliseconds: u32, alertable: bool) -> u32 {
    call(WAIT_FAILED, || {
        reserve::check()?;
        let objects: Result<Vec<Object>, Code> = handles.iter().copied().map(object).collect();
        let timeout = wait::timeout(milliseconds);
        match wait::for_objects(&objects?, all, timeout, alertable)? {
            Ended::Met(index) => Ok(u32::try_from(index).unwrap_or(WAIT_FAILED)),
            Ended::TimedOut => Ok(TIMED_OUT),
            Ended::Routines => Ok(IO_COMPLETION),
        }
    })
}

/// Calls the routines that are due in this thread. Nothing is locked and no object of ours is held
/// meanwhile: a routine may do anything, even end the thread.
pub(crate) fn call_routines() {
    loop {
        let next = call(None, || {
            Ok(Thread::with_current(|thread| thread.state.get(&dispatch()).routines.pop_front()))
        });
        let Some(due) = next else {
            return;
        };
        // SAFETY: the program gave the routine together with the `OVERLAPPED`, for this call with
        // these arguments in this thread.
        unsafe { (due.routine)(due.code, due.bytes, due.overlapped) };
    }
}

#[unsafe(export_name = "mailslot_WaitForSingleObject")]
extern "C" fn wait_for_single_object(handle: Handle, milliseconds: u32) -> u32 {
    wait_for(&[handle], false, milliseconds, false)
}

#[unsafe(export_name = "mailslot_WaitForSingleObjectEx")]
extern "C-unwind" fn wait_for_single_object_ex(
    handle: Handle,
    milliseconds: u32,
    alertable: Bool,
) -> u32 {
    let answer = wait_for(&[handle], false, milliseconds, alertable != 0);
    if answer == IO_COMPLETION {
        call_routines();
    }
    answer
}

/// # Safety
///
/// `handles` is null or points to `count` handles.
unsafe fn wait_for_several(
    count: u32,
    handles: *const Handle,
    all: Bool,
    milliseconds: u32,
    alertable: bool,
) -> u32 {
    let count = count as usize;
    if handles.is_null() || count == 0 || count > MAXIMUM_WAIT_OBJECTS {
        return call(WAIT_FAILED, || Err(Code::INVALID_PARAMETER));
    }
    // SAFETY: not null, and the caller's promise.
    let handles = unsafe { std::slice::from_raw_parts(handles, count) };
    wait_for(handles, all != 0, milliseconds, alertable)
}

#[unsafe(export_name = "mailslot_WaitForMultipleObjects")]
unsafe extern "C" fn wait_for_multiple_objects(
    count: u32,
    handles: *const Handle,
    all: Bool,
    milliseconds: u32,
) -> u32 {
    // SAFETY: the caller gives `count` handles or null.
    unsafe { wait_for_several(count, handles, all, milliseconds, false) }
}

#[unsafe(export_name = "mailslot_WaitForMultipleObjectsEx")]
unsafe extern "C-unwind" fn wait_for_multiple_objects_ex(
    count: u32,
    handles: *const Handle,
    all: Bool,
    milliseconds: u32,
    alertable: Bool,
) -> u32 {
    // SAFETY: the caller gives `count` handles or null.
    let answer = unsafe { wait_for_several(count, handles, all, milliseconds, alertable != 0) };
    if answer == IO_COMPLETION {
        call_routines();
    }
    answer
}
