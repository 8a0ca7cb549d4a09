//! Holders of one handle that come, go, and are killed, while the others read on.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use mailslot::{Mailslot, WriteError};

use crate::support::{
    PATIENCE, Process, Random, check, fill, fork, inheritable_slot, number, patient_writer, scale,
    shared, spawn, wait_for, wait_until, writer,
};

/// What a holder or a writer writes down, in memory that outlives it.
#[derive(Clone, Copy)]
struct Book {
    /// Per writer and record: how often it was read.
    found: &'static [AtomicU64],
    each: u64,
    /// Set when nothing more will be written.
    over: &'static AtomicU64,
    /// How many holders have been killed.
    kills: &'static AtomicU64,
    /// So many are to be killed while there is something to write, however busy the computer is.
    least: u64,
}

impl Book {
    fn new(writers: u64, each: u64, least: u64) -> Self {
        let [over, kills] = shared(2) else { panic!() };
        Self { found: shared((writers * each) as usize), each, over, kills, least }
    }

    /// Reads until it is killed, or everything is read. What was read is written down at once.
    fn read(&self, slot: &Mailslot) {
        let mut next = vec![0; self.found.len() / self.each as usize];
        let mut buffer = vec![0; 8192];
        loop {
            let over = self.over.load(Ordering::Acquire) == 1;
            match slot.read_timeout(&mut buffer, Some(Duration::from_millis(20))) {
                Ok(len) => {
                    let (id, n) = check(&buffer[..len]);
                    let before =
                        self.found[(id * self.each + n) as usize].fetch_add(1, Ordering::AcqRel);
                    assert_eq!(before, 0, "record {n} of writer {id} came twice");
                    assert!(n >= next[id as usize], "record {n} of writer {id} came late");
                    next[id as usize] = n + 1;
                }
                Err(mailslot::ReadError::TimedOut { .. }) if over => break,
                Err(mailslot::ReadError::TimedOut { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }

    /// Waits until all writers have been heard more than once: they have been let in.
    fn all_heard(&self) -> bool {
        let mut second = self.found.iter().skip(1).step_by(self.each as usize);
        second.all(|found| found.load(Ordering::Acquire) > 0)
    }

    fn missing(&self) -> Vec<(u64, u64)> {
        let found = self.found.iter().zip(0..);
        found
            .filter(|(found, _)| found.load(Ordering::Acquire) == 0)
            .map(|(_, at)| (at / self.each, at % self.each))
            .collect()
    }

    fn writer(self, id: u64, new_every: u64) -> Process {
        spawn(move || {
            let (mut writer, mut bytes, mut random) =
                (patient_writer(), Vec::new(), Random::of(id + 9));
            for n in 0..self.each {
                fill(&mut bytes, id, n, 24 + random.below(300) as usize);
                let due = self.least * n / self.each;
                wait_until("the next kill", || self.kills.load(Ordering::Relaxed) >= due);
                if n % new_every == 0 {
                    writer = patient_writer();
                }
                while let Err(error) = writer.write(&bytes) {
                    // A connection goes with the holder that has just accepted it.
                    let gone = matches!(error, WriteError::SlotGone(_));
                    assert!(gone && new_every < self.each, "{error}");
                }
                if random.below(100) == 0 {
                    thread::sleep(Duration::from_micros(random.below(2000)));
                }
            }
        })
    }
}

/// A holder that takes the handle over from its descriptor, or as a forked child.
fn holder(slot: &Mailslot, book: Book, by_descriptor: bool) -> Process {
    let handle: Option<OwnedFd> = by_descriptor.then(|| slot.to_fd().unwrap());
    fork(move || match handle {
        Some(handle) => book.read(&Mailslot::from_fd(handle).unwrap()),
        None => book.read(slot),
    })
}

/// Handles are opened and dropped all the time, here and in other processes, while writers come and
/// go: nothing is lost, and nobody who opens one fails.
pub(super) fn holders_come_and_go() {
    let book = Book::new(6, 4000 * scale(), 0);
    let slot = inheritable_slot(1 << 18);
    let readers: Vec<_> = (0..2).map(|n| holder(&slot, book, n == 0)).collect();
    let openers: Vec<_> = (0..2)
        .map(|_| {
            let handle = slot.to_fd().unwrap();
            fork(move || {
                while book.over.load(Ordering::Acquire) == 0 {
                    let slot = Mailslot::from_fd(handle.try_clone().unwrap()).unwrap();
                    let _ = slot.info().unwrap();
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..6).map(|id| book.writer(id, [1, 3, 50][id as usize % 3])).collect();
    writers.into_iter().for_each(Process::finish);
    book.over.store(1, Ordering::Release);
    openers.into_iter().for_each(Process::finish);
    readers.into_iter().for_each(Process::finish);
    book.read(&slot);
    let missing = book.missing();
    let some = &missing[..missing.len().min(20)];
    assert!(missing.is_empty(), "{} records are lost: {some:?}", missing.len());
}

/// Whoever opens a handle sees all that waits, though other processes open it at the same time, and
/// threads of this and those close copies of it.
pub(super) fn copies_are_closed() {
    const WRITERS: u64 = 60;
    let slot = inheritable_slot(1 << 18);
    let mut writers: Vec<_> = (0..WRITERS).map(|_| patient_writer()).collect();
    writers.iter_mut().for_each(|writer| writer.write(b"waits").unwrap());
    assert_eq!(slot.info().unwrap().waiting, WRITERS);
    let openers = (0..3).map(|_| {
        let handle = slot.to_fd().unwrap();
        fork(move || {
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        drop(handle.try_clone().unwrap());
                    }
                });
                let opened = (0..150 * scale()).map(|_| {
                    let slot = Mailslot::from_fd(handle.try_clone().unwrap()).ok()?;
                    Some(slot.info().unwrap().waiting)
                });
                let seen: Vec<_> = opened.collect();
                over.store(true, Ordering::Relaxed);
                let wrong = seen.iter().find(|&&waiting| waiting != Some(WRITERS));
                assert_eq!(wrong, None, "what a new holder sees");
            });
        })
    });
    openers.collect::<Vec<_>>().into_iter().for_each(Process::finish);
}

/// A holder is killed that has just accepted a connection and has no descriptor left: another has the
/// record, also if the vault was due to be cleaned, as it is now and then.
pub(super) fn accepted_without_descriptors() {
    (35..45).for_each(accepted_after);
}

fn accepted_after(others: u64) {
    let slot = inheritable_slot(1 << 18);
    let [written, read] = shared(2) else { panic!() };
    let handle = slot.to_fd().unwrap();
    // It stays, with a ring: cleaning has to put it in anew.
    let mut first = writer();
    first.write(b"on the socket").unwrap();
    first.write(b"in the ring").unwrap();
    let holder = fork(|| {
        let slot = Mailslot::from_fd(handle).unwrap();
        for n in 0..others + 2 {
            slot.receive_timeout(Some(PATIENCE)).unwrap();
            read.store(n + 1, Ordering::Release);
        }
        assert_eq!(slot.info().unwrap().waiting, 0, "and all that have gone are let go");
        let dup = |_| rustix::io::dup(std::io::stdin()).ok();
        let mut all: Vec<_> = (0..).map_while(dup).collect();
        all.pop();
        read.store(others + 3, Ordering::Release);
        wait_for(written, others + 1);
        let _ = slot.info();
        read.store(others + 4, Ordering::Release);
        loop {
            thread::park();
        }
    });
    let write = |n: u64| {
        writer().write(&n.to_le_bytes()).unwrap();
        written.store(n + 1, Ordering::Release);
    };
    for n in 0..others {
        write(n);
        wait_for(read, n + 3);
    }
    wait_for(read, others + 3);
    write(others);
    wait_for(read, others + 4);
    holder.kill();
    assert_eq!(number(&slot.receive_timeout(Some(PATIENCE)).unwrap()), others);
}

/// Kills one of three holders after the other until the writers are done.
fn kill_holders(slot: &Mailslot, book: Book, mut writers: Vec<Process>) {
    let mut random = Random::new();
    let mut holders: Vec<_> = (0..3).map(|n| holder(slot, book, n % 2 == 0)).collect();
    wait_until("all writers to be let in", || book.all_heard());
    while !writers.is_empty() {
        thread::sleep(Duration::from_micros(random.below(4000)));
        holders.swap_remove(random.below(3) as usize).kill();
        book.kills.fetch_add(1, Ordering::Relaxed);
        holders.push(holder(slot, book, random.below(2) == 0));
        writers = writers.into_iter().filter_map(Process::unless_ended).collect();
    }
    book.over.store(1, Ordering::Release);
    holders.into_iter().for_each(Process::finish);
    book.read(slot);
    assert!(slot.try_receive().is_err());
    // At most one record for each may be missing.
    let (kills, missing) = (book.kills.load(Ordering::Relaxed), book.missing());
    println!("{} records lost by {kills} kills", missing.len());
    assert!(
        missing.len() as u64 <= kills,
        "{} records lost by {kills} kills: {:?}",
        missing.len(),
        &missing[..missing.len().min(20)]
    );
}

/// With a holder goes the record that is being handed out to it, at most, and none comes twice.
pub(super) fn holders_are_killed() {
    let book = Book::new(4, 100_000 * scale(), 60);
    let slot = inheritable_slot(1 << 18);
    let writers = (0..4).map(|id| book.writer(id, book.each)).collect();
    kill_holders(&slot, book, writers);
}

/// The same with writers of one record, whose connections are being accepted all the time.
pub(super) fn one_shot_writers() {
    let book = Book::new(4, 2000 * scale(), 60);
    let slot = inheritable_slot(1 << 18);
    let writers = (0..4).map(|id| book.writer(id, 1 + id % 2)).collect();
    kill_holders(&slot, book, writers);
}
