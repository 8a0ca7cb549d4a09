//! Every interleaving of both halves, over memory whose payload words are relaxed atomics: what
//! isn't ordered by the ring itself shows. (Not all of it: loom lets no load see a store from its
//! future, so a writer that overwrites too early would go unnoticed by its memory model alone.)

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::push;
use crate::heap::Heap;
use crate::{Consumer, Cursor, Geometry, Memory, Producer, PushError, Room, Wake};

type Ring = std::sync::Arc<Heap>;

/// A quota of 64 bytes in levels of 256.
fn halves(quota: u64) -> (Producer<Ring>, Consumer<Ring>) {
    let geometry = Geometry::new(8, 1, 2).unwrap();
    let memory = Heap::new(geometry);
    let producer = Producer::new(memory.clone(), geometry, quota);
    (producer, Consumer::new(memory, geometry, Cursor::default()))
}

fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

#[derive(Default)]
struct Bell {
    rung: Mutex<u32>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    fn wait(&self) -> u32 {
        let mut rung = self.rung.lock().unwrap();
        while *rung == 0 {
            rung = self.changed.wait(rung).unwrap();
        }
        std::mem::take(&mut *rung)
    }
}

fn bytes(number: u64) -> [u8; 8] {
    (number * 0x0101_0101_0101_0101).to_ne_bytes()
}

/// Reads what the last look saw, checks it, and says whether the writer wants to be told.
fn read<M: Memory>(consumer: &mut Consumer<M>, next: &mut u64) -> bool {
    let mut wanted = false;
    while let Some(front) = consumer.front().unwrap() {
        let mut found = [0; 8];
        consumer.copy(&front, &mut found);
        assert_eq!((front.stamp, front.len, found), (*next, 8, bytes(*next)));
        *next += 1;
        wanted |= consumer.pop() == Room::Wanted;
    }
    // The last pop has released everything, so that nobody need do it again.
    wanted
}

#[test]
fn what_is_published_is_complete() {
    explore(4, || {
        let (mut producer, mut consumer) = halves(64);
        let writer = thread::spawn(move || {
            for number in 1..=2 {
                let _ = push(&mut producer, number, &bytes(number)).unwrap();
            }
        });
        let mut next = 1;
        while next <= 2 {
            if consumer.look().unwrap() {
                read(&mut consumer, &mut next);
            } else {
                thread::yield_now();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn what_is_released_is_overwritten_only_afterwards() {
    explore(3, || {
        // One record at a time fits: the third stands where the first did, if the level is one of
        // 64 bytes.
        let geometry = Geometry::new(6, 2, 3).unwrap();
        let memory = Heap::new(geometry);
        let mut producer = Producer::new(memory.clone(), geometry, 8);
        let mut consumer = Consumer::new(memory, geometry, Cursor::default());
        let writer = thread::spawn(move || {
            for number in 1..=3 {
                while push(&mut producer, number, &bytes(number)).is_err() {
                    thread::yield_now();
                }
            }
        });
        let mut next = 1;
        while next <= 3 {
            if consumer.look().unwrap() {
                read(&mut consumer, &mut next);
            } else {
                thread::yield_now();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_sleeping_reader_is_always_rung() {
    explore(4, || {
        let (mut producer, mut consumer) = halves(64);
        let bell = Arc::new(Bell::default());
        let ring = bell.clone();
        let writer = thread::spawn(move || {
            for number in 1..=2 {
                if push(&mut producer, number, &bytes(number)).unwrap() == Wake::Ring {
                    ring.ring();
                }
            }
        });
        let (mut next, mut armed, mut rung) = (1, 0, 0);
        while next <= 2 {
            armed += 1;
            if !consumer.arm().unwrap() {
                rung += bell.wait();
                consumer.look().unwrap();
            }
            read(&mut consumer, &mut next);
        }
        writer.join().unwrap();
        rung += *bell.rung.lock().unwrap();
        assert!(rung <= armed, "{rung} bells for {armed} naps");
    });
}

/// The reader takes the writer's fences over and gives them back before it sleeps.
#[test]
fn a_reader_that_fences_for_both_is_always_rung() {
    explore(3, || {
        let geometry = Geometry::new(8, 1, 4).unwrap();
        let memory = Heap::new(geometry);
        let mut producer = Producer::new(memory.clone(), geometry, 400);
        let mut consumer = Consumer::new(memory, geometry, Cursor::default());
        consumer.be_only_reader();
        let bell = Arc::new(Bell::default());
        let ring = bell.clone();
        let writer = thread::spawn(move || {
            for number in 1..=4 {
                if push(&mut producer, number, &bytes(number)).unwrap() == Wake::Ring {
                    ring.ring();
                }
            }
        });
        let mut next = 1;
        while next <= 4 {
            // Having read something, this look offers to fence.
            let more = consumer.look().unwrap();
            if !more && !consumer.arm().unwrap() {
                bell.wait();
                consumer.look().unwrap();
            }
            read(&mut consumer, &mut next);
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_writer_waiting_for_room_is_always_told() {
    explore(3, || {
        let (mut producer, mut consumer) = halves(8);
        let room = Arc::new(Bell::default());
        let told = room.clone();
        let writer = thread::spawn(move || {
            for number in 1..=2 {
                while let Err(error) = push(&mut producer, number, &bytes(number)) {
                    assert_eq!(error, PushError::Full);
                    if producer.want_room().unwrap() {
                        room.wait();
                    }
                }
            }
        });
        let mut next = 1;
        while next <= 2 {
            if !consumer.look().unwrap() {
                thread::yield_now();
            } else if read(&mut consumer, &mut next) {
                told.ring();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn both_sides_may_sleep() {
    explore(3, || {
        let (mut producer, mut consumer) = halves(8);
        let (bell, room) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let (ring, told) = (bell.clone(), room.clone());
        let writer = thread::spawn(move || {
            for number in 1..=2 {
                loop {
                    match push(&mut producer, number, &bytes(number)) {
                        Ok(Wake::Ring) => break ring.ring(),
                        Ok(Wake::No) => break,
                        Err(_) => {}
                    }
                    if producer.want_room().unwrap() {
                        room.wait();
                    }
                }
            }
        });
        let mut next = 1;
        while next <= 2 {
            if !consumer.arm().unwrap() {
                bell.wait();
                consumer.look().unwrap();
            }
            if read(&mut consumer, &mut next) {
                told.ring();
            }
        }
        writer.join().unwrap();
    });
}

/// The reader gives back what a writer keeps while that writer goes on: no record is lost.
#[test]
fn a_level_is_closed_around_what_is_written() {
    explore(2, || {
        // Levels of 128, 256, 512 and 512 bytes.
        let geometry = Geometry::new(7, 1, 4).unwrap();
        let memory = Heap::new(geometry);
        let mut producer = Producer::new(memory.clone(), geometry, 160);
        let mut consumer = Consumer::new(memory, geometry, Cursor::default());
        for len in [140, 160] {
            let _ = push(&mut producer, 9, &[9; 160][..len]).unwrap();
            assert!(consumer.look().unwrap() && consumer.front().unwrap().is_some());
            let _ = consumer.pop();
        }
        assert!(consumer.keeps_memory(), "it stands in level 2");
        let writer = thread::spawn(move || {
            for number in 1..=3 {
                let _ = push(&mut producer, number, &bytes(number)).unwrap();
            }
        });
        consumer.close();
        let mut next = 1;
        while next <= 3 {
            if consumer.look().unwrap() {
                read(&mut consumer, &mut next);
            } else {
                thread::yield_now();
            }
        }
        writer.join().unwrap();
    });
}
