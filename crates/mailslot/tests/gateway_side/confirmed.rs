//! Confirmed writes: what the gateway says is what the writer learns, and silence is no success.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mailslot::gateway::Outcome;
use mailslot::{Confirmation, Mailslot, MailslotWriter, WriteError};

use crate::gateway::{Desk, HERE, JOE, OFFICE, gateway};
use crate::support::{Case, NAME, Process, fork, shared, spawn, wait_for};

pub(crate) const CASES: &[Case] = &[
    Case::new("confirmed::each_outcome", each_outcome),
    Case::new("confirmed::silence", silence),
    Case::new("confirmed::the_gateway_dies", the_gateway_dies),
    Case::new("confirmed::the_gateway_comes_back", the_gateway_comes_back),
    Case::new("confirmed::forked_and_cloned", forked_and_cloned),
    Case::new("confirmed::a_slot_here", a_slot_here),
    Case::new("confirmed::a_reader_that_ends_with_the_record", a_reader_that_ends_with_the_record),
    Case::new("confirmed::or_plain", or_plain),
];

const SOON: Duration = Duration::from_secs(20);

fn open(name: &str) -> MailslotWriter {
    MailslotWriter::options().confirmed(true).open(name).unwrap()
}

fn outcomes(confirmation: &Confirmation) -> Vec<(&str, Outcome)> {
    confirmation.outcomes().collect()
}

/// A gateway in a process of its own.
fn serving() -> Process {
    counting().0
}

/// One that tells how many records it has taken.
fn counting() -> (Process, &'static AtomicU64) {
    let [ready, taken] = shared(2) else { panic!() };
    let process = spawn(move || {
        let slot = gateway();
        ready.store(1, Ordering::Release);
        let mut desk = Desk::default();
        loop {
            desk.serve(&slot, SOON);
            taken.store(desk.records.len() as u64, Ordering::Release);
        }
    });
    wait_for(ready, 1);
    (process, taken)
}

fn each_outcome() {
    let gateway = serving();
    let mut joe = open(JOE);
    // On the socket, then in the ring, small and large.
    for size in [0, 0, 10, 100_000] {
        let record = ["accept ".as_bytes(), &vec![b'x'; size]].concat();
        let confirmation = joe.write_confirmed(&record, SOON).unwrap();
        assert!(confirmation.is_accepted() && confirmation.is_complete());
        assert_eq!(outcomes(&confirmation), [("JOE", Outcome::Accepted)]);
    }
    let mut office = open(OFFICE);
    let confirmation = office.write_confirmed(b"mixed", SOON).unwrap();
    assert!(confirmation.is_complete() && !confirmation.is_accepted());
    let expected = [
        ("ANN", Outcome::Full),
        ("BOB", Outcome::Denied),
        ("JOE", Outcome::Accepted),
        ("SUE", Outcome::NoSuchSlot),
    ];
    assert_eq!(outcomes(&confirmation), expected);
    let confirmation = office.write_confirmed(b"many", SOON).unwrap();
    assert!(confirmation.is_accepted());
    assert_eq!(confirmation.outcomes().len(), 3000);
    // Nobody got it: no success.
    let confirmation = office.write_confirmed(b"none", SOON).unwrap();
    assert!(confirmation.is_complete() && !confirmation.is_accepted());
    let error = open(r"\\NOBODY\mailslot\x").write_confirmed(b"accept", SOON).unwrap_err();
    assert!(matches!(error, WriteError::ComputerNotFound(_)), "{error}");
    let error = office.write_confirmed(b"unknown", SOON).unwrap_err();
    assert!(matches!(error, WriteError::ComputerNotFound(_)), "{error}");
    gateway.kill();
    drop(crate::gateway::gateway());
}

fn silence() {
    let gateway = serving();
    let mut joe = open(JOE);
    for record in [&b"partly"[..], b"wrong", b"nothing", b"late"] {
        let mut wait = Duration::from_millis(100);
        loop {
            let start = Instant::now();
            let confirmation = joe.write_confirmed(record, wait).unwrap();
            assert!(!confirmation.is_complete() && !confirmation.is_accepted(), "{confirmation:?}");
            assert!((wait..wait + SOON).contains(&start.elapsed()), "{:?}", start.elapsed());
            if confirmation.outcomes().len() == usize::from(record == b"partly") {
                break;
            }
            // What is said in part is known, unless the gateway was too busy to say it in time.
            assert!(record == b"partly" && confirmation.outcomes().len() == 0 && wait < SOON);
            wait *= 4;
        }
    }
    // The late answer is not taken for that to another record.
    let confirmation = joe.write_confirmed(b"mixed", SOON).unwrap();
    assert_eq!(confirmation.outcomes().len(), 4);
    let confirmation = joe.write_confirmed(b"nothing", Duration::ZERO).unwrap();
    assert!(!confirmation.is_accepted());
    gateway.kill();
    drop(crate::gateway::gateway());
}

fn the_gateway_dies() {
    let (gateway, taken) = counting();
    let mut joe = open(JOE);
    assert!(joe.write_confirmed(b"accept", SOON).unwrap().is_accepted());
    let waiting = thread::spawn(move || {
        // All this time it looks for another gateway.
        let error = joe.write_confirmed(b"nothing", Duration::from_secs(5)).unwrap_err();
        assert!(matches!(error, WriteError::GatewayGone(_)), "{error}");
        joe
    });
    wait_for(taken, 2);
    gateway.kill();
    let mut joe = waiting.join().unwrap();
    let error = joe.write_confirmed(b"accept", SOON).unwrap_err();
    assert!(error.to_string().contains("start one with `mailslot gateway`"), "{error}");
    let gateway = serving();
    assert!(joe.write_confirmed(b"accept", SOON).unwrap().is_accepted());
    // One that died between two writes is no matter.
    gateway.kill();
    let gateway = serving();
    assert!(joe.write_confirmed(b"accept", SOON).unwrap().is_accepted());
    gateway.kill();
    drop(crate::gateway::gateway());
}

/// A record whose gateway dies goes to the next one, as the same record.
fn the_gateway_comes_back() {
    let (mut gateway, mut taken) = counting();
    let mut joe = open(JOE);
    for round in 0..3 {
        assert!(joe.write_confirmed(b"accept", SOON).unwrap().is_accepted());
        let waiting = thread::spawn(move || {
            // Accepted if it comes first in a connection, and not with the handle's first number.
            assert!(joe.write_confirmed(b"repeat", SOON).unwrap().is_accepted(), "{round}");
            joe
        });
        wait_for(taken, if round == 0 { 2 } else { 3 });
        gateway.kill();
        (gateway, taken) = counting();
        joe = waiting.join().unwrap();
    }
    gateway.kill();
    drop(crate::gateway::gateway());
}

/// Nobody hears the answers to another.
fn forked_and_cloned() {
    let gateway = serving();
    let mut joe = open(JOE);
    assert!(joe.write_confirmed(b"accept", SOON).unwrap().is_accepted());
    let mut kept = Some(joe);
    fork(|| {
        let mut joe = kept.take().unwrap();
        for _ in 0..3 {
            assert!(joe.write_confirmed(b"accept child", SOON).unwrap().is_accepted());
        }
    })
    .finish();
    let mut joe = kept.take().unwrap();
    let mut other = joe.clone();
    for _ in 0..3 {
        assert!(joe.write_confirmed(b"accept", SOON).unwrap().is_accepted());
        let confirmation = other.write_confirmed(b"mixed", SOON).unwrap();
        assert_eq!(confirmation.outcomes().len(), 4);
    }
    gateway.kill();
    drop(crate::gateway::gateway());
}

fn a_slot_here() {
    let slot = Mailslot::options().quota(1000).create(NAME).unwrap();
    let mut writer = open(NAME);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host = host.split('.').next().unwrap();
    let confirmation = writer.write_confirmed(b"x", Duration::ZERO).unwrap();
    assert!(confirmation.is_accepted());
    assert_eq!(outcomes(&confirmation), [(host, Outcome::Accepted)]);
    let one = |writer: &mut MailslotWriter, record: &[u8]| {
        let confirmation = writer.write_confirmed(record, Duration::ZERO).unwrap();
        assert!(confirmation.is_complete());
        outcomes(&confirmation)[0].1
    };
    assert_eq!(one(&mut writer, &[0; 2000]), Outcome::TooLarge);
    while one(&mut writer, &[0; 400]) == Outcome::Accepted {}
    assert_eq!(one(&mut writer, &[0; 400]), Outcome::Full);
    assert_eq!(slot.receive().unwrap().bytes(), b"x");
    drop(slot);
    assert_eq!(one(&mut writer, b"x"), Outcome::NoSuchSlot);
    assert_eq!(one(&mut writer, b"x"), Outcome::NoSuchSlot);

    // By the name that other computers use.
    let gateway = gateway();
    let _slot = Mailslot::create(NAME).unwrap();
    let confirmation = writer.write_confirmed(b"x", Duration::ZERO).unwrap();
    assert_eq!(outcomes(&confirmation), [(HERE, Outcome::Accepted)]);
    drop(gateway);
}

/// Whether it had read the record, its writer can't know: it is told so, and not that there was no
/// slot, or it would write again what has arrived.
fn a_reader_that_ends_with_the_record() {
    let [created, arrived] = shared(2) else { panic!() };
    for round in 1..=300 {
        let reader = spawn(|| {
            let slot = Mailslot::create(NAME).unwrap();
            created.store(round, Ordering::Release);
            slot.receive_timeout(Some(SOON)).unwrap();
            arrived.store(round, Ordering::Release);
        });
        wait_for(created, round);
        let confirmation = open(NAME).write_confirmed(b"x", SOON).unwrap();
        reader.finish();
        assert_eq!(arrived.load(Ordering::Acquire), round);
        let outcome = outcomes(&confirmation)[0].1;
        assert!(matches!(outcome, Outcome::Accepted | Outcome::NoAnswer), "{round}: {outcome}");
    }
}

/// A handle is for one kind of write.
fn or_plain() {
    let slot = Mailslot::create(NAME).unwrap();
    let mut confirmed = open(NAME);
    assert!(matches!(confirmed.write(b"x"), Err(WriteError::ForConfirmed(_))));
    assert!(confirmed.write_confirmed(b"y", SOON).unwrap().is_accepted());
    assert!(matches!(confirmed.try_write(b"x"), Err(WriteError::ForConfirmed(_))));
    assert!(matches!(confirmed.clone().write(b"x"), Err(WriteError::ForConfirmed(_))));
    let mut plain = MailslotWriter::open(NAME).unwrap();
    let error = plain.write_confirmed(b"x", SOON).unwrap_err();
    assert!(matches!(error, WriteError::NotForConfirmed(_)), "{error}");
    assert_eq!(slot.receive().unwrap().bytes(), b"y");
    assert!(slot.try_receive().is_err());
}
