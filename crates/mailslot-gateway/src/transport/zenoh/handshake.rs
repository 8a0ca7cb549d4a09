//! One peer, from its first sign of life to a channel: who greets whom when. No I/O and no clock.

use std::sync::Arc;

use x25519_dalek::StaticSecret;

use super::seal::{Channel, Ends, Greeting, Tie};

/// What this gateway is, for all its peers.
pub(super) struct Own {
    /// The lasting key, which the member list names.
    pub(super) exchange: StaticSecret,
    /// The key of this run.
    pub(super) ephemeral: StaticSecret,
    /// The public half of it.
    pub(super) key: [u8; 32],
}

impl Own {
    pub(super) fn new(exchange: StaticSecret, ephemeral: StaticSecret) -> Self {
        let key = crate::identity::keys::exchange_public(&ephemeral);
        Self { exchange, ephemeral, key }
    }
}

/// A peer that the member list names.
pub(super) struct Handshake {
    exchange: [u8; 32],
    tie: Tie,
    /// The key that the peer greeted with last.
    heard: [u8; 32],
    /// The key that the channel was made for: it greeted with this one after it had heard ours.
    proven: Option<[u8; 32]>,
    /// The last channel, and the peer's key that it was made for. If the peer was out of sight and comes
    /// back with the same key, it is the same, with what it remembers.
    made: Option<([u8; 32], Arc<Channel>)>,
}

/// What a greeting leads to.
#[derive(Default)]
pub(super) struct Met {
    /// A new channel to the peer.
    pub(super) channel: Option<Arc<Channel>>,
    /// The peer wants a greeting back.
    pub(super) answer: bool,
}

impl Handshake {
    /// `None` if the peer's key is a bad one.
    pub(super) fn new(own: &Own, exchange: [u8; 32], ends: Ends<'_>) -> Option<Self> {
        let tie = Tie::new(&own.exchange, exchange, ends)?;
        Some(Self { exchange, tie, heard: [0; 32], proven: None, made: None })
    }

    /// The peer's lasting key.
    pub(super) fn exchange(&self) -> [u8; 32] {
        self.exchange
    }

    /// Whether there is a channel to it.
    pub(super) fn is_done(&self) -> bool {
        self.proven.is_some()
    }

    /// The peer has gone. If it comes back, it greets again.
    pub(super) fn forget(&mut self) {
        self.proven = None;
    }

    /// What to say to it now. If `ask`, it answers in any case.
    pub(super) fn greeting(&self, own: &Own, serial: u64, ask: bool) -> Vec<u8> {
        let done = self.proven == Some(self.heard) && !ask;
        Greeting { key: own.key, echo: self.heard, done, serial }.write(Some(&self.tie))
    }

    /// A greeting has come. `None` if it isn't the peer's.
    pub(super) fn meet(&mut self, bytes: &[u8], own: &Own, ends: Ends<'_>) -> Option<(Met, u64)> {
        let greeting = Greeting::verify(bytes, &self.tie)?;
        let fresh = greeting.echo == own.key;
        if !fresh && self.proven == Some(greeting.key) {
            // A recording of its first greeting, or it has forgotten us: tell it our key again.
            return Some((Met { channel: None, answer: !greeting.done }, greeting.serial));
        }
        self.heard = greeting.key;
        let mut met = Met { channel: None, answer: !greeting.done || !fresh };
        if fresh && self.proven != Some(greeting.key) {
            if self.made.as_ref().is_none_or(|(key, _)| *key != greeting.key) {
                let made = self.tie.channel(&own.ephemeral, greeting.key, ends);
                self.made = made.map(|channel| (greeting.key, Arc::new(channel)));
            }
            met.channel = self.made.as_ref().map(|(_, channel)| channel.clone());
            self.proven = met.channel.is_some().then_some(greeting.key);
        }
        Some((met, greeting.serial))
    }
}
