//! The handles for tokio programs.

use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::writer::LOOK_FOR_ROOM;
use crate::{Info, Mailslot, MailslotWriter, ReadError, Record, SlotName, WriteError};

/// A read handle whose reads are futures.
///
/// # Cancel safety
///
/// All reads are cancel safe: a future that is dropped before it is ready has taken no record. The
/// slot's read time-out doesn't apply; use `tokio::time::timeout` around a read.
///
/// ```no_run
/// # async fn read() -> Result<(), Box<dyn std::error::Error>> {
/// let slot = mailslot::Mailslot::create(r"\\.\mailslot\taxes\sue")?;
/// let slot = mailslot::AsyncMailslot::new(slot)?;
/// let record = slot.receive().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct AsyncMailslot {
    slot: Mailslot,
    ready: AsyncFd<OwnedFd>,
}

impl AsyncMailslot {
    /// Registers the handle with the tokio runtime in whose context this is called.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn new(slot: Mailslot) -> std::io::Result<Self> {
        let ready = slot.as_fd().try_clone_to_owned()?;
        Ok(Self { slot, ready: register(ready)? })
    }

    /// The slot's name.
    pub fn name(&self) -> &SlotName {
        self.slot.name()
    }

    /// Reads the next record into `buf` and returns its length. A `buf` too small is an error that
    /// tells the size needed and leaves the record where it is.
    pub async fn read(&self, buf: &mut [u8]) -> Result<usize, ReadError> {
        self.until_there(|slot| slot.try_read(buf)).await
    }

    /// Reads the next record with its sender and the time it was written.
    pub async fn receive(&self) -> Result<Record, ReadError> {
        self.until_there(Mailslot::try_receive).await
    }

    /// The slot's limits and what waits in it.
    pub fn info(&self) -> Result<Info, ReadError> {
        self.slot.info()
    }

    /// The handle within, to peek, or to read without waiting.
    pub fn get_ref(&self) -> &Mailslot {
        &self.slot
    }

    /// The handle that blocks.
    pub fn into_inner(self) -> Mailslot {
        self.slot
    }

    async fn until_there<T>(
        &self,
        mut attempt: impl FnMut(&Mailslot) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        loop {
            let ready = self.ready.readable().await;
            let mut ready = ready.map_err(|source| ReadError::Io {
                name: self.name().clone(),
                action: "waiting for records",
                source,
            })?;
            match attempt(&self.slot) {
                Err(ReadError::TimedOut { .. }) => ready.clear_ready(),
                result => return result,
            }
        }
    }
}

/// A write handle whose writes wait for room without blocking the thread.
///
/// # Cancel safety
///
/// A write future that is dropped before it is ready has queued nothing.
#[derive(Debug)]
pub struct AsyncMailslotWriter {
    writer: MailslotWriter,
    /// Where the reader says that there is room again, and the connection that it belongs to.
    room: Option<(u64, AsyncFd<OwnedFd>)>,
}

impl AsyncMailslotWriter {
    /// Takes a write handle. Its `wait_when_full` doesn't apply.
    pub fn new(writer: MailslotWriter) -> Self {
        Self { writer, room: None }
    }

    /// The slot's name.
    pub fn name(&self) -> &SlotName {
        self.writer.name()
    }

    /// Writes one record, waiting while the slot is full.
    ///
    /// # Panics
    ///
    /// If it has to wait outside a tokio runtime with I/O and time enabled.
    pub async fn write(&mut self, record: &[u8]) -> Result<(), WriteError> {
        self.write_vectored(&[IoSlice::new(record)]).await
    }

    /// Writes one record made of `parts`, waiting while the slot is full.
    ///
    /// # Panics
    ///
    /// If it has to wait outside a tokio runtime with I/O and time enabled.
    pub async fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), WriteError> {
        loop {
            match self.writer.try_write_vectored(parts) {
                Err(WriteError::Full { .. }) => {}
                result => return result,
            }
            if !self.writer.ask_for_room()? {
                self.room().await?;
            }
        }
    }

    /// Writes one record, or fails at once if the slot is full.
    pub fn try_write(&mut self, record: &[u8]) -> Result<(), WriteError> {
        self.writer.try_write(record)
    }

    /// The handle that blocks.
    pub fn into_inner(self) -> MailslotWriter {
        self.writer
    }

    /// Waits until the reader says something.
    async fn room(&mut self) -> Result<(), WriteError> {
        let name = self.writer.shared_name();
        let failed =
            |source| WriteError::Io { name: name.clone(), action: "waiting for room", source };
        let Some((connection, socket)) = self.writer.connection() else {
            return Ok(());
        };
        if self.room.as_ref().is_none_or(|room| room.0 != connection) {
            let socket = socket.try_clone_to_owned().and_then(register).map_err(&failed)?;
            self.room = Some((connection, socket));
        }
        if let Some((_, socket)) = &self.room {
            // The reader tells when there is a good deal of room; a slow one may take long over it.
            if let Ok(ready) = tokio::time::timeout(LOOK_FOR_ROOM, socket.readable()).await {
                ready.map_err(failed)?.clear_ready();
            }
        }
        Ok(())
    }
}

/// A further handle to the same slot, for another task.
impl Clone for AsyncMailslotWriter {
    fn clone(&self) -> Self {
        Self::new(self.writer.clone())
    }
}

/// Tokio deprecates the safe way to register because a type could change its descriptor later; an
/// `OwnedFd` doesn't, and there is no other safe way.
#[allow(deprecated)]
fn register(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, Interest::READABLE)
}
