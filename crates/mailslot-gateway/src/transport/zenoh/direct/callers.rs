//! Connections that others make: who it is must be said at once, and proven.
//!
//! It begins with 4 bytes that say what this is, 32 that only this pair of runs of two gateways knows, and
//! a frame, sealed like all that follow. The answer is a frame that repeats the first one's counter. So
//! neither side can be a stranger, or a recording: counters on direct connections only grow.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};

use super::super::seal::Channel;
use super::super::wire;
use super::intake::{self, Intake};
use super::link;
use super::poller::{Connection, Poller, Stage, Why};

const MAGIC: &[u8; 4] = b"MSd1";
const CALL: usize = MAGIC.len() + 32;
/// The length of a sealed byte, with its counter, and with that and the length before it.
const BYTE: usize = 8 + 1 + 16;
/// What somebody who connects says first.
pub(super) const HELLO: usize = CALL + 4 + BYTE;
/// What stands before the length of the answer.
pub(in crate::transport::zenoh) const ANSWER: usize = BYTE + 8;

/// Connections of which nobody has proven anything yet, at most: the oldest have to go.
const MOST: usize = 64;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many are accepted before others have their turn.
const AT_ONCE: usize = 16;
/// When no more can be accepted, this long later perhaps.
const PAUSE: Duration = Duration::from_millis(200);

/// Those that have still to say who they are, the oldest first, and until when.
#[derive(Default)]
pub(super) struct Callers {
    waiting: VecDeque<(u64, Instant)>,
    /// Listeners that are left alone for a while, since there are no descriptors.
    paused: Option<Instant>,
}

impl Callers {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let first = self.waiting.front().map(|(_, until)| *until);
        first.into_iter().chain(self.paused).min()
    }

    pub(super) fn late(&mut self, now: Instant) -> Vec<u64> {
        let late = self.waiting.iter().take_while(|(_, until)| *until <= now);
        late.map(|(token, _)| *token).collect()
    }

    pub(super) fn gone(&mut self, token: u64) {
        self.waiting.retain(|(waiting, _)| *waiting != token);
    }
}

/// What begins a connection, under this counter.
pub(in crate::transport::zenoh) fn hello(channel: &Channel, counter: u64) -> Vec<u8> {
    let frame = sealed(channel, counter, vec![wire::HELLO]);
    [&MAGIC[..], channel.call(), &frame].concat()
}

fn sealed(channel: &Channel, counter: u64, mut frame: Vec<u8>) -> Vec<u8> {
    channel.seal(counter, &mut frame);
    [&intake::head(counter, frame.len())[..], &frame].concat()
}

impl Poller {
    pub(super) fn accept(&mut self, listener: usize) {
        for _ in 0..AT_ONCE {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            match acceptfrom_with(&self.listeners[listener], flags) {
                Ok((socket, from)) => {
                    let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                    let Some(from) = from else { continue };
                    let stage = Stage::Called { from, said: Vec::new() };
                    // It fails if there is no memory, and then the connection ends.
                    let Ok(token) = self.add(socket, stage) else { continue };
                    if self.callers.waiting.len() >= MOST
                        && let Some(&(oldest, _)) = self.callers.waiting.front()
                    {
                        self.refuse(oldest, "there are too many of which nobody says who it is");
                    }
                    self.callers.waiting.push_back((token, Instant::now() + PATIENCE));
                }
                Err(Errno::AGAIN) => return,
                // It was gone before we looked.
                Err(Errno::CONNABORTED | Errno::INTR | Errno::PROTO) => {}
                Err(why) => {
                    self.watch(listener, false);
                    self.callers.paused = Some(Instant::now() + PAUSE);
                    let from = self.listeners[listener].local_addr();
                    if let Ok(from) = from {
                        self.count_refusal(from, &format!("accept: {why}"));
                    }
                    return;
                }
            }
        }
    }

    /// Listens again, if it is time.
    pub(super) fn resume_accepting(&mut self, now: Instant) {
        if self.callers.paused.is_some_and(|until| until <= now) {
            self.callers.paused = None;
            (0..self.listeners.len()).for_each(|listener| self.watch(listener, true));
        }
    }

    /// Somebody has said something.
    pub(super) fn called(&mut self, token: u64, of: &mut Connection) -> Result<(), Why> {
        let Stage::Called { said, .. } = &of.stage else { return Ok(()) };
        let n = said.len().min(MAGIC.len());
        if said[..n] != MAGIC[..n] {
            return Err("it doesn't begin as one".into());
        }
        let Some(call) = said.get(MAGIC.len()..CALL) else { return Ok(()) };
        let call = call.try_into().expect("is 32 bytes long");
        let caller = self.domain.caller(call);
        let (name, channel) = caller.ok_or("it is from nobody that we have met")?;
        if said.len() < HELLO {
            return Ok(());
        }
        let next = Intake::default().next(&mut &said[CALL..], BYTE).ok().flatten();
        let opened = next.and_then(|(n, sealed)| Some((n, channel.open_next(n, sealed)?)));
        let Some((theirs, _)) = opened.filter(|(_, frame)| *frame == [wire::HELLO]) else {
            return Err(format!("it is not {name}, as it says, or a recording"));
        };
        if self.prefers_own_call(&name) {
            return Err(format!("this computer has called {name} at the same time"));
        }
        let counter = self.domain.counter.fetch_add(1, Ordering::Relaxed);
        let answer = [&theirs.to_be_bytes()[..], &[wire::HELLO]].concat();
        let answer = sealed(&channel, counter, answer);
        match link::write(&of.socket, &[IoSlice::new(&answer)]) {
            Ok(n) if n == answer.len() => {}
            Ok(_) => return Err("it takes no answer".into()),
            Err(why) => return Err(why.to_string()),
        }
        self.callers.gone(token);
        self.link(of, name, channel)
    }

    /// Ends a connection of a stranger.
    pub(super) fn refuse(&mut self, token: u64, why: &str) {
        self.close(token, Some(why.to_owned()));
    }

    pub(super) fn count_refusal(&mut self, from: SocketAddr, why: &str) {
        if let Some(refused) = self.refusals.count(Instant::now()) {
            self.domain.log(&format!(
                "{refused} direct connection(s) turned away; the last, from {from}: {why}"
            ));
        }
    }
}
