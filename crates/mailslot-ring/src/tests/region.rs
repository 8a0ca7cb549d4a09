use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags};

use super::{drain, pattern, push, read};
use crate::geometry::{HEADER_BYTES, HUGE_PAGE};
use crate::producer::reserve::STRIDE;
use crate::{Consumer, Cursor, Geometry, Producer, Region, RegionError};

fn memfd(flags: MemfdFlags, len: u64, seals: SealFlags) -> OwnedFd {
    let fd = rustix::fs::memfd_create("test", flags).unwrap();
    rustix::fs::ftruncate(&fd, len).unwrap();
    rustix::fs::fcntl_add_seals(&fd, seals).unwrap();
    fd
}

fn allocated(fd: &OwnedFd) -> u64 {
    rustix::fs::fstat(fd).unwrap().st_blocks as u64 * 512
}

#[test]
fn two_mappings_share_one_ring() {
    let geometry = Geometry::for_quota(1 << 20);
    let (region, fd) = Region::create(geometry).unwrap();
    let mut producer = Producer::new(region, geometry, 1 << 20);
    let mapped = Region::open(fd.as_fd(), geometry).unwrap();
    let mut consumer = Consumer::new(mapped, geometry, Cursor::default());
    let _ = push(&mut producer, 5, &pattern(5, 300_000)).unwrap();
    consumer.look().unwrap();
    assert_eq!(read(&mut consumer), Some((5, pattern(5, 300_000))));
}

#[test]
fn a_new_ring_takes_a_page() {
    let geometry = Geometry::for_quota(1 << 36);
    let (_region, fd) = Region::create(geometry).unwrap();
    assert!(geometry.file_len() > 1 << 39);
    assert_eq!(allocated(&fd), rustix::param::page_size() as u64);
}

#[test]
fn what_others_could_take_away_is_refused() {
    let geometry = Geometry::for_quota(1);
    let len = geometry.file_len();
    let sealable = MemfdFlags::ALLOW_SEALING;
    let open = |fd: &OwnedFd| Region::open(fd.as_fd(), geometry);

    assert!(open(&memfd(sealable, len, SealFlags::SHRINK)).is_ok());
    let unsealed = memfd(sealable, len, SealFlags::GROW);
    assert!(matches!(open(&unsealed), Err(RegionError::Unsealed)));
    let file = std::fs::File::open("/proc/self/exe").unwrap().into();
    assert!(matches!(open(&file), Err(RegionError::Unsealed)));
    let socket = std::os::unix::net::UnixDatagram::unbound().unwrap().into();
    assert!(matches!(open(&socket), Err(RegionError::Unsealed)));
    for wrong in [0, len - 1, len + 1] {
        let fd = memfd(sealable, wrong, SealFlags::SHRINK);
        let refused = open(&fd);
        let Err(RegionError::Size { expected, found }) = refused else { panic!("{refused:?}") };
        assert_eq!((expected, found), (len, wrong));
    }
    let unwritable = memfd(sealable, len, SealFlags::SHRINK | SealFlags::WRITE);
    assert!(matches!(open(&unwritable), Err(RegionError::Io(_))));
}

#[test]
fn memory_made_of_huge_pages_is_refused() {
    let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
    let Ok(fd) = rustix::fs::memfd_create("test", flags) else { return };
    rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK).unwrap();
    let refused = Region::open(fd.as_fd(), Geometry::for_quota(1));
    assert!(matches!(refused, Err(RegionError::NotOrdinary)));
}

#[test]
fn own_memory_is_sealed_against_every_size() {
    let (_region, fd) = Region::create(Geometry::for_quota(1)).unwrap();
    assert!(rustix::fs::ftruncate(&fd, 0).is_err());
    assert!(rustix::fs::ftruncate(&fd, 1 << 30).is_err());
    let flags = rustix::io::fcntl_getfd(&fd).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

/// Fills 64 MiB, then drains them in looks of `batch` records: little memory may stay.
fn drain_burst(batch: usize) {
    let quota = 64 << 20;
    let geometry = Geometry::for_quota(quota);
    let (region, fd) = Region::create(geometry).unwrap();
    let mut producer = Producer::new(region, geometry, quota);
    let mapped = Region::open(fd.as_fd(), geometry).unwrap();
    let mut consumer = Consumer::new(mapped, geometry, Cursor::default());
    let mut stamps = 0u64;
    let bytes = pattern(7, 5000);
    while push(&mut producer, stamps, &bytes).is_ok() {
        stamps += 1;
    }
    assert_eq!(stamps, quota / 5024);
    assert!(allocated(&fd) > 63 << 20);
    let mut stamp = 0;
    while consumer.look().unwrap() {
        for _ in 0..batch {
            let Some((found, content)) = read(&mut consumer) else { break };
            assert!(found == stamp && content == bytes);
            let _ = consumer.pop();
            stamp += 1;
        }
        let _ = consumer.release();
    }
    assert_eq!(stamp, stamps);
    let left = allocated(&fd);
    assert!(left < 4 << 20, "{left} bytes stay with reads of {batch}");
    assert_eq!(producer.waiting(), Ok(0));

    // Once the reader has had nothing to do, the next small records return to level 0, and what is left of the large one goes too.
    consumer.close();
    for _ in 0..STRIDE / 1024 + 1 {
        let _ = push(&mut producer, 1, &[7; 1024]).unwrap();
        assert_eq!(drain(&mut consumer), [1]);
    }
    assert_eq!(consumer.cursor().level, 0);
    let left = allocated(&fd);
    assert!(left <= (256 + 1024 + 64) << 10, "{left} bytes stay after the return to level 0");
}

/// What `/proc` says of the mappings of a ring: where each begins, in the file too, and its flags.
fn mappings(ring: &OwnedFd) -> Vec<(u64, u64, String)> {
    let inode = rustix::fs::fstat(ring).unwrap().st_ino.to_string();
    let mut found: Vec<(u64, u64, String)> = Vec::new();
    let mut of_ring = false;
    for line in std::fs::read_to_string("/proc/self/smaps").unwrap().lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if words.len() >= 5 && words[0].contains('-') {
            of_ring = words[4] == inode;
            if of_ring {
                let hex = |text| u64::from_str_radix(text, 16).unwrap();
                let start = words[0].split('-').next().unwrap();
                found.push((hex(start), hex(words[2]), String::new()));
            }
        } else if let (true, Some(flags)) = (of_ring, line.strip_prefix("VmFlags:")) {
            found.last_mut().unwrap().2 = flags.to_owned();
        }
    }
    found
}

/// Whether it gets them the system's administrator decides.
#[test]
fn a_burst_asks_for_huge_pages_where_they_fit() {
    let quota = 64 << 20;
    let geometry = Geometry::for_quota(quota);
    let (region, fd) = Region::create(geometry).unwrap();
    let mut producer = Producer::new(region, geometry, quota);
    let asked = |fd: &OwnedFd| {
        let huge = mappings(fd).into_iter().filter(|mapping| mapping.2.contains(" hg "));
        huge.map(|(address, offset, _)| (address, offset)).collect::<Vec<_>>()
    };
    for (address, offset, _) in mappings(&fd) {
        assert_eq!(address % HUGE_PAGE, offset % HUGE_PAGE);
    }
    for _ in 0..10 {
        let _ = push(&mut producer, 1, &[7; 1 << 20]).unwrap();
    }
    assert_eq!(asked(&fd), []);
    while push(&mut producer, 1, &[7; 1 << 20]).is_ok() {}
    if std::fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
        let [(address, offset)] = asked(&fd)[..] else { panic!("{:?}", mappings(&fd)) };
        assert_eq!((address % HUGE_PAGE, offset % HUGE_PAGE), (0, 0));
        assert_eq!(offset, HEADER_BYTES as u64 + geometry.start(4));
    }
}

#[test]
fn a_drained_burst_gives_its_memory_back() {
    drain_burst(usize::MAX);
}

#[test]
fn memory_goes_back_even_if_every_record_is_released_alone() {
    drain_burst(1);
}

#[test]
fn ten_bursts_leave_no_more_than_one() {
    let quota = 16 << 20;
    let geometry = Geometry::for_quota(quota);
    let (region, fd) = Region::create(geometry).unwrap();
    let mut producer = Producer::new(region, geometry, quota);
    let mapped = Region::open(fd.as_fd(), geometry).unwrap();
    let mut consumer = Consumer::new(mapped, geometry, Cursor::default());
    for _ in 0..10 {
        while push(&mut producer, 1, &[7; 60_000]).is_ok() {}
        assert!(allocated(&fd) < 20 << 20);
        let _ = drain(&mut consumer);
        consumer.close();
        assert!(allocated(&fd) < 4 << 20);
    }
}
