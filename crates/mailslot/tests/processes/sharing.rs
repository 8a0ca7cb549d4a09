//! What writer and reader spare each other: barriers, and switches on a processor that they share.

use std::io::IoSlice;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use mailslot_ring::{Consumer, Cursor, Geometry, Producer, Region};

use crate::support::{
    Case, NAME, all_switches, keep_to_one_processor, patient_writer, shared, spawn, wait_for,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("sharing::a_reader_gives_way_to_its_writer", a_reader_gives_way_to_its_writer),
    Case::new("sharing::a_single_thread_is_fenced_for_early", a_single_thread_is_fenced_for_early),
];

/// Woken for each record, it would take the processor from the writer as often.
fn a_reader_gives_way_to_its_writer() {
    const COUNT: u64 = 50_000;
    keep_to_one_processor();
    let state = shared(1);
    let reading = spawn(|| {
        let mut slot = mailslot::Mailslot::options().quota(384 << 10).create(NAME).unwrap();
        state[0].store(1, Ordering::Release);
        let mut record = [0; 4096];
        for n in 0..COUNT {
            assert_eq!(slot.exclusive().read(&mut record).unwrap(), record.len());
            assert_eq!(crate::support::number(&record[..8]), n);
        }
        state[0].store(2, Ordering::Release);
        rustix::event::pause();
    });
    wait_for(&state[0], 1);
    let mut writer = patient_writer();
    let mut record = [0; 4096];
    for n in 0..COUNT {
        record[..8].copy_from_slice(&n.to_le_bytes());
        writer.write(&record).unwrap();
    }
    wait_for(&state[0], 2);
    // Some 90 records fill the ring.
    let switches = all_switches(reading.id());
    println!("{switches} switches for {COUNT} records");
    assert!(switches < COUNT / 8, "{switches} switches for {COUNT} records");
    reading.kill();
    drop(mailslot::Mailslot::create(NAME).unwrap());
}

/// Whether this process has let others fence for it. `None`: the kernel doesn't say, before 6.3.
fn is_registered() -> Option<bool> {
    const GET_REGISTRATIONS: libc::c_int = 1 << 9;
    // SAFETY: the call takes three integers and touches no memory of this process.
    let found = unsafe { libc::syscall(libc::SYS_membarrier, GET_REGISTRATIONS, 0, 0) };
    let wanted = i64::from(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
    (found >= 0).then_some(found & wanted != 0)
}

/// Writes `count` records into a ring whose reader streams.
fn stream(count: u64) {
    let quota = 384 << 10;
    let geometry = Geometry::for_quota(quota);
    let (region, memory) = Region::create(geometry).unwrap();
    let mut producer = Producer::new(region, geometry, quota);
    let mapped = Region::open(memory.as_fd(), geometry).unwrap();
    let mut consumer = Consumer::new(mapped, geometry, Cursor::default());
    consumer.be_only_reader();
    let mut write = |len: usize| {
        let record = vec![1; len];
        let _ = producer.push(1, &[IoSlice::new(&record)], len as u64).unwrap();
        consumer.look().unwrap();
        assert!(consumer.front().unwrap().is_some());
        let _ = consumer.pop();
    };
    // As much as makes a stream of it.
    (0..10).for_each(|_| write(60_000));
    (0..count).for_each(|_| write(8));
}

/// Where the kernel needn't wait for other processors, the writer soon needs no barriers.
fn a_single_thread_is_fenced_for_early() {
    const SOON: u64 = 200;
    let Some(registered) = is_registered() else {
        println!("skipped: the kernel doesn't tell what is registered");
        return;
    };
    assert!(!registered);
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || ended.recv());
    stream(SOON);
    assert_eq!(is_registered(), Some(false), "with threads that takes the kernel milliseconds");
    drop(end);
    let _ = other.join();
    // The kernel may count it for a moment more.
    crate::support::wait_until("the thread to be gone", || {
        std::fs::read_dir("/proc/self/task").unwrap().count() == 1
    });
    stream(SOON);
    assert_eq!(is_registered(), Some(true), "the reader could have fenced for both");
}
