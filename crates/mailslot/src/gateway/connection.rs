//! A writer of a remote name, as the gateway sees it.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use mailslot_wire::answer::{self, Outcome, TargetState};
use mailslot_wire::message::Confirmed;
use rustix::net::SendFlags;

use crate::{Sender, SlotName};

/// A connection of a writer of a remote name. Its answers can be given from any thread and never
/// wait.
pub struct Connection {
    id: u64,
    target: SlotName,
    confirmed: Option<Confirmed>,
    sender: Sender,
    /// Open for as long as the slot knows the writer.
    socket: Weak<OwnedFd>,
}

impl Connection {
    pub(crate) fn new(
        id: u64,
        target: SlotName,
        confirmed: Option<Confirmed>,
        sender: Sender,
        socket: &Arc<OwnedFd>,
    ) -> Self {
        Self { id, target, confirmed, sender, socket: Arc::downgrade(socket) }
    }

    /// A number that no other connection to this gateway's slot has or had.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The name that was opened, a remote one.
    pub fn target(&self) -> &SlotName {
        &self.target
    }

    /// Whether the writer waits for a [`reply`](Self::reply) to each record.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed.is_some()
    }

    /// What the write handle calls itself, if it is for confirmed writes. It says the same, and goes
    /// on with the same numbers, when it connects anew because a gateway has gone; then its first
    /// record can be one that that gateway has had. It is the writer's word: take it together with
    /// its [`sender`](Self::sender).
    pub fn handle(&self) -> Option<[u8; 16]> {
        self.confirmed.map(|confirmed| confirmed.handle)
    }

    /// The number of its first record.
    pub(crate) fn first(&self) -> u64 {
        self.confirmed.map_or(0, |confirmed| confirmed.first)
    }

    /// Who writes, as the kernel says.
    pub fn sender(&self) -> Sender {
        self.sender
    }

    /// Says whether the target is known, now or as that changes: while it isn't, the writer's
    /// writes fail.
    ///
    /// The first write through a connection waits for this, for a short time; so say it as soon as
    /// the connection is [opened](super::Event::Opened), from what is known at that moment.
    ///
    /// False if the writer can't be told now: it has left, or has not read very many answers.
    pub fn tell_target(&self, state: TargetState) -> bool {
        self.send(&answer::target(state))
    }

    /// Says how many of this connection's records are lost so far, all in all. If it can't be told
    /// now (false), tell it again later.
    pub fn tell_lost(&self, records: u64) -> bool {
        self.send(&answer::lost(records))
    }

    /// Says what became of a confirmed record on these computers. `last`: that is all there is to
    /// say about it, and the writer need wait no longer. A computer's later outcome replaces its
    /// earlier.
    ///
    /// False if the writer can't be told: it has left, or has not read very many answers. It takes
    /// what it wasn't told for [`Outcome::NoAnswer`].
    pub fn reply<'a>(
        &self,
        record: u64,
        last: bool,
        outcomes: impl IntoIterator<Item = (Outcome, &'a str)>,
    ) -> bool {
        answer::outcomes(record, last, outcomes).iter().all(|datagram| self.send(datagram))
    }

    fn send(&self, datagram: &[u8]) -> bool {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        self.socket
            .upgrade()
            .is_some_and(|socket| rustix::net::send(&*socket, datagram, flags).is_ok())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("target", &self.target)
            .field("confirmed", &self.confirmed)
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}
