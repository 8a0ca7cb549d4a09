use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::epoll::{self, EventData, EventFlags};

use crate::{Mailslot, MailslotWriter, ReadError};

/// A descriptor that shows a writer's arrival is readable already, and a ring that is looked at
/// needs no bell: a record that comes at the end of a read in vain must show as an edge all the same,
/// since tokio waits for one after it.
#[test]
fn a_record_behind_a_read_in_vain_makes_an_edge() {
    let name = format!(r"\\.\mailslot\edge-{}", std::process::id());
    let slot = Mailslot::create(&name).unwrap();
    let mut writer = MailslotWriter::open(&name).unwrap();
    for _ in 0..2 {
        // The second makes the ring.
        writer.write(b"x").unwrap();
        slot.receive().unwrap();
    }
    let outer = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let edge = EventFlags::IN | EventFlags::ET;
    epoll::add(&outer, slot.as_fd(), EventData::new_u64(0), edge).unwrap();
    let edges = || {
        let mut events = [MaybeUninit::uninit(); 4];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        epoll::wait(&outer, &mut events, Some(&now)).unwrap().0.len()
    };

    let looked: Result<(), _> = slot.with_core(Some(Duration::ZERO), |core| {
        core.set_attention(true);
        assert_eq!(edges(), 1, "the arrival");
        writer.write(b"read").unwrap();
        let (place, next) = core.next_or_collect()?.expect("it is there");
        core.pop(place, &next);
        assert!(!core.collect()?);
        edges();
        writer.write(b"late").unwrap();
        assert_eq!(edges(), 0, "the ring is looked at: no bell");
        Ok(None)
    });
    assert!(matches!(looked, Err(ReadError::TimedOut { .. })));
    assert_eq!(edges(), 1, "a record waits");
    assert_eq!(slot.try_receive().unwrap().bytes(), b"late");
}
