//! fork without exec.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use mailslot::{Mailslot, MailslotWriter, OpenError, ReadError, WriteError};

use crate::support::{
    Case, NAME, PATIENCE, Process, fork, inheritable_slot, number, outlive_parent, shared, slot,
    spawn, thread_sleeps, wait_for, wait_until, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("forks::a_slot_that_is_not_inheritable", a_slot_that_is_not_inheritable),
    Case::new("forks::an_inheritable_slot", an_inheritable_slot),
    Case::new("forks::the_child_reads_on", the_child_reads_on),
    Case::new("forks::a_writer", a_writer),
    Case::new("forks::while_a_thread_reads", while_a_thread_reads),
    Case::new("forks::over_and_over", over_and_over),
];

/// The child has no use of the handle, and does it no harm.
fn a_slot_that_is_not_inheritable() {
    let slot = slot(1 << 20);
    let mut kept = writer();
    for record in [&b"one"[..], b"two", b"three"] {
        kept.write(record).unwrap();
    }
    assert_eq!(slot.receive().unwrap().bytes(), b"one");
    let mut slot = Some(slot);
    fork(|| {
        let slot = slot.take().unwrap();
        for result in [slot.try_receive(), slot.receive(), slot.peek()] {
            assert!(matches!(result, Err(ReadError::Forked(_))), "{result:?}");
        }
        assert!(matches!(slot.info(), Err(ReadError::Forked(_))));
        drop(slot);
        assert_eq!(mailslot::list().unwrap().len(), 1);
        writer().write(b"the child's").unwrap();
    })
    .finish();
    let slot = slot.take().unwrap();
    assert_eq!(slot.receive().unwrap().bytes(), b"two");
    kept.write(b"four").unwrap();
    for record in [&b"three"[..], b"the child's", b"four"] {
        assert_eq!(slot.receive().unwrap().bytes(), record);
    }

    // A living child with copies of all descriptors doesn't keep the slot alive.
    let _child = fork(rustix::event::pause);
    drop(slot);
    thread::sleep(Duration::from_millis(1));
    assert!(matches!(kept.write(b"x"), Err(WriteError::SlotGone(_))));
    assert!(matches!(MailslotWriter::open(NAME), Err(OpenError::NoSuchSlot(_))));
    assert!(mailslot::list().unwrap().is_empty());
    drop(Mailslot::create(NAME).unwrap());
}

/// Parent and child read side by side.
fn an_inheritable_slot() {
    const COUNT: u64 = 20_000;
    let slot = inheritable_slot(1 << 20);
    let mut kept = writer();
    for n in 0..10u64 {
        kept.write(&n.to_le_bytes()).unwrap();
    }
    assert_eq!(number(&slot.receive().unwrap()), 0);
    let found = shared(COUNT as usize + 1);
    let read = |slot: &Mailslot| {
        let mut last = None;
        while found[COUNT as usize].load(Ordering::Acquire) < COUNT - 1 {
            if let Ok(record) = slot.receive_timeout(Some(Duration::from_millis(5))) {
                let n = number(&record);
                assert!(last < Some(n));
                last = Some(n);
                assert_eq!(found[n as usize].fetch_add(1, Ordering::AcqRel), 0, "{n} twice");
                found[COUNT as usize].fetch_add(1, Ordering::AcqRel);
            }
        }
    };
    let children: Vec<_> = (0..3).map(|_| fork(|| read(&slot))).collect();
    let writing = spawn(|| {
        let mut writer = writer();
        for n in 10..COUNT {
            writer.write_timeout(&n.to_le_bytes(), PATIENCE).unwrap();
        }
    });
    read(&slot);
    children.into_iter().for_each(Process::finish);
    writing.finish();
    assert!(slot.try_receive().is_err());
}

/// The parent, which created the slot, ends in some way; its child has the handle.
fn the_child_reads_on() {
    for kill in [true, false] {
        let state = shared(2);
        let parent = spawn(|| {
            let slot = inheritable_slot(1 << 20);
            let mut kept = writer();
            kept.write(b"before").unwrap();
            kept.write(b"before too").unwrap();
            std::mem::forget(fork(|| {
                outlive_parent();
                state[0].store(u64::from(std::process::id()), Ordering::Release);
                wait_for(&state[1], 1);
                for record in [&b"before"[..], b"before too", b"after"] {
                    let found = slot.receive_timeout(Some(PATIENCE)).unwrap();
                    assert_eq!(found.bytes(), record);
                }
                state[1].store(2, Ordering::Release);
                wait_for(&state[1], 3);
                drop(slot);
                state[1].store(4, Ordering::Release);
            }));
            // Until the child has seen to it that it may outlive this one.
            wait_for(&state[0], 1);
            if kill {
                rustix::event::pause();
            }
        });
        wait_for(&state[0], 1);
        if kill {
            parent.kill()
        } else {
            parent.finish()
        }
        let mut writer = writer();
        writer.write(b"after").unwrap();
        state[1].store(1, Ordering::Release);
        wait_for(&state[1], 2);
        assert_eq!(mailslot::list().unwrap().len(), 1);
        state[1].store(3, Ordering::Release);
        wait_for(&state[1], 4);
        assert!(mailslot::list().unwrap().is_empty());
        assert!(writer.write(b"x").is_err());
    }
}

/// A write handle in a forked child opens a connection of its own.
fn a_writer() {
    let slot = slot(1 << 20);
    for before in 0..3u64 {
        let mut shared_writer = writer();
        for n in 0..before {
            shared_writer.write(&n.to_le_bytes()).unwrap();
        }
        let mut writer = Some(shared_writer);
        let child = fork(|| {
            let mut writer = writer.take().unwrap();
            for n in 0..1000u64 {
                writer.write(&n.to_le_bytes()).unwrap();
            }
            drop(writer);
        });
        let (id, mut parent) = (child.id(), writer.take().unwrap());
        for n in before..1000 {
            parent.write(&n.to_le_bytes()).unwrap();
        }
        child.finish();
        parent.write(&1000u64.to_le_bytes()).unwrap();
        let mut next = [0, 0];
        for _ in 0..2001 {
            let record = slot.try_receive().unwrap();
            let own = usize::from(record.sender().pid == id);
            assert_eq!(number(&record), next[own]);
            next[own] += 1;
        }
        assert_eq!(next, [1001, 1000]);
    }
}

/// A child forked while a thread of the parent waits, which the child doesn't have.
fn while_a_thread_reads() {
    let slot = &inheritable_slot(1 << 20);
    thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let waiting = scope.spawn(move || {
            tell.send(rustix::thread::gettid()).unwrap();
            slot.receive_timeout(Some(PATIENCE))
        });
        let reader = told.recv().unwrap();
        for n in 0..20u64 {
            wait_until("the thread to sleep", || thread_sleeps(reader));
            let child = fork(|| {
                let found = slot.receive_timeout(Some(Duration::from_millis(n % 3)));
                assert!(matches!(found, Err(ReadError::TimedOut { .. })), "{found:?}");
            });
            child.finish();
            assert!(!waiting.is_finished());
        }
        writer().write(b"x").unwrap();
        assert_eq!(waiting.join().unwrap().unwrap().bytes(), b"x");
    });
}

/// Children of children, each of which reads one record more.
fn over_and_over() {
    let slot = inheritable_slot(1 << 20);
    let mut kept = writer();
    fn read_from(slot: &Mailslot, writer: &mut MailslotWriter, n: u64) {
        assert_eq!(number(&slot.receive_timeout(Some(PATIENCE)).unwrap()), n);
        if n < 20 {
            writer.write(&(n + 10).to_le_bytes()).unwrap();
            fork(|| read_from(slot, writer, n + 1)).finish();
        }
    }
    for n in 0..10u64 {
        kept.write(&n.to_le_bytes()).unwrap();
    }
    read_from(&slot, &mut kept, 0);
    for n in 21..30 {
        assert_eq!(number(&slot.try_receive().unwrap()), n);
    }
}
