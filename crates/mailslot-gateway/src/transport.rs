//! How gateways reach each other: frames of bytes that may be lost, doubled, delayed or overtaken,
//! but whose source is proven. Everything else (order, repetition, duplicates, fragments) is the
//! core's.
//!
//! A transport gets an [`EventSink`] and pushes into it from whatever threads it has; pushing never
//! blocks. Frames past the sink's bounds are dropped, which the core repairs as any other loss.

use std::fmt;
use std::sync::Arc;

mod events;
pub mod memory;
#[cfg(test)]
mod tests;
#[cfg(feature = "zenoh")]
pub mod zenoh;

pub use events::{EventSink, EventSource, Events, events};

/// One computer in one domain: the end of a path of frames. Names are folded, so two of them are
/// equal iff they mean the same computer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId {
    domain: Arc<str>,
    computer: Arc<str>,
}

impl PeerId {
    /// The computer `computer` of domain `domain`, in any letter case.
    pub fn new(domain: &str, computer: &str) -> Self {
        use mailslot_wire::name::fold_case;
        Self { domain: fold_case(domain).into(), computer: fold_case(computer).into() }
    }

    /// The domain's name, folded.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The computer's name, folded.
    pub fn computer(&self) -> &str {
        &self.computer
    }
}

/// `joe.workgroup`
impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.computer, self.domain)
    }
}

/// One domain that this computer belongs to, as its authority describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The domain's name, as people write it.
    pub name: String,
    /// This computer's name in it.
    pub own: String,
    /// All its computers, reachable or not, with or without this one.
    pub computers: Vec<String>,
    /// Computers that are invited, and may have accepted or not: they can be named, but the domain's
    /// name doesn't mean them yet.
    pub invited: Vec<String>,
}

impl Domain {
    /// All that can be named.
    pub(crate) fn named(&self) -> impl Iterator<Item = &String> {
        self.computers.iter().chain(&self.invited)
    }
}

/// The domains that this computer belongs to, the primary one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The domains.
    pub domains: Vec<Domain>,
}

/// Why a frame was not taken. None of it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// What was given before waits still. [`EventSink::ready`] says when to go on; a sender tries
    /// again by itself, too.
    #[error("the path to this computer is busy")]
    Busy,
    /// There is no path to this computer.
    #[error("there is no path to this computer")]
    Unreachable,
}

/// How frames get to a computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a connection of our own.
    Direct,
    /// By others, such as Zenoh.
    Relayed,
}

/// Frames that took either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Sent directly.
    pub direct_sent: u64,
    /// Received directly.
    pub direct_received: u64,
    /// Sent by others.
    pub relayed_sent: u64,
    /// Received by others.
    pub relayed_received: u64,
}

/// What a transport may put behind a frame: who makes one leaves so much capacity, so that it needn't
/// be copied.
pub const FRAME_SPARE: usize = 32;

/// A way to send frames to other gateways.
pub trait Transport: Send + Sync {
    /// Sends `frame` (at most [`largest_frame`](Self::largest_frame) bytes), or refuses it. Never
    /// waits. Taken means neither sent nor received.
    fn send(&self, to: &PeerId, frame: Vec<u8>) -> Result<(), SendError>;

    /// The size of the largest frame, in bytes. At least 1024, and always the same.
    fn largest_frame(&self) -> usize;

    /// How frames get to a computer now, if they do.
    fn way(&self, to: &PeerId) -> Option<Way>;

    /// What has taken which way so far.
    fn traffic(&self) -> Traffic;
}
