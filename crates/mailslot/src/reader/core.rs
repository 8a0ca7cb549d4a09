//! All writers of a slot, and the order of their records.
//!
//! A *batch* is everything that had been written at one moment, the cut. To collect it, the core
//! reads the clock, then asks the kernel for news (new writers, first records, bells), then looks
//! at the rings of the active peers. Whatever was complete at the cut is seen by one of these, so
//! the records stamped up to the cut can be given out, sorted by their stamps: none that is missing
//! could have been written before them. Peers that have been quiet are asked to ring instead, so
//! a batch costs by the number of writers that write, not of those that are connected.

mod admission;
mod attention;
mod gateway;
mod holders;
mod rest;
mod turns;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use mailslot_wire::limits::Limits;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use rustix::net::Shutdown;
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

use admission::Arrival;
use attention::lower;

use super::intake::Intake;
use super::peer::{Offer, Peer};
use super::vault::Vault;
use crate::clock;
use crate::gateway::{Event as GatewayEvent, EventQueue, GatewayRecord};

/// Looks that find nothing before a peer has to ring.
const QUIET_LOOKS: u32 = 64;

const LISTENER: u64 = u64::MAX;
const ATTENTION: u64 = u64::MAX - 1;
const HOLDERS: u64 = u64::MAX - 2;
const TIMER: u64 = u64::MAX - 3;
const BELL: u64 = 1 << 63;

/// Room for what one wait reports.
pub(crate) type Events = [MaybeUninit<Event>; 64];

/// The peer whose records are being given out.
#[derive(Clone, Copy)]
struct Run {
    place: u32,
    /// The order of the best record of all others.
    until: u64,
}

pub(crate) struct Core {
    epoll: Arc<OwnedFd>,
    /// Readable: somebody wants the thread that waits, or records wait in a handle that is polled.
    attention: OwnedFd,
    attention_raised: bool,
    listener: OwnedFd,
    /// Connections may be waiting.
    unaccepted: bool,
    /// If so, they came after the batch began: all before them are in.
    enough: bool,
    /// Those that were accepted, but not taken in: perhaps there was no room in the vault.
    arrivals: VecDeque<Arrival>,
    /// Sockets of writers of one record that have gone, to be closed together.
    departed: Vec<OwnedFd>,
    /// Peers may have sent something for which there was no room.
    untaken: bool,
    /// There may be peers without a bell, for which there may be room at this stamp.
    deaf: bool,
    bells_at: u64,
    /// Readable when it is time to try these again: at this stamp, before which there is no point.
    timer: OwnedFd,
    try_at: u64,
    /// For when it is set (0: it isn't), and whether it has been seen to be readable.
    timer_at: u64,
    timer_rang: bool,
    /// A peer has left room for these.
    room_made: bool,
    /// What can't come in yet may belong between the records of this batch.
    excluding: bool,
    intake: Intake,
    vault: Option<Arc<Vault>>,
    peers: Vec<Option<Peer>>,
    vacant: Vec<u32>,
    serial: u32,
    /// How many peers that have gone keep their sockets.
    kept: usize,
    active: Vec<u32>,
    /// Quiet ones whose rings may keep memory.
    resting: Vec<u32>,
    cut: u64,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    run: Option<Run>,
    /// Records taken since a waiting reader last asked.
    pub(crate) taken: u32,
    /// What a gateway has not been told yet.
    gateway_events: EventQueue,
}

impl Core {
    /// The writers of a slot that only this process reads.
    pub(crate) fn private(listener: OwnedFd, limits: Limits) -> io::Result<Self> {
        Self::new(listener, Intake::new(limits, None), None)
    }

    /// The writers of a gateway's slot.
    pub(crate) fn gateway(listener: OwnedFd, limits: Limits) -> io::Result<Self> {
        Self::new(listener, Intake::for_gateway(limits), None)
    }

    /// The writers of a slot whose handle others may hold too.
    pub(crate) fn shared(vault: Arc<Vault>) -> io::Result<Self> {
        vault.forget();
        let intake = Intake::new(vault.limits(), Some(vault.clone()));
        let core = Self::new(vault.listener()?, intake, Some(vault.clone()))?;
        let edge = EventFlags::IN | EventFlags::ET;
        epoll::add(&*core.epoll, vault.bell(), EventData::new_u64(HOLDERS), edge)?;
        Ok(core)
    }

    fn new(listener: OwnedFd, intake: Intake, vault: Option<Arc<Vault>>) -> io::Result<Self> {
        if !std::path::Path::new("/proc/self/fd").exists() {
            return Err(io::Error::other("/proc is not mounted, by which bells are told"));
        }
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let attention = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &attention, EventData::new_u64(ATTENTION), EventFlags::IN)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        let edge = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), edge)?;
        Ok(Self {
            epoll: Arc::new(epoll),
            attention,
            attention_raised: false,
            listener,
            unaccepted: true,
            enough: false,
            arrivals: VecDeque::new(),
            departed: Vec::new(),
            untaken: false,
            deaf: false,
            bells_at: 0,
            timer,
            try_at: 0,
            timer_at: 0,
            timer_rang: false,
            room_made: false,
            excluding: false,
            intake,
            vault,
            peers: Vec::new(),
            vacant: Vec::new(),
            serial: 0,
            kept: 0,
            active: Vec::new(),
            resting: Vec::new(),
            cut: 0,
            heap: BinaryHeap::new(),
            run: None,
            taken: 0,
            gateway_events: EventQueue::default(),
        })
    }

    /// The descriptor that is readable when there is something to do.
    pub(crate) fn epoll(&self) -> Arc<OwnedFd> {
        self.epoll.clone()
    }

    /// From now on all writers see the end, and unless others listen too, connections are refused.
    pub(crate) fn shut_down(&self, others_listen: bool) {
        if !others_listen {
            let _ = rustix::net::shutdown(&self.listener, Shutdown::Both);
        }
        for socket in self.peers.iter().flatten().filter_map(|peer| peer.socket.as_ref()) {
            let _ = rustix::net::shutdown(socket, Shutdown::Both);
        }
    }

    /// Begins a new batch. False if nothing waits.
    pub(crate) fn collect(&mut self) -> io::Result<bool> {
        self.run = None;
        self.heap.clear();
        let mut index = 0;
        while let Some(&place) = self.active.get(index) {
            let peer = self.peers[place as usize].as_mut();
            if peer.is_some_and(|peer| {
                peer.release();
                peer.is_done()
            }) {
                // It makes room for those that come in now.
                self.remove(place);
                self.active.swap_remove(index);
            } else {
                index += 1;
            }
        }
        let cut = clock::now();
        self.harvest(cut)?;
        Ok(self.gather(cut))
    }

    /// [`Core::collect`] at the time `now`, right after one that found nothing.
    ///
    /// It asks the kernel first, whether there is something to collect or not: a record that shows
    /// itself meanwhile was mostly begun before, and doesn't have to wait for that any more.
    pub(crate) fn collect_again(&mut self, now: u64) -> io::Result<bool> {
        self.harvest(now)?;
        Ok((self.has_news() || self.room_made) && self.gather(now))
    }

    /// Looks what the active peers have to offer up to `cut`, after a look at the kernel's report
    /// that began then. False if nothing waits.
    fn gather(&mut self, cut: u64) -> bool {
        self.cut = cut;
        let mut waits = false;
        let mut index = 0;
        while let Some(&place) = self.active.get(index) {
            let (keep, offer) = self.inspect(place, cut);
            waits |= !matches!(offer, Offer::Nothing);
            if let Offer::Record(order) = offer {
                self.heap.push(Reverse((order, place)));
            }
            if keep {
                index += 1;
            } else {
                self.active.swap_remove(index);
            }
        }
        let outside = self.unaccepted && !self.enough;
        self.excluding = outside || self.untaken || !self.arrivals.is_empty();
        // Nobody may hear that nothing waits while others can come in.
        waits | std::mem::take(&mut self.room_made)
    }

    /// Looks at an active peer. The first answer says whether it stays active.
    fn inspect(&mut self, place: u32, cut: u64) -> (bool, Offer) {
        let Some(peer) = self.peers[place as usize].as_mut() else {
            return (false, Offer::Nothing);
        };
        let offer = peer.look(cut);
        if !matches!(offer, Offer::Nothing) && !peer.dead {
            peer.quiet = 0;
            return (true, offer);
        }
        if peer.is_done() {
            self.remove(place);
            return (false, Offer::Nothing);
        }
        peer.quiet += 1;
        if peer.may_keep_memory() {
            self.resting.push(place);
        }
        let look_again = peer.is_deaf() || peer.quiet < QUIET_LOOKS;
        if (peer.ring.is_some() && look_again) || peer.arm() {
            return (true, Offer::Nothing);
        }
        peer.active = false;
        (false, Offer::Nothing)
    }

    /// Asks all active peers to ring. True if something has arrived meanwhile.
    pub(crate) fn arm(&mut self) -> bool {
        let mut news = false;
        let mut index = 0;
        while let Some(&place) = self.active.get(index) {
            let Some(peer) = self.peers[place as usize].as_mut() else {
                self.active.swap_remove(index);
                continue;
            };
            // One that is done has nothing to ring for: collecting lets it go.
            if peer.arm() || peer.is_done() {
                news = true;
                index += 1;
            } else if peer.is_deaf() {
                // The timer rings for it.
                index += 1;
            } else {
                peer.active = false;
                if peer.may_keep_memory() {
                    self.resting.push(place);
                }
                self.active.swap_remove(index);
            }
        }
        news
    }

    /// How many peers are looked at without waiting for a bell.
    pub(crate) fn active(&self) -> usize {
        self.active.len()
    }

    /// True if a ring that is looked at shows something new. Makes no system call.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        self.active
            .iter()
            .any(|&place| self.peers[place as usize].as_ref().is_some_and(Peer::has_news))
    }

    /// How many records and bytes wait.
    pub(crate) fn count(&mut self) -> (u64, u64) {
        let mut total = (0, 0);
        for peer in self.peers.iter_mut().flatten() {
            let (records, bytes) = peer.count();
            total.0 += records;
            total.1 += bytes;
        }
        total
    }

    /// Takes note of what has arrived, for the next batch.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        self.harvest(clock::now())
    }

    /// Takes note of everything the kernel has to report.
    fn harvest(&mut self, now: u64) -> io::Result<()> {
        // Each peer can report twice per round; a peer that goes on and on must not hold us here.
        let rounds = self.peers.len() / 16 + 4;
        for _ in 0..rounds {
            let mut events: Events = [MaybeUninit::uninit(); 64];
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let (events, room) = match epoll::wait(&*self.epoll, &mut events[..], Some(&zero)) {
                Ok(found) => found,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let more = room.is_empty();
            self.apply(events)?;
            if !more {
                break;
            }
        }
        self.heed_timer();
        let bells = self.deaf && now >= self.bells_at;
        if bells || now >= self.try_at { self.admit_all() } else { Ok(()) }
    }

    /// Takes note of what a wait has reported.
    pub(crate) fn apply(&mut self, events: &[Event]) -> io::Result<()> {
        for event in events {
            match event.data.u64() {
                LISTENER => self.unaccepted = true,
                TIMER => self.timer_rang = true,
                ATTENTION => {
                    if !self.attention_raised {
                        lower(&self.attention);
                    }
                }
                // What it is about is looked at whenever the holders' lock is taken.
                HOLDERS => {}
                token => self.heed(token),
            }
        }
        Ok(())
    }

    fn heed(&mut self, token: u64) {
        let place = token as u32;
        let serial = (token >> 32) as u32 & !(1 << 31);
        let Some(peer) = self.peer(place).filter(|peer| peer.serial == serial) else {
            return;
        };
        if token & BELL != 0 {
            peer.rang();
        } else {
            peer.unread = true;
            self.read_socket(place);
        }
        self.activate(place);
    }

    fn read_socket(&mut self, place: u32) {
        let Some(mut peer) = self.peers[place as usize].take() else {
            return;
        };
        let had_bell = peer.bell.is_some();
        self.take_in(&mut peer);
        let shared = self.vault.as_ref().is_some_and(|vault| vault.has_ring(peer.id));
        peer.elsewhere = peer.ring.is_none() && shared;
        if !had_bell {
            peer.dead |= !self.watch_bell(place, &peer);
        }
        self.peers[place as usize] = Some(peer);
    }

    fn activate(&mut self, place: u32) {
        if let Some(peer) = self.peers[place as usize].as_mut() {
            peer.quiet = 0;
            if !peer.active {
                peer.active = true;
                self.active.push(place);
            }
        }
    }
}
