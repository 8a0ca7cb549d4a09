//! The gateway's core: what is sent when, what came before, and what is given up. No I/O, no clock:
//! time and bytes are arguments, so that a simulation can try what no network would do on demand.
//!
//! ```text
//! programs ─ Open, Write, Close ─▶ local ─▶ outbox ─▶ outgoing ─ Send ──▶ network
//!          ◀ Target, Lost, Confirmed ┘       (per computer)
//! slots    ◀ Deliver ── remote ◀── incoming ◀───────────────── Frame ──── network
//!          ─ Delivered ──▶ └─▶ results, to the outbox of the other direction
//! ```
//!
//! Call [`Core::handle`] with what has happened, then [`Core::poll`] until it gives nothing more,
//! doing what it says in that order, then wait until [`Core::deadline`] at most.
//! `docs/gateway-protocol.md` says what two cores promise each other.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailslot_wire::answer::{Outcome, TargetState};
use mailslot_wire::envelope::WriterId;

use crate::transport::{Membership, PeerId};

mod incoming;
mod local;
mod memory;
mod numbers;
mod outbox;
mod outgoing;
mod random;
mod remote;
mod route;
#[cfg(test)]
mod tests;
mod types;

use incoming::Incoming;
use local::{Confirm, LocalWriter};
use memory::Memory;
pub(crate) use numbers::NumberMap;
use outgoing::Outgoing;
use random::Random;
use remote::Asked;
pub use types::*;

/// Computers that the transport may call reachable before their domain is known.
const STRANGERS_MAX: usize = 4096;

/// Another computer.
#[derive(Debug)]
struct Peer {
    id: PeerId,
    computer: String,
    domain: String,
    up: Option<Time>,
    outgoing: Outgoing,
    incoming: Incoming,
    lost: u64,
    /// Writers that are held back since their records come faster than they go, and which of them
    /// wait for large records, too.
    held: Vec<(u64, bool)>,
    /// It stands in [`Core::dirty`].
    dirty: bool,
}

impl Peer {
    /// Notes that something may have to be sent to it.
    fn mark(&mut self, index: usize, dirty: &mut VecDeque<usize>) {
        if !std::mem::replace(&mut self.dirty, true) {
            dirty.push_back(index);
        }
    }

    /// Whether so much waits for it, and it takes it, that a writer should wait. What goes beside large
    /// records doesn't wait for them.
    fn is_crowded(&self, now: Time, mark: usize, large: bool) -> bool {
        let moves = self.outgoing.moves_until().is_some_and(|until| until > now);
        let outbox = &self.outgoing.outbox;
        moves && outbox.bytes().saturating_sub(if large { 0 } else { outbox.large_bytes() }) > mark
    }
}

/// Whose records a delivery is of.
#[derive(Clone, Copy, Debug)]
enum Owner {
    /// A program of this computer; with its name, if it wants to hear what becomes of each record.
    Own { writer: u64, id: Option<WriterId> },
    /// A writer of another.
    Peer { peer: usize, writer: WriterId, confirmed: bool, wide: bool },
}

/// The core of one computer's gateway.
#[derive(Debug)]
pub struct Core {
    config: Config,
    now: Time,
    random: Random,
    membership: Membership,
    /// Counts memberships, so that writers know whether their routes are right.
    generation: u64,
    peers: Vec<Peer>,
    by_id: HashMap<PeerId, usize>,
    reachable: HashSet<PeerId>,
    /// Confirmed records for this computer itself.
    own: Memory,
    /// Records of writers before this start: for computers that are not known yet.
    restored: HashMap<PeerId, Vec<Restored>>,
    writers: NumberMap<u64, LocalWriter>,
    by_writer_id: HashMap<WriterId, u64>,
    confirms: HashMap<(u64, u64), Confirm>,
    confirm_deadlines: BTreeSet<(Time, u64, u64)>,
    deliveries: NumberMap<u64, Owner>,
    last_delivery: u64,
    asked: HashMap<u64, Asked>,
    outputs: VecDeque<Output>,
    /// Records that came again, whose outcomes are told once all deliveries before are done.
    again: Vec<(usize, WriterId, u64)>,
    /// Peers for which something may have to be sent.
    dirty: VecDeque<usize>,
    /// Writers that have lost records and don't know it yet.
    unlucky: BTreeSet<u64>,
    /// Bytes that wait for all computers, or a bit more.
    queued: usize,
    counters: Counters,
}

impl Core {
    /// A core that knows nobody yet. `seed` must differ from start to start.
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            config,
            now: Time::ZERO,
            random: Random::new(seed),
            membership: Membership::default(),
            generation: 0,
            peers: Vec::new(),
            by_id: HashMap::new(),
            reachable: HashSet::new(),
            own: Memory::default(),
            restored: HashMap::new(),
            writers: NumberMap::default(),
            by_writer_id: HashMap::new(),
            confirms: HashMap::new(),
            confirm_deadlines: BTreeSet::new(),
            deliveries: NumberMap::default(),
            last_delivery: 0,
            asked: HashMap::new(),
            outputs: VecDeque::new(),
            again: Vec::new(),
            dirty: VecDeque::new(),
            unlucky: BTreeSet::new(),
            queued: 0,
            counters: Counters::default(),
        }
    }

    /// Tells what the gateway before this one dealt with, of another computer's writer or (`None`)
    /// of one of this computer. To be called before anything else.
    pub fn restore(&mut self, from: Option<PeerId>, writer: Restored) {
        match from {
            Some(peer) => self.restored.entry(peer).or_default().push(writer),
            None => self.own.restore(writer),
        }
    }

    /// Takes note of what has happened, and when. Time that goes back counts as standing still.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = self.now.max(now);
        match input {
            Input::Membership(membership) => self.set_membership(membership),
            Input::Up(peer) => {
                self.set_reachable(peer.clone(), true);
                // It may have begun anew, with an outcome that was on its way here. If nothing else
                // is to be sent, nothing else would show that.
                if let Some(&index) = self.by_id.get(&peer) {
                    self.repeat_confirms(index);
                }
            }
            Input::Down(peer) => self.set_reachable(peer, false),
            Input::Ready(peer) => {
                if let Some(&index) = self.by_id.get(&peer) {
                    self.peers[index].outgoing.resume(self.now);
                    self.mark(index);
                }
            }
            Input::Frame { from, bytes } => self.frame(&from, bytes),
            Input::Refused { to, number, error } => {
                if let Some(&index) = self.by_id.get(&to) {
                    let unreachable = error == crate::transport::SendError::Unreachable;
                    self.peers[index].outgoing.refused(number, unreachable, self.now);
                }
            }
            Input::Open { writer, who } => self.open(writer, who),
            Input::Write { writer, sequence, bytes, timeout } => {
                self.write(writer, sequence, bytes, timeout);
            }
            Input::Close { writer } => self.close(writer),
            Input::Delivered { delivery, first, outcomes } => {
                self.delivered(delivery, first, &outcomes);
            }
            Input::Ask { question, peer, what, timeout } => {
                self.ask(question, &peer, what, timeout);
            }
            Input::Slots { to, question, paths } => self.answer_slots(&to, question, &paths),
            Input::Tick => self.expire(),
        }
    }

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                if let Output::CloseDelivery { delivery } = output {
                    self.deliveries.remove(&delivery);
                }
                return Some(output);
            }
            self.tell_again();
            while let Some(writer) = self.unlucky.pop_first() {
                if let Some(known) = self.writers.get(&writer) {
                    return Some(Output::Lost { writer, records: known.lost });
                }
            }
            let index = self.dirty.pop_front()?;
            match self.send(index) {
                Some(output) => {
                    self.dirty.push_back(index);
                    return Some(output);
                }
                None => self.peers[index].dirty = false,
            }
            if self.dirty.is_empty() {
                self.queued = self.peers.iter().map(|peer| peer.outgoing.outbox.bytes()).sum();
            }
        }
    }

    /// When [`Input::Tick`] must be told at the latest; `None`: only when something happens.
    pub fn deadline(&self) -> Option<Time> {
        if !self.outputs.is_empty() || !self.dirty.is_empty() {
            return Some(self.now);
        }
        let peers = self.peers.iter().filter_map(|peer| peer.outgoing.deadline());
        let confirms = self.confirm_deadlines.first().map(|(at, ..)| *at);
        let asked = self.asked.values().map(|asked| asked.again);
        let held = self.peers.iter().filter(|peer| !peer.held.is_empty());
        let held = held.filter_map(|peer| peer.outgoing.moves_until());
        peers.chain(confirms).chain(asked).chain(held).min()
    }

    /// The computer that has this name.
    pub fn find(&self, computer: &str) -> Found {
        let host = mailslot_wire::name::Host::Named(computer.to_owned());
        match route::reach(&self.membership, &host) {
            route::Reach::Unknown => Found::Unknown,
            route::Reach::Computers { wide: true, .. } => Found::Several,
            route::Reach::Computers { mut computers, .. } => match computers.pop() {
                Some((route::Place::Other(id), _)) => Found::Other(id),
                _ => Found::Own,
            },
        }
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The domains and their computers.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// All other computers.
    pub fn peers(&self) -> Vec<PeerStatus> {
        let members =
            self.peers.iter().enumerate().filter(|(i, p)| self.by_id.get(&p.id) == Some(i));
        members
            .map(|(_, peer)| PeerStatus {
                peer: peer.id.clone(),
                computer: peer.computer.clone(),
                up: peer.up,
                queued_bytes: peer.outgoing.outbox.bytes(),
                lost: peer.lost,
                round_trip: peer.outgoing.round_trip(),
            })
            .collect()
    }

    /// Whether all that was written has arrived, or was given up.
    pub fn is_drained(&self) -> bool {
        self.peers.iter().all(|peer| peer.outgoing.outbox.bytes() == 0 && peer.held.is_empty())
    }

    fn mark(&mut self, index: usize) {
        self.peers[index].mark(index, &mut self.dirty);
    }

    /// One thing to send to a computer.
    fn send(&mut self, index: usize) -> Option<Output> {
        let peer = &mut self.peers[index];
        let control = if let Some(connection) = peer.incoming.reset() {
            Some(mailslot_wire::envelope::reset(connection))
        } else {
            let ack = peer.incoming.ack();
            ack.map(|(connection, next, map)| mailslot_wire::envelope::ack(connection, next, &map))
        };
        if let Some(frame) = control {
            return Some(Output::Send { to: peer.id.clone(), frame, number: None });
        }
        let (frame, number) = peer.outgoing.next(self.now, &mut self.random)?;
        if number.is_some() {
            self.counters.frames_sent += 1;
        }
        Some(Output::Send { to: peer.id.clone(), frame, number })
    }

    /// Gives up what has waited too long.
    fn expire(&mut self) {
        for index in 0..self.peers.len() {
            let outgoing = &mut self.peers[index].outgoing;
            if outgoing.deadline().is_some_and(|at| at <= self.now) {
                let dropped = outgoing.expire(self.now);
                self.count_dropped(index, dropped);
                self.mark(index);
            }
            self.release(index);
        }
        self.expire_confirms();
        self.ask_again();
    }

    fn set_reachable(&mut self, id: PeerId, reachable: bool) {
        if !reachable {
            self.reachable.remove(&id);
        } else if self.reachable.len() < STRANGERS_MAX || self.by_id.contains_key(&id) {
            self.reachable.insert(id.clone());
        }
        let Some(&index) = self.by_id.get(&id) else { return };
        let (now, peer) = (self.now, &mut self.peers[index]);
        let was = std::mem::replace(&mut peer.outgoing.reachable, reachable);
        peer.up = if reachable { peer.up.or(Some(now)) } else { None };
        if reachable && !was {
            peer.outgoing.came_back(now);
        }
        self.release(index);
        self.mark(index);
    }

    fn set_membership(&mut self, membership: Membership) {
        self.membership = membership;
        self.generation += 1;
        let mut stays = HashSet::new();
        let domains: Vec<_> = self.membership.domains.clone();
        for domain in &domains {
            let own = PeerId::new(&domain.name, &domain.own);
            for computer in domain.named() {
                let id = PeerId::new(&domain.name, computer);
                if id != own && stays.insert(id.clone()) && !self.by_id.contains_key(&id) {
                    self.add_peer(id, computer, &domain.name);
                }
            }
        }
        let gone: Vec<usize> =
            self.by_id.extract_if(|id, _| !stays.contains(id)).map(|(_, i)| i).collect();
        for index in gone {
            self.remove_peer(index);
        }
        let mut writers: Vec<u64> = self.writers.keys().copied().collect();
        writers.sort_unstable();
        for writer in writers {
            self.route(writer);
        }
    }

    fn add_peer(&mut self, id: PeerId, computer: &str, domain: &str) {
        let mut incoming = Incoming::default();
        for restored in self.restored.remove(&id).unwrap_or_default() {
            incoming.memory.restore(restored);
        }
        let mut outgoing = Outgoing::new(&self.config);
        outgoing.reachable = self.reachable.contains(&id);
        let up = outgoing.reachable.then_some(self.now);
        self.by_id.insert(id.clone(), self.peers.len());
        self.peers.push(Peer {
            id,
            computer: computer.to_owned(),
            domain: domain.to_owned(),
            up,
            outgoing,
            incoming,
            lost: 0,
            held: Vec::new(),
            dirty: false,
        });
    }

    /// The computer doesn't belong to the domain any more.
    fn remove_peer(&mut self, index: usize) {
        let mut events = Vec::new();
        let peer = &mut self.peers[index];
        peer.incoming.end(&mut events);
        let dropped = peer.outgoing.give_up();
        peer.outgoing = Outgoing::new(&self.config);
        peer.incoming = Incoming::default();
        peer.up = None;
        self.events(index, events);
        self.count_dropped(index, dropped);
        self.give_up_confirms(index);
        self.release(index);
    }

    /// Lets the writers of a computer go on, if it is time.
    fn release(&mut self, index: usize) {
        let (now, mark) = (self.now, self.config.release_below());
        let mut held = std::mem::take(&mut self.peers[index].held);
        held.retain(|&(writer, large)| {
            let waits = self.peers[index].is_crowded(now, mark, large);
            if !waits && let Some(known) = self.writers.get_mut(&writer) {
                known.held = false;
                self.outputs.push_back(Output::Release { writer });
            }
            waits
        });
        self.peers[index].held = held;
    }

    fn count_dropped(&mut self, index: usize, dropped: outbox::Dropped) {
        for (writer, records) in dropped {
            self.peers[index].lost += records;
            self.lose(writer, records);
        }
    }

    /// Records of a program of this computer are lost.
    fn lose(&mut self, writer: u64, records: u64) {
        self.counters.lost += records;
        if let Some(known) = self.writers.get_mut(&writer) {
            known.lost += records;
            if !known.who.confirmed {
                self.unlucky.insert(writer);
            }
        }
    }
}
