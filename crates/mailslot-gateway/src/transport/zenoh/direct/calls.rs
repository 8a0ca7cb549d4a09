//! Connections that this computer makes.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::super::wire;
use super::offer::Offer;
use super::poller::{Connection, Poller, Stage, Why};
use super::{callers, link, offer};

/// How long one address may take, until the computer there has answered. The system knocks twice in it.
const PATIENCE: Duration = Duration::from_millis(1500);

impl Poller {
    /// A computer has the keys by now: tells it where to find us.
    pub(super) fn introduce(&mut self, name: &str) {
        let Some((id, channel, _)) = self.domain.path(name) else { return };
        let name = Arc::from(id.computer());
        if self.dials.meet(&name, &channel, Instant::now()) {
            self.tell(&name);
        }
    }

    fn tell(&self, name: &str) {
        let direct = offer::addresses(&self.listeners, &self.network);
        let offer = Offer { direct, ask: self.dials.knows_nothing_of(name) };
        self.domain.tell(name, wire::OFFER, offer.write());
    }

    /// A computer has said where it is.
    pub(super) fn offered(&mut self, name: &str, text: &[u8]) {
        let Some(Offer { direct, ask }) = Offer::parse(text) else {
            return self.domain.refuse(name);
        };
        let Some((id, channel, _)) = self.domain.path(name) else { return };
        let (name, now) = (Arc::from(id.computer()), Instant::now());
        let first = self.dials.meet(&name, &channel, now);
        self.dials.offered(&name, direct, ask, now);
        if first || ask {
            self.tell(&name);
        }
    }

    /// Begins to try a computer's addresses.
    pub(super) fn dial(&mut self, name: &str, now: Instant) {
        match self.domain.path(name) {
            None => self.dials.rest(name),
            Some((_, _, true)) => self.dials.linked(name),
            Some((_, _, false)) => self.dial_next(name, now),
        }
    }

    /// Tries the next of them.
    pub(super) fn dial_next(&mut self, name: &str, now: Instant) {
        if self.is_linked(name) {
            return;
        }
        loop {
            match self.dials.next(name, now) {
                Ok(address) => {
                    let stage = Stage::Connecting { to: name.into(), until: now + PATIENCE };
                    let begun = begin(address).and_then(|socket| self.add(socket, stage));
                    if begun.is_ok() {
                        return self.dials.called();
                    }
                }
                Err(tell) => {
                    if tell && self.domain.path(name).is_some() {
                        self.tell(name);
                    }
                    return;
                }
            }
        }
    }

    /// A connection has come about, or not.
    pub(super) fn connected(&mut self, token: u64) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let Stage::Connecting { to, until } = &connection.stage else { return };
        let (to, until) = (to.clone(), *until);
        if let Err(why) = sockopt::socket_error(&connection.socket).and_then(|result| result) {
            return self.close(token, Some(why.to_string()));
        }
        let Some((_, channel, false)) = self.domain.path(&to) else {
            return self.close(token, None);
        };
        let counter = self.domain.counter.fetch_add(1, Ordering::Relaxed);
        let hello = callers::hello(&channel, counter);
        match link::write(&connection.socket, &[IoSlice::new(&hello)]) {
            Ok(n) if n == hello.len() => {
                connection.stage = Stage::Calling { to, channel, counter, until };
            }
            Ok(_) => self.close(token, Some("it takes nothing".into())),
            Err(why) => self.close(token, Some(why.to_string())),
        }
    }

    /// The answer has come: `frame` repeats our counter.
    pub(super) fn answered(&mut self, of: &mut Connection, frame: &[u8]) -> Result<(), Why> {
        let Stage::Calling { to, channel, counter, .. } = &of.stage else { return Ok(()) };
        if *frame != counter.to_be_bytes() {
            return Err("it answers something else".into());
        }
        let (to, channel) = (to.clone(), channel.clone());
        self.link(of, to, channel)?;
        self.dials.hung_up();
        Ok(())
    }

    /// Gives up what takes too long.
    pub(super) fn hang_up(&mut self, now: Instant) {
        for token in self.calls(|_, until| until <= now) {
            self.close(token, Some("it takes too long".into()));
        }
    }

    /// Whether `name`, which has just called, is to answer our own call instead: of two that call each
    /// other at once, the one that begins goes on.
    pub(super) fn prefers_own_call(&self, name: &str) -> bool {
        let calling = |connection: &Connection| matches!(&connection.stage, Stage::Calling { to, .. } if **to == *name);
        self.dials.begins(name) && self.connections.values().any(calling)
    }

    /// There is a connection to `name`: what else was tried ends.
    pub(super) fn give_up_calls(&mut self, name: &str) {
        for token in self.calls(|to, _| *to == *name) {
            self.close(token, None);
        }
    }

    /// The calls that `are` such, by whom they are to and until when.
    fn calls(&self, are: impl Fn(&str, Instant) -> bool) -> Vec<u64> {
        let is = |connection: &Connection| {
            connection.stage.call().is_some_and(|(to, until)| are(to, until))
        };
        self.connections.iter().filter(|(_, of)| is(of)).map(|(token, _)| *token).collect()
    }
}

/// Begins to connect.
fn begin(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(why) => Err(why),
    }
}
