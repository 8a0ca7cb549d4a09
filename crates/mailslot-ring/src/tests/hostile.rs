//! Peers that write whatever they like.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use proptest::prelude::*;

use super::push;
use crate::heap::Heap;
use crate::item::Head;
use crate::{Broken, Consumer, Cursor, Geometry, Memory, Producer, PushError, Region, fuzz_checks};

fn geometry() -> Geometry {
    Geometry::new(8, 1, 4).unwrap()
}

/// A reader of a ring with this tail, which holds these words from its start on.
fn reader(tail: u64, words: &[u64]) -> Consumer<std::sync::Arc<Heap>> {
    let memory = Heap::new(geometry());
    for (index, word) in words.iter().enumerate() {
        memory.set_word(index as u64 * 8, *word);
    }
    memory.header().tail.0.store(tail, Relaxed);
    Consumer::new(memory, geometry(), Cursor::default())
}

#[test]
fn impossible_tails_are_noticed() {
    for tail in [1, 8, 2048 + 16, 4096, u64::MAX, u64::MAX - 15, 1 << 63] {
        assert_eq!(reader(tail, &[]).look(), Err(Broken), "{tail}");
        assert_eq!(reader(tail, &[]).arm(), Err(Broken), "{tail}");
        assert_eq!(reader(tail, &[]).count(), Err(Broken), "{tail}");
    }
    assert_eq!(reader(2048, &[]).look(), Ok(true));
}

#[test]
fn a_tail_that_goes_back_is_noticed() {
    let memory = Heap::new(geometry());
    let mut consumer = Consumer::new(memory.clone(), geometry(), Cursor::default());
    memory.header().tail.0.store(64, Relaxed);
    assert_eq!(consumer.look(), Ok(true));
    memory.header().tail.0.store(48, Relaxed);
    assert_eq!(consumer.look(), Err(Broken));
    memory.header().tail.0.store(64, Relaxed);
    assert_eq!(consumer.look(), Err(Broken), "once broken, always broken");
}

#[test]
fn items_that_make_no_sense_are_noticed() {
    let record = |len| Head::Record(len).encode();
    let jump = |level| Head::Jump(level).encode();
    let pad = Head::Pad.encode();
    for (tail, words) in [
        (16, vec![0]),
        (16, vec![u64::MAX]),
        (16, vec![record(1)]),
        (256, vec![record(241)]),
        (512, vec![record(256)]), // beyond the end of the level
        (512, vec![record(u32::MAX)]),
        (16, vec![pad]),
        (256, vec![pad]),
        (16, vec![jump(1)]),
        (32, vec![jump(4)]),
        (32, vec![jump(u32::MAX)]),
        (1024, vec![jump(0)]),
        (1024, vec![pad]),
    ] {
        assert_eq!(reader(tail, &words).count(), Err(Broken), "{tail} {words:x?}");
        let mut consumer = reader(tail, &words);
        assert_eq!(consumer.look(), Ok(true));
        assert_eq!(consumer.take(&mut [0; 1024], |_| true), None, "{tail} {words:x?}");
        assert_eq!(consumer.front(), Err(Broken), "{tail} {words:x?}");
        assert_eq!(consumer.look(), Err(Broken));
        let _ = (consumer.pop(), consumer.release());
        assert_eq!(consumer.cursor(), Cursor::default());
    }
}

#[test]
fn a_writer_that_shows_two_faces_confuses_only_its_own_count() {
    let memory = Heap::new(geometry());
    let mut consumer = Consumer::new(memory.clone(), geometry(), Cursor::default());
    memory.set_word(0, Head::Record(112).encode());
    memory.header().tail.0.store(128, Relaxed);
    assert_eq!(consumer.count(), Ok((1, 112)));
    for at in (0..128).step_by(16) {
        memory.set_word(at, Head::Record(0).encode());
    }
    consumer.look().unwrap();
    for left in (0..8).rev() {
        assert!(consumer.front().unwrap().is_some());
        let _ = consumer.pop();
        let (records, bytes) = consumer.count().unwrap();
        assert!(records <= left && bytes <= left * 16);
    }
    memory.set_word(128, Head::Record(5).encode());
    memory.header().tail.0.store(160, Relaxed);
    assert_eq!(consumer.count(), Ok((1, 5)), "forgotten once all is read");
}

#[test]
fn cursors_that_make_no_sense_are_noticed() {
    let good = Cursor { position: 64, records: 2, ..Cursor::default() };
    for bad in [
        Cursor { position: 72, ..good },
        Cursor { position: 2048 + 16, ..good },
        Cursor { position: u64::MAX - 15, level_start: u64::MAX - 15, ..good },
        Cursor { level: 4, ..good },
        Cursor { level: u64::MAX, ..good },
        Cursor { level_start: 80, ..good },
        Cursor { level_start: 1, ..good },
        Cursor { records: 5, ..good },
    ] {
        let mut consumer = Consumer::new(Heap::new(geometry()), geometry(), bad);
        assert_eq!(consumer.look(), Err(Broken), "{bad:?}");
        assert_eq!((consumer.front(), consumer.count()), (Ok(None), Err(Broken)));
        let mut consumer = reader(64, &[Head::Record(16).encode()]);
        assert_eq!(consumer.look(), Ok(true));
        consumer.set_cursor(bad);
        assert_eq!(consumer.look(), Err(Broken), "{bad:?}");
    }
    let mut consumer = reader(128, &[]);
    consumer.set_cursor(good);
    assert_eq!(consumer.look(), Ok(true));
}

#[test]
fn impossible_heads_are_noticed() {
    for head in [1, 8, 48, u64::MAX, 1 << 63] {
        let memory = Heap::new(geometry());
        let mut producer = Producer::new(memory.clone(), geometry(), 400);
        let _ = push(&mut producer, 1, &[0; 10]).unwrap();
        memory.header().head.0.store(head, Relaxed);
        assert_eq!(producer.waiting(), Err(PushError::Broken), "{head}");
        assert_eq!(producer.want_room(), Err(PushError::Broken), "{head}");
        assert_eq!(push(&mut producer, 1, &[0; 400]), Err(PushError::Broken), "{head}");
    }
}

#[test]
fn a_head_amid_padding_does_no_harm() {
    let memory = Heap::new(geometry());
    let mut producer = Producer::new(memory.clone(), geometry(), 400);
    let _ = push(&mut producer, 1, &[0; 112]).unwrap();
    memory.header().head.0.store(128, Relaxed);
    let _ = push(&mut producer, 2, &[0; 50]).unwrap(); // 128..208
    let _ = push(&mut producer, 3, &[0; 60]).unwrap(); // padding up to 256, then 80 bytes
    assert_eq!(producer.waiting(), Ok(80 + 80));
    for (head, waiting) in [(208, 80), (224, 64), (240, 48), (256, 80), (336, 0)] {
        memory.header().head.0.store(head, Relaxed);
        assert_eq!(producer.waiting(), Ok(waiting));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_tampering_does_no_harm(data in prop::collection::vec(any::<u8>(), 0..800)) {
        fuzz_checks::ring(&data);
    }

    /// Mostly sensible calls with a little tampering: gets further than pure noise.
    #[test]
    fn rare_tampering_does_no_harm(
        shape in any::<[u8; 2]>(),
        ops in prop::collection::vec((0u8..100, any::<[u8; 10]>()), 0..200),
    ) {
        let mut data = shape.to_vec();
        for (choice, operands) in ops {
            let (op, length) = match choice {
                0..5 => (choice % 8, [10, 5, 8, 2, 8, 2, 1, 1][usize::from(choice % 8)]),
                5..30 => (16, 3),
                30..90 => (8 + choice % 12, if choice % 12 == 8 { 3 } else { 0 }),
                90..95 => (21 + choice % 3, if choice % 3 == 1 { 2 } else { 0 }),
                _ => (1, 5),
            };
            data.push(op);
            data.extend(&operands[..length]);
        }
        fuzz_checks::ring(&data);
    }
}

#[test]
fn the_fuzz_corpus_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ring");
    let seeds: Vec<_> = std::fs::read_dir(&corpus).expect("the corpus").collect();
    assert!(seeds.len() >= 10, "only {} seeds in {}", seeds.len(), corpus.display());
    for seed in seeds {
        fuzz_checks::ring(&std::fs::read(seed.unwrap().path()).unwrap());
    }
}

/// A writer scribbles over everything while the reader reads, and the other way round.
#[test]
fn scribbling_at_the_same_time_does_no_harm() {
    let geometry = geometry();
    let (region, fd) = Region::create(geometry).unwrap();
    let open = || Region::open(fd.as_fd(), geometry).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seed = 1u64;
            while !done.load(Relaxed) {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let random = seed >> 33;
                let header = region.header();
                let heads = [Head::Record((random % 300) as u32), Head::Pad, Head::Jump(2)];
                let head = heads[(random % 3) as usize].encode();
                region.set_word(random % (geometry.data_len() / 16) * 16, head);
                match random % 50 {
                    0 => header.tail.0.store(random % 256 * 16, Relaxed),
                    1 => header.head.0.store(random % 256 * 16, Relaxed),
                    2..10 => _ = header.tail.0.fetch_add(32, Relaxed),
                    _ => {}
                }
            }
        });
        for round in 0..5_000 {
            let mut consumer = Consumer::new(open(), geometry, Cursor::default());
            let mut producer = Producer::new(open(), geometry, 400);
            let mut buffer = [0; 400];
            for _ in 0..20 {
                let _ = push(&mut producer, 1, &buffer[..round % 400]);
                if consumer.look().is_err() || consumer.count().is_err() {
                    break;
                }
                while let Ok(Some(front)) = consumer.front() {
                    consumer.copy(&front, &mut buffer);
                    let _ = consumer.pop();
                }
                let _ = consumer.release();
            }
        }
        done.store(true, Relaxed);
    });
}
