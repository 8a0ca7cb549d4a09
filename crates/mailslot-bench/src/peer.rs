//! What is compared. Each peer in the form that its own documentation recommends for many writers
//! and one reader, tuned.

use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

pub(crate) mod mailslot;
pub(crate) mod memory;
pub(crate) mod mqueue;
pub(crate) mod pipe;
pub(crate) mod ring;
pub(crate) mod unix;

#[cfg(feature = "iceoryx2")]
pub(crate) mod iceoryx;
#[cfg(feature = "ipc-channel")]
pub(crate) mod ipc;
#[cfg(feature = "nng")]
pub(crate) mod nng;
#[cfg(feature = "zeromq")]
pub(crate) mod zeromq;

/// Where and how reader and writers meet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    /// A directory of their own, in memory.
    pub(crate) dir: PathBuf,
    pub(crate) name: String,
    /// How many writers there will be at once.
    pub(crate) writers: usize,
    /// Bytes of a record.
    pub(crate) size: usize,
    /// Wait for records by looking, not by sleeping.
    pub(crate) spin: bool,
    /// Writers come, write one record and go.
    pub(crate) one_shot: bool,
    /// Bytes that may wait, where it can be chosen.
    pub(crate) quota: u64,
}

impl Address {
    pub(crate) fn path(&self, suffix: impl std::fmt::Display) -> PathBuf {
        self.dir.join(format!("{}{suffix}", self.name))
    }
}

/// The reading end.
pub(crate) trait Rx: Sized {
    fn listen(at: &Address) -> Result<Self>;
    /// Waits for the next record.
    fn recv(&mut self, into: &mut [u8]) -> Result<usize>;
}

/// A writing end.
pub(crate) trait Tx: Sized {
    fn connect(at: &Address, writer: usize) -> Result<Self>;
    /// Sends one record, waiting for room if there is none.
    fn send(&mut self, record: &[u8]) -> Result<()>;
    /// Sends one record if there is room.
    fn try_send(&mut self, record: &[u8]) -> Result<bool>;
}

/// Looks in vain before the processor is offered to others. With more processes than processors,
/// looking on would only use up the time slice that the other side needs.
const LOOKS: u32 = 400;

/// Waits a moment before the next look.
#[inline]
pub(crate) fn pause(looks: &mut u32) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// Something that carries records.
pub(crate) trait Peer {
    type Rx: Rx;
    type Tx: Tx;
}

/// Code that runs with one of the peers.
pub(crate) trait Visitor {
    type Out;
    fn visit<P: Peer>(self) -> Self::Out;
}

macro_rules! peers {
    ($($(#[$cfg:meta])? $kind:ident, $name:literal, $type:ty;)*) => {
        /// The peers of this build.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub(crate) enum Kind { $($(#[$cfg])? #[serde(rename = $name)] $kind,)* }

        /// The peers of all builds, in the order in which they are shown.
        pub(crate) const ALL_NAMES: &[&str] = &[$($name,)*];

        impl Kind {
            pub(crate) const ALL: &[Kind] = &[$($(#[$cfg])? Kind::$kind,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $($(#[$cfg])? Kind::$kind => $name,)* }
            }

            pub(crate) fn accept<V: Visitor>(self, visitor: V) -> V::Out {
                match self { $($(#[$cfg])? Kind::$kind => visitor.visit::<$type>(),)* }
            }
        }
    };
}

peers! {
    Mailslot, "mailslot", mailslot::Slots;
    Ring, "bare ring", ring::Rings;
    Memory, "bare memory", memory::Memory;
    Seqpacket, "SEQPACKET", unix::Seqpacket;
    Datagram, "datagram", unix::Datagram;
    Mqueue, "mqueue", mqueue::Queue;
    Pipe, "pipe", pipe::Pipe;
    #[cfg(feature = "zeromq")] Zeromq, "ZeroMQ", zeromq::PushPull;
    #[cfg(feature = "nng")] Nng, "nng", nng::PushPull;
    #[cfg(feature = "iceoryx2")] Iceoryx, "iceoryx2", iceoryx::Polling;
    #[cfg(feature = "iceoryx2")] IceoryxEvent, "iceoryx2 event", iceoryx::Events;
    #[cfg(feature = "ipc-channel")] IpcChannel, "ipc-channel", ipc::Channel;
}
