//! Both halves at full speed in two threads, sleeping only by the ring's own protocol.

use std::os::fd::AsFd;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::push;
use crate::{Consumer, Cursor, Geometry, Producer, PushError, Region, Room, Wake};

/// Far longer than either side ever needs, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    /// Waits for a ring and takes all there are. One that is lost is never made up for.
    fn wait(&self) -> u64 {
        let rung = self.rung.lock().unwrap();
        let silent = |rung: &mut u64| *rung == 0;
        let (mut rung, waited) = self.changed.wait_timeout_while(rung, PATIENCE, silent).unwrap();
        assert!(!waited.timed_out(), "nobody rang, or the other side gave up");
        std::mem::take(&mut *rung)
    }
}

fn len_of(number: u64) -> usize {
    match number % 1000 {
        999 => 9_000,
        rest if rest % 100 == 99 => 700,
        rest => (rest * 7 % 90) as usize,
    }
}

/// Sends `records` through a ring of `quota`, the reader taking `batch` at most between releases.
fn stream(records: u64, quota: u64, batch: usize) {
    let geometry = Geometry::for_quota(quota);
    let (region, fd) = Region::create(geometry).unwrap();
    let mapped = Region::open(fd.as_fd(), geometry).unwrap();
    let (bell, room) = (Bell::default(), Bell::default());
    let content: Vec<u8> = (0..10_000u32).map(|i| (i * 7 + i / 256) as u8).collect();
    let content = |number: u64, len: usize| &content[(number % 900) as usize..][..len];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = Producer::new(region, geometry, quota);
            for number in 0..records {
                loop {
                    match push(&mut producer, number, content(number, len_of(number))) {
                        Ok(Wake::No) => break,
                        Ok(Wake::Ring) => {
                            bell.ring();
                            break;
                        }
                        Err(error) => assert_eq!(error, PushError::Full),
                    }
                    if producer.want_room().unwrap() {
                        room.wait();
                    }
                }
            }
        });
        let mut consumer = Consumer::new(mapped, geometry, Cursor::default());
        let mut buffer = [0; 9_000];
        let (mut number, mut armed, mut rung) = (0, 0, 0);
        let tell = |wanted| {
            if wanted == Room::Wanted {
                room.ring();
            }
        };
        while number < records {
            if !consumer.look().unwrap() {
                armed += 1;
                if !consumer.arm().unwrap() {
                    rung += bell.wait();
                }
                continue;
            }
            for _ in 0..batch {
                let Some(front) = consumer.front().unwrap() else { break };
                let len = len_of(number);
                assert_eq!((front.stamp, front.len as usize), (number, len));
                consumer.copy(&front, &mut buffer[..len]);
                assert!(buffer[..len] == *content(number, len), "record {number}");
                number += 1;
                tell(consumer.pop());
            }
            tell(consumer.release());
        }
        assert!(rung <= armed, "{rung} bells for {armed} naps");
        assert_eq!(consumer.cursor().records, records);
        assert_eq!(consumer.count(), Ok((0, 0)));
    });
}

#[test]
fn millions_of_records_arrive_in_order() {
    stream(2_000_000, 4 << 20, usize::MAX);
}

#[test]
fn a_small_quota_makes_both_sides_wait() {
    stream(300_000, 10_000, usize::MAX);
}

#[test]
fn records_released_one_by_one_arrive_too() {
    stream(500_000, 100_000, 1);
}
