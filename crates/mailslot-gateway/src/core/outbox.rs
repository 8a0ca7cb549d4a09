//! What waits for one computer: small records packed into payloads of frames, and lanes of channels
//! whose records are too large for one frame and take turns.
//!
//! A payload knows nothing of connections and numbers, so that it can be sent again in another
//! connection. Order within a channel holds since a lane begins only when all that was packed for
//! its channel before is on its way, and what follows waits in the lane.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailslot_wire::answer::Outcome;
use mailslot_wire::envelope::{
    DATA_HEADER_LEN, DEFINE_MAX, Definition, Items, RUN_HEADER_LEN, WriterId,
};

use super::memory::CHANNELS_MAX;
use super::numbers::NumberMap;
use super::types::Time;

mod send;

/// Bytes of large records that may be on the way to one computer at once, which has to put them
/// together.
pub(super) const ASSEMBLY_MAX: usize = 64 * 1024 * 1024;

/// How long a payload that can't go takes in more records: they are lost together.
const PACK_TIME: Duration = Duration::from_millis(250);

/// What a payload or a queued record costs besides its bytes.
const OVERHEAD: usize = 64;

/// Room for what a frame needs besides one record and its channel's definition.
const RECORD_ROOM: usize = DEFINE_MAX + RUN_HEADER_LEN + 4;

/// A record's bytes. Most go into a payload with others; the rest is shared by those who need it.
#[derive(Debug)]
pub(super) enum Body {
    Own(Vec<u8>),
    Shared(Arc<Vec<u8>>),
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::Own(bytes)
    }
}

impl std::ops::Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Body::Own(bytes) => bytes,
            Body::Shared(bytes) => bytes,
        }
    }
}

impl Body {
    pub(super) fn share(&mut self) -> Arc<Vec<u8>> {
        let shared = match self {
            Body::Own(bytes) => Arc::new(std::mem::take(bytes)),
            Body::Shared(bytes) => return bytes.clone(),
        };
        *self = Body::Shared(shared.clone());
        shared
    }
}

/// A record in a lane. Most are large.
#[derive(Debug)]
pub(super) struct Large {
    channel: u32,
    sequence: u64,
    bytes: Arc<Vec<u8>>,
    expires: Time,
}

impl Large {
    fn cost(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

/// What a payload has of one channel.
#[derive(Clone, Copy, Debug)]
struct Entry {
    channel: u32,
    records: u64,
    /// It begins with the channel's definition.
    defines: bool,
    /// It ends with the channel's end.
    closes: bool,
}

#[derive(Clone, Debug)]
enum Contents {
    /// Of which channels, in order.
    Records(Vec<Entry>),
    /// A part of a large record.
    Fragment { large: Arc<Large>, last: bool },
}

/// Items for a frame.
#[derive(Debug)]
pub(super) struct Payload {
    items: Vec<u8>,
    contents: Contents,
    expires: Time,
}

impl Payload {
    pub(super) fn items(&self) -> &[u8] {
        &self.items
    }

    pub(super) fn expires(&self) -> Time {
        self.expires
    }

    /// Whether it is a part of a large record.
    pub(super) fn is_part(&self) -> bool {
        matches!(self.contents, Contents::Fragment { .. })
    }

    /// What it adds to the queue. A fragment's record is counted as a whole.
    fn cost(&self) -> usize {
        match self.contents {
            Contents::Records(_) => self.items.len() + OVERHEAD,
            Contents::Fragment { .. } => 0,
        }
    }
}

#[derive(Debug)]
enum Queued {
    /// A record, of which so many bytes are on the way.
    Record {
        large: Arc<Large>,
        begun: usize,
    },
    Close,
}

#[derive(Debug)]
struct Channel {
    definition: Definition,
    writer: u64,
    /// The generation in which its definition was put into a payload.
    defined: u64,
    /// The generation in which the other side knows it, once it has what was sent.
    live: u64,
    /// Payloads that have something of it and wait to be sent for the first time.
    waiting: u32,
    /// Payloads that have something of it, those on the way included.
    pending: u32,
    /// Records that take turns with those of other channels. What follows them waits here, too.
    lane: VecDeque<Queued>,
    closed: bool,
}

/// What is to be sent again, before anything else.
#[derive(Debug)]
enum Replay {
    Payload(Payload),
    Large { large: Arc<Large>, begun: usize },
}

#[derive(Debug)]
pub(super) struct Outbox {
    /// Bytes of items that fit a frame.
    room: usize,
    keep: Duration,
    channels: NumberMap<u32, Channel>,
    next_channel: u32,
    /// Counts connections, so that channels know whether they are defined in this one.
    generation: u64,
    replay: VecDeque<Replay>,
    ready: VecDeque<Payload>,
    open: Items,
    open_contents: Vec<Entry>,
    open_since: Time,
    open_expires: Time,
    /// Channels with something in their lane, in turn.
    lanes: VecDeque<u32>,
    lane_next: bool,
    /// Channels that the other side knows, until it has acknowledged their end.
    live: usize,
    /// Bytes of large records that have begun.
    assembling: usize,
    /// Bytes that wait or are on the way, but for the open payload.
    bytes: usize,
    /// Of those, the ones of records in lanes, or that were there.
    large_bytes: usize,
    missed: HashMap<WriterId, u64>,
}

/// Records that were given up: their writers, and how many.
pub(super) type Dropped = Vec<(u64, u64)>;

impl Outbox {
    pub(super) fn new(largest_frame: usize, keep: Duration) -> Self {
        Self {
            room: largest_frame - DATA_HEADER_LEN,
            keep,
            channels: NumberMap::default(),
            next_channel: 0,
            generation: 1,
            replay: VecDeque::new(),
            ready: VecDeque::new(),
            open: Items::new(),
            open_contents: Vec::new(),
            open_since: Time::ZERO,
            open_expires: Time::ZERO,
            lanes: VecDeque::new(),
            lane_next: false,
            live: 0,
            assembling: 0,
            bytes: 0,
            large_bytes: 0,
            missed: HashMap::new(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.open.len()
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.replay.is_empty()
            && self.ready.is_empty()
            && self.open.is_empty()
            && self.lanes.is_empty()
            && self.missed.is_empty()
    }

    /// Bytes of records that take turns with small ones.
    pub(super) fn large_bytes(&self) -> usize {
        self.large_bytes
    }

    /// Whether the channel has such records, which those that follow wait for.
    pub(super) fn is_large(&self, number: u32) -> bool {
        self.channels.get(&number).is_some_and(|channel| !channel.lane.is_empty())
    }

    /// Whether there are records that take turns with small ones.
    pub(super) fn has_large(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// A channel for a writer.
    pub(super) fn channel(&mut self, writer: u64, definition: Definition) -> u32 {
        let number = self.next_channel;
        // The other side has forgotten the first long before they come again.
        self.next_channel = number.wrapping_add(1);
        let channel = Channel {
            definition,
            writer,
            defined: 0,
            live: 0,
            waiting: 0,
            pending: 0,
            lane: VecDeque::new(),
            closed: false,
        };
        self.channels.insert(number, channel);
        number
    }

    pub(super) fn is_open(&self, number: u32) -> bool {
        self.channels.get(&number).is_some_and(|channel| !channel.closed)
    }

    /// Queues a record.
    pub(super) fn record(
        &mut self,
        number: u32,
        sequence: u64,
        body: &mut Body,
        now: Time,
        expires: Time,
    ) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if channel.lane.is_empty() && body.len() <= self.room - RECORD_ROOM {
            let known = channel.defined == self.generation;
            self.pack((number, known), sequence, body, now, expires);
            return;
        }
        let bytes = body.share();
        let large = Arc::new(Large { channel: number, sequence, bytes, expires });
        self.bytes += large.cost();
        self.large_bytes += large.cost();
        if channel.lane.is_empty() {
            self.lanes.push_back(number);
        }
        channel.lane.push_back(Queued::Record { large, begun: 0 });
    }

    /// The writer has left: once its records are sent, the channel ends.
    pub(super) fn close(&mut self, number: u32, now: Time) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if std::mem::replace(&mut channel.closed, true) {
            return;
        }
        if !channel.lane.is_empty() {
            channel.lane.push_back(Queued::Close);
        } else if channel.pending == 0 && channel.live != self.generation {
            self.channels.remove(&number);
        } else {
            self.begin(DEFINE_MAX + 5, now, now + self.keep);
            self.define(number);
            self.open.close(number);
            self.note(number, 0).closes = true;
        }
    }

    /// What became of a record that came from there.
    pub(super) fn result(&mut self, writer: WriterId, sequence: u64, outcome: Outcome, now: Time) {
        self.begin(26, now, now + self.keep);
        self.open.result(writer, sequence, outcome);
    }

    /// Records that came from there and that no slot took.
    pub(super) fn missed(&mut self, writer: WriterId, count: u64) {
        // Bounded, whatever the peer does: who has more writers at once hears less.
        if self.missed.len() < CHANNELS_MAX || self.missed.contains_key(&writer) {
            *self.missed.entry(writer).or_default() += count;
        }
    }

    fn pack(
        &mut self,
        (number, known): (u32, bool),
        sequence: u64,
        bytes: &[u8],
        now: Time,
        expires: Time,
    ) {
        let cost = self.open.cost_of_record(number, sequence, bytes.len());
        self.begin(cost + if known { 0 } else { RECORD_ROOM }, now, expires);
        if !known {
            self.define(number);
        }
        self.open.record(number, sequence, bytes);
        self.note(number, 1);
    }

    /// Makes room for items.
    fn begin(&mut self, cost: usize, now: Time, expires: Time) {
        let full = self.open.len() + cost > self.room || now > self.open_since + PACK_TIME;
        if !self.open.is_empty() && full {
            self.finish();
        }
        if self.open.is_empty() {
            self.open_since = now;
            self.open_expires = expires;
        }
        self.open_expires = self.open_expires.max(expires);
    }

    fn define(&mut self, number: u32) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if std::mem::replace(&mut channel.defined, self.generation) != self.generation {
            self.open.define(number, &channel.definition);
            self.note(number, 0).defines = true;
        }
    }

    /// Counts records of a channel in the open payload.
    fn note(&mut self, number: u32, records: u64) -> &mut Entry {
        if self.open_contents.last().is_none_or(|last| last.channel != number) {
            let entry = Entry { channel: number, records: 0, defines: false, closes: false };
            self.open_contents.push(entry);
            if let Some(channel) = self.channels.get_mut(&number) {
                channel.waiting += 1;
                channel.pending += 1;
            }
        }
        let last = self.open_contents.len() - 1;
        self.open_contents[last].records += records;
        &mut self.open_contents[last]
    }

    fn finish(&mut self) {
        // The next is likely to become as large.
        let next = Items::with_capacity(self.open.len());
        let items = std::mem::replace(&mut self.open, next).into_bytes();
        let contents = Contents::Records(std::mem::take(&mut self.open_contents));
        let payload = Payload { items, contents, expires: self.open_expires };
        self.bytes += payload.cost();
        self.ready.push_back(payload);
    }
}
