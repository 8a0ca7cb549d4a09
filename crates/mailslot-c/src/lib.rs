//! libmailslot: the Win32 mailslot interface for C and C++ on Linux.
//!
//! The functions are declared in `include/mailslot.h`, with the thin headers of `include/compat`
//! (windows.h, tchar.h and so on) beside it. Each is exported as `mailslot_` and its name, so that
//! it collides with nobody's `Sleep` or `ReadFile`; the header gives it its own name back. What
//! each does on Linux, and where it differs from Windows, is in `docs/porting-from-windows.md`.
//!
//! # A tour
//!
//! | from C to the library | |
//! |---|---|
//! | [`border`] | what every exported function works in: no panic crosses, errors become numbers |
//! | [`last_error`], [`code`], [`mapping`] | the last error, its numbers and texts, which error is which number |
//! | [`table`], [`object`], [`barrier`] | handles, and what they lead to |
//! | [`mailslots`], [`files`] | `CreateMailslot`, `CreateFile`, `ReadFile`, `WriteFile` and so on |
//! | [`confirmed`] | `MailslotWriteConfirmed` |
//! | [`slot`], [`client`], [`event`], [`thread`] | the objects |
//! | [`owned`] | a slot without its lock, while one thread reads it |
//! | [`reserve`] | no memory is an error too |
//! | [`short`] | from a thread to what is known of it, at no cost |
//! | [`dispatch`], [`wait`], [`waits`], [`overlapped`] | waiting, and reads that are pending |
//! | [`inherit`], [`fork`], [`security`], [`sddl`] | other processes |
//! | [`text`], [`strings`], [`printf`], [`format_message`], [`memory`], [`time`], [`threads`], [`sections`], [`process`], [`console`], [`streams`], [`control`] | what programs need around it |
//!
//! # What always holds
//!
//! - Any integer may come in as a handle. It leads to its object or to error 6.
//! - No thread runs in here (but for one if the program sets a [`control`] handler). Pending reads are completed by the calls that could notice them.
//! - A blocked read or wait ends when its handle is closed, and `CloseHandle` returns when it has.
//! - Nothing of ours is locked or on the stack while the program's own functions run.

mod barrier;
mod border;
mod client;
mod code;
mod confirmed;
mod console;
mod control;
mod dispatch;
mod event;
mod files;
mod fork;
mod format_message;
mod inherit;
mod last_error;
mod mailslots;
mod mapping;
mod memory;
mod object;
mod overlapped;
mod owned;
mod printf;
mod process;
mod reserve;
mod sddl;
mod sections;
mod security;
mod short;
mod slot;
mod streams;
mod strings;
mod table;
mod text;
mod thread;
mod threads;
mod time;
mod types;
mod wait;
mod waits;

#[cfg(test)]
mod tests;

#[unsafe(export_name = "mailslot_MailslotVersion")]
extern "C" fn version() -> *const std::ffi::c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

#[unsafe(export_name = "mailslot_GetCurrentProcess")]
extern "C" fn get_current_process() -> types::Handle {
    types::INVALID_HANDLE
}

#[unsafe(export_name = "mailslot_GetCurrentThread")]
extern "C" fn get_current_thread() -> types::Handle {
    types::CURRENT_THREAD
}

#[unsafe(export_name = "mailslot_GetCurrentProcessId")]
extern "C" fn get_current_process_id() -> u32 {
    std::process::id()
}
