//! Random operations, compared with a plain queue.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use proptest::prelude::*;

use super::{pattern, push};
use crate::heap::Heap;
use crate::item::footprint;
use crate::{Consumer, Cursor, Geometry, Memory, Producer, PushError, Region, Room, Wake};

#[derive(Clone, Debug)]
enum Op {
    /// A record of so many 1024ths of the quota, and so many bytes more.
    Push(u64, u64),
    Look,
    /// Reads and pops so many records.
    Pop(usize),
    /// Reads and pops so many in one step where that is possible.
    Take(usize),
    /// Reads so many and leaves them without releasing.
    Advance(usize),
    /// Reads the next record and leaves it there.
    Peek,
    Release,
    /// Looks, reads, pops and releases all there is.
    Drain,
    Arm,
    Count,
    Close,
    WantRoom,
    /// Another holder goes on with the same half, or with a new one.
    HandOver(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0u64..20, 0u64..80).prop_map(|(part, more)| Op::Push(part, more)),
        4 => (0u64..=1024, 0u64..20).prop_map(|(part, more)| Op::Push(part, more)),
        1 => (0u64..2).prop_map(|more| Op::Push(1024, more)),
        1 => Just(Op::Push(0, 0)),
        3 => Just(Op::Look),
        4 => (1usize..5).prop_map(Op::Pop),
        4 => (1usize..5).prop_map(Op::Take),
        1 => (1usize..5).prop_map(Op::Advance),
        1 => Just(Op::Peek),
        3 => Just(Op::Release),
        3 => Just(Op::Drain),
        1 => Just(Op::Arm),
        1 => Just(Op::Count),
        2 => Just(Op::Close),
        1 => Just(Op::WantRoom),
        1 => any::<bool>().prop_map(Op::HandOver),
    ]
}

/// Both halves and what they should hold.
struct Pair<M, F> {
    geometry: Geometry,
    quota: u64,
    open: F,
    producer: Producer<M>,
    consumer: Consumer<M>,
    /// Records not yet read, as (stamp, length).
    unread: VecDeque<(u64, usize)>,
    /// How many of them the last look saw.
    seen: usize,
    /// Bytes read and not yet released.
    unreleased: u64,
    pushed: u64,
    read: u64,
    armed: bool,
    wanted: bool,
}

impl<M: Memory, F: Fn() -> M> Pair<M, F> {
    fn new(geometry: Geometry, quota: u64, writer: M, open: F) -> Self {
        let consumer = Consumer::new(open(), geometry, Cursor::default());
        Self {
            geometry,
            quota,
            producer: Producer::new(writer, geometry, quota),
            consumer,
            open,
            unread: VecDeque::new(),
            seen: 0,
            unreleased: 0,
            pushed: 0,
            read: 0,
            armed: false,
            wanted: false,
        }
    }

    fn waiting(&self) -> u64 {
        let unread: u64 = self.unread.iter().map(|record| footprint(record.1 as u64)).sum();
        unread + self.unreleased
    }

    fn push(&mut self, len: u64) {
        let expected = if len > self.quota {
            Err(PushError::TooLarge)
        } else if self.waiting() + len > self.quota {
            Err(PushError::Full)
        } else {
            Ok(if std::mem::take(&mut self.armed) { Wake::Ring } else { Wake::No })
        };
        let bytes = pattern(self.pushed, len as usize);
        assert_eq!(push(&mut self.producer, self.pushed, &bytes), expected, "a record of {len}");
        if expected.is_ok() {
            self.unread.push_back((self.pushed, len as usize));
            self.pushed += 1;
        }
    }

    fn look(&mut self) {
        assert_eq!(self.consumer.has_news(), self.seen != self.unread.len());
        assert_eq!(self.consumer.look(), Ok(!self.unread.is_empty()));
        self.seen = self.unread.len();
    }

    /// Reads the next record and compares. False if there is none among those seen.
    fn peek(&mut self) -> bool {
        let found = super::read(&mut self.consumer);
        let expected = self.unread.front().filter(|_| self.seen > 0);
        match (&found, expected) {
            (None, None) => return false,
            (Some((stamp, bytes)), Some(&(number, len))) => {
                assert_eq!((*stamp, bytes.len()), (number, len));
                assert!(*bytes == pattern(number, len), "record {number} is damaged");
            }
            _ => panic!("{:?} instead of {expected:?}", found.map(|(stamp, _)| stamp)),
        }
        true
    }

    /// Reads up to `count` records and leaves them by `leave`.
    fn read(&mut self, count: usize, leave: impl Fn(&mut Consumer<M>) -> Room) {
        for _ in 0..count {
            if !self.peek() {
                // Leaving nothing behind changes nothing, but may release what was read before.
                return self.releasing(&leave, true);
            }
            self.leave();
            self.releasing(&leave, self.seen == 0);
        }
    }

    /// Reads and pops the next record in one step, or in two if it says that it can't.
    fn take(&mut self) {
        let known = self.unread.front().copied().filter(|_| self.seen > 0);
        let (number, len) = known.unwrap_or((0, 64));
        let mut buffer = vec![0; len];
        if let Some(short) = len.checked_sub(1) {
            assert!(
                known.is_none() || self.consumer.take(&mut buffer[..short], |_| true).is_none()
            );
        }
        assert_eq!(self.consumer.take(&mut buffer, |_| false), None);
        let before = self.consumer.cursor().released;
        match self.consumer.take(&mut buffer, |stamp| known.is_some() && stamp == number) {
            None => self.read(1, Consumer::pop),
            Some((found, room)) => {
                assert!(known.is_some() && found == len && buffer == pattern(number, len));
                self.leave();
                self.released(before, room, self.seen == 0);
            }
        }
    }

    /// The next record is read.
    fn leave(&mut self) {
        let (_, len) = self.unread.pop_front().unwrap();
        self.seen -= 1;
        self.read += 1;
        self.unreleased += footprint(len as u64);
    }

    fn releasing(&mut self, leave: impl Fn(&mut Consumer<M>) -> Room, settles: bool) {
        let before = self.consumer.cursor().released;
        let room = leave(&mut self.consumer);
        self.released(before, room, settles);
    }

    /// A call that may have released something since `before` answered `room`.
    fn released(&mut self, before: u64, room: Room, settles: bool) {
        let after = self.consumer.cursor();
        if after.released == after.position {
            self.unreleased = 0;
        }
        assert!(room == Room::Unwanted || self.wanted, "told without asking");
        let told = room == Room::Wanted || !self.wanted || after.released == before;
        assert!(told || !settles, "not told");
        self.wanted &= room == Room::Unwanted;
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Push(part, more) => self.push(self.quota * part / 1024 + more),
            Op::Look => self.look(),
            Op::Pop(count) => self.read(count, Consumer::pop),
            Op::Take(count) => (0..count).for_each(|_| self.take()),
            Op::Advance(count) => self.read(count, |consumer| {
                consumer.advance();
                Room::Unwanted
            }),
            Op::Peek => _ = self.peek(),
            Op::Release => self.releasing(Consumer::release, true),
            Op::Drain => {
                self.look();
                self.read(usize::MAX, Consumer::pop);
                self.releasing(Consumer::release, true);
                assert_eq!((self.unread.len(), self.waiting()), (0, 0));
            }
            Op::Arm => {
                assert_eq!(self.consumer.arm(), Ok(!self.unread.is_empty()));
                self.armed = true;
                self.seen = self.unread.len();
            }
            Op::Count => {
                let bytes: usize = self.unread.iter().map(|record| record.1).sum();
                let expected = (self.unread.len() as u64, bytes as u64);
                assert_eq!(self.consumer.count(), Ok(expected));
            }
            Op::Close => self.consumer.close(),
            Op::WantRoom => {
                let _ = self.producer.want_room().unwrap();
                self.wanted = true;
            }
            Op::HandOver(new) => {
                let cursor = self.consumer.cursor();
                let other = Consumer::new((self.open)(), self.geometry, cursor);
                if new {
                    self.consumer = other;
                    self.seen = 0;
                } else {
                    self.consumer.set_cursor(Cursor { released: 0, ..cursor });
                }
            }
        }
        assert_eq!(self.producer.waiting(), Ok(self.waiting()));
        assert_eq!(self.consumer.cursor().records, self.read);
    }

    fn run_all(mut self, ops: Vec<Op>) {
        for op in ops {
            self.run(op);
        }
        self.run(Op::Drain);
        self.push(self.quota);
        self.run(Op::Drain);
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_small_ring_behaves_like_a_queue(
        parts in (6u8..=8, 1u8..=2, 2u8..=5),
        part in 0u64..=16,
        ops in prop::collection::vec(op(), 0..300),
    ) {
        let geometry = Geometry::new(parts.0, parts.1, parts.2).unwrap();
        let quota = geometry.max_quota() * part / 16;
        let memory = Heap::new(geometry);
        Pair::new(geometry, quota, memory.clone(), || memory.clone()).run_all(ops);
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn a_mapped_ring_behaves_like_a_queue(
        quota in prop_oneof![0u64..3, 1000u64..100_000, 100_000u64..5_000_000],
        ops in prop::collection::vec(op(), 0..80),
    ) {
        let geometry = Geometry::for_quota(quota);
        let (region, fd) = Region::create(geometry).unwrap();
        let open = || Region::open(fd.as_fd(), geometry).unwrap();
        Pair::new(geometry, quota, region, open).run_all(ops);
    }
}

/// Every sequence of few sizes over the smallest rings, the reader draining after each so many.
#[test]
fn no_order_of_sizes_is_refused_below_the_quota() {
    for (base, growth, levels) in [(7, 1, 3), (8, 1, 2), (8, 1, 3), (8, 1, 4), (6, 2, 4)] {
        let geometry = Geometry::new(base, growth, levels).unwrap();
        let quota = geometry.max_quota();
        let sizes = [0, quota / 3, quota / 2, quota];
        for code in 0..4u32.pow(6) {
            let memory = Heap::new(geometry);
            let mut pair = Pair::new(geometry, quota, memory.clone(), || memory.clone());
            for step in 0..6 {
                let size = sizes[(code >> (2 * step) & 3) as usize];
                pair.push(size);
                if (code >> step) & 1 == 1 {
                    pair.run(Op::Look);
                    pair.run(Op::Pop(1));
                    pair.run(Op::Release);
                }
            }
            pair.run_all(Vec::new());
        }
    }
}
