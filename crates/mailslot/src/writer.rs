//! The write handle.

mod bell;
mod link;

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailslot_wire::limits::Limits;

use crate::registry::{self, ConnectError, connect, registry_root};
use crate::{OpenError, SlotName, WriteError};

#[cfg(feature = "tokio")]
pub(crate) use link::LOOK_FOR_ROOM;
use link::{Failure, Link};

/// How often a write connects anew before it blames the reader for closing each connection.
const MAX_EVICTIONS: u32 = 100;

/// The options of a write handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterOptions {
    patience: Duration,
}

impl WriterOptions {
    /// Nothing waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a write waits for room when the slot is full, and how long opening waits when the
    /// system holds no more new writers for a reader that doesn't run. Zero (not at all) by
    /// default.
    pub fn wait_when_full(&mut self, time: Duration) -> &mut Self {
        self.patience = time;
        self
    }

    /// Opens the slot `name` for writing. Doesn't wait for its reader to notice.
    pub fn open<N>(&self, name: N) -> Result<MailslotWriter, OpenError>
    where
        N: TryInto<SlotName>,
        OpenError: From<N::Error>,
    {
        let name = Arc::new(name.try_into()?);
        if !name.is_local() {
            return Err(OpenError::NoGateway(name));
        }
        let dir = Arc::new(registry_root().join(name.file_name()));
        let link = open(&name, &dir, self.patience)?;
        let limits = link.limits();
        Ok(MailslotWriter { name, dir, options: *self, limits, link: Some(link), connections: 1 })
    }
}

/// A write handle: each write sends one record, whole, or says why not.
///
/// Writing takes `&mut self`, so that it needs no lock: other threads write with clones, which are
/// cheap. Records written through one handle are read in the order written; between handles,
/// clones included, in order of arrival: a record whose write returned before another's began is
/// read first.
///
/// A write that has returned `Ok` survives this process. When the slot's last reader goes, the next
/// write says [`WriteError::SlotGone`] (at the latest one millisecond after; records that were
/// accepted but not read are gone with the reader); a further write looks for the name anew, so
/// that the handle recovers as soon as a reader is back.
///
/// ```no_run
/// let mut slot = mailslot::MailslotWriter::open(r"\\.\mailslot\taxes\sue")?;
/// slot.write(b"a record")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MailslotWriter {
    name: Arc<SlotName>,
    /// Where the slot lies; resolved once, so that a handle means one slot.
    dir: Arc<PathBuf>,
    options: WriterOptions,
    limits: Limits,
    /// `None`: to be opened by the next write.
    link: Option<Link>,
    /// How many connections it has had.
    connections: u64,
}

impl MailslotWriter {
    /// Opens the slot `name` for writing. Doesn't wait for its reader to notice.
    pub fn open<N>(name: N) -> Result<Self, OpenError>
    where
        N: TryInto<SlotName>,
        OpenError: From<N::Error>,
    {
        WriterOptions::new().open(name)
    }

    /// The options to open a slot with.
    pub fn options() -> WriterOptions {
        WriterOptions::new()
    }

    /// The slot's name, as it was opened.
    pub fn name(&self) -> &SlotName {
        &self.name
    }

    /// Writes one record. If the slot is full, waits as long as
    /// [`wait_when_full`](WriterOptions::wait_when_full) says: by default it fails at once.
    #[inline]
    pub fn write(&mut self, record: &[u8]) -> Result<(), WriteError> {
        self.write_vectored(&[IoSlice::new(record)])
    }

    /// Writes one record made of `parts`.
    #[inline]
    pub fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), WriteError> {
        self.send(parts, self.options.patience)
    }

    /// Writes one record, waiting up to `timeout` if the slot is full.
    pub fn write_timeout(&mut self, record: &[u8], timeout: Duration) -> Result<(), WriteError> {
        self.send(&[IoSlice::new(record)], timeout)
    }

    /// Writes one record, or fails at once if the slot is full.
    pub fn try_write(&mut self, record: &[u8]) -> Result<(), WriteError> {
        self.send(&[IoSlice::new(record)], Duration::ZERO)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn try_write_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), WriteError> {
        self.send(parts, Duration::ZERO)
    }

    /// Asks the reader to say when there is room. True if there is already.
    #[cfg(feature = "tokio")]
    pub(crate) fn ask_for_room(&mut self) -> Result<bool, WriteError> {
        match self.link.as_mut().map(Link::ask_for_room) {
            None | Some(Ok(true)) => Ok(true),
            Some(Ok(false)) => Ok(false),
            Some(Err(Failure::Io(action, source))) => {
                Err(WriteError::Io { name: self.name.clone(), action, source })
            }
            // The next attempt to write says what it is.
            Some(Err(_)) => Ok(true),
        }
    }

    /// The socket on which the reader says that there is room, and a number for this connection.
    #[cfg(feature = "tokio")]
    pub(crate) fn connection(&self) -> Option<(u64, std::os::fd::BorrowedFd<'_>)> {
        self.link.as_ref().map(|link| (self.connections, link.socket()))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn shared_name(&self) -> Arc<SlotName> {
        self.name.clone()
    }

    /// The largest record in bytes, as given to the slot's creator: 0 and `u32::MAX` mean no limit
    /// but the quota.
    pub fn max_record_size(&self) -> u32 {
        self.limits.max_record
    }

    /// Bytes of unread records that may wait through this handle.
    pub fn quota(&self) -> u64 {
        self.limits.quota
    }

    #[inline]
    fn send(&mut self, parts: &[IoSlice<'_>], patience: Duration) -> Result<(), WriteError> {
        if let Some(link) = &mut self.link {
            match link.send(parts) {
                Ok(()) => return Ok(()),
                Err(failure) => return self.resend(failure, parts, patience),
            }
        }
        self.resend(Failure::Unopened, parts, patience)
    }

    /// What a write does that didn't succeed at once.
    #[cold]
    fn resend(
        &mut self,
        mut failure: Failure,
        parts: &[IoSlice<'_>],
        patience: Duration,
    ) -> Result<(), WriteError> {
        let deadline = Instant::now().checked_add(patience);
        let left = || deadline.map_or(patience, |d| d.saturating_duration_since(Instant::now()));
        let mut evictions = 0;
        loop {
            match failure {
                Failure::Evicted if evictions == MAX_EVICTIONS => {
                    let source = std::io::Error::other("its reader closes every connection");
                    return Err(WriteError::Io {
                        name: self.name.clone(),
                        action: "connecting",
                        source,
                    });
                }
                // Nothing of the record was sent, so nothing can be doubled.
                Failure::Unopened | Failure::Evicted => {
                    evictions += 1;
                    let link = open(&self.name, &self.dir, left())?;
                    self.limits = link.limits();
                    self.link = Some(link);
                    self.connections += 1;
                }
                // However often the reader says that there is room.
                Failure::Full if left().is_zero() => return Err(self.full()),
                Failure::Full => {
                    let waited = match &mut self.link {
                        Some(link) => link.wait_for_room(left()),
                        None => Ok(true),
                    };
                    match waited {
                        Ok(true) => {}
                        Ok(false) => return Err(self.full()),
                        Err(other) => {
                            failure = other;
                            continue;
                        }
                    }
                }
                Failure::TooLarge { len, max } => {
                    return Err(WriteError::TooLarge { name: self.name.clone(), len, max });
                }
                Failure::Gone => {
                    self.link = None;
                    return Err(WriteError::SlotGone(self.name.clone()));
                }
                Failure::Io(action, source) => {
                    return Err(WriteError::Io { name: self.name.clone(), action, source });
                }
            }
            match self.link.as_mut().map(|link| link.send(parts)) {
                None | Some(Ok(())) => return Ok(()),
                Some(Err(again)) => failure = again,
            }
        }
    }

    fn full(&self) -> WriteError {
        WriteError::Full { name: self.name.clone(), quota: self.limits.quota }
    }
}

/// A further handle to the same slot. It opens its own connection at its first write.
impl Clone for MailslotWriter {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            dir: self.dir.clone(),
            options: self.options,
            limits: self.limits,
            link: None,
            connections: 0,
        }
    }
}

fn open(name: &Arc<SlotName>, dir: &Path, patience: Duration) -> Result<Link, OpenError> {
    let io = |action, source| OpenError::Io { name: name.clone(), action, source };
    match connect(&dir.join(registry::SOCKET), patience) {
        Ok(connection) => {
            if name.file_name_is_hashed() {
                let found = registry::metadata(dir).map_err(|e| io("reading its metadata", e))?;
                if found.name != **name {
                    let other = std::io::Error::other(format!(
                        "the slot {} lies where this one would; choose another name",
                        found.name
                    ));
                    return Err(io("telling it from others", other));
                }
            }
            Ok(Link::new(connection))
        }
        Err(ConnectError::Absent | ConnectError::Refused) => {
            Err(OpenError::NoSuchSlot(name.clone()))
        }
        Err(ConnectError::Full) => Err(OpenError::Full(name.clone())),
        Err(ConnectError::Denied) => {
            let owner = registry::metadata(dir).map_or_else(
                |_| "another user".to_owned(),
                |found| crate::record::describe_user(found.uid),
            );
            Err(OpenError::AccessDenied { name: name.clone(), owner })
        }
        Err(ConnectError::Foreign) => {
            let other = std::io::Error::other("something that is no mailslot listens there");
            Err(io("connecting", other))
        }
        Err(ConnectError::Io(source)) => Err(io("connecting", source)),
    }
}
