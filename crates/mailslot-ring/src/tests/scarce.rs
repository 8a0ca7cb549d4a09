//! Memory that runs out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{pattern, push};
use crate::heap::Heap;
use crate::{Consumer, Cursor, Geometry, Header, Memory, Producer, PushError};

/// A heap of which only so many bytes can be had. It panics where others are written.
#[derive(Clone)]
struct Scarce {
    heap: Arc<Heap>,
    left: Arc<AtomicU64>,
    had: Arc<AtomicU64>,
}

impl Memory for Scarce {
    fn header(&self) -> &Header {
        self.heap.header()
    }
    fn word(&self, at: u64) -> u64 {
        self.heap.word(at)
    }
    fn set_word(&self, at: u64, value: u64) {
        assert!(at + 8 <= self.had.load(Ordering::Relaxed), "{at} was not asked for");
        self.heap.set_word(at, value);
    }
    fn copy_out(&self, at: u64, into: &mut [u8]) {
        self.heap.copy_out(at, into);
    }
    fn copy_in(&self, at: u64, from: &[u8]) {
        assert!(at + from.len() as u64 <= self.had.load(Ordering::Relaxed));
        self.heap.copy_in(at, from);
    }
    fn discard(&self, at: u64, len: u64) {
        self.heap.discard(at, len);
    }
    fn prepare(&self, at: u64, len: u64) -> bool {
        let enough = self.left.load(Ordering::Relaxed) >= len;
        if enough {
            self.left.fetch_sub(len, Ordering::Relaxed);
            self.had.fetch_max(at + len, Ordering::Relaxed);
        }
        enough
    }
}

#[test]
fn a_record_without_memory_is_an_error_and_leaves_no_trace() {
    let quota = 400_000;
    let geometry = Geometry::for_quota(quota);
    let left = Arc::new(AtomicU64::new(0));
    let memory = Scarce { heap: Heap::new(geometry), left: left.clone(), had: Arc::default() };
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
