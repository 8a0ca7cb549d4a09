//! What waiting records and waiting writers cost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mailslot::{Mailslot, MailslotWriter};

use crate::support::{
    Case, NAME, PATIENCE, Process, may_have_descriptors, ring_memory, rings, scale, shared, slot,
    spawn, thread_cpu_time, wait_for, wait_until, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("memory::a_burst_of_five_million", a_burst_of_five_million).long(),
    Case::new("memory::a_reader_that_keeps_up", a_reader_that_keeps_up),
    Case::new("memory::bursts_of_all_sizes", bursts_of_all_sizes),
    Case::new("memory::a_writer_that_never_stops", a_writer_that_never_stops),
    Case::new("memory::ten_of_a_thousand_writers", ten_of_a_thousand_writers).alone().long(),
];

fn a_burst_of_five_million() {
    const LEN: u64 = 100;
    let count = 5_000_000 * scale();
    let slot = slot(2 * count * LEN);
    let progress = shared(2);
    let mut writing = spawn(|| {
        let mut writer = writer();
        let mut record = [0; LEN as usize];
        for n in 0..count {
            record[..8].copy_from_slice(&n.to_le_bytes());
            record[92..].copy_from_slice(&n.to_le_bytes());
            writer.write(&record).unwrap();
        }
        progress[0].store(1, Ordering::Release);
        wait_for(&progress[1], 1);
        writer.write(b"and on").unwrap();
    });
    // No reading: the reader doesn't even know of the writer.
    wait_for(&progress[0], 1);
    let data = count * LEN;
    let used = ring_memory(writing.id());
    println!("{used} bytes of memory for {data} bytes of data");
    assert!(used >= data && used <= data * 135 / 100, "{used} bytes for {data}");
    let info = slot.info().unwrap();
    assert_eq!((info.waiting, info.waiting_bytes), (count, data));

    let mut record = [0; LEN as usize];
    for n in 0..count {
        assert_eq!(slot.try_read(&mut record).unwrap(), record.len());
        assert_eq!(record[..8], n.to_le_bytes());
        assert_eq!(record[92..], n.to_le_bytes());
        if n == count / 2 {
            let left = ring_memory(writing.id());
            assert!(left <= used * 6 / 10, "half of it is read, {left} of {used} bytes are left");
        }
    }
    assert!(slot.try_read(&mut record).is_err());
    let left = ring_memory(writing.id()).max(ring_memory(std::process::id()));
    println!("{left} bytes are left");
    assert!(left <= 4 << 20, "{left} of {used} bytes are left, and the writer does nothing");
    writing.stop();
    writing.resume();
    progress[1].store(1, Ordering::Release);
    assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), b"and on");
    writing.finish();
}

/// Whatever goes through, what doesn't wait takes no memory.
fn a_reader_that_keeps_up() {
    const LEN: usize = 4000;
    let slot = slot(1 << 30);
    let progress = shared(1);
    let writing = spawn(|| {
        let mut writer = writer();
        for n in 0..50_000u64 {
            // At most this many wait.
            crate::support::yield_until(|| progress[0].load(Ordering::Acquire) + 50 > n);
            writer.write(&[n as u8; LEN]).unwrap();
        }
        wait_for(&progress[0], u64::MAX);
    });
    for n in 0..50_000u64 {
        let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
        assert!(record.len() == LEN && record.iter().all(|&byte| byte == n as u8));
        progress[0].store(n + 1, Ordering::Release);
    }
    let used = ring_memory(writing.id()).max(ring_memory(std::process::id()));
    assert!(used <= 2 << 20, "{used} bytes for at most 200 KB that wait");
    progress[0].store(u64::MAX, Ordering::Release);
    writing.finish();
    assert!(slot.try_receive().is_err());
    assert_eq!(rings(std::process::id()), 0);
}

/// Bursts up to the quota, with a reader that takes all, some, or sleeps between.
fn bursts_of_all_sizes() {
    let slot = slot(32 << 20);
    let progress = shared(2);
    let writing = spawn(|| {
        let mut writer = writer();
        for round in 0..40u64 {
            wait_for(&progress[0], round + 1);
            let len = 100 << (round % 9);
            let mut sent = 0;
            while writer.write(&vec![round as u8; len]).is_ok() {
                sent += len as u64;
                if sent > (1 << 20) << (round % 6) {
                    break;
                }
            }
            progress[1].store(round + 1, Ordering::Release);
        }
        wait_for(&progress[0], 100);
    });
    for round in 0..40 {
        progress[0].store(round + 1, Ordering::Release);
        wait_for(&progress[1], round + 1);
        let waiting = slot.info().unwrap();
        let data = waiting.waiting_bytes + 16 * waiting.waiting;
        let used = ring_memory(writing.id());
        assert!(used <= data * 13 / 10 + (5 << 20), "round {round}: {used} bytes for {data}");
        for _ in 0..waiting.waiting / (1 + round % 2) {
            slot.try_receive().unwrap();
        }
        if round % 3 == 2 {
            while slot.try_receive().is_ok() {}
            let left = ring_memory(writing.id()).max(ring_memory(std::process::id()));
            assert!(left <= 4 << 20, "round {round}: {left} bytes are left");
        }
    }
    progress[0].store(100, Ordering::Release);
    writing.finish();
}

/// A writer that outruns its reader all the time keeps about twice the quota, and nothing once the
/// reader has waited a while.
fn a_writer_that_never_stops() {
    const QUOTA: u64 = 4 << 20;
    const LEN: usize = 5000;
    const COUNT: u64 = 20_000;
    let slot = slot(QUOTA);
    let progress = shared(1);
    let writing = spawn(|| {
        let mut writer = writer();
        for n in 0..COUNT {
            writer.write_timeout(&[n as u8; LEN], PATIENCE).unwrap();
        }
        wait_for(&progress[0], 1);
        writer.write_timeout(b"and on", PATIENCE).unwrap();
    });
    let mut most = 0;
    for n in 0..COUNT {
        let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
        assert!(record.len() == LEN && record.iter().all(|&byte| byte == n as u8));
        if n % 1000 == 999 {
            most = most.max(ring_memory(writing.id()));
        }
    }
    println!("{most} bytes of memory at most");
    assert!(most <= 3 * QUOTA, "{most} bytes for {QUOTA} that wait");
    wait_until("the memory to be given back", || {
        let _ = slot.receive_timeout(Some(Duration::from_millis(30)));
        ring_memory(writing.id()).max(ring_memory(std::process::id())) <= 2 << 20
    });
    progress[0].store(1, Ordering::Release);
    assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), b"and on");
    writing.finish();
}

const OTHER: &str = r"\\.\mailslot\crowded";
const ACTIVE: u64 = 10;

/// Connects `idle` writers to `name` that have written, and keeps them.
fn idle_writers(
    name: &'static str,
    idle: usize,
    state: &'static [std::sync::atomic::AtomicU64],
) -> Process {
    spawn(move || {
        let mut writers: Vec<_> = (0..idle).map(|_| MailslotWriter::open(name).unwrap()).collect();
        for writer in &mut writers {
            for _ in 0..3 {
                writer.write_timeout(&[0; 32], PATIENCE).unwrap();
            }
        }
        state[0].fetch_add(1, Ordering::AcqRel);
        wait_for(&state[1], u64::MAX);
    })
}

/// The reader's processor time per record, with and without 990 further writers that are connected
/// and write nothing: when records come one at a time, and when there are many.
fn ten_of_a_thousand_writers() {
    const IDLE: usize = 990;
    const PARTS: usize = 11;
    if !may_have_descriptors(3 * IDLE as u64) {
        return;
    }
    let quiet = Mailslot::create(NAME).unwrap();
    let crowded = Mailslot::create(OTHER).unwrap();
    let state = shared(2);
    let mut processes = vec![idle_writers(OTHER, IDLE, state)];
    let mut arrived = 0;
    while arrived < 3 * IDLE {
        arrived += usize::from(crowded.receive_timeout(Some(PATIENCE)).is_ok());
    }
    wait_for(&state[0], 1);
    assert_eq!(rings(std::process::id()), IDLE);

    // Ten processes each write to either slot as many records as they are told.
    let orders = shared(2);
    processes.extend((0..ACTIVE).map(|_| {
        spawn(move || {
            let mut writers = [NAME, OTHER].map(|name| MailslotWriter::open(name).unwrap());
            let mut done = [0, 0];
            while orders[0].load(Ordering::Acquire) != u64::MAX {
                for (at, writer) in writers.iter_mut().enumerate() {
                    while done[at] < orders[at].load(Ordering::Acquire) && done[at] < 1 << 40 {
                        writer.write(&[1; 32]).unwrap();
                        done[at] += 1;
                    }
                }
                std::thread::sleep(Duration::from_micros(300));
            }
        })
    }));
    let read = |at: usize, slot: &Mailslot, each: u64| {
        let start = thread_cpu_time();
        orders[at].fetch_add(each, Ordering::AcqRel);
        let mut buffer = [0; 64];
        for _ in 0..each * ACTIVE {
            slot.read_timeout(&mut buffer, Some(PATIENCE)).unwrap();
        }
        (thread_cpu_time() - start).as_nanos() as f64 / (each * ACTIVE) as f64
    };
    for each in [1, 30, 1000] {
        // Until those that are quiet are known to be.
        for _ in 0..100 {
            read(0, &quiet, 1);
            read(1, &crowded, 1);
        }
        let mut cost = [Vec::new(), Vec::new()];
        for _ in 0..PARTS {
            for _ in 0..2000 / each / ACTIVE + 1 {
                cost[0].push(read(0, &quiet, each));
                cost[1].push(read(1, &crowded, each));
            }
        }
        let [alone, among] = cost.map(|mut cost| {
            cost.sort_by(f64::total_cmp);
            cost[cost.len() / 2]
        });
        println!("{each} at a time: {alone:.0} ns a record alone, {among:.0} among {IDLE} others");
        assert!(
            among < alone * 2.0,
            "{alone:.0} ns a record alone, {among:.0} among {IDLE} others"
        );
    }
    orders[0].store(u64::MAX, Ordering::Release);
    state[1].store(u64::MAX, Ordering::Release);
    processes.into_iter().for_each(Process::finish);
    wait_until("the writers' departure", || {
        let _ = (quiet.try_receive(), crowded.try_receive());
        rings(std::process::id()) == 0
    });
}
