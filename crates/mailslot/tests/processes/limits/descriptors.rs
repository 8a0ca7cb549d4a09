//! Out of descriptors.

use std::collections::VecDeque;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mailslot::{Mailslot, MailslotWriter};
use rustix::process::Resource;

use super::{expect_advice, limited};
use crate::support::{
    NAME, PATIENCE, both_kinds, fork, inheritable_slot, names_in, number, rings, shared, slot,
    spawn, wait_for, wait_until, writer,
};

/// Runs `body` while this process may have `most` descriptors more than it has.
fn with_descriptors<T>(most: u64, body: impl FnOnce() -> T) -> T {
    let null = std::fs::File::open("/dev/null").unwrap();
    let free = null.as_raw_fd() as u64;
    drop(null);
    limited(Resource::Nofile, free + most, body)
}

pub(super) fn of_a_writer() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let accepted = &shared(1)[0];
        spawn(|| {
            let (mut unopened, mut unwritten) = (0, 0);
            for most in 0..8 {
                let opened = with_descriptors(most, || {
                    let mut writer = MailslotWriter::open(NAME)?;
                    for _ in 0..3 {
                        match writer.write(&accepted.load(Ordering::Acquire).to_le_bytes()) {
                            Ok(()) => drop(accepted.fetch_add(1, Ordering::AcqRel)),
                            Err(error) => {
                                expect_advice(&error, "ulimit -n");
                                unwritten += 1;
                            }
                        }
                    }
                    Ok::<_, mailslot::OpenError>(writer)
                });
                match opened {
                    Ok(mut writer) => {
                        writer.write(&accepted.load(Ordering::Acquire).to_le_bytes()).unwrap();
                        accepted.fetch_add(1, Ordering::AcqRel);
                    }
                    Err(error) => {
                        expect_advice(&error, "ulimit -n");
                        unopened += 1;
                    }
                }
            }
            assert!(unopened > 0 && unwritten > 0, "{unopened}, {unwritten}");
        })
        .finish();
        for n in 0..accepted.load(Ordering::Acquire) {
            assert_eq!(number(&slot.try_receive().unwrap()), n);
        }
        assert!(slot.try_receive().is_err(), "what was refused is not there");
    }
}

pub(super) fn of_a_creator() {
    for options in both_kinds() {
        let mut failures = 0;
        loop {
            match with_descriptors(failures, || options.create(NAME).map_err(Box::new)) {
                Ok(_) => break,
                Err(error) => expect_advice(&*error, "ulimit -n"),
            }
            failures += 1;
            assert!(failures < 30, "it needs no end of descriptors");
            let left = names_in(&mailslot::registry_root());
            assert!(left.is_empty(), "the attempt left {left:?}");
        }
        println!("{failures} attempts failed");
        assert!(failures > 3);
    }
}

/// Writers that have no room stay outside, with what they have written, until there is.
pub(super) fn of_a_reader() {
    const WRITERS: u64 = 30;
    for (options, private) in both_kinds().into_iter().zip([true, false]) {
        let slot = options.create(NAME).unwrap();
        let [written, over] = shared(2) else { panic!() };
        let writing = spawn(|| {
            let mut writers: Vec<_> = (0..WRITERS).map(|_| writer()).collect();
            for round in 0..4 {
                for (id, writer) in (0..WRITERS).zip(&mut writers) {
                    // The third record needs the ring that the second made.
                    writer.write(&(id << 32 | round).to_le_bytes()).unwrap();
                }
            }
            written.store(1, Ordering::Release);
            wait_for(over, 1);
        });
        wait_for(written, 1);
        let mut next = [0; WRITERS as usize];
        let mut read = |slot: &Mailslot, wait| match slot.receive_timeout(Some(wait)) {
            Ok(record) => {
                let (id, round) = (number(&record) >> 32, number(&record) & 0xffff_ffff);
                assert_eq!(round, next[id as usize], "of writer {id}");
                next[id as usize] += 1;
                true
            }
            Err(mailslot::ReadError::TimedOut { .. }) => false,
            Err(error) => panic!("{error}"),
        };
        let mut count = 0;
        with_descriptors(12, || {
            while read(&slot, Duration::from_millis(200)) {
                count += 1;
            }
        });
        println!("{count} records were read by few descriptors");
        // What an ordinary user's writers have sent and nobody has taken counts against the limit,
        // too, where a shared handle has to send what it takes on.
        let some = private || rustix::process::geteuid().is_root();
        assert!(count < 4 * WRITERS && (count > 0 || !some));
        while count < 4 * WRITERS {
            assert!(read(&slot, PATIENCE), "all come in when they can");
            count += 1;
        }
        over.store(1, Ordering::Release);
        writing.finish();
        assert!(slot.try_receive().is_err());
    }
}

/// However few descriptors it has, a reader reads new connections in the order in which they came:
/// a ring, which needs two, is not overtaken by one that needs fewer. That holds, too, behind writers
/// of one record that have gone, after which the reader accepts several at once.
pub(super) fn order_of_new_connections() {
    [0, 2, 40].into_iter().for_each(order_of_new_connections_behind);
}

fn order_of_new_connections_behind(gone: usize) {
    for most in 0..10 {
        for options in both_kinds() {
            let slot = options.create(NAME).unwrap();
            let [written, over] = shared(2) else { panic!() };
            let writing = spawn(|| {
                let mut open = Vec::new();
                let mut n = 0u64;
                for _ in 0..gone {
                    writer().write(&n.to_le_bytes()).unwrap();
                    n += 1;
                }
                for records in [3, 1, 3, 1, 1, 2] {
                    let mut writer = writer();
                    for _ in 0..records {
                        writer.write(&n.to_le_bytes()).unwrap();
                        n += 1;
                    }
                    open.push(writer);
                }
                written.store(n, Ordering::Release);
                wait_for(over, 1);
            });
            wait_for(written, 1);
            let total = written.load(Ordering::Acquire);
            let mut next = 0;
            let patience = Duration::from_millis(120);
            with_descriptors(most, || {
                while next < total && read_number(&slot, next, patience) {
                    next += 1;
                }
            });
            while next < total {
                assert!(read_number(&slot, next, PATIENCE), "all come in when they can");
                next += 1;
            }
            over.store(1, Ordering::Release);
            writing.finish();
        }
    }
}

/// Reads the next record, which must be this number. False if there is none.
#[track_caller]
fn read_number(slot: &Mailslot, expected: u64, wait: Duration) -> bool {
    match slot.receive_timeout(Some(wait)) {
        Ok(record) => {
            assert_eq!(number(&record), expected);
            true
        }
        Err(mailslot::ReadError::TimedOut { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Far more writers than a reader may have descriptors for: as long as few of them keep writing, all
/// are read, in the order of their writes.
pub(super) fn order_among_many() {
    /// Writers that have written once, and stay.
    const OPEN: u64 = 50;
    /// Records that nobody has read may be on as many sockets of a handle that is shared.
    const AHEAD: u64 = 5;
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let [written, read, over] = shared(3) else { panic!() };
        let writing = spawn(|| {
            let write = |writer: &mut MailslotWriter| {
                let n = written.load(Ordering::Acquire);
                wait_until("the reader's reading", || n < read.load(Ordering::Acquire) + AHEAD);
                writer.write(&n.to_le_bytes()).unwrap();
                written.store(n + 1, Ordering::Release);
            };
            let mut busy = writer();
            let mut open = VecDeque::new();
            for _ in 0..6 * OPEN {
                let mut new = writer();
                let silent = writer();
                write(&mut new);
                write(&mut busy);
                open.push_back((new, silent));
                if open.len() as u64 > OPEN
                    && let Some((mut old, mut silent)) = open.pop_front()
                {
                    // Its connection has been closed long since, or becomes a ring.
                    write(&mut old);
                    write(&mut silent);
                    write(&mut old);
                    write(&mut busy);
                }
            }
            over.store(1, Ordering::Release);
        });
        with_descriptors(30, || {
            let mut next = 0;
            while next < written.load(Ordering::Acquire) || over.load(Ordering::Acquire) == 0 {
                if read_number(&slot, next, Duration::from_millis(20)) {
                    next += 1;
                    read.store(next, Ordering::Release);
                }
            }
        });
        writing.finish();
    }
}

/// A second holder may have fewer descriptors than the first has taken in connections: those that are
/// silent now make room for those that go on, in order.
pub(super) fn a_holder_of_few() {
    const OPEN: u64 = 50;
    const AHEAD: u64 = 5;
    let slot = inheritable_slot(1 << 20);
    let handle = slot.to_fd().unwrap();
    let [read, over] = shared(2) else { panic!() };
    let writing = spawn(|| {
        let mut writers: VecDeque<_> = (0..OPEN).map(|_| writer()).collect();
        for n in 0..2 * OPEN {
            // The first holder is to have taken all of them in.
            let ahead = if n == OPEN { 0 } else { AHEAD };
            wait_until("the reader's reading", || n <= read.load(Ordering::Acquire) + ahead);
            let mut used = writers.pop_front().unwrap();
            used.write(&n.to_le_bytes()).unwrap();
            writers.push_back(used);
        }
        wait_for(over, 1);
    });
    for n in 0..OPEN - 1 {
        assert!(read_number(&slot, n, PATIENCE));
        read.store(n + 1, Ordering::Release);
    }
    let other = fork(|| {
        with_descriptors(30, || {
            let other = Mailslot::from_fd(handle.try_clone().unwrap()).unwrap();
            for n in OPEN - 1..2 * OPEN {
                assert!(read_number(&other, n, PATIENCE));
                read.store(n + 1, Ordering::Release);
            }
        });
    });
    other.finish();
    over.store(1, Ordering::Release);
    writing.finish();
}

/// Connections that have taken all descriptors, and then all need two more at once.
pub(super) fn rings_all_at_once() {
    const MOST: u64 = 20;
    for count in MOST - 6..MOST {
        let slot = slot(1 << 20);
        let [written, read, over] = shared(3) else { panic!() };
        let writing = spawn(|| {
            let mut writers: Vec<_> = (0..count).map(|_| writer()).collect();
            for n in 0..3 * count {
                let before = if n < count { 0 } else { count };
                wait_until("the reader's reading", || read.load(Ordering::Acquire) >= before);
                writers[(n % count) as usize].write(&n.to_le_bytes()).unwrap();
                written.store(n + 1, Ordering::Release);
            }
            wait_for(over, 1);
        });
        with_descriptors(MOST, || {
            for n in 0..3 * count {
                if n == count {
                    read.store(n, Ordering::Release);
                    wait_for(written, 3 * count);
                }
                assert!(read_number(&slot, n, PATIENCE));
            }
        });
        over.store(1, Ordering::Release);
        writing.finish();
        wait_until("their leaving", || {
            slot.try_receive().is_err() && rings(std::process::id()) == 0
        });
    }
}

/// A holder with no descriptors for a ring that another has taken in sees the end of its writer: what
/// is in the ring is still read.
pub(super) fn of_one_of_two_holders() {
    let slot = inheritable_slot(1 << 18);
    let handle = slot.to_fd().unwrap();
    let [seen, due] = shared(2) else { panic!() };
    let holder = fork(|| {
        let other = Mailslot::from_fd(handle).unwrap();
        let dup = |_| rustix::io::dup(std::io::stdin()).ok();
        let mut all: Vec<_> = (0..).map_while(dup).collect();
        // For the writer's socket.
        all.pop();
        for round in 1..4 {
            seen.store(round, Ordering::Release);
            wait_for(due, round);
            let _ = other.info();
        }
        seen.store(4, Ordering::Release);
    });
    let mut writer = writer();
    for n in 0..3u64 {
        writer.write(&n.to_le_bytes()).unwrap();
    }
    wait_for(seen, 1);
    assert_eq!(number(&slot.receive().unwrap()), 0);
    due.store(1, Ordering::Release);
    wait_for(seen, 2);
    drop(writer);
    due.store(3, Ordering::Release);
    wait_for(seen, 4);
    holder.finish();
    for n in 1..3 {
        assert_eq!(number(&slot.try_receive().unwrap()), n);
    }
}
