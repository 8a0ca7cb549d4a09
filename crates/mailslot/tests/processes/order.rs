//! The order in which records are read.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use mailslot::{Mailslot, MailslotOptions, MailslotWriter};
use rustix::thread::futex;

use crate::support::{
    Case, NAME, PATIENCE, Process, Random, both_kinds, check, fill, inheritable_slot, number,
    patient_writer, scale, shared, shared_halves, spawn, wait_for, writer, yield_until,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("order::a_million_by_turns", a_million_by_turns).long(),
    Case::new("order::by_turns_by_all_ways", by_turns_by_all_ways).long(),
    Case::new("order::by_turns_while_polled", by_turns_while_polled).long(),
    Case::new("order::by_turns_to_two_holders", by_turns_to_two_holders).long(),
    Case::new("order::sixty_four_writers", sixty_four_writers).long(),
    Case::new("order::a_new_handle_for_each", a_new_handle_for_each).long(),
];

/// Two processes alternate, record by record: each begins its write when the other's has returned.
fn a_million_by_turns() {
    let total = 1_000_000 * scale();
    let slot = Mailslot::create(NAME).unwrap();
    let turn = Baton::new();
    let writers: Vec<_> = (0..2)
        .map(|own| {
            spawn(move || {
                let mut writer = writer();
                for n in (own..total).step_by(2) {
                    turn.wait_for(n);
                    writer.write_timeout(&n.to_le_bytes(), PATIENCE).unwrap();
                    turn.give_to(n + 1);
                }
            })
        })
        .collect();
    let mut buffer = [0; 8];
    for expected in 0..total {
        slot.read_timeout(&mut buffer, Some(PATIENCE)).unwrap();
        assert_eq!(u64::from_le_bytes(buffer), expected);
    }
    writers.into_iter().for_each(Process::finish);
}

/// The lock of two processes that take turns. Who waits for long sleeps, and so gets a processor
/// soon after the other has let it go, however busy they are.
#[derive(Clone, Copy)]
struct Baton {
    /// Whose turn it is: a number that only grows.
    turn: &'static AtomicU32,
    asleep: &'static AtomicU32,
}

impl Baton {
    fn new() -> Self {
        let [turn, asleep] = shared_halves(2) else { panic!() };
        Self { turn, asleep }
    }

    fn wait_for(self, turn: u64) {
        let turn = turn as u32;
        for _ in 0..100 {
            if self.turn.load(Ordering::Acquire) == turn {
                return;
            }
            std::hint::spin_loop();
        }
        loop {
            self.asleep.store(1, Ordering::SeqCst);
            let found = self.turn.load(Ordering::SeqCst);
            if found == turn {
                return;
            }
            // Whatever wakes it, it looks again.
            let _ = futex::wait(self.turn, futex::Flags::empty(), found, None);
        }
    }

    fn give_to(self, turn: u64) {
        self.turn.store(turn as u32, Ordering::SeqCst);
        if self.asleep.swap(0, Ordering::SeqCst) == 1 {
            let _ = futex::wake(self.turn, futex::Flags::empty(), 1);
        }
    }
}

/// What the writers below share: a lock, the number of the next record, and how many are read.
#[derive(Clone, Copy)]
struct Turn {
    lock: &'static AtomicU64,
    next: &'static AtomicU64,
    read: &'static AtomicU64,
    total: u64,
}

/// Writers are this many records ahead of the reader at most: so that fewer have connected and not
/// been read to the end than a shareable slot serves at once (200), and than a process may have
/// descriptors for. The order of those that have to wait outside is another matter.
const AHEAD: u64 = 700;

impl Turn {
    fn new(total: u64) -> Self {
        let words = shared(3);
        Self { lock: &words[0], next: &words[1], read: &words[2], total }
    }

    /// Lets `write` have the next number. False when there are no more.
    fn take(&self, write: impl FnOnce(u64)) -> bool {
        let free = || self.lock.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        yield_until(free);
        let n = self.next.load(Ordering::Relaxed);
        if n < self.total {
            yield_until(|| n < self.read.load(Ordering::Acquire) + AHEAD);
            write(n);
            self.next.store(n + 1, Ordering::Relaxed);
        }
        self.lock.store(0, Ordering::Release);
        n < self.total
    }

    /// Processes that write by turns, each record in a way chosen at random: by a handle that has
    /// been writing, one that hasn't for a while, a clone, or a new one; on the socket or in a ring.
    fn writers(&self) -> Vec<Process> {
        let turn = *self;
        (0..4)
            .map(|_| {
                spawn(move || {
                    let (mut random, mut busy) = (Random::new(), patient_writer());
                    let (mut rare, mut new): (_, Option<MailslotWriter>) = (patient_writer(), None);
                    while turn.take(|n| {
                        let bytes = n.to_le_bytes();
                        let used = match random.below(40) {
                            0 => &mut rare,
                            1 | 2 => new.insert(patient_writer()),
                            3 => new.insert(busy.clone()),
                            4..10 => new.as_mut().unwrap_or(&mut busy),
                            _ => &mut busy,
                        };
                        used.write(&bytes).unwrap();
                    }) {
                        // Now and then the reader falls asleep, or the others go on for a while.
                        match random.below(2000) {
                            0 => thread::sleep(Duration::from_millis(2)),
                            1..20 => thread::sleep(Duration::from_micros(random.below(200))),
                            _ => {}
                        }
                    }
                })
            })
            .collect()
    }
}

fn by_turns_by_all_ways() {
    let mut spinning = MailslotOptions::new();
    spinning.spin(Duration::from_micros(30));
    for options in both_kinds().into_iter().chain([spinning]) {
        let turn = Turn::new(60_000 * scale());
        let slot = options.create(NAME).unwrap();
        let writers = turn.writers();
        let mut random = Random::new();
        for expected in 0..turn.total {
            if random.below(3000) == 0 {
                thread::sleep(Duration::from_millis(1));
            }
            if random.below(1000) == 0 {
                let _ = slot.info().unwrap();
            }
            let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(number(&record), expected);
            turn.read.store(expected + 1, Ordering::Release);
        }
        writers.into_iter().for_each(Process::finish);
    }
}

fn by_turns_while_polled() {
    use std::os::fd::AsFd;
    for options in both_kinds() {
        let turn = Turn::new(40_000 * scale());
        let slot = options.create(NAME).unwrap();
        let writers = turn.writers();
        let mut expected = 0;
        while expected < turn.total {
            let fd = slot.as_fd();
            let mut fds = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::IN)];
            let time = PATIENCE.try_into().unwrap();
            assert_eq!(rustix::event::poll(&mut fds, Some(&time)).unwrap(), 1);
            while let Ok(record) = slot.try_receive() {
                assert_eq!(number(&record), expected);
                expected += 1;
                turn.read.store(expected, Ordering::Release);
            }
        }
        writers.into_iter().for_each(Process::finish);
    }
}

/// Each holder reads some of the records, in the order written; together they read all.
fn by_turns_to_two_holders() {
    let turn = Turn::new(100_000 * scale());
    let slot = inheritable_slot(1 << 20);
    let handle = slot.to_fd().unwrap();
    let sums = shared(2);
    let holders: Vec<_> = (0..2)
        .map(|_| {
            let handle = handle.try_clone().unwrap();
            crate::support::fork(move || {
                let slot = Mailslot::from_fd(handle).unwrap();
                sums[1].fetch_add(1, Ordering::AcqRel);
                let mut last = None;
                while turn.read.load(Ordering::Acquire) < turn.total {
                    if let Ok(record) = slot.receive_timeout(Some(Duration::from_millis(10))) {
                        let n = number(&record);
                        assert!(last < Some(n), "{n} after {last:?}");
                        last = Some(n);
                        sums[0].fetch_add(n, Ordering::AcqRel);
                        turn.read.fetch_add(1, Ordering::AcqRel);
                    }
                }
            })
        })
        .collect();
    wait_for(&sums[1], 2);
    let writers = turn.writers();
    writers.into_iter().for_each(Process::finish);
    holders.into_iter().for_each(Process::finish);
    assert_eq!(sums[0].load(Ordering::Acquire), (0..turn.total).sum());
}

fn sixty_four_writers() {
    let each = 8000 * scale();
    for mut options in both_kinds() {
        let slot = options.quota(256 * 1024).create(NAME).unwrap();
        let writers: Vec<_> = (0..64)
            .map(|id| {
                spawn(move || {
                    let (mut random, mut bytes) = (Random::of(id + 1), Vec::new());
                    let mut writer = writer();
                    for n in 0..each {
                        fill(&mut bytes, id, n, 24 + random.below(400) as usize);
                        writer.write_timeout(&bytes, PATIENCE).unwrap();
                    }
                })
            })
            .collect();
        let mut next = [0; 64];
        let mut buffer = [0; 1024];
        for _ in 0..64 * each {
            let len = slot.read_timeout(&mut buffer, Some(PATIENCE)).unwrap();
            let (id, n) = check(&buffer[..len]);
            assert_eq!(n, next[id as usize], "of writer {id}");
            next[id as usize] = n + 1;
        }
        writers.into_iter().for_each(Process::finish);
        assert!(slot.try_receive().is_err());
    }
}

/// A handle writes one record and goes, at any point of the reader's look at it.
fn a_new_handle_for_each() {
    let each = 12_000 * scale();
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let writers: Vec<_> = (0..3)
            .map(|id| {
                spawn(move || {
                    // More often interrupted than others, between any two calls.
                    rustix::process::nice(10).unwrap();
                    let mut bytes = Vec::new();
                    for n in 0..each {
                        fill(&mut bytes, id, n, 24);
                        patient_writer().write(&bytes).unwrap();
                    }
                })
            })
            .collect();
        let mut next = [0; 3];
        let mut buffer = [0; 24];
        for _ in 0..3 * each {
            let len = slot.read_timeout(&mut buffer, Some(PATIENCE)).unwrap();
            let (id, n) = check(&buffer[..len]);
            assert_eq!(n, next[id as usize], "of writer {id}");
            next[id as usize] = n + 1;
        }
        writers.into_iter().for_each(Process::finish);
    }
}
