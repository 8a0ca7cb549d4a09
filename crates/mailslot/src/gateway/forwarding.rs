//! Writing for somebody on another computer.

use std::io::IoSlice;
use std::time::Duration;

use crate::clock;
use crate::writer::WriterOptions;
use crate::{MailslotWriter, OpenError, Origin, SlotName, WriteError};

/// A moment, for records that came together: they need not be told apart by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Self(clock::now())
    }
}

/// A write handle of a gateway to a slot of this computer, for the records of one writer on another
/// computer.
///
/// The slot's reader believes the origin only of a process of root, of its own user, of the owner
/// of the registry, or of the owner of the gateway's slot (if that is one of the system's users);
/// whoever else states one is disconnected.
#[derive(Debug)]
pub struct ForwardingWriter {
    writer: MailslotWriter,
}

impl ForwardingWriter {
    /// Opens the slot `name` for records of `origin`. Fails with [`OpenError::NetworkRefused`] if it
    /// takes none from there. Doesn't wait for its reader.
    pub fn open<N>(name: N, origin: &Origin) -> Result<Self, OpenError>
    where
        N: TryInto<SlotName>,
        OpenError: From<N::Error>,
    {
        let name = name.try_into()?;
        Ok(Self { writer: WriterOptions::new().open_for(name, origin)? })
    }

    /// The slot's name.
    pub fn name(&self) -> &SlotName {
        self.writer.name()
    }

    /// Writes one record, or fails at once. After [`WriteError::SlotGone`] the next write looks for
    /// the name anew.
    pub fn write(&mut self, record: &[u8]) -> Result<(), WriteError> {
        self.writer.try_write(record)
    }

    /// Writes one record as if at `moment`, or fails at once. Between writers the record's place is by
    /// that moment, so it must lie after the record came, and after those of earlier writes through
    /// this handle.
    pub fn write_at(&mut self, record: &[u8], moment: Moment) -> Result<(), WriteError> {
        self.writer.write_at(record, moment.0)
    }

    /// Fails if the slot's reader has gone by now: then what was written and not read is lost.
    ///
    /// A write notices that only up to a millisecond later. So call this after writing, and before
    /// answering that a record was accepted.
    pub fn check(&mut self) -> Result<(), WriteError> {
        self.writer.check()
    }

    /// Writes one record made of `parts`, or fails at once.
    pub fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), WriteError> {
        self.writer.write_vectored(parts)
    }

    /// Writes one record, waiting up to `timeout` if the slot is full.
    pub fn write_timeout(&mut self, record: &[u8], timeout: Duration) -> Result<(), WriteError> {
        self.writer.write_timeout(record, timeout)
    }
}
