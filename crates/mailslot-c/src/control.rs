//! `SetConsoleCtrlHandler`: Ctrl+C and its like, told to the program's functions.
//!
//! They may do anything, so they can't be called where the signal came in. As on Windows, a thread
//! calls them. It is the only one that this library ever starts, and only for programs that ask.

use std::os::fd::{IntoRawFd, OwnedFd, RawFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::border::{call, lock};
use crate::code::Code;
use crate::dispatch::borrow;
use crate::types::{Bool, FALSE, TRUE};
use crate::{fork, mapping};

/// `PHANDLER_ROUTINE`.
pub(crate) type Handler = unsafe extern "C-unwind" fn(u32) -> Bool;

/// Which signal is which event, and whether the process goes on after it.
const EVENTS: [(libc::c_int, u32, bool); 4] = [
    (libc::SIGINT, 0, true),
    (libc::SIGQUIT, 1, true),
    (libc::SIGHUP, 2, false),
    (libc::SIGTERM, 6, false),
];

/// The last one is called first.
static HANDLERS: Mutex<Vec<Handler>> = Mutex::new(Vec::new());
/// Where signals are noted, -1 before the first handler came.
static NOTES: AtomicI32 = AtomicI32::new(-1);
/// `SetConsoleCtrlHandler(NULL, TRUE)`.
static IGNORED: AtomicBool = AtomicBool::new(false);

extern "C" fn on_signal(signal: libc::c_int) {
    // SAFETY: the calling thread's errno, which a signal must leave as it was.
    let errno = unsafe { *libc::__errno_location() };
    note(signal);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn note(signal: libc::c_int) {
    let notes = NOTES.load(Ordering::Acquire);
    if notes >= 0 {
        // If it is full, there is enough to do.
        let _ = rustix::io::write(borrow(&notes), &[signal as u8]);
    }
}

fn set_action(signal: libc::c_int, action: libc::sighandler_t) {
    // SAFETY: zeros are a sigaction; `action` is the default, to ignore, or `on_signal`, which has
    // the type that goes with these flags and only makes calls that are allowed in a signal.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &new, std::ptr::null_mut());
    }
}

/// What Ctrl+C does now.
fn arrange_interrupt() {
    let action = match (IGNORED.load(Ordering::Relaxed), NOTES.load(Ordering::Relaxed) >= 0) {
        (true, _) => libc::SIG_IGN,
        (false, true) => on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t,
        (false, false) => libc::SIG_DFL,
    };
    set_action(libc::SIGINT, action);
}

fn start() -> Result<(), Code> {
    fork::prepare();
    let (read, write) =
        pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(mapping::of_errno)?;
    rustix::io::ioctl_fionbio(&read, false).map_err(mapping::of_errno)?;
    let thread = std::thread::Builder::new().name("console".to_owned());
    thread.spawn(move || serve(&read)).map_err(|error| mapping::of_io(&error))?;
    NOTES.store(write.into_raw_fd(), Ordering::Release);
    for (signal, ..) in EVENTS {
        set_action(signal, on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t);
    }
    Ok(())
}

fn serve(notes: &OwnedFd) {
    let mut signal = [0];
    loop {
        match rustix::io::read(notes, &mut signal) {
            Ok(1) => tell(libc::c_int::from(signal[0])),
            Err(Errno::INTR) => {}
            _ => return,
        }
    }
}

/// Tells the handlers, until one says that it has dealt with the event.
fn tell(signal: libc::c_int) {
    let Some((_, event, goes_on)) = EVENTS.into_iter().find(|(known, ..)| *known == signal) else {
        return;
    };
    let handlers = lock(&HANDLERS).clone();
    for handler in handlers.into_iter().rev() {
        // SAFETY: the program gave it to be called so, from another thread.
        if unsafe { handler(event) } != FALSE && goes_on {
            return;
        }
    }
    // Nobody wanted it: what would have happened without.
    set_action(signal, libc::SIG_DFL);
    // SAFETY: a signal to this very process.
    unsafe { libc::kill(libc::getpid(), signal) };
}

/// In a forked child: the thread stayed behind, and its notes are the parent's.
pub(crate) fn forget() {
    let notes: RawFd = NOTES.swap(-1, Ordering::AcqRel);
    if notes >= 0 {
        EVENTS.into_iter().for_each(|(signal, ..)| set_action(signal, libc::SIG_DFL));
        arrange_interrupt();
        if let Ok(mut handlers) = HANDLERS.try_lock() {
            handlers.clear();
        }
    }
}

#[unsafe(export_name = "mailslot_SetConsoleCtrlHandler")]
extern "C" fn set_handler(handler: Option<Handler>, add: Bool) -> Bool {
    call(FALSE, || {
        let Some(handler) = handler else {
            IGNORED.store(add != 0, Ordering::Relaxed);
            arrange_interrupt();
            return Ok(TRUE);
        };
        let mut handlers = lock(&HANDLERS);
        if add != 0 {
            if NOTES.load(Ordering::Acquire) < 0 {
                start()?;
                arrange_interrupt();
            }
            handlers.push(handler);
        } else {
            let same = |other: &Handler| std::ptr::fn_addr_eq(*other, handler);
            let at = handlers.iter().rposition(same).ok_or(Code::INVALID_PARAMETER)?;
            handlers.remove(at);
        }
        Ok(TRUE)
    })
}

/// To this process only.
#[unsafe(export_name = "mailslot_GenerateConsoleCtrlEvent")]
extern "C" fn generate_event(event: u32, _group: u32) -> Bool {
    call(FALSE, || {
        let found = EVENTS.into_iter().find(|(_, known, goes_on)| *known == event && *goes_on);
        let (signal, ..) = found.ok_or(Code::INVALID_PARAMETER)?;
        // SAFETY: a signal to this very process.
        unsafe { libc::kill(libc::getpid(), signal) };
        Ok(TRUE)
    })
}
