//! The read handle as a descriptor that others poll.

use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use mailslot::{Mailslot, ReadError};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::{
    Case, NAME, PATIENCE, Random, both_kinds, fork, number, scale, shared, spawn, wait_for,
    wait_until, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("poll::readable_while_records_wait", readable_while_records_wait),
    Case::new("poll::writers_that_come_and_go", writers_that_come_and_go),
    Case::new("poll::wakes_for_each_record", wakes_for_each_record),
    Case::new("poll::epoll_in_another_thread", epoll_in_another_thread),
    Case::new("poll::in_a_forked_child", in_a_forked_child),
    Case::new("poll::two_holders", two_holders),
];

fn readable_within(slot: &Mailslot, time: Duration) -> bool {
    let fd = slot.as_fd();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let time = Timespec::try_from(time).unwrap();
    poll(&mut fds, Some(&time)).unwrap() > 0
}

fn readable(slot: &Mailslot) -> bool {
    readable_within(slot, Duration::ZERO)
}

fn readable_while_records_wait() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        assert!(!readable(&slot));
        let mut kept = writer();
        // The first on the socket, the others in a ring.
        for round in 0..200u64 {
            kept.write(b"one").unwrap();
            assert!(readable(&slot), "round {round}");
            assert!(readable(&slot), "it stays so");
            if round % 3 == 0 {
                slot.info().unwrap();
                slot.peek().unwrap();
                assert!(readable(&slot), "looking takes nothing");
                assert!(slot.read(&mut []).is_err());
                assert!(readable(&slot), "nor does a buffer too small");
            }
            kept.write(b"two").unwrap();
            let mut other = writer();
            other.write(b"three").unwrap();
            if round % 2 == 0 {
                other.write(b"four").unwrap();
            }
            let waiting = 3 + u64::from(round % 2 == 0);
            for left in (0..waiting).rev() {
                slot.try_receive().unwrap();
                assert_eq!(readable(&slot), left > 0, "round {round}, {left} left");
            }
            assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
            assert!(!readable(&slot));
            drop(other);
        }
    }
}

/// A new writer, or one that leaves, may wake whoever polls; then a look finds nothing, and it is
/// quiet again.
fn writers_that_come_and_go() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        for with_ring in [false, true] {
            let mut kept = writer();
            if with_ring {
                kept.write(b"one").unwrap();
                kept.write(b"two").unwrap();
                slot.receive().unwrap();
                slot.receive().unwrap();
            }
            assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
            assert!(!readable_within(&slot, Duration::from_millis(30)));
            drop(kept);
            assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
            assert!(!readable_within(&slot, Duration::from_millis(30)));
        }
    }
}

/// In turns with a writer: no record leaves the poller asleep, and none wakes it twice.
fn wakes_for_each_record() {
    let rounds = 5000 * scale();
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let turn = shared(1);
        let writing = spawn(|| {
            let (mut kept, mut random) = (writer(), Random::new());
            for n in 0..rounds {
                crate::support::yield_until(|| turn[0].load(Ordering::Acquire) > n);
                if random.below(8) == 0 {
                    thread::sleep(Duration::from_micros(random.below(200)));
                }
                kept.write(&n.to_le_bytes()).unwrap();
            }
        });
        let mut in_vain = 0;
        for n in 0..rounds {
            turn[0].store(n + 1, Ordering::Release);
            let record = loop {
                assert!(readable_within(&slot, PATIENCE), "record {n} wakes nobody");
                match slot.try_receive() {
                    Ok(record) => break record,
                    Err(ReadError::TimedOut { .. }) => in_vain += 1,
                    Err(other) => panic!("{other}"),
                }
            };
            assert_eq!(number(&record), n);
        }
        writing.finish();
        // The writer's arrival, and its first two records, which come by ways of their own.
        assert!(in_vain <= 3, "{in_vain} times readable without a record");
    }
}

fn epoll_in_another_thread() {
    let rounds = 20_000 * scale();
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let outer = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        epoll::add(&outer, &slot, EventData::new_u64(7), EventFlags::IN).unwrap();
        let writing = spawn(|| {
            let (mut kept, mut random) = (writer(), Random::new());
            for n in 0..rounds {
                match random.below(50) {
                    0 => thread::sleep(Duration::from_micros(random.below(200))),
                    1 => kept = writer(),
                    _ => {}
                }
                kept.write(&n.to_le_bytes()).unwrap();
            }
        });
        let mut random = Random::new();
        let mut next = 0;
        while next < rounds {
            let mut events = [MaybeUninit::uninit(); 4];
            let time = Timespec::try_from(PATIENCE).unwrap();
            let (events, _) = epoll::wait(&outer, &mut events, Some(&time)).unwrap();
            assert_eq!(events.len(), 1, "record {next} wakes nobody");
            assert_eq!({ events[0].data }.u64(), 7);
            // Some of what is there, perhaps all.
            for _ in 0..random.below(6) {
                match slot.try_receive() {
                    Ok(record) => assert_eq!(number(&record), next),
                    Err(ReadError::TimedOut { .. }) => break,
                    Err(other) => panic!("{other}"),
                }
                next += 1;
            }
        }
        writing.finish();
    }
}

fn in_a_forked_child() {
    let slot = crate::support::inheritable_slot(1 << 20);
    assert!(!readable(&slot));
    let state = shared(1);
    let child = fork(|| {
        // The old descriptor is the parent's, too: the child's first look makes it one of its own.
        assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
        assert!(!readable(&slot));
        state[0].store(1, Ordering::Release);
        // A writer that connects shows for a moment, too.
        let record = loop {
            assert!(readable_within(&slot, PATIENCE));
            if let Ok(record) = slot.try_receive() {
                break record;
            }
        };
        assert_eq!(record.bytes(), b"for the child");
        // So does one that leaves, until the next look.
        wait_until("quiet", || {
            assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
            !readable(&slot)
        });
    });
    wait_for(&state[0], 1);
    writer().write(b"for the child").unwrap();
    child.finish();
    assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
    assert!(!readable(&slot));
    writer().write(b"for the parent").unwrap();
    assert!(readable(&slot));
    assert_eq!(slot.try_receive().unwrap().bytes(), b"for the parent");
}

/// What one holder takes makes the other's descriptor quiet again, once it has looked.
fn two_holders() {
    let one = crate::support::inheritable_slot(1 << 20);
    let two = Mailslot::from_fd(one.to_fd().unwrap()).unwrap();
    let mut kept = writer();
    for round in 0..200 {
        kept.write(b"x").unwrap();
        kept.write(b"y").unwrap();
        assert!(readable_within(&one, PATIENCE) && readable_within(&two, PATIENCE));
        let (reader, other) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        assert_eq!(reader.try_receive().unwrap().bytes(), b"x");
        assert!(readable_within(other, PATIENCE), "one is left");
        assert_eq!(other.try_receive().unwrap().bytes(), b"y");
        for slot in [reader, other] {
            assert!(matches!(slot.try_receive(), Err(ReadError::TimedOut { .. })));
            assert!(!readable(slot));
        }
    }
}
