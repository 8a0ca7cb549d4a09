//! Datagrams that no honest writer sends.

use std::os::fd::AsFd;

use mailslot_wire::message::{self, INLINE_MAX};
use rustix::net::Shutdown;

use crate::raw::{Raw, Ring, bell, first_record, ring_bell};
use crate::siege::withstand;
use crate::support::{Case, Random};

pub(crate) const CASES: &[Case] = &[
    Case::new("messages::every_length", every_length),
    Case::new("messages::every_byte_of_the_header", every_byte_of_the_header),
    Case::new("messages::random", random),
    Case::new("messages::too_many", too_many),
    Case::new("messages::half_closed", half_closed),
];

fn every_length() {
    let read = withstand(|| {
        let around_the_largest = message::HEADER_LEN + INLINE_MAX - 3..;
        for len in (0..70).chain(around_the_largest.take(7)).chain([65_536, 150_000]) {
            for pattern in [0, 0xff] {
                let peer = Raw::connect();
                let _ = peer.send(&vec![pattern; len], &[]);
                peer.expect_to_be_thrown_out("a message of one byte repeated");
            }
            // What looks like a record is one, unless it is too long.
            let mut bytes = first_record(1, &[]);
            bytes.resize(len, 7);
            let peer = Raw::connect();
            let _ = peer.send(&bytes, &[]);
            if !(message::HEADER_LEN..=message::HEADER_LEN + INLINE_MAX).contains(&len) {
                peer.expect_to_be_thrown_out("a record of no lawful length");
            }
        }
    });
    assert_eq!(read, 2 * (70 - 16 + 4), "records of lawful lengths");
}

fn every_byte_of_the_header() {
    withstand(|| {
        let mut random = Random::new();
        for at in 0..message::ATTACH_LEN {
            for value in [0, 1, 2, 3, 0x7f, 0x80, 0xff, random.below(256) as u8] {
                let mut bytes = message::attach(18, 2, 2);
                bytes[at] = value;
                if at == 3 && value == 1 {
                    // A record.
                    continue;
                }
                let peer = Raw::connect();
                let _ = peer.send(&bytes, &[]);
                peer.expect_to_be_thrown_out("announcing a ring without one");
            }
        }
        for (base, growth, levels) in
            [(0, 0, 0), (6, 1, 2), (24, 6, 16), (38, 1, 2), (255, 255, 255), (18, 2, 4)]
        {
            let ring = Ring::new();
            let (far, _near) = bell();
            let peer = Raw::connect();
            let bytes = message::attach(base, growth, levels);
            let _ = peer.send(&bytes, &[ring.memory.as_fd(), far.as_fd()]);
            peer.expect_to_be_thrown_out("a ring of another shape");
        }
    });
}

fn random() {
    withstand(|| {
        let mut random = Random::new();
        for _ in 0..300 {
            let len = random.below(100) as usize;
            let mut bytes: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
            let lawful = random.below(len as u64 + 1).min(16) as usize;
            bytes[..lawful].copy_from_slice(&first_record(3, &[])[..lawful]);
            let peer = Raw::connect();
            for _ in 0..random.below(4) {
                let _ = peer.send(&bytes, &[]);
            }
        }
    });
}

/// Each of these may come once, and in this order.
fn too_many() {
    let read = withstand(|| {
        let record = first_record(1, b"once");
        for flood in [1, 300] {
            let peer = Raw::connect();
            for _ in 0..=flood {
                let _ = peer.send(&record, &[]);
            }
            peer.expect_to_be_thrown_out("a second record");

            let peer = Raw::connect();
            let ring = Ring::new();
            for _ in 0..=flood {
                let _bell = peer.attach(&ring);
            }
            peer.expect_to_be_thrown_out("a second ring");

            let (peer, mut ring) = (Raw::connect(), Ring::new());
            peer.send(&record, &[]).unwrap();
            let bell = peer.attach(&ring);
            ring.append(2, b"in order");
            ring.publish();
            ring_bell(&bell);
            ring.wait_until_read();
            for _ in 0..flood {
                let _ = peer.send(&record, &[]);
                let _ = peer.attach(&ring);
            }
            peer.expect_to_be_thrown_out("records behind a ring");
        }
    });
    assert!(read >= 2 * 2 * 2, "what came before is read");
}

fn half_closed() {
    let read = withstand(|| {
        for how in [Shutdown::Read, Shutdown::Write, Shutdown::Both] {
            let peer = Raw::connect();
            rustix::net::shutdown(&peer.socket, how).unwrap();
            let _ = peer.send(&first_record(1, b"?"), &[]);

            let peer = Raw::connect();
            peer.send(&first_record(1, b"a record"), &[]).unwrap();
            rustix::net::shutdown(&peer.socket, how).unwrap();

            let (peer, mut ring) = (Raw::connect(), Ring::new());
            let bell = peer.attach(&ring);
            rustix::net::shutdown(&peer.socket, how).unwrap();
            ring.append(1, b"a record");
            ring.publish();
            ring_bell(&bell);
            // It is read by what the reader sees first: that, or the end.
        }
    });
    assert!(read >= 2 * 3, "what was sent before the end is read");
}
