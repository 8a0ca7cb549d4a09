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

/// SUE's keeper has other things to do while JOE's greeting comes, and what JOE asks right after it: that needs
/// not be asked again.
#[test]
fn a_request_may_come_in_before_its_greeting_is_heard() {
    let sue = Computer::create("WORKGROUP", "SUE");
    let joe = Computer::joined(sue.invite("JOE", DAY));
    let peers = |of: &Computer| {
        let identity = of.identity();
        let own = Own::new(identity.secret(), keys::new_exchange().unwrap());
        let list = of.store().members(&identity).unwrap();
        Peers::new(&identity.domain, &identity.computer, own, list, now())
    };
    let (mut joes, mut sues) = (peers(&joe), peers(&sue));
    let first = joes.greeting("sue", false).unwrap();
    sues.meet("joe", &first).unwrap();
    let answer = sues.greeting("joe", false).unwrap();
    joes.meet("sue", &answer).unwrap();

    let (state, log) = (State { config: config(""), ..State::default() }, Arc::new(|_: &str| {}));
    let bell = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let (traffic, domains, state) = (Traffic::default(), RwLock::default(), Mutex::new(state));
    let (store, sink) = (sue.store(), sue.sink.clone());
    let shared = Arc::new(Shared { store, sink, log, traffic, domains, state, bell });
    let (sender, notes) = sync_channel(NOTES);
    let domain = Arc::new(Domain::new(&sue.identity(), sues, shared, sender));
    let network = config("").network_of("WORKGROUP");
    let mut keeper = Keeper::new(domain.clone(), sue.store(), sue.identity(), network);

    // This waits for a greeting that never comes.
    domain.receive("joe", [&[wire::SEALED], &[7; 100][..]].concat().into());
    keeper.heed(notes.try_recv().unwrap());
    assert_eq!(domain.refused.lock().unwrap().frames, 1);
    notes.try_recv().unwrap();

    let greeting = joes.greeting("sue", false).unwrap();
    domain.receive("joe", [&[wire::GREETING], &greeting[..]].concat().into());
    let mut request = joe.identity().request().unwrap().text().into_bytes();
    request.push(wire::REQUEST);
    let path = joes.get("sue").unwrap().path.as_ref().unwrap();
    path.channel.seal(7, &mut request);
    let sealed = [&[wire::SEALED], &7u64.to_be_bytes()[..], &request].concat();
    domain.receive("joe", sealed.into());
    let mut kinds = Vec::new();
    while let Ok(note) = notes.try_recv() {
        kinds.push(match &note {
            domain::Note::Greeting { .. } => "greeting",
            domain::Note::Early { .. } => "early",
            domain::Note::Request { .. } => "request",
            _ => "another",
        });
        keeper.heed(note);
    }
    assert_eq!(kinds, ["greeting", "early", "request"]);
    assert!(sue.store().members(&sue.identity()).unwrap().list().find("JOE").unwrap().joined);
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
