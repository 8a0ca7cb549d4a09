use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use rustix::net::{RecvFlags, recv};
use rustix::process::{Signal, kill_process};

use super::fork::{fork, wait};
use crate::{RegionError, SharedTable, set_peek_offset};

#[test]
fn words_are_seen_by_all_who_open_the_table() {
    let (table, fd) = SharedTable::create(1000).unwrap();
    let other = SharedTable::open(fd.as_fd(), 1000).unwrap();
    {
        let guard = table.lock().unwrap();
        assert!(!guard.recovered());
        assert_eq!(table.get(999), 0);
        table.set(0, 7);
        table.set(999, u64::MAX);
    }
    let _guard = other.lock().unwrap();
    assert_eq!((other.get(0), other.get(1), other.get(999)), (7, 0, u64::MAX));
}

#[test]
fn a_table_of_another_size_is_refused() {
    let (_table, fd) = SharedTable::create(10).unwrap();
    let refused = SharedTable::open(fd.as_fd(), 11);
    assert!(matches!(refused, Err(RegionError::Size { expected: 216, found: 208 })));
}

#[test]
#[should_panic(expected = "outside the table")]
fn words_end_with_the_table() {
    let (table, _fd) = SharedTable::create(10).unwrap();
    table.get(10);
}

#[test]
fn locking_twice_is_an_error() {
    let (table, _fd) = SharedTable::create(1).unwrap();
    let _guard = table.lock().unwrap();
    assert_eq!(table.lock().unwrap_err().raw_os_error(), Some(libc::EDEADLK));
}

#[test]
fn a_forgotten_guard_leaves_no_dangling_lock() {
    std::thread::spawn(|| {
        let (table, _fd) = SharedTable::create(1).unwrap();
        std::mem::forget(table.lock().unwrap());
        drop(table);
        // These walk through the list that the forgotten lock is in.
        for _ in 0..3 {
            let (table, _fd) = SharedTable::create(1).unwrap();
            let _guard = table.lock().unwrap();
            table.set(0, 1);
        }
    })
    .join()
    .unwrap();
}

#[test]
fn a_lock_survives_the_thread_that_held_it() {
    let (table, fd) = SharedTable::create(1).unwrap();
    std::thread::spawn(move || {
        let table = SharedTable::open(fd.as_fd(), 1).unwrap();
        let guard = table.lock().unwrap();
        table.set(0, 5);
        std::mem::forget(guard);
    })
    .join()
    .unwrap();
    let guard = table.lock().unwrap();
    assert!(guard.recovered());
    assert_eq!(table.get(0), 5);
}

#[test]
fn a_lock_survives_the_killing_of_its_owner() {
    let (table, _fd) = SharedTable::create(2).unwrap();
    let (here, there) = UnixDatagram::pair().unwrap();
    let child = fork(|| {
        let Ok(_guard) = table.lock() else { return 1 };
        table.set(0, 41);
        let _ = there.send(b"locked");
        loop {
            std::thread::park();
        }
    });
    here.recv(&mut [0; 8]).unwrap();
    kill_process(child, Signal::KILL).unwrap();
    {
        // The child may still be dying: waiting for the lock is part of the test.
        let guard = table.lock().unwrap();
        assert!(guard.recovered());
        assert_eq!(table.get(0), 41);
    }
    assert_eq!(wait(child).terminating_signal(), Some(libc::SIGKILL));
    assert!(!table.lock().unwrap().recovered(), "recovered once");
}

#[test]
fn processes_and_threads_take_turns() {
    const ROUNDS: u64 = 20_000;
    let (table, fd) = SharedTable::create(1).unwrap();
    let count = |table: &SharedTable| {
        for _ in 0..ROUNDS {
            let Ok(_guard) = table.lock() else { return 1 };
            table.set(0, table.get(0) + 1);
        }
        0
    };
    let child = fork(|| count(&table));
    let other = SharedTable::open(fd.as_fd(), 1).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| count(&table));
        scope.spawn(|| count(&other));
    });
    assert_eq!(wait(child).exit_status(), Some(0));
    assert_eq!(table.get(0), 3 * ROUNDS);
}

#[test]
fn peeking_goes_on_from_the_offset() {
    let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
    rustix::io::write(&here, b"abcdef").unwrap();
    let peek = || {
        let mut buffer = [0; 2];
        recv(&there, &mut buffer, RecvFlags::PEEK).unwrap();
        buffer
    };
    assert_eq!((&peek(), &peek()), (b"ab", b"ab"));
    set_peek_offset(there.as_fd(), 1).unwrap();
    assert_eq!((&peek(), &peek()), (b"bc", b"de"));
    set_peek_offset(there.as_fd(), 0).unwrap();
    assert_eq!(&peek(), b"ab");
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(set_peek_offset(file.as_fd(), 0).is_err());
}
