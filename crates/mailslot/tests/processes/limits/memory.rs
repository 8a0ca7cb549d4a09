//! Limits on address space and on the size of files.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mailslot::MailslotOptions;
use rustix::process::Resource;

use super::{expect_advice, limited};
use crate::support::{NAME, PATIENCE, both_kinds, names_in, shared, spawn, wait_for, writer};

/// Runs `body` while this process's addresses may grow by this much: enough for anything but a ring
/// of the default quota.
fn with_little_address_space<T>(body: impl FnOnce() -> T) -> T {
    const MORE: u64 = 64 << 20;
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    limited(Resource::As, pages * rustix::param::page_size() as u64 + MORE, body)
}

pub(super) fn address_space_of_a_writer() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        spawn(|| {
            let mut writer = writer();
            with_little_address_space(|| {
                writer.write(b"by the socket").unwrap();
                for _ in 0..3 {
                    expect_advice(&writer.write(b"by a ring").unwrap_err(), "ulimit -v");
                }
            });
            writer.write(b"there is room again").unwrap();
        })
        .finish();
        for expected in [&b"by the socket"[..], b"there is room again"] {
            assert_eq!(slot.try_receive().unwrap().bytes(), expected);
        }
        assert!(slot.try_receive().is_err());
    }
}

/// A ring that can't be mapped waits on its socket; its writer has been told that its records are
/// safe.
pub(super) fn address_space_of_a_reader() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let over = &shared(1)[0];
        let written = &shared(1)[0];
        let writing = spawn(|| {
            let mut writer = writer();
            for record in [b"one", b"two", b"six"] {
                writer.write(record).unwrap();
            }
            written.store(1, Ordering::Release);
            wait_for(over, 1);
        });
        wait_for(written, 1);
        with_little_address_space(|| {
            assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), b"one");
            let found = slot.receive_timeout(Some(Duration::from_millis(200)));
            assert!(matches!(found, Err(mailslot::ReadError::TimedOut { .. })), "{found:?}");
        });
        for expected in [b"two", b"six"] {
            assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), expected);
        }
        over.store(1, Ordering::Release);
        writing.finish();
    }
}

/// Creating needs little, and a record that is too large for the reader's memory stays.
pub(super) fn address_space_of_a_creator() {
    for options in both_kinds() {
        with_little_address_space(|| {
            let slot = options.create(NAME).unwrap();
            spawn(|| writer().write(b"a record").unwrap()).finish();
            assert_eq!(slot.try_receive().unwrap().bytes(), b"a record");
        });
    }
    let slot = MailslotOptions::new().quota(60 << 20).create(NAME).unwrap();
    let over = &shared(1)[0];
    let writing = spawn(|| {
        let mut writer = writer();
        writer.write(b"first").unwrap();
        writer.write(&vec![7; 60 << 20]).unwrap();
        over.store(1, Ordering::Release);
        wait_for(over, 2);
    });
    wait_for(over, 1);
    assert_eq!(slot.try_receive().unwrap().bytes(), b"first");
    assert_eq!(slot.info().unwrap().next_size, Some(60 << 20));
    with_little_address_space(|| {
        let _taken: Vec<u8> = Vec::with_capacity(40 << 20);
        expect_advice(&slot.try_receive().unwrap_err(), "making room for the record");
    });
    assert_eq!(slot.try_receive().unwrap().len(), 60 << 20);
    over.store(2, Ordering::Release);
    writing.finish();
}

/// Writing past the limit on the size of files would kill.
pub(super) fn file_sizes() {
    for options in both_kinds() {
        limited(Resource::Fsize, 10, || {
            expect_advice(&options.create(NAME).unwrap_err(), "ulimit -f");
        });
        let left = names_in(&mailslot::registry_root());
        assert!(left.is_empty(), "the attempt left {left:?}");
        let slot = options.create(NAME).unwrap();
        let mut writer = writer();
        limited(Resource::Fsize, 1 << 20, || {
            writer.write(b"by the socket").unwrap();
            expect_advice(&writer.write(b"by a ring").unwrap_err(), "ulimit -f");
            assert_eq!(slot.try_receive().unwrap().bytes(), b"by the socket");
        });
        writer.write(b"there is room again").unwrap();
        assert_eq!(slot.try_receive().unwrap().bytes(), b"there is room again");
    }
}
