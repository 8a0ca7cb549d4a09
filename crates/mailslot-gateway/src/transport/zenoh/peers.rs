//! The other computers of a domain: who they are by the member list, and how far we have come with
//! each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailslot_wire::name::fold_case;

use super::direct::Path;
use super::handshake::{Handshake, Own};
use super::outbox::Outbox;
use super::seal::{Channel, Ends};
use super::session::LEASE;
use crate::identity::{MemberList, SignedList};
use crate::transport::PeerId;

/// Greet again after this long without an answer; twice as long each time, up to [`SELDOM`].
const SOON: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(8);
/// How long a computer that is gone is looked for. After that Zenoh still does, every 8 seconds.
const SEARCH: Duration = Duration::from_secs(3600);
/// The runs of one computer's gateway that are remembered at a time.
const MOST_RUNS: usize = 4;

/// One of them.
pub(super) struct Peer {
    pub(super) id: PeerId,
    /// Its name, as people write it.
    name: String,
    /// Until when it is a member.
    expires: u64,
    /// It has accepted its invitation.
    joined: bool,
    pub(super) handshake: Handshake,
    /// How to seal what it gets, and a direct connection; it can be reached iff there is one.
    pub(super) path: Option<Path>,
    pub(super) outbox: Option<Outbox>,
    /// When to greet it again, unless it answers, and how long to wait after that.
    greet: Option<(Instant, Duration)>,
    /// Since when it is gone, if it was there.
    gone: Option<Instant>,
    /// The serial number of its list, as it said last.
    serial: u64,
}

impl Peer {
    fn new(id: PeerId, handshake: Handshake, outbox: Option<Outbox>, now: Instant) -> Self {
        let (name, expires, joined, path, greet, gone, serial) = Default::default();
        let mut this =
            Self { id, name, expires, joined, handshake, path, outbox, greet, gone, serial };
        this.approach(now);
        this
    }

    /// It shall be greeted at once, and again until it answers.
    pub(super) fn approach(&mut self, now: Instant) {
        self.greet = Some((now, SOON));
    }

    /// Nothing more to say to it.
    pub(super) fn rest(&mut self) {
        self.greet = None;
    }

    /// Whether it has accepted its invitation, as far as we know.
    fn has_joined(&self) -> bool {
        self.joined || self.path.is_some()
    }
}

/// All of them.
pub(super) struct Peers {
    /// This computer's name in the domain, folded.
    pub(super) me: Arc<str>,
    /// The domain's name, folded.
    pub(super) domain: Arc<str>,
    pub(super) own: Own,
    pub(super) list: SignedList,
    /// By folded name.
    by_name: HashMap<Arc<str>, Peer>,
    /// The runs of gateways that can be seen, of members only.
    runs: HashMap<Arc<str>, HashSet<String>>,
}

impl Peers {
    pub(super) fn new(domain: &str, me: &str, own: Own, list: SignedList, now: u64) -> Self {
        let (me, domain) = (fold_case(me).into(), fold_case(domain).into());
        let (by_name, runs) = Default::default();
        let mut this = Self { me, domain, own, list: list.clone(), by_name, runs };
        this.follow(list, now, Instant::now());
        this
    }

    pub(super) fn get(&self, name: &str) -> Option<&Peer> {
        self.by_name.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<(&mut Peer, &Own)> {
        self.by_name.get_mut(name).map(|peer| (peer, &self.own))
    }

    /// All of them, by folded name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Peer)> {
        self.by_name.iter()
    }

    pub(super) fn serial(&self) -> u64 {
        self.list.list().serial
    }

    /// What is to be said to `name` as a greeting; if `ask`, it answers in any case.
    pub(super) fn greeting(&self, name: &str, ask: bool) -> Option<Vec<u8>> {
        Some(self.by_name.get(name)?.handshake.greeting(&self.own, self.serial(), ask))
    }

    /// Those in reach of whom we don't know that they have as new a list as we.
    pub(super) fn behind(&self) -> Vec<Arc<str>> {
        let newest = self.serial();
        let behind = |peer: &Peer| peer.path.is_some() && peer.serial < newest;
        let peers = self.by_name.iter().filter(|(_, peer)| behind(peer));
        peers.map(|(name, _)| name.clone()).collect()
    }

    /// A greeting has come from `name`: a new channel, whether to answer, and the serial number of
    /// its list. `None` if it is not proven to be a member's.
    pub(super) fn meet(&mut self, name: &str, bytes: &[u8]) -> Option<(bool, bool, u64)> {
        let Self { me, domain, own, by_name, .. } = self;
        let peer = by_name.get_mut(name)?;
        let ends = Ends { domain, me, peer: name };
        let (met, serial) = peer.handshake.meet(bytes, own, ends)?;
        peer.serial = serial;
        // With the same keys what there is stays.
        let old = peer.path.as_ref().map(|path| path.channel.clone());
        let is_old = |new: &Arc<Channel>| old.as_ref().is_some_and(|old| Arc::ptr_eq(old, new));
        let new = met.channel.filter(|new| !is_old(new));
        let is_new = new.is_some();
        if let Some(channel) = new {
            peer.path = Some(Path::new(channel));
        }
        if peer.handshake.is_done() {
            peer.rest();
        }
        Some((is_new, met.answer, serial))
    }

    /// A run of the gateway of `name` has come or gone. Whether the computer has gone with it. One that is heard
    /// directly has not: on a line with too much to do Zenoh is the first to lose sight of it.
    pub(super) fn seen(&mut self, name: &str, run: &str, is_there: bool, now: Instant) -> bool {
        let Some((name, _)) = self.by_name.get_key_value(name) else { return false };
        let name = name.clone();
        let runs = self.runs.entry(name.clone()).or_default();
        let peer = self.by_name.get_mut(&name).expect("was found above");
        if is_there {
            peer.gone = None;
            if runs.len() < MOST_RUNS && runs.insert(run.to_owned()) {
                peer.approach(now);
            }
            return false;
        }
        let gone = runs.remove(run) && runs.is_empty();
        if gone {
            peer.rest();
            peer.gone = Some(now);
            peer.handshake.forget();
        }
        gone && peer.path.take_if(|path| !path.is_heard(now, LEASE)).is_some()
    }

    /// Those of the gone that were heard directly up to now.
    pub(super) fn fallen_silent(&mut self, now: Instant) -> Vec<PeerId> {
        let mut silent = Vec::new();
        for peer in self.by_name.values_mut().filter(|peer| peer.gone.is_some()) {
            if peer.path.take_if(|path| !path.is_heard(now, LEASE)).is_some() {
                // A greeting may have come in late.
                peer.handshake.forget();
                silent.push(peer.id.clone());
            }
        }
        silent
    }

    /// Whether there are such.
    pub(super) fn some_may_fall_silent(&self) -> bool {
        self.by_name.values().any(|peer| peer.gone.is_some() && peer.path.is_some())
    }

    /// From now on `list` is true. Gives those that were in reach and are not any more.
    pub(super) fn follow(&mut self, list: SignedList, now: u64, at: Instant) -> Vec<PeerId> {
        let mut before = std::mem::take(&mut self.by_name);
        let mut gone = Vec::new();
        for member in &list.list().members {
            let folded: Arc<str> = fold_case(&member.computer).into();
            if member.expires <= now || folded == self.me {
                continue;
            }
            let old = before.remove(&folded);
            let peer = match old {
                Some(old) if old.handshake.exchange() == member.exchange => old,
                old => {
                    let ends = Ends { domain: &self.domain, me: &self.me, peer: &folded };
                    let handshake = Handshake::new(&self.own, member.exchange, ends);
                    let id = PeerId::new(&self.domain, &folded);
                    if old.as_ref().is_some_and(|old| old.path.is_some()) {
                        gone.push(id.clone());
                    }
                    let Some(handshake) = handshake else { continue };
                    // The outbox stays, with what waits in it for the same computer.
                    let outbox = old.and_then(|old| old.outbox);
                    Peer::new(id, handshake, outbox, at)
                }
            };
            let (name, expires, joined) = (member.computer.clone(), member.expires, member.joined);
            self.by_name.insert(folded, Peer { name, expires, joined, ..peer });
        }
        self.runs.retain(|name, _| self.by_name.contains_key(name));
        self.list = list;
        let in_reach = before.into_values().filter(|peer| peer.path.is_some());
        gone.extend(in_reach.map(|peer| peer.id));
        gone
    }

    /// Whom to greet now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Arc<str>> {
        let mut due = Vec::new();
        for (name, peer) in &mut self.by_name {
            let Some((at, wait)) = peer.greet else { continue };
            if at > now {
                continue;
            }
            due.push(name.clone());
            peer.greet = match self.runs.contains_key(name) {
                true => Some((now + wait, (wait * 2).min(SELDOM))),
                // Nobody there: once is enough, since it greets when it comes.
                false => None,
            };
        }
        due
    }

    /// When [`due`](Self::due) has something next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.by_name.values().filter_map(|peer| peer.greet).map(|(at, _)| at).min()
    }

    /// When a computer was gone last that is to be looked for.
    pub(super) fn missed_since(&self, now: Instant) -> Option<Instant> {
        let gone = self.by_name.values().filter_map(|peer| peer.gone);
        gone.max().filter(|at| now.saturating_duration_since(*at) < SEARCH)
    }

    /// When the first member expires: seconds since 1970.
    pub(super) fn expiry(&self) -> Option<u64> {
        self.by_name.values().map(|peer| peer.expires).min()
    }

    /// The names of those that can be reached.
    pub(super) fn in_reach(&self) -> Vec<Arc<str>> {
        let peers = self.by_name.iter().filter(|(_, peer)| peer.path.is_some());
        peers.map(|(name, _)| name.clone()).collect()
    }

    /// The names of all that belong to the domain, and of those that are only invited, as people write
    /// them, without this computer.
    pub(super) fn members(&self, now: u64) -> (Vec<String>, Vec<String>) {
        let mut members: Vec<&Peer> =
            self.by_name.values().filter(|peer| peer.expires > now).collect();
        members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let names = |joined| {
            let those = members.iter().filter(move |peer| peer.has_joined() == joined);
            those.map(|peer| peer.name.clone()).collect()
        };
        (names(true), names(false))
    }

    /// Ends all traffic. Gives those that were in reach.
    pub(super) fn shut(&mut self) -> Vec<PeerId> {
        let mut were_in_reach = Vec::new();
        for peer in self.by_name.values_mut() {
            peer.rest();
            peer.outbox = None;
            if peer.path.take().is_some() {
                // It has joined, whatever our list says.
                peer.joined = true;
                were_in_reach.push(peer.id.clone());
            }
        }
        were_in_reach
    }

    /// The computer that renews the others, folded.
    pub(super) fn authority(list: &MemberList) -> String {
        fold_case(&list.authority)
    }
}
