//! The write handle.

mod answers;
mod bell;
mod confirmed;
mod hello;
mod link;
mod open;
mod socket;

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailslot_wire::limits::Limits;

use mailslot_wire::answer::TargetState;

use crate::{OpenError, SlotName, WriteError, clock};

use hello::Purpose;
#[cfg(feature = "tokio")]
pub(crate) use link::LOOK_FOR_ROOM;
use link::{Failure, Link};

/// How often a write connects anew before it blames the reader for closing each connection.
const MAX_EVICTIONS: u32 = 100;

/// The options of a write handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterOptions {
    patience: Duration,
    confirmed: bool,
}

impl WriterOptions {
    /// Nothing waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a write waits for room when the slot is full, and how long opening waits when the
    /// system holds no more new writers for a reader that doesn't run. Zero (not at all) by
    /// default.
    ///
    /// With a remote name, a write that may wait also waits a moment (10 ms at most, and only while
    /// the gateway doesn't stand still) for a gateway that is far behind: that is faster than filling
    /// much memory.
    pub fn wait_when_full(&mut self, time: Duration) -> &mut Self {
        self.patience = time;
        self
    }

    /// Whether the handle is for [`write_confirmed`](MailslotWriter::write_confirmed) instead of
    /// the other writes. It is one or the other.
    pub fn confirmed(&mut self, yes: bool) -> &mut Self {
        self.confirmed = yes;
        self
    }

    /// Opens the slot `name` for writing. Doesn't wait for its reader to notice.
    ///
    /// A remote name is opened through this computer's gateway. `localhost` and this computer's own
    /// name mean the slot here.
    pub fn open<N>(&self, name: N) -> Result<MailslotWriter, OpenError>
    where
        N: TryInto<SlotName>,
        OpenError: From<N::Error>,
    {
        MailslotWriter::resolve(*self, name.try_into()?)
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
/// that the handle recovers as soon as a reader is back. A handle that has written nothing yet has
/// nothing to lose, and looks for the name at once.
///
/// With a remote name ([`Host`](crate::Host)) the gateway of this computer takes the records, and
/// `Ok` means that it will do what it can: what is lost then is counted, see
/// [`MailslotWriter::lost`]. To know what became of each, use a handle for
/// [confirmed](WriterOptions::confirmed) writes.
///
/// ```no_run
/// let mut slot = mailslot::MailslotWriter::open(r"\\.\mailslot\taxes\sue")?;
/// slot.write(b"a record")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MailslotWriter {
    name: Arc<SlotName>,
    /// Where the slot listens; resolved once, so that a handle means one slot.
    socket: Arc<PathBuf>,
    purpose: Purpose,
    options: WriterOptions,
    limits: Limits,
    /// `None`: to be opened by the next write.
    link: Option<Link>,
    /// How many connections it has had.
    connections: u64,
    /// The link of a handle for confirmed writes, between them: other writes must not find one.
    parked: Option<Link>,
    /// What this handle calls itself to gateways, if it is for confirmed writes.
    handle: Option<[u8; 16]>,
    /// The number of the next confirmed record.
    confirmed: u64,
    /// How many records were lost of earlier connections.
    lost: u64,
}

impl MailslotWriter {
    /// Opens the slot `name` for writing. Doesn't wait for its reader to notice.
    ///
    /// A remote name is opened through this computer's gateway. `localhost` and this computer's own
    /// name mean the slot here.
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

    /// The slot's name, as it was opened, or the local form of it if it means this computer.
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

    /// How many of this handle's records will never arrive, as far as this computer's gateway has
    /// said so far. Of a local slot none is lost.
    pub fn lost(&mut self) -> u64 {
        let link = self.link.as_mut().or(self.parked.as_mut());
        self.lost + link.map_or(0, Link::lost)
    }

    /// Writes one record as if when the clock showed `stamp`, or fails at once.
    pub(crate) fn write_at(&mut self, record: &[u8], stamp: u64) -> Result<(), WriteError> {
        self.send_at(&[IoSlice::new(record)], Duration::ZERO, stamp)
    }

    /// Writes one record if that takes nothing but memory and perhaps the bell. False: nothing was
    /// written, and [`MailslotWriter::write`] does it or says why not.
    #[doc(hidden)]
    #[inline]
    pub fn write_at_hand(&mut self, record: &[u8]) -> bool {
        match &mut self.link {
            Some(link) if self.options.patience.is_zero() => {
                link.send_at_hand(&[IoSlice::new(record)], clock::now())
            }
            _ => false,
        }
    }

    #[inline]
    fn send(&mut self, parts: &[IoSlice<'_>], patience: Duration) -> Result<(), WriteError> {
        self.send_at(parts, patience, clock::now())
    }

    /// One call for each record: all that it does in a ring is inlined here.
    #[inline(never)]
    fn send_at(
        &mut self,
        parts: &[IoSlice<'_>],
        patience: Duration,
        stamp: u64,
    ) -> Result<(), WriteError> {
        if let Some(link) = &mut self.link {
            match link.send(parts, stamp) {
                Ok(()) => {
                    if !patience.is_zero() {
                        link.pace(parts, patience);
                    }
                    return Ok(());
                }
                Err(failure) => return self.resend(failure, parts, patience),
            }
        }
        self.resend(Failure::Unopened, parts, patience)
    }

    #[cold]
    fn resend(
        &mut self,
        failure: Failure,
        parts: &[IoSlice<'_>],
        patience: Duration,
    ) -> Result<(), WriteError> {
        if self.options.confirmed {
            return Err(WriteError::ForConfirmed(self.name.clone()));
        }
        self.retry(failure, parts, patience)
    }

    /// What a write does that didn't succeed at once.
    fn retry(
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
                    self.disconnect();
                    self.connect(left())?;
                }
                // However often the reader says that there is room.
                Failure::Full if left().is_zero() => return Err(self.full()),
                Failure::Full => {
                    let waited = match &mut self.link {
                        Some(link) => link.wait_for_room(length(parts), left()),
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
                other => return Err(self.explain(other)),
            }
            match self.link.as_mut().map(|link| link.send(parts, clock::now())) {
                None | Some(Ok(())) => return Ok(()),
                Some(Err(again)) => failure = again,
            }
        }
    }

    /// The error that a failure is, if nothing can be done about it.
    fn explain(&mut self, failure: Failure) -> WriteError {
        let name = self.name.clone();
        match failure {
            Failure::TooLarge { len, max } => WriteError::TooLarge { name, len, max },
            Failure::Full => self.full(),
            Failure::Refused(TargetState::Denied) => WriteError::Denied(name),
            Failure::Refused(_) => WriteError::ComputerNotFound(name),
            Failure::Io(action, source) => WriteError::Io { name, action, source },
            Failure::Gone | Failure::Evicted | Failure::Unopened => {
                self.disconnect();
                match self.purpose {
                    Purpose::Remote => WriteError::GatewayGone(name),
                    Purpose::Local | Purpose::Forward(_) => WriteError::SlotGone(name),
                }
            }
        }
    }

    fn full(&self) -> WriteError {
        WriteError::Full { name: self.name.clone(), quota: self.limits.quota }
    }
}

#[inline]
fn length(parts: &[IoSlice<'_>]) -> u64 {
    match parts {
        // A loop costs more.
        [part] => part.len() as u64,
        _ => parts.iter().map(|part| part.len() as u64).sum(),
    }
}

/// A further handle to the same slot. It opens its own connection at its first write.
impl Clone for MailslotWriter {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            socket: self.socket.clone(),
            purpose: self.purpose.clone(),
            options: self.options,
            limits: self.limits,
            link: None,
            connections: 0,
            parked: None,
            handle: None,
            confirmed: 0,
            lost: 0,
        }
    }
}
