//! Records from other computers, as the readers of this one get them.

use std::sync::atomic::Ordering;

use mailslot::gateway::{ForwardingWriter, Moment};
use mailslot::{
    CreateError, Mailslot, MailslotOptions, MailslotWriter, NetworkAccess, OpenError, Origin,
    WriteError, find,
};

use crate::support::{
    Case, NAME, PATIENCE, both_kinds, fork, inheritable_slot, shared, slot, spawn, wait_for,
    wait_until, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("forwarding::tells_the_origin", tells_the_origin),
    Case::new("forwarding::at_one_moment", at_one_moment),
    Case::new("forwarding::killed_right_after_a_write", killed_right_after_a_write),
    Case::new("forwarding::several_holders", several_holders),
    Case::new("forwarding::a_holder_that_dies", a_holder_that_dies),
    Case::new("forwarding::slots_choose", slots_choose),
    Case::new("forwarding::a_reader_that_has_just_gone", a_reader_that_has_just_gone),
    Case::new("forwarding::a_slot_made_anew", a_slot_made_anew),
    Case::new("forwarding::strange_origins", strange_origins),
];

pub(crate) fn sue() -> Origin {
    Origin::new("ANN", "WORKGROUP", "sue", 4711)
}

pub(crate) fn forward(origin: &Origin) -> ForwardingWriter {
    ForwardingWriter::open(NAME, origin).unwrap()
}

/// Of every record, beside records without one.
fn tells_the_origin() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let bob = Origin::new("büro", "Other.Domain", "", 0);
        let mut writers = [forward(&sue()), forward(&bob)];
        let mut local = writer();
        for round in 0..100u8 {
            for writer in &mut writers {
                writer.write(&[round]).unwrap();
            }
            local.write(&[round]).unwrap();
            for origin in [Some(&sue()), Some(&bob), None] {
                let record = slot.receive().unwrap();
                assert_eq!((record.bytes(), record.origin()), (&[round][..], origin));
                assert_eq!(record.sender().pid, std::process::id());
            }
        }
        // The first may be too large for the socket.
        let mut large = forward(&sue());
        large.write(&[7; 100_000]).unwrap();
        let peeked = slot.peek().unwrap();
        assert_eq!((peeked.len(), peeked.origin()), (100_000, Some(&sue())));
        assert_eq!(slot.receive().unwrap().origin(), Some(&sue()));
        let text = "computer ANN, authenticated by domain WORKGROUP";
        assert_eq!(sue().to_string(), text);
        // One that only connects leaves nothing.
        drop(forward(&sue()));
        assert!(slot.try_receive().is_err());
    }
}

/// Records that came together are read in their order, after those before and before those behind.
fn at_one_moment() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let mut remote = forward(&sue());
        let mut local = writer();
        for _ in 0..200 {
            local.write(b"before").unwrap();
            let moment = Moment::now();
            for number in 0..5u8 {
                remote.write_at(&[number], moment).unwrap();
            }
            local.write(b"behind").unwrap();
        }
        for _ in 0..200 {
            assert_eq!(slot.receive().unwrap().bytes(), b"before");
            for number in 0..5u8 {
                assert_eq!(slot.receive().unwrap().bytes(), [number]);
            }
            assert_eq!(slot.receive().unwrap().bytes(), b"behind");
        }
    }
}

fn killed_right_after_a_write() {
    let slot = slot(1 << 20);
    for count in [1, 2, 50] {
        let written = shared(1);
        let gateway = spawn(|| {
            let mut slot = forward(&sue());
            for _ in 0..count {
                slot.write(b"x").unwrap();
            }
            written[0].store(1, Ordering::Release);
            rustix::event::pause();
        });
        wait_for(&written[0], 1);
        gateway.kill();
        for _ in 0..count {
            assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().origin(), Some(&sue()));
        }
        assert!(slot.try_receive().is_err());
    }
}

/// Whoever of them reads knows it, whoever of them took it off the socket.
fn several_holders() {
    let slot = inheritable_slot(1 << 20);
    let mut early = forward(&sue());
    early.write(b"one").unwrap();
    early.write(b"two").unwrap();
    let take = |count: u32| {
        for _ in 0..count {
            let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(record.origin(), Some(&sue()), "{:?}", record.bytes());
        }
    };
    take(1);
    fork(|| take(1)).finish();
    for _ in 0..20 {
        early.write(b"three").unwrap();
    }
    let mut late = forward(&sue());
    late.write(b"four").unwrap();
    fork(|| take(5)).finish();
    take(5);
    let other = Mailslot::from_fd(slot.to_fd().unwrap()).unwrap();
    let record = other.receive_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(record.origin(), Some(&sue()));
    late.write(b"five").unwrap();
    for _ in 0..11 {
        let record = other.receive_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(record.origin(), Some(&sue()), "{:?}", record.bytes());
    }
    assert!(slot.try_receive().is_err() && other.try_receive().is_err());
    // A place that had an origin tells nothing about its next owner.
    drop((early, late));
    for _ in 0..300 {
        writer().write(b"x").unwrap();
        assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().origin(), None);
    }
}

/// At whatever moment.
fn a_holder_that_dies() {
    let slot = inheritable_slot(1 << 20);
    for round in 0..30u64 {
        let reading = shared(1);
        let holder = fork(|| {
            loop {
                if slot.try_receive().is_ok() {
                    reading[0].fetch_add(1, Ordering::Release);
                }
            }
        });
        let mut gateway = forward(&sue());
        for _ in 0..40 {
            gateway.write(b"x").unwrap();
        }
        wait_for(&reading[0], round % 10);
        holder.kill();
        gateway.write(b"last").unwrap();
        wait_until("the last record", || {
            let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(record.origin(), Some(&sue()));
            record.bytes() == b"last"
        });
    }
}

fn slots_choose() {
    let joe = Origin::new("joe", "WORKGROUP", "joe", 1);
    let cases = [
        (NetworkAccess::Domains, [true, true]),
        (NetworkAccess::ThisComputer, [false, false]),
        (NetworkAccess::Computers(vec!["ann".into(), "JOE.other".into()]), [true, false]),
        (NetworkAccess::Computers(vec!["Joe.Workgroup".into()]), [false, true]),
    ];
    for (network, expected) in cases {
        let slot = Mailslot::options().network(network.clone()).create(NAME).unwrap();
        for (origin, expected) in [sue(), joe.clone()].iter().zip(expected) {
            match ForwardingWriter::open(NAME, origin) {
                Ok(mut writer) if expected => writer.write(b"x").unwrap(),
                Err(error @ OpenError::NetworkRefused { .. }) if !expected => {
                    let text = format!("for {} of domain WORKGROUP: the slot", origin.computer);
                    assert!(error.to_string().contains(&text), "{error}");
                }
                other => panic!("{network:?}, {origin}: {other:?}"),
            }
        }
        // This computer's writers it takes in any case.
        writer().write(b"local").unwrap();
        let name = slot.name();
        assert_eq!(find(name).unwrap().unwrap().network, network);
        assert_eq!(mailslot::list().unwrap()[0].network, network);
    }
    for wrong in [vec![], vec!["a,b".into()], vec!["x".into(); 65]] {
        let mut options = MailslotOptions::new();
        let error = options.network(NetworkAccess::Computers(wrong)).create(NAME).unwrap_err();
        assert!(matches!(error, CreateError::Option { .. }), "{error}");
    }
    let none = ForwardingWriter::open(NAME, &joe);
    assert!(matches!(none, Err(OpenError::NoSuchSlot(_))), "{none:?}");
}

/// A gateway that asks before it answers never says that a dead slot has accepted something.
fn a_reader_that_has_just_gone() {
    for _ in 0..50 {
        let slot = slot(1 << 20);
        let mut gateway = forward(&sue());
        for _ in 0..3 {
            gateway.write(b"x").unwrap();
            gateway.check().unwrap();
        }
        drop(slot);
        let accepted = gateway.write(b"y").and_then(|()| gateway.check());
        assert!(matches!(accepted, Err(WriteError::SlotGone(_))), "{accepted:?}");
    }
}

/// It is asked anew.
fn a_slot_made_anew() {
    let first = slot(1 << 20);
    let mut gateway = forward(&sue());
    gateway.write(b"x").unwrap();
    drop(first);
    wait_until("the end", || matches!(gateway.write(b"x"), Err(WriteError::SlotGone(_))));
    let second = Mailslot::options().network(NetworkAccess::ThisComputer).create(NAME).unwrap();
    let error = gateway.write(b"x").unwrap_err();
    assert!(matches!(error, WriteError::Open(OpenError::NetworkRefused { .. })), "{error}");
    drop(second);
    let third = slot(1 << 20);
    gateway.write(b"y").unwrap();
    let record = third.receive().unwrap();
    assert_eq!((record.bytes(), record.origin()), (&b"y"[..], Some(&sue())));
}

fn strange_origins() {
    let slot = slot(1 << 20);
    let long = "x".repeat(256);
    for origin in [
        Origin::new("", "W", "sue", 1),
        Origin::new("A", "a\\b", "sue", 1),
        Origin::new("A", "W", "a\nb", 1),
        Origin::new("A", "W", long, 1),
    ] {
        let error = ForwardingWriter::open(NAME, &origin).unwrap_err();
        assert!(error.to_string().contains("stating the origin"), "{error}");
    }
    let remote = ForwardingWriter::open(r"\\JOE\mailslot\taxes\sue", &sue());
    assert!(remote.unwrap_err().to_string().contains("not a name on this computer"));
    assert!(slot.try_receive().is_err());
    MailslotWriter::open(NAME).unwrap().write(b"x").unwrap();
    assert_eq!(slot.receive().unwrap().bytes(), b"x");
}
