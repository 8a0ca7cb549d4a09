//! Frames to one computer: a connection, numbers, a window, and repetition.
//!
//! A connection exists so that a frame of an earlier one, delayed on its way, can't be taken for a
//! new one: the receiver chooses it, and knows no other. When the receiver has lost it (it began
//! anew), or something was given up that was on the way, everything goes again in a new one.

use std::collections::VecDeque;
use std::time::Duration;

use mailslot_wire::envelope::{self, ACK_MAP_MAX, DATA_HEADER_LEN};

use super::outbox::{Dropped, Outbox, Payload};
use super::random::Random;
use super::types::{Config, Time};
use crate::transport::FRAME_SPARE;

/// Frames that may be on the way: what an ack can tell apart.
const FRAMES_MAX: usize = ACK_MAP_MAX * 8;

/// Bytes that may be on the way, at most and at first: a slow line is to show that it is before its
/// queue is longer than anybody waits.
const WINDOW_MAX: usize = 4 * 1024 * 1024;
const WINDOW_FIRST: usize = 128 * 1024;
const WINDOW_MIN: usize = 64 * 1024;

/// How much longer than ever before the way may become before less is sent: as much waits in
/// queues along it, which delays all others.
const DELAY_MAX: Duration = Duration::from_millis(200);

/// The same for parts of large records: small ones wait behind what is on the way. At least so much, or
/// half of the way's length.
const LARGE_DELAY: Duration = Duration::from_millis(5);

/// How long an answer is waited for before a frame is repeated.
const REPEAT_FIRST: Duration = Duration::from_millis(300);
const REPEAT_MIN: Duration = Duration::from_millis(200);
const REPEAT_MAX: Duration = Duration::from_secs(1);
const REPEAT_EVER: Duration = Duration::from_secs(2);

/// How long a path is left alone that takes no frames, unless it says before that it does.
const PAUSE_BUSY: Duration = Duration::from_millis(20);
const PAUSE_UNREACHABLE: Duration = Duration::from_millis(500);

/// What was sent may have arrived, and nobody knows until the other side is heard again. So it is not
/// given up with what has never gone: what counts as lost would be more than is.
const KEEP_SENT: Duration = Duration::from_secs(300);

/// The other side takes what is sent if it has said so within this time.
const MOVES: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Link {
    Closed,
    Opening { token: u64, repeat_at: Time },
    Open { connection: u64 },
}

#[derive(Debug)]
struct Flight {
    payload: Payload,
    /// When it was sent last; `None`: it must be sent again.
    sent: Option<Time>,
    /// It was sent more than once, so its answer says nothing about the time it took.
    repeated: bool,
    /// It has arrived, but others before it have not.
    arrived: bool,
}

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) outbox: Outbox,
    link: Link,
    flight: VecDeque<Flight>,
    /// The number of the first frame in `flight`.
    first: u64,
    /// Bytes sent and not answered.
    on_the_way: usize,
    window: usize,
    /// Parts of large records go only while less of them is on the way.
    large_window: usize,
    round_trip: Option<Duration>,
    deviation: Duration,
    shortest: Duration,
    repeats: u32,
    /// When an answer came last, or the first frame went that waits for one.
    progress: Time,
    paused_until: Option<Time>,
    pub(super) reachable: bool,
}

/// A frame to send, and its number.
pub(super) type Sent = (Vec<u8>, Option<u64>);

impl Outgoing {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            outbox: Outbox::new(config.largest_frame, config.keep),
            link: Link::Closed,
            flight: VecDeque::new(),
            first: 0,
            on_the_way: 0,
            window: WINDOW_FIRST,
            large_window: WINDOW_FIRST,
            round_trip: None,
            deviation: Duration::ZERO,
            shortest: Duration::MAX,
            repeats: 0,
            progress: Time::ZERO,
            paused_until: None,
            reachable: false,
        }
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Until when the other side counts as taking what is sent, if it does.
    pub(super) fn moves_until(&self) -> Option<Time> {
        let open = matches!(self.link, Link::Open { .. });
        (open && self.reachable).then_some(self.progress + MOVES)
    }

    /// The path has come back, or takes frames again.
    pub(super) fn resume(&mut self, now: Time) {
        self.paused_until = None;
        self.repeats = 0;
        if let Link::Opening { repeat_at, .. } = &mut self.link {
            *repeat_at = now;
        }
    }

    /// The other side was heard: after silence, it is no longer waited for so patiently.
    pub(super) fn heard(&mut self) {
        self.repeats = 0;
    }

    /// The path has come back after it was gone: what was on the way may be lost.
    pub(super) fn came_back(&mut self, now: Time) {
        self.resume(now);
        if let Some(first) = self.flight.front_mut()
            && first.sent.is_some()
        {
            self.on_the_way = self.on_the_way.saturating_sub(first.payload.items().len());
            first.sent = None;
            first.repeated = true;
        }
    }

    pub(super) fn accepted(&mut self, token: u64, connection: u64, now: Time) {
        if matches!(self.link, Link::Opening { token: asked, .. } if asked == token) {
            self.link = Link::Open { connection };
            self.progress = now;
            self.repeats = 0;
        }
    }

    /// The other side doesn't know the connection.
    pub(super) fn was_reset(&mut self, connection: u64) -> bool {
        let ours = matches!(self.link, Link::Open { connection: open } if open == connection);
        if ours {
            self.begin_anew();
        }
        ours
    }

    fn begin_anew(&mut self) {
        self.link = Link::Closed;
        self.outbox.again(self.flight.drain(..).map(|flight| flight.payload));
        self.first = 0;
        self.on_the_way = 0;
    }

    /// The frame that was just given out was not taken.
    pub(super) fn refused(&mut self, number: Option<u64>, unreachable: bool, now: Time) {
        let pause = if unreachable { PAUSE_UNREACHABLE } else { PAUSE_BUSY };
        self.paused_until = Some(now + pause);
        let index = number.and_then(|number| number.checked_sub(self.first));
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(flight) = index.and_then(|index| self.flight.get_mut(index))
            && flight.sent.take().is_some()
        {
            self.on_the_way = self.on_the_way.saturating_sub(flight.payload.items().len());
        }
    }

    /// The other side has dealt with all frames below `next`, and has those in `map`.
    pub(super) fn acknowledged(&mut self, (connection, next): (u64, u64), map: &[u8], now: Time) {
        let open = matches!(self.link, Link::Open { connection: open } if open == connection);
        let Some(count) = next.checked_sub(self.first) else { return };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if !open || count > self.flight.len() {
            return;
        }
        let mut newest = None;
        let soonest = self.round_trip.unwrap_or_default() / 2;
        let mut bytes = 0;
        let mut arrive = |flight: &mut Flight, on_the_way: &mut usize| {
            if std::mem::replace(&mut flight.arrived, true) {
                return None;
            }
            bytes += flight.payload.items().len();
            let sent = flight.sent?;
            *on_the_way = on_the_way.saturating_sub(flight.payload.items().len());
            // An answer so soon after a repetition is to what was sent before.
            if !flight.repeated || now.saturating_sub(sent) >= soonest {
                newest = newest.max(Some(sent));
            }
            (!flight.repeated).then(|| now.saturating_sub(sent))
        };
        let mut sample = None;
        for mut flight in self.flight.drain(..count) {
            sample = arrive(&mut flight, &mut self.on_the_way).or(sample);
            self.outbox.done(&flight.payload);
        }
        self.first = next;
        let bits = map.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        for (flight, _) in self.flight.iter_mut().skip(1).zip(bits).filter(|(_, set)| *set) {
            sample = arrive(flight, &mut self.on_the_way).or(sample);
        }
        if let Some(sample) = sample {
            // A longer one tells more of lost answers than of the way.
            self.measure(sample.min(REPEAT_EVER));
        }
        if bytes > 0 {
            self.progress = now;
            self.repeats = 0;
            self.adapt(bytes, sample);
        }
        if let Some(newest) = newest {
            self.overtaken(newest);
        }
    }

    /// What was sent well before a frame that has arrived is lost.
    fn overtaken(&mut self, newest: Time) {
        let tolerance = self.round_trip.unwrap_or(REPEAT_FIRST) / 4 + Duration::from_millis(1);
        let mut lost = false;
        for flight in self.flight.iter_mut().filter(|flight| !flight.arrived) {
            if flight.sent.is_some_and(|sent| sent + tolerance < newest) {
                flight.sent = None;
                flight.repeated = true;
                self.on_the_way = self.on_the_way.saturating_sub(flight.payload.items().len());
                lost = true;
            }
        }
        if lost {
            self.window = (self.window / 4 * 3).max(2 * WINDOW_MIN);
        }
    }

    fn measure(&mut self, sample: Duration) {
        self.shortest = self.shortest.min(sample);
        match self.round_trip {
            None => {
                self.round_trip = Some(sample);
                self.deviation = sample / 2;
            }
            Some(mean) => {
                self.deviation = (self.deviation * 3 + mean.abs_diff(sample)) / 4;
                self.round_trip = Some((mean * 7 + sample) / 8);
            }
        }
    }

    /// Sends more at once as long as the way doesn't become longer by it.
    fn adapt(&mut self, bytes: usize, sample: Option<Duration>) {
        let Some(sample) = sample else { return };
        let shortest = self.shortest;
        let change = |window: &mut usize, delay| {
            *window = if sample > shortest.saturating_add(delay) {
                window.saturating_sub(bytes / 4).max(WINDOW_MIN)
            } else {
                (*window + bytes).min(WINDOW_MAX)
            };
        };
        change(&mut self.window, DELAY_MAX);
        change(&mut self.large_window, LARGE_DELAY.max(shortest / 2));
    }

    fn repeat_after(&self) -> Duration {
        let expected = match self.round_trip {
            None => REPEAT_FIRST,
            Some(mean) => (mean + self.deviation * 4).max(REPEAT_MIN),
        };
        let longest = REPEAT_MAX.max(self.round_trip.unwrap_or_default() * 2).min(REPEAT_EVER);
        (expected * 2u32.pow(self.repeats.min(4))).min(longest)
    }

    /// The first frame that waits for an answer, if it was sent.
    fn oldest(&self) -> Option<Time> {
        self.flight.iter().find(|flight| !flight.arrived).and_then(|flight| flight.sent)
    }

    fn is_idle(&self) -> bool {
        self.flight.is_empty() && self.outbox.is_empty()
    }

    /// When something has to be done again.
    pub(super) fn deadline(&self) -> Option<Time> {
        if self.is_idle() {
            return None;
        }
        let expires = [self.outbox.deadline(), self.stuck()];
        let sends = [
            self.paused_until,
            match self.link {
                Link::Opening { repeat_at, .. } => Some(repeat_at),
                Link::Open { .. } => self.oldest().map(|sent| sent + self.repeat_after()),
                Link::Closed => None,
            },
        ];
        // What a pause holds back needs no earlier look.
        let sends = sends.into_iter().flatten().filter(|_| self.reachable);
        let sends = sends.map(|at| at.max(self.paused_until.unwrap_or_default())).min();
        expires.into_iter().flatten().chain(sends).min()
    }

    /// When what is on the way will have waited too long. As long as something arrives, it may, too,
    /// so it isn't lost.
    fn stuck(&self) -> Option<Time> {
        let flight = self.flight.iter().map(|flight| flight.payload.expires());
        let first = flight.chain(self.outbox.begun()).min()?;
        Some(first.max(self.progress + KEEP_SENT))
    }

    /// Gives up what has waited too long.
    pub(super) fn expire(&mut self, now: Time) -> Dropped {
        if self.stuck().is_some_and(|at| at <= now) {
            self.begin_anew();
        }
        if self.outbox.deadline().is_none_or(|at| at > now) {
            return Dropped::new();
        }
        self.outbox.expire(now)
    }

    /// Gives up everything.
    pub(super) fn give_up(&mut self) -> Dropped {
        self.begin_anew();
        self.outbox.expire(Time::MAX)
    }

    /// The next frame to send.
    pub(super) fn next(&mut self, now: Time, random: &mut Random) -> Option<Sent> {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
        if !self.reachable || self.paused_until.is_some() || self.is_idle() {
            return None;
        }
        let connection = match &mut self.link {
            Link::Open { connection } => *connection,
            Link::Opening { repeat_at, .. } if *repeat_at > now => return None,
            link => {
                let token = match link {
                    Link::Opening { token, .. } => *token,
                    _ => random.next(),
                };
                let pause = (REPEAT_MIN * 2u32.pow(self.repeats.min(3))).min(REPEAT_MAX);
                *link = Link::Opening { token, repeat_at: now + pause };
                self.repeats += 1;
                return Some((envelope::open(token), None));
            }
        };
        if let Some(oldest) = self.oldest()
            && now >= oldest + self.repeat_after()
        {
            self.repeat_oldest();
        }
        let mut flight = self.flight.iter_mut().zip(self.first..);
        let again = flight.find(|(flight, _)| !flight.arrived && flight.sent.is_none());
        if let Some((flight, number)) = again {
            flight.sent = Some(now);
            self.on_the_way += flight.payload.items().len();
            return Some((frame(connection, number, &flight.payload), Some(number)));
        }
        if self.on_the_way >= self.window || self.flight.len() >= FRAMES_MAX {
            return None;
        }
        let large = self.outbox.has_large() && self.may_send_large();
        let payload = self.outbox.next(now, large)?;
        if self.flight.is_empty() {
            self.progress = now;
        }
        let number = self.first + self.flight.len() as u64;
        let frame = frame(connection, number, &payload);
        self.on_the_way += payload.items().len();
        self.flight.push_back(Flight { payload, sent: Some(now), repeated: false, arrived: false });
        Some((frame, Some(number)))
    }

    /// Small records that are written now wait behind what is on the way. But where that are small ones,
    /// large ones have their share.
    fn may_send_large(&self) -> bool {
        let parts = self
            .flight
            .iter()
            .filter(|flight| flight.sent.is_some() && !flight.arrived && flight.payload.is_part());
        let parts: usize = parts.map(|flight| flight.payload.items().len()).sum();
        parts < self.large_window.max(self.on_the_way / 2)
    }

    fn repeat_oldest(&mut self) {
        if let Some(flight) = self.flight.iter_mut().find(|flight| !flight.arrived) {
            flight.sent = None;
            flight.repeated = true;
            self.on_the_way = self.on_the_way.saturating_sub(flight.payload.items().len());
        }
        self.repeats += 1;
        self.window = (self.window / 2).max(WINDOW_MIN);
    }
}

fn frame(connection: u64, number: u64, payload: &Payload) -> Vec<u8> {
    let len = DATA_HEADER_LEN + payload.items().len();
    let mut frame = Vec::with_capacity(len + FRAME_SPARE);
    frame.extend(envelope::data_header(connection, number));
    frame.extend(payload.items());
    frame
}
