//! `CreateFile`, `ReadFile`, `WriteFile`, and the calls around them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mailslot_rs::{MailslotWriter, OpenError};

use crate::border::{Whole, call, call_short, lock};
use crate::client::Client;
use crate::code::Code;
use crate::dispatch::dispatch;
use crate::event::{self, Event};
use crate::object::{self, Object};
use crate::slot::{self, Slot, Target};
use crate::table::{self, Use};
use crate::text::{self, Unit};
use crate::thread::{Completion, Thread};
use crate::types::{
    Bool, FALSE, FileTime, Handle, INVALID_HANDLE, Overlapped, Routine, SecurityAttributes, TRUE,
};
use crate::{inherit, last_error, reserve};

/// # Safety
///
/// `name` is null or a C string, `security` what [`security::read`] asks for.
unsafe fn create<U: Unit>(
    name: *const U,
    access: u32,
    _share: u32,
    security: *const SecurityAttributes,
    disposition: u32,
    _flags: u32,
    _template: Handle,
) -> Handle {
    call(INVALID_HANDLE, || {
        reserve::check()?;
        // SAFETY: the caller's promise.
        let name = unsafe { text::read(name) }?.ok_or(Code::PATH_NOT_FOUND)?;
        // Who may open the slot is the server's decision: of these attributes only one counts.
        // SAFETY: the caller's promise.
        let inheritable = unsafe { security.as_ref() }.is_some_and(|given| given.inherit != 0);
        // CREATE_NEW to TRUNCATE_EXISTING: a slot is opened, never made, by each of them.
        if !(1..=5).contains(&disposition) {
            return Err(Code::INVALID_PARAMETER);
        }
        let writer = MailslotWriter::open(name.as_str())
            .map_err(|error: OpenError| last_error::open_failed(error))?;
        let object = Object::Client(Arc::new(Client::new(writer, access)));
        if inheritable { inherit::share(object) } else { object::handle_for(object) }
    })
}

crate::text::for_each_text! {
    fn CreateFile(name: *const Text, access: u32, share: u32, security: *const SecurityAttributes, disposition: u32, flags: u32, template: Handle) -> Handle = create;
}

/// # Safety
///
/// `to` is null or points to a `DWORD`.
pub(crate) unsafe fn answer(to: *mut u32, value: u32) {
    if !to.is_null() {
        // SAFETY: not null, so the caller gives a DWORD there.
        unsafe { to.write(value) };
    }
}

/// Lengths that came in as a `DWORD`, or of records that were read into as much.
fn length(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Where a program's memory can't begin, on any machine.
const LOWEST: usize = 32 * 1024;
/// Where it must have ended.
const HIGHEST: usize = if cfg!(target_arch = "x86_64") { 1 << 56 } else { isize::MAX as usize };

/// Refuses a pointer, null or not, that can't lead to anything.
#[inline]
pub(crate) fn check_buffer(buffer: *const u8, size: u32) -> Result<usize, Code> {
    // A slice holds no more, on machines with 32 bits.
    let size = usize::try_from(size).ok().filter(|&size| isize::try_from(size).is_ok());
    let size = size.ok_or(Code::INVALID_PARAMETER)?;
    let room = HIGHEST - LOWEST - size.min(HIGHEST - LOWEST);
    if size > 0 && buffer.addr().wrapping_sub(LOWEST) > room {
        return Err(Code::NOACCESS);
    }
    Ok(size)
}

/// From this size on, a look whether the memory is there costs next to nothing.
const LARGE: usize = 256 * 1024;

/// Refuses a record that is longer than the memory that it lies in. With small ones that isn't
/// noticed, or the program ends as it does where it does so itself.
fn check_record(record: &[u8]) -> Result<(), Code> {
    if record.len() < LARGE {
        return Ok(());
    }
    let page = rustix::param::page_size();
    let mut at = record.as_ptr().addr() & !(page - 1);
    let end = record.as_ptr().addr() + record.len();
    let mut pages = [0_u8; 1024];
    while at < end {
        let length = (end - at).min(pages.len() * page);
        // SAFETY: mincore looks at no memory, only whether it is there, and writes a byte for each
        // page, of which there are as many as that.
        let looked = unsafe {
            libc::mincore(std::ptr::without_provenance_mut(at), length, pages.as_mut_ptr())
        };
        if looked != 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ENOMEM) {
            return Err(Code::NOACCESS);
        }
        at += length;
    }
    Ok(())
}

/// The event of an `OVERLAPPED`, if it names one. (Its lowest bit has another meaning on Windows.)
///
/// # Safety
///
/// `overlapped` points to an `OVERLAPPED`.
unsafe fn event_of(overlapped: *mut Overlapped) -> Result<Option<Arc<Event>>, Code> {
    // SAFETY: the caller's promise; nobody changes this field while a call is under way.
    match unsafe { (*overlapped).event } & !1 {
        0 => Ok(None),
        handle => event::get(handle).map(Some),
    }
}

#[unsafe(export_name = "mailslot_ReadFile")]
unsafe extern "C" fn read_file(
    file: Handle,
    buffer: *mut u8,
    size: u32,
    read: *mut u32,
    overlapped: *mut Overlapped,
) -> Bool {
    call_short(FALSE, || {
        if overlapped.is_null() && !buffer.is_null() {
            let at_once = Thread::with_short(|thread| {
                let using = Use::begin(file, thread)?;
                let size = check_buffer(buffer, size).ok()?;
                // SAFETY: not null, and the caller gives `size` bytes there.
                let buffer = unsafe { std::slice::from_raw_parts_mut(buffer, size) };
                Slot::read_at_once(&using, buffer)
            });
            if let Some(Some(size)) = at_once {
                // SAFETY: the caller gives null or a DWORD.
                unsafe { answer(read, length(size)) };
                return Ok(TRUE);
            }
        }
        // SAFETY: the caller's promises are those of C.
        unsafe { read_file_slowly(file, buffer, size, read, overlapped) }
    })
}

/// `ReadFile` where that is not simple.
///
/// # Safety
///
/// As for `ReadFile`: `read` is null or points to a `DWORD`, and the rest as for [`read_slot`].
#[cold]
#[inline(never)]
unsafe fn read_file_slowly(
    file: Handle,
    buffer: *mut u8,
    size: u32,
    read: *mut u32,
    overlapped: *mut Overlapped,
) -> Result<Bool, Code> {
    let _whole = Whole::begin();
    // SAFETY: the caller's promise.
    unsafe { answer(read, 0) };
    reserve::check()?;
    let got = match &*table::get(file)? {
        // SAFETY: the caller gives `size` bytes at `buffer` and null or an `OVERLAPPED`; while
        // a read is pending it keeps its hands off both, as on Windows.
        Object::Slot(slot) => unsafe { read_slot(slot, buffer, size, overlapped) }?,
        Object::Client(client) => return Err(client.read_error()),
        Object::Stream(stream) => {
            let size = check_buffer(buffer, size)?;
            // SAFETY: the caller gives `size` bytes at `buffer`.
            stream.read(unsafe { slot::buffer(buffer, size) })?
        }
        _ => return Err(Code::INVALID_HANDLE),
    };
    // SAFETY: the caller's promise.
    unsafe { answer(read, length(got)) };
    Ok(TRUE)
}

/// # Safety
///
/// As for [`Target::new`], if `overlapped` isn't null; without, `buffer` is the caller's for this
/// call.
#[inline]
unsafe fn read_slot(
    slot: &Arc<Slot>,
    to: *mut u8,
    size: u32,
    overlapped: *mut Overlapped,
) -> Result<usize, Code> {
    let size = check_buffer(to, size)?;
    if overlapped.is_null() {
        // SAFETY: the caller's promise.
        return slot.read(unsafe { slot::buffer(to, size) });
    }
    // SAFETY: the caller's promise.
    let (event, target) = unsafe { (event_of(overlapped)?, Target::new(overlapped, to, size)) };
    Thread::with_current(|thread| slot.begin(&dispatch(), target, event, None, thread))
}

#[unsafe(export_name = "mailslot_ReadFileEx")]
unsafe extern "C" fn read_file_ex(
    file: Handle,
    buffer: *mut u8,
    size: u32,
    overlapped: *mut Overlapped,
    routine: Option<Routine>,
) -> Bool {
    call(FALSE, || {
        if overlapped.is_null() || routine.is_none() {
            return Err(Code::INVALID_PARAMETER);
        }
        reserve::check()?;
        let slot = match &*table::get(file)? {
            Object::Slot(slot) => slot.clone(),
            Object::Client(client) => return Err(client.read_error()),
            _ => return Err(Code::INVALID_HANDLE),
        };
        let size = check_buffer(buffer, size)?;
        // SAFETY: the caller gives `size` bytes at `buffer` and an `OVERLAPPED`, and keeps its
        // hands off both until the routine is called.
        let target = unsafe { Target::new(overlapped, buffer, size) };
        let begin = |thread: &_| slot.begin(&dispatch(), target, None, routine, thread);
        match Thread::with_current(begin) {
            Ok(_) | Err(Code::IO_PENDING) => Ok(TRUE),
            Err(code) => Err(code),
        }
    })
}

/// # Safety
///
/// `size` bytes can be read at `from`.
#[inline]
unsafe fn write_client(file: Handle, from: *const u8, size: u32) -> Result<(), Code> {
    let bytes = || -> Result<&[u8], Code> {
        let bytes = match check_buffer(from, size)? {
            0 => &[],
            // SAFETY: not null, and the caller's promise.
            size => unsafe { std::slice::from_raw_parts(from, size) },
        };
        check_record(bytes).map(|()| bytes)
    };
    match &*table::get(file)? {
        Object::Client(client) => client.write(bytes()?),
        Object::Stream(stream) => stream.write(bytes()?),
        Object::Slot(_) => Err(Code::ACCESS_DENIED),
        _ => Err(Code::INVALID_HANDLE),
    }
}

/// # Safety
///
/// `overlapped` points to an `OVERLAPPED`.
unsafe fn finish_write(overlapped: *mut Overlapped, outcome: Result<u32, Code>) {
    // SAFETY: the caller's promise; the fields are atomic.
    let overlapped = unsafe { &*overlapped };
    overlapped.internal_high.store(outcome.unwrap_or(0) as usize, Ordering::Relaxed);
    let status = outcome.err().map_or(0, Code::status);
    overlapped.internal.store(status, Ordering::Release);
}

#[unsafe(export_name = "mailslot_WriteFile")]
unsafe extern "C" fn write_file(
    file: Handle,
    buffer: *const u8,
    size: u32,
    written: *mut u32,
    overlapped: *mut Overlapped,
) -> Bool {
    call_short(FALSE, || {
        if overlapped.is_null() && !buffer.is_null() {
            let at_once = Thread::with_short(|thread| {
                let using = Use::begin(file, thread)?;
                let size = check_buffer(buffer, size).ok().filter(|&size| size < LARGE)?;
                // SAFETY: not null, and the caller gives `size` bytes there.
                let record = unsafe { std::slice::from_raw_parts(buffer, size) };
                Client::write_at_once(&using, record).then_some(())
            });
            if let Some(Some(())) = at_once {
                // SAFETY: the caller gives null or a DWORD.
                unsafe { answer(written, size) };
                return Ok(TRUE);
            }
        }
        // SAFETY: the caller's promises are those of C.
        unsafe { write_file_slowly(file, buffer, size, written, overlapped) }
    })
}

/// `WriteFile` where that is not simple.
///
/// # Safety
///
/// As for `WriteFile`: `size` bytes can be read at `buffer`, `written` is null or points to a
/// `DWORD`, and `overlapped` is null or points to an `OVERLAPPED`.
#[cold]
#[inline(never)]
unsafe fn write_file_slowly(
    file: Handle,
    buffer: *const u8,
    size: u32,
    written: *mut u32,
    overlapped: *mut Overlapped,
) -> Result<Bool, Code> {
    let _whole = Whole::begin();
    // SAFETY: the caller's promise.
    unsafe { answer(written, 0) };
    reserve::check()?;
    let event = match overlapped.is_null() {
        true => None,
        // SAFETY: not null, and the caller's promise.
        false => unsafe { event_of(overlapped) }?,
    };
    // SAFETY: the caller's promise.
    let outcome = unsafe { write_client(file, buffer, size) }.map(|()| size);
    if !overlapped.is_null() {
        // SAFETY: not null, and the caller's promise.
        unsafe { finish_write(overlapped, outcome) };
    }
    outcome?;
    if let Some(event) = event {
        event.set(&dispatch());
    }
    // SAFETY: the caller's promise.
    unsafe { answer(written, size) };
    Ok(TRUE)
}

#[unsafe(export_name = "mailslot_WriteFileEx")]
unsafe extern "C" fn write_file_ex(
    file: Handle,
    buffer: *const u8,
    size: u32,
    overlapped: *mut Overlapped,
    routine: Option<Routine>,
) -> Bool {
    call(FALSE, || {
        let Some(routine) = routine.filter(|_| !overlapped.is_null()) else {
            return Err(Code::INVALID_PARAMETER);
        };
        reserve::check()?;
        // SAFETY: the caller gives `size` bytes at `buffer`.
        let outcome = unsafe { write_client(file, buffer, size) }.map(|()| size);
        // SAFETY: not null, so the caller gives an `OVERLAPPED`.
        unsafe { finish_write(overlapped, outcome) };
        outcome?;
        let completion = Completion { routine, code: 0, bytes: size, overlapped };
        Thread::with_current(|thread| {
            thread.state.get(&dispatch()).routines.push_back(completion);
        });
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_FlushFileBuffers")]
extern "C" fn flush_file_buffers(file: Handle) -> Bool {
    call(FALSE, || match &*table::get(file)? {
        // A write that has returned needs nothing more.
        Object::Client(_) | Object::Slot(_) | Object::Stream(_) => Ok(TRUE),
        _ => Err(Code::INVALID_HANDLE),
    })
}

/// `FILE_TYPE_UNKNOWN`, which a mailslot is on Windows too.
#[unsafe(export_name = "mailslot_GetFileType")]
extern "C" fn get_file_type(file: Handle) -> u32 {
    call(0, || match &*table::get(file)? {
        Object::Client(_) | Object::Slot(_) => Ok(0),
        Object::Stream(stream) => Ok(stream.kind()),
        _ => Err(Code::INVALID_HANDLE),
    })
}

#[unsafe(export_name = "mailslot_GetFileTime")]
unsafe extern "C" fn get_file_time(
    file: Handle,
    created: *mut FileTime,
    accessed: *mut FileTime,
    written: *mut FileTime,
) -> Bool {
    call(FALSE, || {
        let times = match &*table::get(file)? {
            Object::Slot(slot) => *lock(&slot.times),
            Object::Client(_) => return Err(Code::ACCESS_DENIED),
            _ => return Err(Code::INVALID_HANDLE),
        };
        for (to, time) in [created, accessed, written].into_iter().zip(times) {
            if !to.is_null() {
                // SAFETY: not null, so the caller gives room for one there.
                unsafe { to.write(FileTime { low: time as u32, high: (time >> 32) as u32 }) };
            }
        }
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_SetFileTime")]
unsafe extern "C" fn set_file_time(
    file: Handle,
    created: *const FileTime,
    accessed: *const FileTime,
    written: *const FileTime,
) -> Bool {
    call(FALSE, || {
        let object = table::get(file)?;
        let Object::Slot(slot) = &*object else {
            return Err(match &*object {
                Object::Client(_) => Code::ACCESS_DENIED,
                _ => Code::INVALID_HANDLE,
            });
        };
        let mut times = lock(&slot.times);
        for (time, from) in times.iter_mut().zip([created, accessed, written]) {
            // SAFETY: null, or the caller gives one there.
            if let Some(&FileTime { low, high }) = unsafe { from.as_ref() } {
                *time = u64::from(high) << 32 | u64::from(low);
            }
        }
        Ok(TRUE)
    })
}
