//! Rings in which nothing is as it should be.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mailslot::MailslotOptions;
use mailslot_ring::Geometry;
use rustix::fs::{FallocateFlags, SealFlags};

use crate::raw::{JUMP, PAD, QUOTA, RECORD, Raw, Ring, memfd, ring_bell};
use crate::siege::{withstand, withstand_with};
use crate::support::{Case, Random, both_kinds};

pub(crate) const CASES: &[Case] = &[
    Case::new("rings::boundaries", boundaries),
    Case::new("rings::random", random),
    Case::new("rings::changing", changing),
    Case::new("rings::punched_and_extended", punched_and_extended),
    Case::new("rings::stamps", stamps),
    Case::new("rings::too_large_for_the_slot", too_large_for_the_slot),
    Case::new("rings::other_shapes", other_shapes),
];

const BASE: u64 = 1 << 18;

fn attached(ring: &Ring) -> (Raw, OwnedFd) {
    let peer = Raw::connect();
    let bell = peer.attach(ring);
    (peer, bell)
}

/// Values around which something changes.
fn edges() -> Vec<u64> {
    let around = [0, BASE, 2 * BASE, QUOTA, 1 << 32, 1 << 62, 1 << 63];
    let mut all: Vec<u64> = around
        .into_iter()
        .flat_map(|value: u64| {
            [-32, -16, -8, -1, 0, 1, 8, 16, 32].map(|d| value.wrapping_add_signed(d))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn boundaries() {
    withstand(|| {
        // The tail, over an empty ring: whatever it says, there is no record.
        for tail in edges().into_iter().filter(|&tail| tail != 0) {
            let ring = Ring::new();
            let (peer, bell) = attached(&ring);
            ring.tail().store(tail, Ordering::SeqCst);
            ring_bell(&bell);
            peer.expect_to_be_thrown_out("a tail without records");
        }
        // Heads of items, with room published behind them.
        let heads = edges().into_iter().flat_map(|value| [value, RECORD | value & 0xffff_ffff]);
        for head in heads.chain([PAD, PAD | 1, JUMP, JUMP | 1, JUMP | 2, JUMP | 0xffff_ffff]) {
            for tail in [16, 32, BASE, 2 * BASE] {
                let ring = Ring::new();
                ring.data(0).store(head, Ordering::SeqCst);
                ring.tail().store(tail, Ordering::SeqCst);
                let (_peer, bell) = attached(&ring);
                ring_bell(&bell);
            }
        }
        // The reader's own words.
        for value in edges() {
            let mut ring = Ring::new();
            let (_peer, bell) = attached(&ring);
            ring.head().store(value, Ordering::SeqCst);
            ring.append(1, b"a record");
            ring.publish();
            ring_bell(&bell);
            ring.head().store(value, Ordering::SeqCst);
        }
    });
}

fn random() {
    withstand(|| {
        let mut random = Random::new();
        for _ in 0..150 {
            let ring = Ring::new();
            let (_peer, bell) = attached(&ring);
            for at in 0..512 {
                let word = match random.below(6) {
                    0 => RECORD | random.below(64),
                    1 => RECORD | random.below(1 << 20),
                    2 => PAD,
                    3 => JUMP | random.below(4),
                    4 => random.below(u64::MAX),
                    _ => 0,
                };
                ring.data(at * 8).store(word, Ordering::Relaxed);
            }
            for _ in 0..5 {
                let tail = random.below(300) * 16;
                ring.tail().fetch_max(tail, Ordering::SeqCst);
                ring_bell(&bell);
            }
        }
    });
}

/// Everything changes under the reader's eyes, on several processors.
fn changing() {
    withstand(|| {
        let stop = AtomicBool::new(false);
        let chaos = |seed| {
            let mut random = Random::of(seed);
            while !stop.load(Ordering::Relaxed) {
                let mut ring = Ring::new();
                for n in 0..40 {
                    ring.append(n, &[n as u8; 24]);
                }
                let (peer, bell) = attached(&ring);
                ring.publish();
                let start = Instant::now();
                while !peer.is_closed() && start.elapsed() < Duration::from_millis(20) {
                    for _ in 0..500 {
                        let at = random.below(100) * 8;
                        let flip = random.below(u64::MAX) & random.below(u64::MAX);
                        match random.below(40) {
                            0 => ring.tail().fetch_add(16, Ordering::Relaxed),
                            1 => ring.head().swap(random.below(9) * 16, Ordering::Relaxed),
                            2 => ring.data(at).swap(flip, Ordering::Relaxed),
                            _ => ring.data(at).swap(RECORD | random.below(600), Ordering::Relaxed),
                        };
                    }
                    ring_bell(&bell);
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| chaos(1));
            scope.spawn(|| chaos(2));
            std::thread::sleep(Duration::from_millis(700));
            stop.store(true, Ordering::Relaxed);
        });
    });
}

/// The memory's file changes under the reader's eyes.
fn punched_and_extended() {
    withstand(|| {
        for _ in 0..20 {
            let mut ring = Ring::new();
            let len = ring.geometry.file_len();
            let (peer, bell) = attached(&ring);
            for n in 0..200 {
                ring.append(n, &[1; 1024]);
            }
            ring.publish();
            ring_bell(&bell);
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            for n in 1..100 {
                rustix::fs::fallocate(&ring.memory, hole, 65536, len - 65536).unwrap();
                let _ = rustix::fs::ftruncate(&ring.memory, len + n * 4096);
                assert!(rustix::fs::ftruncate(&ring.memory, len - 4096).is_err(), "sealed");
            }
            let _ = rustix::fs::fcntl_add_seals(&ring.memory, SealFlags::GROW | SealFlags::SEAL);
            drop(peer);
        }
    });
}

/// A forged stamp misplaces its own record only. The honest writer's order is looked at by
/// [`withstand`].
fn stamps() {
    let read = withstand(|| {
        for stamp in [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, i64::MAX as u64] {
            for round in 0..4 {
                let mut ring = Ring::new();
                let (_peer, bell) = attached(&ring);
                for n in 0..50 {
                    let stamp = if round == 3 && n % 2 == 0 { !stamp } else { stamp };
                    ring.append(stamp, b"misplace");
                    ring.publish();
                    ring_bell(&bell);
                    if round == 1 {
                        std::thread::yield_now();
                    }
                }
                ring.wait_until_read();
            }
        }
    });
    assert_eq!(read, 2 * 6 * 4 * 50, "all of them are read");
}

/// A record larger than the slot takes would stand in the way of the others for ever, where the
/// reader's buffer is as large as the slot's largest record.
fn too_large_for_the_slot() {
    for options in both_kinds() {
        let mut options: MailslotOptions = options;
        options.max_record_size(4000);
        withstand_with(options, || {
            for len in [4008, 5000, 65536, 200_000] {
                let mut ring = Ring::new();
                let (peer, bell) = attached(&ring);
                ring.append(1, &vec![1; len]);
                ring.publish();
                ring_bell(&bell);
                peer.expect_to_be_thrown_out("a record too large");
            }
        });
    }
}

/// A ring has the shape that the slot's quota asks for: one that is well made, but larger, smaller or
/// only described otherwise, is not taken.
fn other_shapes() {
    let right = Geometry::for_quota(QUOTA);
    let (base, growth, levels) = right.parts();
    let around = |value: u8, by: u8| value - by..=value + by;
    let shapes = around(base, 2)
        .flat_map(|base| around(growth, 1).map(move |growth| (base, growth)))
        .flat_map(|(base, growth)| (levels..levels + 3).map(move |levels| (base, growth, levels)))
        .filter(|&shape| shape != right.parts());
    let read = withstand(|| {
        for (base, growth, levels) in shapes.clone() {
            let geometry = Geometry::new(base, growth, levels).unwrap();
            let memory = memfd(geometry.file_len(), SealFlags::SHRINK);
            let mut ring = Ring::over(memory, geometry);
            ring.append(1, b"a record");
            ring.publish();
            let (peer, bell) = attached(&ring);
            ring_bell(&bell);
            peer.expect_to_be_thrown_out("a ring of another shape");
        }
        let mut ring = Ring::new();
        let (_peer, bell) = attached(&ring);
        ring.append(1, b"a record");
        ring.publish();
        ring_bell(&bell);
        ring.wait_until_read();
    });
    assert_eq!(read, 2, "what comes in the right shape is read");
}
