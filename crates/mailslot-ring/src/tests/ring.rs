//! What stands where, and who counts what: small rings on the heap, step by step.

use std::io::IoSlice;
use std::sync::Arc;

use super::{drain, pattern, push, read};
use crate::heap::Heap;
use crate::item::Head;
use crate::{Consumer, Cursor, Geometry, Memory, Producer, PushError};

type Halves = (Arc<Heap>, Producer<Arc<Heap>>, Consumer<Arc<Heap>>);

/// Levels of 256, 512, 1024 and 1024 bytes; the last two go back in blocks of 64.
fn halves(quota: u64) -> Halves {
    let geometry = Geometry::new(8, 1, 4).unwrap();
    let memory = Heap::new(geometry);
    let producer = Producer::new(memory.clone(), geometry, quota);
    let consumer = Consumer::new(memory.clone(), geometry, Cursor::default());
    (memory, producer, consumer)
}

fn head(memory: &Arc<Heap>, at: u64) -> Option<Head> {
    Head::decode(memory.word(at))
}

#[test]
fn a_record_arrives_whole_with_its_stamp() {
    let (memory, mut producer, mut consumer) = halves(400);
    assert_eq!(consumer.look(), Ok(false));
    assert!(!consumer.has_news());
    let parts = [IoSlice::new(b"how "), IoSlice::new(b""), IoSlice::new(b"are you")];
    let _ = producer.push(77, &parts, 11).unwrap();
    assert_eq!(head(&memory, 0), Some(Head::Record(11)));
    assert_eq!(memory.word(8), 77);
    assert!(consumer.has_news());
    assert_eq!(consumer.front(), Ok(None));
    assert_eq!(consumer.look(), Ok(true));
    assert!(!consumer.has_news());
    assert_eq!(read(&mut consumer), Some((77, b"how are you".to_vec())));
    assert_eq!(read(&mut consumer), Some((77, b"how are you".to_vec())));
    let _ = consumer.pop();
    assert_eq!(read(&mut consumer), None);
    assert_eq!(consumer.look(), Ok(false));
    let cursor = Cursor { position: 32, records: 1, released: 32, ..Cursor::default() };
    assert_eq!(consumer.cursor(), cursor);
}

#[test]
fn a_copy_takes_as_much_as_fits() {
    let (_, mut producer, mut consumer) = halves(400);
    let _ = push(&mut producer, 1, b"abcdef").unwrap();
    consumer.look().unwrap();
    let front = consumer.front().unwrap().unwrap();
    let mut few = [0; 3];
    consumer.copy(&front, &mut few);
    assert_eq!(&few, b"abc");
    let mut many = [9; 8];
    consumer.copy(&front, &mut many);
    assert_eq!(&many, b"abcdef\x09\x09");
}

#[test]
#[should_panic(expected = "longer than stated")]
fn parts_longer_than_stated_are_refused() {
    let (_, mut producer, _) = halves(400);
    let _ = producer.push(1, &[IoSlice::new(&[0; 17])], 16);
}

#[test]
#[should_panic(expected = "shorter than stated")]
fn parts_shorter_than_stated_are_refused() {
    let (_, mut producer, _) = halves(400);
    let _ = producer.push(1, &[IoSlice::new(&[0; 15])], 16);
}

#[test]
fn a_quota_counts_heads_of_the_waiting_and_bytes_of_the_new() {
    let (_, mut producer, mut consumer) = halves(100);
    assert_eq!(push(&mut producer, 1, &[0; 101]), Err(PushError::TooLarge));
    let _ = push(&mut producer, 1, &[0; 100]).unwrap();
    assert_eq!(producer.waiting(), Ok(16 + 112));
    assert_eq!(push(&mut producer, 2, &[]), Err(PushError::Full));
    consumer.look().unwrap();
    let _ = read(&mut consumer);
    consumer.advance();
    assert_eq!(push(&mut producer, 2, &[]), Err(PushError::Full), "not released yet");
    let _ = consumer.release();
    assert_eq!(producer.waiting(), Ok(0));
    let _ = push(&mut producer, 2, &[0; 20]).unwrap();
    assert_eq!(producer.waiting(), Ok(48));
    assert_eq!(push(&mut producer, 3, &[0; 53]), Err(PushError::Full));
    let _ = push(&mut producer, 3, &[0; 52]).unwrap();
    assert_eq!(drain(&mut consumer), [2, 3]);
}

#[test]
fn tiny_quotas_hold_one_record() {
    for quota in [0, 1] {
        let (_, mut producer, mut consumer) = halves(quota);
        for stamp in 0..100 {
            assert_eq!(push(&mut producer, stamp, &[0; 2]), Err(PushError::TooLarge));
            let _ = push(&mut producer, stamp, &[0; 1][..quota as usize]).unwrap();
            assert_eq!(push(&mut producer, stamp, &[]), Err(PushError::Full));
            assert_eq!(drain(&mut consumer), [stamp]);
        }
    }
}

#[test]
fn a_quota_too_large_for_the_geometry_is_lowered() {
    let (_, mut producer, _) = halves(u64::MAX);
    assert_eq!(Geometry::new(8, 1, 4).unwrap().max_quota(), 400);
    assert_eq!(push(&mut producer, 1, &[0; 401]), Err(PushError::TooLarge));
    let _ = push(&mut producer, 1, &[0; 400]).unwrap();
}

#[test]
fn lengths_beyond_all_reason_are_too_large() {
    let geometry = Geometry::for_quota(1 << 36);
    let (region, _fd) = crate::Region::create(geometry).unwrap();
    let mut producer = Producer::new(region, geometry, 1 << 36);
    for len in [u64::MAX, u64::MAX - 15, (1 << 36) + 1, 1 << 32, crate::MAX_RECORD + 1] {
        assert_eq!(producer.push(1, &[], len), Err(PushError::TooLarge), "{len}");
    }
}

#[test]
fn padding_fills_the_end_and_does_not_count() {
    let (memory, mut producer, mut consumer) = halves(300);
    let _ = push(&mut producer, 1, &[1; 176]).unwrap(); // 0..192
    assert_eq!(drain(&mut consumer), [1]);
    let _ = push(&mut producer, 2, &pattern(2, 64)).unwrap(); // 80 bytes, 64 are left
    assert_eq!(head(&memory, 192), Some(Head::Pad));
    assert_eq!(head(&memory, 0), Some(Head::Record(64)));
    assert_eq!(producer.waiting(), Ok(80));
    consumer.look().unwrap();
    assert_eq!(read(&mut consumer), Some((2, pattern(2, 64))));
    let _ = consumer.release();
    assert_eq!(consumer.cursor().released, 192, "padding stays for a holder that starts there");
    assert_eq!(producer.waiting(), Ok(80));
    let _ = consumer.pop();
    let _ = consumer.release();
    assert_eq!(producer.waiting(), Ok(0));
}

#[test]
fn an_exact_fit_at_the_end_needs_no_padding() {
    let (memory, mut producer, mut consumer) = halves(300);
    let _ = push(&mut producer, 1, &[1; 176]).unwrap(); // 0..192
    assert_eq!(drain(&mut consumer), [1]);
    let _ = push(&mut producer, 2, &[2; 48]).unwrap(); // 192..256
    let _ = push(&mut producer, 3, &[3; 48]).unwrap(); // 0..64
    assert_eq!(head(&memory, 192), Some(Head::Record(48)));
    assert_eq!(head(&memory, 0), Some(Head::Record(48)));
    assert_eq!(drain(&mut consumer), [2, 3]);
    assert_eq!(consumer.cursor().position, 256 + 64);
}

#[test]
fn the_last_head_of_a_level_is_kept_for_the_jump() {
    let (memory, mut producer, mut consumer) = halves(400);
    let _ = push(&mut producer, 1, &[1; 224]).unwrap(); // 0..240 of 256
    let _ = push(&mut producer, 2, &[]).unwrap(); // would take the last 16
    assert_eq!(head(&memory, 240), Some(Head::Jump(1)));
    assert_eq!(head(&memory, 256), Some(Head::Record(0)));
    assert_eq!(producer.waiting(), Ok(256), "the jump doesn't count");
    let _ = push(&mut producer, 3, &[3; 144]).unwrap();
    assert_eq!(push(&mut producer, 4, &[]), Err(PushError::Full));
    assert_eq!(drain(&mut consumer), [1, 2, 3]);
    assert_eq!(consumer.cursor().level, 1);
    assert_eq!(consumer.cursor().level_start, 256);
}

#[test]
fn a_level_full_of_unread_records_is_never_overwritten() {
    let (memory, mut producer, mut consumer) = halves(400);
    let _ = push(&mut producer, 1, &[1; 48]).unwrap(); // 0..64
    let _ = push(&mut producer, 2, &pattern(2, 112)).unwrap(); // 64..192
    consumer.look().unwrap();
    let _ = consumer.front();
    let _ = consumer.pop();
    let _ = consumer.release();
    // 64 bytes are left at the end and 64 were freed at the beginning, one head of which is kept.
    let _ = push(&mut producer, 3, &pattern(3, 64)).unwrap();
    assert_eq!(head(&memory, 192), Some(Head::Jump(1)));
    assert_eq!(read(&mut consumer), Some((2, pattern(2, 112))));
    assert_eq!(drain(&mut consumer), [2, 3]);
}

#[test]
fn once_little_is_left_to_read_the_writer_returns_to_level_0() {
    let (memory, mut producer, mut consumer) = halves(400);
    let _ = push(&mut producer, 1, &[1; 200]).unwrap();
    let _ = push(&mut producer, 2, &[2; 100]).unwrap();
    assert_eq!(head(&memory, 224), Some(Head::Jump(1)));
    let _ = push(&mut producer, 3, &[3; 40]).unwrap();
    consumer.look().unwrap();
    for _ in 0..2 {
        let _ = consumer.front();
        let _ = consumer.pop();
    }
    let _ = consumer.release();
    // 64 bytes left to read, of level 0 a quarter. A record that takes more than an eighth of it
    // stays where it has more room.
    let _ = push(&mut producer, 4, &[4; 32]).unwrap();
    assert_eq!(head(&memory, 256 + 128 + 64), Some(Head::Record(32)));
    assert_eq!(drain(&mut consumer), [3, 4]);
    for stamp in 5..20 {
        let _ = push(&mut producer, stamp, &[5; 16]).unwrap();
        assert_eq!(drain(&mut consumer), [stamp]);
    }
    assert_eq!(consumer.cursor().level, 0);
}

#[test]
fn the_writer_does_not_return_to_level_0_before_it_is_read() {
    let (memory, mut producer, mut consumer) = halves(288);
    let _ = push(&mut producer, 1, &[1; 208]).unwrap(); // 0..224
    let _ = push(&mut producer, 2, b"").unwrap(); // 224..240
    let _ = push(&mut producer, 3, &[3; 16]).unwrap(); // level 1
    consumer.look().unwrap();
    let _ = read(&mut consumer);
    let _ = consumer.pop();
    let _ = consumer.release();
    // Little is left to read, but the oldest of it in level 0.
    let _ = push(&mut producer, 4, &[4; 16]).unwrap();
    assert_eq!(head(&memory, 256 + 32), Some(Head::Record(16)));
    let _ = push(&mut producer, 5, &[5; 208]).unwrap();
    assert_eq!(drain(&mut consumer), [2, 3, 4, 5]);
}

#[test]
fn what_was_read_in_large_levels_reads_as_zero() {
    let (memory, mut producer, mut consumer) = halves(400);
    let _ = push(&mut producer, 1, &[1; 200]).unwrap();
    let _ = push(&mut producer, 2, &[2; 1]).unwrap(); // level 1
    assert_eq!(drain(&mut consumer), [1, 2]);
    // Three quarters of level 1, then what doesn't fit there, in level 2.
    let _ = push(&mut producer, 3, &[3; 350]).unwrap(); // level 1 again: too large for level 0
    let _ = push(&mut producer, 4, &[4; 16]).unwrap();
    assert_eq!(drain(&mut consumer), [3, 4]);
    let _ = push(&mut producer, 5, &[5; 240]).unwrap(); // wraps in level 1
    let _ = push(&mut producer, 6, &[6; 96]).unwrap();
    let _ = push(&mut producer, 7, &[]).unwrap();
    assert_eq!(drain(&mut consumer), [5, 6, 7]);
    assert_eq!(memory.word(0) >> 32, 0x4d53_0001, "level 0 stays");

    let (memory, mut producer, mut consumer) = halves(400);
    let _ = push(&mut producer, 1, &[1; 240]).unwrap(); // level 1
    assert_eq!(consumer.look(), Ok(true));
    let _ = push(&mut producer, 2, &[2; 112]).unwrap();
    assert_eq!(drain(&mut consumer), [1, 2]);
    let level_2 = 256 + 512;
    for stamp in 3.. {
        // Full bursts climb to level 2 sooner or later.
        let _ = push(&mut producer, stamp, &[7; 240]).unwrap();
        let _ = push(&mut producer, stamp, &[7; 112]).unwrap();
        let climbed = head(&memory, level_2).is_some();
        assert_eq!(drain(&mut consumer), [stamp, stamp]);
        if climbed {
            break;
        }
        assert!(stamp < 20, "never climbed");
    }
    let position = consumer.cursor().position - consumer.cursor().level_start;
    let given_back = position / 64 * 64;
    assert!(given_back >= 64);
    assert!((0..given_back / 8).all(|word| memory.word(level_2 + word * 8) == 0));
}

#[test]
fn the_writer_stays_out_of_the_block_being_read() {
    // In level 2 (1024 bytes, blocks of 64) with the head 48 bytes into a block.
    let (_, mut producer, mut consumer) = halves(400);
    let mut stamp = 0;
    while consumer.cursor().level < 2 {
        stamp += 1;
        let _ = push(&mut producer, stamp, &[0; 300]).unwrap();
        let _ = push(&mut producer, stamp, &[0; 80]).unwrap();
        let _ = drain(&mut consumer);
        assert!(stamp < 20, "never climbed");
    }
    // Rounds of odd sizes: the heap zeroes each block given back, so a live one would be noticed.
    for round in 0..2000usize {
        let len = 200 + round * 7 % 190;
        let _ = push(&mut producer, 1, &pattern(1, len)).unwrap();
        consumer.look().unwrap();
        assert_eq!(read(&mut consumer), Some((1, pattern(1, len))));
        let _ = consumer.pop();
        let _ = consumer.release();
    }
}

#[test]
fn counting_meets_every_record_once() {
    let (memory, mut producer, mut consumer) = halves(400);
    assert_eq!(consumer.count(), Ok((0, 0)));
    let _ = push(&mut producer, 1, &[0; 10]).unwrap();
    let _ = push(&mut producer, 2, &[0; 20]).unwrap();
    assert_eq!(consumer.count(), Ok((2, 30)));
    let reads = memory.reads();
    assert_eq!(consumer.count(), Ok((2, 30)));
    assert_eq!(memory.reads(), reads);
    assert_eq!(consumer.front(), Ok(None), "counting is no look");
    consumer.look().unwrap();
    let _ = consumer.front();
    assert_eq!(consumer.count(), Ok((2, 30)));
    let _ = consumer.pop();
    assert_eq!(consumer.count(), Ok((1, 20)));
    let _ = push(&mut producer, 3, &[]).unwrap();
    assert_eq!(consumer.count(), Ok((2, 20)));
    assert_eq!(drain(&mut consumer), [2, 3]);
    assert_eq!(consumer.count(), Ok((0, 0)));
    let _ = push(&mut producer, 4, &[0; 5]).unwrap();
    assert_eq!(drain(&mut consumer), [4]);
    let _ = push(&mut producer, 5, &[0; 6]).unwrap();
    assert_eq!(consumer.count(), Ok((1, 6)));
}

#[test]
fn another_holder_goes_on_where_one_left_off() {
    let (memory, mut producer, mut first) = halves(400);
    let geometry = Geometry::new(8, 1, 4).unwrap();
    for stamp in 1..=5 {
        let _ = push(&mut producer, stamp, &pattern(stamp, 40)).unwrap();
    }
    let mut second = Consumer::new(memory.clone(), geometry, first.cursor());
    for stamp in 1..=5 {
        let (from, to) =
            if stamp % 2 == 1 { (&mut first, &mut second) } else { (&mut second, &mut first) };
        from.look().unwrap();
        assert_eq!(read(from), Some((stamp, pattern(stamp, 40))));
        let _ = from.pop();
        to.set_cursor(from.cursor());
        assert_eq!(from.count().unwrap().0, 5 - stamp);
        assert_eq!(to.count().unwrap().0, 5 - stamp);
    }
    assert_eq!(second.look(), Ok(false));
    assert_eq!(second.cursor().records, 5);
    let _ = second.release();
    assert_eq!(producer.waiting(), Ok(0));
}

#[test]
fn a_holder_that_dies_before_or_after_releasing_harms_nobody() {
    let geometry = Geometry::new(8, 1, 4).unwrap();
    for released in [false, true] {
        let (memory, mut producer, mut dying) = halves(400);
        for stamp in 1..=2 {
            let _ = push(&mut producer, stamp, &pattern(stamp, 40)).unwrap();
        }
        dying.look().unwrap();
        let _ = dying.front();
        dying.advance();
        let exported = dying.cursor();
        assert_eq!((exported.position, exported.released), (64, 0));
        if released {
            let _ = dying.release();
        }
        let mut next = Consumer::new(memory, geometry, exported);
        assert_eq!(next.cursor().released, if released { 64 } else { 0 });
        let _ = next.release();
        assert_eq!(producer.waiting(), Ok(64), "the next holder releases what the last read");
        assert_eq!(drain(&mut next), [2]);
        assert_eq!(producer.waiting(), Ok(0));
    }
}

#[test]
fn what_was_released_is_never_read_again() {
    let geometry = Geometry::new(8, 1, 4).unwrap();
    let (memory, mut producer, mut dying) = halves(400);
    let exported = dying.cursor();
    let _ = push(&mut producer, 1, b"x").unwrap();
    assert_eq!(drain(&mut dying), [1]);
    let mut next = Consumer::new(memory, geometry, exported);
    assert_eq!(next.look(), Err(crate::Broken));
}

#[test]
fn peeking_across_a_jump_leaves_it_for_the_next_holder() {
    let (memory, mut producer, mut consumer) = halves(400);
    let _ = push(&mut producer, 1, &[1; 300]).unwrap(); // level 1
    assert_eq!(drain(&mut consumer), [1]);
    let _ = push(&mut producer, 2, &[2; 380]).unwrap(); // level 2
    assert_eq!(drain(&mut consumer), [2]);
    consumer.close();
    let _ = push(&mut producer, 3, b"x").unwrap(); // level 0
    let before = consumer.cursor();
    assert_eq!(before.level, 2);
    let level_2 = 256 + 512;
    let jump = level_2 + 400;
    assert_eq!(head(&memory, jump), Some(Head::Jump(0)));

    consumer.look().unwrap();
    assert_eq!(read(&mut consumer), Some((3, b"x".to_vec())));
    let _ = consumer.release();
    assert_eq!(consumer.cursor(), before);
    let geometry = Geometry::new(8, 1, 4).unwrap();
    let mut next = Consumer::new(memory.clone(), geometry, before);
    next.look().unwrap();
    assert_eq!(read(&mut next), Some((3, b"x".to_vec())));
    let _ = next.pop();
    assert_eq!(next.cursor().level, 0);
    assert!((level_2..level_2 + 1024).step_by(8).all(|at| memory.word(at) == 0));
}

#[test]
fn a_level_that_was_left_goes_before_the_writer_may_use_it_again() {
    // Levels of 64, 128, 256, 512 and 512 bytes.
    let geometry = Geometry::new(6, 1, 5).unwrap();
    assert_eq!(geometry.max_quota(), 152);
    let memory = Heap::new(geometry);
    let mut producer = Producer::new(memory.clone(), geometry, 152);
    let mut consumer = Consumer::new(memory.clone(), geometry, Cursor::default());
    let _ = push(&mut producer, 1, &[1; 100]).unwrap(); // level 2
    let _ = push(&mut producer, 2, b"").unwrap();
    assert_eq!(drain(&mut consumer), [1, 2]);
    consumer.close();
    let _ = push(&mut producer, 3, b"").unwrap(); // level 0
    let _ = push(&mut producer, 4, b"").unwrap();
    consumer.look().unwrap();
    assert_eq!(read(&mut consumer), Some((3, Vec::new())));
    let _ = consumer.pop();
    let _ = push(&mut producer, 5, &pattern(5, 60)).unwrap(); // level 1
    let _ = push(&mut producer, 6, &pattern(6, 20)).unwrap(); // level 2 again
    assert_eq!(head(&memory, 64 + 128), Some(Head::Record(20)));
    assert_eq!(read(&mut consumer), Some((4, Vec::new())));
    let _ = consumer.pop();
    consumer.look().unwrap();
    assert_eq!(read(&mut consumer), Some((5, pattern(5, 60))));
    let _ = consumer.pop();
    assert_eq!(read(&mut consumer), Some((6, pattern(6, 20))));
}
