//! Direct connections, who may have one, and who may not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;

use super::super::direct::{callers, intake};
use super::super::wire;
use super::*;
use crate::transport::Traffic;

impl Computer {
    fn traffic(&self) -> Traffic {
        self.zenoh.as_ref().unwrap().traffic()
    }

    fn domain(&self) -> Arc<Domain> {
        let domains = self.zenoh.as_ref().unwrap().shared.domains.read().unwrap();
        domains.values().next().unwrap().clone()
    }

    /// Takes direct connections at a port that is known here.
    fn takes_connections(&self) -> u16 {
        let port = free_port();
        self.configure(&format!("direct = {port}"));
        eventually("it listens there", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        port
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[track_caller]
fn meet_directly(a: &Computer, of_a: &str, b: &Computer, of_b: &str) {
    eventually("they are connected directly", || {
        a.way(of_b) == Some(Way::Direct) && b.way(of_a) == Some(Way::Direct)
    });
}

/// Frames of each side that go directly, and that don't, while both send some.
fn sent(sue: &mut Computer, joe: &mut Computer) -> (u64, u64) {
    let before = [sue.traffic(), joe.traffic()];
    exchange(sue, "JOE", joe, "SUE");
    exchange(joe, "SUE", sue, "JOE");
    let after = [sue.traffic(), joe.traffic()];
    let of = |count: fn(&Traffic) -> u64| -> u64 {
        after.iter().map(count).sum::<u64>() - before.iter().map(count).sum::<u64>()
    };
    (of(|t| t.direct_sent), of(|t| t.relayed_sent))
}

#[test]
fn frames_go_directly_and_if_they_cannot_through_zenoh() {
    let (mut sue, mut joe) = two();
    meet_directly(&sue, "SUE", &joe, "JOE");
    let (direct, relayed) = sent(&mut sue, &mut joe);
    assert!(direct >= 2 && relayed == 0, "{direct} {relayed}");
    // Either side can do without.
    joe.configure("direct = false");
    eventually("the connection ends", || sue.way("JOE") == Some(Way::Relayed));
    exchange(&mut sue, "JOE", &mut joe, "SUE");
    for _ in 0..50 {
        let (direct, relayed) = sent(&mut sue, &mut joe);
        assert!(direct == 0 && relayed >= 2, "{direct} {relayed}");
        thread::sleep(Duration::from_millis(20));
    }
    joe.configure("direct = true");
    meet_directly(&sue, "SUE", &joe, "JOE");
}

/// Whichever of the two cannot be reached, whoever begins.
#[test]
fn one_that_can_be_reached_is_enough() {
    let (sue, joe) = two();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for unreachable in [&sue, &joe] {
        meet_directly(&sue, "SUE", &joe, "JOE");
        unreachable.configure(&format!("direct = {port}"));
        let wants = format!("no direct connections are taken at 127.0.0.1 port {port}");
        eventually("it says so", || unreachable.logged(&wants));
        meet_directly(&sue, "SUE", &joe, "JOE");
        unreachable.configure("direct = 0");
    }
}

/// As on a line with too much to do, where what Zenoh says of itself comes too late.
#[test]
fn who_is_heard_directly_is_there_though_zenoh_loses_sight_of_it() {
    let (mut sue, joe) = two();
    meet_directly(&sue, "SUE", &joe, "JOE");
    let domain = sue.domain();
    let run = crate::identity::keys::hex::encode(&joe.domain().read().own.key[..8]);
    let see = |is_there| {
        let (computer, run) = ("joe".to_owned(), run.clone());
        domain.insist(domain::Note::Seen { computer, run, is_there });
    };
    let lost = "joe cannot be reached any more";
    let (start, lines) = (Instant::now(), sue.log.lock().unwrap().len());
    joe.send(&id("SUE"), b"here").unwrap();
    eventually("it comes", || !sue.frames().is_empty());
    see(false);
    // Longer than a connection may be silent.
    eventually("time passes", || {
        let _ = joe.send(&id("SUE"), b"still here");
        assert_eq!(sue.way("JOE"), Some(Way::Direct));
        start.elapsed() > session::LEASE * 2
    });
    see(true);
    see(false);
    // From now on it is silent.
    eventually("SUE misses it", || sue.way("JOE").is_none());
    assert!(!sue.reaches(&id("JOE")));
    assert!(
        sue.log.lock().unwrap()[lines..].iter().filter(|line| line.contains(lost)).count() == 1
    );
    see(true);
    meet_directly(&sue, "SUE", &joe, "JOE");
}

#[test]
fn who_is_shut_out_loses_its_connection() {
    let (mut sue, joe) = two();
    meet_directly(&sue, "SUE", &joe, "JOE");
    sue.revoke("JOE");
    eventually("SUE closes it", || joe.way("SUE") != Some(Way::Direct));
    sue.frames();
    for _ in 0..50 {
        let _ = joe.send(&id("SUE"), b"still here?");
        assert!(sue.frames().is_empty() && joe.way("SUE") != Some(Way::Direct));
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_new_run_of_a_gateway_is_connected_anew() {
    let (sue, mut joe) = two();
    meet_directly(&sue, "SUE", &joe, "JOE");
    for _ in 0..2 {
        drop(joe.zenoh.take());
        eventually("SUE misses JOE", || sue.way("JOE").is_none());
        joe.start();
        meet_directly(&sue, "SUE", &joe, "JOE");
    }
}

/// Reads until the other side ends the connection.
#[track_caller]
fn ends(mut stream: &TcpStream, what: &str) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 1000];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return heard,
            Ok(n) => heard.extend(&buffer[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return heard,
            Err(e) => panic!("{what}: it isn't ended: {e}"),
        }
    }
}

#[test]
fn strangers_are_turned_away() {
    let (mut sue, mut joe) = two();
    let port = sue.takes_connections();
    meet_directly(&sue, "SUE", &joe, "JOE");
    let connect = || TcpStream::connect(("127.0.0.1", port)).unwrap();
    let call = [&b"MSd1"[..], &[7; 32], &[0; 29]].concat();
    let silent = connect();
    let half = connect();
    (&half).write_all(&call[..20]).unwrap();
    for first in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 5000], &[0xff; 5000], &call, &call[..36]] {
        let stream = connect();
        let _ = (&stream).write_all(first);
        assert_eq!(ends(&stream, &format!("{first:?}")), b"", "nobody is told anything");
    }
    eventually("it is in the log", || sue.logged("turned away"));
    assert_eq!(ends(&silent, "silence"), b"");
    assert_eq!(ends(&half, "half a hello"), b"");
    // More than are waited for: the oldest have to go, and those who belong here don't notice.
    let crowd: Vec<TcpStream> = (0..300).map(|_| connect()).collect();
    assert_eq!(ends(&crowd[0], "the oldest"), b"");
    let (direct, relayed) = sent(&mut sue, &mut joe);
    assert!(direct >= 2 && relayed == 0, "{direct} {relayed}");
    // Nor does one that comes.
    joe.configure("direct = false");
    eventually("the connection ends", || sue.way("JOE") == Some(Way::Relayed));
    joe.configure("direct = true");
    meet_directly(&sue, "SUE", &joe, "JOE");
    let lines = sue.log.lock().unwrap().iter().filter(|l| l.contains("turned away")).count();
    assert!((1..5).contains(&lines), "{lines}");
}

/// What JOE's gateway would send, if it wanted to do wrong, and what somebody on the way has recorded.
#[test]
fn members_that_break_the_rules_and_recordings_lose_their_connection() {
    let (mut sue, mut joe) = two();
    let port = sue.takes_connections();
    let frame = |kind: u8, frame: &[u8]| {
        let domain = joe.domain();
        let channel = domain.path("sue").unwrap().1;
        let counter = domain.counter.fetch_add(1, Ordering::Relaxed);
        let mut frame = [frame, &[kind]].concat();
        channel.seal(counter, &mut frame);
        [&intake::head(counter, frame.len())[..], &frame].concat()
    };
    let hello = || {
        let domain = joe.domain();
        let channel = domain.path("sue").unwrap().1;
        callers::hello(&channel, domain.counter.fetch_add(1, Ordering::Relaxed))
    };
    let connect = |first: &[u8]| {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _ = (&stream).write_all(first);
        stream
    };
    let answered = |mut stream: &TcpStream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = [0; 4 + callers::ANSWER];
        stream.read_exact(&mut answer).expect("an answer");
    };
    meet_directly(&sue, "SUE", &joe, "JOE");
    let mut long = intake::head(0, 0);
    long[..4].copy_from_slice(&(intake::LARGEST as u32 + 1).to_be_bytes());
    let old = frame(wire::DATA, b"old");
    let wrong: [(&str, &dyn Fn() -> Vec<u8>); 5] = [
        ("a length that no frame has", &|| long.to_vec()),
        ("garbage", &|| [&intake::head(u64::MAX, 100)[..], &[1; 100]].concat()),
        ("a second hello", &|| frame(wire::HELLO, b"")),
        ("an unknown kind", &|| frame(77, b"x")),
        ("a frame from before", &|| old.clone()),
    ];
    for (what, wrong) in wrong {
        eventually("JOE is back", || joe.way("SUE") == Some(Way::Direct));
        sue.frames();
        let first = hello();
        let stream = connect(&first);
        answered(&stream);
        let _ = (&stream).write_all(&wrong());
        ends(&stream, what);
        assert!(sue.frames().iter().all(|(_, frame)| frame != b"old"), "{what}");
        // The same hello once more.
        assert_eq!(ends(&connect(&first), "a recording"), b"");
        // One that is changed.
        let mut changed = hello();
        changed[60] ^= 1;
        assert_eq!(ends(&connect(&changed), "a changed hello"), b"");
    }
    eventually("it says so", || {
        ["a length that none has", "has not sealed", "no place there"]
            .iter()
            .all(|why| sue.logged(why))
    });
    meet_directly(&sue, "SUE", &joe, "JOE");
    exchange(&mut joe, "SUE", &mut sue, "JOE");
}
