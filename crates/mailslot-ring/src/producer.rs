//! The writer's half of a ring.

pub(crate) mod reserve;

use std::collections::VecDeque;
use std::io::IoSlice;

use crate::geometry::Geometry;
use crate::item::{ALIGN, HEAD, Head, footprint};
use crate::memory::Memory;
use crate::sync::{
    Ordering, flag, lower, publish_then_look, publish_then_look_unfenced, raise_then_look,
};

/// How far ahead of itself the writer fetches the memory it will write, in bytes.
const AHEAD: u64 = 512;

/// Longer records are fetched ahead by the processor while it copies.
const FETCHED: u64 = 128;

/// After this many publications that the reader would have fenced for, it is worth while to let it:
/// for a process with threads, saying so takes the kernel some milliseconds, once.
const ALLOW_AFTER: u32 = if cfg!(loom) { 0 } else { 10_000 };

/// For a process without other threads saying so is a mere system call.
const ALLOW_EASILY_AFTER: u32 = 100;

/// Why a record was not queued. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The records waiting and this one exceed the quota.
    #[error("the records waiting and this one exceed the quota")]
    Full,
    /// The record alone exceeds the quota: it can never be queued.
    #[error("the record exceeds the quota")]
    TooLarge,
    /// The reader's position makes no sense: the shared memory was tampered with.
    #[error("the reader's position in the ring makes no sense")]
    Broken,
    /// The system has no memory left for it.
    #[error("the system has no memory left")]
    NoMemory,
}

/// What a successful push asks of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// The reader is awake.
    No,
    /// The reader sleeps: ring its bell.
    Ring,
}

/// The writer's half: the only one that appends items and moves the tail.
#[derive(Debug)]
pub struct Producer<M> {
    memory: M,
    geometry: Geometry,
    quota: u64,
    /// All items before this position are published.
    tail: u64,
    /// The reader's position when last seen.
    head: u64,
    level: usize,
    /// The position that corresponds to the start of the current level.
    level_start: u64,
    /// Where in memory the next item goes.
    at: u64,
    /// Bytes that may be appended at `at` before anything must be checked again.
    room: u64,
    /// Per level, the position at which its last item ended: read past it, the level is free.
    ends: Vec<u64>,
    /// Padding and jumps not yet read, as (end, length): they don't count against the quota.
    fillers: VecDeque<(u64, u64)>,
    filling: u64,
    /// Per level, up to where memory has been asked for, unless it was given back since.
    prepared: Vec<u64>,
    /// The position at which last no lower level would have done.
    crowded_at: u64,
    fences: Fences,
}

/// What is left of `left` bytes behind `part`. Past its own room, a record would overwrite what the
/// reader hasn't read.
#[inline]
fn rest(left: u64, part: &[u8]) -> u64 {
    left.checked_sub(part.len() as u64).expect("parts longer than stated")
}

/// Who sees to it that a publication and a look at the reader's flag stay in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fences {
    /// This half: the reader may not yet fence for this process.
    Own { publications: u32 },
    /// This half, but the reader may.
    Allowed,
    /// The reader, as its flag said when last seen.
    Readers,
    /// This half: the reader can't.
    Refused,
}

impl<M: Memory> Producer<M> {
    /// Starts an empty ring in memory that reads as zero.
    ///
    /// `quota` is clamped to [`Geometry::max_quota`].
    pub fn new(memory: M, geometry: Geometry, quota: u64) -> Self {
        Self {
            memory,
            geometry,
            quota: quota.min(geometry.max_quota()),
            tail: 0,
            head: 0,
            level: 0,
            level_start: 0,
            at: 0,
            room: 0,
            ends: vec![0; geometry.levels()],
            fillers: VecDeque::new(),
            filling: 0,
            prepared: (0..geometry.levels()).map(|level| geometry.start(level)).collect(),
            crowded_at: 0,
            fences: Fences::Own { publications: 0 },
        }
    }

    /// Appends one record made of `parts`, whose lengths add up to `len`, and publishes it.
    ///
    /// It is refused only if the bytes [waiting](Producer::waiting) and `len` exceed the quota, so
    /// that a record as large as the quota fits into an empty ring.
    ///
    /// # Panics
    ///
    /// If the lengths don't add up to `len`.
    #[inline(always)]
    pub fn push(&mut self, stamp: u64, parts: &[IoSlice<'_>], len: u64) -> Result<Wake, PushError> {
        let size = footprint(len);
        if size > self.room {
            self.reserve(len, size)?;
        }
        let (first, others) = parts.split_first().map_or((&[][..], parts), |(f, o)| (&f[..], o));
        let mut left = rest(len, first);
        self.memory.put(self.at, [Head::Record(len as u32).encode(), stamp], first);
        for part in others {
            let at = self.at + HEAD + len - left;
            left = rest(left, part);
            self.memory.copy_in(at, part);
        }
        assert!(left == 0, "parts shorter than stated");
        // Publishing waits until all stores before it are done: the lines they go to should be here.
        self.memory.prefetch_to_write(self.at + AHEAD, size.min(FETCHED));
        self.advance(size);
        Ok(self.publish())
    }

    /// Bytes of records published and not yet released by the reader, each with a head of 16 bytes
    /// and rounded up to a multiple of 16.
    pub fn waiting(&mut self) -> Result<u64, PushError> {
        self.look()?;
        Ok(self.unread())
    }

    /// Asks the reader to say when it next releases something. False if it already has since the
    /// last look, and a push is worth trying at once.
    pub fn want_room(&mut self) -> Result<bool, PushError> {
        let seen = self.head;
        let header = self.memory.header();
        let head = raise_then_look(&header.wanted.0, &header.head.0);
        self.accept(head)?;
        Ok(self.head == seen)
    }

    #[inline]
    fn publish(&mut self) -> Wake {
        let header = self.memory.header();
        if self.fences == Fences::Readers {
            let seen = publish_then_look_unfenced(&header.tail.0, self.tail, &header.armed.0);
            if seen == flag::FENCING {
                return Wake::No;
            }
            self.fences = Fences::Allowed;
            return self.heed(seen);
        }
        let seen = publish_then_look(&header.tail.0, self.tail, &header.armed.0);
        self.heed(seen)
    }

    /// Does what the reader's flag asks.
    #[inline]
    fn heed(&mut self, seen: u32) -> Wake {
        match seen {
            flag::LOWERED => Wake::No,
            flag::FENCING => {
                self.leave_fencing();
                Wake::No
            }
            _ => {
                lower(&self.memory.header().armed.0);
                Wake::Ring
            }
        }
    }

    /// Lets the reader fence for both, if there is much to gain. From here on its flag changes only
    /// with a fence of its own.
    #[cold]
    fn leave_fencing(&mut self) {
        self.fences = match self.fences {
            Fences::Own { publications } if !self.is_time_to_allow(publications) => {
                Fences::Own { publications: publications + 1 }
            }
            Fences::Own { .. } if !self.memory.allow_fences() => Fences::Refused,
            Fences::Refused => Fences::Refused,
            Fences::Own { .. } | Fences::Allowed | Fences::Readers => Fences::Readers,
        };
    }

    fn is_time_to_allow(&self, publications: u32) -> bool {
        publications >= ALLOW_AFTER
            || (publications == ALLOW_EASILY_AFTER && self.memory.allows_fences_easily())
    }

    #[inline]
    fn advance(&mut self, size: u64) {
        self.tail += size;
        self.at += size;
        // A record as large as the quota leaves less than nothing.
        self.room = self.room.saturating_sub(size);
    }

    /// Takes note of what the reader has released.
    fn look(&mut self) -> Result<(), PushError> {
        let head = self.memory.header().head.0.load(Ordering::Acquire);
        self.accept(head)
    }

    fn accept(&mut self, head: u64) -> Result<(), PushError> {
        if head < self.head || head > self.tail || !head.is_multiple_of(ALIGN) {
            return Err(PushError::Broken);
        }
        self.head = head;
        while let Some(&(_, len)) = self.fillers.front().filter(|filler| filler.0 <= head) {
            self.fillers.pop_front();
            self.filling -= len;
        }
        Ok(())
    }

    /// Never negative, even with a hostile head amid padding: behind every filler stands a record
    /// at least as large.
    fn unread(&self) -> u64 {
        self.tail - self.head - self.filling
    }
}
