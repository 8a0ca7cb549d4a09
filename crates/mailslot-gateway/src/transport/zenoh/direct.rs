//! Connections of our own between two computers that can reach each other: what is sealed for the other
//! goes over TCP as it is, so that each byte is sealed once, and changes hands seldom. Zenoh finds the
//! computers, and carries greetings and everything else; and the frames, too, while there is no direct
//! connection.
//!
//! | module | what it is about |
//! |---|---|
//! | `link` | sending: from the caller's thread, without waiting |
//! | `intake` | what comes on a connection, cut into frames |
//! | `poller` | the thread that receives, accepts and connects |
//! | `callers` | connections that nobody has proven anything on yet |
//! | `calls` | connections that this computer makes |
//! | `dial` | whom to connect to, when and where |
//! | `offer` | where this computer takes connections, and what the others say of themselves |

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use self::link::Link;
use self::poller::Poller;
use super::domain::Domain;
use super::seal::Channel;
use crate::config::Network;
use crate::transport::PeerId;

pub(super) mod callers;
mod calls;
mod dial;
pub(super) mod intake;
mod link;
mod offer;
mod poller;

pub(super) use link::Sent;
pub(super) use offer::MOST_BYTES as OFFER_MAX;

/// How to reach a computer: the keys, and a direct connection, if there is one. That ends with it.
pub(super) struct Path {
    pub(super) channel: Arc<Channel>,
    link: Mutex<Option<Arc<Link>>>,
}

impl Path {
    pub(super) fn new(channel: Arc<Channel>) -> Self {
        Self { channel, link: Mutex::default() }
    }

    fn link(&self) -> MutexGuard<'_, Option<Arc<Link>>> {
        // Nothing panics while it is locked.
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_direct(&self) -> bool {
        self.link().is_some()
    }

    /// Whether something has come directly, since `silence` before `now`.
    pub(super) fn is_heard(&self, now: Instant, silence: Duration) -> bool {
        self.link().as_ref().is_some_and(|link| link.is_heard(now, silence))
    }

    /// Sends a frame directly, if there is a connection.
    pub(super) fn send(&self, counter: &AtomicU64, frame: Vec<u8>) -> Sent {
        match &*self.link() {
            Some(link) => link.send(&self.channel, counter, frame),
            None => Sent::NotDirect(frame),
        }
    }

    /// From now on frames go over `link`.
    fn set(&self, link: Arc<Link>) {
        if let Some(old) = self.link().replace(link) {
            old.close();
        }
    }

    /// Frames go over `link` no more.
    fn unset(&self, link: &Arc<Link>) {
        let mut now = self.link();
        if now.as_ref().is_some_and(|now| Arc::ptr_eq(now, link)) {
            *now = None;
        }
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        if let Some(link) = self.link().take() {
            link.close();
        }
    }
}

impl Domain {
    /// A computer that can be reached, and whether there is a direct connection to it.
    pub(super) fn path(&self, name: &str) -> Option<(PeerId, Arc<Channel>, bool)> {
        let peers = self.read();
        let peer = peers.get(name)?;
        let path = peer.path.as_ref()?;
        Some((peer.id.clone(), path.channel.clone(), path.is_direct()))
    }

    /// The computer that begins a connection so.
    fn caller(&self, call: &[u8; 32]) -> Option<(Arc<str>, Arc<Channel>)> {
        let peers = self.read();
        let mut paths = peers.all().filter_map(|(name, peer)| Some((name, peer.path.as_ref()?)));
        let (name, path) = paths.find(|(_, path)| path.channel.is_called(call))?;
        Some((name.clone(), path.channel.clone()))
    }

    /// From now on frames for `name` go over `link`, if its keys are still these.
    fn link(&self, name: &str, channel: &Arc<Channel>, link: &Arc<Link>) -> Option<PeerId> {
        let peers = self.read();
        let peer = peers.get(name)?;
        let path = peer.path.as_ref().filter(|path| Arc::ptr_eq(&path.channel, channel))?;
        path.set(link.clone());
        Some(peer.id.clone())
    }

    /// `link` has ended.
    fn unlink(&self, name: &str, link: &Arc<Link>) {
        let peers = self.read();
        if let Some(path) = peers.get(name).and_then(|peer| peer.path.as_ref()) {
            path.unset(link);
        }
    }
}

/// What the thread is told.
enum Word {
    /// This computer, which has the keys by now, may be told where we take connections.
    Introduce(String),
    /// What this computer says of itself.
    Offer(String, Vec<u8>),
    Stop,
}

struct Inbox {
    words: Mutex<VecDeque<Word>>,
    bell: OwnedFd,
}

impl Inbox {
    fn push(&self, word: Word) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).push_back(word);
        // It fails only when the bell rings already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    fn take(&self) -> VecDeque<Word> {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        std::mem::take(&mut self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The direct connections of a domain. Dropping it closes them.
pub(super) struct Direct {
    inbox: Arc<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl Direct {
    pub(super) fn start(domain: Arc<Domain>, network: &Network) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let inbox = Arc::new(Inbox { words: Mutex::default(), bell });
        let poller = Poller::new(domain, network.clone(), inbox.clone())?;
        let thread = thread::Builder::new().name("direct".into()).spawn(move || poller.run())?;
        Ok(Self { inbox, thread: Some(thread) })
    }

    /// A computer has the keys by now.
    pub(super) fn introduce(&self, computer: &str) {
        self.inbox.push(Word::Introduce(computer.to_owned()));
    }

    /// A computer has said where it takes connections.
    pub(super) fn offered(&self, from: String, text: Vec<u8>) {
        self.inbox.push(Word::Offer(from, text));
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.inbox.push(Word::Stop);
        if let Some(thread) = self.thread.take() {
            // It fails only if the thread has panicked, which has been said by then.
            let _ = thread.join();
        }
    }
}
