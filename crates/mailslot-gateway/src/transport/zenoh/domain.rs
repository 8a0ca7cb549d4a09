//! One domain: what its threads share. The gateway's thread sends, Zenoh's threads receive, and
//! the [keeper](super::keeper) looks after everything else.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use zenoh::qos::CongestionControl;
use zenoh::{Session, Wait};

use super::direct::Sent;
use super::outbox::{Outbox, Parcel};
use super::peers::{Peer, Peers};
use super::seal::{self, Greeting};
use super::{Shared, direct, wire};
use crate::identity;
use crate::transport::{PeerId, SendError};

/// The largest frame: with all that Zenoh adds, a batch of 64 KiB holds it.
pub(super) const LARGEST_FRAME: usize = 64_000;

/// Longer frames don't wait for a greeting. All that can't wait to be said is shorter.
const LONGEST_EARLY: usize = 1 << 10;

/// What the keeper is told.
pub(super) enum Note {
    /// A run of a computer's gateway came or went.
    Seen { computer: String, run: String, is_there: bool },
    /// A greeting.
    Greeting { from: String, bytes: Vec<u8> },
    /// A sealed frame that seems to have come before the greeting that its keys are from.
    Early { from: String, payload: Vec<u8> },
    /// A member list with this serial number, as its sender says.
    List { from: String, serial: u64, text: Vec<u8> },
    /// A computer asks the authority, which may be this one, for a renewal.
    Request { from: String, text: Vec<u8> },
    /// The authority's answer.
    Renewal { from: String, text: Vec<u8> },
    /// A computer tells where it takes direct connections.
    Offer { from: String, text: Vec<u8> },
    /// Files have changed.
    Changed,
    /// Messages are being thrown away.
    Refused,
    /// The end.
    Stop,
}

/// One domain.
pub(super) struct Domain {
    /// Its name, as people write it.
    pub(super) name: String,
    /// This computer's name in it.
    pub(super) own: String,
    pub(super) shared: Arc<Shared>,
    pub(super) peers: RwLock<Peers>,
    pub(super) session: OnceLock<Session>,
    notes: SyncSender<Note>,
    /// Numbers for sealing: none is used twice.
    pub(super) counter: AtomicU64,
    /// What could not be opened since the last look.
    pub(super) refused: Mutex<Refused>,
    /// Lists that wait for the keeper.
    pub(super) lists: Waiting,
}

/// How many bytes of member lists wait. They may be large, and anybody in the domain can send some.
#[derive(Default)]
pub(super) struct Waiting(AtomicUsize);

impl Waiting {
    const MOST: usize = 8 * identity::members::MAX_BYTES;

    /// Whether there is room for one of so many bytes, which is taken.
    fn try_take(&self, bytes: usize) -> bool {
        let fits = |waiting: usize| Some(waiting + bytes).filter(|all| *all <= Self::MOST);
        bytes <= identity::members::MAX_BYTES
            && self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    /// One of so many bytes waits no more.
    pub(super) fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Frames that were thrown away since nobody in the domain can have sent them.
#[derive(Default)]
pub(super) struct Refused {
    pub(super) frames: u64,
    pub(super) last: String,
}

impl Domain {
    pub(super) fn new(
        identity: &identity::Identity,
        peers: Peers,
        shared: Arc<Shared>,
        notes: SyncSender<Note>,
    ) -> Self {
        Self {
            name: identity.domain.clone(),
            own: identity.computer.clone(),
            shared,
            peers: RwLock::new(peers),
            session: OnceLock::new(),
            notes,
            counter: AtomicU64::new(0),
            refused: Mutex::default(),
            lists: Waiting::default(),
        }
    }

    // Nothing below panics while it holds a lock.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Peers> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Peers> {
        self.peers.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a frame of the core.
    pub(super) fn send(&self, to: &PeerId, mut frame: Vec<u8>) -> Result<(), SendError> {
        let peers = self.read();
        let peer = peers.get(to.computer()).ok_or(SendError::Unreachable)?;
        frame.push(wire::DATA);
        if let Some(path) = &peer.path {
            match path.send(&self.counter, frame) {
                Sent::Taken => {
                    self.shared.traffic.direct_sent();
                    return Ok(());
                }
                Sent::Busy => return Err(SendError::Busy),
                Sent::NotDirect(back) => frame = back,
            }
        }
        if !self.sealed(peer, frame)? {
            return Err(SendError::Busy);
        }
        self.shared.traffic.zenoh_sent();
        Ok(())
    }

    /// Sends to the keeper of another gateway.
    pub(super) fn tell(&self, computer: &str, kind: u8, text: String) -> bool {
        let peers = self.read();
        let Some(peer) = peers.get(computer) else { return false };
        let mut frame = text.into_bytes();
        frame.push(kind);
        self.sealed(peer, frame).unwrap_or(false)
    }

    fn sealed(&self, peer: &Peer, frame: Vec<u8>) -> Result<bool, SendError> {
        let (Some(path), Some(outbox)) = (&peer.path, &peer.outbox) else {
            return Err(SendError::Unreachable);
        };
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Ok(outbox.push(Parcel::Sealed(path.channel.clone(), number, frame)))
    }

    /// Sends something that needs no seal: a greeting or a list.
    pub(super) fn say(&self, computer: &str, bytes: Vec<u8>) {
        let Some(session) = self.session.get() else { return };
        let (known, key) = {
            let peers = self.read();
            let known = peers.get(computer).map(|peer| (peer.id.clone(), peer.outbox.is_some()));
            (known, wire::frames(&peers.domain, computer, &peers.me))
        };
        let Some((id, has_outbox)) = known else {
            // Somebody whom we don't know: it costs nothing if it is lost.
            let _ = session.put(key, bytes).congestion_control(CongestionControl::Drop).wait();
            return;
        };
        // Made without the lock, since Zenoh has locks, too, while it calls us.
        let made = if has_outbox { None } else { self.outbox(session, key, id) };
        let mut peers = self.write();
        let Some((peer, _)) = peers.get_mut(computer) else { return };
        peer.outbox = peer.outbox.take().or(made);
        if let Some(outbox) = &peer.outbox {
            outbox.push(Parcel::Open(bytes));
        }
    }

    fn outbox(&self, session: &Session, key: String, id: PeerId) -> Option<Outbox> {
        let sink = self.shared.sink.clone();
        let publisher =
            session.declare_publisher(key).congestion_control(CongestionControl::Drop).wait();
        let made = publisher.map_err(|e| e.to_string()).and_then(|p| {
            Outbox::start(p, move || sink.ready(id.clone())).map_err(|e| e.to_string())
        });
        made.inspect_err(|why| self.log(&format!("cannot send to a computer: {why}"))).ok()
    }

    /// A payload has come. Runs on Zenoh's threads, so it never waits.
    pub(super) fn receive(&self, from: &str, payload: Cow<'_, [u8]>) {
        match payload.split_first() {
            Some((&wire::SEALED, _)) => self.open(from, payload, false),
            Some((&wire::GREETING, bytes)) if bytes.len() == Greeting::LEN => {
                self.note(Note::Greeting { from: from.to_owned(), bytes: bytes.to_vec() });
            }
            Some((&wire::LIST, rest)) => match rest.split_first_chunk() {
                Some((serial, text)) if self.lists.try_take(text.len()) => {
                    let (serial, text) = (u64::from_be_bytes(*serial), text.to_vec());
                    self.note(Note::List { from: from.to_owned(), serial, text });
                }
                _ => self.refuse(from),
            },
            _ => self.refuse(from),
        }
    }

    /// `payload` is a sealed frame, and what says so before it. Unless it `has_waited`, the greeting before it
    /// may still be among the keeper's notes, and so it goes there, too.
    pub(super) fn open(&self, from: &str, payload: Cow<'_, [u8]>, has_waited: bool) {
        let peer = {
            let peers = self.read();
            let channel = |peer: &Peer| Some(peer.path.as_ref()?.channel.clone());
            peers.get(from).map(|peer| (peer.id.clone(), channel(peer)))
        };
        let (id, channel) = match peer {
            Some((id, Some(channel))) => (id, channel),
            Some((_, None)) if !has_waited && payload.len() <= LONGEST_EARLY => {
                let (from, payload) = (from.to_owned(), payload.into_owned());
                return self.note(Note::Early { from, payload });
            }
            _ => return self.refuse(from),
        };
        let most = 1 + seal::OVERHEAD + LARGEST_FRAME + 1;
        if payload.len() > most && *id.computer() != *self.authority() {
            return self.refuse(from);
        }
        let Some(mut frame) = channel.open(payload.into_owned(), 1) else {
            return self.refuse(from);
        };
        let computer = || from.to_owned();
        match frame.pop() {
            Some(wire::DATA) => {
                self.shared.traffic.zenoh_received();
                self.shared.sink.frame(id, frame);
            }
            Some(wire::REQUEST) => self.note(Note::Request { from: computer(), text: frame }),
            Some(wire::OFFER) if frame.len() <= direct::OFFER_MAX => {
                self.note(Note::Offer { from: computer(), text: frame });
            }
            Some(wire::RENEWAL) => self.note(Note::Renewal { from: computer(), text: frame }),
            _ => self.refuse(from),
        }
    }

    /// The computer that renews the others, folded.
    pub(super) fn authority(&self) -> String {
        Peers::authority(self.read().list.list())
    }

    /// Something that claims to be from a computer is not, or makes no sense.
    pub(super) fn refuse(&self, from: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.frames += 1;
        if refused.last != from {
            refused.last = from.to_owned();
        }
        let is_first = refused.frames == 1;
        drop(refused);
        if is_first {
            // A keeper with so much to do that this is lost looks anyway.
            let _ = self.notes.try_send(Note::Refused);
        }
    }

    /// Tells the keeper, unless it is flooded: what is lost then is sent again by those who mean it.
    pub(super) fn note(&self, note: Note) {
        if let Err(TrySendError::Full(note)) = self.notes.try_send(note) {
            if let Note::List { text, .. } = note {
                self.lists.give_back(text.len());
            }
            self.refuse("a flood");
        }
    }

    /// Tells the keeper something that must not be lost. May wait for it.
    pub(super) fn insist(&self, note: Note) {
        // It fails only if the keeper has ended.
        let _ = self.notes.send(note);
    }

    pub(super) fn log(&self, message: &str) {
        (self.shared.log)(&format!("domain {}: {message}", self.name));
    }
}
