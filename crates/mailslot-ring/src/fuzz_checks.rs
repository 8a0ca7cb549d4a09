//! What the fuzz targets check, here so that tests can replay their corpora.

use std::io::IoSlice;

use crate::consumer::{Consumer, Cursor};
use crate::geometry::Geometry;
use crate::heap::Heap;
use crate::item::{HEAD, Head};
use crate::memory::Memory;
use crate::producer::Producer;
use crate::sync::Ordering;

/// More words than any call but `count` may read: a head of two words, behind two fillers.
const FEW: u64 = 6;

/// Numbers taken from fuzz data; zeroes once it is used up.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn short(&mut self) -> u64 {
        u64::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    fn long(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }
}

/// A small ring on the heap, whose memory is tampered with between the calls of both halves.
struct Ring {
    geometry: Geometry,
    memory: std::sync::Arc<Heap>,
    producer: Producer<std::sync::Arc<Heap>>,
    consumer: Consumer<std::sync::Arc<Heap>>,
}

impl Ring {
    /// Reads the front record. Whatever it claims, it fits its level and the destination.
    fn front(&mut self, into: &mut [u8]) {
        if let Ok(Some(front)) = self.consumer.front() {
            let top = self.geometry.capacity(self.geometry.levels() - 1);
            assert!(u64::from(front.len) + HEAD <= top);
            self.consumer.copy(&front, into);
            assert_eq!(self.consumer.front(), Ok(Some(front)), "read twice");
        }
    }

    fn count(&mut self) {
        if let Ok((records, bytes)) = self.consumer.count() {
            let top = self.geometry.max_unread();
            assert!(records <= top / HEAD && bytes <= top);
        }
    }

    fn tamper(&mut self, kind: u8, input: &mut Input<'_>) {
        let header = self.memory.header();
        let at = |short: u64| short * 8 % self.geometry.data_len();
        match kind {
            0 => self.memory.set_word(at(input.short()), input.long()),
            1 => {
                let at = at(input.short());
                let value = input.short() as u32;
                let head = [Head::Record(value), Head::Pad, Head::Jump(value)];
                self.memory.set_word(at, head[usize::from(input.byte() % 3)].encode());
            }
            2 => header.tail.0.store(input.long(), Ordering::Relaxed),
            3 => _ = header.tail.0.fetch_add(input.short() * 16, Ordering::Relaxed),
            4 => header.head.0.store(input.long(), Ordering::Relaxed),
            5 => _ = header.head.0.fetch_add(input.short() * 16, Ordering::Relaxed),
            6 => header.armed.0.store(input.byte().into(), Ordering::Relaxed),
            _ => header.wanted.0.store(input.byte().into(), Ordering::Relaxed),
        }
    }

    fn set_cursor(&mut self, input: &mut Input<'_>) {
        let own = self.consumer.cursor();
        let mut word = |own: u64| match input.byte() % 3 {
            0 => own,
            1 => own.wrapping_add(input.short() * 16),
            _ => input.long(),
        };
        self.consumer.set_cursor(Cursor {
            position: word(own.position),
            level: word(own.level),
            level_start: word(own.level_start),
            released: word(own.released),
            records: word(own.records),
        });
    }
}

/// Both halves of a ring stay within bounds and do bounded work, whatever the other side writes.
///
/// The first byte chooses the geometry, the second the quota; then operations, one byte each with
/// what they need behind it: below 8 they tamper with the memory, from 8 on they call a half.
pub fn ring(data: &[u8]) {
    let mut input = Input(data);
    let shape = input.byte();
    let parts = (6 + shape % 3, 1 + shape / 4 % 2, 2 + shape / 8 % 4);
    let geometry = Geometry::new(parts.0, parts.1, parts.2).expect("small");
    let memory = Heap::new(geometry);
    let producer = Producer::new(memory.clone(), geometry, u64::from(input.byte()));
    let consumer = Consumer::new(memory.clone(), geometry, Cursor::default());
    let mut ring = Ring { geometry, memory, producer, consumer };
    let mut buffer = [0; 300];
    while !input.0.is_empty() {
        let operation = input.byte() % 24;
        let reads = ring.memory.reads();
        let mut most = FEW;
        match operation {
            0..8 => ring.tamper(operation, &mut input),
            8 => _ = ring.consumer.look(),
            9 => _ = ring.consumer.arm(),
            10 => ring.front(&mut buffer),
            11 => _ = ring.consumer.pop(),
            12 => ring.consumer.advance(),
            13 => _ = ring.consumer.release(),
            14 => {
                most += geometry.max_unread() / HEAD * FEW;
                ring.count();
            }
            15 => ring.set_cursor(&mut input),
            16 => {
                let len = usize::from(input.byte());
                let parts =
                    [IoSlice::new(&[1; 300][..len / 3]), IoSlice::new(&[2; 300][len / 3..len])];
                _ = ring.producer.push(input.short(), &parts, len as u64);
            }
            17 => _ = ring.producer.waiting(),
            18 => _ = ring.producer.want_room(),
            19 => {
                let cursor = ring.consumer.cursor();
                ring.consumer = Consumer::new(ring.memory.clone(), geometry, cursor);
            }
            21 => ring.consumer.close(),
            22 => {
                let ahead = input.short() * 8;
                let claimed = ring.consumer.cursor().position.wrapping_add(ahead);
                ring.memory.header().claimed.0.store(claimed, Ordering::Relaxed);
            }
            23 => {
                let start = ring.consumer.cursor().level_start;
                ring.memory.header().closed.0.store(start, Ordering::Relaxed);
            }
            _ => {
                let room = usize::from(input.byte());
                let taken = ring.consumer.take(&mut buffer[..room], |stamp| stamp % 8 != 7);
                assert!(taken.is_none_or(|(len, _)| len <= room));
            }
        }
        assert!(ring.memory.reads() - reads <= most, "too much work in one call");
    }
}
