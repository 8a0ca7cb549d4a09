//! Connections that come about just when they are given up.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::net::{getpeername, getsockname};
use zenoh::liveliness::LivelinessToken;

use super::sockets::{Scouts, give_up_after};
use super::unread::Unread;
use super::*;

/// How long each may take to connect, in milliseconds. Where it usually takes as long, it happens every few
/// times.
const PATIENCES: [u64; 16] = [2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 25, 30, 40, 60, 90];
const ROUNDS: usize = 10;
/// They meet much sooner, if they do.
const SOON: Duration = Duration::from_secs(2);

/// One of two sessions.
struct Half {
    session: Session,
    _token: LivelinessToken,
    scouts: Option<Scouts>,
    port: u16,
    /// It has heard of the other.
    heard: Arc<AtomicBool>,
}

impl Half {
    fn open(identity: &Identity, patience: Duration) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = config(&format!("listen = ['127.0.0.1:{port}']"));
        let network = config.network_of("WORKGROUP");
        let (session, scouts) = session::open_within(identity, &network, patience).unwrap();
        let heard = Arc::new(AtomicBool::new(false));
        let theirs = heard.clone();
        let own = format!("half/{port}");
        let token = session.liveliness().declare_token(own.clone()).wait().unwrap();
        session
            .liveliness()
            .declare_subscriber("half/*")
            .history(true)
            .callback(move |sample| {
                if **sample.key_expr() != *own {
                    theirs.store(true, Ordering::Relaxed);
                }
            })
            .background()
            .wait()
            .unwrap();
        Self { session, _token: token, scouts, port, heard }
    }
}

fn have_met(halves: &[Half; 2]) -> bool {
    halves.iter().for_each(|half| half.scouts.as_ref().unwrap().ask());
    thread::sleep(Duration::from_millis(50));
    halves.iter().all(|half| half.heard.load(Ordering::Relaxed))
}

/// Their connections.
fn sockets(halves: &[Half; 2]) -> Vec<OwnedFd> {
    let ports = halves.each_ref().map(|half| half.port);
    let mut sockets = give_up_after(session::LEASE).unwrap();
    sockets.retain(|socket| {
        let ends = [getsockname(socket).ok(), getpeername(socket).ok().flatten()];
        let mut ends = ends.into_iter().flatten().filter_map(|end| SocketAddr::try_from(end).ok());
        ends.any(|end| ports.contains(&end.port()))
    });
    sockets
}

#[test]
fn what_was_given_up_a_moment_too_early_is_made_anew() {
    let identity = Computer::create("WORKGROUP", "SUE").identity();
    for millis in PATIENCES.repeat(ROUNDS) {
        let patience = Duration::from_millis(millis);
        let halves = [(); 2].map(|()| Half::open(&identity, patience));
        let start = Instant::now();
        let mut met = false;
        while !met && start.elapsed() < SOON {
            met = have_met(&halves);
        }
        let mut unread = Unread::default();
        let mut ended = 0;
        if !met {
            // It may be that none has come about yet.
            for _ in 0..3 {
                ended += unread.end(&sockets(&halves)).len();
                thread::sleep(Duration::from_millis(500));
            }
        }
        if ended > 0 {
            println!("after {millis} ms");
            // It may happen once more.
            eventually("they meet", || {
                unread.end(&sockets(&halves));
                have_met(&halves)
            });
        }
        for half in halves {
            half.session.close().wait().unwrap();
        }
        if ended > 0 {
            return;
        }
    }
    panic!("none was given up at the right moment: this says nothing");
}
