//! Renewals that something comes in between of.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::*;
use crate::identity::keys::exchange_public;

/// Waits until somebody waits for that lock.
#[track_caller]
fn somebody_waits_for(store: &Store) {
    let inode = fs::metadata(store.domains_dir().join("lock")).unwrap().ino();
    let inode = format!(":{inode} ");
    eventually("somebody waits for the lock", || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("->") && line.contains(&inode))
    });
}

/// The new session asks with the keys that the old one has chosen, and may have asked with already:
/// others would know it by those.
#[test]
fn a_reload_during_a_renewal_keeps_its_keys() {
    let mut sue = Computer::create("WORKGROUP", "SUE");
    let mut joe = Computer::joined(sue.invite("JOE", DAY)).on();
    let store = joe.store();
    let lock = store.lock().unwrap();
    sue.start();
    // JOE has keys to ask with, and can't note them down.
    somebody_waits_for(&store);
    drop(sue.zenoh.take());

    let watch = inotify::init(CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, store.domains_dir(), WatchFlags::CLOSE_NOWRITE).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!("[network]\ninterface = 'lo'\nlisten = ['127.0.0.1:{port}']");
    joe.zenoh.as_ref().unwrap().reload(Config::parse(&config).unwrap());
    let mut events = [0; 4096];
    eventually("the supervisor has read the identity", || {
        let n = rustix::io::read(&watch, &mut events).unwrap();
        events[..n].windows(9).any(|bytes| bytes == b".identity")
    });
    drop(lock);
    let connects = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    eventually("JOE has a new session", connects);
    assert!(joe.identity().pending.is_some());
    let asked = joe.identity().request().unwrap();

    sue.start();
    eventually("JOE is renewed", || joe.identity().pending.is_none());
    assert_eq!(exchange_public(&joe.identity().secret()), asked.exchange);
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    exchange(&mut joe, "SUE", &mut sue, "JOE");
}
