//! Descriptors that no honest writer sends: of all kinds, in bulk, too few.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use mailslot_ring::Geometry;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fs::{FileType, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{PidfdFlags, pidfd_open};
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

use crate::raw::{QUOTA, Raw, Ring, bell, first_record, memfd, ring_bell};
use crate::siege::withstand;
use crate::support::Case;

pub(crate) const CASES: &[Case] = &[
    Case::new("descriptors::wrong_memory", wrong_memory),
    Case::new("descriptors::wrong_bells", wrong_bells),
    Case::new("descriptors::too_few", too_few),
    Case::new("descriptors::in_bulk", in_bulk),
];

fn open(path: &str, flags: OFlags) -> OwnedFd {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// One of each kind that neither memory nor a bell can be.
fn strangers() -> Vec<(&'static str, OwnedFd)> {
    let dir = std::env::temp_dir().join(format!("mailslot-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let [file, fifo] = ["file", "pipe:[1]"].map(|name| dir.join(name));
    std::fs::write(&file, [0; 4096]).unwrap();
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, mode, 0).unwrap();
    let flags = SocketFlags::CLOEXEC;
    let (stream, _) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let inotify = rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).unwrap();
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).unwrap();
    let myself = pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).unwrap();
    let opened = |path: &std::path::Path, flags| open(path.to_str().unwrap(), flags);
    let all = vec![
        ("a file", opened(&file, OFlags::RDWR)),
        ("a FIFO", opened(&fifo, OFlags::RDWR)),
        ("a directory", opened(&dir, OFlags::RDONLY | OFlags::DIRECTORY)),
        ("a mere path", opened(&file, OFlags::PATH)),
        ("/dev/null", open("/dev/null", OFlags::RDWR)),
        ("/dev/zero", open("/dev/zero", OFlags::RDWR)),
        ("a file of /proc", open("/proc/self/mem", OFlags::RDONLY)),
        ("a socket", stream),
        ("another connection to the slot", Raw::connect().socket),
        ("an epoll", epoll),
        ("an inotify", inotify),
        ("a timer", timer),
        ("a process", myself),
        ("an eventfd", eventfd(0, EventfdFlags::CLOEXEC).unwrap()),
    ];
    std::fs::remove_dir_all(&dir).unwrap();
    all
}

/// Memory that is not as a ring's must be.
fn misshapen() -> Vec<(&'static str, OwnedFd)> {
    let len = Geometry::for_quota(QUOTA).file_len();
    let good = memfd(len, SealFlags::SHRINK);
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&good));
    let mut all = vec![
        ("memory without seals", memfd(len, SealFlags::empty())),
        ("memory that can shrink", memfd(len, SealFlags::GROW | SealFlags::SEAL)),
        ("memory that can't be written", memfd(len, SealFlags::SHRINK | SealFlags::WRITE)),
        ("no memory", memfd(0, SealFlags::SHRINK)),
        ("too little memory", memfd(len - 1, SealFlags::SHRINK)),
        ("a page less", memfd(len - 4096, SealFlags::SHRINK)),
        ("a page more", memfd(len + 4096, SealFlags::SHRINK)),
        ("far too much memory", memfd(1 << 40, SealFlags::SHRINK)),
        ("memory opened to be read", open(&path, OFlags::RDONLY)),
        ("the path of memory", open(&path, OFlags::PATH)),
    ];
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
    if let Ok(huge) = rustix::fs::memfd_create("huge", flags) {
        let whole = len.next_multiple_of(2 << 20);
        rustix::fs::ftruncate(&huge, whole).unwrap();
        rustix::fs::fcntl_add_seals(&huge, SealFlags::SHRINK).unwrap();
        all.push(("memory of huge pages", huge));
    }
    all
}

fn expect_refusal(what: &str, first: Option<&[u8]>, descriptors: &[BorrowedFd<'_>]) {
    let peer = Raw::connect();
    if let Some(first) = first {
        peer.send(first, &[]).unwrap();
    }
    let _ = peer.send(&Ring::new().announcement(), descriptors);
    peer.expect_to_be_thrown_out(what);
}

fn wrong_memory() {
    withstand(|| {
        let record = first_record(1, b"a record first");
        for (what, fd) in misshapen().into_iter().chain(strangers()) {
            let (far, _near) = bell();
            for first in [None, Some(&record[..])] {
                expect_refusal(what, first, &[fd.as_fd(), far.as_fd()]);
            }
        }
        let (far, near) = bell();
        expect_refusal("a pipe as memory", None, &[far.as_fd(), near.as_fd()]);
    });
}

fn wrong_bells() {
    withstand(|| {
        let ring = Ring::new();
        for (what, fd) in strangers() {
            expect_refusal(what, None, &[ring.memory.as_fd(), fd.as_fd()]);
        }
        expect_refusal("memory as a bell", None, &[ring.memory.as_fd(), ring.memory.as_fd()]);
    });
}

fn too_few() {
    withstand(|| {
        let ring = Ring::new();
        expect_refusal("no descriptors", None, &[]);
        expect_refusal("no bell", None, &[ring.memory.as_fd()]);
        let (far, _near) = bell();
        expect_refusal("no memory", None, &[far.as_fd()]);
        expect_refusal("the wrong way round", None, &[far.as_fd(), ring.memory.as_fd()]);
    });
}

fn in_bulk() {
    withstand(|| {
        let null = File::open("/dev/null").unwrap();
        let many = [null.as_fd(); 253];
        for _ in 0..20 {
            let peer = Raw::connect();
            peer.send(&first_record(1, b"with descriptors"), &many).unwrap();

            let peer = Raw::connect();
            let _ = peer.send(b"?", &many);
            peer.expect_to_be_thrown_out("nonsense with descriptors");

            // More than needed behind what is needed: the reader takes none of those.
            let (peer, mut ring) = (Raw::connect(), Ring::new());
            let (far, near) = bell();
            let mut descriptors = vec![ring.memory.as_fd(), far.as_fd()];
            descriptors.extend(&many[2..]);
            peer.send(&ring.announcement(), &descriptors).unwrap();
            ring.append(1, b"a record");
            ring.publish();
            ring_bell(&near);
            ring.wait_until_read();
            let _ = peer.send(&ring.announcement(), &many);
            peer.expect_to_be_thrown_out("more descriptors");
        }
    });
}
