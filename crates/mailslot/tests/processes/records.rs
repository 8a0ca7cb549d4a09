//! Records of all sizes, and what a handle says about them.

use std::io::IoSlice;
use std::time::{Duration, Instant, SystemTime};

use mailslot::{CreateError, Mailslot, ReadError, WriteError};

use crate::support::{
    Case, NAME, PATIENCE, Role, both_kinds, open_descriptors, program, rings, shared, slot, spawn,
    wait_for, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("records::sizes", sizes),
    Case::new("records::huge", huge),
    Case::new("records::a_buffer_too_small", a_buffer_too_small),
    Case::new("records::sender_and_time", sender_and_time),
    Case::new("records::senders_that_have_gone", senders_that_have_gone),
    Case::new("records::peek_and_info", peek_and_info),
    Case::new("records::the_largest_allowed", the_largest_allowed),
    Case::new("records::the_quota", the_quota),
    Case::new("records::waiting_for_room", waiting_for_room),
    Case::new("records::no_writer_reads", no_writer_reads),
];

/// Lengths around what matters inside: an empty record, a head, a page, the largest on the socket,
/// the first levels of a ring.
fn lengths() -> impl Iterator<Item = usize> {
    let around = [16, 4096, 32 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024];
    (0..3).chain(around.into_iter().flat_map(|n: usize| n.saturating_sub(33)..n + 34))
}

fn content(len: usize) -> Vec<u8> {
    repeated((0..251u8).map(|at| at.wrapping_add(len as u8)), len)
}

/// The pattern over and over. Byte by byte would take long in a build that is not optimized.
fn repeated(pattern: impl Iterator<Item = u8>, len: usize) -> Vec<u8> {
    let pattern: Vec<u8> = pattern.collect();
    let mut bytes = pattern.repeat(len.div_ceil(pattern.len()));
    bytes.truncate(len);
    bytes
}

fn sizes() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        // By one handle; then each by a new handle, as its first record.
        let writing = spawn(|| {
            let patience = PATIENCE;
            let mut one = writer();
            lengths().for_each(|len| one.write_timeout(&content(len), patience).unwrap());
            for len in lengths() {
                let mut first = writer();
                let bytes = content(len);
                let (start, end) = bytes.split_at(len / 3);
                let parts = [start, &[], end].map(IoSlice::new);
                first.write_vectored(&parts).unwrap();
            }
        });
        for len in lengths().chain(lengths()) {
            let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
            let found = record.len();
            assert!(record.bytes() == content(len), "{found} bytes instead of {len}");
        }
        writing.finish();
        assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
    }
}

fn huge() {
    const LEN: usize = 64 << 20;
    for options in both_kinds() {
        // The default quota: each fits when the one before has been read.
        let slot = options.create(NAME).unwrap();
        // Of a length that no power of two is a multiple of.
        let noise = (0..100_003u64).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8);
        let bytes = repeated(noise, LEN);
        let writing = spawn(|| {
            let mut writer = writer();
            for _ in 0..3 {
                writer.write_timeout(&bytes, PATIENCE).unwrap();
            }
            let found = writer.try_write(&[&bytes[..], b"x"].concat());
            assert!(matches!(found, Err(WriteError::TooLarge { .. })), "{found:?}");
        });
        let mut buffer = vec![0; LEN];
        for _ in 0..3 {
            assert_eq!(slot.read_timeout(&mut buffer, Some(PATIENCE)).unwrap(), LEN);
            assert!(buffer == bytes, "the bytes of a huge record");
        }
        writing.finish();
    }
}

fn a_buffer_too_small() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let mut writer = writer();
        for record in [&b"inline"[..], b"in a ring", b"", b"last"] {
            writer.write(record).unwrap();
        }
        for expected in [&b"inline"[..], b"in a ring", b"", b"last"] {
            for given in 0..expected.len() {
                let mut small = vec![7; given];
                let found = slot.read(&mut small);
                let Err(ReadError::BufferTooSmall { needed, given: told, .. }) = found else {
                    panic!("{found:?}");
                };
                assert_eq!((needed, told), (expected.len(), given));
                assert_eq!(small, vec![7; given], "the buffer is as it was");
            }
            let mut buffer = [7; 10];
            assert_eq!(slot.read(&mut buffer).unwrap(), expected.len());
            assert_eq!(&buffer[..expected.len()], expected);
            assert!(buffer[expected.len()..].iter().all(|&byte| byte == 7));
        }
        assert!(matches!(slot.try_read(&mut []), Err(ReadError::TimedOut { .. })));
    }
}

/// More than the reader keeps the sockets of.
fn senders_that_have_gone() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        for _ in 0..150 {
            spawn(|| writer().write(&std::process::id().to_le_bytes()).unwrap()).finish();
        }
        for _ in 0..150 {
            let record = slot.try_receive().unwrap();
            assert_eq!(record.bytes(), record.sender().pid.to_le_bytes());
            assert_eq!(record.sender().uid, rustix::process::geteuid().as_raw());
        }
        assert!(slot.try_receive().is_err());
    }
}

fn sender_and_time() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let before = SystemTime::now();
        let processes: Vec<_> = (0..3)
            .map(|n| {
                let process = spawn(move || {
                    let mut writer = writer();
                    for _ in 0..=n {
                        writer.write(b"x").unwrap();
                    }
                });
                let id = process.id();
                process.finish();
                (id, n + 1)
            })
            .collect();
        let after = SystemTime::now();
        std::thread::sleep(Duration::from_millis(20));
        for (id, count) in processes {
            for _ in 0..count {
                let start = Instant::now();
                let record = slot.try_receive().unwrap();
                // Two clocks are looked at, perhaps with others at work between.
                let slack = Duration::from_millis(5) + start.elapsed();
                let sender = record.sender();
                assert_eq!(sender.pid, id);
                assert_eq!(sender.uid, rustix::process::geteuid().as_raw());
                assert_eq!(sender.gid, rustix::process::getegid().as_raw());
                assert!(record.written() + slack >= before && record.written() <= after + slack);
            }
        }
    }
}

fn peek_and_info() {
    for mut options in both_kinds() {
        options.max_record_size(1000).read_timeout(Some(Duration::from_millis(7)));
        let slot = options.create(NAME).unwrap();
        assert!(matches!(slot.peek(), Err(ReadError::TimedOut { .. })));
        let info = slot.info().unwrap();
        assert_eq!((info.next_size, info.waiting, info.waiting_bytes), (None, 0, 0));
        assert_eq!((info.max_record_size, info.quota), (1000, mailslot::DEFAULT_QUOTA));
        assert_eq!(info.read_timeout, Some(Duration::from_millis(7)));

        let (mut one, mut two) = (writer(), writer());
        let mut lens = Vec::new();
        for len in 0..40 {
            (if len % 3 == 0 { &mut one } else { &mut two }).write(&content(len)).unwrap();
            lens.push(len);
            if len % 5 == 4 {
                let len = lens.remove(0);
                assert_eq!(slot.peek().unwrap().bytes(), content(len));
                assert_eq!(slot.receive().unwrap().bytes(), content(len));
            }
            let info = slot.info().unwrap();
            let bytes: usize = lens.iter().sum();
            assert_eq!(info.next_size, lens.first().copied());
            assert_eq!((info.waiting, info.waiting_bytes), (lens.len() as u64, bytes as u64));
        }
        assert_eq!(slot.records().map(|record| record.unwrap().len()).collect::<Vec<_>>(), lens);
    }
}

fn the_largest_allowed() {
    for max in [1, 100, 60_000, 300_000] {
        for mut options in both_kinds() {
            let slot = options.max_record_size(max).create(NAME).unwrap();
            let len = max as usize;
            for first in [true, false] {
                let mut writer = writer();
                assert_eq!(writer.max_record_size(), max);
                if !first {
                    writer.write(b"x").unwrap();
                    assert_eq!(slot.receive().unwrap().len(), 1);
                }
                let found = writer.write(&content(len + 1));
                let Err(WriteError::TooLarge { len: told, max: allowed, .. }) = found else {
                    panic!("{found:?}");
                };
                assert_eq!((told, allowed), (u64::from(max) + 1, u64::from(max)));
                writer.write(&content(len)).unwrap();
                assert_eq!(slot.receive().unwrap().bytes(), content(len));
            }
            assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
        }
    }
}

/// What the documentation of the quota promises: a record is taken if it and what the waiting ones
/// take is within the quota, and nothing of a refused one is queued.
fn the_quota() {
    const QUOTA: u64 = 100_000;
    for mut options in both_kinds() {
        let slot = options.quota(QUOTA).create(NAME).unwrap();
        for len in [0, 1, 17, 100, 1000, 9000] {
            let mut writer = writer();
            let start = Instant::now();
            let mut count = 0;
            let full = loop {
                match writer.write(&content(len)) {
                    Ok(()) => count += 1,
                    Err(error) => break error,
                }
            };
            assert!(matches!(full, WriteError::Full { quota: QUOTA, .. }), "{full}");
            assert!(start.elapsed() < PATIENCE);
            let (least, most) =
                ((QUOTA - len as u64) / (len as u64 + 31), QUOTA / (len as u64 + 16));
            assert!((least..=most + 2).contains(&count), "{count} of {len} bytes");
            assert_eq!(slot.info().unwrap().waiting, count);
            // Another writer has a quota of its own.
            let mut other = crate::support::writer();
            other.write(b"first").unwrap();
            other.write(b"other").unwrap();
            for _ in 0..count {
                assert_eq!(slot.try_receive().unwrap().bytes(), content(len));
            }
            assert_eq!(slot.try_receive().unwrap().bytes(), b"first");
            assert_eq!(slot.try_receive().unwrap().bytes(), b"other");
            assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
            writer.write(b"there is room again").unwrap();
            assert_eq!(slot.receive().unwrap().bytes(), b"there is room again");
        }
    }
}

fn waiting_for_room() {
    for mut options in both_kinds() {
        let slot = options.quota(50_000).create(NAME).unwrap();
        let state = shared(2);
        let writing = spawn(|| {
            let mut writer = writer();
            let record = content(10_000);
            while writer.write(&record).is_ok() {
                state[1].fetch_add(1, std::sync::atomic::Ordering::AcqRel);
            }
            let (start, wait) = (Instant::now(), Duration::from_millis(60));
            let found = writer.write_timeout(&record, wait);
            assert!(matches!(found, Err(WriteError::Full { .. })), "{found:?}");
            assert!(start.elapsed() >= wait);
            state[0].store(1, std::sync::atomic::Ordering::Release);
            writer.write_timeout(&record, PATIENCE).unwrap();
            state[0].store(2, std::sync::atomic::Ordering::Release);
            wait_for(&state[1], u64::MAX);
            // Its reader ends while it waits.
            while writer.write(&record).is_ok() {}
            state[0].store(3, std::sync::atomic::Ordering::Release);
            let found = writer.write_timeout(&record, PATIENCE);
            assert!(matches!(found, Err(WriteError::SlotGone(_))), "{found:?}");
        });
        wait_for(&state[0], 1);
        // It is asleep by now, or will find room.
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(slot.receive().unwrap().len(), 10_000);
        // The room is released when the reader looks for more.
        let waiting = slot.info().unwrap().waiting;
        assert!(waiting >= state[1].load(std::sync::atomic::Ordering::Acquire) - 1);
        let mut left = 0;
        while state[0].load(std::sync::atomic::Ordering::Acquire) < 2 {
            left += u64::from(slot.receive_timeout(Some(Duration::from_millis(5))).is_ok());
        }
        assert!(left <= waiting + 1);
        while slot.try_receive().is_ok() {}
        state[1].store(u64::MAX, std::sync::atomic::Ordering::Release);
        wait_for(&state[0], 3);
        std::thread::sleep(Duration::from_millis(30));
        drop(slot);
        writing.finish();
    }
}

/// A program that may write to a slot is given no memory but its own, and no way to read.
fn no_writer_reads() {
    let slot = slot(1 << 20);
    let mut secret = writer();
    secret.write(b"secret").unwrap();
    secret.write(b"secret too").unwrap();
    let mut stranger = program(STRANGER.0).spawn().unwrap();
    assert!(stranger.wait().unwrap().success());
    for record in [&b"secret"[..], b"secret too", b"mine", b"mine too"] {
        assert_eq!(slot.receive().unwrap().bytes(), record);
    }
}

const STRANGER: Role = ("records::stranger", || {
    let descriptors = open_descriptors();
    let mut writer = writer();
    writer.write(b"mine").unwrap();
    writer.write(b"mine too").unwrap();
    assert_eq!(rings(std::process::id()), 1);
    assert!(open_descriptors() <= descriptors + 3);
    let found = Mailslot::create(NAME);
    assert!(matches!(found, Err(CreateError::AlreadyExists { .. })), "{found:?}");
});

pub(crate) const ROLES: &[Role] = &[STRANGER];
