//! A writer's connection: a socket that takes one record, then a ring.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use mailslot_ring::{Geometry, Producer, PushError, Region, Wake, fork_generation};
use mailslot_wire::answer::{MOVE, Outcome, TargetState};
use mailslot_wire::limits::Limits;
use mailslot_wire::message::{HEADER_LEN, INLINE_MAX, attach, record_header};
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::registry::Connection;

use super::answers::{Answers, TARGET_WITHIN};
use super::bell::Bell;
use super::length;
use super::socket::{look, wait};

/// A writer that writes looks this often whether its reader still lives, in nanoseconds.
const LOOK_EVERY: u64 = 500_000;

/// How long a writer that waits for room relies on being told, before it looks itself.
pub(crate) const LOOK_FOR_ROOM: Duration = Duration::from_millis(10);

/// How long a writer that waits for room looks for it before it sleeps.
const SPIN_FOR_ROOM: Duration = Duration::from_micros(50);

/// How long it leaves the reader alone between two looks: about half a microsecond.
const LEAVE_ALONE: u32 = 32;

/// A first record up to this length is copied behind its header.
const SMALL: usize = 512;

/// A writer that may wait lets a gateway be so far behind, in bytes: that much stays in the cache.
const PACE_BEHIND: u64 = 512 * 1024;

/// After so many bytes it looks how far that is.
const PACE_STEP: u64 = 128 * 1024;

/// At most this much of what the reader said is taken in at a time: a hostile one goes on and on.
const MAX_TOLD: u32 = 64;

/// Why a record was not sent.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection, or it belongs to the process that this one was forked from.
    Unopened,
    /// The reader takes nothing more on this connection, perhaps to make room, but may take it on
    /// another.
    Evicted,
    Full,
    /// The gateway knows no such computer, or lets this user not write there.
    Refused(TargetState),
    TooLarge {
        len: u64,
        max: u64,
    },
    /// The last reader is gone.
    Gone,
    Io(&'static str, io::Error),
}

#[derive(Debug)]
struct Ring {
    producer: Producer<Region>,
    bell: Bell,
    /// Bytes written by writes that may wait since the last look how far behind the gateway is.
    unpaced: u64,
    /// What waited then, if the gateway had stood still.
    stood: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Link {
    socket: OwnedFd,
    /// Set where a gateway reads.
    answers: Option<Answers>,
    limits: Limits,
    largest: u64,
    ring: Option<Ring>,
    spoke: bool,
    /// The first write has waited for the gateway to say what it knows of the target.
    asked: bool,
    /// When the reader was last seen alive.
    looked: u64,
    generation: u64,
}

impl Link {
    /// On a connection, on which `hello` must be said before anything else.
    pub(super) fn open(
        Connection { socket, limits }: Connection,
        hello: Option<&[u8]>,
        gateway: bool,
    ) -> io::Result<Self> {
        if let Some(hello) = hello {
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match rustix::net::send(&socket, hello, flags) {
                // If the reader is gone again, the first write says so.
                Ok(_) | Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            socket,
            answers: gateway.then(Answers::default),
            limits,
            largest: limits.largest_record().min(mailslot_ring::MAX_RECORD),
            ring: None,
            spoke: false,
            asked: false,
            looked: 0,
            generation: fork_generation(),
        })
    }

    /// Sends one record, written at `stamp`, without waiting.
    #[inline(always)]
    pub(super) fn send(&mut self, parts: &[IoSlice<'_>], stamp: u64) -> Result<(), Failure> {
        let len = length(parts);
        if len > self.largest {
            return Err(Failure::TooLarge { len, max: self.largest });
        }
        if self.generation != fork_generation() {
            return Err(Failure::Unopened);
        }
        if stamp.wrapping_sub(self.looked) > LOOK_EVERY && self.ring.is_some() {
            self.look_now_and_then(stamp)?;
        }
        if let Some(ring) = &mut self.ring {
            return ring.send(stamp, parts, len);
        }
        self.send_early(parts, stamp, len)
    }

    #[cold]
    fn look_now_and_then(&mut self, stamp: u64) -> Result<(), Failure> {
        look(&self.socket, true)?;
        heed(&mut self.answers, &self.socket)?;
        self.looked = stamp;
        Ok(())
    }

    /// [`Link::send`] before there is a ring.
    #[cold]
    fn send_early(&mut self, parts: &[IoSlice<'_>], stamp: u64, len: u64) -> Result<(), Failure> {
        if self.spoke || len > INLINE_MAX as u64 {
            self.attach()?.send(stamp, parts, len)
        } else {
            self.send_inline(stamp, parts)
        }
    }

    /// [`Link::send`] where there is a ring with room, and nothing else to see to.
    #[inline]
    pub(super) fn send_at_hand(&mut self, parts: &[IoSlice<'_>], stamp: u64) -> bool {
        let len = length(parts);
        let fits = len <= self.largest && self.generation == fork_generation();
        match &mut self.ring {
            Some(ring) if fits && stamp.wrapping_sub(self.looked) <= LOOK_EVERY => {
                ring.send(stamp, parts, len).is_ok()
            }
            _ => false,
        }
    }

    /// Sends the first record on the socket.
    fn send_inline(&mut self, stamp: u64, parts: &[IoSlice<'_>]) -> Result<(), Failure> {
        self.ask_target()?;
        let header = record_header(stamp);
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        // Copying what is small costs less than telling the kernel where its parts are.
        let mut small = [0; HEADER_LEN + SMALL];
        let sent = match parts {
            [part] if part.len() <= SMALL => {
                let len = HEADER_LEN + part.len();
                small[..HEADER_LEN].copy_from_slice(&header);
                small[HEADER_LEN..len].copy_from_slice(part);
                rustix::net::send(&self.socket, &small[..len], flags)
            }
            [part] => {
                let message = [IoSlice::new(&header), IoSlice::new(part)];
                let mut none = SendAncillaryBuffer::default();
                rustix::net::sendmsg(&self.socket, &message, &mut none, flags)
            }
            _ => {
                let message = [&header[..], &concatenated(parts)].concat();
                rustix::net::send(&self.socket, &message, flags)
            }
        };
        match sent {
            Ok(_) => {
                self.spoke = true;
                Ok(())
            }
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Err(Failure::Evicted),
            Err(Errno::AGAIN | Errno::NOBUFS) => Err(Failure::Full),
            Err(error) => Err(Failure::Io("sending the first record", error.into())),
        }
    }

    /// Makes a ring and sends it to the reader.
    fn attach(&mut self) -> Result<&mut Ring, Failure> {
        self.ask_target()?;
        self.look()?;
        let geometry = Geometry::for_quota(self.limits.quota);
        let (region, memory) =
            Region::create(geometry).map_err(|e| Failure::Io("making a ring", e))?;
        let bell = Bell::create().map_err(|e| Failure::Io("making a bell", e))?;

        let (base_shift, growth_shift, levels) = geometry.parts();
        let message = attach(base_shift, growth_shift, levels);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = [memory.as_fd(), bell.far_end()];
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match rustix::net::sendmsg(&self.socket, &[IoSlice::new(&message)], &mut control, flags) {
            Ok(_) => {}
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => {
                self.look()?;
                return Err(Failure::Evicted);
            }
            Err(Errno::AGAIN | Errno::NOBUFS) => return Err(Failure::Full),
            Err(error) => return Err(Failure::Io("sending the ring", error.into())),
        }
        self.spoke = true;
        let producer = Producer::new(region, geometry, self.limits.quota);
        Ok(self.ring.insert(Ring { producer, bell, unpaced: 0, stood: None }))
    }

    /// Gives a gateway that is far behind a moment to catch up: what is written and read soon after
    /// stays in the cache, while a ring that fills up takes ever new memory.
    #[inline]
    pub(super) fn pace(&mut self, parts: &[IoSlice<'_>], patience: Duration) {
        if let (Some(_), Some(ring)) = (&self.answers, &mut self.ring) {
            ring.unpaced += length(parts);
            if ring.unpaced > PACE_STEP {
                self.catch_up(patience.min(LOOK_FOR_ROOM));
            }
        }
    }

    #[cold]
    fn catch_up(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            let Some(ring) = &mut self.ring else { return };
            let written = std::mem::take(&mut ring.unpaced);
            // What is wrong with the ring the next write says.
            let Ok(waiting) = ring.producer.waiting() else { return };
            // Since it stood still nothing was read: that is no time to wait for it.
            let stands = ring.stood.is_some_and(|stood| waiting >= stood + written);
            ring.stood = stands.then_some(waiting);
            let left = deadline.saturating_duration_since(Instant::now());
            if waiting <= PACE_BEHIND || stands || left.is_zero() {
                return;
            }
            let told = match self.ask_for_room() {
                Ok(false) => wait(&self.socket, PollFlags::IN, left),
                other => other,
            };
            if !matches!(told, Ok(true)) {
                if let Some(ring) = &mut self.ring {
                    ring.stood = Some(waiting);
                }
                return;
            }
        }
    }

    /// Waits until the reader has read something, at best so much that there is room for `len`
    /// bytes. False if it hasn't within `patience`.
    pub(super) fn wait_for_room(&mut self, len: u64, patience: Duration) -> Result<bool, Failure> {
        if self.look_for_room(len, patience)? {
            return Ok(true);
        }
        if self.ask_for_room()? {
            return Ok(true);
        }
        if self.ring.is_none() {
            return wait(&self.socket, PollFlags::OUT, patience);
        }
        // A reader tells only when there is a good deal of room, and one that stops right amid a
        // batch can miss the question (see `Consumer::pop`): look again now and then.
        let told = wait(&self.socket, PollFlags::IN, patience.min(LOOK_FOR_ROOM))?;
        Ok(told || patience > LOOK_FOR_ROOM)
    }

    /// Looks a short time whether the reader, which has much to read, makes a good deal of room:
    /// sleeping and being woken would cost both sides more.
    fn look_for_room(&mut self, len: u64, patience: Duration) -> Result<bool, Failure> {
        let quota = self.limits.quota;
        let (Some(ring), Some(most)) = (&mut self.ring, quota.checked_sub(len)) else {
            return Ok(false);
        };
        let start = Instant::now();
        while start.elapsed() < SPIN_FOR_ROOM.min(patience) {
            // Each look takes the line away from the reader. Whoever else can run may do so.
            (0..LEAVE_ALONE).for_each(|_| std::hint::spin_loop());
            std::thread::yield_now();
            if ring.producer.waiting().map_err(|_| tampered())? <= most.min(quota / 2) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks the reader to say when it has read something. True if it already has.
    pub(super) fn ask_for_room(&mut self) -> Result<bool, Failure> {
        let Some(ring) = &mut self.ring else {
            // The socket is full of what the reader hasn't taken; the kernel says when it has.
            return Ok(false);
        };
        // What it said earlier says nothing about now.
        if let Some(answers) = &mut self.answers {
            answers.hear(&self.socket);
        }
        for _ in 0..MAX_TOLD {
            if rustix::net::recv(&self.socket, &mut [0; 64], RecvFlags::DONTWAIT).is_err() {
                break;
            }
        }
        ring.producer.want_room().map(|wanted| !wanted).map_err(|_| tampered())
    }

    /// Waits a short time until the gateway has said what it knows of the target.
    fn ask_target(&mut self) -> Result<(), Failure> {
        let Some(answers) = &mut self.answers else {
            return Ok(());
        };
        answers.hear(&self.socket);
        if answers.target.is_none() && !self.asked {
            self.asked = true;
            let deadline = Instant::now() + TARGET_WITHIN;
            while answers.target.is_none() {
                let left = deadline.saturating_duration_since(Instant::now());
                match wait(&self.socket, PollFlags::IN, left) {
                    Ok(true) => answers.hear(&self.socket),
                    Ok(false) => break,
                    Err(_) => return Err(Failure::Evicted),
                }
            }
        }
        refused(answers)
    }

    /// Waits until `deadline` for what became of `record`, the one that was sent last. The second
    /// part of the answer says whether that is all.
    pub(super) fn wait_for_outcomes(
        &mut self,
        record: u64,
        deadline: Option<Instant>,
    ) -> Result<(BTreeMap<String, Outcome>, bool), Failure> {
        let Some(answers) = &mut self.answers else {
            return Ok(Default::default());
        };
        answers.await_outcomes(record);
        loop {
            answers.hear(&self.socket);
            refused(answers)?;
            let left =
                deadline.map_or(Duration::MAX, |d| d.saturating_duration_since(Instant::now()));
            if answers.complete || left.is_zero() {
                return Ok((std::mem::take(&mut answers.outcomes), answers.complete));
            }
            match wait(&self.socket, PollFlags::IN, left) {
                Ok(_) => {}
                Err(failure) => {
                    // It may have said it before it went.
                    answers.hear(&self.socket);
                    if !answers.complete {
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// Fails if the reader has gone by now.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.look()
    }

    /// Looks whether the reader has closed its end.
    fn look(&self) -> Result<(), Failure> {
        match look(&self.socket, self.spoke || self.ring.is_some()) {
            Err(Failure::Gone) if self.is_moved() => Err(Failure::Evicted),
            result => result,
        }
    }

    /// Whether the reader has what was sent here, and closed its end because it needs room.
    fn is_moved(&self) -> bool {
        let flags = RecvFlags::DONTWAIT | RecvFlags::PEEK;
        let mut said = [0];
        self.answers.is_none()
            && self.ring.is_none()
            && rustix::net::recv(&self.socket, &mut said, flags).is_ok_and(|(len, _)| len == 1)
            && said == [MOVE]
    }

    /// How many of this connection's records are lost, as far as the gateway has said.
    pub(super) fn lost(&mut self) -> u64 {
        // What is on the socket of the process that this was forked from is for that one.
        let own = self.generation == fork_generation();
        self.answers.as_mut().map_or(0, |answers| {
            if own {
                answers.hear(&self.socket);
            }
            answers.lost
        })
    }

    #[cfg(feature = "tokio")]
    pub(super) fn socket(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Ring {
    #[inline(always)]
    fn send(&mut self, stamp: u64, parts: &[IoSlice<'_>], len: u64) -> Result<(), Failure> {
        match self.producer.push(stamp, parts, len) {
            Ok(Wake::No) => Ok(()),
            Ok(Wake::Ring) => {
                self.bell.ring();
                Ok(())
            }
            Err(PushError::Full) => Err(Failure::Full),
            Err(PushError::TooLarge) => Err(Failure::TooLarge { len, max: len - 1 }),
            Err(PushError::Broken) => Err(tampered()),
            Err(PushError::NoMemory) => {
                Err(Failure::Io("queueing the record", io::ErrorKind::OutOfMemory.into()))
            }
        }
    }
}

/// Takes in what a gateway says. Fails if nothing reaches the target.
#[inline]
fn heed(answers: &mut Option<Answers>, socket: &OwnedFd) -> Result<(), Failure> {
    answers.as_mut().map_or(Ok(()), |answers| {
        answers.hear(socket);
        refused(answers)
    })
}

/// Fails if the gateway has said that nothing reaches the target.
fn refused(answers: &Answers) -> Result<(), Failure> {
    match answers.target {
        Some(state @ (TargetState::Unknown | TargetState::Denied)) => Err(Failure::Refused(state)),
        None | Some(TargetState::Known) => Ok(()),
    }
}

fn tampered() -> Failure {
    let error = io::Error::other("the reader's side of the ring makes no sense");
    Failure::Io("queueing the record", error)
}

fn concatenated(parts: &[IoSlice<'_>]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.iter().copied()).collect()
}
