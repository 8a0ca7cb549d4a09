//! Where the next record goes: behind the last one, at the start of the level, or in another level.

use super::{Producer, PushError};
use crate::item::{HEAD, Head, MAX_RECORD};
use crate::memory::Memory;
use crate::sync::publish_then_read;

/// How far the writer goes beyond level 0 before it looks whether it can return there, in bytes.
pub(crate) const STRIDE: u64 = if cfg!(loom) { 64 } else { 64 * 1024 };

/// How much memory is asked for at a time in level 0, which most writers hardly use, in bytes.
const SMALL_STEP: u64 = 16 * 1024;

/// The same in the others.
const LARGE_STEP: u64 = 4 * STRIDE;

/// A writer for which a level with memory that it keeps would do returns there after so many bytes,
/// or when the reader has nothing to do: no sooner, because what it has is given back then.
const CALM: u64 = 4 * 1024 * 1024;

/// Levels up to this size it leaves sixteen times as late. What it has there is not much, and one that
/// now and then gets ahead of its reader would soon need it again.
const SMALL_LEVEL: u64 = 4 * CALM;

/// How much of what a round didn't need is given back at its end, in bytes.
const SPARE_STEP: u64 = 4 * 1024 * 1024;

/// A place for a record.
struct Place {
    level: usize,
    /// Where in memory it is.
    at: u64,
    /// Bytes that can be written from there on, and a head behind them.
    free: u64,
    /// Memory that it had before may have been given back.
    fresh: bool,
    step: Step,
}

/// What leads from where the writer stands to a place.
enum Step {
    None,
    /// Padding up to the end of the level, of so many bytes.
    Pad(u64),
    Jump,
}

impl<M: Memory> Producer<M> {
    /// Makes room for an item of `size` bytes holding a record of `len`, or says why there is none
    /// and leaves everything as it was.
    #[cold]
    pub(super) fn reserve(&mut self, len: u64, size: u64) -> Result<(), PushError> {
        if len > self.quota.min(MAX_RECORD) {
            return Err(PushError::TooLarge);
        }
        self.look()?;
        let unread = self.unread();
        if unread + len > self.quota {
            return Err(PushError::Full);
        }
        self.locate();
        let here = Place { free: 0, ..self.here() };
        self.secure(&here, 0)?;
        let place = self.choose(size)?;
        let mut room = place.free.min(self.quota - unread);
        if place.level > 0 {
            room = room.min(STRIDE);
            self.secure(&place, room.max(size))?;
        } else {
            self.secure(&place, size)?;
            room = room.min(self.prepared[0] - place.at);
        }
        match place.step {
            Step::None => {}
            Step::Pad(len) => self.pad(len),
            Step::Jump => self.jump(place.level, size),
        }
        self.at = place.at;
        self.room = room;
        Ok(())
    }

    /// An item that ended exactly with the level left `at` one past it.
    fn locate(&mut self) {
        let capacity = self.geometry.capacity(self.level);
        let position = self.tail - self.level_start;
        self.at = self.geometry.start(self.level) + position % capacity;
        if position.is_multiple_of(capacity) && self.begins_second_round(position) {
            self.prepared[self.level] = self.at;
        }
    }

    /// What was written in the first round through a level is given back when it is read, so that a
    /// burst leaves no memory behind. A writer that comes round again writes without pause: what it
    /// has from then on it keeps, until it or the reader [closes](crate::Header) the level.
    fn begins_second_round(&self, position: u64) -> bool {
        let capacity = self.geometry.capacity(self.level);
        self.geometry.is_returned(self.level) && position / capacity == 1
    }

    /// Bytes up to the end of the current level.
    fn contiguous(&self) -> u64 {
        let capacity = self.geometry.capacity(self.level);
        capacity - (self.tail - self.level_start) % capacity
    }

    /// The position before which everything in the current level may be written again.
    fn free_before(&self) -> u64 {
        let block = self.geometry.block(self.level);
        self.level_start + self.head.saturating_sub(self.level_start) / block * block
    }

    /// Bytes free in the current level, less the head that a later jump needs.
    fn free(&self) -> u64 {
        let used = self.tail - self.free_before();
        self.geometry.capacity(self.level) - used - HEAD
    }

    fn is_free(&self, level: usize) -> bool {
        level != self.level && self.ends[level] <= self.head
    }

    /// All that is unread stands in the current level.
    fn others_are_free(&self) -> bool {
        (0..self.geometry.levels()).all(|level| level == self.level || self.is_free(level))
    }

    /// Behind the last item.
    fn here(&self) -> Place {
        let free = self.contiguous().min(self.free());
        Place { level: self.level, at: self.at, free, fresh: false, step: Step::None }
    }

    /// At the start of the current level.
    fn start(&self) -> Place {
        let padding = self.contiguous();
        Place {
            level: self.level,
            at: self.geometry.start(self.level),
            free: self.free() - padding,
            fresh: self.begins_second_round(self.tail + padding - self.level_start),
            step: Step::Pad(padding),
        }
    }

    fn level(&self, level: usize) -> Place {
        Place {
            level,
            at: self.geometry.start(level),
            free: self.geometry.capacity(level) - HEAD,
            fresh: self.geometry.is_returned(level),
            step: Step::Jump,
        }
    }

    /// How much it writes in the current level before it leaves it for a lower one.
    fn patience(&self) -> u64 {
        let capacity = self.geometry.capacity(self.level);
        if capacity <= SMALL_LEVEL { 16 * CALM.min(capacity) } else { CALM }
    }

    fn choose(&mut self, size: u64) -> Result<Place, PushError> {
        let lower = self.lower_level(size);
        if lower.is_none() {
            self.crowded_at = self.tail;
        }
        let calm = self.tail - self.crowded_at >= self.patience();
        if let Some(level) = lower.filter(|_| calm || !self.geometry.is_returned(self.level)) {
            return Ok(self.level(level));
        }
        let contiguous = self.contiguous();
        let wraps = contiguous < size || self.comes_round(size);
        let need = if wraps { contiguous + size } else { size };
        if need <= self.free() && self.claim(self.tail + need, size) {
            return Ok(if wraps { self.start() } else { self.here() });
        }
        // Since the reader closed the level, it may have released more.
        self.look()?;
        // There always is one, or the geometry's promise is wrong.
        let level = self.lower_level(size).or_else(|| self.other_level(size));
        let level = level.ok_or(PushError::Full)?;
        Ok(self.level(level))
    }

    /// Tells the reader that the current level may be written for a stride, or an item of `size`
    /// that ends at `end`, and a head behind. False if the reader has closed the level.
    fn claim(&self, end: u64, size: u64) -> bool {
        let header = self.memory.header();
        let claimed = end + STRIDE.saturating_sub(size) + HEAD;
        !self.geometry.is_returned(self.level)
            || publish_then_read(&header.claimed.0, claimed, &header.closed.0) != self.level_start
    }

    /// With little left to read, all in the current level, a lower one serves better: best level 0,
    /// which fits the processor's cache, or else one whose memory is kept. But not one that a few
    /// records fill again: what is left here must be read before the writer can come back.
    fn lower_level(&self, size: u64) -> Option<usize> {
        let backlog = self.tail - self.head;
        let level = (0..self.level).find(|&level| {
            let capacity = self.geometry.capacity(level);
            let part = if self.geometry.is_returned(level) {
                8
            } else if level == 0 {
                4
            } else {
                2
            };
            backlog <= capacity / part && size <= capacity / 8
        });
        level.filter(|_| self.others_are_free())
    }

    /// A level that nobody reads any more, if possible a larger one.
    ///
    /// There always is one: at most one level above the current can still hold old records (that
    /// which was left for a lower one), and either of the last two levels holds a whole quota: if the
    /// current one is among these, the record fits there, unless the writer has come round in it
    /// early or the reader has closed it. Then all others were free, the other one of the two, too.
    fn other_level(&self, size: u64) -> Option<usize> {
        let larger = self.level + 1..self.geometry.levels();
        let serves =
            |&level: &usize| self.is_free(level) && self.geometry.capacity(level) >= size + HEAD;
        larger.chain(0..self.level).find(serves)
    }

    /// Whether the start of the current level has enough room for what is to be expected: so a
    /// writer that never stops uses no more memory than it must.
    fn comes_round(&self, size: u64) -> bool {
        if !self.geometry.is_returned(self.level) || !self.others_are_free() {
            return false;
        }
        let capacity = self.geometry.capacity(self.level);
        let round_start = self.tail - (self.tail - self.level_start) % capacity;
        let free = self.free_before().saturating_sub(round_start);
        let backlog = self.tail - self.head;
        // With a quota free, the record before which it is used up would exceed the quota.
        let enough = (4 * backlog).max(capacity / 4).min(self.quota + 4 * HEAD);
        free >= enough.max(size + HEAD)
    }

    fn pad(&mut self, len: u64) {
        self.memory.set_word(self.at, Head::Pad.encode());
        self.spare();
        self.fill(len);
    }

    /// Gives back some of the memory that this round through the level didn't need.
    fn spare(&mut self) {
        let start = self.geometry.start(self.level);
        let prepared = self.prepared[self.level];
        let unused = prepared.saturating_sub(self.at + HEAD);
        if self.geometry.is_returned(self.level) && unused > self.at - start {
            // Whole blocks: the system would have to make small pages of a huge one first.
            let block = self.geometry.block(self.level);
            let kept = prepared - start - unused.min(SPARE_STEP);
            let kept = (start + kept.next_multiple_of(block)).min(prepared);
            self.memory.discard(kept, prepared - kept);
            self.prepared[self.level] = kept;
        }
    }

    fn jump(&mut self, level: usize, size: u64) {
        self.memory.set_word(self.at, Head::Jump(level as u32).encode());
        self.fill(HEAD);
        self.ends[self.level] = self.tail;
        self.level = level;
        self.level_start = self.tail;
        // Nobody can have closed it yet.
        self.claim(self.tail + size, size);
    }

    fn fill(&mut self, len: u64) {
        self.tail += len;
        self.fillers.push_back((self.tail, len));
        self.filling += len;
    }

    /// Makes sure of the memory for `len` bytes at a place and the head behind them, in larger steps
    /// than a page fault would. Where the system has none, a page fault would end the process.
    fn secure(&mut self, place: &Place, len: u64) -> Result<(), PushError> {
        let start = self.geometry.start(place.level);
        let level_end = start + self.geometry.capacity(place.level);
        let prepared = if place.fresh { start } else { self.prepared[place.level] };
        let end = (place.at + len + HEAD).min(level_end);
        if end <= prepared {
            return Ok(());
        }
        if place.fresh && self.geometry.is_huge(place.level) {
            self.memory.prefer_huge_pages(start, level_end - start);
        }
        let step = if place.level == 0 { SMALL_STEP } else { LARGE_STEP };
        let from = prepared.max(place.at);
        // Memory beyond what is free may yet be given back: by the reader, as it reads.
        let most = (place.at + place.free + HEAD).min(level_end);
        let upto = end.max((from + step).min(most));
        if !self.memory.prepare(from, upto - from) {
            return Err(PushError::NoMemory);
        }
        self.prepared[place.level] = upto;
        Ok(())
    }
}
