//! Writers of remote names, plain ones.

use std::thread;
use std::time::Duration;

use mailslot::gateway::{Event, GatewayOptions, TargetState};
use mailslot::{
    CreateError, Mailslot, MailslotWriter, OpenError, ReadError, WriteError, find, list,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::gateway::{Desk, HERE, JOE, OFFICE, gateway};
use crate::support::{Case, NAME, fork, number, shared, spawn, wait_for, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::new("writers::none_without_a_gateway", none_without_a_gateway),
    Case::new("writers::one_gateway", one_gateway),
    Case::new("writers::own_names_stay_here", own_names_stay_here),
    Case::new("writers::of_one_record_and_of_many", of_one_record_and_of_many),
    Case::new("writers::killed", killed),
    Case::new("writers::clones_and_forks", clones_and_forks),
    Case::new("writers::unknown_computers", unknown_computers),
    Case::new("writers::a_silent_gateway_is_not_waited_for", a_silent_gateway_is_not_waited_for),
    Case::new("writers::the_gateway_dies", the_gateway_dies),
    Case::new("writers::told_what_is_lost", told_what_is_lost),
    Case::new("writers::full", full),
    Case::new("writers::that_wait_for_room_only", that_wait_for_room_only),
    Case::new("writers::held_back", held_back),
    Case::new("writers::the_descriptor_tells", the_descriptor_tells),
];

fn open(name: &str) -> MailslotWriter {
    MailslotWriter::open(name).unwrap()
}

fn none_without_a_gateway() {
    let _slot = Mailslot::create(NAME).unwrap();
    for name in [JOE, r"\\*\mailslot\taxes\sue", r"\\JOE.OFFICE\mailslot\x"] {
        let error = MailslotWriter::open(name).unwrap_err();
        assert!(matches!(error, OpenError::NoGateway(_)), "{error}");
        assert!(error.to_string().contains("start one with `mailslot gateway`"), "{error}");
    }
}

/// There is one gateway; it is no slot that one could list, and a slot may have its name.
fn one_gateway() {
    let slot = gateway();
    match GatewayOptions::new(HERE).create() {
        Err(CreateError::GatewayRuns { pid, .. }) => assert_eq!(pid, std::process::id()),
        other => panic!("{other:?}"),
    }
    assert!(GatewayOptions::new("no,name").create().is_err());
    assert!(list().unwrap().is_empty());
    let name = r"\\.\mailslot\gateway".parse().unwrap();
    assert_eq!(find(&name).unwrap(), None);
    drop(Mailslot::create(name).unwrap());

    // It goes with everything that is in its place, and without a trace.
    std::fs::write(slot.dir().join("status"), "").unwrap();
    drop(slot);
    // A dead one is cleared away.
    spawn(|| {
        let slot = gateway();
        std::fs::write(slot.dir().join("status"), "").unwrap();
        std::mem::forget(slot);
    })
    .finish();
    drop(gateway());
}

fn own_names_stay_here() {
    let slot = Mailslot::create(NAME).unwrap();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host = host.split('.').next().unwrap().to_lowercase();
    for (count, own) in ["localhost", "LocalHost", &host].into_iter().enumerate() {
        open(&format!(r"\\{own}\mailslot\taxes\sue")).write(&[count as u8]).unwrap();
        let record = slot.receive().unwrap();
        assert_eq!((record.bytes(), record.origin()), (&[count as u8][..], None));
    }
    let own = format!(r"\\{HERE}\mailslot\Taxes\SUE");
    assert!(matches!(MailslotWriter::open(own.as_str()), Err(OpenError::NoGateway(_))));
    let gateway = gateway();
    let mut writer = open(&own);
    assert!(writer.name().is_local());
    writer.write(b"by the name that the gateway states").unwrap();
    assert_eq!(slot.receive().unwrap().len(), 35);
    drop(gateway);
    let gone = MailslotWriter::open(r"\\localhost\mailslot\other");
    assert!(matches!(gone, Err(OpenError::NoSuchSlot(_))));
}

/// Of each connection comes its opening, its records in order, its closing; large ones too.
fn of_one_record_and_of_many() {
    const WRITERS: u64 = 20;
    let slot = gateway();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            spawn(move || {
                let mut slot = open(JOE);
                let count = [0, 1, 2, 1000][writer as usize % 4];
                for record in 0..count {
                    let mut bytes = (writer * 1_000_000 + record).to_le_bytes().to_vec();
                    bytes.resize(if record % 100 == 99 { 100_000 } else { 8 }, 7);
                    slot.write(&bytes).unwrap();
                }
            })
        })
        .collect();
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.closed() == WRITERS as usize);
    let pids: Vec<u32> = writers.iter().map(|writer| writer.id()).collect();
    writers.into_iter().for_each(|writer| writer.finish());
    let mut counts: Vec<usize> = Vec::new();
    for seen in desk.seen.values() {
        assert_eq!(seen.connection.target().to_string(), JOE);
        assert!(!seen.connection.is_confirmed());
        let sender = seen.connection.sender();
        let writer = pids.iter().position(|pid| *pid == sender.pid).unwrap() as u64;
        assert_eq!(sender.uid, rustix::process::geteuid().as_raw());
        counts.push(seen.records.len());
        for (record, bytes) in (0u64..).zip(&seen.records) {
            assert_eq!(number(&bytes[..8]), writer * 1_000_000 + record);
            assert_eq!(bytes.len(), if record % 100 == 99 { 100_000 } else { 8 });
        }
    }
    counts.sort_unstable();
    assert_eq!(counts, [[0; 5], [1; 5], [2; 5], [1000; 5]].concat());
}

/// What returned Ok before `kill -9` arrives, and the connection is seen to end.
fn killed() {
    let slot = gateway();
    let written = shared(1);
    let mut desk = Desk::default();
    for round in 0..10 {
        written[0].store(0, std::sync::atomic::Ordering::Relaxed);
        let writer = spawn(|| {
            let mut slot = open(JOE);
            for record in 0u64.. {
                match slot.write(&record.to_le_bytes()) {
                    Ok(()) => written[0].store(record + 1, std::sync::atomic::Ordering::Release),
                    Err(WriteError::Full { .. }) => thread::sleep(Duration::from_millis(1)),
                    Err(error) => panic!("{error}"),
                }
            }
        });
        wait_for(&written[0], 1 + round * 300);
        writer.kill();
        let written = written[0].load(std::sync::atomic::Ordering::Acquire);
        desk.until(&slot, |desk| desk.closed() as u64 == round + 1);
        let seen = desk.seen.values().max_by_key(|seen| seen.connection.id()).unwrap();
        assert!(seen.records.len() as u64 >= written, "{} of {written}", seen.records.len());
    }
}

/// Each has a connection of its own, with its own process behind it.
fn clones_and_forks() {
    let slot = gateway();
    let mut first = open(JOE);
    first.write(b"first").unwrap();
    let mut second = first.clone();
    second.write(b"second").unwrap();
    let mut kept = Some(first);
    let child = fork(|| {
        let mut forked = kept.take().unwrap();
        forked.write(b"child").unwrap();
        forked.write(b"child").unwrap();
    });
    let child_pid = child.id();
    child.finish();
    let mut first = kept.take().unwrap();
    first.write(b"first").unwrap();
    drop((first, second));
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.closed() == 3);
    let mut found: Vec<_> = desk
        .seen
        .values()
        .map(|seen| (seen.connection.sender().pid == child_pid, seen.records.concat()))
        .collect();
    found.sort();
    let expected: [(bool, &[u8]); 3] =
        [(false, b"firstfirst"), (false, b"second"), (true, b"childchild")];
    assert_eq!(found, expected.map(|(child, records)| (child, records.to_vec())));
    assert_eq!(&desk.records[..2], [b"first".to_vec(), b"second".to_vec()]);
}

fn unknown_computers() {
    let slot = gateway();
    let heard = shared(1);
    let writer = spawn(|| {
        let mut nobody = open(r"\\NOBODY\mailslot\x");
        for _ in 0..2 {
            let error = nobody.write(b"x").unwrap_err();
            assert!(matches!(error, WriteError::ComputerNotFound(_)), "{error}");
            let text = r"cannot write to \\NOBODY\mailslot\x: computer not found";
            assert!(error.to_string().starts_with(text), "{error}");
        }
        let large = vec![0; 100_000];
        assert!(matches!(nobody.write(&large), Err(WriteError::ComputerNotFound(_))));

        // As the gateway finds out while the writer is writing, and again.
        let mut joe = open(JOE);
        joe.write(b"one").unwrap();
        joe.write(b"forget").unwrap();
        wait_until("the gateway's word", || joe.write(b"more").is_err());
        assert!(matches!(joe.write(b"x"), Err(WriteError::ComputerNotFound(_))));
        heard[0].store(1, std::sync::atomic::Ordering::Release);
        wait_until("the gateway's other word", || joe.write(b"last").is_ok());
    });
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.records.iter().any(|record| record == b"forget"));
    let seen = desk.seen.values().find(|seen| !seen.records.is_empty()).unwrap();
    let joe = seen.connection.clone();
    assert!(joe.tell_target(TargetState::Unknown));
    // Without this process serving: it isn't the gateway that lets the writer wait.
    wait_for(&heard[0], 1);
    assert!(joe.tell_target(TargetState::Known));
    desk.until(&slot, |desk| desk.closed() == 2);
    writer.finish();
    assert!(desk.seen.values().any(|seen| seen.records.is_empty()), "NOBODY got something");
    assert!(desk.records.iter().any(|record| record == b"last"));
}

/// The first write waits a short time for its word, the others not at all.
fn a_silent_gateway_is_not_waited_for() {
    let slot = gateway();
    let mut writer = open(JOE);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        writer.write(b"x").unwrap();
    }
    // If each of them waited as long as the first one may, it would take 20 seconds.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    drop(writer);
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.closed() == 1);
    assert_eq!(desk.records.len(), 100);
}

fn the_gateway_dies() {
    let ready = shared(2);
    let start = |count: usize| {
        let served = spawn(move || {
            let slot = gateway();
            let mut desk = Desk::default();
            loop {
                ready[count]
                    .fetch_max(1 + desk.records.len() as u64, std::sync::atomic::Ordering::AcqRel);
                desk.serve(&slot, Duration::from_secs(1));
            }
        });
        wait_for(&ready[count], 1);
        served
    };
    let first = start(0);
    let mut once = open(JOE);
    let mut often = open(JOE);
    let mut never = open(JOE);
    once.write(b"x").unwrap();
    often.write(b"x").unwrap();
    often.write(b"x").unwrap();
    wait_for(&ready[0], 4);
    first.kill();
    for writer in [&mut once, &mut often] {
        wait_until("the error", || match writer.write(b"y") {
            Ok(()) => false,
            Err(WriteError::GatewayGone(_)) => true,
            Err(error) => panic!("{error}"),
        });
        let error = writer.write(b"y").unwrap_err();
        assert!(matches!(error, WriteError::Open(OpenError::NoGateway(_))), "{error}");
    }
    let error = never.write(b"y").unwrap_err();
    assert!(matches!(error, WriteError::Open(OpenError::NoGateway(_))), "{error}");
    let second = start(1);
    for writer in [&mut once, &mut often, &mut never] {
        writer.write(b"z").unwrap();
    }
    wait_for(&ready[1], 4);
    second.kill();
    // What the killed one left is cleared away.
    drop(gateway());
}

fn told_what_is_lost() {
    let slot = gateway();
    let mut writer = open(JOE);
    assert_eq!(writer.lost(), 0);
    writer.write(b"x").unwrap();
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.records.len() == 1);
    let connection = desk.seen.values().next().unwrap().connection.clone();
    for count in [1, 5, 3] {
        assert!(connection.tell_lost(count));
    }
    assert_eq!(writer.lost(), 5);
    // A writer that never listens is not waited for, and learns it in the end.
    let mut told = 5;
    while connection.tell_lost(told + 1) {
        told += 1;
        assert!(told < 1_000_000);
    }
    wait_until("what is lost", || writer.lost() == told);
    assert!(connection.tell_lost(told + 1));
    writer.write(b"y").unwrap();
    assert_eq!(writer.lost(), told + 1);
    // Counts over the connections of a handle.
    drop(slot);
    wait_until("the end", || writer.write(b"x").is_err());
    let slot = gateway();
    writer.write(b"z").unwrap();
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.records.len() == 1);
    assert!(desk.seen.values().next().unwrap().connection.tell_lost(2));
    assert_eq!(writer.lost(), told + 3);
}

/// A gateway that doesn't keep up: the write fails, or waits.
fn full() {
    let slot = GatewayOptions::new(HERE).quota(100_000).create().unwrap();
    let mut writer = open(JOE);
    let error = loop {
        match writer.write(&[1; 1000]) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, WriteError::Full { quota: 100_000, .. }), "{error}");
    let error = writer.write(&vec![1; 200_000]).unwrap_err();
    assert!(matches!(error, WriteError::TooLarge { max: 100_000, .. }), "{error}");
    let waiting = thread::spawn(move || {
        writer.write_timeout(&[2; 1000], Duration::from_secs(50)).unwrap();
    });
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.records.last().is_some_and(|record| record[0] == 2));
    waiting.join().unwrap();
}

/// A write that may wait doesn't, as long as there is room, for a gateway that takes nothing; and all
/// comes in order afterwards.
fn that_wait_for_room_only() {
    let slot = gateway();
    let mut writer = open(JOE);
    let numbered = |number: u32| number.to_le_bytes().repeat(1024);
    writer.write(&numbered(0)).unwrap();
    let mut desk = Desk::default();
    desk.until(&slot, |desk| desk.records.len() == 1);
    let start = std::time::Instant::now();
    let count = 8 * 1024;
    for number in 1..count {
        writer.write_timeout(&numbered(number), Duration::from_secs(3600)).unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    desk.until(&slot, |desk| desk.records.len() == count as usize);
    assert!((0..count).map(numbered).eq(desk.records));
}

/// Held back, a writer finds its slot full, and another goes on; released, all comes in order. It is
/// not said to have left before its records are given out.
fn held_back() {
    let slot = GatewayOptions::new(HERE).quota(100_000).create().unwrap();
    let mut writer = open(JOE);
    let mut desk = Desk::default();
    let numbered = |number: u32| [number.to_le_bytes(), [7; 4]].concat();
    writer.write(&numbered(0)).unwrap();
    writer.write(&numbered(1)).unwrap();
    desk.until(&slot, |desk| desk.records.len() == 2);
    let connection = desk.seen.values().next().unwrap().connection.clone();
    slot.hold(&connection).unwrap();
    let mut written = 2;
    while writer.write(&numbered(written)).is_ok() {
        written += 1;
    }
    assert!(written > 100);
    let mut other = open(OFFICE);
    other.write(b"other").unwrap();
    desk.until(&slot, |desk| desk.records.len() == 3);
    assert_eq!(desk.records[2], b"other");
    drop((writer, other));
    desk.until(&slot, |desk| desk.closed() == 1);
    let mut fds = [PollFd::new(&slot, PollFlags::IN)];
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    while desk.serve(&slot, Duration::from_millis(50)) {}
    assert_eq!((desk.records.len(), desk.closed()), (3, 1));
    assert_eq!(poll(&mut fds, Some(&zero)).unwrap(), 0, "nothing to take");
    slot.release(&connection).unwrap();
    assert_eq!(poll(&mut fds, Some(&zero)).unwrap(), 1, "there is");
    desk.until(&slot, |desk| desk.closed() == 2);
    let expected: Vec<_> = (0..written).map(numbered).collect();
    assert_eq!(desk.seen[&connection.id()].records, expected);
}

fn the_descriptor_tells() {
    let slot = gateway();
    let readable = || {
        let mut fds = [PollFd::new(&slot, PollFlags::IN)];
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&zero)).unwrap() == 1
    };
    let next = || {
        let mut events = Vec::new();
        match slot.receive(&mut events, 1, Some(Duration::ZERO)) {
            Ok(()) => events.pop(),
            Err(ReadError::TimedOut { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    };
    while readable() {
        assert!(next().is_none());
    }
    let mut writer = open(JOE);
    wait_until("the opening", readable);
    assert!(matches!(next(), Some(Event::Opened(_))));
    wait_until("quiet", || next().is_none() && !readable());
    for _ in 0..3 {
        writer.write(b"x").unwrap();
        wait_until("the record", readable);
        assert!(matches!(next(), Some(Event::Record(_))));
        wait_until("quiet", || next().is_none() && !readable());
    }
    drop(writer);
    wait_until("the closing", readable);
    assert!(matches!(next(), Some(Event::Closed(_))));
    wait_until("quiet", || next().is_none() && !readable());
}
