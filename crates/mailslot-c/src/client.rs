//! The client's side: a slot opened to be written to.

use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use mailslot_rs::{MailslotWriter, OpenError, WriteError};

use crate::border::lock;
use crate::code::Code;
use crate::last_error;

/// What of `dwDesiredAccess` allows to read: GENERIC_READ, GENERIC_ALL, FILE_READ_DATA.
const READ: u32 = 0x8000_0000 | 0x1000_0000 | 0x1;
/// GENERIC_WRITE, GENERIC_ALL, MAXIMUM_ALLOWED, FILE_WRITE_DATA, FILE_APPEND_DATA.
const WRITE: u32 = 0x4000_0000 | 0x1000_0000 | 0x0200_0000 | 0x2 | 0x4;

pub(crate) struct Client {
    pub(crate) handles: AtomicU32,
    /// As given to `CreateFile`.
    pub(crate) access: u32,
    line: Mutex<Line>,
}

struct Line {
    writer: MailslotWriter,
    /// The server has closed. The library would look for the name again; a handle of Windows is
    /// dead from then on.
    dead: bool,
}

impl Client {
    pub(crate) fn new(writer: MailslotWriter, access: u32) -> Self {
        let line = Mutex::new(Line { writer, dead: false });
        Self { handles: AtomicU32::new(0), access, line }
    }

    /// What a read of this handle fails with.
    pub(crate) fn read_error(&self) -> Code {
        match self.access & READ {
            0 => Code::ACCESS_DENIED,
            _ => Code::INVALID_PARAMETER,
        }
    }

    #[inline]
    pub(crate) fn write(&self, record: &[u8]) -> Result<(), Code> {
        if self.access & WRITE == 0 {
            return Err(Code::ACCESS_DENIED);
        }
        let mut line = lock(&self.line);
        if line.dead {
            return Err(Code::FILE_NOT_FOUND);
        }
        line.writer.write(record).map_err(|error| line.failed(error))
    }

    pub(crate) fn with_writer<T>(&self, look: impl FnOnce(&MailslotWriter) -> T) -> T {
        look(&lock(&self.line).writer)
    }
}

impl Line {
    #[cold]
    fn failed(&mut self, error: WriteError) -> Code {
        self.dead = matches!(
            error,
            WriteError::SlotGone(_) | WriteError::Open(OpenError::NoSuchSlot(_))
        );
        last_error::write_failed(error)
    }
}
