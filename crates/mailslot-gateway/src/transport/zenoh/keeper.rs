//! The thread of a domain: opens the session, greets the others, keeps the member list the newest,
//! and renews this computer's identity.

mod lists;
mod search;
mod standing;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zenoh::sample::SampleKind;
use zenoh::{Session, Wait};

use self::standing::Standing;
use super::direct::Direct;
use super::domain::{Domain, Note, Refused};
use super::seal::Greeting;
use super::sockets::Scouts;
use super::{interfaces, session, wire};
use crate::config::{self, Network};
use crate::identity::keys::hex;
use crate::identity::member::{Renewal, RenewalRequest};
use crate::identity::{self, Error, Identity, SignedList, Store};
use crate::transport::PeerId;

/// Try again to open a session that could not be opened.
const RETRY: Duration = Duration::from_secs(2);
/// Look at least this often whether certificates have expired.
const LOOK: Duration = Duration::from_secs(600);
/// Ask the authority again for a renewal.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// Look whether computers that Zenoh has lost sight of are still heard directly.
const LISTEN: Duration = Duration::from_millis(500);
/// Answers to computers that are no members, each second.
const STRANGERS: u32 = 20;
/// Say at most this often that frames were thrown away.
const COMPLAIN: Duration = Duration::from_secs(10);

pub(super) struct Keeper {
    domain: Arc<Domain>,
    store: Store,
    identity: Identity,
    network: Network,
    /// When to ask for a renewal, if it is time for one.
    ask_at: Instant,
    complain_at: Instant,
    strangers: (Instant, u32),
    standing: Standing,
    /// It has been said that Zenoh's [sockets](super::sockets) are out of reach.
    said_sockets: bool,
    scouts: Option<Scouts>,
    direct: Option<Direct>,
    search_at: Instant,
    /// When to look whether all have our list, and how long to wait after that.
    tell: (Instant, Duration),
}

impl Keeper {
    pub(super) fn new(
        domain: Arc<Domain>,
        store: Store,
        identity: Identity,
        network: Network,
    ) -> Self {
        let now = Instant::now();
        Self {
            domain,
            store,
            identity,
            network,
            ask_at: now,
            complain_at: now,
            strangers: (now, 0),
            standing: Standing::Member,
            said_sockets: false,
            scouts: None,
            direct: None,
            search_at: now,
            tell: (now, lists::TELL_AGAIN),
        }
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self, notes: &Receiver<Note>) {
        let Some(_declared) = self.open(notes) else { return };
        self.open_direct();
        self.tell_standing();
        loop {
            let wait = self.next().saturating_duration_since(Instant::now());
            match notes.recv_timeout(wait) {
                Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(note) => self.heed(note),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.do_what_is_due();
        }
    }

    /// Opens the session and declares what it needs. `None` if told to stop before that.
    fn open(&mut self, notes: &Receiver<Note>) -> Option<impl Sized + use<>> {
        let mut said = String::new();
        loop {
            let opened = interfaces::ready(&self.network)
                .and_then(|()| session::open(&self.identity, &self.network));
            match opened.and_then(|(s, scouts)| Ok((self.declare(s)?, scouts))) {
                Ok((declared, scouts)) => {
                    self.scouts = scouts;
                    self.tell_if_deaf();
                    if !said.is_empty() {
                        self.domain.log("connected");
                    }
                    return Some(declared);
                }
                Err(why) if why != said => {
                    self.domain.log(&format!("cannot connect (will try again): {why}"));
                    said = why;
                }
                Err(_) => {}
            }
            let until = Instant::now() + RETRY;
            loop {
                match notes.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
                    Ok(note) => self.heed(note),
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
        }
    }

    /// Takes and makes direct connections, unless routers are the only way to others.
    fn open_direct(&mut self) {
        if self.network.direct == config::Direct::Off || !self.network.routers.is_empty() {
            return;
        }
        match Direct::start(self.domain.clone(), &self.network) {
            Ok(direct) => self.direct = Some(direct),
            Err(why) => {
                self.domain.log(&format!("no direct connections, all goes through Zenoh: {why}"))
            }
        }
    }

    fn declare(&self, session: Session) -> Result<impl Sized + use<>, String> {
        let (name, me, run) = {
            let peers = self.domain.read();
            (peers.domain.clone(), peers.me.clone(), hex::encode(&peers.own.key[..8]))
        };
        let domain = self.domain.clone();
        let subscriber = session
            .declare_subscriber(wire::frames(&name, &me, "*"))
            .callback(move |sample| {
                if let Some(from) = wire::source(sample.key_expr()) {
                    domain.receive(from, sample.payload().to_bytes());
                }
            })
            .wait()
            .map_err(|e| e.to_string())?;
        let domain = self.domain.clone();
        let own = me.clone();
        let watch = session
            .liveliness()
            .declare_subscriber(wire::token(&name, "*", "*"))
            .history(true)
            .callback(move |sample| {
                let Some((computer, run)) = wire::token_parts(sample.key_expr()) else { return };
                if computer != &*own {
                    let is_there = sample.kind() == SampleKind::Put;
                    let (computer, run) = (computer.to_owned(), run.to_owned());
                    domain.note(Note::Seen { computer, run, is_there });
                }
            })
            .wait()
            .map_err(|e| e.to_string())?;
        // Last, so that who sees it can reach us.
        let token = session.liveliness().declare_token(wire::token(&name, &me, &run));
        let token = token.wait().map_err(|e| e.to_string())?;
        // Only opened once.
        let _ = self.domain.session.set(session);
        Ok((token, watch, subscriber))
    }

    /// When something is due next.
    fn next(&self) -> Instant {
        let now = Instant::now();
        let mut next = now + LOOK;
        let peers = self.domain.read();
        next = next.min(peers.deadline().unwrap_or(next));
        if peers.missed_since(now).is_some() {
            next = next.min(self.search_at);
        }
        if !peers.behind().is_empty() {
            next = next.min(self.tell.0);
        }
        if peers.some_may_fall_silent() {
            next = next.min(now + LISTEN);
        }
        // This computer's own, too, as long as that is still to come.
        let own = Some(self.identity.expires).filter(|at| *at > identity::now());
        let seconds = peers.expiry().into_iter().chain(own).min();
        let seconds = seconds.map(|at| at.saturating_sub(identity::now()));
        next = next.min(now + seconds.map_or(LOOK, Duration::from_secs).max(RETRY));
        if self.refused().frames > 0 {
            next = next.min(self.complain_at);
        }
        if self.identity.is_due(identity::now()) {
            next = next.min(self.ask_at.max(now + Duration::from_millis(100)));
        }
        next
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        let due = self.domain.write().due(now);
        for computer in due {
            self.greet(&computer);
        }
        self.search(now);
        let silent = self.domain.write().fallen_silent(now);
        silent.into_iter().for_each(|id| self.lost(id));
        self.tell_again(now);
        let expired = self.domain.read().expiry().is_some_and(|at| at <= identity::now());
        if expired {
            let list = self.domain.read().list.clone();
            self.follow(list);
        }
        if now >= self.ask_at && self.identity.is_due(identity::now()) {
            self.renew();
        }
        self.tell_expiry();
        self.complain(now);
    }

    pub(super) fn heed(&mut self, note: Note) {
        match note {
            Note::Early { from, payload } => self.domain.open(&from, payload.into(), true),
            Note::Seen { computer, run, is_there } => self.seen(&computer, &run, is_there),
            Note::Greeting { from, bytes } => self.greeted(&from, &bytes),
            Note::List { from, serial, text } => {
                self.domain.lists.give_back(text.len());
                if serial > self.domain.read().serial() {
                    self.heard(&from, &text);
                }
            }
            Note::Request { from, text } => {
                if let Err(why) = self.renew_other(&from, &text) {
                    self.domain.log(&format!("cannot renew {from}: {why}"));
                }
            }
            Note::Offer { from, text } => {
                if let Some(direct) = &self.direct {
                    direct.offered(from, text);
                }
            }
            Note::Renewal { from, text } => {
                if from == self.domain.authority() {
                    self.renewed(&text);
                }
            }
            Note::Changed => {
                match self.store.members(&self.identity) {
                    Ok(list) if list.list().serial > self.domain.read().serial() => {
                        self.follow(list);
                        self.spread();
                    }
                    // Gone: this computer has just left.
                    Ok(_) | Err(_) => {}
                }
            }
            Note::Refused | Note::Stop => {}
        }
    }

    fn seen(&mut self, computer: &str, run: &str, is_there: bool) {
        if is_there {
            self.calm();
        }
        let mut peers = self.domain.write();
        let gone = peers.seen(computer, run, is_there, Instant::now());
        let id = peers.get(computer).map(|peer| peer.id.clone());
        drop(peers);
        match id {
            Some(id) if gone => self.lost(id),
            // It may have been invited by somebody whom we have not heard of.
            None if is_there => self.answer_stranger(computer),
            _ => {}
        }
    }

    fn lost(&self, id: PeerId) {
        self.domain.log(&format!("{} cannot be reached any more", id.computer()));
        self.domain.shared.sink.down(id);
    }

    fn greet(&self, computer: &str) {
        self.greet_so(computer, false);
    }

    fn greet_so(&self, computer: &str, ask: bool) {
        let greeting = self.domain.read().greeting(computer, ask);
        if let Some(greeting) = greeting {
            self.domain.say(computer, [&[wire::GREETING], &greeting[..]].concat());
        }
    }

    fn greeted(&mut self, from: &str, bytes: &[u8]) {
        let met = self.domain.write().meet(from, bytes);
        let Some((is_new, answer, theirs)) = met else {
            // Not proven: but who is it, perhaps, if one of us has an old list?
            let theirs = Greeting::parse(bytes).map(|greeting| greeting.serial);
            let mine = self.domain.read().serial();
            match theirs {
                Some(theirs) if theirs > mine => self.answer_stranger(from),
                Some(theirs) if theirs < mine && self.may_answer() => self.send_list(from),
                _ => {}
            }
            return;
        };
        if answer {
            self.greet(from);
        }
        let mine = self.domain.read().serial();
        if theirs < mine {
            self.send_list(from);
        } else if theirs > mine && !answer {
            self.greet(from);
        }
        if is_new {
            let id = self.domain.read().get(from).map(|peer| peer.id.clone());
            if let Some(id) = id {
                // It is a member now, if it was only invited before.
                self.domain.shared.announce();
                self.domain.shared.sink.up(id);
                self.domain.log(&format!("{from} can be reached"));
            }
            if from == self.domain.authority() {
                self.ask_at = Instant::now();
            }
        }
        // Who wants no answer has the keys.
        if let Some(direct) = self.direct.as_ref().filter(|_| !answer) {
            direct.introduce(from);
        }
    }

    /// Tells a computer that we don't know which list we have; if it has a newer one, it sends it.
    fn answer_stranger(&mut self, computer: &str) {
        if self.may_answer() {
            let (key, serial) = {
                let peers = self.domain.read();
                (peers.own.key, peers.serial())
            };
            let greeting = Greeting { key, echo: [0; 32], done: true, serial }.write(None);
            self.domain.say(computer, [&[wire::GREETING], &greeting[..]].concat());
        }
    }

    fn may_answer(&mut self) -> bool {
        let now = Instant::now();
        if now.saturating_duration_since(self.strangers.0) > Duration::from_secs(1) {
            self.strangers = (now, 0);
        }
        self.strangers.1 += 1;
        self.strangers.1 <= STRANGERS
    }

    fn renew(&mut self) {
        self.ask_at = Instant::now() + ASK_AGAIN;
        let result = match self.store.authority(&self.identity) {
            Ok(Some(authority)) => self.renew_self(&authority),
            Ok(None) => self.ask(),
            Err(e) => Err(e),
        };
        self.warn(result);
    }

    fn ask(&mut self) -> Result<(), Error> {
        let authority = self.domain.authority();
        let in_reach = self.domain.read().get(&authority).is_some_and(|p| p.path.is_some());
        if in_reach {
            let was_pending = self.identity.pending.is_some();
            let request = self.identity.request()?;
            if !was_pending {
                self.store.save_identity(&self.store.lock()?, &self.identity)?;
            }
            self.domain.tell(&authority, wire::REQUEST, request.text());
        }
        Ok(())
    }

    fn renew_self(&mut self, authority: &identity::Authority) -> Result<(), Error> {
        let lock = self.store.lock()?;
        let list = self.store.members(&self.identity)?;
        let request = self.identity.request()?;
        let computer = self.identity.computer.clone();
        let (renewal, list) = authority.renew(&list, &computer, &request, identity::now())?;
        self.identity.accept(&renewal);
        self.store.save_members(&lock, &list)?;
        self.store.save_identity(&lock, &self.identity)?;
        self.domain.log("the certificate of this computer is renewed");
        Ok(())
    }

    /// Another computer, which has proven to be `from`, asks for a renewal.
    fn renew_other(&mut self, from: &str, text: &[u8]) -> Result<(), String> {
        let say = |e: Error| e.to_string();
        let Some(authority) = self.store.authority(&self.identity).map_err(say)? else {
            return Err("this computer is not the authority's".into());
        };
        let request = RenewalRequest::parse(text)?;
        let lock = self.store.lock().map_err(say)?;
        let list = self.store.members(&self.identity).map_err(say)?;
        let now = identity::now();
        let (renewal, list) = authority.renew(&list, from, &request, now).map_err(say)?;
        self.store.save_members(&lock, &list).map_err(say)?;
        drop(lock);
        let answer = serde_json::to_string(&renewal).map_err(|e| e.to_string())?;
        // Before the list is followed: it ends the channel that the answer takes.
        self.domain.tell(from, wire::RENEWAL, answer);
        self.domain.log(&format!("the certificate of {from} is renewed"));
        self.send_list(from);
        self.follow(list);
        self.spread();
        Ok(())
    }

    /// The authority has renewed this computer.
    fn renewed(&mut self, text: &[u8]) {
        let Ok(renewal) = serde_json::from_slice::<Renewal>(text) else { return };
        let Identity { domain, authority_public, .. } = &self.identity;
        let list = SignedList::parse(renewal.members.as_bytes(), domain, authority_public);
        if self.identity.accept(&renewal) {
            let kept = self.store.lock().and_then(|lock| {
                if let Ok(list) = &list
                    && list.list().serial > self.domain.read().serial()
                {
                    self.store.save_members(&lock, list)?;
                }
                self.store.save_identity(&lock, &self.identity)
            });
            self.warn(kept);
            self.domain.log("the certificate of this computer is renewed");
        }
    }

    fn complain(&mut self, now: Instant) {
        if self.refused().frames > 0 && now >= self.complain_at {
            self.complain_at = now + COMPLAIN;
            let Refused { frames, last } = std::mem::take(&mut *self.refused());
            self.domain.log(&format!(
                "{frames} message(s) thrown away that nobody in the domain can have sent so; \
                 the last claimed to be from {last:?}"
            ));
        }
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.domain.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warn(&self, result: Result<(), Error>) {
        if let Err(e) = result {
            self.domain.log(&e.to_string());
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.direct = None;
        for id in self.domain.write().shut() {
            self.domain.shared.sink.down(id);
        }
        if let Some(session) = self.domain.session.get() {
            // The process ends, or another session follows: nobody minds how this one ended.
            let _ = session.close().wait();
        }
    }
}
