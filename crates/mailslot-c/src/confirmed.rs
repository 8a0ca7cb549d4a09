//! `MailslotWriteConfirmed`: writing, and learning what became of the record.

use std::ffi::c_char;
use std::time::Duration;

use mailslot_rs::Confirmation;

use crate::border::call;
use crate::code::Code;
use crate::files::{answer, check_buffer};
use crate::object::Object;
use crate::types::{Bool, FALSE, FOR_EVER, Handle, TRUE};
use crate::{mapping, reserve, table, text};

/// Bytes of a computer's name, with its end.
const NAME: usize = 256;

/// `MAILSLOT_OUTCOME`.
#[repr(C)]
pub(crate) struct MailslotOutcome {
    error: u32,
    computer: [c_char; NAME],
}

#[unsafe(export_name = "mailslot_MailslotWriteConfirmed")]
unsafe extern "C" fn write_confirmed(
    mailslot: Handle,
    buffer: *const u8,
    size: u32,
    milliseconds: u32,
    outcomes: *mut MailslotOutcome,
    room: u32,
    computers: *mut u32,
) -> Bool {
    call(FALSE, || {
        // SAFETY: the caller gives null or a DWORD.
        unsafe { answer(computers, 0) };
        reserve::check()?;
        let room = if outcomes.is_null() { 0 } else { room as usize };
        let object = table::get(mailslot)?;
        let client = match &*object {
            Object::Client(client) => client,
            Object::Slot(_) => return Err(Code::ACCESS_DENIED),
            _ => return Err(Code::INVALID_HANDLE),
        };
        let record: &[u8] = match check_buffer(buffer, size)? {
            0 => &[],
            // SAFETY: not null, so the caller gives `size` bytes at `buffer`.
            size => unsafe { std::slice::from_raw_parts(buffer, size) },
        };
        let timeout = match milliseconds {
            FOR_EVER => Duration::MAX,
            finite => Duration::from_millis(finite.into()),
        };
        let confirmation = client.write_confirmed(record, timeout)?;
        for (index, (computer, outcome)) in confirmation.outcomes().take(room).enumerate() {
            let error = mapping::of_outcome(outcome).0;
            let shown = MailslotOutcome { error, computer: named(computer) };
            // SAFETY: the caller gives `room` of these, of which this is one.
            unsafe { outcomes.add(index).write(shown) };
        }
        let count = u32::try_from(confirmation.outcomes().len()).unwrap_or(u32::MAX);
        // SAFETY: as above.
        unsafe { answer(computers, count) };
        judge(&confirmation).map(|()| TRUE)
    })
}

fn named(computer: &str) -> [c_char; NAME] {
    let mut name = [0; NAME];
    for (to, from) in name.iter_mut().zip(text::cut(computer, NAME - 1).bytes()) {
        *to = from as c_char;
    }
    name
}

/// Success, or what kept the record from it.
fn judge(confirmation: &Confirmation) -> Result<(), Code> {
    let mut codes = confirmation.outcomes().map(|(_, outcome)| mapping::of_outcome(outcome));
    let failed = codes.find(|code| *code != Code::SUCCESS);
    match failed {
        _ if !confirmation.is_complete() => Err(Code::TIMEOUT),
        Some(code) => Err(code),
        None if confirmation.is_accepted() => Ok(()),
        // Nobody was there.
        None => Err(Code::BAD_NETPATH),
    }
}
