//! What Zenoh's sockets need so that a computer that is cut off is found again soon, and holds up
//! nobody else. Zenoh has no settings for any of it and keeps its sockets to itself, so they are
//! looked up here.
//!
//! * It sets `SO_LINGER`, so close(2) waits up to 10 seconds for what the other end has not
//!   acknowledged, in one of the few threads that serve all computers.
//! * Before it takes a computer for gone, it waits until what was begun is written. TCP gives up
//!   only after a quarter of an hour, and if the cable is back before, it tries again less and less
//!   often. All that time Zenoh takes the computer for connected, and connects to it no more.
//! * It looks for other computers every 8 seconds.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::net::sockopt::{
    set_socket_linger, set_tcp_user_timeout, socket_cookie, socket_domain, socket_linger,
    socket_type, tcp_user_timeout,
};
use rustix::net::{AddressFamily, SendFlags, SocketType, getsockname, sendto};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// "Who is there?" in Zenoh's protocol: a scout message of version 9 that asks for peers.
const SCOUT: [u8; 3] = [0x01, 0x09, 0b010];

/// The internet sockets that this process has now.
fn all() -> io::Result<Vec<OwnedFd>> {
    let me = pidfd_open(getpid(), PidfdFlags::empty())?;
    let mut sockets = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let socket = match pidfd_getfd(&me, number, PidfdGetfdFlags::empty()) {
            // Closed meanwhile.
            Err(rustix::io::Errno::BADF) => continue,
            socket => socket?,
        };
        if matches!(socket_domain(&socket), Ok(AddressFamily::INET | AddressFamily::INET6)) {
            sockets.push(socket);
        }
    }
    Ok(sockets)
}

/// Sees to it that no connection that this process has now waits for a computer that is silent:
/// neither when it is closed, nor longer than `patience` before. Gives Zenoh's connections.
pub(super) fn give_up_after(patience: Duration) -> io::Result<Vec<OwnedFd>> {
    let millis = patience.as_millis().try_into().unwrap_or(u32::MAX);
    let mut zenohs = Vec::new();
    for socket in all()? {
        // Those that linger, until this was done.
        if socket_linger(&socket).is_ok_and(|time| time.is_some()) {
            set_socket_linger(&socket, None)?;
            set_tcp_user_timeout(&socket, millis)?;
        } else if tcp_user_timeout(&socket) != Ok(millis) {
            continue;
        }
        zenohs.push(socket);
    }
    Ok(zenohs)
}

/// The sockets with which a session looks for others. Zenoh connects to whoever answers there.
pub(super) struct Scouts {
    sockets: Vec<OwnedFd>,
    group: SocketAddrV4,
}

impl Scouts {
    /// Opens a session, which looks for others in `group`, and finds those sockets of its.
    pub(super) fn of<T>(group: SocketAddrV4, open: impl FnOnce() -> T) -> (T, io::Result<Self>) {
        // What is new after it has been opened is its own.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let before = candidates();
        let opened = open();
        let sockets = before.and_then(|before| {
            let known: Vec<u64> = before.iter().filter_map(|s| socket_cookie(s).ok()).collect();
            let mut sockets = candidates()?;
            sockets.retain(|s| socket_cookie(s).is_ok_and(|cookie| !known.contains(&cookie)));
            Ok(sockets)
        });
        (opened, sockets.map(|sockets| Self { sockets, group }))
    }

    /// Whether there is nothing to ask with.
    pub(super) fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Asks who is there.
    pub(super) fn ask(&self) {
        for socket in &self.sockets {
            // Without a network there is nobody.
            let _ = sendto(socket, &SCOUT, SendFlags::DONTWAIT, &self.group);
        }
    }
}

/// Sockets with which a session may look for others: those it listens with have the group's address.
fn candidates() -> io::Result<Vec<OwnedFd>> {
    let mut sockets = all()?;
    sockets.retain(|socket| {
        let address = getsockname(socket).and_then(SocketAddrV4::try_from);
        socket_type(socket) == Ok(SocketType::DGRAM)
            && address.is_ok_and(|address| *address.ip() == Ipv4Addr::UNSPECIFIED)
    });
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn no_connection_waits_for_the_silent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        for socket in [&near, &far] {
            set_socket_linger(socket, Some(Duration::from_secs(10))).unwrap();
        }
        for _ in 0..2 {
            let zenohs = give_up_after(Duration::from_secs(3)).unwrap();
            for socket in [&near, &far] {
                assert_eq!(socket_linger(socket).unwrap(), None);
                assert_eq!(tcp_user_timeout(socket).unwrap(), 3000);
                let cookie = socket_cookie(socket).unwrap();
                assert!(zenohs.iter().any(|socket| socket_cookie(socket) == Ok(cookie)));
            }
            let other = socket_cookie(&listener).unwrap();
            assert!(zenohs.iter().all(|socket| socket_cookie(socket) != Ok(other)));
        }
    }

    #[test]
    fn a_session_asks_with_its_own_sockets() {
        let group = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = match group.local_addr().unwrap() {
            std::net::SocketAddr::V4(address) => address,
            std::net::SocketAddr::V6(_) => unreachable!(),
        };
        let _other = UdpSocket::bind("0.0.0.0:0").unwrap();
        let (own, scouts) = Scouts::of(address, || UdpSocket::bind("0.0.0.0:0").unwrap());
        let scouts = scouts.unwrap();
        scouts.ask();
        let mut heard = [0; 10];
        let (len, from) = group.recv_from(&mut heard).unwrap();
        assert_eq!(heard[..len], SCOUT);
        assert_eq!(from.port(), own.local_addr().unwrap().port());
        group.set_nonblocking(true).unwrap();
        assert!(group.recv_from(&mut heard).is_err(), "one socket, one question");
    }
}
