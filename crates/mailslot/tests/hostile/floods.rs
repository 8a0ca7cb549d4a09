//! Too much of what is allowed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mailslot::{MailslotWriter, OpenError, ReadError, WriteError};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::raw::{QUOTA, Raw, Ring, first_record, ring_bell};
use crate::siege::{assert_idle, drain, withstand};
use crate::support::{
    Case, NAME, PATIENCE, both_kinds, open_descriptors, shared, spawn, wait_for, wait_until, writer,
};

pub(crate) const CASES: &[Case] = &[
    // What an ordinary user has in flight in other cases counts against the limit here.
    Case::new("floods::silent_connections", silent_connections).alone(),
    Case::new("floods::bells", bells),
    Case::new("floods::bells_after_being_thrown_out", bells_after_being_thrown_out),
    Case::new("floods::records", records),
    Case::new("floods::forged_records", forged_records),
    Case::new("floods::connections_that_come_and_go", connections_that_come_and_go),
    Case::new("floods::one_record_each", one_record_each),
    Case::new("floods::room_for_one_who_never_listens", room_for_one_who_never_listens),
    Case::new("floods::a_full_queue", a_full_queue),
];

/// Sets this process's limit on descriptors.
pub(crate) fn allow_descriptors(most: u64) {
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) }).unwrap();
}

/// Thousands that say nothing, to a reader that may have few descriptors: who has something to say
/// gets through.
fn silent_connections() {
    allow_descriptors(60);
    withstand(|| {
        // As many at a time as a process may have.
        for _ in 0..60 {
            let peers: Vec<Raw> = (0..50).map(|_| Raw::connect()).collect();
            drop(peers);
        }
        let stubborn: Vec<Raw> = (0..50).map(|_| Raw::connect()).collect();
        let mut late = MailslotWriter::options().wait_when_full(PATIENCE).open(NAME).unwrap();
        late.write(b"said late").unwrap();
        wait_until("room being made", || stubborn.iter().any(Raw::is_closed));
    });
}

/// The bell rings on and on, and there is nothing.
fn bells() {
    withstand(|| {
        for _ in 0..3 {
            let ring = Ring::new();
            let peer = Raw::connect();
            let bell = peer.attach(&ring);
            let start = Instant::now();
            while !peer.is_closed() {
                ring_bell(&bell);
                assert!(start.elapsed() < PATIENCE, "nobody throws it out");
            }
        }
    });
}

fn bells_after_being_thrown_out() {
    for mut options in both_kinds() {
        let slot = options.quota(QUOTA).create(NAME).unwrap();
        let words = shared(1);
        let ringer = spawn(|| {
            let ring = Ring::new();
            let peer = Raw::connect();
            let (far, near) = crate::raw::bell();
            let descriptors = [&ring.memory, &far].map(std::os::fd::AsFd::as_fd);
            peer.send(&ring.announcement(), &descriptors).unwrap();
            while !peer.is_closed() {
                ring_bell(&near);
            }
            words[0].store(1, Ordering::Release);
            loop {
                // It still holds the other end, so that this goes on.
                ring_bell(&near);
                let _ = rustix::io::read(&far, &mut [0; 4096]);
                ring.tail().fetch_add(16, Ordering::Relaxed);
            }
        });
        while words[0].load(Ordering::Acquire) == 0 {
            let result = slot.receive_timeout(Some(Duration::from_millis(1)));
            assert!(matches!(result, Err(ReadError::TimedOut { .. })), "{result:?}");
        }
        assert_idle(&slot);
        ringer.kill();
    }
}

/// A writer like any other, only faster than the reader reads.
fn records() {
    let read = withstand(|| {
        let start = Instant::now();
        let (mut flooder, mut accepted) = (writer(), 0);
        while start.elapsed() < Duration::from_millis(700) || accepted <= 100 {
            for len in [0, 10, 1000] {
                match flooder.write(&vec![1; len]) {
                    Ok(()) => accepted += 1,
                    Err(WriteError::Full { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    assert!(read > 2 * 100, "the flood is read, too");
}

/// Records without end that all claim to be older than any.
fn forged_records() {
    let read = withstand(|| {
        let start = Instant::now();
        loop {
            let mut ring = Ring::new();
            let peer = Raw::connect();
            let bell = peer.attach(&ring);
            while (ring.tail().load(Ordering::Relaxed)) < 200_000 {
                ring.append(0, &[]);
                ring.publish();
            }
            ring_bell(&bell);
            wait_until("the reader's reading", || {
                ring.head().load(Ordering::Relaxed) >= 100_000 || peer.is_closed()
            });
            if start.elapsed() > Duration::from_millis(500) {
                break;
            }
        }
    });
    assert!(read > 1000, "the flood is read, too");
}

fn connections_that_come_and_go() {
    withstand(|| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(700) {
            for _ in 0..100 {
                drop(Raw::connect());
            }
            let (peer, ring) = (Raw::connect(), Ring::new());
            drop(peer.attach(&ring));
        }
    });
}

/// Connections that say something once and stay, or leave: more than there are descriptors, or
/// places in a handle that can be shared.
fn one_record_each() {
    allow_descriptors(300);
    let read = withstand(|| {
        for _ in 0..3 {
            let said = |n: u64| {
                let peer = Raw::connect();
                peer.send(&first_record(n, &[5; 3000]), &[]).unwrap();
                peer
            };
            drop((0..290).map(said).collect::<Vec<_>>());
            (0..300).map(said).for_each(drop);
        }
    });
    assert_eq!(read, 2 * 3 * 590, "each record is read");
}

/// It wants to be told of room, and never reads what it is told.
fn room_for_one_who_never_listens() {
    withstand(|| {
        for _ in 0..2 {
            let mut ring = Ring::new();
            let peer = Raw::connect();
            let bell = peer.attach(&ring);
            for n in 0..4000 {
                ring.wanted().store(1, Ordering::SeqCst);
                ring.append(n, &[0; 32]);
                ring.publish();
                ring_bell(&bell);
            }
            ring.wait_until_read();
            drop(peer);
        }
    });
}

/// Nobody reads, and the kernel's queue of connections is full of silent ones: opening says so at
/// once, and goes on when the reader does.
fn a_full_queue() {
    let slot = crate::support::slot(QUOTA);
    let before = open_descriptors();
    let words = shared(2);
    let squatters = spawn(|| {
        let peers: Vec<Raw> = (0..4000).map(|_| Raw::connect()).collect();
        words[0].store(peers.len() as u64, Ordering::Release);
        wait_for(&words[1], 1);
    });
    wait_for(&words[0], 4000);
    let more: Vec<_> = (0..200).map(|_| MailslotWriter::open(NAME)).collect();
    let refused = more.iter().filter(|result| matches!(result, Err(OpenError::Full(_)))).count();
    assert!(refused >= 100, "{refused} were refused");
    let lucky = more.into_iter().filter_map(Result::ok);
    for mut writer in lucky {
        writer.write(b"patience").unwrap();
    }
    assert!(drain(&slot) >= 50);
    writer().write(b"again").unwrap();
    assert_eq!(drain(&slot), 1);
    words[1].store(1, Ordering::Release);
    squatters.finish();
    wait_until("all being given back", || drain(&slot) == 0 && open_descriptors() == before);
}
