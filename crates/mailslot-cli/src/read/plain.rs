//! Records as bare bytes, at full speed.

use std::time::Duration;

use mailslot::{Mailslot, ReadError};

use super::{Sink, Taken};
use crate::stdout::Stdout;

/// How much is kept back at most while further records wait.
const BUFFER: usize = 256 * 1024;

/// What follows a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Nothing,
    /// A line feed, unless the record ends with one.
    Line,
    Nul,
}

/// Reads records straight into its output buffer, one behind the other.
pub(super) struct Plain {
    out: Stdout,
    end: End,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are to go out. Always less than there are.
    len: usize,
}

impl Plain {
    pub(super) fn new(out: Stdout, end: End) -> Self {
        Self { out, end, buffer: vec![0; BUFFER], len: 0 }
    }

    /// Ends the record in front of which `len` stood and that has `size` bytes.
    fn finish_record(&mut self, size: usize) {
        let is_line = size > 0 && self.buffer[self.len + size - 1] == b'\n';
        self.len += size;
        let end = match self.end {
            End::Nothing => return,
            End::Line if is_line => return,
            End::Line => b'\n',
            End::Nul => 0,
        };
        self.buffer[self.len] = end;
        self.len += 1;
    }
}

impl Sink for Plain {
    fn take(&mut self, slot: &Mailslot, wait: Option<Duration>) -> anyhow::Result<Taken> {
        loop {
            // One byte stays for the end.
            let end = self.buffer.len() - 1;
            match slot.read_timeout(&mut self.buffer[self.len..end], wait) {
                Ok(size) => {
                    self.finish_record(size);
                    if self.len == self.buffer.len() {
                        self.flush()?;
                    }
                    return Ok(Taken::Record);
                }
                Err(ReadError::BufferTooSmall { .. }) if self.len > 0 => self.flush()?,
                Err(ReadError::BufferTooSmall { needed, .. }) => self.buffer.resize(needed + 1, 0),
                Err(error) => return Taken::failed(error),
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let len = std::mem::take(&mut self.len);
        Ok(self.out.write(&self.buffer[..len])?)
    }
}
