//! Time-outs, and reads that another thread changes or cancels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mailslot::{Mailslot, MailslotWriter, ReadError};

use crate::support::{
    Case, NAME, PATIENCE, Random, both_kinds, keep_to_one_processor, patient_writer, scale, spawn,
    thread_sleeps, wait_until, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("waiting::time_outs", time_outs),
    Case::new("waiting::a_waiting_read_keeps_its_time_out", a_waiting_read_keeps_its_time_out),
    Case::new("waiting::cancel", cancel),
    Case::new("waiting::cancelling_over_and_over", cancelling_over_and_over),
    Case::new(
        "waiting::the_last_owner_is_the_reading_thread",
        the_last_owner_is_the_reading_thread,
    ),
    Case::new("waiting::a_record_ends_the_wait", a_record_ends_the_wait),
    Case::new("waiting::a_read_that_spins_is_cancelled", a_read_that_spins_is_cancelled),
    Case::new("waiting::spinning_on_one_processor", spinning_on_one_processor),
];

fn is_timed_out<T>(result: &Result<T, ReadError>) -> bool {
    matches!(result, Err(ReadError::TimedOut { .. }))
}

fn time_outs() {
    for mut options in both_kinds() {
        for millis in [0, 1, 30] {
            let time = Duration::from_millis(millis);
            let slot = options.read_timeout(Some(time)).create(NAME).unwrap();
            assert_eq!(slot.timeout(), Some(time));
            let start = Instant::now();
            assert!(is_timed_out(&slot.receive()));
            assert!(start.elapsed() >= time);
            let start = Instant::now();
            assert!(is_timed_out(&slot.read(&mut [0; 9])));
            assert!(start.elapsed() >= time);
            let own = Duration::from_millis(20);
            let start = Instant::now();
            assert!(is_timed_out(&slot.read_timeout(&mut [0; 9], Some(own))));
            assert!(start.elapsed() >= own);
            assert_eq!(slot.records().count(), 0, "the iterator ends");
            slot.set_timeout(None);
            assert_eq!(slot.timeout(), None);
            slot.set_timeout(Some(Duration::MAX));
            assert!(slot.timeout().unwrap() > Duration::from_secs(1 << 33));
            // Nor is any too long for a writer.
            let patient = MailslotWriter::options().wait_when_full(Duration::MAX).open(NAME);
            patient.unwrap().write(b"at once").unwrap();
            assert_eq!(slot.receive().unwrap().bytes(), b"at once");
        }
    }
}

/// Starts `read` in a thread and waits until that sleeps.
fn reading<T: Send + 'static>(
    slot: &Arc<Mailslot>,
    read: impl FnOnce(&Mailslot) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let (slot, (tell, told)) = (slot.clone(), std::sync::mpsc::channel());
    let thread = thread::spawn(move || {
        tell.send(rustix::thread::gettid()).unwrap();
        read(&slot)
    });
    let id = told.recv().unwrap();
    wait_until("the thread to sleep", || thread.is_finished() || thread_sleeps(id));
    thread
}

fn a_waiting_read_keeps_its_time_out() {
    for mut options in both_kinds() {
        let slot = Arc::new(options.read_timeout(None).create(NAME).unwrap());
        let waiting = reading(&slot, |slot| slot.receive().unwrap());
        slot.set_timeout(Some(Duration::ZERO));
        assert!(is_timed_out(&slot.receive()), "later reads have the new one");
        thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished(), "it still waits for ever");
        writer().write(b"at last").unwrap();
        assert_eq!(waiting.join().unwrap().bytes(), b"at last");

        let time = Duration::from_millis(100);
        slot.set_timeout(Some(time));
        let start = Instant::now();
        let waiting = reading(&slot, Mailslot::receive);
        slot.set_timeout(None);
        assert!(is_timed_out(&waiting.join().unwrap()));
        assert!(start.elapsed() >= time);
    }
}

fn cancel() {
    for options in both_kinds() {
        let slot = Arc::new(options.create(NAME).unwrap());
        slot.cancel();
        let threads: Vec<_> = (0..4).map(|_| reading(&slot, Mailslot::receive)).collect();
        thread::sleep(Duration::from_millis(20));
        assert!(threads.iter().all(|thread| !thread.is_finished()), "only waiting reads end");
        slot.cancel();
        for thread in threads {
            let found = thread.join().unwrap();
            assert!(matches!(found, Err(ReadError::Cancelled(_))), "{found:?}");
        }
        writer().write(b"later").unwrap();
        slot.cancel();
        assert_eq!(slot.receive().unwrap().bytes(), b"later", "the next read is a new one");
    }
}

/// However a cancelling falls together with records, none gets lost, and no read waits on.
fn cancelling_over_and_over() {
    let rounds = 3000 * scale();
    for options in both_kinds() {
        let slot = Arc::new(options.create(NAME).unwrap());
        let writing = spawn(|| {
            let mut random = Random::new();
            for n in 0..rounds {
                if n % 4 == 0 {
                    patient_writer().write(&n.to_le_bytes()).unwrap();
                } else {
                    static_writer(&n.to_le_bytes());
                }
                thread::sleep(Duration::from_micros(random.below(100)));
            }
        });
        let done = Arc::new(AtomicBool::new(false));
        let cancelling = thread::spawn({
            let (slot, done) = (slot.clone(), done.clone());
            move || {
                let mut random = Random::new();
                while !done.load(Ordering::Acquire) {
                    slot.cancel();
                    thread::sleep(Duration::from_micros(random.below(100)));
                }
            }
        });
        let mut next = 0u64;
        while next < rounds {
            match slot.receive_timeout(Some(PATIENCE)) {
                Ok(record) => {
                    assert_eq!(crate::support::number(&record), next);
                    next += 1;
                }
                Err(ReadError::Cancelled(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        done.store(true, Ordering::Release);
        cancelling.join().unwrap();
        writing.finish();
    }
}

/// Writes by a handle that lives as long as the process.
fn static_writer(record: &[u8]) {
    use std::cell::RefCell;
    thread_local! {
        static WRITER: RefCell<mailslot::MailslotWriter> = RefCell::new(writer());
    }
    WRITER.with_borrow_mut(|writer| writer.write(record).unwrap());
}

/// The handle is closed while another thread reads: as the last owner, that thread ends the slot.
fn the_last_owner_is_the_reading_thread() {
    for options in both_kinds() {
        for _ in 0..50 {
            let slot = Arc::new(options.create(NAME).unwrap());
            let mut writer = writer();
            let waiting = {
                let slot = slot.clone();
                thread::spawn(move || {
                    loop {
                        match slot.receive_timeout(Some(PATIENCE)) {
                            Err(ReadError::Cancelled(_)) => break,
                            other => assert_eq!(other.unwrap().bytes(), b"read"),
                        }
                    }
                })
            };
            writer.write(b"read").unwrap();
            while !waiting.is_finished() {
                slot.cancel();
                thread::yield_now();
            }
            drop(slot);
            waiting.join().unwrap();
            assert!(writer.write(b"nobody reads").is_err());
            assert!(mailslot::list().unwrap().is_empty(), "the name is free");
        }
    }
}

/// Each of many records wakes a reader that sleeps, whatever the writer's handle has done before.
fn a_record_ends_the_wait() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let turn = crate::support::shared(1);
        let writing = spawn(|| {
            let mut random = Random::new();
            let mut kept = writer();
            for n in 0..2000u64 {
                crate::support::yield_until(|| turn[0].load(Ordering::Acquire) == n);
                if random.below(4) == 0 {
                    thread::sleep(Duration::from_micros(random.below(300)));
                }
                match random.below(3) {
                    0 => writer().write(&n.to_le_bytes()).unwrap(),
                    1 => kept.clone().write(&n.to_le_bytes()).unwrap(),
                    _ => kept.write(&n.to_le_bytes()).unwrap(),
                }
            }
        });
        for n in 0..2000 {
            turn[0].store(n, Ordering::Release);
            let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(crate::support::number(&record), n);
        }
        writing.finish();
    }
}

/// One that looks in a loop, for longer than anybody waits.
fn spinning_slot(name: &str) -> Mailslot {
    Mailslot::options().spin(PATIENCE * 10).create(name).unwrap()
}

fn a_read_that_spins_is_cancelled() {
    for _ in 0..50 {
        let slot = Arc::new(spinning_slot(NAME));
        let (tell, told) = std::sync::mpsc::channel();
        let reading = thread::spawn({
            let slot = slot.clone();
            move || {
                tell.send(rustix::thread::gettid()).unwrap();
                slot.receive_timeout(Some(PATIENCE))
            }
        });
        let task = format!("/proc/self/task/{}", told.recv().unwrap());
        let read = |what| std::fs::read_to_string(format!("{task}/{what}")).unwrap_or_default();
        // On a busy processor it soon sleeps.
        wait_until("the thread to spin, or to sleep", || {
            let ran = read("schedstat").split(' ').next().and_then(|ran| ran.parse().ok());
            ran.is_none_or(|ran: u64| ran > 10_000_000) || read("stat").contains(") S ")
        });
        slot.cancel();
        let found = reading.join().unwrap();
        assert!(matches!(found, Err(ReadError::Cancelled(_))), "{found:?}");
    }
}

fn cpu_time_of_all() -> Duration {
    let clock = rustix::time::ClockId::ProcessCPUTime;
    rustix::time::clock_gettime(clock).try_into().unwrap()
}

/// Who spins on the processor that the writer needs lets it have it.
fn spinning_on_one_processor() {
    const ROUNDS: u64 = 1000;
    const OTHER: &str = r"\\.\mailslot\taxes\joe";
    keep_to_one_processor();
    let slot = spinning_slot(NAME);
    let ready = crate::support::shared(1);
    let echoing = spawn(|| {
        let slot = spinning_slot(OTHER);
        ready[0].store(1, Ordering::Release);
        let mut writer = writer();
        for _ in 0..ROUNDS {
            writer.write(&slot.receive_timeout(Some(PATIENCE)).unwrap()).unwrap();
        }
    });
    crate::support::wait_for(&ready[0], 1);
    let mut writer = MailslotWriter::open(OTHER).unwrap();
    let began = cpu_time_of_all();
    for n in 0..ROUNDS {
        writer.write(&n.to_le_bytes()).unwrap();
        let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(crate::support::number(&record), n);
    }
    // Processor time, so whoever else is at work here doesn't count.
    let each = (cpu_time_of_all() - began) / ROUNDS as u32;
    println!("{each:?} of processor time for each round");
    assert!(each < Duration::from_micros(500), "{each:?} of processor time for each round");
    echoing.finish();
}
