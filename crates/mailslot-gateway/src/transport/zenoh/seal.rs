//! How two computers of a domain prove to each other who they are, and seal what they send.
//!
//! Each gateway makes an *ephemeral* key when it starts, and each computer has an *exchange* key that
//! the member list names. Two gateways greet each other with their ephemeral keys, in messages that
//! only a holder of either exchange key can have made. A greeting that repeats the receiver's own
//! ephemeral key is fresh: then both derive two keys, one for each direction, out of both
//! agreements, ephemeral and lasting. Every frame is sealed with them (AES-256-GCM), so neither a
//! router nor another member can read it, change it, or claim to be its source; and what was
//! recorded can't be opened later by somebody who gets hold of the lasting keys.
//!
//! No I/O and no clock.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::hmac;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};

/// The bytes that sealing adds: a counter and a tag.
pub(super) const OVERHEAD: usize = 8 + 16;
/// The version of everything in here; part of every derived key, so versions don't mix.
const PROTOCOL: &[u8] = b"mailslot ms1 ";

/// What a greeting says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The sender's ephemeral key.
    pub(super) key: [u8; 32],
    /// The receiver's, if the sender has heard it; else zeros.
    pub(super) echo: [u8; 32],
    /// The sender has everything it needs from the receiver.
    pub(super) done: bool,
    /// The serial number of the sender's member list. Not to be trusted unless the rest is proven.
    pub(super) serial: u64,
}

impl Greeting {
    pub(super) const LEN: usize = 32 + 32 + 1 + 8 + 32;
    const PROVEN: usize = Self::LEN - 32;

    /// What the sender says, whether it is true or not.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let done = match bytes[64] {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Self {
            key: bytes[..32].try_into().ok()?,
            echo: bytes[32..64].try_into().ok()?,
            done,
            serial: u64::from_be_bytes(bytes[65..73].try_into().ok()?),
        })
    }

    /// With a proof, or with zeros in its place if the receiver is not known.
    pub(super) fn write(&self, tie: Option<&Tie>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LEN);
        bytes.extend(self.key);
        bytes.extend(self.echo);
        bytes.push(self.done.into());
        bytes.extend(self.serial.to_be_bytes());
        match tie {
            Some(tie) => bytes.extend(hmac::sign(&tie.greet_to, &bytes).as_ref()),
            None => bytes.extend([0; 32]),
        }
        bytes
    }

    /// What the sender says, if it has proven who it is.
    pub(super) fn verify(bytes: &[u8], tie: &Tie) -> Option<Self> {
        let greeting = Self::parse(bytes)?;
        let (said, proof) = bytes.split_at(Self::PROVEN);
        hmac::verify(&tie.greet_from, said, proof).ok()?;
        Some(greeting)
    }
}

/// Who is at the two ends, in one domain. Names are folded.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) domain: &'a str,
    pub(super) me: &'a str,
    pub(super) peer: &'a str,
}

impl Ends<'_> {
    /// What makes a key one for this purpose and direction and nothing else. No name holds a `/`.
    fn label(&self, purpose: &str, outgoing: bool) -> Vec<u8> {
        let (from, to) = if outgoing { (self.me, self.peer) } else { (self.peer, self.me) };
        [PROTOCOL, format!("{purpose}/{}/{from}/{to}", self.domain).as_bytes()].concat()
    }
}

/// The lasting bond between two computers, made of their exchange keys.
pub(super) struct Tie {
    shared: SharedSecret,
    greet_to: hmac::Key,
    greet_from: hmac::Key,
}

impl Tie {
    /// `None` if the peer's key is a bad one.
    pub(super) fn new(mine: &StaticSecret, theirs: [u8; 32], ends: Ends<'_>) -> Option<Self> {
        let shared = mine.diffie_hellman(&PublicKey::from(theirs));
        if !shared.was_contributory() {
            return None;
        }
        let prk = Salt::new(HKDF_SHA256, PROTOCOL).extract(shared.as_bytes());
        let key = |outgoing| {
            let bytes = expand(&prk, &ends.label("greet", outgoing));
            hmac::Key::new(hmac::HMAC_SHA256, &bytes)
        };
        let (greet_to, greet_from) = (key(true), key(false));
        Some(Self { shared, greet_to, greet_from })
    }

    /// The keys between two runs of two gateways. `None` if the peer's key is a bad one.
    pub(super) fn channel(
        &self,
        mine: &StaticSecret,
        theirs: [u8; 32],
        ends: Ends<'_>,
    ) -> Option<Channel> {
        let fresh = mine.diffie_hellman(&PublicKey::from(theirs));
        if !fresh.was_contributory() {
            return None;
        }
        let both = [fresh.to_bytes(), self.shared.to_bytes()].concat();
        let prk = Salt::new(HKDF_SHA256, PROTOCOL).extract(&both);
        let key = |outgoing| {
            let bytes = expand(&prk, &ends.label("frame", outgoing));
            UnboundKey::new(&AES_256_GCM, &bytes).ok().map(LessSafeKey::new)
        };
        let call = |outgoing| expand(&prk, &ends.label("call", outgoing));
        let (calls, heard) = ([call(true), call(false)], AtomicU64::new(0));
        Some(Channel { to: key(true)?, from: key(false)?, calls, heard })
    }
}

fn expand(prk: &Prk, label: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    prk.expand(&[label], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut bytes))
        .expect("32 bytes are not too many");
    bytes
}

/// Seals frames to a peer and opens its.
pub(super) struct Channel {
    to: LessSafeKey,
    from: LessSafeKey,
    /// What a direct connection begins with, ours and the peer's.
    calls: [[u8; 32]; 2],
    /// Above all counters that came on direct connections.
    heard: AtomicU64,
}

impl Channel {
    /// Seals `frame`, which is to follow `counter`. That must never have been used before in this run
    /// of the gateway.
    pub(super) fn seal(&self, counter: u64, frame: &mut Vec<u8>) {
        let sealed = self.to.seal_in_place_append_tag(nonce(counter), Aad::empty(), frame);
        sealed.expect("a frame is far below the limit of AES-GCM");
    }

    /// What was sealed, if it is whole and was sealed by the peer for us. The counter stands at `at`
    /// in `bytes`.
    pub(super) fn open(&self, bytes: Vec<u8>, at: usize) -> Option<Vec<u8>> {
        let (counter, _) = bytes.get(at..)?.split_first_chunk()?;
        let counter = u64::from_be_bytes(*counter);
        self.open_within(counter, bytes, at + size_of::<u64>())
    }

    /// The same for `sealed`, which came on a direct connection. There counters only grow, so that
    /// nothing is taken twice.
    pub(super) fn open_next(&self, counter: u64, sealed: Vec<u8>) -> Option<Vec<u8>> {
        if counter < self.heard.load(Ordering::Relaxed) {
            return None;
        }
        let frame = self.open_within(counter, sealed, 0)?;
        self.heard.fetch_max(counter.saturating_add(1), Ordering::Relaxed);
        Some(frame)
    }

    fn open_within(&self, counter: u64, mut bytes: Vec<u8>, at: usize) -> Option<Vec<u8>> {
        let opened = self.from.open_within(nonce(counter), Aad::empty(), &mut bytes, at..);
        let len = opened.ok()?.len();
        bytes.truncate(len);
        Some(bytes)
    }

    /// What this computer begins a direct connection with.
    pub(super) fn call(&self) -> &[u8; 32] {
        &self.calls[0]
    }

    /// Whether the peer begins one so.
    pub(super) fn is_called(&self, call: &[u8; 32]) -> bool {
        self.calls[1] == *call
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}
