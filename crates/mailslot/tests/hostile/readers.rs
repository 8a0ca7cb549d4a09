//! Readers that are no mailslots, or hostile ones: no writer waits for them, or fails otherwise than
//! with an error.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mailslot::{MailslotWriter, OpenError, WriteError};
use mailslot_ring::Geometry;
use mailslot_wire::message::Message;
use rustix::fs::OFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, Shutdown,
    SocketAddrUnix, SocketFlags, SocketType,
};

use crate::raw::{Ring, directory_of};
use crate::siege::at_once;
use crate::support::{Case, NAME, Process, Random, fork, shared, wait_for};

pub(crate) const CASES: &[Case] = &[
    Case::new("readers::never_accepts", never_accepts),
    Case::new("readers::closes_at_once", closes_at_once),
    Case::new("readers::half_closes", half_closes),
    Case::new("readers::says_on_and_on_that_there_is_room", says_on_and_on_that_there_is_room),
    Case::new("readers::stops_the_bell", stops_the_bell),
    Case::new("readers::moves_its_position", moves_its_position),
    Case::new("readers::strange_addresses", strange_addresses),
    Case::new("readers::strange_sockets", strange_sockets),
];

/// A slot made by hand, whose socket was bound to the address of a slot with `limits`.
struct Fake {
    listener: OwnedFd,
    dir: PathBuf,
}

const LIMITS: &str = "m0-q10000";

impl Fake {
    fn new(limits: &str, kind: SocketType, backlog: i32) -> Self {
        let root = mailslot::registry_root();
        let private = root.join(format!(".mailslot-1-00000000deadbeef-{limits}"));
        std::fs::create_dir(&private).unwrap();
        let flags = SocketFlags::CLOEXEC;
        let listener = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None).unwrap();
        let address = SocketAddrUnix::new(private.join("s")).unwrap();
        rustix::net::bind(&listener, &address).unwrap();
        rustix::net::listen(&listener, backlog).unwrap();
        let dir = directory_of(NAME);
        std::fs::rename(private, &dir).unwrap();
        Self { listener, dir }
    }

    fn accept(&self) -> OwnedFd {
        rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC).unwrap()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The attacker's side of a ring.
struct Attached {
    socket: OwnedFd,
    ring: Ring,
    bell: OwnedFd,
}

/// Takes what an honest writer sends: its first record, then its ring.
fn take_ring(socket: OwnedFd) -> Attached {
    loop {
        let mut bytes = [0; 40_000];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let len = rustix::net::recvmsg(&socket, &mut parts, &mut control, flags).unwrap().bytes;
        let mut rights: Vec<OwnedFd> = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(found) = part {
                rights.extend(found);
            }
        }
        if let Message::Attach { base_shift, growth_shift, levels } =
            Message::parse(&bytes[..len]).unwrap()
        {
            let geometry = Geometry::new(base_shift, growth_shift, levels).unwrap();
            let [memory, bell] = <[OwnedFd; 2]>::try_from(rights).unwrap();
            return Attached { ring: Ring::over(memory, geometry), socket, bell };
        }
    }
}

/// Lets an honest writer meet a reader that does `mischief` with its ring, until told to stop.
fn meet(mischief: impl Fn(&Attached, &dyn Fn() -> bool), writes: impl FnOnce(&mut MailslotWriter)) {
    let words = shared(2);
    let stop = || words[1].load(Ordering::Acquire) != 0;
    let fake = Fake::new(LIMITS, SocketType::SEQPACKET, 16);
    let reader: Process = fork(|| {
        let attached = take_ring(fake.accept());
        words[0].store(1, Ordering::Release);
        mischief(&attached, &stop);
        while !stop() {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let mut writer = MailslotWriter::open(NAME).unwrap();
    writer.write(b"first").unwrap();
    // The mischief may already have begun.
    let _ = writer.write(b"second");
    wait_for(&words[0], 1);
    writes(&mut writer);
    words[1].store(1, Ordering::Release);
    reader.finish();
}

fn never_accepts() {
    let _fake = Fake::new(LIMITS, SocketType::SEQPACKET, 2);
    let mut opened = Vec::new();
    let refused = loop {
        match at_once("opening", || MailslotWriter::open(NAME)) {
            Ok(writer) => opened.push(writer),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, OpenError::Full(_)), "{refused}");
    let start = Instant::now();
    let patience = Duration::from_millis(100);
    let late = MailslotWriter::options().wait_when_full(patience).open(NAME);
    assert!(matches!(late, Err(OpenError::Full(_))), "{late:?}");
    assert!(start.elapsed() >= patience);
    for writer in &mut opened {
        let full = at_once("filling it", || {
            (0..100_000).find_map(|_| writer.write(&[1; 1000]).err()).expect("a limit")
        });
        assert!(matches!(full, WriteError::Full { .. }), "{full}");
        let full = at_once("waiting", || writer.write_timeout(&[1; 1000], patience).unwrap_err());
        assert!(matches!(full, WriteError::Full { .. }), "{full}");
        // What is larger than datagrams and than the quota.
        assert!(at_once("too much", || writer.write(&[1; 70_000])).is_err());
    }
}

fn closes_at_once() {
    let words = shared(1);
    let fake = Fake::new(LIMITS, SocketType::SEQPACKET, 16);
    let closing = fork(|| {
        loop {
            drop(fake.accept());
            words[0].fetch_add(1, Ordering::Release);
        }
    });
    let mut errors = 0;
    for _ in 0..20 {
        if let Ok(mut writer) = MailslotWriter::open(NAME) {
            for len in [1, 1, 50_000, 1] {
                let bytes = vec![1; len];
                errors += u64::from(at_once("a write", || writer.write(&bytes)).is_err());
                let patience = Duration::from_millis(10);
                let result = at_once("a patient one", || writer.write_timeout(&bytes, patience));
                errors += u64::from(result.is_err());
            }
        }
    }
    assert!(errors > 0, "nobody took anything");
    closing.kill();
}

fn half_closes() {
    for how in [Shutdown::Write, Shutdown::Read, Shutdown::Both] {
        meet(
            |attached, _| rustix::net::shutdown(&attached.socket, how).unwrap(),
            |writer| {
                let mut errors = 0;
                for _ in 0..2000 {
                    let patience = Duration::from_millis(1);
                    errors += u64::from(writer.write_timeout(&[1; 1000], patience).is_err());
                    if errors > 3 {
                        break;
                    }
                }
                assert!(errors > 0, "its quota is used up, at least");
            },
        );
    }
}

fn says_on_and_on_that_there_is_room() {
    for message in [&b""[..], b"\x01", &[1; 100]] {
        meet(
            |attached, stop| {
                while !stop() {
                    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                    let _ = rustix::net::send(&attached.socket, message, flags);
                }
            },
            |writer| {
                while writer.write(&[1; 1000]).is_ok() {}
                for _ in 0..3 {
                    let patience = Duration::from_millis(30);
                    let result = at_once("waiting", || writer.write_timeout(&[1; 1000], patience));
                    let full = result.unwrap_err();
                    assert!(matches!(full, WriteError::Full { .. }), "{full}");
                }
            },
        );
    }
}

/// The reader has the other end of the bell: with it, it can't make the writer wait.
fn stops_the_bell() {
    meet(
        |attached, stop| {
            let bell = &attached.bell;
            rustix::fs::fcntl_setfl(bell, OFlags::empty()).unwrap();
            let path = format!("/proc/self/fd/{}", bell.as_raw_fd());
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let other_end = rustix::fs::open(path, flags, rustix::fs::Mode::empty()).unwrap();
            let mut turn = 0;
            while !stop() {
                // Full, empty, or taken out from under the writer's hands.
                let _ = rustix::io::write(&other_end, &[0; 65536]);
                if turn % 3 == 0 {
                    let _ = rustix::pipe::fcntl_setpipe_size(bell, 4096 << (turn % 5));
                }
                attached.ring.armed().store(1, Ordering::SeqCst);
                turn += 1;
            }
        },
        |writer| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(700) {
                // Full ones, too: each finds the reader asleep, by its word.
                let result = at_once("a write", || writer.write(b""));
                assert!(matches!(result, Ok(()) | Err(WriteError::Full { .. })), "{result:?}");
            }
        },
    );
}

fn moves_its_position() {
    for head in
        [1, 8, 15, 16, 17, 1 << 18, (1 << 18) + 16, 1 << 62, 1 << 63, u64::MAX, u64::MAX - 15]
    {
        meet(
            |attached, _| attached.ring.head().store(head, Ordering::SeqCst),
            |writer| {
                for len in (0..2000).map(|n| n * 37 % 5000) {
                    let bytes = vec![1; len];
                    let _ = at_once("a write", || writer.write(&bytes));
                }
                let patience = Duration::from_millis(10);
                let _ = at_once("a patient one", || writer.write_timeout(&[1; 5000], patience));
            },
        );
    }
    // It moves about, within bounds and beyond.
    for beyond in [0, 16] {
        meet(
            |attached, stop| {
                let mut random = Random::new();
                while !stop() {
                    let tail = attached.ring.tail().load(Ordering::SeqCst);
                    let head = random.below(tail / 16 + 1) * 16 + beyond;
                    attached.ring.head().fetch_max(head, Ordering::SeqCst);
                    attached
                        .ring
                        .data(random.below(1000) * 8)
                        .store(random.below(u64::MAX), Ordering::SeqCst);
                    attached.ring.wanted().store(0, Ordering::SeqCst);
                    attached.ring.armed().store(1, Ordering::SeqCst);
                }
            },
            |writer| {
                for len in (0..20_000).map(|n| n * 37 % 30_000) {
                    let _ = at_once("a write", || writer.write(&NOTHING[..len]));
                }
                let patience = Duration::from_millis(10);
                let _ = at_once("a patient one", || writer.write_timeout(&NOTHING, patience));
            },
        );
    }
}

static NOTHING: [u8; 60_000] = [0; 60_000];

/// Limits beyond all reason, or none at all.
fn strange_addresses() {
    for limits in
        ["m0-qffffffffffffffff", "mffffffff-q1000000000", "m0-q0", "m1-q0", "mffffffff-q1"]
    {
        let fake = Fake::new(limits, SocketType::SEQPACKET, 16);
        let mut writer = MailslotWriter::open(NAME).unwrap();
        for len in [0, 1, 2, 10_000, 60_000] {
            let _ = at_once("a write", || writer.write(&NOTHING[..len]));
        }
        drop(fake);
    }
    for limits in ["", "m-q", "m0-q00", "q0-m0", "m0-q1-m0", "m0-q10000000000000000", "m0-q1 "] {
        let _fake = Fake::new(limits, SocketType::SEQPACKET, 16);
        let found = at_once("opening", || MailslotWriter::open(NAME));
        match found {
            Err(OpenError::Io { source, .. }) => {
                assert!(source.to_string().contains("no mailslot"))
            }
            // A number that came before is the nonce's.
            Ok(_) => assert_eq!(limits, "m0-q1-m0"),
            Err(error) => panic!("{error}"),
        }
    }
}

fn strange_sockets() {
    for kind in [SocketType::STREAM, SocketType::DGRAM] {
        let root = mailslot::registry_root();
        let dir = directory_of(NAME);
        std::fs::create_dir(&dir).unwrap();
        let flags = SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrUnix::new(dir.join("s")).unwrap()).unwrap();
        if kind == SocketType::STREAM {
            rustix::net::listen(&socket, 1).unwrap();
        }
        let found = at_once("opening", || MailslotWriter::open(NAME).unwrap_err());
        assert!(matches!(found, OpenError::Io { .. }), "{found}");
        std::fs::remove_dir_all(&dir).unwrap();

        std::fs::create_dir(&dir).unwrap();
        for target in [dir.join("s"), root.join("nothing"), "/dev/null".into(), "/".into()] {
            std::os::unix::fs::symlink(target, dir.join("s")).unwrap();
            assert!(at_once("opening", || MailslotWriter::open(NAME)).is_err());
            std::fs::remove_file(dir.join("s")).unwrap();
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
