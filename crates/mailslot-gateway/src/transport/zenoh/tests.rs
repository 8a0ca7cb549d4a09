//! Several gateways' transports in one process, on loopback.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zenoh::{Session, Wait};

use super::*;
use crate::identity::{Authority, Invitation, now};
use crate::transport::{EventSource, Events, events};

mod direct;
mod renewal;
mod seals;
mod strangers;
mod unread;

/// Much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(150);
const DAY: u64 = 86_400;

/// A computer: its identity, and its transport while it is on.
struct Computer {
    dir: TempDir,
    zenoh: Option<Zenoh>,
    source: EventSource,
    sink: EventSink,
    seen: Events,
    log: Arc<Mutex<Vec<String>>>,
    /// A line of its configuration.
    line: &'static str,
}

impl Computer {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (sink, source) = events().unwrap();
        let (seen, log) = Default::default();
        Self { dir, zenoh: None, source, sink, seen, log, line: "" }
    }

    fn store(&self) -> Store {
        Store::at(self.dir.path())
    }

    fn create(domain: &str, name: &str) -> Self {
        Self::created(domain, name, now())
    }

    fn created(domain: &str, name: &str, at: u64) -> Self {
        let this = Self::new();
        let (authority, identity, list) = Authority::create(domain, name, at).unwrap();
        let store = this.store();
        store.add(&store.lock().unwrap(), &identity, &list, Some(&authority)).unwrap();
        this
    }

    /// Invites a computer, as the command does.
    fn invite(&self, name: &str, lifetime: u64) -> Invitation {
        let store = self.store();
        let identity = &store.identities().unwrap()[0];
        let lock = store.lock().unwrap();
        let authority = store.authority(identity).unwrap().unwrap();
        let list = store.members(identity).unwrap();
        let (invitation, list) = authority.invite(&list, name, lifetime, now()).unwrap();
        store.save_members(&lock, &list).unwrap();
        invitation
    }

    fn revoke(&self, name: &str) {
        let store = self.store();
        let identity = &store.identities().unwrap()[0];
        let lock = store.lock().unwrap();
        let authority = store.authority(identity).unwrap().unwrap();
        let list = authority.revoke(&store.members(identity).unwrap(), name, now()).unwrap();
        store.save_members(&lock, &list).unwrap();
    }

    fn join(&self, invitation: Invitation) {
        self.join_at(invitation, now());
    }

    fn join_at(&self, invitation: Invitation, at: u64) {
        let store = self.store();
        let (identity, list) = invitation.accept(at).unwrap();
        store.add(&store.lock().unwrap(), &identity, &list, None).unwrap();
    }

    fn joined(invitation: Invitation) -> Self {
        let this = Self::new();
        this.join(invitation);
        this
    }

    fn start(&mut self) {
        let config = config(self.line);
        let lines = self.log.clone();
        let start = Instant::now();
        let log: Log = Arc::new(move |line: &str| {
            // Seen when a test fails.
            println!("{:?} {start:?}: {line}", Instant::now());
            lines.lock().unwrap().push(line.to_owned());
        });
        let zenoh = Zenoh::start(self.store(), config, self.sink.clone(), log).unwrap();
        self.zenoh = Some(zenoh);
    }

    fn on(mut self) -> Self {
        self.start();
        self
    }

    /// Goes by another configuration from now on.
    fn configure(&self, line: &str) {
        self.zenoh.as_ref().unwrap().reload(config(line));
    }

    fn way(&self, to: &str) -> Option<Way> {
        self.zenoh.as_ref().unwrap().way(&id(to))
    }

    fn look(&mut self) {
        let Events { membership, reachable, ready, frames, dropped } = self.source.take();
        self.seen.membership = membership.or(self.seen.membership.take());
        self.seen.reachable.extend(reachable);
        self.seen.ready.extend(ready);
        self.seen.frames.extend(frames);
        self.seen.dropped += dropped;
    }

    fn reaches(&mut self, peer: &PeerId) -> bool {
        self.look();
        self.seen.reachable.get(peer).copied().unwrap_or(false)
    }

    fn members(&mut self) -> Vec<String> {
        self.look();
        let domains = self.seen.membership.as_ref().map(|m| &m.domains[..]).unwrap_or_default();
        domains.first().map(|domain| domain.computers.clone()).unwrap_or_default()
    }

    fn send(&self, to: &PeerId, frame: &[u8]) -> Result<(), SendError> {
        self.zenoh.as_ref().unwrap().send(to, frame.to_vec())
    }

    fn frames(&mut self) -> Vec<(PeerId, Vec<u8>)> {
        self.look();
        self.seen.frames.drain(..).collect()
    }

    fn logged(&self, what: &str) -> bool {
        self.log.lock().unwrap().iter().any(|line| line.contains(what))
    }

    fn identity(&self) -> Identity {
        self.store().identities().unwrap().remove(0)
    }
}

fn config(line: &str) -> Config {
    Config::parse(&format!("[network]\ninterface = 'lo'\n{line}\n")).unwrap()
}

#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn id(computer: &str) -> PeerId {
    PeerId::new("WORKGROUP", computer)
}

/// SUE, who made the domain, and JOE, whom she invited, in reach of each other and renewed.
fn two() -> (Computer, Computer) {
    two_with("")
}

/// The same with a line in their configuration.
fn two_with(line: &'static str) -> (Computer, Computer) {
    let mut sue = Computer::create("WORKGROUP", "SUE");
    sue.line = line;
    sue.start();
    let mut joe = Computer::joined(sue.invite("JOE", DAY));
    joe.line = line;
    let first = joe.identity();
    joe.start();
    eventually("JOE is renewed", || joe.identity().certificate != first.certificate);
    eventually("the list says so", || {
        let identity = sue.identity();
        let list = sue.store().members(&identity).unwrap();
        list.list().find("JOE").is_some_and(|joe| joe.joined)
    });
    eventually("JOE's session is a new one", || {
        let domains = joe.zenoh.as_ref().unwrap().shared.domains.read().unwrap();
        let exchange = |domain: &Arc<Domain>| domain.read().own.exchange.to_bytes();
        domains.values().next().is_some_and(|domain| exchange(domain) == joe.identity().exchange)
    });
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    exchange(&mut joe, "SUE", &mut sue, "JOE");
    (sue, joe)
}

/// Sends until one arrives.
#[track_caller]
fn exchange(from: &mut Computer, to_name: &str, to: &mut Computer, from_name: &str) {
    eventually(&format!("{from_name} reaches {to_name}"), || {
        let _ = from.send(&id(to_name), b"hello");
        to.frames().contains(&(id(from_name), b"hello".to_vec()))
    });
}

#[test]
fn two_computers_meet_and_exchange_frames() {
    // Between two ways there is no order.
    let (mut sue, mut joe) = two_with("direct = false");
    assert_eq!((sue.members(), joe.members()), (vec!["JOE".to_owned()], vec!["SUE".to_owned()]));
    assert!(sue.reaches(&id("JOE")) && joe.reaches(&id("SUE")));
    sue.frames();
    // All sizes, in order; a busy path says when it is free again.
    let sizes = [0, 1, 100, LARGEST_FRAME - 1, LARGEST_FRAME];
    let mut left: VecDeque<_> = (0..200).map(|i| vec![i as u8; sizes[i % sizes.len()]]).collect();
    let all: Vec<_> = left.iter().map(|frame| (id("JOE"), frame.clone())).collect();
    let mut came = Vec::new();
    eventually("all frames come", || {
        while let Some(frame) = left.front() {
            match joe.send(&id("SUE"), frame) {
                Ok(()) => drop(left.pop_front()),
                Err(why) => {
                    assert_eq!(why, SendError::Busy);
                    break;
                }
            }
        }
        // Some greetings may still be on their way.
        came.extend(sue.frames().into_iter().filter(|(_, frame)| frame != b"hello"));
        came.len() == all.len()
    });
    assert!(came == all);
    joe.look();
    assert!(joe.seen.ready.contains(&id("SUE")), "who was turned away is told of room");
    assert_eq!(joe.send(&id("ANN"), b"x"), Err(SendError::Unreachable));
    assert_eq!(joe.send(&PeerId::new("LAB", "SUE"), b"x"), Err(SendError::Unreachable));
}

#[test]
fn a_computer_that_leaves_is_missed_and_one_that_returns_is_found() {
    let (mut sue, mut joe) = two();
    drop(joe.zenoh.take());
    eventually("SUE misses JOE", || !sue.reaches(&id("JOE")));
    assert_eq!(sue.send(&id("JOE"), b"x"), Err(SendError::Unreachable));
    assert_eq!(sue.members(), ["JOE"], "it still belongs to the domain");
    joe.start();
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    exchange(&mut joe, "SUE", &mut sue, "JOE");
}

#[test]
fn a_renewal_that_was_cut_short_is_finished() {
    let mut sue = Computer::create("WORKGROUP", "SUE");
    let mut joe = Computer::joined(sue.invite("JOE", DAY));
    // JOE has asked, SUE has renewed it, and JOE has the list but not the answer.
    let mut asking = joe.identity();
    let request = asking.request().unwrap();
    let authority = sue.store().authority(&sue.identity()).unwrap().unwrap();
    let list = sue.store().members(&sue.identity()).unwrap();
    let (_, list) = authority.renew(&list, "JOE", &request, now()).unwrap();
    for computer in [&sue, &joe] {
        let store = computer.store();
        store.save_members(&store.lock().unwrap(), &list).unwrap();
    }
    let store = joe.store();
    store.save_identity(&store.lock().unwrap(), &asking).unwrap();
    sue.start();
    joe.start();
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    eventually("JOE is renewed", || joe.identity().pending.is_none());
}

#[test]
fn invitations_and_revocations_reach_everybody_at_once() {
    let (mut sue, mut joe) = two();
    let invitation = sue.invite("ANN", DAY);
    let spare = invitation.clone();
    let mut ann = Computer::joined(invitation).on();
    exchange(&mut ann, "JOE", &mut joe, "ANN");
    exchange(&mut joe, "ANN", &mut ann, "JOE");
    eventually("all know all", || {
        sue.members() == ["ANN", "JOE"] && joe.members() == ["ANN", "SUE"]
    });
    exchange(&mut ann, "JOE", &mut joe, "ANN");

    let start = Instant::now();
    sue.revoke("ANN");
    eventually("ANN is shut out", || {
        let known = [sue.members(), joe.members()].concat().contains(&"ANN".to_owned());
        !known && !joe.reaches(&id("ANN")) && !sue.reaches(&id("ANN"))
    });
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // ANN doesn't know it for a while, or doesn't want to.
    joe.frames();
    for _ in 0..50 {
        let _ = ann.send(&id("JOE"), b"still here?");
        assert!(joe.frames().is_empty());
        thread::sleep(Duration::from_millis(10));
    }
    // Nor does her old invitation help, though it has not expired.
    drop(ann);
    let mut again = Computer::joined(spare).on();
    eventually("it is told", || again.logged("revoked") || again.members().is_empty());
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    assert!(!joe.reaches(&id("ANN")) && !joe.members().contains(&"ANN".to_owned()));
}

/// SUE's own is 61 days old. JOE's lasts seconds, so it is renewed at once, and when the first one
/// expires he is there all the same.
#[test]
fn certificates_are_renewed_before_they_expire() {
    let mut sue = Computer::created("WORKGROUP", "SUE", now() - 61 * DAY);
    let first = sue.identity().expires;
    assert!(first < now() + 30 * DAY);
    sue.start();
    eventually("SUE is renewed", || sue.identity().expires > first + 60 * DAY);
    let mut joe = Computer::joined(sue.invite("JOE", 20)).on();
    let expires = now() + 20;
    eventually("JOE is renewed", || joe.identity().expires > expires + 60 * DAY);
    exchange(&mut joe, "SUE", &mut sue, "JOE");
    eventually("the first would have expired", || now() > expires + 1);
    exchange(&mut joe, "SUE", &mut sue, "JOE");
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    assert!(sue.members() == ["JOE"] && !sue.identity().is_due(now()));
}

#[test]
fn a_computer_joins_and_leaves_while_its_gateway_runs() {
    let mut sue = Computer::create("WORKGROUP", "SUE").on();
    let mut joe = Computer::new().on();
    joe.join(sue.invite("JOE", DAY));
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    let store = joe.store();
    store.remove(&store.lock().unwrap(), "WORKGROUP").unwrap();
    eventually("SUE misses JOE", || !sue.reaches(&id("JOE")));
    eventually("JOE has no domain", || {
        joe.look();
        joe.seen.membership.as_ref().is_some_and(|m| m.domains.is_empty())
    });
}

#[test]
fn several_domains_and_the_primary_one() {
    let mut sue = Computer::create("WORKGROUP", "SUE").on();
    let mut lab = Computer::create("Lab", "Server").on();
    let joe = Computer::joined(sue.invite("JOE", DAY));
    joe.join(lab.invite("JOE2", DAY));
    let mut joe = joe.on();
    exchange(&mut joe, "SUE", &mut sue, "JOE");
    let (server, joe2) = (PeerId::new("LAB", "server"), PeerId::new("lab", "joe2"));
    eventually("Server gets it", || {
        let _ = joe.send(&server, b"x");
        lab.frames().contains(&(joe2.clone(), b"x".to_vec()))
    });
    let order = |joe: &mut Computer| -> Vec<String> {
        joe.look();
        let membership = joe.seen.membership.as_ref().unwrap();
        membership.domains.iter().map(|domain| domain.name.clone()).collect()
    };
    // Both joined in the same second, perhaps: then the name decides.
    let before = order(&mut joe);
    let last = &before[1];
    let config = format!("primary = '{last}'\nnetwork.interface = 'lo'");
    joe.zenoh.as_ref().unwrap().reload(Config::parse(&config).unwrap());
    eventually("the primary domain is another", || order(&mut joe)[0] == *last);
    exchange(&mut joe, "SUE", &mut sue, "JOE");
}
