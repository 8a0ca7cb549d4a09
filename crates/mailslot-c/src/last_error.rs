//! The last error of each thread: its number, and what the library has to say about it.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::ffi::c_char;

use mailslot_rs::{CreateError, HandleError, OpenError, WriteError};

use crate::border::call;
use crate::code::Code;
use crate::{mapping, text};

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
    static STORY: RefCell<Option<Story>> = const { RefCell::new(None) };
}

/// An error that can say more than its number.
struct Story {
    code: Code,
    error: Box<dyn Error>,
}

pub(crate) fn set(code: Code) {
    NUMBER.set(code.0);
}

pub(crate) fn number() -> Code {
    Code(NUMBER.get())
}

fn tell(code: Code, error: impl Error + 'static) -> Code {
    // A thread that is ending has no place for it any more.
    let _ = STORY.try_with(|story| {
        if let Ok(mut story) = story.try_borrow_mut() {
            *story = Some(Story { code, error: Box::new(error) });
        }
    });
    code
}

pub(crate) fn create_failed(error: CreateError) -> Code {
    tell(mapping::of_create(&error), error)
}

pub(crate) fn open_failed(error: OpenError) -> Code {
    tell(mapping::of_open(&error), error)
}

pub(crate) fn write_failed(error: WriteError) -> Code {
    tell(mapping::of_write(&error), error)
}

pub(crate) fn hand_over_failed(error: HandleError) -> Code {
    tell(mapping::of_hand_over(&error), error)
}

/// What the last error of this thread was about, at length.
fn at_length() -> String {
    let last = number();
    let story = STORY.try_with(|story| {
        let story = story.try_borrow().ok()?;
        let story = story.as_ref().filter(|story| story.code == last)?;
        Some(story.error.to_string())
    });
    match (story.ok().flatten(), last.text()) {
        (Some(story), _) => story,
        (None, Some(text)) => text.to_owned(),
        (None, None) => format!("error {}", last.0),
    }
}

#[unsafe(export_name = "mailslot_GetLastError")]
extern "C" fn get_last_error() -> u32 {
    NUMBER.get()
}

#[unsafe(export_name = "mailslot_SetLastError")]
extern "C" fn set_last_error(number: u32) {
    NUMBER.set(number);
}

/// `MailslotLastErrorText`: writes the whole story into `buffer` (cut to fit, always ended) and
/// returns the bytes it has without the final NUL.
#[unsafe(export_name = "mailslot_MailslotLastErrorText")]
unsafe extern "C" fn last_error_text(buffer: *mut c_char, size: u32) -> u32 {
    call(0, || {
        let story = at_length();
        if !buffer.is_null() && size > 0 {
            let bytes = text::cut(&story, size as usize - 1).as_bytes();
            // SAFETY: the caller gives `size` writable bytes at `buffer`, and `cut` leaves one of
            // them for the NUL; `story` is our own memory.
            unsafe {
                buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                buffer.add(bytes.len()).write(0);
            }
        }
        Ok(u32::try_from(story.len()).unwrap_or(u32::MAX))
    })
}
