//! Sending on a direct connection. Whoever sends seals and writes in its own thread; what the socket
//! doesn't take waits here, and the [poller](super::poller) writes it when the socket does.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, Shutdown, sendmsg, shutdown};

use super::super::seal::Channel;
use super::intake;

/// The bytes that may wait.
const MOST_BYTES: usize = 1 << 20;
/// Pieces that are written at once.
const AT_ONCE: usize = 32;

/// What became of a frame.
pub(in crate::transport::zenoh) enum Sent {
    Taken,
    Busy,
    /// There is no direct connection (any more): the frame, as it was.
    NotDirect(Vec<u8>),
}

pub(super) struct Link {
    socket: Arc<OwnedFd>,
    state: Mutex<State>,
    begun: Instant,
    /// When something came last, in milliseconds after it had begun.
    heard: AtomicU64,
}

#[derive(Default)]
struct State {
    /// What waits, and how much of the first piece has gone.
    pieces: VecDeque<Vec<u8>>,
    gone: usize,
    bytes: usize,
    closed: bool,
    /// Somebody was turned away and wants to know when there is room.
    refused: bool,
}

impl Link {
    pub(super) fn new(socket: Arc<OwnedFd>) -> Self {
        Self { socket, state: Mutex::default(), begun: Instant::now(), heard: AtomicU64::new(0) }
    }

    /// Something has come on it.
    pub(super) fn hear(&self) {
        let millis = self.begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        self.heard.store(millis, Ordering::Relaxed);
    }

    /// Whether something has, since `silence` before `now`.
    pub(super) fn is_heard(&self, now: Instant, silence: Duration) -> bool {
        let last = self.begun + Duration::from_millis(self.heard.load(Ordering::Relaxed));
        now.saturating_duration_since(last) < silence
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `frame`, sealed with the next number of `counter`: under the lock, so that they go out in
    /// order.
    pub(super) fn send(&self, channel: &Channel, counter: &AtomicU64, mut frame: Vec<u8>) -> Sent {
        let mut state = self.lock();
        if state.closed {
            return Sent::NotDirect(frame);
        }
        if state.bytes + frame.len() > MOST_BYTES && !state.pieces.is_empty() {
            state.refused = true;
            return Sent::Busy;
        }
        let number = counter.fetch_add(1, Ordering::Relaxed);
        channel.seal(number, &mut frame);
        let head = intake::head(number, frame.len());
        let mut gone = 0;
        if state.pieces.is_empty() {
            match write(&self.socket, &[IoSlice::new(&head), IoSlice::new(&frame)]) {
                Ok(n) => gone = n,
                Err(Errno::AGAIN) => {}
                Err(_) => {
                    self.shut(&mut state);
                    return Sent::Taken;
                }
            }
        }
        if gone < head.len() {
            state.bytes += head.len() - gone;
            state.pieces.push_back(head[gone..].to_vec());
        }
        let gone = gone.saturating_sub(head.len());
        if gone < frame.len() {
            if state.pieces.is_empty() {
                state.gone = gone;
            }
            state.bytes += frame.len() - gone;
            state.pieces.push_back(frame);
        }
        Sent::Taken
    }

    /// Writes what waits, as far as the socket takes it. Whether there is room for those that were turned
    /// away.
    pub(super) fn flush(&self) -> bool {
        let mut state = self.lock();
        while !state.pieces.is_empty() {
            let State { pieces, gone, .. } = &*state;
            let mut skip = *gone;
            let slices: Vec<_> = pieces
                .iter()
                .take(AT_ONCE)
                .map(|piece| IoSlice::new(&piece[std::mem::take(&mut skip)..]))
                .collect();
            match write(&self.socket, &slices) {
                Ok(n) => state.went(n),
                Err(Errno::AGAIN) => break,
                Err(_) => {
                    self.shut(&mut state);
                    break;
                }
            }
        }
        let room = state.refused && state.bytes <= MOST_BYTES / 2;
        state.refused &= !room;
        room
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends it. The poller notices by the socket.
    pub(super) fn close(&self) {
        self.shut(&mut self.lock());
    }

    fn shut(&self, state: &mut State) {
        let refused = state.refused;
        *state = State { closed: true, refused, ..State::default() };
        // It fails if the other side was faster.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }
}

impl State {
    fn went(&mut self, mut n: usize) {
        self.bytes -= n;
        while let Some(first) = self.pieces.front() {
            let left = first.len() - self.gone;
            if n < left {
                self.gone += n;
                return;
            }
            n -= left;
            self.gone = 0;
            self.pieces.pop_front();
        }
    }
}

/// Writes without waiting, and without a signal if nobody is there.
pub(super) fn write(socket: &OwnedFd, slices: &[IoSlice<'_>]) -> Result<usize, Errno> {
    loop {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), flags) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use x25519_dalek::StaticSecret;

    use super::super::super::seal::{Ends, Tie};
    use super::super::intake::{Intake, LARGEST};
    use super::*;
    use crate::identity::keys::exchange_public;

    /// The keys of JOE and of SUE.
    fn channels() -> [Channel; 2] {
        [("joe", 1, "sue", 2), ("sue", 2, "joe", 1)].map(|(me, mine, peer, theirs)| {
            let mine = StaticSecret::from([mine; 32]);
            let theirs = exchange_public(&StaticSecret::from([theirs; 32]));
            let ends = Ends { domain: "d", me, peer };
            Tie::new(&mine, theirs, ends).unwrap().channel(&mine, theirs, ends).unwrap()
        })
    }

    #[test]
    fn what_is_not_taken_waits_and_who_was_turned_away_is_told_of_room() {
        let ([joe, sue], counter) = (channels(), AtomicU64::new(5));
        let (near, mut far) = UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        let link = Link::new(Arc::new(near.into()));
        let frame = |n: usize| vec![n as u8; 1 + n * 997 % 60_000];
        let (mut sent, mut came, mut told) = (0, 0, 0);
        let (mut intake, mut buffer) = (Intake::default(), vec![0; 50_000]);
        for _ in 0..3 {
            let before = sent;
            while matches!(link.send(&joe, &counter, frame(sent)), Sent::Taken) {
                sent += 1;
            }
            assert!(link.lock().bytes <= MOST_BYTES && sent > before);
            while came < sent {
                let n = far.read(&mut buffer).unwrap();
                let mut bytes = &buffer[..n];
                while !bytes.is_empty() {
                    let Some((number, sealed)) = intake.next(&mut bytes, LARGEST).unwrap() else {
                        continue;
                    };
                    assert_eq!(sue.open_next(number, sealed), Some(frame(came)));
                    came += 1;
                }
                told += usize::from(link.flush());
            }
            assert_eq!(link.lock().bytes, 0);
        }
        assert_eq!(told, 3, "once each time");
        link.close();
        assert!(matches!(link.send(&joe, &counter, vec![1]), Sent::NotDirect(back) if back == [1]));
    }
}
