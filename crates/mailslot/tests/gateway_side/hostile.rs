//! Who doesn't keep to the protocol of gateways: writers, and gateways.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use mailslot::gateway::Outcome;
use mailslot::{MailslotWriter, SlotName, registry_root};
use mailslot_wire::answer::{self, ANSWER_MAX, TargetState};
use mailslot_wire::limits::{Limits, private_dir_name};
use mailslot_wire::message;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

use crate::forwarding::{forward, sue};
use crate::gateway::{Desk, JOE, gateway};
use crate::support::{Case, NAME, PATIENCE, both_kinds, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::new("hostile::writers_to_a_gateway", writers_to_a_gateway),
    Case::new("hostile::writers_to_a_slot", writers_to_a_slot),
    Case::new("hostile::a_gateway", a_gateway),
];

fn socket() -> OwnedFd {
    let flags = SocketFlags::CLOEXEC;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

/// Connects and sends these messages, as far as they are taken.
fn say(dir: &Path, messages: &[Vec<u8>]) -> OwnedFd {
    let socket = socket();
    rustix::net::connect(&socket, &SocketAddrUnix::new(dir.join("s")).unwrap()).unwrap();
    for message in messages {
        let _ = rustix::net::send(&socket, message, SendFlags::NOSIGNAL);
    }
    socket
}

fn is_thrown_out(socket: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::empty())];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap();
    fds[0].revents().contains(PollFlags::HUP)
}

fn record(bytes: &[u8]) -> Vec<u8> {
    [&message::record_header(1), bytes].concat()
}

fn target(confirmed: bool) -> Vec<u8> {
    let confirmed = confirmed.then_some(message::Confirmed { handle: [7; 16], first: 0 });
    message::target(&SlotName::parse(JOE).unwrap(), confirmed)
}

fn origin() -> Vec<u8> {
    let origin = message::Origin { computer: "ANN", domain: "W", user: "sue", pid: 1 };
    origin.encode().unwrap()
}

fn writers_to_a_gateway() {
    let slot = gateway();
    let mut desk = Desk::default();
    let cut = target(true)[..20].to_vec();
    for (opened, messages) in [
        (0, vec![record(b"without a target")]),
        (0, vec![origin(), record(b"x")]),
        (0, vec![cut, record(b"x")]),
        (0, vec![vec![0; 100]]),
        (1, vec![target(false), target(false)]),
        (1, vec![target(false), origin(), record(b"x")]),
        (1, vec![target(false), message::attach(16, 1, 1).to_vec()]),
        // Without the time-out that every confirmed record begins with.
        (1, vec![target(true), record(b"abc")]),
    ] {
        let before = desk.seen.len();
        let raw = say(slot.dir(), &messages);
        let start = Instant::now();
        while !is_thrown_out(&raw) {
            assert!(start.elapsed() < PATIENCE, "{messages:?}");
            desk.serve(&slot, Duration::from_millis(5));
        }
        desk.until(&slot, |desk| desk.closed() == desk.seen.len());
        assert_eq!(desk.seen.len() - before, opened, "{messages:?}");
        assert!(desk.records.is_empty(), "{messages:?}");
    }
    let mut honest = MailslotWriter::open(JOE).unwrap();
    honest.write(b"honest").unwrap();
    desk.until(&slot, |desk| desk.records == [b"honest"]);
}

fn writers_to_a_slot() {
    for options in both_kinds() {
        let slot = options.create(NAME).unwrap();
        let dir = registry_root().join(SlotName::parse(NAME).unwrap().file_name());
        for messages in [
            vec![target(false), record(b"x")],
            vec![origin(), origin()],
            vec![record(b"x"), origin()],
            vec![origin()[..30].to_vec(), record(b"x")],
        ] {
            let raw = say(&dir, &messages);
            wait_until("being thrown out", || {
                if let Ok(found) = slot.try_receive() {
                    // What came before the offence may be read.
                    let before = matches!(&messages[0][3], 1);
                    assert!(before && found.bytes() == b"x" && found.origin().is_none());
                }
                is_thrown_out(&raw)
            });
        }
        forward(&sue()).write(b"honest").unwrap();
        let found = slot.receive_timeout(Some(PATIENCE)).unwrap();
        assert_eq!((found.bytes(), found.origin()), (&b"honest"[..], Some(&sue())));
    }
}

/// Whatever it says, the writer learns what is true or nothing, and in time.
fn a_gateway() {
    let limits = Limits { max_record: 0, quota: 1 << 20 };
    let root = registry_root();
    let private = root.join(private_dir_name(std::process::id(), 1, limits));
    std::fs::create_dir(&private).unwrap();
    let listener = socket();
    rustix::net::bind(&listener, &SocketAddrUnix::new(private.join("s")).unwrap()).unwrap();
    rustix::net::listen(&listener, 10).unwrap();
    let dir = root.join("mailslot-gateway");
    std::fs::rename(private, &dir).unwrap();

    let fake = thread::spawn(move || {
        let writer = rustix::net::accept(&listener).unwrap();
        let heard = |what: &str| {
            let mut buffer = vec![0; 1 << 16];
            let len = rustix::net::recv(&writer, &mut buffer[..], RecvFlags::empty()).unwrap().0;
            assert!(len > 0, "{what}");
        };
        let tell = |bytes: &[u8]| {
            let _ = rustix::net::send(&writer, bytes, SendFlags::NOSIGNAL);
        };
        heard("the target");
        let garbage = [
            vec![],
            vec![1],
            vec![0xff; 16],
            vec![7; ANSWER_MAX + 1],
            b"MS\x01\x13\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xffJOE".to_vec(),
            answer::outcomes(5, true, [(Outcome::Accepted, "FIVE")]).remove(0),
            answer::target(TargetState::Known),
            answer::lost(u64::MAX),
        ];
        garbage.iter().for_each(|bytes| tell(bytes));
        heard("the record");
        garbage.iter().for_each(|bytes| tell(bytes));
        tell(&answer::outcomes(0, true, [(Outcome::Full, "ZERO")])[0]);
        // It goes on and on until the writer leaves.
        while rustix::net::send(&writer, &[1; 100], SendFlags::NOSIGNAL).is_ok() {}
    });
    let mut writer = MailslotWriter::options().confirmed(true).open(JOE).unwrap();
    let confirmation = writer.write_confirmed(b"x", PATIENCE).unwrap();
    let outcomes: Vec<_> = confirmation.outcomes().collect();
    assert_eq!(outcomes, [("ZERO", Outcome::Full)]);
    assert_eq!(writer.lost(), u64::MAX);
    let start = Instant::now();
    let second = writer.write_confirmed(b"y", Duration::from_millis(200));
    assert!(second.is_ok_and(|second| !second.is_complete() && !second.is_accepted()));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    drop(writer);
    fake.join().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}
