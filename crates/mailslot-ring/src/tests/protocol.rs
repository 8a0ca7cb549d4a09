//! Who tells whom: the bell of a sleeping reader, and room for a waiting writer.

use std::sync::Arc;

use super::{drain, push};
use crate::heap::Heap;
use crate::{Consumer, Cursor, Geometry, Producer, PushError, Room, Wake};

fn halves(quota: u64) -> (Producer<Arc<Heap>>, Consumer<Arc<Heap>>) {
    let geometry = Geometry::new(8, 1, 4).unwrap();
    let memory = Heap::new(geometry);
    let producer = Producer::new(memory.clone(), geometry, quota);
    (producer, Consumer::new(memory, geometry, Cursor::default()))
}

#[test]
fn a_sleeping_reader_is_rung_exactly_once() {
    let (mut producer, mut consumer) = halves(400);
    assert_eq!(push(&mut producer, 1, b""), Ok(Wake::No));
    assert_eq!(drain(&mut consumer), [1]);
    for stamp in 2..5 {
        assert_eq!(consumer.arm(), Ok(false));
        assert_eq!(push(&mut producer, stamp, b""), Ok(Wake::Ring));
        assert_eq!(push(&mut producer, stamp, b""), Ok(Wake::No));
        assert_eq!(drain(&mut consumer), [stamp, stamp]);
    }
}

#[test]
fn a_refused_record_rings_no_bell() {
    let (mut producer, mut consumer) = halves(100);
    assert_eq!(consumer.arm(), Ok(false));
    assert_eq!(push(&mut producer, 1, &[0; 101]), Err(PushError::TooLarge));
    assert_eq!(push(&mut producer, 1, &[0; 100]), Ok(Wake::Ring));
    assert_eq!(consumer.arm(), Ok(true));
    assert_eq!(push(&mut producer, 2, &[0; 100]), Err(PushError::Full));
    assert_eq!(drain(&mut consumer), [1]);
    assert_eq!(push(&mut producer, 2, &[0; 100]), Ok(Wake::Ring));
}

#[test]
fn arming_finds_what_was_published_before() {
    let (mut producer, mut consumer) = halves(400);
    assert_eq!(push(&mut producer, 1, b"x"), Ok(Wake::No));
    assert_eq!(consumer.arm(), Ok(true));
    assert_eq!(drain(&mut consumer), [1]);
    assert_eq!(consumer.arm(), Ok(false));
}

#[test]
fn a_waiting_writer_is_told_when_its_record_is_read() {
    let (mut producer, mut consumer) = halves(100);
    let _ = push(&mut producer, 1, &[0; 100]).unwrap();
    assert_eq!(push(&mut producer, 2, b""), Err(PushError::Full));
    assert_eq!(producer.want_room(), Ok(true));
    consumer.look().unwrap();
    assert_eq!(consumer.release(), Room::Unwanted, "nothing to release");
    let _ = consumer.front();
    assert_eq!(consumer.pop(), Room::Wanted, "the last record seen is released at once");
    assert_eq!(consumer.release(), Room::Unwanted);
    let _ = push(&mut producer, 2, b"").unwrap();
    assert_eq!(drain(&mut consumer), [2]);
}

#[test]
fn wanting_room_notices_a_release_that_came_before() {
    let (mut producer, mut consumer) = halves(100);
    let _ = push(&mut producer, 1, &[0; 100]).unwrap();
    assert_eq!(push(&mut producer, 2, b""), Err(PushError::Full));
    assert_eq!(drain(&mut consumer), [1]);
    assert_eq!(producer.want_room(), Ok(false));
    assert_eq!(push(&mut producer, 2, b""), Ok(Wake::No));
}

#[test]
fn a_writer_that_waits_amid_a_batch_is_told_by_its_last_pop_or_a_release() {
    for releases in [false, true] {
        let (mut producer, mut consumer) = halves(400);
        for stamp in 0..3 {
            let _ = push(&mut producer, stamp, &[0; 100]).unwrap();
        }
        assert_eq!(push(&mut producer, 3, &[0; 100]), Err(PushError::Full));
        consumer.look().unwrap();
        let _ = consumer.front();
        assert_eq!(consumer.pop(), Room::Unwanted, "nobody waits yet");
        assert_eq!(producer.want_room(), Ok(false), "but there is room already");
        let told = if releases {
            consumer.release()
        } else {
            let _ = consumer.front();
            assert_eq!(consumer.pop(), Room::Unwanted, "there will be more room soon");
            let _ = consumer.front();
            consumer.pop()
        };
        assert_eq!(told, Room::Wanted);
    }
}

#[test]
fn every_pop_gives_room() {
    let geometry = Geometry::for_quota(200_000);
    let memory = Heap::new(geometry);
    let mut producer = Producer::new(memory.clone(), geometry, 200_000);
    let mut consumer = Consumer::new(memory, geometry, Cursor::default());
    for stamp in 0..5 {
        let _ = push(&mut producer, stamp, &[0; 10_000]).unwrap();
    }
    consumer.look().unwrap();
    let released: Vec<u64> = (0..5)
        .map(|_| {
            let _ = consumer.front();
            let _ = consumer.pop();
            consumer.cursor().released
        })
        .collect();
    assert_eq!(released, [1, 2, 3, 4, 5].map(|count| count * 10_016));
    let _ = push(&mut producer, 5, &[0; 40_000]).unwrap();
    consumer.look().unwrap();
    let _ = consumer.front();
    consumer.advance();
    assert_eq!(consumer.cursor().released, 5 * 10_016, "advancing never releases");
}
