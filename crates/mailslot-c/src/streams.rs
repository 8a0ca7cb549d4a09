//! `GetStdHandle`: the program's standard streams as handles.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::stdio::{stderr, stdin, stdout};

use crate::border::call;
use crate::code::Code;
use crate::object::{self, Object};
use crate::types::{Handle, INVALID_HANDLE, NO_HANDLE};
use crate::{mapping, table};

pub(crate) struct Stream {
    which: Which,
    pub(crate) handles: AtomicU32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Input,
    Output,
    Errors,
}

impl Stream {
    pub(crate) fn fd(&self) -> BorrowedFd<'static> {
        match self.which {
            Which::Input => stdin(),
            Which::Output => stdout(),
            Which::Errors => stderr(),
        }
    }

    /// Of a terminal, one line.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize, Code> {
        flush();
        loop {
            match rustix::io::read(self.fd(), &mut *buffer) {
                Err(Errno::INTR) => {}
                result => return result.map_err(mapping::of_errno),
            }
        }
    }

    pub(crate) fn write(&self, mut bytes: &[u8]) -> Result<(), Code> {
        flush();
        while !bytes.is_empty() {
            match rustix::io::write(self.fd(), bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(mapping::of_errno(errno)),
            }
        }
        Ok(())
    }

    /// Whether a read would find something. Writes are not waited for.
    pub(crate) fn is_ready(&self) -> bool {
        if self.which != Which::Input {
            return true;
        }
        let mut fds = [PollFd::from_borrowed_fd(self.fd(), PollFlags::IN)];
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&zero)).is_ok_and(|ready| ready > 0)
    }

    /// `FILE_TYPE_…`.
    pub(crate) fn kind(&self) -> u32 {
        match rustix::fs::fstat(self.fd()).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::CharacterDevice) => 2,
            Ok(FileType::Fifo | FileType::Socket) => 3,
            Ok(_) => 1,
            Err(_) => 0,
        }
    }
}

/// What was printed before must be seen before.
fn flush() {
    // SAFETY: null stands for all streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// Always the same handles, as on Windows, unless the program closes them.
static HANDLES: [AtomicUsize; 3] = [const { AtomicUsize::new(NO_HANDLE) }; 3];

#[unsafe(export_name = "mailslot_GetStdHandle")]
extern "C" fn get_std_handle(number: u32) -> Handle {
    call(INVALID_HANDLE, || {
        // -10, -11, -12.
        let index = 0_u32.wrapping_sub(number).wrapping_sub(10);
        let which = match index {
            0 => Which::Input,
            1 => Which::Output,
            2 => Which::Errors,
            _ => return Err(Code::INVALID_HANDLE),
        };
        let known = &HANDLES[index as usize];
        let handle = known.load(Ordering::Acquire);
        if table::get(handle).is_ok() {
            return Ok(handle);
        }
        let stream = Stream { which, handles: AtomicU32::new(0) };
        let new = object::handle_for(Object::Stream(Arc::new(stream)))?;
        match known.compare_exchange(handle, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(new),
            Err(other) => {
                object::close(new)?;
                Ok(other)
            }
        }
    })
}
