//! `CreateMailslot`, `GetMailslotInfo`, `SetMailslotInfo`.

use std::sync::atomic::{AtomicU64, Ordering};

use mailslot_rs::{CreateError, Info, Mailslot};

use crate::border::call;
use crate::client::Client;
use crate::code::Code;
use crate::dispatch::dispatch;
use crate::object::{self, Object};
use crate::slot::Slot;
use crate::text::{self, Unit};
use crate::types::{
    Bool, FALSE, FOR_EVER, Handle, INVALID_HANDLE, NO_MESSAGE, SecurityAttributes, TRUE,
};
use crate::{inherit, last_error, mapping, reserve, security, table, wait};

/// How much may wait, for each writer. Win32 knows no such limit; this one is far away, and keeps a
/// writer whose reader hangs from taking all memory.
static QUOTA: AtomicU64 = AtomicU64::new(1 << 30);

/// # Safety
///
/// `name` is null or a C string, `security` what [`security::read`] asks for.
unsafe fn create<U: Unit>(
    name: *const U,
    max_size: u32,
    timeout: u32,
    security: *const SecurityAttributes,
) -> Handle {
    call(INVALID_HANDLE, || {
        reserve::check()?;
        // SAFETY: the caller's promise.
        let name = unsafe { text::read(name) }?.ok_or(Code::PATH_NOT_FOUND)?;
        // SAFETY: the caller's promise.
        let (access, inheritable) = unsafe { security::read(security) }?;
        let mailslot = Mailslot::options()
            .max_record_size(max_size)
            .read_timeout(wait::timeout(timeout))
            .quota(QUOTA.load(Ordering::Relaxed))
            .access(access)
            .inheritable(inheritable)
            .create(name.as_str())
            .map_err(|error: CreateError| last_error::create_failed(error))?;
        let object = Object::Slot(Slot::new(mailslot, inheritable));
        if inheritable { inherit::share(object) } else { object::handle_for(object) }
    })
}

crate::text::for_each_text! {
    fn CreateMailslot(name: *const Text, max_size: u32, timeout: u32, security: *const SecurityAttributes) -> Handle = create;
}

/// `MailslotSetQuota`: how many bytes may wait for each writer in slots created from now on.
#[unsafe(export_name = "mailslot_MailslotSetQuota")]
extern "C" fn set_quota(bytes: u64) -> Bool {
    call(FALSE, || {
        const MOST: u64 = 64 << 30;
        if bytes == 0 || bytes > MOST {
            return Err(Code::INVALID_PARAMETER);
        }
        QUOTA.store(bytes, Ordering::Relaxed);
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_GetMailslotInfo")]
unsafe extern "C" fn get_info(
    handle: Handle,
    max_size: *mut u32,
    next_size: *mut u32,
    count: *mut u32,
    timeout: *mut u32,
) -> Bool {
    call(FALSE, || {
        reserve::check()?;
        let info = match &*table::get(handle)? {
            Object::Slot(slot) => {
                if slot.has_pending() {
                    slot.progress(&dispatch());
                }
                slot.with(Mailslot::info)?.map_err(|error| mapping::of_read(&error))?
            }
            Object::Client(client) => as_client_sees(client)?,
            _ => return Err(Code::INVALID_HANDLE),
        };
        let limited = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let next = info.next_size.map_or(NO_MESSAGE, |size| limited(size as u64));
        let milliseconds = info.read_timeout.map_or(FOR_EVER, |t| limited(t.as_millis() as u64));
        let answers = [
            (max_size, info.max_record_size),
            (next_size, next),
            (count, limited(info.waiting)),
            (timeout, milliseconds),
        ];
        for (to, value) in answers {
            if !to.is_null() {
                // SAFETY: not null, so the caller gives a DWORD there.
                unsafe { to.write(value) };
            }
        }
        Ok(TRUE)
    })
}

/// What a client can know. If this process is the server too, that is everything; otherwise the
/// limits, and of the rest what Windows says of an empty slot that waits for ever.
fn as_client_sees(client: &Client) -> Result<Info, Code> {
    for slot in object::slots() {
        let mailslot = slot.mailslot.get()?;
        if *mailslot.name() == client.name {
            return mailslot.info().map_err(|error| mapping::of_read(&error));
        }
    }
    let (max_record_size, quota) = client.limits;
    Ok(Info {
        max_record_size,
        next_size: None,
        waiting: 0,
        waiting_bytes: 0,
        read_timeout: None,
        quota,
    })
}

#[unsafe(export_name = "mailslot_SetMailslotInfo")]
extern "C" fn set_info(handle: Handle, timeout: u32) -> Bool {
    call(FALSE, || match &*table::get(handle)? {
        Object::Slot(slot) => {
            slot.with(|mailslot| mailslot.set_timeout(wait::timeout(timeout)))?;
            Ok(TRUE)
        }
        Object::Client(_) => Err(Code::ACCESS_DENIED),
        _ => Err(Code::INVALID_HANDLE),
    })
}
