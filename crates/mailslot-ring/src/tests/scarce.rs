//! Memory that runs out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::{pattern, push};
use crate::heap::Heap;
use crate::{Consumer, Cursor, Geometry, Header, Memory, Producer, PushError};

/// A heap of which only so many bytes can be had. It panics where others are written, or those that
/// were given back.
#[derive(Clone)]
struct Scarce {
    heap: Arc<Heap>,
    left: Arc<AtomicU64>,
    /// For each 8 bytes, whether they are there.
    had: Arc<Mutex<Vec<bool>>>,
}

impl Scarce {
    fn new(geometry: Geometry, left: u64) -> Self {
        let had = vec![false; (geometry.data_len() / 8) as usize];
        let (left, had) = (Arc::new(left.into()), Arc::new(Mutex::new(had)));
        Self { heap: Heap::new(geometry), left, had }
    }

    fn mark(&self, at: u64, len: u64, there: bool) {
        let range = (at / 8) as usize..(at + len).div_ceil(8) as usize;
        self.had.lock().unwrap()[range].fill(there);
    }

    fn check(&self, at: u64, len: u64) {
        let range = (at / 8) as usize..(at + len).div_ceil(8) as usize;
        let there = self.had.lock().unwrap()[range].iter().all(|&there| there);
        assert!(there, "{len} bytes at {at} were not asked for");
    }
}

impl Memory for Scarce {
    fn header(&self) -> &Header {
        self.heap.header()
    }
    fn word(&self, at: u64) -> u64 {
        self.heap.word(at)
    }
    fn set_word(&self, at: u64, value: u64) {
        self.check(at, 8);
        self.heap.set_word(at, value);
    }
    fn copy_out(&self, at: u64, into: &mut [u8]) {
        self.heap.copy_out(at, into);
    }
    fn copy_in(&self, at: u64, from: &[u8]) {
        self.check(at, from.len() as u64);
        self.heap.copy_in(at, from);
    }
    fn discard(&self, at: u64, len: u64) {
        self.mark(at, len, false);
        self.heap.discard(at, len);
    }
    fn prepare(&self, at: u64, len: u64) -> bool {
        let enough = self.left.load(Ordering::Relaxed) >= len;
        if enough {
            self.left.fetch_sub(len, Ordering::Relaxed);
            self.mark(at, len, true);
        }
        enough
    }
}

#[test]
fn a_record_without_memory_is_an_error_and_leaves_no_trace() {
    let quota = 400_000;
    let geometry = Geometry::for_quota(quota);
    let memory = Scarce::new(geometry, 0);
    let left = memory.left.clone();
    let mut producer = Producer::new(memory.clone(), geometry, quota);
    let mut consumer = Consumer::new(memory, geometry, Cursor::default());
    let (mut written, mut refused) = (0, 0);
    // Into level 0, then on to level 1.
    while written < 150 {
        match push(&mut producer, written, &pattern(written, 2_000)) {
            Ok(_) => written += 1,
            Err(PushError::NoMemory) => {
                refused += 1;
                left.fetch_add(4_000, Ordering::Relaxed);
            }
            Err(other) => panic!("{other} of record {written}"),
        }
    }
    assert!(refused > 50, "{refused}");
    consumer.look().unwrap();
    for stamp in 0..written {
        assert_eq!(super::read(&mut consumer), Some((stamp, pattern(stamp, 2_000))));
        let _ = consumer.pop();
    }
    assert_eq!(consumer.look(), Ok(false));
}

/// However the writer goes through the levels and memory is given back, it writes only what it has
/// asked for since.
#[test]
fn memory_that_was_given_back_is_asked_for_again() {
    let geometry = Geometry::new(8, 1, 5).unwrap();
    let quota = geometry.max_quota();
    let memory = Scarce::new(geometry, u64::MAX / 2);
    let mut producer = Producer::new(memory.clone(), geometry, quota);
    let mut consumer = Consumer::new(memory.clone(), geometry, Cursor::default());
    let (mut written, mut read, mut closed) = (0, 0, 0);
    let mut seed = 1u64;
    while written < 30_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // For a while the reader keeps up, then it lags, then it empties the ring.
        let lag = [0, 1, quota / 100, quota / 50, 0][(written / 1000 % 5) as usize];
        let len = (seed >> 33) % [20, 100, quota / 3][(written / 5000 % 3) as usize];
        let pushed = push(&mut producer, written, &pattern(written, len as usize));
        let lag = if pushed.is_ok() { lag } else { 0 };
        written += u64::from(pushed.is_ok());
        consumer.look().unwrap();
        while written - read > lag
            && let Some((stamp, bytes)) = super::read(&mut consumer)
        {
            assert!(stamp == read && bytes == pattern(stamp, bytes.len()), "record {stamp}");
            let _ = consumer.pop();
            read += 1;
        }
        let _ = consumer.release();
        if seed.is_multiple_of(64) && consumer.keeps_memory() {
            consumer.close();
            closed += 1;
        }
    }
    assert!(closed > 100, "{closed}");
}

/// Getting memory takes far longer than copying a record into it.
#[test]
fn a_writer_that_is_ahead_now_and_then_keeps_its_memory() {
    let quota = 2_000_000;
    let geometry = Geometry::for_quota(quota);
    let memory = Scarce::new(geometry, u64::MAX / 2);
    let mut producer = Producer::new(memory.clone(), geometry, quota);
    let mut consumer = Consumer::new(memory.clone(), geometry, Cursor::default());
    let record = [7; 20_000];
    let mut asked = 0;
    for round in 0..4 {
        let before = memory.left.load(Ordering::Relaxed);
        for _ in 0..75 {
            let _ = push(&mut producer, 1, &record).unwrap();
        }
        super::drain(&mut consumer);
        // Then the reader keeps up for a while.
        for _ in 0..300 {
            let _ = push(&mut producer, 1, &record).unwrap();
            super::drain(&mut consumer);
        }
        asked = before - memory.left.load(Ordering::Relaxed);
        assert!(round > 0 || asked > 1_500_000, "{asked}");
    }
    // What a calm round through the level did not need, which it gives back.
    assert!(asked <= 1 << 20, "{asked} bytes asked for in the last round");
}
