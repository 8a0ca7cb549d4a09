//! From a transport's threads to the one that runs the gateway, without ever blocking the former.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use super::{Membership, PeerId};

/// Bytes of frames that wait from one peer, so that a flood from one leaves room for the others.
const PEER_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of frames that wait from all peers.
const ALL_BYTES: usize = 64 * 1024 * 1024;

/// What a frame costs besides its bytes.
const FRAME_COST: usize = 128;

/// What a transport has told since it was last asked.
#[derive(Debug, Default)]
pub struct Events {
    /// The domains and their computers, if they have changed.
    pub membership: Option<Membership>,
    /// Peers that can be reached now (`true`), or not any more.
    pub reachable: HashMap<PeerId, bool>,
    /// Peers that were busy, and take frames again.
    pub ready: Vec<PeerId>,
    /// Frames, in the order they came, with the proven source of each.
    pub frames: VecDeque<(PeerId, Vec<u8>)>,
    /// Frames that were dropped since there was no room for them.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Pending {
    events: Events,
    bytes: usize,
    bytes_of: HashMap<PeerId, usize>,
    /// The bell has been rung, and not been heard yet.
    rung: bool,
}

impl Pending {
    fn frame(&mut self, from: PeerId, bytes: Vec<u8>) {
        let cost = bytes.len() + FRAME_COST;
        let of_peer = self.bytes_of.get(&from).copied().unwrap_or(0);
        if of_peer + cost > PEER_BYTES || self.bytes + cost > ALL_BYTES {
            self.events.dropped += 1;
            return;
        }
        self.bytes += cost;
        self.bytes_of.insert(from.clone(), of_peer + cost);
        self.events.frames.push_back((from, bytes));
    }
}

#[derive(Debug)]
struct Shared {
    pending: Mutex<Pending>,
    bell: OwnedFd,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing below panics half way.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport's end: clones push from any thread.
#[derive(Clone, Debug)]
pub struct EventSink(Arc<Shared>);

/// The gateway's end.
#[derive(Debug)]
pub struct EventSource(Arc<Shared>);

/// Makes a channel for events. Fails if the process has no descriptors left.
pub fn events() -> std::io::Result<(EventSink, EventSource)> {
    let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let shared = Arc::new(Shared { pending: Mutex::default(), bell });
    Ok((EventSink(shared.clone()), EventSource(shared)))
}

impl EventSink {
    /// A frame came. Its source is `from`, proven by the transport.
    pub fn frame(&self, from: PeerId, bytes: Vec<u8>) {
        self.push(|pending| pending.frame(from, bytes));
    }

    /// Frames came from `from`: leaves `frames` empty.
    pub fn frames(&self, from: &PeerId, frames: &mut Vec<Vec<u8>>) {
        self.push(|pending| {
            frames.drain(..).for_each(|bytes| pending.frame(from.clone(), bytes));
        });
    }

    /// `peer` can be reached now.
    pub fn up(&self, peer: PeerId) {
        self.push(|pending| {
            pending.events.reachable.insert(peer, true);
        });
    }

    /// `peer` can't be reached any more.
    pub fn down(&self, peer: PeerId) {
        self.push(|pending| {
            pending.events.reachable.insert(peer, false);
        });
    }

    /// `peer`, which was busy, takes frames again.
    pub fn ready(&self, peer: PeerId) {
        self.push(|pending| {
            if !pending.events.ready.contains(&peer) {
                pending.events.ready.push(peer);
            }
        });
    }

    /// The domains, or their computers, are these now.
    pub fn membership(&self, membership: Membership) {
        self.push(|pending| pending.events.membership = Some(membership));
    }

    fn push(&self, change: impl FnOnce(&mut Pending)) {
        let mut pending = self.0.lock();
        change(&mut pending);
        // Under the lock, so that whoever takes has the bell's ring, too.
        if !std::mem::replace(&mut pending.rung, true) {
            // It fails only when the bell rings already.
            let _ = rustix::io::write(&self.0.bell, &1u64.to_ne_bytes());
        }
    }
}

impl EventSource {
    /// Takes everything that was told so far. Doesn't wait.
    pub fn take(&self) -> Events {
        let mut pending = self.0.lock();
        if std::mem::take(&mut pending.rung) {
            let _ = rustix::io::read(&self.0.bell, &mut [0; 8]);
        }
        pending.bytes = 0;
        pending.bytes_of.clear();
        std::mem::take(&mut pending.events)
    }
}

/// Readable when there is something to [`take`](EventSource::take).
impl AsFd for EventSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.bell.as_fd()
    }
}
