//! Proofs and seals, without a network.

use std::sync::Arc;

use x25519_dalek::StaticSecret;

use super::super::handshake::{Handshake, Own};
use super::super::seal::{Channel, Ends, Greeting};
use crate::identity::keys::exchange_public;

/// One end: its keys, and what it knows of the other.
struct End {
    own: Own,
    me: &'static str,
    peer: &'static str,
    handshake: Handshake,
    channel: Option<Arc<Channel>>,
}

fn secret(n: u8) -> StaticSecret {
    StaticSecret::from([n; 32])
}

impl End {
    /// The lasting key is number `who`, the one of this run number `run`.
    fn new(me: &'static str, who: u8, run: u8, peer: &'static str, other: u8) -> Self {
        let own = Own::new(secret(who), secret(run));
        let ends = Ends { domain: "workgroup", me, peer };
        let handshake = Handshake::new(&own, exchange_public(&secret(other)), ends).unwrap();
        Self { own, me, peer, handshake, channel: None }
    }

    fn greeting(&self) -> Vec<u8> {
        self.handshake.greeting(&self.own, 7, false)
    }

    /// Hears a greeting. `None` if it is not the peer's; else the answer, if there is one.
    fn hear(&mut self, greeting: &[u8]) -> Option<Option<Vec<u8>>> {
        let ends = Ends { domain: "workgroup", me: self.me, peer: self.peer };
        let (met, serial) = self.handshake.meet(greeting, &self.own, ends)?;
        assert_eq!(serial, 7);
        self.channel = met.channel.or(self.channel.take());
        Some(met.answer.then(|| self.greeting()))
    }

    fn seal(&self, counter: u64, frame: &[u8]) -> Vec<u8> {
        let mut sealed = frame.to_vec();
        self.channel.as_ref().unwrap().seal(counter, &mut sealed);
        [&counter.to_be_bytes()[..], &sealed].concat()
    }

    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.channel.as_ref().unwrap().open(sealed.to_vec(), 0)
    }
}

/// Lets them talk until neither has anything to say. They come to an end.
fn talk(a: &mut End, b: &mut End) {
    let mut next = Some(a.greeting());
    for turn in 0..8 {
        let Some(greeting) = next else { return };
        let listener = if turn % 2 == 0 { &mut *b } else { &mut *a };
        next = listener.hear(&greeting).expect("it is the peer's");
    }
    panic!("they talk for ever");
}

fn pair() -> (End, End) {
    let mut joe = End::new("joe", 1, 11, "sue", 2);
    let mut sue = End::new("sue", 2, 12, "joe", 1);
    talk(&mut joe, &mut sue);
    (joe, sue)
}

#[test]
fn both_ends_prove_themselves_and_understand_each_other() {
    let (joe, sue) = pair();
    assert_eq!(sue.open(&joe.seal(1, b"hello")).unwrap(), b"hello");
    assert_eq!(joe.open(&sue.seal(1, b"")).unwrap(), b"");
    assert!(joe.open(&joe.seal(2, b"hello")).is_none(), "not back to who sealed it");
}

#[test]
fn a_changed_frame_is_refused() {
    let (joe, sue) = pair();
    let sealed = joe.seal(5, b"pay 100");
    assert!(!sealed.windows(3).any(|bytes| bytes == b"100"));
    for i in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[i] ^= 1;
        assert!(sue.open(&changed).is_none(), "byte {i}");
        assert!(sue.open(&sealed[..i]).is_none(), "cut at {i}");
    }
}

#[test]
fn nobody_greets_in_anothers_name() {
    let (_, mut sue) = pair();
    // ANN is a member, too, with a key of her own.
    let ann = End::new("joe", 3, 13, "sue", 2);
    assert!(sue.hear(&ann.greeting()).is_none());
    // What JOE says to ANN is no greeting to SUE, nor is SUE's own.
    let joe = End::new("joe", 1, 11, "ann", 3);
    assert!(sue.hear(&joe.greeting()).is_none());
    let own = sue.greeting();
    assert!(sue.hear(&own).is_none());
    let mut changed = End::new("joe", 1, 11, "sue", 2).greeting();
    for i in 0..changed.len() {
        changed[i] ^= 1;
        assert!(sue.hear(&changed).is_none(), "byte {i}");
        changed[i] ^= 1;
    }
    assert!(sue.hear(&changed[..Greeting::LEN - 1]).is_none());
    assert!(sue.hear(&[]).is_none());
}

#[test]
fn a_recorded_greeting_changes_nothing() {
    let (joe, mut sue) = pair();
    let before = joe.seal(1, b"before");
    // From an earlier run of JOE's gateway, with what SUE's said then.
    let mut old_joe = End::new("joe", 1, 21, "sue", 2);
    let mut old_sue = End::new("sue", 2, 22, "joe", 1);
    talk(&mut old_joe, &mut old_sue);
    let recorded = old_joe.greeting();
    assert!(sue.hear(&recorded).unwrap().is_some(), "it may be JOE, restarted: asks for a proof");
    assert_eq!(sue.open(&before).unwrap(), b"before", "but until then all stays as it is");
    assert!(sue.open(&old_joe.seal(1, b"old")).is_none());
}

#[test]
fn a_restarted_computer_is_met_anew() {
    let (joe, mut sue) = pair();
    let old = joe.seal(1, b"old");
    let mut joe = End::new("joe", 1, 31, "sue", 2);
    talk(&mut joe, &mut sue);
    assert_eq!(sue.open(&joe.seal(1, b"new")).unwrap(), b"new");
    assert_eq!(joe.open(&sue.seal(9, b"new")).unwrap(), b"new");
    assert!(sue.open(&old).is_none(), "what the earlier run sent is of no use any more");
}

#[test]
fn who_forgets_is_reminded() {
    // One loses sight of the other for a while, and the other doesn't notice.
    let (mut joe, mut sue) = pair();
    joe.handshake.forget();
    joe.channel = None;
    talk(&mut joe, &mut sue);
    assert_eq!(sue.open(&joe.seal(3, b"again")).unwrap(), b"again");
    sue.handshake.forget();
    sue.channel = None;
    talk(&mut joe, &mut sue);
    assert_eq!(sue.open(&joe.seal(4, b"again")).unwrap(), b"again");
}

#[test]
fn any_greeting_may_be_lost() {
    for lost in 0..4 {
        let mut joe = End::new("joe", 1, 11, "sue", 2);
        let mut sue = End::new("sue", 2, 12, "joe", 1);
        let mut next = Some(joe.greeting());
        for turn in 0..lost {
            let Some(greeting) = next else { break };
            let listener = if turn % 2 == 0 { &mut sue } else { &mut joe };
            next = listener.hear(&greeting).unwrap();
        }
        // Whoever isn't done tries again.
        if !joe.handshake.is_done() {
            talk(&mut joe, &mut sue);
        }
        if !sue.handshake.is_done() {
            talk(&mut sue, &mut joe);
        }
        assert_eq!(sue.open(&joe.seal(1, b"x")).unwrap(), b"x", "lost: {lost}");
        assert_eq!(joe.open(&sue.seal(1, b"x")).unwrap(), b"x", "lost: {lost}");
    }
}

#[test]
fn weak_keys_are_refused() {
    let own = Own::new(secret(1), secret(2));
    let ends = Ends { domain: "workgroup", me: "joe", peer: "sue" };
    assert!(Handshake::new(&own, [0; 32], ends).is_none());
}
