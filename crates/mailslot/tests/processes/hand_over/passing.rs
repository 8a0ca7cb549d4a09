//! How a handle gets to another process, and what both can do then.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mailslot::{HandleError, Mailslot, MailslotWriter, OpenError};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::support::{
    NAME, PATIENCE, Process, Role, check, fill, fork, inheritable_slot, number, open_descriptors,
    patient_writer, program, scale, shared, slot, spawn, wait_for, wait_until, writer,
};

pub(super) const ROLES: &[Role] = &[HEIR, NO_HEIR, MISLED];

/// A program that got a handle from its parent: prints the records until there is an empty one.
const HEIR: Role = ("hand_over::heir", || {
    let slot = Mailslot::inherited().unwrap().expect("a handle");
    loop {
        let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
        if record.is_empty() {
            break;
        }
        println!("{}", record.escape_ascii());
    }
    // It was given once; the descriptor it came by is closed, and its number may be another's.
    let taken = |error: HandleError| error.to_string().contains("taken already");
    assert!(Mailslot::inherited().is_err_and(taken));
    let number: i32 = std::env::var("MAILSLOT_HANDLE").unwrap().parse().unwrap();
    let mut handles: Vec<OwnedFd> = Vec::new();
    while handles.last().is_none_or(|handle| handle.as_raw_fd() < number) {
        handles.push(slot.to_fd().unwrap());
    }
    assert_eq!(handles.last().unwrap().as_raw_fd(), number);
    assert!(Mailslot::inherited().is_err_and(taken));
});

/// One that got none.
const NO_HEIR: Role = ("hand_over::no_heir", || {
    assert!(Mailslot::inherited().unwrap().is_none());
});

/// One that is said to have got a handle: prints why that is wrong.
const MISLED: Role = ("hand_over::misled", || {
    println!("{}", Mailslot::inherited().unwrap_err());
    // What isn't the handle is none of its business.
    assert!(rustix::io::fcntl_getfd(std::io::stdin()).is_ok());
});

/// The variable outlives what it names: a program that got it starts others.
pub(super) fn a_variable_for_another_process() {
    let cases = [
        ("soon", "is no descriptor"),
        ("-1", "is no descriptor that was passed on"),
        ("987654", "is no descriptor that was passed on"),
        ("0", "is another descriptor (it is no socket, as a read handle is)"),
    ];
    for (value, why) in cases {
        let mut command = program(MISLED.0);
        let child = command.env("MAILSLOT_HANDLE", value).stdin(Stdio::null()).output().unwrap();
        assert!(child.status.success(), "{child:?}");
        let expected = format!(
            "this is not the read handle of a mailslot: MAILSLOT_HANDLE={value} {why}; it was set for \
             another process, or its handle was taken already: remove the variable\n"
        );
        assert_eq!(String::from_utf8_lossy(&child.stdout), expected);
    }
}

pub(super) fn to_a_child() {
    let slot = inheritable_slot(1 << 20);
    let mut early = writer();
    early.write(b"one").unwrap();
    early.write(b"two").unwrap();
    assert_eq!(slot.receive().unwrap().bytes(), b"one");

    assert!(program(NO_HEIR.0).status().unwrap().success());
    let mut command = program(HEIR.0);
    slot.pass_to(&mut command).unwrap();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(command);
    drop(slot);
    // The child alone keeps the slot alive now, though it may not have begun.
    early.write(b"three").unwrap();
    let mut late = writer();
    late.write(b"four").unwrap();
    late.write(b"").unwrap();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(printed, "two\nthree\nfour\n");
    assert!(matches!(MailslotWriter::open(NAME), Err(OpenError::NoSuchSlot(_))));
}

fn send(socket: &UnixStream, descriptor: OwnedFd) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let data = [IoSlice::new(b"h")];
    rustix::net::sendmsg(socket, &data, &mut control, SendFlags::empty()).unwrap();
}

fn receive(socket: &UnixStream) -> OwnedFd {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    rustix::net::recvmsg(socket, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
    let found = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
        _ => None,
    });
    found.expect("a descriptor")
}

pub(super) fn over_a_socket() {
    // The reader first, or it would have copies of this process's handle, too.
    let (here, there) = UnixStream::pair().unwrap();
    let reader = fork(|| {
        let mut slot = Mailslot::from_fd(receive(&there)).unwrap();
        (&there).write_all(b"!").unwrap();
        assert!(slot.name().to_string().eq_ignore_ascii_case(NAME), "{}", slot.name());
        assert_eq!(slot.info().unwrap().quota, 1 << 20);
        for record in [&b"one"[..], b"two", b"three", b"four"] {
            assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), record);
            // And on: a handle of a handle.
            slot = Mailslot::from_fd(slot.to_fd().unwrap()).unwrap();
        }
    });
    let slot = inheritable_slot(1 << 20);
    let mut early = writer();
    early.write(b"one").unwrap();
    early.write(b"two").unwrap();
    send(&here, slot.to_fd().unwrap());
    drop(slot);
    (&here).read_exact(&mut [0]).unwrap();
    early.write(b"three").unwrap();
    writer().write(b"four").unwrap();
    reader.finish();
    assert!(mailslot::list().unwrap().is_empty());
}

pub(super) fn the_creator_is_killed() {
    for round in 0..40 {
        let state = shared(2);
        let (here, there) = UnixStream::pair().unwrap();
        let creator = fork(|| {
            let slot = inheritable_slot(1 << 20);
            state[0].store(1, Ordering::Release);
            if round % 2 == 0 {
                // It has read from the early writer, who has a ring.
                assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), b"early 0");
                assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), b"early 1");
            }
            send(&there, slot.to_fd().unwrap());
            wait_for(&state[1], 1);
        });
        wait_for(&state[0], 1);
        let mut early = writer();
        for n in 0..4 {
            early.write(format!("early {n}").as_bytes()).unwrap();
        }
        let mut idle = writer();
        let handle = receive(&here);
        // With a handle, or only with what will be one.
        let (slot, handle) = match round % 4 < 2 {
            true => (Some(Mailslot::from_fd(handle).unwrap()), None),
            false => (None, Some(handle)),
        };
        creator.kill();
        early.write(b"early 4").unwrap();
        writer().write(b"late").unwrap();
        idle.write(b"idle").unwrap();
        let slot = slot.unwrap_or_else(|| Mailslot::from_fd(handle.unwrap()).unwrap());
        let read = if round % 2 == 0 { 2 } else { 0 };
        for n in read..5 {
            let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(record.bytes(), format!("early {n}").as_bytes());
        }
        for expected in [&b"late"[..], b"idle"] {
            assert_eq!(slot.receive_timeout(Some(PATIENCE)).unwrap().bytes(), expected);
        }
        let listed = mailslot::list().unwrap();
        assert!(listed.len() == 1 && listed[0].alive);
        assert!(Mailslot::create(NAME).is_err(), "the name is taken");
        drop(slot);
        assert!(mailslot::list().unwrap().is_empty());
        // At the latest after a millisecond.
        wait_until("the end", || early.write(b"x").is_err());
    }
}

pub(super) fn what_is_no_handle() {
    let private = slot(1000);
    assert!(matches!(private.to_fd(), Err(HandleError::NotInheritable(_))));
    assert!(matches!(private.pass_to(&mut program("none")), Err(HandleError::NotInheritable(_))));
    let (stream, _other) = UnixStream::pair().unwrap();
    let (reading, _writing) = std::io::pipe().unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    for fd in [stream.into(), OwnedFd::from(reading), file.into()] {
        let error = Mailslot::from_fd(fd).unwrap_err();
        assert!(matches!(error, HandleError::NotAHandle(_)), "{error}");
        assert!(!error.to_string().contains("os error"), "{error}");
    }
}

pub(super) fn shared_time_out() {
    let one = inheritable_slot(1 << 20);
    one.set_timeout(Some(Duration::from_millis(5)));
    let two = Mailslot::from_fd(one.to_fd().unwrap()).unwrap();
    assert_eq!(two.timeout(), Some(Duration::from_millis(5)));
    fork(|| two.set_timeout(Some(Duration::from_millis(9)))).finish();
    assert_eq!(one.timeout(), Some(Duration::from_millis(9)));
    assert!(one.receive().is_err() && two.receive().is_err());
}

/// Four processes read what many write, each record exactly once, and nothing is left behind.
pub(super) fn side_by_side() {
    const WRITERS: u64 = 8;
    let each = 10_000 * scale();
    let descriptors = open_descriptors();
    let slot = inheritable_slot(256 * 1024);
    let found = shared((WRITERS * each) as usize);
    let total = &shared(1)[0];
    let holders: Vec<_> = (0..4)
        .map(|_| {
            let handle = slot.to_fd().unwrap();
            fork(move || {
                let slot = Mailslot::from_fd(handle).unwrap();
                let mut next = [0; WRITERS as usize];
                while total.load(Ordering::Acquire) < WRITERS * each {
                    let Ok(record) = slot.receive_timeout(Some(Duration::from_millis(5))) else {
                        continue;
                    };
                    let (id, n) = check(&record);
                    assert!(n >= next[id as usize], "{n} of writer {id}");
                    next[id as usize] = n + 1;
                    let before = found[(id * each + n) as usize].fetch_add(1, Ordering::AcqRel);
                    assert_eq!(before, 0, "record {n} of writer {id} came twice");
                    total.fetch_add(1, Ordering::AcqRel);
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|id| {
            spawn(move || {
                let (mut writer, mut bytes) = (patient_writer(), Vec::new());
                for n in 0..each {
                    fill(&mut bytes, id, n, 24 + (n * 7 % 500) as usize);
                    if id >= 6 && n % 100 == 0 {
                        writer = patient_writer();
                    }
                    writer.write(&bytes).unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(Process::finish);
    holders.into_iter().for_each(Process::finish);
    assert!(found.iter().all(|found| found.load(Ordering::Acquire) == 1));
    assert!(slot.try_receive().is_err());
    drop(slot);
    assert_eq!(open_descriptors(), descriptors);
}

/// A shared handle serves 200 writers at once; further ones wait their turn, and lose nothing.
pub(super) fn more_writers_than_places() {
    let slot = inheritable_slot(1 << 20);
    let state = shared(2);
    let writers: Vec<_> = (0..300u64)
        .map(|id| {
            let process = spawn(move || {
                let mut writer = writer();
                writer.write(&id.to_le_bytes()).unwrap();
                writer.write(&id.to_le_bytes()).unwrap();
                state[0].fetch_add(1, Ordering::AcqRel);
                wait_for(&state[1], 1);
            });
            wait_for(&state[0], id + 1);
            process
        })
        .collect();
    let mut seen = vec![0; 300];
    let mut read = |time| match slot.receive_timeout(Some(time)) {
        Ok(record) => {
            seen[number(&record) as usize] += 1;
            true
        }
        Err(_) => false,
    };
    while read(Duration::from_millis(100)) {}
    state[1].store(1, Ordering::Release);
    writers.into_iter().for_each(Process::finish);
    while read(Duration::from_millis(500)) {}
    assert!(seen.iter().all(|&count| count == 2), "{seen:?}");
}

/// Writers of one record each, more than there are places for, that have all left: none of them is
/// overlooked by a reader that doesn't wait, and their order stays.
pub(super) fn writers_that_left_first() {
    let slot = inheritable_slot(1 << 20);
    for n in 0..1000u64 {
        writer().write(&n.to_le_bytes()).unwrap();
    }
    for n in 0..1000 {
        assert_eq!(number(&slot.try_receive().unwrap()), n);
    }
    assert!(slot.try_receive().is_err());
}
