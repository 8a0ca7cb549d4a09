//! Computers that are not who they say, or have no business here.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;
use crate::identity::member::RenewalRequest;

/// A raw session with somebody's certificate, to do what no gateway does.
fn raw(identity: &Identity) -> Session {
    let network = Config::parse("network.interface = 'lo'").unwrap().network_of(&identity.domain);
    session::open(identity, &network).unwrap().0
}

/// A session that has met the others: `sue` gets what it puts.
fn connected(identity: &Identity) -> Session {
    let session = raw(identity);
    eventually("the session sees a gateway", || {
        let tokens = session.liveliness().get("ms1/**").wait().unwrap();
        tokens.iter().next().is_some()
    });
    session
}

#[test]
fn a_member_cannot_write_in_anothers_name_nor_read_what_is_anothers() {
    // Of what goes directly she would hear nothing.
    let (mut sue, mut joe) = two_with("direct = false");
    let ann = Computer::joined(sue.invite("ANN", DAY));
    let session = connected(&ann.identity());
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let ears = heard.clone();
    let _subscriber = session
        .declare_subscriber("ms1/**")
        .callback(move |sample| ears.lock().unwrap().extend(sample.payload().to_bytes().iter()))
        .wait()
        .unwrap();
    sue.frames();
    let secret = b"the secret of the frame";
    eventually("ANN hears something", || {
        let _ = joe.send(&id("SUE"), secret);
        !heard.lock().unwrap().is_empty()
    });
    eventually("SUE gets it", || !sue.frames().is_empty());
    let recorded = heard.lock().unwrap().clone();
    assert!(!recorded.windows(secret.len()).any(|bytes| bytes == secret));

    // In JOE's name: garbage of each kind, what was recorded, and a frame that isn't sealed.
    for kind in 0..=255u8 {
        let payload = [&[kind], &recorded[..recorded.len().min(200)]].concat();
        for from in ["joe", "sue", "ann", "nobody", ".."] {
            session.put(format!("ms1/workgroup/sue/{from}"), payload.clone()).wait().unwrap();
        }
    }
    session.put("ms1/workgroup/sue/joe", vec![2; LARGEST_FRAME * 4]).wait().unwrap();
    session.put("ms1/workgroup/sue/joe", Vec::new()).wait().unwrap();
    eventually("it is noticed", || sue.logged("thrown away"));
    eventually("the rest has been looked at", || {
        let _ = joe.send(&id("SUE"), b"the end");
        let came = sue.frames();
        for (from, frame) in &came {
            // JOE's own frames may be sent again by ANN, which the core expects.
            assert!(*from == id("JOE") && (frame == secret || frame == b"the end"), "{frame:?}");
        }
        came.iter().any(|(_, frame)| frame == b"the end")
    });
    exchange(&mut joe, "SUE", &mut sue, "JOE");
}

#[test]
fn another_domain_of_the_same_name_is_another() {
    let (mut sue, mut joe) = two();
    // The multicast port hangs on the authority's key, so this one is told where to knock.
    let mut mallory = Computer::create("WORKGROUP", "MALLORY");
    let address = listening(&sue);
    let config = format!("[network]\ninterface = 'lo'\npeers = ['{address}']");
    let log: Log = Arc::new(|_: &str| {});
    let config = Config::parse(&config).unwrap();
    let zenoh = Zenoh::start(mallory.store(), config, mallory.sink.clone(), log).unwrap();
    mallory.zenoh = Some(zenoh);
    for _ in 0..100 {
        assert!(!mallory.reaches(&id("SUE")) && !sue.reaches(&id("MALLORY")));
        assert_eq!(mallory.send(&id("SUE"), b"x"), Err(SendError::Unreachable));
        thread::sleep(Duration::from_millis(20));
    }
    exchange(&mut joe, "SUE", &mut sue, "JOE");
}

#[test]
fn who_does_not_speak_tls_gets_nowhere() {
    use std::io::{Read, Write};
    let (mut sue, mut joe) = two();
    let address = listening(&sue);
    let mut open = Vec::new();
    for i in 0..200u32 {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        let garbage: Vec<u8> = (0..10_000u32).map(|n| (n.wrapping_mul(i + 7) >> 3) as u8).collect();
        let _ = stream.write_all(&garbage);
        // Every other one just stays.
        if i % 2 == 0 {
            open.push(stream);
        } else {
            stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            let _ = stream.read(&mut [0; 100]);
        }
    }
    exchange(&mut joe, "SUE", &mut sue, "JOE");
    let mut ann = Computer::joined(sue.invite("ANN", DAY)).on();
    exchange(&mut ann, "SUE", &mut sue, "ANN");
}

#[test]
fn an_expired_certificate_is_refused() {
    let mut sue = Computer::create("WORKGROUP", "SUE");
    let before = now();
    let invitation = sue.invite("JOE", 2);
    // He has joined before, however long this has taken.
    let mut joe = Computer::new();
    joe.join_at(invitation, before);
    let expires = joe.identity().expires;
    eventually("the certificate expires", || now() > expires);
    sue.start();
    joe.start();
    let mut ann = Computer::joined(sue.invite("ANN", DAY)).on();
    exchange(&mut ann, "SUE", &mut sue, "ANN");
    eventually("JOE says why", || joe.logged("has expired"));
    for _ in 0..50 {
        assert!(!sue.reaches(&id("JOE")) && !joe.reaches(&id("SUE")));
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(sue.members(), ["ANN"]);
}

#[test]
fn who_is_shut_out_finds_in_its_log_why() {
    let mut sue = Computer::create("WORKGROUP", "SUE");
    // One that doesn't meet the authority in time, and is on by then.
    let late = Computer::joined(sue.invite("LATE", 5)).on();
    eventually("it says so when it happens", || late.logged("has expired"));
    sue.start();
    let invitation = sue.invite("JOE", DAY);
    let mut joe = Computer::joined(invitation.clone()).on();
    eventually("JOE is renewed", || joe.identity().expires > now() + 2 * DAY);
    exchange(&mut joe, "SUE", &mut sue, "JOE");
    // A copy of his invitation.
    let mut second = Computer::joined(invitation).on();
    eventually("it is told", || second.logged("another has used its invitation"));
    assert!(second.logged("`mailslot domain revoke JOE`") && !second.reaches(&id("SUE")));
    assert!(!joe.logged("another has used"));
    exchange(&mut joe, "SUE", &mut sue, "JOE");
}

#[test]
fn only_the_authority_renews() {
    let (sue, joe) = two();
    // JOE's gateway is asked, and has no key to sign with.
    let mut ann = Computer::joined(sue.invite("ANN", DAY)).identity();
    let request: RenewalRequest = ann.request().unwrap();
    assert!(joe.store().authority(&joe.identity()).unwrap().is_none());
    let (other, _, _) = Authority::create("WORKGROUP", "JOE", now()).unwrap();
    let list = sue.store().members(&sue.identity()).unwrap();
    let (_, forged) = other.renew(&list, "ANN", &request, now()).unwrap();
    let key = sue.identity().authority_public;
    assert!(identity::SignedList::parse(forged.text().as_bytes(), "WORKGROUP", &key).is_err());
}

/// Has a computer listen where that is known here.
fn listening(computer: &Computer) -> SocketAddr {
    // On an address where nobody else looks for a port: else that could be taken meanwhile.
    let [a, b, c, _] = std::process::id().to_be_bytes();
    static LAST: AtomicU8 = AtomicU8::new(1);
    let address = Ipv4Addr::new(127, 128 | a ^ b, c, LAST.fetch_add(1, Ordering::Relaxed));
    let address = TcpListener::bind((address, 0)).unwrap().local_addr().unwrap();
    let config = format!("[network]\ninterface = 'lo'\nlisten = ['{address}']");
    computer.zenoh.as_ref().unwrap().reload(Config::parse(&config).unwrap());
    eventually("it listens there", || TcpStream::connect(address).is_ok());
    address
}
