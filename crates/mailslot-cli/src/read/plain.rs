//! Records as bare bytes, at full speed.

use std::os::fd::AsFd;
use std::time::Duration;

use mailslot::{Mailslot, ReadError};

use super::{Sink, Taken};
use crate::stdout::Stdout;
use crate::text::harmless;

/// How much is kept back, about, while further records wait.
const BUFFER: usize = 256 * 1024;

/// At most so many records are taken at a time.
const BATCH: usize = 8192;

#[cfg(test)]
mod tests;

/// What follows a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Nothing,
    /// A line feed, unless the record ends with one.
    Line,
    Nul,
}

/// Takes records many at a time and puts their ends between them.
pub(super) struct Plain {
    out: Stdout,
    end: End,
    /// Lines go to a terminal, which a stranger's bytes must not drive.
    harmless: bool,
    /// What was taken last: records one behind the other, and where each ends.
    batch: Vec<u8>,
    ends: Vec<usize>,
    /// What is to go out.
    ready: Vec<u8>,
}

impl Plain {
    pub(super) fn new(out: Stdout, end: End) -> Self {
        let (batch, ready) = (vec![0; BUFFER / 2], Vec::with_capacity(BUFFER * 2));
        let harmless = end == End::Line && std::io::IsTerminal::is_terminal(&out.as_fd());
        Self { out, end, harmless, batch, ends: Vec::new(), ready }
    }

    fn end_records(&mut self) {
        let all = self.ends.last().copied().unwrap_or(0);
        if self.end == End::Nothing {
            return self.ready.extend_from_slice(&self.batch[..all]);
        }
        let mut start = 0;
        for &end in &self.ends {
            let record = &self.batch[start..end];
            if self.harmless {
                push_harmless(&mut self.ready, record);
            } else {
                self.ready.extend_from_slice(record);
            }
            match self.end {
                End::Line if record.last() == Some(&b'\n') => {}
                End::Line => self.ready.push(b'\n'),
                End::Nul | End::Nothing => self.ready.push(0),
            }
            start = end;
        }
    }
}

/// Appends `record` without what could move a terminal's cursor or colour it. Its lines stay.
fn push_harmless(out: &mut Vec<u8>, record: &[u8]) {
    for (index, line) in record.split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(harmless(&String::from_utf8_lossy(line)).as_bytes());
    }
}

impl Sink for Plain {
    fn take(
        &mut self,
        slot: &Mailslot,
        wait: Option<Duration>,
        most: u64,
    ) -> anyhow::Result<Taken> {
        let most = usize::try_from(most).unwrap_or(BATCH).min(BATCH);
        loop {
            match slot.read_batch(&mut self.batch, &mut self.ends, most, wait) {
                Ok(()) => {
                    self.end_records();
                    if self.ready.len() >= BUFFER {
                        self.flush()?;
                    }
                    return Ok(Taken::Records(self.ends.len() as u64));
                }
                Err(ReadError::BufferTooSmall { needed, .. }) => self.batch.resize(needed, 0),
                Err(error) => return Taken::failed(error),
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        // What could not be written must not be written again.
        let written = self.out.write(&self.ready);
        self.ready.clear();
        Ok(written?)
    }
}
