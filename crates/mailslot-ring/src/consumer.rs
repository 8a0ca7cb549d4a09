//! The reader's half of a ring. Whatever stands in the memory, it stays within bounds, stops at
//! once where an item makes no sense, and never looks at a byte twice that it has to trust.

mod give_back;
mod take;

use std::time::Duration;

use crate::geometry::Geometry;
use crate::item::{ALIGN, HEAD, Head, footprint};
use crate::memory::Memory;
use crate::sync::{Ordering, flag, publish_then_lower, raise_then_look};

/// A writer that waits is not told of less room than this, in bytes, unless it is all there is.
const SETTLE_EVERY: u64 = 32 * 1024;

/// A writer that has written as much since the reader last slept is spared fences, in bytes.
const STREAM: u64 = if cfg!(loom) { 0 } else { 256 * 1024 };

/// How much of what it finds a look fetches, in bytes.
const FIRST_LOOK: u64 = 128;

/// How long any processor may keep a store to itself.
const STORE_BUFFERED: Duration = Duration::from_millis(1);

/// An honest writer puts at most one of these before a record.
const MAX_SKIPS: u32 = 2;

/// No ring lives long enough to get here; positions below it can be added to without overflow.
const MAX_POSITION: u64 = 1 << 62;

/// The writer broke the rules of the ring; nothing more can be read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the writer put something into the ring that is no record")]
pub struct Broken;

/// The next record of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Front {
    /// Bytes of the record.
    pub len: u32,
    /// When the writer says that it wrote it: `CLOCK_MONOTONIC`, in nanoseconds.
    pub stamp: u64,
    at: u64,
}

/// What releasing a record asks of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Room {
    /// Nobody waits for room.
    Unwanted,
    /// The writer waits for room: tell it.
    Wanted,
}

/// A reader's place in a ring: what another holder of the read handle needs to go on there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// All items before this position are read.
    pub position: u64,
    /// The level it stands in.
    pub level: u64,
    /// The position that corresponds to the start of that level.
    pub level_start: u64,
    /// All items before this position are released to the writer.
    pub released: u64,
    /// How many records were read.
    pub records: u64,
}

/// A place in the ring and where its level lies in memory.
#[derive(Clone, Copy, Debug)]
struct Spot {
    cursor: Cursor,
    start: u64,
    capacity: u64,
}

/// How far [`Consumer::count`] has walked, so that it meets every record once.
#[derive(Clone, Copy, Debug)]
struct Count {
    spot: Spot,
    bytes: u64,
    bytes_read: u64,
}

/// The reader's half: the only one that releases items and moves the head.
#[derive(Debug)]
pub struct Consumer<M> {
    memory: M,
    geometry: Geometry,
    spot: Spot,
    /// Items before this position were published when last looked.
    seen: u64,
    front: Option<Front>,
    /// Where `front` stands, if padding or a jump lies before it. Only reading the record leaves
    /// these behind: until then another holder of the handle may start at them.
    skipped_to: Option<Spot>,
    /// Up to here a waiting writer is sure to have been told.
    settled: u64,
    /// Where it will next be told: half way through what was seen. A writer that was told of every
    /// record's room would fill it and sleep again.
    settle_at: u64,
    counted: Count,
    /// One bit per level that was left since the last release and whose memory is to go.
    left: u32,
    /// Where the level begins that was closed last.
    closed: u64,
    broken: bool,
    fences: Fences,
    /// Where it stood when it last armed.
    armed_at: u64,
}

/// Whether this half fences for the writer, too, before it sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fences {
    /// It can't, or others read too.
    Never,
    NotNow,
    Now,
}

impl<M: Memory> Consumer<M> {
    /// Starts at `cursor` (the default: at the beginning).
    pub fn new(memory: M, geometry: Geometry, cursor: Cursor) -> Self {
        let spot = Spot::new(&geometry, Cursor::default());
        let counted = Count::new(spot);
        let mut consumer = Self {
            memory,
            geometry,
            spot,
            seen: 0,
            front: None,
            skipped_to: None,
            settled: 0,
            settle_at: 0,
            counted,
            left: 0,
            closed: 0,
            broken: false,
            fences: Fences::Never,
            armed_at: cursor.position,
        };
        consumer.adopt(cursor);
        consumer
    }

    /// This half is the only reader: it may fence for a writer that writes a lot.
    pub fn be_only_reader(&mut self) {
        if self.memory.fence_peer() {
            self.fences = Fences::NotNow;
        }
    }

    /// Where this half stands.
    pub fn cursor(&self) -> Cursor {
        self.spot.cursor
    }

    /// Goes on where another holder left off.
    ///
    /// Holders that may be killed at any moment move with [`Consumer::advance`], write the cursor
    /// where the others find it, and only then release: what was released can't be read again.
    pub fn set_cursor(&mut self, cursor: Cursor) {
        if cursor != self.spot.cursor {
            self.adopt(cursor);
        }
    }

    /// True if the writer has published something since the last [`Consumer::look`].
    #[inline]
    pub fn has_news(&self) -> bool {
        self.memory.header().tail.0.load(Ordering::Acquire) != self.seen
    }

    /// Takes note of what the writer has published. True if there is something to read.
    #[inline]
    pub fn look(&mut self) -> Result<bool, Broken> {
        let header = self.memory.header();
        let tail = header.tail.0.load(Ordering::Acquire);
        if self.fences == Fences::NotNow && self.spot.cursor.position - self.armed_at > STREAM {
            self.fences = Fences::Now;
            header.armed.0.store(flag::FENCING, Ordering::Relaxed);
        }
        let new = tail.saturating_sub(self.spot.cursor.position);
        if new > 0 {
            // All lines at once: only from the first it is seen that there are others.
            self.memory.prefetch(self.spot.at(), new.min(FIRST_LOOK));
        }
        self.accept(tail)
    }

    /// Asks the writer to ring the bell at its next publication, then looks once more.
    ///
    /// After `Ok(false)` nothing is readable and the bell will ring.
    pub fn arm(&mut self) -> Result<bool, Broken> {
        let header = self.memory.header();
        // It stays raised if there is something to read: another holder may sleep by it.
        let mut tail = raise_then_look(&header.armed.0, &header.tail.0);
        if self.fences == Fences::Now {
            self.fences = Fences::NotNow;
            if !self.memory.fence_peer() {
                // It worked before; somebody has forbidden it since.
                self.fences = Fences::Never;
                std::thread::sleep(STORE_BUFFERED);
            }
            tail = header.tail.0.load(Ordering::Acquire);
        }
        self.armed_at = self.spot.cursor.position;
        self.accept(tail)
    }

    /// The next record, among those that the last look saw.
    #[inline]
    pub fn front(&mut self) -> Result<Option<Front>, Broken> {
        if self.front.is_some() || self.spot.cursor.position >= self.seen {
            return Ok(self.front);
        }
        let head = self.memory.head(self.spot.at());
        let front = match self.record(&self.spot, head, self.seen) {
            Some(front) => front,
            None => self.skip(head)?,
        };
        self.front = Some(front);
        Ok(Some(front))
    }

    /// Copies the first bytes of `front`, as many as `into` holds.
    #[inline]
    pub fn copy(&self, front: &Front, into: &mut [u8]) {
        let len = into.len().min(front.len as usize);
        self.memory.copy_out(front.at + HEAD, &mut into[..len]);
    }

    /// Leaves the record that [`Consumer::front`] gave behind, and releases it.
    ///
    /// Until the last record seen, or half of them, that is one plain store: the writer's quota
    /// counts what is read at once, but a writer that waits is not told before then, or the next
    /// [release](Consumer::release).
    #[inline]
    pub fn pop(&mut self) -> Room {
        self.advance();
        self.let_go()
    }

    /// Leaves the record that [`Consumer::front`] gave behind, without releasing it.
    #[inline]
    pub fn advance(&mut self) {
        if let Some(front) = self.front.take() {
            if let Some(spot) = self.skipped_to.take() {
                self.move_to(spot);
            }
            self.spot.cursor.position += footprint(u64::from(front.len));
            self.spot.cursor.records += 1;
            self.counted.bytes_read += u64::from(front.len);
        }
    }

    /// Releases everything read so far to the writer. Call it before looking again or waiting.
    #[inline]
    pub fn release(&mut self) -> Room {
        let Cursor { position, released, .. } = self.spot.cursor;
        if self.settled == position {
            return Room::Unwanted;
        }
        if self.left != 0 || self.leaves_block(released, position) {
            // Before the writer hears of it: afterwards it may write there.
            self.give_back();
        }
        self.spot.cursor.released = position;
        self.settled = position;
        self.plan();
        let header = self.memory.header();
        if publish_then_lower(&header.head.0, position, &header.wanted.0) {
            Room::Wanted
        } else {
            Room::Unwanted
        }
    }

    /// Counts the records (and their bytes) that are waiting, those just published included. What
    /// the last look saw stays what it was.
    pub fn count(&mut self) -> Result<(u64, u64), Broken> {
        let tail = self.memory.header().tail.0.load(Ordering::Acquire);
        self.check(tail)?;
        let here = self.spot.cursor;
        if self.counted.spot.cursor.position <= here.position {
            self.counted = Count::new(self.spot);
        }
        let mut walk = self.counted;
        while walk.spot.cursor.position < tail {
            let head = self.memory.head(walk.spot.at());
            let found = match self.record(&walk.spot, head, tail) {
                Some(front) => Ok((walk.spot, front)),
                None => self.find(walk.spot, head, tail),
            };
            self.broken |= found.is_err();
            let (spot, front) = found?;
            walk.spot = spot;
            walk.spot.cursor.position += footprint(u64::from(front.len));
            walk.spot.cursor.records += 1;
            walk.bytes += u64::from(front.len);
        }
        self.counted = walk;
        // A hostile writer may have shown other lengths to this walk than to the reading.
        let most = walk.spot.cursor.position - here.position;
        let records = walk.spot.cursor.records.saturating_sub(here.records);
        let bytes = walk.bytes.saturating_sub(walk.bytes_read);
        Ok((records.min(most / HEAD), bytes.min(most)))
    }

    /// Goes on at `cursor`, which may come from memory that a dying process left half written.
    fn adopt(&mut self, cursor: Cursor) {
        // What the writer was told counts, not what a holder meant to tell it.
        let released = self.memory.header().head.0.load(Ordering::Acquire);
        let Cursor { position, level, level_start, records, .. } = cursor;
        let sane = level < self.geometry.levels() as u64
            && position < MAX_POSITION
            && level_start <= position
            && released <= position
            && position - released <= self.geometry.max_unread()
            && records <= position / HEAD
            && (position | level_start | released).is_multiple_of(ALIGN);
        if sane {
            self.spot = Spot::new(&self.geometry, Cursor { released, ..cursor });
            self.seen = self.seen.max(position);
            self.settled = released;
            self.plan();
        }
        self.broken |= !sane;
        self.front = None;
        self.skipped_to = None;
        self.left = 0;
        self.counted = Count::new(self.spot);
    }

    #[inline]
    fn accept(&mut self, tail: u64) -> Result<bool, Broken> {
        self.check(tail)?;
        self.seen = tail;
        self.plan();
        Ok(self.spot.cursor.position < tail)
    }

    /// Decides when a waiting writer is told next.
    #[inline]
    fn plan(&mut self) {
        let position = self.spot.cursor.position;
        self.settle_at = position + ((self.seen - position) / 2).max(SETTLE_EVERY);
    }

    #[inline]
    fn check(&mut self, tail: u64) -> Result<(), Broken> {
        let released = self.spot.cursor.released;
        let sane = !self.broken
            && tail >= self.seen
            && tail.is_multiple_of(ALIGN)
            && tail - released <= self.geometry.max_unread();
        if !sane {
            self.broken = true;
            return Err(Broken);
        }
        Ok(())
    }

    /// The record at `spot`, which lies before `end`, if `head`, read there, is that of one.
    #[inline]
    fn record(&self, spot: &Spot, [word, stamp]: [u64; 2], end: u64) -> Option<Front> {
        let Some(Head::Record(len)) = Head::decode(word) else {
            return None;
        };
        let visible = end - spot.cursor.position;
        let fits = footprint(u64::from(len)) <= visible.min(spot.contiguous());
        let at = spot.at();
        fits.then_some(Front { len, stamp, at })
    }

    /// The first record from `spot` on, where `head` stands, which is no record's.
    #[cold]
    fn find(&self, mut spot: Spot, mut head: [u64; 2], end: u64) -> Result<(Spot, Front), Broken> {
        for _ in 0..MAX_SKIPS {
            let mut cursor = spot.cursor;
            spot = match Head::decode(head[0]) {
                Some(Head::Pad) => {
                    cursor.position += spot.contiguous();
                    Spot { cursor, ..spot }
                }
                Some(Head::Jump(level)) if (level as usize) < self.geometry.levels() => {
                    cursor.position += HEAD;
                    cursor.level = u64::from(level);
                    cursor.level_start = cursor.position;
                    Spot::new(&self.geometry, cursor)
                }
                _ => return Err(Broken),
            };
            // An honest writer publishes these together with the record that follows.
            if spot.cursor.position >= end {
                return Err(Broken);
            }
            // No head is read twice: it might have become another meanwhile.
            head = self.memory.head(spot.at());
            if let Some(front) = self.record(&spot, head, end) {
                return Ok((spot, front));
            }
        }
        Err(Broken)
    }

    /// Finds the record behind `head`, which stands here and is no record's.
    #[cold]
    fn skip(&mut self, head: [u64; 2]) -> Result<Front, Broken> {
        let found = self.find(self.spot, head, self.seen);
        self.broken |= found.is_err();
        let (spot, front) = found?;
        self.skipped_to = Some(spot);
        Ok(front)
    }

    #[cold]
    fn move_to(&mut self, spot: Spot) {
        let level = self.spot.cursor.level;
        if spot.cursor.level != level && self.geometry.is_returned(level as usize) {
            self.left |= 1 << level;
        }
        self.spot = spot;
    }
}

impl Spot {
    fn new(geometry: &Geometry, cursor: Cursor) -> Self {
        let level = cursor.level as usize;
        Self { cursor, start: geometry.start(level), capacity: geometry.capacity(level) }
    }

    #[inline]
    fn offset(&self) -> u64 {
        (self.cursor.position - self.cursor.level_start) & (self.capacity - 1)
    }

    /// Where in memory it is.
    #[inline]
    fn at(&self) -> u64 {
        self.start + self.offset()
    }

    /// Bytes up to the end of its level.
    #[inline]
    fn contiguous(&self) -> u64 {
        self.capacity - self.offset()
    }
}

impl Count {
    fn new(spot: Spot) -> Self {
        Self { spot, bytes: 0, bytes_read: 0 }
    }
}
