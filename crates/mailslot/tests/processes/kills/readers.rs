//! Readers that are killed: the name is free at once, and their writers hear of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mailslot::{Mailslot, MailslotOptions, MailslotWriter, OpenError, WriteError};

use crate::support::{
    NAME, Process, Random, names_in, open_descriptors, rings, scale, shared, spawn, wait_for,
    writer,
};

/// A write that begins so long after the reader's death says so.
const NOTICED: Duration = Duration::from_millis(1);

pub(super) fn a_thousand() {
    kill_readers(1000 * scale(), MailslotOptions::new());
}

pub(super) fn of_inheritable_slots() {
    let mut options = MailslotOptions::new();
    options.inheritable(true);
    kill_readers(300 * scale(), options);
}

/// Creates the slot, which must work at once, and reads until it is killed.
fn read_on(options: &MailslotOptions, round: u64, created: &AtomicU64) {
    let slot = options.create(NAME).unwrap();
    created.store(round, Ordering::Release);
    loop {
        assert_eq!(slot.receive().unwrap().bytes(), b"a record");
    }
}

/// Writes all the time, to whichever reader there is.
fn write_on(stop: &AtomicU64, gone: &AtomicU64) {
    let mut writer = loop {
        match MailslotWriter::open(NAME) {
            Ok(writer) => break writer,
            Err(OpenError::NoSuchSlot(_)) => thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    };
    while stop.load(Ordering::Acquire) == 0 {
        match writer.write(b"a record") {
            Ok(()) | Err(WriteError::Full { .. }) => {}
            Err(WriteError::SlotGone(_)) => drop(gone.fetch_add(1, Ordering::AcqRel)),
            Err(WriteError::Open(OpenError::NoSuchSlot(_))) => thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(rings(std::process::id()) <= 1);
}

fn kill_readers(rounds: u64, mut options: MailslotOptions) {
    // With a small quota a reader that writers outrun isn't left with more and more.
    let options = options.quota(1 << 20);
    let [created, stop, gone] = shared(3) else { panic!() };
    let writers: Vec<_> = (0..2).map(|_| spawn(|| write_on(stop, gone))).collect();
    let mut random = Random::new();
    let mut kept: Option<MailslotWriter> = None;
    let mut descriptors = None;
    for round in 1..=rounds {
        let reader = spawn(|| read_on(options, round, created));
        wait_for(created, round);
        let mut kept_writer = match kept.take() {
            None => writer(),
            Some(mut found) => {
                found.write(b"a record").expect("the handle recovers");
                found
            }
        };
        // One that has written nothing can't tell that its reader is gone from being closed.
        for _ in 0..1 + random.below(20) {
            kept_writer.write(b"a record").unwrap();
        }
        let mut silent = writer();
        let mut once = writer();
        once.write(b"a record").unwrap();
        thread::sleep(Duration::from_micros(random.below(1000)));
        reader.kill();

        let died = Instant::now();
        assert!(matches!(silent.write(b"x"), Err(WriteError::Open(OpenError::NoSuchSlot(_)))));
        assert!(matches!(once.write(b"x"), Err(WriteError::SlotGone(_))));
        loop {
            let began = died.elapsed();
            match kept_writer.write(b"a record") {
                Ok(()) => assert!(began < NOTICED, "unnoticed {began:?} after the reader's death"),
                Err(WriteError::SlotGone(_)) => break,
                Err(other) => panic!("{other}"),
            }
        }
        let again = kept_writer.write(b"x");
        assert!(matches!(again, Err(WriteError::Open(OpenError::NoSuchSlot(_)))), "{again:?}");
        assert!(matches!(MailslotWriter::open(NAME), Err(OpenError::NoSuchSlot(_))));

        let slots = mailslot::list().unwrap();
        assert!(slots.len() == 1 && !slots[0].alive, "one dead slot: {slots:?}");
        assert_eq!(names_in(&mailslot::registry_root()).len(), 1);
        kept = Some(kept_writer);
        drop((silent, once));
        let now = open_descriptors();
        assert_eq!(now, *descriptors.get_or_insert(now), "descriptors are left behind");
        assert_eq!(rings(std::process::id()), 0, "memory is left behind");
    }
    stop.store(1, Ordering::Release);
    writers.into_iter().for_each(Process::finish);
    let noticed = gone.load(Ordering::Acquire);
    println!("{noticed} of {} deaths noticed by a write", 2 * rounds);
    assert!(noticed >= rounds / 4);
    drop(Mailslot::create(NAME).unwrap());
    assert!(mailslot::list().unwrap().is_empty());
}
