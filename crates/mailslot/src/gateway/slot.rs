//! The slot that a gateway reads.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mailslot_wire::computer::is_computer_name;
use mailslot_wire::limits::Limits;

use super::Connection;
use crate::clock;
use crate::{Access, CreateError, Mailslot, MailslotOptions, ReadError, SlotName};

/// After so many bytes a batch ends, however many records were asked for.
const BATCH_BYTES: usize = 4 << 20;

/// What the gateway's slot is called in errors. It lies where no slot of that name would.
const NAME: &str = r"\\.\mailslot\gateway";

/// The options of a gateway's slot.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    computer: String,
    options: MailslotOptions,
}

impl GatewayOptions {
    /// For the computer that other computers call `computer`. Everyone on it may write.
    pub fn new(computer: impl Into<String>) -> Self {
        let mut options = MailslotOptions::new();
        options.access(Access::Everyone);
        Self { computer: computer.into(), options }
    }

    /// Who on this computer may write to others.
    pub fn access(&mut self, access: Access) -> &mut Self {
        self.options.access(access);
        self
    }

    /// How many bytes may wait for the gateway, for each writer: 64 MiB by default. No record can
    /// be larger.
    pub fn quota(&mut self, bytes: u64) -> &mut Self {
        self.options.quota(bytes);
        self
    }

    /// The largest record that may be written to other computers; 0 for no limit but the quota.
    pub fn max_record_size(&mut self, bytes: u32) -> &mut Self {
        self.options.max_record_size(bytes);
        self
    }

    /// Creates the slot. Fails if a gateway is running already.
    pub fn create(&self) -> Result<GatewaySlot, CreateError> {
        let (name, options) = self.checked()?;
        Mailslot::create_with(&options, name).map(GatewaySlot::new).map_err(running)
    }

    /// Creates the slot on a socket on which a service manager has listened so far: one for
    /// sequenced packets, at `mailslot-gateway/s` in the registry. Programs that have connected by
    /// now are served. It takes records of up to 32 MiB, with a quota of 64 MiB; who may write is up to
    /// the socket's mode. When the slot ends, the service manager goes on listening.
    pub fn create_on(&self, listener: OwnedFd) -> Result<GatewaySlot, CreateError> {
        let (name, mut options) = self.checked()?;
        let Limits { max_record, quota } = Limits::GATEWAY;
        options.max_record_size(max_record).quota(quota);
        Mailslot::create_on(listener, &options, name).map(GatewaySlot::new).map_err(running)
    }

    fn checked(&self) -> Result<(SlotName, MailslotOptions), CreateError> {
        let name = SlotName::parse(NAME)?;
        if !is_computer_name(&self.computer) {
            let reason = format!("{:?} can't be the name of a computer", self.computer);
            return Err(CreateError::Option { name, reason });
        }
        let mut options = self.options.clone();
        options.gateway = Some(self.computer.clone());
        Ok((name, options))
    }
}

/// The error if there is a gateway already, or somebody who starts it when it is needed.
fn running(error: CreateError) -> CreateError {
    match error {
        CreateError::AlreadyExists { name, pid: 0, .. } => CreateError::Option {
            name,
            reason:
                "a service manager listens in its place, and starts the gateway when a program \
                     writes to another computer; stop that first (`systemctl stop \
                     mailslot-gateway.socket`)"
                    .to_owned(),
        },
        CreateError::AlreadyExists { pid, owner, .. } => CreateError::GatewayRuns { pid, owner },
        other => other,
    }
}

impl Default for GatewayOptions {
    /// For a computer called by its host name up to the first dot.
    fn default() -> Self {
        Self::new(crate::host_name())
    }
}

/// The slot to which this computer's writers of remote names connect. There is one at a time; it
/// ends with this handle, and its writers learn that at once.
///
/// As a descriptor ([`AsFd`]) it is readable when [`receive`](Self::receive) has something to give.
#[derive(Debug)]
pub struct GatewaySlot {
    slot: Mailslot,
}

/// Something that a writer of a remote name did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// One has connected, and said where its records go. Nobody has been told yet whether that is
    /// known: see [`Connection::tell_target`].
    Opened(Arc<Connection>),
    /// One has written.
    Record(GatewayRecord),
    /// One has left. All that it wrote has been given out before; it can't be answered any more.
    Closed(Arc<Connection>),
}

/// A record for another computer.
#[derive(Debug)]
#[non_exhaustive]
pub struct GatewayRecord {
    /// Whose it is.
    pub connection: Arc<Connection>,
    /// Which of the connection's records it is: counted from 0, or, if it is confirmed, from where
    /// its write handle has got to.
    pub number: u64,
    /// The record.
    pub bytes: Vec<u8>,
    /// How long the writer waits for the [reply](Connection::reply), if it does.
    pub timeout: Option<Duration>,
    pub(crate) stamp: u64,
}

impl GatewayRecord {
    /// When its write began, by the writer's word.
    pub fn written(&self) -> SystemTime {
        clock::time_of_day(self.stamp)
    }
}

/// Openings and closings that have not been given out.
#[derive(Debug, Default)]
pub(crate) struct EventQueue(pub(crate) VecDeque<Event>);

impl GatewaySlot {
    fn new(slot: Mailslot) -> Self {
        Self { slot }
    }

    /// Waits until something has happened, at most `timeout` (`None`: for ever), and appends it to
    /// `events`, with what has happened besides: in all not much more than `most` events, or 4 MiB of
    /// records. Of several threads that wait each event goes to one.
    ///
    /// Between connections records come in order of arrival. Of one connection come first that it
    /// was opened, then its records, then that it was closed.
    pub fn receive(
        &self,
        events: &mut Vec<Event>,
        most: usize,
        timeout: Option<Duration>,
    ) -> Result<(), ReadError> {
        let before = events.len();
        self.slot.with_core(timeout, |core| {
            let mut bytes = 0;
            while events.len() - before < most.max(1) && bytes < BATCH_BYTES {
                let next = core.next_or_collect()?;
                // Also those of the record's connection, if it is new.
                events.extend(core.events().0.drain(..));
                let Some((place, next)) = next else { break };
                if let Some(record) = core.take_for_gateway(place, &next)? {
                    bytes += record.bytes.len();
                    events.push(Event::Record(record));
                }
            }
            Ok((events.len() > before).then_some(()))
        })
    }

    /// Takes no records of `connection` until it is [released](Self::release): they wait where the
    /// writer has put them, and when that is full the writer learns it, as from any slot. Others
    /// aren't affected. That it has left is not told before.
    pub fn hold(&self, connection: &Connection) -> Result<(), ReadError> {
        self.set_held(connection, true)
    }

    /// Takes the records of `connection` again.
    pub fn release(&self, connection: &Connection) -> Result<(), ReadError> {
        self.set_held(connection, false)
    }

    fn set_held(&self, connection: &Connection, held: bool) -> Result<(), ReadError> {
        self.slot.with_core(Some(Duration::ZERO), |core| {
            core.hold(connection.id(), held);
            Ok(Some(()))
        })
    }

    /// Ends the [`receive`](Self::receive) of other threads with [`ReadError::Cancelled`].
    pub fn cancel(&self) {
        self.slot.cancel();
    }

    /// The slot's directory in the registry. The gateway may have a socket called `status` there,
    /// which is cleared away with the slot.
    pub fn dir(&self) -> &Path {
        self.slot.dir()
    }
}

/// Becomes readable when [`GatewaySlot::receive`] has something to give.
impl AsFd for GatewaySlot {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.slot.as_fd()
    }
}
