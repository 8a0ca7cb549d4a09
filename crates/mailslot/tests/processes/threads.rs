//! Threads that read one handle side by side.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use mailslot::{Mailslot, ReadError};

use crate::support::{Case, NAME, PATIENCE, both_kinds, check, fill, scale, spawn, writer};

pub(crate) const CASES: &[Case] = &[
    Case::new("threads::each_record_once", each_record_once).long(),
    Case::new("threads::short_waits_beside_long_ones", short_waits_beside_long_ones),
    Case::new("threads::clones_of_a_writer", clones_of_a_writer),
];

const WRITERS: u64 = 3;

/// Reads in one of the ways there are; `None` if nothing came.
fn read(slot: &Mailslot, way: u64, buffer: &mut Vec<u8>) -> Option<(u64, u64)> {
    buffer.resize(1024, 0);
    let found = match way {
        0 => slot.receive_timeout(Some(Duration::from_millis(20))).map(|record| {
            buffer.clear();
            buffer.extend(record.bytes());
            record.len()
        }),
        1 => slot.try_read(buffer),
        2 => slot.read_timeout(buffer, Some(Duration::from_micros(50))),
        _ => slot.read_timeout(buffer, Some(Duration::from_millis(5))),
    };
    match found {
        Ok(len) => Some(check(&buffer[..len])),
        Err(ReadError::TimedOut { .. }) => {
            thread::yield_now();
            None
        }
        Err(other) => panic!("{other}"),
    }
}

fn each_record_once() {
    let each = 60_000 * scale();
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let writing: Vec<_> = (0..WRITERS)
            .map(|id| {
                spawn(move || {
                    let (mut writer, mut bytes) = (writer(), Vec::new());
                    for n in 0..each {
                        fill(&mut bytes, id, n, 24 + (n % 200) as usize);
                        writer.write_timeout(&bytes, PATIENCE).unwrap();
                        if n % 5000 == 0 {
                            // Long enough for the threads to fall asleep.
                            thread::sleep(Duration::from_millis(2));
                        }
                    }
                })
            })
            .collect();
        let total = AtomicU64::new(0);
        let found = Mutex::new(vec![vec![false; each as usize]; WRITERS as usize]);
        thread::scope(|scope| {
            for way in 0..4 {
                let (slot, total, found) = (&slot, &total, &found);
                scope.spawn(move || {
                    let (mut buffer, mut seen) = (Vec::new(), Vec::new());
                    while total.load(Ordering::Relaxed) < each * WRITERS {
                        if let Some(record) = read(slot, way, &mut buffer) {
                            total.fetch_add(1, Ordering::Relaxed);
                            seen.push(record);
                        }
                    }
                    let mut next = [0; WRITERS as usize];
                    let mut found = found.lock().unwrap();
                    for (id, n) in seen {
                        assert!(n >= next[id as usize], "one thread reads a writer in order");
                        next[id as usize] = n + 1;
                        let place = &mut found[id as usize][n as usize];
                        assert!(!std::mem::replace(place, true), "record {n} of {id} came twice");
                    }
                });
            }
        });
        assert!(found.into_inner().unwrap().iter().flatten().all(|&found| found));
        writing.into_iter().for_each(crate::support::Process::finish);
    }
}

/// A thread that doesn't want to wait, or not for long, isn't held up by one that does.
fn short_waits_beside_long_ones() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        thread::scope(|scope| {
            let slow = scope.spawn(|| slot.receive_timeout(Some(PATIENCE)));
            for n in 0..300 {
                let start = std::time::Instant::now();
                let wait = Duration::from_micros(n % 3 * 700);
                let found = slot.receive_timeout(Some(wait));
                assert!(matches!(found, Err(ReadError::TimedOut { .. })), "{found:?}");
                assert!(start.elapsed() >= wait);
                assert!(start.elapsed() < PATIENCE / 2);
                assert_eq!(slot.info().unwrap().waiting, 0);
            }
            assert!(!slow.is_finished());
            writer().write(b"x").unwrap();
            assert_eq!(slow.join().unwrap().unwrap().bytes(), b"x");
        });
    }
}

fn clones_of_a_writer() {
    const EACH: u64 = 5000;
    let slot = Mailslot::create(NAME).unwrap();
    let writing = spawn(|| {
        let first = writer();
        thread::scope(|scope| {
            for id in 0..8 {
                let mut clone = first.clone();
                scope.spawn(move || {
                    let mut bytes = Vec::new();
                    for n in 0..EACH {
                        fill(&mut bytes, id, n, 40);
                        clone.write_timeout(&bytes, PATIENCE).unwrap();
                    }
                });
            }
        });
    });
    let mut next = [0; 8];
    for _ in 0..8 * EACH {
        let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
        let (id, n) = check(&record);
        assert_eq!(n, next[id as usize]);
        assert_eq!(record.sender().pid, writing.id());
        next[id as usize] += 1;
    }
    writing.finish();
}
